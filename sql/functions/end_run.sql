CREATE FUNCTION safedeploy.end_run(run_id uuid, result text, exit_code integer, message text DEFAULT NULL, detail jsonb DEFAULT NULL)
RETURNS bigint
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_end_run';
COMMENT ON FUNCTION safedeploy.end_run(uuid, text, integer, text, jsonb) IS
'Appends the last event of a run, with its result and the exit code of the client, and returns its seq.  Results: done, nothing_to_do, refused_preflight, refused_lock, refused_rehearsal, refused_findings, failed_unchanged, rolled_back, rolled_back_unproved, rollback_failed, interrupted, drift.  For last_known_good the detail of a run that is done holds revision, snapshot_id and fingerprint.  Errors: as record_event(); 22023 for an unknown result.';
REVOKE ALL ON FUNCTION safedeploy.end_run(uuid, text, integer, text, jsonb) FROM PUBLIC;
