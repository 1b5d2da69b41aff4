CREATE FUNCTION safedeploy.forget_drift(before timestamptz)
RETURNS bigint
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH gone AS (DELETE FROM safedeploy.drift_event WHERE at < $1 RETURNING 1)
	SELECT count(*) FROM gone
$$;
COMMENT ON FUNCTION safedeploy.forget_drift(timestamptz) IS
'Removes the records of out-of-band DDL from before a point in time and returns how many they were.  Takes the privilege to delete from drift_event, which is its owner''s.';
REVOKE ALL ON FUNCTION safedeploy.forget_drift(timestamptz) FROM PUBLIC;
