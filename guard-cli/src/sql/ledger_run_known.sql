-- Whether a run is in the ledger, under whatever lock; parameter: its id.
SELECT EXISTS (SELECT 1 FROM safedeploy.run AS r WHERE r.run_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid)
