-- The deploy lock as one session sees it; sessions against each other are in specs/.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT safedeploy.try_lock('app', 'release 7', '11111111-1111-1111-1111-111111111111') AS token \gset
SELECT :token > 0 AS issued, safedeploy.check_fence(:token) AS current, safedeploy.check_fence(:token + 1) AS of_the_future;
SELECT name, token = :token AS token, pid = pg_backend_pid() AS pid, usename = session_user AS usename,
	application_name, client_addr, reason, run_id, held_for > '0' AS held_for
FROM safedeploy.lock_holders;
-- held in a key space that pg_advisory_lock() cannot reach
SELECT objsubid, mode FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database());

-- a second time in the same session: somebody shares it
SELECT safedeploy.try_lock('app');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM safedeploy.lock_holders;

-- releasing needs the right token, and says why not
\set VERBOSITY sqlstate
SELECT safedeploy.unlock('app', :token + 1);
\set VERBOSITY terse
SELECT safedeploy.unlock('app', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.unlock('other', :token);
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.unlock('app', :token);
SELECT safedeploy.unlock('app', :token);
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM safedeploy.lock_holders;
SELECT safedeploy.check_fence(:token) AS current_after_release;

-- taken again the token grows, and the old one is stale
SELECT safedeploy.try_lock('app') AS newer \gset
SELECT :newer > :token AS grows;
SELECT safedeploy.unlock('app', :newer);
\set VERBOSITY sqlstate
SELECT safedeploy.unlock('app', :token);
\set VERBOSITY terse

-- the words of a refusal
DO $$
DECLARE m text; d text; h text;
BEGIN
	PERFORM safedeploy.unlock('app', 1000000);
EXCEPTION WHEN SQLSTATE 'SD201' THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RAISE WARNING E'%\n%\n%', m, replace(regexp_replace(regexp_replace(d, 'at .* by', 'at TIME by'), 'token \d+', 'token N'), session_user, 'USER'), h;
END $$;

-- in a transaction block, an implicit block, a subtransaction
BEGIN;
SELECT safedeploy.try_lock('app');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT safedeploy.try_lock('app') IS NULL \; SELECT 1;
\echo :LAST_ERROR_SQLSTATE
DO $$ BEGIN PERFORM safedeploy.try_lock('app'); EXCEPTION WHEN active_sql_transaction THEN RAISE NOTICE 'refused'; END $$;
SELECT count(*) FROM safedeploy.lock_holders;

-- a statement that fails releases what it took, and its token is not issued again
DO $$ BEGIN RAISE NOTICE 'got the lock: %', safedeploy.try_lock('app') IS NOT NULL; RAISE division_by_zero; END $$;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 21316;
SELECT safedeploy.try_lock('app') AS token \gset
SELECT :token > :newer + 1 AS skips_the_lost_one;

-- DISCARD ALL takes the lock away; that is noticed, and no obstacle
DISCARD ALL;
SELECT safedeploy.unlock('app', :token);
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.try_lock('app') > :token AS taken_again;
SELECT pg_advisory_unlock_all();

-- several locks at once, any name
SELECT safedeploy.try_lock('a') AS a \gset
SELECT safedeploy.try_lock(E'b''"\n\u00e4\U0001F600') AS b \gset
-- servers do not agree how wide the name is
\pset format unaligned
SELECT name, token IN (:a, :b) AS token FROM safedeploy.lock_holders ORDER BY token;
\pset format aligned
SELECT safedeploy.unlock(E'b''"\n\u00e4\U0001F600', :b);
SELECT name FROM safedeploy.lock_holders;
SELECT safedeploy.unlock('a', :a);
SELECT safedeploy.try_lock(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.try_lock('');
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.try_lock(repeat('x', 201));
\echo :LAST_ERROR_SQLSTATE

-- an old snapshot is no obstacle
SET default_transaction_isolation = 'serializable';
SELECT safedeploy.try_lock('app') AS token \gset
SELECT safedeploy.unlock('app', :token);
RESET default_transaction_isolation;

-- a sequence that was set back is found before a token is issued twice
SELECT last_value AS last FROM safedeploy.fencing_token \gset
SELECT setval('safedeploy.fencing_token', 1) AS set_back;
\set VERBOSITY sqlstate
SELECT safedeploy.try_lock('app');
\set VERBOSITY terse
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 21316;
SELECT setval('safedeploy.fencing_token', :last) = :last AS set_again;
SELECT safedeploy.try_lock('app') > :token AS goes_on;

-- breaking: not one's own, not without a reason, nothing when nobody holds it
SELECT safedeploy.break_lock('app', 'test');
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.break_lock('nobody', 'test');
SELECT safedeploy.break_lock('app', NULL);
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SELECT safedeploy.break_lock('app', 'test');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- the end of the session releases
\c
DO $$ BEGIN FOR i IN 1..500 LOOP EXIT WHEN NOT EXISTS (SELECT FROM safedeploy.lock_holders); PERFORM pg_sleep(0.01); END LOOP; END $$;
SELECT count(*) FROM safedeploy.lock_holders;
