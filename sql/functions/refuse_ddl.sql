-- PL/pgSQL, so that DDL goes on should the library be missing from the server.
CREATE FUNCTION safedeploy.refuse_ddl()
RETURNS event_trigger
LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET safedeploy.trace = off
AS $$
DECLARE
	extension oid;
	command record;
BEGIN
	IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER) THEN
		RETURN;
	END IF;
	SELECT e.oid INTO extension FROM pg_catalog.pg_extension e WHERE e.extname = 'safedeploy';
	-- One command at a time: joined at once, the planner reads all of pg_depend.
	FOR command IN SELECT c.classid, c.objid, c.object_identity FROM pg_catalog.pg_event_trigger_ddl_commands() c LOOP
		-- a member of the extension
		IF EXISTS (
			SELECT FROM pg_catalog.pg_depend d
			WHERE d.classid = command.classid AND d.objid = command.objid AND d.deptype = 'e'
				AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = extension)
		-- what belongs to a table that is one: trigger, rule, policy, index, child table
		OR command.classid = ANY (ARRAY['pg_catalog.pg_class', 'pg_catalog.pg_trigger', 'pg_catalog.pg_rewrite', 'pg_catalog.pg_policy']::pg_catalog.regclass[])
			AND EXISTS (
				SELECT FROM (
					SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend d
					WHERE d.classid = command.classid AND d.objid = command.objid
						AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
					OFFSET 0) d
				WHERE EXISTS (
					SELECT FROM pg_catalog.pg_depend m
					WHERE m.classid = d.refclassid AND m.objid = d.refobjid AND m.deptype = 'e'
						AND m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND m.refobjid = extension
					OFFSET 0))
		THEN
			RAISE EXCEPTION USING
				ERRCODE = 'SD101',
				MESSAGE = pg_catalog.format('only a superuser may change "%s"', command.object_identity),
				DETAIL = 'Lock and ledger belong to the extension safedeploy, also when another role owns their tables.',
				HINT = 'Ask a superuser; verify_ledger() will show what he changed.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION safedeploy.refuse_ddl() IS
'Event trigger that refuses to everybody but superusers to alter what belongs to the extension, or to add triggers, rules, policies, indexes or child tables to its tables (SD101).';
REVOKE ALL ON FUNCTION safedeploy.refuse_ddl() FROM PUBLIC;
