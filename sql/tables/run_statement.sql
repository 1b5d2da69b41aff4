CREATE TABLE safedeploy.run_statement (
	run_id uuid NOT NULL,
	pid integer NOT NULL,
	backend_start timestamptz NOT NULL,
	application_name text,
	"session_user" text NOT NULL,
	seq integer NOT NULL,
	parent integer,
	nesting integer NOT NULL,
	transaction integer NOT NULL,
	tag text NOT NULL,
	hash text NOT NULL,
	statement text NOT NULL,
	masked boolean NOT NULL,
	calls bigint NOT NULL,
	started_at timestamptz NOT NULL,
	duration_ms double precision NOT NULL,
	lock_wait_ms double precision NOT NULL,
	rows bigint NOT NULL,
	wal_bytes bigint NOT NULL,
	sqlstate text,
	messages text[] NOT NULL,
	rolled_back boolean NOT NULL,
	effects jsonb NOT NULL,
	losses text[] NOT NULL,
	CONSTRAINT run_statement_pkey PRIMARY KEY (run_id, backend_start, pid, seq)
);
COMMENT ON TABLE safedeploy.run_statement IS
'What the statements of a run really did, one row a statement, written by the sessions that executed them while safedeploy.trace was on and safedeploy.run_id named the run.  Not chained: the event that closes a state of the run keeps run_statement_digest() of its rows.  No part of a dump.';
COMMENT ON COLUMN safedeploy.run_statement.run_id IS 'run that the session worked for';
COMMENT ON COLUMN safedeploy.run_statement.pid IS 'process of the session';
COMMENT ON COLUMN safedeploy.run_statement.backend_start IS 'when that process began';
COMMENT ON COLUMN safedeploy.run_statement.application_name IS 'what the session calls itself; migguard names the step of the run in it';
COMMENT ON COLUMN safedeploy.run_statement."session_user" IS 'role that the session belongs to';
COMMENT ON COLUMN safedeploy.run_statement.seq IS 'number of the statement in its session';
COMMENT ON COLUMN safedeploy.run_statement.parent IS 'seq of the statement that it ran in, NULL for one of the client';
COMMENT ON COLUMN safedeploy.run_statement.nesting IS 'how deep that is';
COMMENT ON COLUMN safedeploy.run_statement.transaction IS 'number of its transaction in the session';
COMMENT ON COLUMN safedeploy.run_statement.tag IS 'command tag';
COMMENT ON COLUMN safedeploy.run_statement.hash IS 'SHA-256 of the text as it was, or of the masked one';
COMMENT ON COLUMN safedeploy.run_statement.statement IS 'its text, up to 8 kB';
COMMENT ON COLUMN safedeploy.run_statement.masked IS 'the text may have held a secret: its literals are left out';
COMMENT ON COLUMN safedeploy.run_statement.calls IS 'how often the same query ran inside of the same statement';
COMMENT ON COLUMN safedeploy.run_statement.started_at IS 'when it began';
COMMENT ON COLUMN safedeploy.run_statement.duration_ms IS 'how long it took';
COMMENT ON COLUMN safedeploy.run_statement.lock_wait_ms IS 'how long of that it waited for locks, sampled every 10 ms';
COMMENT ON COLUMN safedeploy.run_statement.rows IS 'rows that it returned or changed';
COMMENT ON COLUMN safedeploy.run_statement.wal_bytes IS 'write-ahead log that it made';
COMMENT ON COLUMN safedeploy.run_statement.sqlstate IS 'error that ended it';
COMMENT ON COLUMN safedeploy.run_statement.messages IS 'what the server said of rewriting, verifying, validating and building';
COMMENT ON COLUMN safedeploy.run_statement.rolled_back IS 'its transaction or savepoint was rolled back';
COMMENT ON COLUMN safedeploy.run_statement.effects IS 'as the type effect has them: effect, kind, object, lock_mode, detail';
COMMENT ON COLUMN safedeploy.run_statement.losses IS 'what it takes away, of all classes of safedeploy.protect_classes, as a permit would have to name it';
REVOKE ALL ON TABLE safedeploy.run_statement FROM PUBLIC;
