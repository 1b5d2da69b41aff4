CREATE FUNCTION safedeploy.try_lock(name text, reason text DEFAULT NULL, run_id uuid DEFAULT NULL)
RETURNS bigint
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_try_lock';
COMMENT ON FUNCTION safedeploy.try_lock(text, text, uuid) IS
'Takes the deploy lock of that name for this session and returns its fencing token, or NULL when another session holds it.  Never waits: a client that wants to wait calls it again, in autocommit.  The lock is kept until unlock() or the end of the session; the token is greater than any before it, also across crashes and restores.  Errors: 25001 inside a transaction block; SD001 when this very session holds the lock already, as behind a connection pooler; 22023 for a name that has not 1 to 200 bytes; XX001 when the sequence fencing_token has been set back.';
REVOKE ALL ON FUNCTION safedeploy.try_lock(text, text, uuid) FROM PUBLIC;
