CREATE FUNCTION safedeploy.begin_run(run_id uuid, command text, tool text, lock_name text, from_revision text, to_revision text, token bigint, client jsonb)
RETURNS uuid
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_begin_run';
COMMENT ON FUNCTION safedeploy.begin_run(uuid, text, text, text, text, text, bigint, jsonb) IS
'Writes a new run to the ledger, with its first event, and returns its id; a NULL run_id has one made.  The time, database, role and address are added by the server.  Errors: 25001 inside a transaction block; 22004 without a command; 23505 when the run is there already; SD202 when a token is given that is not current.';
REVOKE ALL ON FUNCTION safedeploy.begin_run(uuid, text, text, text, text, text, bigint, jsonb) FROM PUBLIC;
