-- lint: no search_path: names in the script are resolved as the caller's session would
CREATE FUNCTION safedeploy.probe(sql text, in_transaction boolean DEFAULT true)
RETURNS SETOF safedeploy.probe_result
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'safedeploy_probe';
REVOKE ALL ON FUNCTION safedeploy.probe(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.probe(text, boolean) IS 'what rows that are there say to the demands of a script (NOT NULL, keys, conditions, new types, bounds of partitions), asked by read-only queries with the rights of the caller, who sees values of primary keys as examples unless safedeploy.probe_examples is off; each is bounded by safedeploy.probe_rows and safedeploy.probe_time and waits for no lock; functions in conditions of the script are run unless they are volatile; in_transaction says that whoever runs the script wraps it in a transaction; error 54000 above safedeploy.max_script_size';
