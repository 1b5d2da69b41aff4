CREATE FUNCTION safedeploy.unlock(name text, token bigint)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_unlock';
COMMENT ON FUNCTION safedeploy.unlock(text, bigint) IS
'Releases a deploy lock that this session took with that token.  Takes effect at once, also in a transaction that is rolled back later.  Errors: SD201 when this session does not hold the lock or took it with another token (the detail says who holds it, since when, for which run); SD202 when the lock has been lost and a newer token has been issued.';
REVOKE ALL ON FUNCTION safedeploy.unlock(text, bigint) FROM PUBLIC;
