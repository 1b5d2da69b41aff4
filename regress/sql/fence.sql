-- The fence within one session: it holds the lock itself, or has lost it.
-- tokens differ from run to run, so most errors are shown by their code
\set VERBOSITY sqlstate
\set SHOW_CONTEXT never
SET lock_timeout = '10s';
CREATE TABLE fence_t (i int);
SELECT safedeploy.try_lock('fence') AS token \gset
SET safedeploy.fence_token = :token;
CREATE TABLE fence_held (i int);
INSERT INTO fence_t VALUES (1);
DROP TABLE fence_held;

-- stale: DDL is refused at once
SELECT safedeploy.unlock('fence', :token);
CREATE TABLE fence_stale (i int);
\set VERBOSITY terse
DO $$
DECLARE m text; d text; h text;
BEGIN
	CREATE TABLE fence_stale (i int);
EXCEPTION WHEN SQLSTATE 'SD202' THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RAISE WARNING E'%\n%\n%', regexp_replace(m, '\d+', 'N'), d, h;
END $$;
\set VERBOSITY sqlstate
TRUNCATE fence_t;
DO $$ BEGIN EXECUTE 'DROP TABLE fence_t'; END $$;
ALTER SYSTEM RESET work_mem;
-- and what else was written cannot be committed
INSERT INTO fence_t VALUES (2);
BEGIN;
DELETE FROM fence_t;
SAVEPOINT s;
ROLLBACK TO s;
COMMIT;
BEGIN;
DELETE FROM fence_t;
PREPARE TRANSACTION 'fence';
-- reading, settings and rolling back go on
SELECT * FROM fence_t;
SET work_mem = '1MB';
RESET work_mem;
BEGIN;
DELETE FROM fence_t;
ROLLBACK;
SELECT count(*) FROM fence_t;

-- nothing that a stale session says gets on record
RESET safedeploy.fence_token;
SELECT safedeploy.begin_run('f0000000-0000-0000-0000-000000000001', 'run', 'sql', 'fence', NULL, NULL, NULL, NULL);
SET safedeploy.fence_token = :token;
SELECT safedeploy.record_event('f0000000-0000-0000-0000-000000000001', 'migrate', 'begin');
SELECT safedeploy.end_run('f0000000-0000-0000-0000-000000000001', 'done', 0);
SELECT safedeploy.begin_run(NULL, 'run', 'sql', 'fence', NULL, NULL, :token, NULL);

-- a transaction that was right when it began and is stale at its end
SELECT safedeploy.try_lock('fence') AS token \gset
SET safedeploy.fence_token = :token;
BEGIN;
CREATE TABLE fence_late (i int);
SELECT safedeploy.unlock('fence', :token);
COMMIT;
SELECT to_regclass('fence_late');

-- a prepared transaction of a stale session waits for somebody else
SELECT safedeploy.try_lock('fence') AS token \gset
SET safedeploy.fence_token = :token;
-- fence_1.out is for servers with max_prepared_transactions = 0
BEGIN;
DELETE FROM fence_t;
PREPARE TRANSACTION 'fence';
SELECT safedeploy.unlock('fence', :token);
COMMIT PREPARED 'fence';
ROLLBACK PREPARED 'fence';
SELECT count(*) FROM fence_t;

-- a prepared transaction does not keep others from the lock
SELECT safedeploy.try_lock('fence') AS token \gset
SET safedeploy.fence_token = :token;
BEGIN;
DELETE FROM fence_t;
PREPARE TRANSACTION 'fence';
RESET safedeploy.fence_token;
SELECT safedeploy.unlock('fence', :token);
SELECT safedeploy.try_lock('fence') AS newer \gset
SELECT :newer > :token AS free;
ROLLBACK PREPARED 'fence';
SELECT safedeploy.unlock('fence', :newer);

-- a token that never was, and one that is none
SET safedeploy.fence_token = '9223372036854775807';
CREATE TABLE fence_stale (i int);
SET safedeploy.fence_token = '7 apples';
CREATE TABLE fence_stale (i int);

-- warn and off belong to superusers
\set VERBOSITY terse
SET safedeploy.fence = warn;
CREATE TABLE fence_warned (i int);
SET safedeploy.fence = off;
DROP TABLE fence_warned;
RESET safedeploy.fence;
RESET safedeploy.fence_token;
CREATE ROLE fence_user;
SET ROLE fence_user;
SET safedeploy.fence = off;
RESET ROLE;

-- a session without a token is left alone
DROP ROLE fence_user;
DROP TABLE fence_t;
SELECT safedeploy.end_run('f0000000-0000-0000-0000-000000000001', 'failed_unchanged', 20) > 0 AS ended;
