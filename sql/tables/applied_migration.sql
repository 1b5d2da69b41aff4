CREATE TABLE safedeploy.applied_migration (
	project text NOT NULL,
	version text NOT NULL,
	name text NOT NULL,
	checksum text NOT NULL,
	run_id uuid,
	applied_at timestamptz NOT NULL,
	applied_by text NOT NULL,
	CONSTRAINT applied_migration_pkey PRIMARY KEY (project, version),
	-- one spelling of each number, so that 7 and 007 are the same migration
	CONSTRAINT applied_migration_version_check CHECK (version ~ '^(0|[1-9][0-9]*)$'),
	CONSTRAINT applied_migration_checksum_check CHECK (checksum ~ '^[0-9a-f]{64}$')
);
COMMENT ON TABLE safedeploy.applied_migration IS
'Plain SQL migrations that are applied, one row each; written by record_migration() and forget_migration() in the transaction of the migration.';
COMMENT ON COLUMN safedeploy.applied_migration.project IS 'set of migrations; several can live in one database';
COMMENT ON COLUMN safedeploy.applied_migration.version IS 'number of the migration, without leading zeros';
COMMENT ON COLUMN safedeploy.applied_migration.name IS 'name of the file';
COMMENT ON COLUMN safedeploy.applied_migration.checksum IS 'SHA-256 of the file when it was applied, 64 hex digits';
COMMENT ON COLUMN safedeploy.applied_migration.run_id IS 'run that applied it, NULL outside a run';
COMMENT ON COLUMN safedeploy.applied_migration.applied_at IS 'when it was recorded';
COMMENT ON COLUMN safedeploy.applied_migration.applied_by IS 'role that applied it';
REVOKE ALL ON TABLE safedeploy.applied_migration FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('safedeploy.applied_migration', '');
