-- All of the schema as it is, as names and values that can be compared between databases: the default fingerprint,
-- what that leaves out (the order of columns), and the version of the extension.
SELECT 'schema' AS what, safedeploy.fingerprint() AS value
UNION ALL
SELECT 'order of columns', safedeploy.fingerprint(ARRAY['order'])
UNION ALL
SELECT 'extension safedeploy', e.extversion
  FROM pg_catalog.pg_extension AS e
 WHERE e.extname OPERATOR(pg_catalog.=) 'safedeploy'
