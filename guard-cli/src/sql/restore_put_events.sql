-- Adds events (parameter: as JSON) to the end of the ledger; their hashes are checked by the ledger itself.
INSERT INTO safedeploy.event
SELECT n.* FROM pg_catalog.json_populate_recordset(NULL::safedeploy.event, $1::pg_catalog.json) AS n
 ORDER BY n.seq
