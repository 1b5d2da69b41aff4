CREATE FUNCTION safedeploy.forget_migration(project text, version text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM safedeploy.require_fence();
	DELETE FROM safedeploy.applied_migration AS m
	WHERE m.project = $1 AND m.version = $2;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'migration % of project "%" is not applied', $2, $1
			USING ERRCODE = 'no_data_found',
				HINT = 'Look at safedeploy.applied_migration; another run may have taken it back meanwhile.';
	END IF;
END
$$;
COMMENT ON FUNCTION safedeploy.forget_migration(text, text) IS
'Takes the record of a plain SQL migration back after its downgrade.  Error P0002 when there is none, SD202 when the fencing token of the session is stale.';
REVOKE ALL ON FUNCTION safedeploy.forget_migration(text, text) FROM PUBLIC;
