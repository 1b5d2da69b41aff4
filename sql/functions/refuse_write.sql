CREATE FUNCTION safedeploy.refuse_write()
RETURNS trigger
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_refuse_write';
COMMENT ON FUNCTION safedeploy.refuse_write() IS
'Trigger that refuses every statement that writes to lock or ledger (SD101), but for the rows with right hashes that a superuser restores from a dump; and statements of everybody but superusers that write to drift_event, run_statement or applied_migration.';
REVOKE ALL ON FUNCTION safedeploy.refuse_write() FROM PUBLIC;
