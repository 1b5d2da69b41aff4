-- PL/pgSQL, so that DDL goes on should the library be missing from the server: the
-- setting is there when the library is.  With the rights of its owner, because anybody
-- may make DDL.
CREATE FUNCTION safedeploy.record_ddl()
RETURNS event_trigger
LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET safedeploy.trace = off
AS $$
BEGIN
	IF pg_catalog.current_setting('safedeploy.record_drift', true) IS DISTINCT FROM 'on' THEN
		RETURN;
	ELSIF tg_event = 'sql_drop' THEN
		PERFORM safedeploy.note_ddl(ARRAY(
			SELECT d.object_type || ' ' || d.object_identity
			FROM pg_catalog.pg_event_trigger_dropped_objects() d
			WHERE d.original AND NOT d.is_temporary));
	ELSE
		PERFORM safedeploy.note_ddl(ARRAY(
			SELECT pg_catalog.concat_ws(' ', pg_catalog.lower(c.object_type), c.object_identity)
			FROM pg_catalog.pg_event_trigger_ddl_commands() c
			WHERE NOT c.in_extension AND c.schema_name IS DISTINCT FROM 'pg_temp'));
	END IF;
END
$$;
COMMENT ON FUNCTION safedeploy.record_ddl() IS
'Event trigger that tells the record of drift which objects a statement has changed.';
REVOKE ALL ON FUNCTION safedeploy.record_ddl() FROM PUBLIC;
