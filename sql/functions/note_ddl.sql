CREATE FUNCTION safedeploy.note_ddl(objects text[])
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_note_ddl';
COMMENT ON FUNCTION safedeploy.note_ddl(text[]) IS
'For the event triggers of the extension: hands over what the running statement has changed.';
REVOKE ALL ON FUNCTION safedeploy.note_ddl(text[]) FROM PUBLIC;
