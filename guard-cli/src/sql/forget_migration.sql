-- Run by psql behind the downgrade of a migration, in its transaction where it can be.
\set QUIET on
RESET ROLE;
SELECT safedeploy.forget_migration(:'migguard_project', :'migguard_version') AS forgotten \gset migguard_
