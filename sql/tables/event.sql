CREATE TABLE safedeploy.event (
	seq bigint NOT NULL,
	run_id uuid NOT NULL,
	at timestamptz NOT NULL,
	state text NOT NULL,
	status text NOT NULL,
	result text,
	exit_code integer,
	message text,
	detail jsonb,
	prev_hash bytea,
	hash bytea NOT NULL,
	CONSTRAINT event_pkey PRIMARY KEY (seq)
);
CREATE INDEX event_run_id_seq_idx ON safedeploy.event (run_id, seq);
COMMENT ON TABLE safedeploy.event IS
'The ledger, second part: one chain of events over all runs, written by begin_run(), record_event() and end_run().  Append-only; seq has no gaps.';
COMMENT ON COLUMN safedeploy.event.seq IS 'place in the chain, from 1, without gaps';
COMMENT ON COLUMN safedeploy.event.run_id IS 'run that the event belongs to';
COMMENT ON COLUMN safedeploy.event.at IS 'when it was written';
COMMENT ON COLUMN safedeploy.event.state IS 'state of the run; "begin" for its first event and "end" for its last';
COMMENT ON COLUMN safedeploy.event.status IS 'begin, ok, failed, skipped or note';
COMMENT ON COLUMN safedeploy.event.result IS 'result of the run, in its last event';
COMMENT ON COLUMN safedeploy.event.exit_code IS 'exit code of the client, in the last event of the run';
COMMENT ON COLUMN safedeploy.event.message IS 'one sentence for a person';
COMMENT ON COLUMN safedeploy.event.detail IS 'what a program wants to know; the last event of a good run has revision, snapshot_id and fingerprint';
COMMENT ON COLUMN safedeploy.event.prev_hash IS 'hash of the event before it, NULL for the first';
COMMENT ON COLUMN safedeploy.event.hash IS 'SHA-256 over all other columns';
REVOKE ALL ON TABLE safedeploy.event FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('safedeploy.event', '');
