CREATE FUNCTION safedeploy.forget_rehearsal()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- a clone has no ledger of its own; where there are runs, these rows belong to them
	IF EXISTS (SELECT FROM safedeploy.run) THEN
		RAISE EXCEPTION 'the ledger of this database has runs'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Only the clone of a rehearsal has records that belong to no run.';
	END IF;
	DELETE FROM safedeploy.run_statement;
	DELETE FROM safedeploy.drift_event;
END
$$;
COMMENT ON FUNCTION safedeploy.forget_rehearsal() IS
'Removes what a rehearsal has left in run_statement and drift_event of its clone, so that the clone can be kept as the warm shadow.  Error 55000 in a database whose ledger has runs.';
REVOKE ALL ON FUNCTION safedeploy.forget_rehearsal() FROM PUBLIC;
