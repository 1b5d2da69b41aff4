CREATE FUNCTION safedeploy.ledger_head()
RETURNS text
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_ledger_head';
COMMENT ON FUNCTION safedeploy.ledger_head() IS
'The end of the ledger''s chain as seq:hash, to be kept outside of the database; "0:" when the ledger is empty.  verify_ledger() tells whether the ledger still contains it.';
REVOKE ALL ON FUNCTION safedeploy.ledger_head() FROM PUBLIC;
