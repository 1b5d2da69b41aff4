-- Plain SQL migrations of a project that are applied, in the order of their numbers.
SELECT version, name, checksum
FROM safedeploy.applied_migration
WHERE project = $1
ORDER BY version::pg_catalog.numeric
