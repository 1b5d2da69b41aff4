-- lint: no search_path: names in the script are resolved as the caller's session would
CREATE FUNCTION safedeploy.analyze(sql text, in_transaction boolean DEFAULT true)
RETURNS SETOF safedeploy.finding
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'safedeploy_analyze';
REVOKE ALL ON FUNCTION safedeploy.analyze(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.analyze(text, boolean) IS 'hazards of a script, judged by the catalog of this database and the search_path of the caller; executes nothing; in_transaction says that whoever runs the script wraps it in a transaction; bytes are without indexes; error 54000 above safedeploy.max_script_size';
