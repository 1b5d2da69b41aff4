CREATE TABLE safedeploy.drift_event (
	id bigint GENERATED ALWAYS AS IDENTITY,
	at timestamptz NOT NULL,
	xid xid8 NOT NULL,
	pid integer NOT NULL,
	"session_user" text NOT NULL,
	"current_user" text NOT NULL,
	application_name text,
	client_addr inet,
	tag text NOT NULL,
	objects text[],
	statement text,
	nested boolean NOT NULL,
	run_tag text,
	CONSTRAINT drift_event_pkey PRIMARY KEY (id)
);
CREATE INDEX drift_event_at_idx ON safedeploy.drift_event (at);
COMMENT ON TABLE safedeploy.drift_event IS
'DDL made outside of a run, one row a statement, written by sessions that have the library loaded while safedeploy.record_drift is on; read it through the view drift.  No part of a dump.';
COMMENT ON COLUMN safedeploy.drift_event.at IS 'when the statement ended';
COMMENT ON COLUMN safedeploy.drift_event.xid IS 'transaction that made it';
COMMENT ON COLUMN safedeploy.drift_event.pid IS 'process of the session';
COMMENT ON COLUMN safedeploy.drift_event."session_user" IS 'role that the session belongs to';
COMMENT ON COLUMN safedeploy.drift_event."current_user" IS 'role whose rights counted';
COMMENT ON COLUMN safedeploy.drift_event.application_name IS 'what the client calls itself';
COMMENT ON COLUMN safedeploy.drift_event.client_addr IS 'address of the client, NULL for a local one';
COMMENT ON COLUMN safedeploy.drift_event.tag IS 'command tag';
COMMENT ON COLUMN safedeploy.drift_event.objects IS 'kind and identity of what was changed or dropped; NULL when the server does not tell, as for roles and databases';
COMMENT ON COLUMN safedeploy.drift_event.statement IS 'its text, up to 8 kB; without its literals when it may hold a password or connection string';
COMMENT ON COLUMN safedeploy.drift_event.nested IS 'it ran inside of a function or DO block';
COMMENT ON COLUMN safedeploy.drift_event.run_tag IS 'run that the session said it works for, without holding its lock';
REVOKE ALL ON TABLE safedeploy.drift_event FROM PUBLIC;
