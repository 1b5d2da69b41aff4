CREATE FUNCTION safedeploy.verify_ledger(expected_head text DEFAULT NULL)
RETURNS SETOF safedeploy.fault
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT * FROM safedeploy.verify_chain($1)
UNION ALL
SELECT * FROM safedeploy.verify_guards()
$$;
COMMENT ON FUNCTION safedeploy.verify_ledger(text) IS
'What is wrong with the ledger; no row when it is intact.  Finds events that were changed, removed, put in or swapped, runs that were changed, replaced or removed, triggers of the ledger that are missing or disabled, and sequences of tokens and permits that were set back.  That events were cut off at the end is only seen against a head that was kept outside: pass what ledger_head() returned then.  A superuser can rewrite the whole chain; only a kept head shows that.  Errors: 22023 for a head that is none.';
REVOKE ALL ON FUNCTION safedeploy.verify_ledger(text) FROM PUBLIC;
