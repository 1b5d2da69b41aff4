-- How far the ledger has come with a run: "", "begun", "restored" or "ended".
SELECT coalesce(pg_catalog.max(CASE e.state WHEN 'end' THEN '3 ended' WHEN 'rollback' THEN '2 restored' ELSE '1 begun' END), '')
  FROM safedeploy.event AS e
 WHERE e.run_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid
