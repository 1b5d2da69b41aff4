CREATE VIEW safedeploy.progress AS
SELECT a.pid,
	a.datname,
	a.usename,
	a.query_start,
	m.found[1] AS phase,
	m.found[2]::pg_catalog.int8 AS done,
	m.found[3]::pg_catalog.int8 AS total,
	m.found[4] AS query
FROM pg_catalog.pg_stat_activity a
CROSS JOIN LATERAL pg_catalog.regexp_match(a.query,
	'^/\* safedeploy: ([a-z0-9_ ]+), ([0-9]+)(?: of ([0-9]+))? \*/ (.*)$') AS m(found)
WHERE m.found IS NOT NULL AND a.state OPERATOR(pg_catalog.=) 'active';
COMMENT ON VIEW safedeploy.progress IS
'How far each session is that reads or stores a schema, at five times a second: the catalog that it reads with the blocks that are done and there, or how many objects are done.  It shows what pg_stat_activity shows: of other roles only to members of pg_read_all_stats; nothing where track_activities is off.';
REVOKE ALL ON TABLE safedeploy.progress FROM PUBLIC;
