-- A deploy that lost its lock must not go on recording, not even where the library is not preloaded.
CREATE FUNCTION safedeploy.require_fence()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	token CONSTANT text := pg_catalog.current_setting('safedeploy.fence_token', true);
BEGIN
	IF token IS NULL OR token = ''
		OR pg_catalog.current_setting('safedeploy.fence', true) = 'off'
	THEN
		RETURN;
	END IF;
	IF token !~ '^[0-9]{1,18}$' OR NOT safedeploy.check_fence(token::pg_catalog.int8) THEN
		RAISE EXCEPTION 'fencing token % is stale', token
			USING ERRCODE = 'SD202',
				DETAIL = 'The deploy lock that this session works for is no longer held, or a newer token has been issued.',
				HINT = 'Look at safedeploy.lock_holders, and start the deploy again when no other is running.';
	END IF;
END
$$;
COMMENT ON FUNCTION safedeploy.require_fence() IS
'Error SD202 when this session has safedeploy.fence_token set and that token is stale.';
REVOKE ALL ON FUNCTION safedeploy.require_fence() FROM PUBLIC;
