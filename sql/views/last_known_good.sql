CREATE VIEW safedeploy.last_known_good AS
SELECT DISTINCT ON (r.lock_name)
	r.lock_name,
	r.run_id,
	e.at,
	e.detail OPERATOR(pg_catalog.->>) 'revision' AS revision,
	CASE WHEN pg_catalog.jsonb_typeof(e.detail OPERATOR(pg_catalog.->) 'snapshot_id') OPERATOR(pg_catalog.=) 'number'
		THEN (e.detail OPERATOR(pg_catalog.->) 'snapshot_id')::pg_catalog.int8 END AS snapshot_id,
	e.detail OPERATOR(pg_catalog.->>) 'fingerprint' AS fingerprint
FROM ONLY safedeploy.event e
JOIN ONLY safedeploy.run r ON r.run_id OPERATOR(pg_catalog.=) e.run_id
WHERE e.state OPERATOR(pg_catalog.=) 'end'
	AND e.result OPERATOR(pg_catalog.=) 'done'
	AND r.lock_name IS NOT NULL
	-- a plan reaches nothing
	AND r.command OPERATOR(pg_catalog.<>) 'plan'
ORDER BY r.lock_name, e.seq DESC;
COMMENT ON VIEW safedeploy.last_known_good IS
'For each deploy lock the newest run that ended with result done, with the revision, the snapshot (its id in this database) and the fingerprint that its end recorded.';
REVOKE ALL ON TABLE safedeploy.last_known_good FROM PUBLIC;
