CREATE FUNCTION safedeploy.grant_deployer(role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record;
BEGIN
	PERFORM safedeploy.grant_reader($1);
	FOR target IN
		SELECT p.oid::pg_catalog.regprocedure AS name
		FROM pg_catalog.pg_proc p
		WHERE p.pronamespace = 'safedeploy'::pg_catalog.regnamespace
			AND p.prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
			-- not what gives rights away, what only guards call, and what its own rights allow to superusers only
			AND p.proname NOT IN ('grant_reader', 'grant_deployer', 'note_ddl', 'require_fence', 'forget_drift')
		ORDER BY p.proname
	LOOP
		EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO %s', target.name, $1);
	END LOOP;
END
$$;
COMMENT ON FUNCTION safedeploy.grant_deployer(regrole) IS
'Grants to a role what migguard needs: all that grant_reader() grants, and EXECUTE of the functions of the API but for forget_drift(), which is for superusers.  No table is granted for writing: lock, ledger and snapshots are written by functions.  Run by a superuser; again after an update of the extension.';
REVOKE ALL ON FUNCTION safedeploy.grant_deployer(regrole) FROM PUBLIC;
