CREATE VIEW safedeploy.unfinished_runs AS
SELECT r.run_id,
	r.started_at,
	r.command,
	r.tool,
	r.lock_name,
	r.database,
	r.from_revision,
	r.to_revision,
	last.state AS last_state,
	last.status AS last_status,
	last.at AS last_event_at,
	last.message AS last_message,
	holder.pid AS holder_pid,
	holder.pid IS NOT NULL AS holder_alive,
	r."session_user",
	r.client
FROM ONLY safedeploy.run r
JOIN LATERAL (
	SELECT e.at, e.state, e.status, e.message
	FROM ONLY safedeploy.event e
	WHERE e.run_id OPERATOR(pg_catalog.=) r.run_id
	ORDER BY e.seq DESC
	LIMIT 1) last ON last.state OPERATOR(pg_catalog.<>) 'end'
-- the lock is taken for a run, or the run begun with its token
LEFT JOIN safedeploy.lock_holders holder
	ON holder.run_id OPERATOR(pg_catalog.=) r.run_id
	OR holder.token OPERATOR(pg_catalog.=) r.token
ORDER BY r.started_at;
COMMENT ON VIEW safedeploy.unfinished_runs IS
'Runs without an end, oldest first: the state that each was last known in, and whether the session that took the lock for it still lives.  A run whose holder is gone was interrupted, or has not taken its lock yet.';
REVOKE ALL ON TABLE safedeploy.unfinished_runs FROM PUBLIC;
