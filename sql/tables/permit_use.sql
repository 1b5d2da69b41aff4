CREATE TABLE safedeploy.permit_use (
	id bigint GENERATED ALWAYS AS IDENTITY,
	at timestamptz NOT NULL,
	verdict text NOT NULL,
	committed boolean NOT NULL,
	permit_id bigint,
	pid integer NOT NULL,
	"session_user" text NOT NULL,
	"current_user" text NOT NULL,
	application_name text,
	client_addr inet,
	tag text NOT NULL,
	objects text[],
	statement text,
	fingerprint text,
	nested boolean NOT NULL,
	run_tag text,
	CONSTRAINT permit_use_pkey PRIMARY KEY (id)
);
CREATE INDEX permit_use_permit_id_idx ON safedeploy.permit_use (permit_id);
COMMENT ON TABLE safedeploy.permit_use IS
'Destructive statements in sessions with safedeploy.protect on: permitted, warned of and refused, one row each.  Append-only.';
COMMENT ON COLUMN safedeploy.permit_use.at IS 'when the statement was judged';
COMMENT ON COLUMN safedeploy.permit_use.verdict IS 'permitted, warned, refused; or revoked, about a permit';
COMMENT ON COLUMN safedeploy.permit_use.committed IS 'its transaction committed; only then it counts as a use';
COMMENT ON COLUMN safedeploy.permit_use.permit_id IS 'permit that allowed it';
COMMENT ON COLUMN safedeploy.permit_use.pid IS 'process of the session';
COMMENT ON COLUMN safedeploy.permit_use."session_user" IS 'role that the session belongs to';
COMMENT ON COLUMN safedeploy.permit_use."current_user" IS 'role whose rights counted';
COMMENT ON COLUMN safedeploy.permit_use.application_name IS 'what the client calls itself';
COMMENT ON COLUMN safedeploy.permit_use.client_addr IS 'address of the client, NULL for a local one';
COMMENT ON COLUMN safedeploy.permit_use.tag IS 'command tag';
COMMENT ON COLUMN safedeploy.permit_use.objects IS 'what would have been, or was, lost';
COMMENT ON COLUMN safedeploy.permit_use.statement IS 'its text, up to 8 kB, without its literals when it may hold a secret; the reason, when a permit was revoked';
COMMENT ON COLUMN safedeploy.permit_use.fingerprint IS 'SHA-256 of its tokens, in hex';
COMMENT ON COLUMN safedeploy.permit_use.nested IS 'it ran inside of a function or DO block';
COMMENT ON COLUMN safedeploy.permit_use.run_tag IS 'run that the session said it works for';
REVOKE ALL ON TABLE safedeploy.permit_use FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('safedeploy.permit_use', '');
SELECT pg_catalog.pg_extension_config_dump('safedeploy.permit_use_id_seq', '');
