-- PL/pgSQL, so that DDL goes on should the library be missing from the server.
CREATE FUNCTION safedeploy.refuse_ddl()
RETURNS event_trigger
LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target text;
BEGIN
	IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER) THEN
		RETURN;
	END IF;
	SELECT c.object_identity INTO target
	FROM pg_catalog.pg_event_trigger_ddl_commands() c
	JOIN pg_catalog.pg_depend d ON d.classid = c.classid AND d.objid = c.objid
	JOIN pg_catalog.pg_extension e ON e.extname = 'safedeploy'
	-- a member of the extension
	WHERE (d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid)
		-- what belongs to a table that is one: trigger, rule, policy, index, child table
		OR (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
			AND d.classid = ANY (ARRAY['pg_catalog.pg_class', 'pg_catalog.pg_trigger',
				'pg_catalog.pg_rewrite', 'pg_catalog.pg_policy']::pg_catalog.regclass[])
			AND EXISTS (
				SELECT FROM pg_catalog.pg_depend m
				WHERE m.classid = d.refclassid AND m.objid = d.refobjid AND m.deptype = 'e'
					AND m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND m.refobjid = e.oid))
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'SD101',
			MESSAGE = pg_catalog.format('only a superuser may change "%s"', target),
			DETAIL = 'Lock and ledger belong to the extension safedeploy, also when another role owns their tables.',
			HINT = 'Ask a superuser; verify_ledger() will show what he changed.';
	END IF;
END
$$;
COMMENT ON FUNCTION safedeploy.refuse_ddl() IS
'Event trigger that refuses to everybody but superusers to alter what is in schema safedeploy, or to add triggers, rules, policies or child tables to it (SD101).';
REVOKE ALL ON FUNCTION safedeploy.refuse_ddl() FROM PUBLIC;
