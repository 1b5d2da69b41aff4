CREATE FUNCTION safedeploy.grant_reader(role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- what looks and changes nothing; the deployer has these too
	readers CONSTANT text[] := ARRAY['version', 'protocol_version', 'objects', 'fingerprint',
		'keep_objects', 'keep_others', 'kept_objects', 'diff_others',
		'diff', 'definition_sql', 'revert_sql', 'statements', 'comments', 'normalized', 'shape', 'analyze', 'predict', 'probe', 'rule_catalog', 'export_snapshot', 'verify_ledger',
		'verify_chain', 'verify_guards', 'run_statement_digest', 'trace_report', 'trace_effects', 'ledger_head', 'check_fence', 'lock_holder_pid'];
	target record;
BEGIN
	EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA safedeploy TO %s', $1);
	FOR target IN
		SELECT c.oid::pg_catalog.regclass AS name
		FROM pg_catalog.pg_class c
		WHERE c.relnamespace = 'safedeploy'::pg_catalog.regnamespace
			AND (c.relkind IN ('r', 'v')
				-- of sequences only those that a dump reads
				OR c.relkind = 'S' AND EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'safedeploy' AND c.oid = ANY (e.extconfig)))
		ORDER BY c.relname
	LOOP
		EXECUTE pg_catalog.format('GRANT SELECT ON TABLE %s TO %s', target.name, $1);
	END LOOP;
	FOR target IN
		SELECT p.oid::pg_catalog.regprocedure AS name
		FROM pg_catalog.pg_proc p
		WHERE p.pronamespace = 'safedeploy'::pg_catalog.regnamespace AND p.proname = ANY (readers)
		ORDER BY p.proname
	LOOP
		EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO %s', target.name, $1);
	END LOOP;
END
$$;
COMMENT ON FUNCTION safedeploy.grant_reader(regrole) IS
'Grants to a role what it needs to look at everything and change nothing: USAGE of schema safedeploy, SELECT on its tables and views and on the sequences that a dump of the database reads, EXECUTE of the functions that only read.  Run by a superuser; again after an update of the extension.';
REVOKE ALL ON FUNCTION safedeploy.grant_reader(regrole) FROM PUBLIC;
