-- The key is a number, because the identity of a routine may be longer than an index entry can
-- be.  No foreign keys: only functions write here, and a check for each row doubles the time.
CREATE TABLE safedeploy.snapshot_object (
	snapshot_id bigint NOT NULL,
	n integer NOT NULL,
	kind text NOT NULL,
	identity text NOT NULL,
	def_hash bytea NOT NULL,
	core bytea,
	security bytea,
	owner bytea,
	storage bytea,
	comment bytea,
	version bytea,
	"order" bytea,
	environment bytea,
	phys jsonb,
	CONSTRAINT snapshot_object_pkey PRIMARY KEY (snapshot_id, n)
);
COMMENT ON TABLE safedeploy.snapshot_object IS 'objects of stored snapshots; kind and identity are unique in a snapshot';
COMMENT ON COLUMN safedeploy.snapshot_object.n IS 'number in the snapshot, without meaning';
COMMENT ON COLUMN safedeploy.snapshot_object.def_hash IS 'definition in object_def';
COMMENT ON COLUMN safedeploy.snapshot_object.core IS 'SHA-256 of the facet, as the columns after it; NULL when the object has nothing in it';
COMMENT ON COLUMN safedeploy.snapshot_object.phys IS 'OID, file and column numbers; never hashed';
REVOKE ALL ON TABLE safedeploy.snapshot_object FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('safedeploy.snapshot_object', '');
