CREATE FUNCTION safedeploy.record_migration(project text, version text, name text, checksum text,
	run_id uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM safedeploy.require_fence();
	INSERT INTO safedeploy.applied_migration (project, version, name, checksum, run_id, applied_at, applied_by)
	VALUES ($1, $2, $3, $4, $5, pg_catalog.clock_timestamp(), session_user);
EXCEPTION
	WHEN unique_violation THEN
		RAISE EXCEPTION 'migration % of project "%" is applied already', $2, $1
			USING ERRCODE = 'unique_violation',
				HINT = 'Look at safedeploy.applied_migration; another run may have applied it meanwhile.';
END
$$;
COMMENT ON FUNCTION safedeploy.record_migration(text, text, text, text, uuid) IS
'Records a plain SQL migration as applied: version without leading zeros, checksum as 64 hex digits of SHA-256.  Error 23505 when it is recorded already, 23514 when version or checksum have another form, SD202 when the fencing token of the session is stale.';
REVOKE ALL ON FUNCTION safedeploy.record_migration(text, text, text, text, uuid) FROM PUBLIC;
