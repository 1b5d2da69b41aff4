-- Within one database OIDs and column numbers tell a rename from a drop, and a
-- re-creation from nothing at all; consequences name their cause.
CREATE SCHEMA dl;
CREATE SCHEMA dl_other;
SET search_path = dl;
SET client_min_messages = warning;
\pset null -
CREATE TABLE public.marks (mark text PRIMARY KEY, id bigint);
-- Changes since a mark, or between two.
CREATE FUNCTION public.since(a text, b text DEFAULT NULL)
RETURNS TABLE (seq integer, op text, kind text, identity text, path text, class text, severity text, data_loss text, cause integer)
LANGUAGE sql AS $$
	SELECT d.seq, d.op, d.kind, d.identity, d.path, d.class, d.severity, d.data_loss, d.cause
	FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = a), (SELECT id FROM public.marks WHERE mark = b)) AS d
	WHERE d.identity ~ '\mdl' OR d.kind = 'schema' ORDER BY d.seq
$$;
CREATE FUNCTION public.mark(name text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO public.marks VALUES (name, safedeploy.take_snapshot(name))
	ON CONFLICT (mark) DO UPDATE SET id = excluded.id
$$;

CREATE TYPE dl.state AS ENUM ('new', 'old');
CREATE TABLE a (id bigserial PRIMARY KEY, v text, w varchar(10) NOT NULL CHECK (w <> ''), st dl.state DEFAULT 'new');
CREATE INDEX a_w ON a (w);
CREATE INDEX a_v ON a (lower(v));
CREATE TABLE b (id integer PRIMARY KEY, a_id bigint REFERENCES a, x integer);
-- a view of two relations: of one alone, the names of its columns are written unlike before 16
CREATE VIEW va AS SELECT a.id, a.v, a.w FROM a, (VALUES (1)) AS one(n);
CREATE VIEW vva AS SELECT va.v FROM va;
CREATE FUNCTION fs(dl.state) RETURNS integer LANGUAGE sql AS 'SELECT 1';
INSERT INTO a (v, w) SELECT i, 'w' FROM generate_series(1, 100) i;
ANALYZE a;

-- a renamed column: the check, the index and the view only follow
SELECT public.mark('m');
ALTER TABLE a RENAME w TO w2;
SELECT * FROM public.since('m');
-- and so do things when the table is renamed as well
ALTER TABLE a RENAME TO a2;
SELECT * FROM public.since('m');
SELECT op, identity, path, old, new, summary FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'm')) WHERE severity <> 'info';
ALTER TABLE a2 RENAME TO a;
ALTER TABLE a RENAME w2 TO w;
SELECT * FROM public.since('m');

-- two names changed places
CREATE TABLE c (p integer, q integer);
SELECT public.mark('m');
ALTER TABLE c RENAME p TO tmp;
ALTER TABLE c RENAME q TO p;
ALTER TABLE c RENAME tmp TO q;
ALTER TABLE b RENAME TO tmp;
ALTER TABLE c RENAME TO b;
ALTER TABLE tmp RENAME TO c;
SELECT * FROM public.since('m');
ALTER TABLE b RENAME TO tmp;
ALTER TABLE c RENAME TO b;
ALTER TABLE tmp RENAME TO c;

-- a name taken over: one column is gone, the other has its name
SELECT public.mark('m');
ALTER TABLE c DROP COLUMN q;
ALTER TABLE c RENAME p TO q;
SELECT * FROM public.since('m');

-- dropped and added anew under one name: its values are gone, other tools see nothing
SELECT public.mark('m');
ALTER TABLE a DROP COLUMN v CASCADE;
ALTER TABLE a ADD COLUMN v text;
CREATE INDEX a_v ON a (lower(v));
CREATE VIEW va AS SELECT a.id, a.v, a.w FROM a, (VALUES (1)) AS one(n);
CREATE VIEW vva AS SELECT va.v FROM va;
SELECT * FROM public.since('m');
-- the last column leaves not even its place behind
SELECT public.mark('m');
ALTER TABLE c DROP COLUMN q;
ALTER TABLE c ADD COLUMN q integer;
SELECT * FROM public.since('m');

-- a table made anew
SELECT public.mark('m');
DROP TABLE c;
CREATE TABLE c (q integer);
SELECT * FROM public.since('m');
SELECT public.mark('m');
DROP TABLE c;
CREATE TABLE c (q bigint);
SELECT * FROM public.since('m');

-- rewritten, and emptied
SELECT public.mark('m');
VACUUM FULL a;
SELECT * FROM public.since('m');
ANALYZE a;
SELECT public.mark('m');
BEGIN;
TRUNCATE a CASCADE;
SELECT * FROM public.since('m');
ROLLBACK;

-- counting rows again is no change
ANALYZE;
SELECT * FROM public.since('m');

-- moved, and a whole schema renamed
SELECT public.mark('m');
ALTER TABLE b SET SCHEMA dl_other;
SELECT * FROM public.since('m');
ALTER TABLE dl_other.b SET SCHEMA dl;
ALTER SCHEMA dl RENAME TO dl_new;
SELECT * FROM public.since('m');
ALTER SCHEMA dl_new RENAME TO dl;

-- a renamed type
SELECT public.mark('m');
ALTER TYPE state RENAME TO status;
SELECT * FROM public.since('m');
ALTER TYPE status RENAME TO state;
ALTER TYPE state RENAME VALUE 'new' TO 'fresh';
SELECT * FROM public.since('m');
ALTER TYPE state RENAME VALUE 'fresh' TO 'new';
ALTER TYPE state ADD VALUE 'mid' BEFORE 'old';
SELECT * FROM public.since('m');
-- what cannot be undone stays a real difference
SELECT public.mark('n');
SELECT op, kind, path, old, new, class, severity, data_loss FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'n'), (SELECT id FROM public.marks WHERE mark = 'm'));

-- what goes along
SELECT public.mark('m');
BEGIN;
ALTER TABLE a DROP COLUMN id CASCADE;
SELECT * FROM public.since('m');
ROLLBACK;
BEGIN;
DROP TABLE a CASCADE;
SELECT * FROM public.since('m');
ROLLBACK;
BEGIN;
DROP SCHEMA dl CASCADE;
SELECT * FROM public.since('m');
ROLLBACK;
BEGIN;
DROP TYPE state CASCADE;
SELECT * FROM public.since('m');
ROLLBACK;
-- a body that is only text does not say what its function was dropped for, a parsed one does
CREATE FUNCTION text_body() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM dl.b';
CREATE FUNCTION parsed_body() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM dl.b; END;
-- a view and a function that need each other
CREATE VIEW ring AS SELECT 1 AS a;
CREATE FUNCTION ring_rows() RETURNS SETOF ring LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE VIEW ring AS SELECT 1 AS a FROM dl.ring_rows();
SELECT public.mark('m');
DROP FUNCTION text_body(), parsed_body();
DROP TABLE b;
DROP VIEW ring CASCADE;
SELECT * FROM public.since('m');
CREATE TABLE b (id integer PRIMARY KEY, a_id bigint REFERENCES a, x integer);
SELECT public.mark('m');
-- equal after all that
SELECT count(*) FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'm'));

-- a change that merely looks like the rename stays on its own
CREATE TABLE d (k integer, l integer, CONSTRAINT d_check CHECK (k > 0));
CREATE TABLE e (k integer, l integer, CONSTRAINT e_check CHECK (k > 0));
SELECT public.mark('m');
ALTER TABLE d DROP COLUMN l;
ALTER TABLE d RENAME k TO l;
ALTER TABLE e DROP CONSTRAINT e_check, ADD CONSTRAINT e_check CHECK (l > 0);
SELECT * FROM public.since('m');

-- one OID for two tables that have nothing in common, as in two physical copies: no rename
CREATE TABLE only_here (p1 integer, p2 text);
SELECT public.mark('m');
DROP TABLE only_here;
CREATE TABLE only_there (q1 text, q2 integer);
SELECT public.mark('n');
UPDATE safedeploy.snapshot_object n SET phys = n.phys || jsonb_build_object('oid', o.phys -> 'oid')
FROM safedeploy.snapshot_object o
WHERE n.snapshot_id = (SELECT id FROM public.marks WHERE mark = 'n') AND n.identity = 'dl.only_there'
	AND o.snapshot_id = (SELECT id FROM public.marks WHERE mark = 'm') AND o.identity = 'dl.only_here';
SELECT * FROM public.since('m', 'n');
DROP TABLE only_there;

-- names that mean something elsewhere stay names
CREATE TABLE "select" ("{thing}" integer, "a.b" integer, "x
y" text DEFAULT '{old}', "ключ" integer, "%s%n" integer, "quo""ted" integer);
SELECT public.mark('m');
ALTER TABLE "select" DROP COLUMN "{thing}", DROP COLUMN "a.b", ALTER "x
y" SET DEFAULT '{new}', ALTER "ключ" TYPE bigint, ALTER "%s%n" SET NOT NULL, ADD CHECK ("quo""ted" > 0);
SELECT path, summary FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'm'));
ALTER TABLE "select" RENAME TO "drop table";
ALTER TABLE "drop table" RENAME "quo""ted" TO "un""quoted";
SELECT path, cause, summary FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'm')) WHERE op = 'rename' OR kind = 'constraint';
DROP TABLE "drop table";

-- facets
SELECT public.mark('m');
COMMENT ON TABLE d IS 'x';
ALTER TABLE d SET (fillfactor = 50);
ALTER TABLE d ADD COLUMN n integer;
COMMENT ON COLUMN d.n IS 'not worth a line beside its column';
SELECT op, path, facet FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'm'));
SELECT op, path, facet FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'm'), facets => '{comment}');
SELECT op, path, facet FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'm'), facets => '{storage,order}');
SELECT op, path, facet FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = 'm'), facets => '{owner,version}');

-- refusals
CREATE FUNCTION public.refusal(statement text) RETURNS TABLE (code text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	detail := replace(detail, 'version ' || current_setting('server_version_num')::integer / 10000, 'version N');
	RETURN NEXT;
END $$;
UPDATE public.marks SET id = safedeploy.take_snapshot() WHERE mark = 'm';
\x on
SELECT * FROM public.refusal('SELECT safedeploy.diff(NULL)');
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff(-1)');
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff((SELECT min(id) FROM safedeploy.snapshot), -1)');
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff((SELECT min(id) FROM safedeploy.snapshot), facets => ''{core,colour}'')');
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff((SELECT min(id) FROM safedeploy.snapshot), facets => ''{}'')');
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff((SELECT min(id) FROM safedeploy.snapshot), facets => ''{NULL}'')');
-- of another major version: not with this server, but with its like
INSERT INTO safedeploy.snapshot (id, taken_at, server_version_num, database, database_oid, system_identifier, fingerprint, facets, objects, complete)
VALUES (-10, now(), 120001, 'old', 1, 1, repeat('0', 64), '{}', 0, true), (-11, now(), 120022, 'old', 1, 1, repeat('0', 64), '{}', 0, true),
	(-12, now(), 150000, 'old', 1, 1, NULL, NULL, NULL, false);
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff(-10)');
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff((SELECT max(id) FROM safedeploy.snapshot), -10)');
SELECT count(*) FROM safedeploy.diff(-10, -11);
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff(-12)');
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff((SELECT max(id) FROM safedeploy.snapshot), -12)');
-- a definition that is missing is found out, not taken for none
DELETE FROM safedeploy.object_def d USING safedeploy.snapshot_object o
WHERE o.def_hash = d.hash AND o.identity = 'dl.d' AND o.snapshot_id = (SELECT id FROM public.marks WHERE mark = 'm');
ALTER TABLE d ADD COLUMN last integer;
SELECT * FROM public.refusal('SELECT * FROM safedeploy.diff((SELECT id FROM public.marks WHERE mark = ''m''))');
\x off
-- definitions that no snapshot has ever written do no harm
CREATE FUNCTION public.forge(name text, definition jsonb) RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO safedeploy.object_def VALUES (sha256(convert_to(definition::text, 'UTF8')), definition) ON CONFLICT DO NOTHING;
	WITH s AS (
		INSERT INTO safedeploy.snapshot (taken_at, server_version_num, database, database_oid, system_identifier, fingerprint, facets, objects, complete)
		VALUES (now(), 150000, 'forged', 1, 1, repeat('0', 64), '{}', 1, true) RETURNING id)
	INSERT INTO safedeploy.snapshot_object (n, snapshot_id, kind, identity, def_hash, core, security, owner, storage, comment, version, "order", phys)
	SELECT 1, id, name, 'f.x', h, h, h, h, h, h, h, h, definition FROM s, sha256(convert_to(definition::text, 'UTF8')) h RETURNING snapshot_id
$$;
CREATE TABLE public.forged AS
	SELECT k, d, public.forge(k, d) AS id FROM unnest(ARRAY['table', 'composite type', 'enum', 'view', 'publication', 'sequence']) k,
		unnest(ARRAY['{}', '[]', '1', '"x"', 'null', '{"core": 1}', '{"core": []}', '{"core": {"columns": 1, "constraints": [1, {"name": "a"}, {"name": 2}]}}',
			'{"core": {"attributes": ["a", {"name": "b", "x": {"y": 1}}], "labels": {"a": 1}}, "order": {"columns": {"a": 1}}}',
			'{"core": {"attributes": [{"name": "a"}, "b"], "labels": [1, "a", ["b"], {"name": "c"}]}, "order": {"columns": [1, "a"]}}',
			'{"core": {"columns": {"a": 1, "b": {"type": 5}}, "constraints": {"c": "x"}, "owned_by": 7, "partition_of": [1], "inherits": "q"}, "security": {"acl": ["x", {"PUBLIC": "y"}], "policies": 3}}',
			'{"core": {"columns": {"a": {"type": {"z": 1}}, "b": {"type": "x", "identity": []}}, "constraints": {"c": {"definition": 4}}, "owned_by": "f.x.a", "inherits": [[]]}, "security": {"acl": {"PUBLIC": {"x": ["y"]}}}}',
			'{"columns": {"a": 1, "b": "x"}, "oid": 5, "relfilenode": 1.5, "core": {"tables": [], "definition": {}, "options": 1}}',
			'{"columns": {"b": 1, "a": {"oid": []}}, "oid": 5, "relfilenode": "x", "core": {"tables": {"": ""}, "definition": [], "options": {"": null}}}']::jsonb[]) d;
DO $$
DECLARE
	a record;
	b record;
BEGIN
	FOR a IN SELECT * FROM public.forged LOOP
		FOR b IN SELECT * FROM public.forged LOOP
			PERFORM count(summary) FROM safedeploy.diff(a.id, b.id);
		END LOOP;
	END LOOP;
END
$$;
-- too deep, and quotes in quotes
SELECT * FROM public.refusal(format('SELECT * FROM safedeploy.diff(%s, %s)',
	public.forge('table', ('{"core": ' || repeat('{"a": ', 30) || '1' || repeat('}', 31))::jsonb), public.forge('table', ('{"core": ' || repeat('{"a": ', 30) || '2' || repeat('}', 31))::jsonb)));
SELECT public.forge('function', jsonb_build_object('core', jsonb_build_object('body', repeat('''', 100000) || 'a'))) AS a,
	public.forge('function', jsonb_build_object('core', jsonb_build_object('body', repeat('''', 100000) || 'b'))) AS b \gset
SELECT op, path FROM safedeploy.diff(:a, :b) WHERE path LIKE 'body%';
DROP FUNCTION public.forge;
DROP TABLE public.forged;
-- who may call it
CREATE ROLE regress_diff_nobody;
GRANT USAGE ON SCHEMA safedeploy TO regress_diff_nobody;
SET ROLE regress_diff_nobody;
SELECT count(*) FROM safedeploy.diff(-10, -11);
RESET ROLE;
SELECT safedeploy.grant_reader('regress_diff_nobody');
SET ROLE regress_diff_nobody;
SELECT count(*) FROM safedeploy.diff(-10, -11);
RESET ROLE;
DROP OWNED BY regress_diff_nobody;
DROP ROLE regress_diff_nobody;

DROP SCHEMA dl, dl_other CASCADE;
DROP TABLE public.marks;
DROP FUNCTION public.since, public.mark, public.refusal;
SELECT count(safedeploy.drop_snapshot(id)) > 10 AS dropped FROM safedeploy.snapshot;
