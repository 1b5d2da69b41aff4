CREATE FUNCTION safedeploy.break_lock(name text, reason text)
RETURNS boolean
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_break_lock';
COMMENT ON FUNCTION safedeploy.break_lock(text, text) IS
'Takes a deploy lock away from its holder: terminates his session, waits until it is gone (10 s at most), and writes that to the ledger, with the reason, as a run of its own and as a note in the run of the holder.  Returns false when nobody held the lock.  The next try_lock() may take it.  Errors: 25001 inside a transaction block; SD001 when this session itself holds it; 22004 without a reason; 55P03 when the session does not end in time.';
REVOKE ALL ON FUNCTION safedeploy.break_lock(text, text) FROM PUBLIC;
