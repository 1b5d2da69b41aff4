CREATE VIEW safedeploy.history AS
SELECT r.run_id,
	r.started_at,
	CASE WHEN last.state OPERATOR(pg_catalog.=) 'end' THEN last.at END AS ended_at,
	CASE WHEN last.state OPERATOR(pg_catalog.=) 'end'
		THEN last.at OPERATOR(pg_catalog.-) r.started_at END AS duration,
	r.command,
	r.tool,
	r.database,
	r.from_revision,
	r.to_revision,
	last.result,
	last.exit_code,
	work.state AS last_state,
	last.message,
	r."session_user"
FROM ONLY safedeploy.run r
-- two look-ups in event_run_id_seq_idx a run
LEFT JOIN LATERAL (
	SELECT e.at, e.state, e.result, e.exit_code, e.message
	FROM ONLY safedeploy.event e
	WHERE e.run_id OPERATOR(pg_catalog.=) r.run_id
	ORDER BY e.seq DESC
	LIMIT 1) last ON true
LEFT JOIN LATERAL (
	SELECT e.state
	FROM ONLY safedeploy.event e
	WHERE e.run_id OPERATOR(pg_catalog.=) r.run_id
		AND e.state OPERATOR(pg_catalog.<>) ALL (ARRAY['begin', 'end'])
	ORDER BY e.seq DESC
	LIMIT 1) work ON true
ORDER BY r.started_at DESC;
COMMENT ON VIEW safedeploy.history IS
'One row a run, newest first: what was asked for, how it ended (result and exit code, NULL while it has not), the last state it was in, its last message, who did it.';
REVOKE ALL ON TABLE safedeploy.history FROM PUBLIC;
