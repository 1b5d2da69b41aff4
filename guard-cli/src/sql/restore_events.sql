-- The next events behind number parameter 1, and their runs, as JSON.
WITH e AS MATERIALIZED (
	SELECT x.* FROM safedeploy.event AS x
	 WHERE x.seq OPERATOR(pg_catalog.>) $1::pg_catalog.int8
	 ORDER BY x.seq LIMIT 500
)
SELECT (SELECT pg_catalog.json_agg(e ORDER BY e.seq) FROM e),
       (SELECT pg_catalog.json_agg(r) FROM safedeploy.run AS r
         WHERE r.run_id OPERATOR(pg_catalog.=) ANY (SELECT e.run_id FROM e)),
       (SELECT pg_catalog.max(e.seq) FROM e)
