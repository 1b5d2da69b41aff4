-- One edit is one root: what follows from it names it as its cause, stands after it, and is among
-- what it hits.
CREATE SCHEMA dr;
CREATE SCHEMA dr_other;
SET client_min_messages = error;
SET search_path = dr;
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE a (id integer PRIMARY KEY, w integer UNIQUE, n integer CHECK (n > 0), "Odd ""w""" integer,
	g integer GENERATED ALWAYS AS (n * 2) STORED, CONSTRAINT wn CHECK (w > n));
CREATE TABLE b (id integer, aw integer REFERENCES a (w));
CREATE INDEX a_w ON a ((w + 1)) WHERE w > 0;
CREATE INDEX btree_i ON a (n);
ALTER TABLE a ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON a USING (w > 0) WITH CHECK (w < 10);
CREATE POLICY p2 ON b USING (EXISTS (SELECT FROM a WHERE a.w = b.aw));
CREATE TRIGGER tr BEFORE UPDATE OF w ON a FOR EACH ROW WHEN (OLD.w IS DISTINCT FROM NEW.w) EXECUTE FUNCTION tf();
-- views of two relations: of one alone, the names of its columns are written unlike before 16
CREATE VIEW v AS SELECT a.id, a.w FROM a, b;
CREATE VIEW vv AS SELECT v.w FROM v, b;
CREATE VIEW vdrop AS SELECT 1 AS one;
CREATE STATISTICS st ON w, n FROM a;
CREATE STATISTICS "Odd" ON "Odd ""w""", n FROM a;
CREATE PUBLICATION regress_roots FOR TABLE a;
CREATE RULE ru AS ON INSERT TO b DO ALSO UPDATE a SET w = NEW.aw WHERE a.id = NEW.id;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (x integer, m mood);
CREATE TABLE typed OF pair;
CREATE TABLE m (id serial PRIMARY KEY, mood mood, moods mood[]);
CREATE TABLE vc (s varchar(10), i integer, CONSTRAINT vck CHECK (s <> 'z' AND i > 0), up text GENERATED ALWAYS AS (upper(s)) STORED);
CREATE INDEX vc_s ON vc (lower(s)) WHERE s <> 'q';
CREATE COLLATION coll FROM "C";
CREATE TABLE co (t text COLLATE coll);
CREATE TABLE part (k integer PRIMARY KEY, v integer) PARTITION BY LIST (k);
CREATE INDEX ON part (v);
CREATE TABLE part_1 (k integer NOT NULL, v integer);
CREATE EXTENSION hstore SCHEMA dr;
CREATE TABLE hs (h hstore);
CREATE FUNCTION is_ok(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE TABLE guarded (x integer CHECK (is_ok(x)));
CREATE POLICY guard ON guarded USING (is_ok(x));

-- Roots and what follows, of the edits in one transaction that is rolled back.
CREATE FUNCTION public.try(edit text, VARIADIC more text[] DEFAULT '{}') RETURNS TABLE (seq integer, cause integer, op text, kind text, object text, path text, severity text, data_loss text, hits text[])
LANGUAGE plpgsql AS $$
DECLARE
	before bigint := safedeploy.take_snapshot();
	statement text;
	result jsonb;
BEGIN
	BEGIN
		FOREACH statement IN ARRAY edit || more LOOP
			EXECUTE statement;
		END LOOP;
		result := (SELECT jsonb_agg(to_jsonb(d) ORDER BY d.seq) FROM safedeploy.diff(before) AS d WHERE d.class <> 'order');
		RAISE EXCEPTION USING errcode = 'SD000';
	EXCEPTION WHEN SQLSTATE 'SD000' THEN
		PERFORM safedeploy.drop_snapshot(before);
	END;
	-- a cause stands before what follows from it, and is hit by it
	IF EXISTS (SELECT FROM jsonb_to_recordset(result) AS c (seq integer, cause integer, object text, identity text, op text)
			JOIN jsonb_to_recordset(result) AS r (seq integer, hits text[]) ON r.seq = c.cause
			WHERE c.cause >= c.seq OR c.op NOT IN ('add', 'rename', 'move') AND NOT c.object || ' ' || c.identity = ANY (r.hits)
				AND NOT EXISTS (SELECT FROM jsonb_to_recordset(result) AS n (identity text, op text) WHERE n.identity = c.identity AND n.op IN ('rename', 'move'))) THEN
		RAISE EXCEPTION 'a consequence stands before its cause, or is not hit by it: %', result;
	END IF;
	RETURN QUERY SELECT r.seq, r.cause, r.op, r.kind, r.object || ' ' || r.identity, r.path, r.severity, r.data_loss, CASE WHEN r.cause IS NULL THEN r.hits END
		FROM jsonb_to_recordset(result) AS r (seq integer, cause integer, op text, kind text, object text, identity text, path text, severity text, data_loss text, hits text[]) ORDER BY r.seq;
END
$$;
\pset null ''
-- five edits, five roots
SELECT * FROM public.try('ALTER TABLE a ADD COLUMN extra text', 'CREATE INDEX a_n ON a (n)', 'DROP VIEW vdrop', 'ALTER TABLE a RENAME w TO w2', 'CREATE TABLE fresh (i integer)');
SELECT * FROM public.try('ALTER TABLE a RENAME "Odd ""w""" TO "odder"');
-- what goes along
SELECT * FROM public.try('ALTER TABLE a DROP COLUMN w CASCADE');
SELECT * FROM public.try('DROP TYPE mood CASCADE');
SELECT * FROM public.try('DROP COLLATION coll CASCADE');
SELECT * FROM public.try('DROP EXTENSION hstore CASCADE');
SELECT * FROM public.try('ALTER TABLE vc DROP COLUMN s CASCADE');
SELECT * FROM public.try('DROP FUNCTION is_ok(integer) CASCADE');
SELECT * FROM public.try('DROP SCHEMA dr CASCADE') WHERE cause IS NULL;
-- a column called as an access method is not what every index of that method is over
SELECT * FROM public.try('ALTER TABLE a ADD COLUMN btree integer', 'ALTER TABLE a DROP COLUMN btree', 'DROP INDEX btree_i');
-- what comes along
SELECT * FROM public.try('CREATE TABLE fresh (id serial, a integer REFERENCES a)');
SELECT * FROM public.try('ALTER TABLE m ADD COLUMN extra serial');
SELECT * FROM public.try('ALTER TABLE b ADD CONSTRAINT b_id FOREIGN KEY (id) REFERENCES a');
SELECT * FROM public.try('ALTER TYPE pair ADD ATTRIBUTE y integer CASCADE', 'ALTER TYPE pair RENAME ATTRIBUTE x TO xx CASCADE');
SELECT * FROM public.try('ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES IN (1)');
SELECT * FROM public.try('ALTER TABLE part ADD COLUMN w integer', 'CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2)');
-- what is written another way
SELECT * FROM public.try('ALTER TABLE vc DROP up, ALTER s TYPE text, ALTER i TYPE numeric');
SELECT * FROM public.try('ALTER EXTENSION hstore SET SCHEMA dr_other');
SELECT * FROM public.try('ALTER TABLE a RENAME CONSTRAINT a_w_key TO a_w_unique');
SELECT * FROM public.try('ALTER TABLE m OWNER TO pg_monitor');
-- made anew: what is the same beside it has a row only when nothing else is said of it
SELECT * FROM public.try('DROP INDEX a_w', 'CREATE INDEX a_w ON a ((w + 1)) WHERE w > 0', 'ALTER TABLE a DROP CONSTRAINT wn', 'ALTER TABLE a ADD CONSTRAINT wn CHECK (w > n)',
	'DROP TRIGGER tr ON a', 'CREATE TRIGGER tr BEFORE UPDATE OF w ON a FOR EACH ROW WHEN (OLD.w IS DISTINCT FROM NEW.w) EXECUTE FUNCTION tf()',
	'DROP POLICY p ON a', 'CREATE POLICY p ON a USING (w > 0)');
SELECT * FROM public.try('ALTER TYPE pair DROP ATTRIBUTE m CASCADE', 'ALTER TYPE pair ADD ATTRIBUTE m mood CASCADE');
-- a change hits those who depend on it and stay as they were
SELECT * FROM public.try('CREATE OR REPLACE FUNCTION is_ok(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS ''SELECT false''');
SELECT * FROM public.try('ALTER TYPE mood ADD VALUE ''calm''');
SELECT * FROM public.try('ALTER TABLE a DISABLE ROW LEVEL SECURITY');
-- a table stands before its view, and a type before both, whatever their names
SELECT op, object FROM public.try('CREATE VIEW a_view AS SELECT 1 AS one', 'CREATE TYPE z_type AS ENUM (''a'')', 'CREATE TABLE z_table (t z_type)', 'CREATE TABLE a_table (x integer)',
	'ALTER TABLE z_table ADD PRIMARY KEY (t)', 'ALTER TABLE a_table ADD COLUMN t z_type REFERENCES z_table', 'CREATE VIEW z_first AS SELECT * FROM z_table', 'CREATE VIEW a_last AS SELECT * FROM z_first');

DROP SCHEMA dr, dr_other CASCADE;
DROP FUNCTION public.try;
DROP PUBLICATION regress_roots;
