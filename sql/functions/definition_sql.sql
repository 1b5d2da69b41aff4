CREATE FUNCTION safedeploy.definition_sql(kind text, identity text, definition jsonb)
RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS 'MODULE_PATHNAME', 'safedeploy_definition_sql';
REVOKE ALL ON FUNCTION safedeploy.definition_sql(text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.definition_sql(text, text, jsonb) IS
'the statements that make an object of that definition, as objects() and stored snapshots have it, with its owner, privileges and comments, each ended by a semicolon and a line break; what no statement can make is a comment that says why. Errors: 22023 the definition is not an object';
