-- Adds runs (parameter: as JSON) that the ledger does not have; their hashes are checked by the ledger itself.
INSERT INTO safedeploy.run
SELECT n.* FROM pg_catalog.json_populate_recordset(NULL::safedeploy.run, $1::pg_catalog.json) AS n
 WHERE NOT EXISTS (SELECT FROM safedeploy.run AS r WHERE r.run_id OPERATOR(pg_catalog.=) n.run_id)
