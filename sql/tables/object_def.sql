CREATE TABLE safedeploy.object_def (
	hash bytea NOT NULL,
	definition jsonb NOT NULL,
	CONSTRAINT object_def_pkey PRIMARY KEY (hash)
);
COMMENT ON TABLE safedeploy.object_def IS 'definitions of objects by their hash, shared by all snapshots';
COMMENT ON COLUMN safedeploy.object_def.hash IS 'SHA-256 over the hashes of the facets';
COMMENT ON COLUMN safedeploy.object_def.definition IS 'definition by facet, as in safedeploy.object';
REVOKE ALL ON TABLE safedeploy.object_def FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('safedeploy.object_def', '');
