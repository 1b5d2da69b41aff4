CREATE FUNCTION safedeploy.revoke_permit(id bigint, reason text)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_revoke_permit';
COMMENT ON FUNCTION safedeploy.revoke_permit(bigint, text) IS
'Ends a permit before its time, on record.  Error 42704 when there is no such permit.';
REVOKE ALL ON FUNCTION safedeploy.revoke_permit(bigint, text) FROM PUBLIC;
