-- PL/pgSQL, so that DDL goes on should the library be missing from the server.  Before the
-- command, because with the extension its own triggers on what is dropped are gone.
CREATE FUNCTION safedeploy.confirm_drop()
RETURNS event_trigger
LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET safedeploy.trace = off
AS $$
BEGIN
	IF pg_catalog.current_query() ~* 'drop\s+extension[^;]*\msafedeploy\M'
		AND pg_catalog.current_query() !~* 'drop\s+extension[^;]*\msafedeploy\M[^;]*\mcascade\M'
		AND pg_catalog.has_table_privilege('safedeploy.run', 'SELECT')
		AND EXISTS (SELECT FROM ONLY safedeploy.run)
	THEN
		RAISE EXCEPTION USING
			ERRCODE = 'SD101',
			MESSAGE = 'the ledger goes with extension "safedeploy", and it has runs',
			HINT = 'Make a backup, keep what safedeploy.ledger_head() returns, and say DROP EXTENSION safedeploy CASCADE.';
	END IF;
END
$$;
COMMENT ON FUNCTION safedeploy.confirm_drop() IS
'Event trigger that refuses to drop the extension, with a ledger that has runs, unless the command says CASCADE (SD101).';
REVOKE ALL ON FUNCTION safedeploy.confirm_drop() FROM PUBLIC;
