CREATE FUNCTION safedeploy.refuse_drop()
RETURNS event_trigger
LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET safedeploy.trace = off
AS $$
DECLARE
	target text;
BEGIN
	IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER) THEN
		RETURN;
	END IF;
	SELECT d.object_identity INTO target
	FROM pg_catalog.pg_event_trigger_dropped_objects() d
	WHERE d.address_names[1] = 'safedeploy'
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'SD101',
			MESSAGE = pg_catalog.format('only a superuser may drop "%s"', target),
			DETAIL = 'Lock and ledger belong to the extension safedeploy, also when another role owns their tables.',
			HINT = 'Ask a superuser.';
	END IF;
END
$$;
COMMENT ON FUNCTION safedeploy.refuse_drop() IS
'Event trigger that refuses to everybody but superusers to drop anything in schema safedeploy, or what belongs to a table in it (SD101).';
REVOKE ALL ON FUNCTION safedeploy.refuse_drop() FROM PUBLIC;
