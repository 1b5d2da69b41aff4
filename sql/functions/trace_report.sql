CREATE FUNCTION safedeploy.trace_report()
RETURNS TABLE (
	seq integer,
	parent integer,
	nesting integer,
	transaction integer,
	tag text,
	hash text,
	statement text,
	masked boolean,
	calls bigint,
	started_at timestamptz,
	duration_ms double precision,
	lock_wait_ms double precision,
	rows bigint,
	wal_bytes bigint,
	sqlstate text,
	messages text[],
	outcome text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_trace_report';
COMMENT ON FUNCTION safedeploy.trace_report() IS
'One row for each statement that this session has executed while safedeploy.trace was on, also those inside of functions and DO blocks: nesting 0 is what the client sent, parent the statement around it.  Times, rows and WAL count what ran inside; lock_wait_ms is sampled every 10 ms; the same query again inside of one statement is counted in calls.  A text that may hold a secret is kept without its literals (masked), and the hash is of that.  messages is what the server said of rewriting, verifying, validating and building.  outcome is committed, rolled back or open.';
REVOKE ALL ON FUNCTION safedeploy.trace_report() FROM PUBLIC;
