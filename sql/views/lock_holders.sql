CREATE VIEW safedeploy.lock_holders AS
SELECT l.name,
	l.token,
	l.holder_pid AS pid,
	l.holder_user AS usename,
	l.application_name,
	l.client_addr,
	l.reason,
	l.run_id,
	l.acquired_at,
	pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) l.acquired_at AS held_for
FROM ONLY safedeploy.lock l
WHERE l.holder_pid OPERATOR(pg_catalog.=) safedeploy.lock_holder_pid(l.name);
COMMENT ON VIEW safedeploy.lock_holders IS
'Deploy locks that are held by a live session now: by whom, from where, for which run, with which token, since when.';
REVOKE ALL ON TABLE safedeploy.lock_holders FROM PUBLIC;
