-- Run by psql behind the migration, in its transaction where it can be; the values are
-- variables of psql.  The migration may have changed the role.
\set QUIET on
RESET ROLE;
SELECT safedeploy.record_migration(:'migguard_project', :'migguard_version', :'migguard_name',
	:'migguard_checksum', nullif(:'migguard_run_id', '')::pg_catalog.uuid) AS recorded \gset migguard_
