-- Functions of the extension that a run calls and this role may not execute.
SELECT pg_catalog.string_agg(DISTINCT p.proname::pg_catalog.text, ', ' ORDER BY p.proname::pg_catalog.text)
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
 WHERE n.nspname OPERATOR(pg_catalog.=) 'safedeploy'
   AND p.proname OPERATOR(pg_catalog.=) ANY (ARRAY['protocol_version', 'try_lock', 'unlock', 'begin_run', 'record_event', 'end_run',
       'take_snapshot', 'import_snapshot', 'fingerprint', 'diff', 'analyze', 'ledger_head', 'permit']::pg_catalog.name[])
   AND NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
