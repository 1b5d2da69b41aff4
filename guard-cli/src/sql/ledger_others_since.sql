-- Runs other than parameter 2 that took lock parameter 1 after run parameter 2 did.
SELECT pg_catalog.count(*)
  FROM safedeploy.event AS e
  JOIN safedeploy.run AS r ON r.run_id OPERATOR(pg_catalog.=) e.run_id
 WHERE r.lock_name OPERATOR(pg_catalog.=) $1
   AND e.run_id OPERATOR(pg_catalog.<>) $2::pg_catalog.uuid
   AND e.state OPERATOR(pg_catalog.=) 'lock'
   AND e.status OPERATOR(pg_catalog.=) 'ok'
   AND e.seq OPERATOR(pg_catalog.>) (SELECT pg_catalog.max(m.seq)
                                       FROM safedeploy.event AS m
                                      WHERE m.run_id OPERATOR(pg_catalog.=) $2::pg_catalog.uuid
                                        AND m.state OPERATOR(pg_catalog.=) 'lock'
                                        AND m.status OPERATOR(pg_catalog.=) 'ok')
