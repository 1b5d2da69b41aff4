CREATE TABLE safedeploy.lock (
	-- "C", because the library looks names up by their bytes
	name text COLLATE "C" NOT NULL,
	token bigint NOT NULL,
	run_id uuid,
	reason text,
	holder_pid integer NOT NULL,
	holder_user text NOT NULL,
	application_name text NOT NULL,
	client_addr inet,
	acquired_at timestamptz NOT NULL,
	CONSTRAINT lock_pkey PRIMARY KEY (name),
	CONSTRAINT lock_token_key UNIQUE (token)
);
COMMENT ON TABLE safedeploy.lock IS
'One row for each deploy lock that has ever been taken, with its last holder, whether or not he still holds it; see lock_holders for those who do.  Written by try_lock() only.';
COMMENT ON COLUMN safedeploy.lock.name IS 'name of the lock, 1 to 200 bytes';
COMMENT ON COLUMN safedeploy.lock.token IS 'newest fencing token issued for this lock';
COMMENT ON COLUMN safedeploy.lock.run_id IS 'run that the lock was taken for';
COMMENT ON COLUMN safedeploy.lock.reason IS 'what the holder said he wants it for';
COMMENT ON COLUMN safedeploy.lock.holder_pid IS 'PID of the server process of the last holder';
COMMENT ON COLUMN safedeploy.lock.holder_user IS 'role that the session of the last holder was opened as';
COMMENT ON COLUMN safedeploy.lock.application_name IS 'application_name of that session';
COMMENT ON COLUMN safedeploy.lock.client_addr IS 'address of the client, NULL for a local socket';
COMMENT ON COLUMN safedeploy.lock.acquired_at IS 'when the lock was taken';
REVOKE ALL ON TABLE safedeploy.lock FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('safedeploy.lock', '');
