CREATE FUNCTION safedeploy.fingerprint(facets text[] DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'safedeploy_fingerprint'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
	SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION safedeploy.fingerprint(text[]) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.fingerprint(text[]) IS 'SHA-256 of the live schema as 64 hexadecimal digits, over the given facets (core, security, owner, storage, comment, version, order, environment); NULL means all but the last two; errors as of objects(), and 55P03 when there are unread objects, naming each';
