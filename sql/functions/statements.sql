CREATE FUNCTION safedeploy.statements(sql text)
RETURNS SETOF safedeploy.statement
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_statements';
REVOKE ALL ON FUNCTION safedeploy.statements(text) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.statements(text) IS 'splits a script as psql does; kind is the command tag, or SYNTAX ERROR, META COMMAND or COPY DATA; transactional is false for what cannot run in a transaction block and NULL where that is not known; error 54000 above safedeploy.max_script_size';
