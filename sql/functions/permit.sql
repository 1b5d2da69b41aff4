CREATE FUNCTION safedeploy.permit(statement text, objects text[], reason text, expires interval DEFAULT '1 hour', uses integer DEFAULT 1,
	run_id uuid DEFAULT NULL, token bigint DEFAULT NULL, for_role name DEFAULT NULL)
RETURNS bigint
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_permit';
COMMENT ON FUNCTION safedeploy.permit(text, text[], text, interval, integer, uuid, bigint, name) IS
'Permits a destructive statement where safedeploy.protect is on, and returns the id of the permit.  The statement is compared by its tokens: white space, comments and the case of unquoted words make no difference.  The objects are named as the refusal names them, such as "table public.t"; all that would be lost must be among them.  It holds for the time given and for so many statements that commit.  With run_id only sessions of that run may use it, with token only while that fencing token is theirs and current, with for_role only sessions of that role; a permit of a run may leave statement, objects and uses NULL, which allows any, and with an empty list of objects it allows none.  Errors: 22023 for a permit without reason, end or bounds; SD202 when the fencing token of the session is stale.';
REVOKE ALL ON FUNCTION safedeploy.permit(text, text[], text, interval, integer, uuid, bigint, name) FROM PUBLIC;
