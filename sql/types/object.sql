CREATE TYPE safedeploy.object AS (
	kind text,
	identity text,
	definition jsonb,
	core bytea,
	security bytea,
	owner bytea,
	storage bytea,
	comment bytea,
	version bytea,
	"order" bytea,
	environment bytea,
	phys jsonb
);
COMMENT ON TYPE safedeploy.object IS 'a top-level schema object: identity, definition by facet, SHA-256 of each facet it has, and its physical identity (OID, file, column numbers), which is never hashed';
