CREATE TABLE safedeploy.run (
	run_id uuid NOT NULL,
	started_at timestamptz NOT NULL,
	command text NOT NULL,
	tool text,
	lock_name text,
	database text NOT NULL,
	from_revision text,
	to_revision text,
	token bigint,
	"session_user" text NOT NULL,
	client_addr inet,
	client jsonb,
	server_version_num integer NOT NULL,
	hash bytea NOT NULL,
	CONSTRAINT run_pkey PRIMARY KEY (run_id)
);
CREATE INDEX run_started_at_idx ON safedeploy.run (started_at);
COMMENT ON TABLE safedeploy.run IS
'The ledger, first part: one row a run, written by begin_run().  Append-only.';
COMMENT ON COLUMN safedeploy.run.run_id IS 'id of the run';
COMMENT ON COLUMN safedeploy.run.started_at IS 'when it began';
COMMENT ON COLUMN safedeploy.run.command IS 'what was asked for: run, rollback, break_lock and so on';
COMMENT ON COLUMN safedeploy.run.tool IS 'migration tool that does the work';
COMMENT ON COLUMN safedeploy.run.lock_name IS 'deploy lock that the run needs';
COMMENT ON COLUMN safedeploy.run.database IS 'name of the database at that time';
COMMENT ON COLUMN safedeploy.run.from_revision IS 'revision of the tool before the run';
COMMENT ON COLUMN safedeploy.run.to_revision IS 'revision that the run leads to';
COMMENT ON COLUMN safedeploy.run.token IS 'fencing token, when the lock was taken before the run began';
COMMENT ON COLUMN safedeploy.run."session_user" IS 'role that the session was opened as';
COMMENT ON COLUMN safedeploy.run.client_addr IS 'address of the client, NULL for a local socket';
COMMENT ON COLUMN safedeploy.run.client IS 'what the client says about itself: version, host, user, process, commit';
COMMENT ON COLUMN safedeploy.run.server_version_num IS 'server_version_num at that time';
COMMENT ON COLUMN safedeploy.run.hash IS 'SHA-256 over all other columns; the first event of the run carries it too';
REVOKE ALL ON TABLE safedeploy.run FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('safedeploy.run', '');
