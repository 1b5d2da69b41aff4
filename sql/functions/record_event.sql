CREATE FUNCTION safedeploy.record_event(run_id uuid, state text, status text, message text DEFAULT NULL, detail jsonb DEFAULT NULL)
RETURNS bigint
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_record_event';
COMMENT ON FUNCTION safedeploy.record_event(uuid, text, text, text, jsonb) IS
'Appends an event to a run and returns its seq.  States: preflight, lock, capture, rehearse, backup, migrate, verify, watch, done, rollback.  Statuses: begin, ok, failed, skipped, note.  On disk when it returns.  Errors: 25001 inside a transaction block; 22023 for an unknown state or status; SD210 for an unknown run; SD211 for one that has ended; SD202 when safedeploy.fence_token is set and stale.';
REVOKE ALL ON FUNCTION safedeploy.record_event(uuid, text, text, text, jsonb) FROM PUBLIC;
