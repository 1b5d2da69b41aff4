-- Who may do what: nobody anything, a reader look, a deployer deploy.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE ROLE grants_reader LOGIN;
CREATE ROLE grants_deployer LOGIN;
CREATE ROLE "grants ""odd"" role";
SELECT safedeploy.grant_reader('grants_reader');
SELECT safedeploy.grant_deployer('grants_deployer');
SELECT safedeploy.grant_deployer('"grants ""odd"" role"');
SELECT has_function_privilege('grants "odd" role', 'safedeploy.try_lock(text, text, uuid)', 'EXECUTE') AS odd;

-- nothing to PUBLIC
SELECT has_schema_privilege('public', 'safedeploy', 'USAGE') AS usage;
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'safedeploy'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY 1;
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'safedeploy'::regnamespace AND relkind IN ('r', 'v', 'm') AND has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') ORDER BY 1;
-- no table is writable
SELECT c.oid::regclass, r FROM pg_class c, unnest(ARRAY['grants_reader', 'grants_deployer']) r WHERE relnamespace = 'safedeploy'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege(r, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') ORDER BY 1, 2;
-- both read every table and view
SELECT c.oid::regclass, r FROM pg_class c, unnest(ARRAY['grants_reader', 'grants_deployer']) r WHERE relnamespace = 'safedeploy'::regnamespace AND relkind IN ('r', 'v') AND NOT has_table_privilege(r, c.oid, 'SELECT') ORDER BY 1, 2;
-- what a deployer may not call
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'safedeploy'::regnamespace AND NOT has_function_privilege('grants_deployer', p.oid, 'EXECUTE') ORDER BY proname;
-- what a reader may call beyond what is known to write nothing
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'safedeploy'::regnamespace AND has_function_privilege('grants_reader', p.oid, 'EXECUTE')
	AND (prosecdef AND proname NOT IN ('check_fence', 'ledger_head')
		OR proname NOT IN ('version', 'protocol_version', 'check_fence', 'lock_holder_pid', 'ledger_head', 'verify_chain', 'verify_guards', 'verify_ledger',
			'keep_objects', 'keep_others', 'kept_objects', 'diff_others',
			'objects', 'fingerprint', 'diff', 'definition_sql', 'revert_sql', 'statements', 'comments', 'normalized', 'shape', 'analyze', 'predict', 'probe', 'rule_catalog', 'export_snapshot',
			'run_statement_digest', 'trace_report', 'trace_effects')) ORDER BY proname;
-- every function has its search_path pinned (analyze(), predict() and probe() read names as their caller would), and every public object a comment
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'safedeploy'::regnamespace AND (proname NOT IN ('analyze', 'predict', 'probe') OR prosecdef) AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false) ORDER BY 1;
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'safedeploy'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL ORDER BY 1;
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'safedeploy'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL ORDER BY 1;

-- a reader reads
SET SESSION AUTHORIZATION grants_reader;
SELECT count(*) FROM safedeploy.lock_holders;
SELECT count(*) >= 0 AS history FROM safedeploy.history;
SELECT count(*) >= 0 AS unfinished FROM safedeploy.unfinished_runs;
SELECT count(*) >= 0 AS good FROM safedeploy.last_known_good;
SELECT * FROM safedeploy.verify_ledger(safedeploy.ledger_head());
SELECT safedeploy.check_fence(1);
SELECT safedeploy.try_lock('x');
\echo :LAST_ERROR_SQLSTATE
RESET SESSION AUTHORIZATION;

-- a deployer goes all the way, and his name is on record, not the definer's
SET SESSION AUTHORIZATION grants_deployer;
SELECT safedeploy.try_lock('grants', 'why', 'c0000000-0000-0000-0000-000000000001') AS token \gset
SELECT usename FROM safedeploy.lock_holders;
SELECT safedeploy.begin_run('c0000000-0000-0000-0000-000000000001', 'run', 'sql', 'grants', NULL, NULL, :token, NULL);
SELECT safedeploy.record_event('c0000000-0000-0000-0000-000000000001', 'migrate', 'begin') > 0 AS recorded;
SET safedeploy.fence_token = :token;
SELECT safedeploy.end_run('c0000000-0000-0000-0000-000000000001', 'done', 0) > 0 AS ended;
RESET safedeploy.fence_token;
SELECT safedeploy.unlock('grants', :token);
-- here are runs, so this is no clone
SELECT safedeploy.forget_rehearsal();
\echo :LAST_ERROR_SQLSTATE
SELECT "session_user" FROM safedeploy.history WHERE run_id = 'c0000000-0000-0000-0000-000000000001';
RESET SESSION AUTHORIZATION;

DROP OWNED BY grants_reader, grants_deployer, "grants ""odd"" role";
DROP ROLE grants_reader, grants_deployer, "grants ""odd"" role";
