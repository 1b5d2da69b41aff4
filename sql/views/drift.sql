CREATE VIEW safedeploy.drift AS
SELECT d.id,
	d.at,
	d."session_user",
	d."current_user",
	d.application_name,
	d.client_addr,
	d.pid,
	d.xid,
	d.tag,
	d.objects,
	d.statement,
	d.nested,
	d.run_tag,
	during.run_id AS during_run
FROM safedeploy.drift_event d
LEFT JOIN LATERAL (
	SELECT r.run_id
	FROM ONLY safedeploy.run r
	WHERE r.started_at OPERATOR(pg_catalog.<=) d.at
		AND NOT EXISTS (
			SELECT FROM ONLY safedeploy.event e
			WHERE e.run_id OPERATOR(pg_catalog.=) r.run_id
				AND e.state OPERATOR(pg_catalog.=) 'end'
				AND e.at OPERATOR(pg_catalog.<) d.at)
	ORDER BY r.started_at DESC
	LIMIT 1) during ON true
ORDER BY d.id DESC;
COMMENT ON VIEW safedeploy.drift IS
'DDL made outside of a run, newest first: who, when, from where, what.  Written by sessions that have the library loaded (session_preload_libraries or shared_preload_libraries) while safedeploy.record_drift is on; a statement that was rolled back left no row.  during_run is a run that was under way at that time, in whose sessions it was not made.';
COMMENT ON COLUMN safedeploy.drift.during_run IS 'run that was under way then';
REVOKE ALL ON TABLE safedeploy.drift FROM PUBLIC;
