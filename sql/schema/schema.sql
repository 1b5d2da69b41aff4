-- Fails when the schema exists: nothing can have been planted in it.
CREATE SCHEMA safedeploy;
COMMENT ON SCHEMA safedeploy IS 'safe schema deployments: lock, snapshot, diff, analysis, ledger';
