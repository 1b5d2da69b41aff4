-- Records of plain SQL migrations: one spelling of a number, no second record, no stale deploy.
\set VERBOSITY sqlstate
\set sum '''0000000000000000000000000000000000000000000000000000000000000001'''
SELECT safedeploy.record_migration('app', '7', '007_a "b".up.sql', :sum);
SELECT safedeploy.record_migration('app', '10', '010_c.up.sql', :sum, '11111111-2222-3333-4444-555555555555');
SELECT safedeploy.record_migration('app', '123456789012345678901234567890', 'x.up.sql', :sum);
SELECT safedeploy.record_migration('other', '7', '7_a.up.sql', :sum);
SELECT project, version, name, checksum, run_id, applied_by = session_user AS by_me, applied_at <= clock_timestamp() AS past
FROM safedeploy.applied_migration ORDER BY project, version::numeric;

\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT safedeploy.record_migration('app', '7', 'again.up.sql', :sum);
\set VERBOSITY sqlstate
SELECT safedeploy.record_migration('app', '007', 'zeros.up.sql', :sum);
SELECT safedeploy.record_migration('app', '-1', 'negative.up.sql', :sum);
SELECT safedeploy.record_migration('app', '8', 'sum.up.sql', 'ABC');
SELECT safedeploy.record_migration('app', NULL, 'null.up.sql', :sum);
SELECT safedeploy.forget_migration('app', '8');
SELECT safedeploy.forget_migration('app', '7');
SELECT count(*) FROM safedeploy.applied_migration WHERE project = 'app';

-- a deploy whose token is stale neither records nor forgets
SELECT safedeploy.try_lock('applied_migration') AS token \gset
SET safedeploy.fence_token = :'token';
SELECT safedeploy.record_migration('app', '11', 'held.up.sql', :sum);
SELECT safedeploy.unlock('applied_migration', :token);
-- in a new session, which has not loaded the library that would refuse the write as well
\c -
SET safedeploy.fence_token = :'token';
SELECT safedeploy.record_migration('app', '12', 'stale.up.sql', :sum);
\c -
SET safedeploy.fence_token = :'token';
SELECT safedeploy.forget_migration('app', '11');
\c -
SET safedeploy.fence_token = 'nonsense';
SELECT safedeploy.forget_migration('app', '11');
RESET safedeploy.fence_token;
SELECT version FROM safedeploy.applied_migration WHERE project = 'app' ORDER BY version::numeric;

-- nobody but those who were granted it
CREATE ROLE regress_applied_nobody;
CREATE ROLE regress_applied_deployer;
SELECT safedeploy.grant_deployer('regress_applied_deployer');
SET ROLE regress_applied_nobody;
SELECT safedeploy.record_migration('app', '20', 'x.up.sql', :sum);
SELECT safedeploy.forget_migration('app', '11');
SELECT count(*) FROM safedeploy.applied_migration;
SET ROLE regress_applied_deployer;
INSERT INTO safedeploy.applied_migration SELECT 'app', '20', 'x', :sum, NULL, now(), 'x';
DELETE FROM safedeploy.applied_migration;
SELECT safedeploy.record_migration('app', '20', 'x.up.sql', :sum);
SELECT safedeploy.forget_migration('app', '20');
RESET ROLE;
DROP OWNED BY regress_applied_nobody, regress_applied_deployer;
DROP ROLE regress_applied_nobody;
DROP ROLE regress_applied_deployer;
