CREATE FUNCTION safedeploy.verify_guards()
RETURNS SETOF safedeploy.fault
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
WITH guarded AS (
	SELECT c.oid, c.relname, c.relrowsecurity, c.relkind,
		c.relname IN ('lock', 'run', 'event', 'permit', 'permit_use') AS append_only
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'safedeploy' AND c.relname IN ('lock', 'run', 'event', 'permit', 'permit_use',
		'drift_event', 'run_statement', 'applied_migration')
),
-- tgtype: row before insert, delete, update; statement before truncate; statement before any
wanted (append_only, tgname, tgtype) AS (
	VALUES (true, 'append_only_rows', 1 + 2 + 4 + 8 + 16), (true, 'append_only_truncate', 2 + 32),
		(false, 'written_by_functions', 2 + 4 + 8 + 16 + 32)
),
seen AS (
	SELECT g.relname, w.tgname, t.tgenabled
	FROM guarded g
	JOIN wanted w ON w.append_only = g.append_only
	LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = g.oid
		AND t.tgname = w.tgname
		AND t.tgtype = w.tgtype
		AND t.tgqual IS NULL
		AND t.tgattr = ''::pg_catalog.int2vector
		AND t.tgfoid = pg_catalog.to_regprocedure('safedeploy.refuse_write()')
)
SELECT NULL::pg_catalog.int8, NULL::pg_catalog.uuid, f.what, f.detail
FROM (
	SELECT 'trigger_missing', pg_catalog.format('Trigger %I of table safedeploy.%I is missing or was replaced.', tgname, relname)
	FROM seen WHERE tgenabled IS NULL
	UNION ALL
	SELECT 'trigger_disabled', pg_catalog.format('Trigger %I of table safedeploy.%I is not enabled ALWAYS.', tgname, relname)
	FROM seen WHERE tgenabled <> 'A'
	UNION ALL
	SELECT 'trigger_added', pg_catalog.format('Table safedeploy.%I has a further trigger %I.', g.relname, t.tgname)
	FROM guarded g
	JOIN pg_catalog.pg_trigger t ON t.tgrelid = g.oid AND NOT t.tgisinternal
	WHERE t.tgname NOT IN (SELECT w.tgname FROM wanted w)
	UNION ALL
	SELECT 'rule_added', pg_catalog.format('Table safedeploy.%I has a rule %I.', g.relname, r.rulename)
	FROM guarded g
	JOIN pg_catalog.pg_rewrite r ON r.ev_class = g.oid
	WHERE g.relkind = 'r'
	UNION ALL
	SELECT 'row_security', pg_catalog.format('Row level security hides rows of table safedeploy.%I.', g.relname)
	FROM guarded g WHERE g.relrowsecurity
	UNION ALL
	SELECT 'child_table', pg_catalog.format('Table %s inherits from safedeploy.%I; its rows are not of the ledger.', i.inhrelid::pg_catalog.regclass, g.relname)
	FROM guarded g
	JOIN pg_catalog.pg_inherits i ON i.inhparent = g.oid
	UNION ALL
	SELECT 'table_replaced', pg_catalog.format('Relation safedeploy.%I is no table.', g.relname)
	FROM guarded g WHERE g.relkind <> 'r'
	UNION ALL
	SELECT 'guard_replaced', 'Function safedeploy.refuse_write() is not that of the library.'
	WHERE NOT EXISTS (
		SELECT FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		WHERE p.oid = pg_catalog.to_regprocedure('safedeploy.refuse_write()')
			AND l.lanname = 'c'
			AND p.prosrc = 'safedeploy_refuse_write'
			AND p.probin ~ '(^|/)safedeploy(\.so)?$')
	UNION ALL
	-- a token that is issued twice lets a deploy that lost its lock write again
	SELECT 'sequence_reset', pg_catalog.format('Sequence safedeploy.%I stands at %s, and %s is used already.', q.name, q.stands, q.used)
	FROM (
		SELECT 'fencing_token', CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END, greatest((SELECT max(token) FROM ONLY safedeploy.lock), (SELECT max(token) FROM ONLY safedeploy.run))
		FROM safedeploy.fencing_token s
		UNION ALL
		SELECT 'permit_id_seq', CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END, (SELECT max(id) FROM ONLY safedeploy.permit) FROM safedeploy.permit_id_seq s
		UNION ALL
		SELECT 'permit_use_id_seq', CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END, (SELECT max(id) FROM ONLY safedeploy.permit_use) FROM safedeploy.permit_use_id_seq s
	) q (name, stands, used)
	WHERE q.stands < q.used
	UNION ALL
	SELECT 'guard_disabled', pg_catalog.format('Event trigger %I is missing, replaced or not enabled ALWAYS.', e.evtname)
	FROM (VALUES ('safedeploy_guard', 'safedeploy.refuse_ddl()', 'ddl_command_end'),
		('safedeploy_guard_drop', 'safedeploy.refuse_drop()', 'sql_drop'),
		('safedeploy_confirm_drop', 'safedeploy.confirm_drop()', 'ddl_command_start')) e (evtname, func, event)
	WHERE NOT EXISTS (
		SELECT FROM pg_catalog.pg_event_trigger t
		WHERE t.evtname = e.evtname
			AND t.evtevent = e.event
			AND t.evtenabled = 'A'
			AND t.evtfoid = pg_catalog.to_regprocedure(e.func))
) f (what, detail)
$$;
COMMENT ON FUNCTION safedeploy.verify_guards() IS
'The part of verify_ledger() that looks for triggers of the ledger that are missing or disabled, for rules, triggers, row security and child tables that were added, for a guard that was replaced, and for sequences that were set back.';
REVOKE ALL ON FUNCTION safedeploy.verify_guards() FROM PUBLIC;
