-- Whether this session is kept from dropping things, and whether there is a way to permit it.
SELECT pg_catalog.current_setting('safedeploy.protect', true) OPERATOR(pg_catalog.=) ANY (ARRAY['warn', 'enforce'])
   AND EXISTS (SELECT 1
                 FROM pg_catalog.pg_proc AS p
                 JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
                WHERE n.nspname OPERATOR(pg_catalog.=) 'safedeploy' AND p.proname OPERATOR(pg_catalog.=) 'permit')
