-- lint: no search_path: names in the script are resolved as the caller's session would
CREATE FUNCTION safedeploy.predict(sql text, in_transaction boolean DEFAULT true)
RETURNS SETOF safedeploy.effect
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'safedeploy_predict';
REVOKE ALL ON FUNCTION safedeploy.predict(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.predict(text, boolean) IS 'what each statement of a script would lock, rewrite, build, read, drop and make, from the catalog of this database and the search_path of the caller; takes no locks and executes nothing; certain is false for what depends on data or on a path of code that may not be taken; in_transaction says that whoever runs the script wraps it in a transaction; error 54000 above safedeploy.max_script_size';
