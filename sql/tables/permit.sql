CREATE TABLE safedeploy.permit (
	id bigint GENERATED ALWAYS AS IDENTITY,
	made_at timestamptz NOT NULL,
	made_by text NOT NULL,
	client_addr inet,
	statement text,
	-- "C", because the library looks it up by its bytes
	fingerprint text COLLATE "C",
	objects text[],
	reason text NOT NULL,
	expires_at timestamptz NOT NULL,
	uses integer,
	run_id uuid,
	token bigint,
	for_role text,
	CONSTRAINT permit_pkey PRIMARY KEY (id)
);
CREATE INDEX permit_fingerprint_idx ON safedeploy.permit (fingerprint);
CREATE INDEX permit_run_id_idx ON safedeploy.permit (run_id);
COMMENT ON TABLE safedeploy.permit IS
'What destructive statements are allowed although safedeploy.protect is on; written by permit().  Append-only; read it through the view permits.';
COMMENT ON COLUMN safedeploy.permit.made_at IS 'when it was made';
COMMENT ON COLUMN safedeploy.permit.made_by IS 'role whose session made it';
COMMENT ON COLUMN safedeploy.permit.client_addr IS 'address of the client, NULL for a local one';
COMMENT ON COLUMN safedeploy.permit.statement IS 'the statement that it allows, without its literals when it may hold a secret; NULL for all of a run';
COMMENT ON COLUMN safedeploy.permit.fingerprint IS 'SHA-256 of the tokens of the statement, in hex';
COMMENT ON COLUMN safedeploy.permit.objects IS 'what may be lost; NULL for anything that the run drops';
COMMENT ON COLUMN safedeploy.permit.reason IS 'why';
COMMENT ON COLUMN safedeploy.permit.expires_at IS 'when it ends';
COMMENT ON COLUMN safedeploy.permit.uses IS 'how many statements it allows; NULL for any number, of a run only';
COMMENT ON COLUMN safedeploy.permit.run_id IS 'run whose sessions alone it is for';
COMMENT ON COLUMN safedeploy.permit.token IS 'fencing token that the session must hold, and that must be current';
COMMENT ON COLUMN safedeploy.permit.for_role IS 'role whose sessions alone it is for';
REVOKE ALL ON TABLE safedeploy.permit FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('safedeploy.permit', '');
SELECT pg_catalog.pg_extension_config_dump('safedeploy.permit_id_seq', '');
