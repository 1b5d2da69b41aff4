-- Every single-property edit of a table must change the fingerprint, in the expected facets alone,
-- and its undoing must bring the old fingerprint back.
\set VERBOSITY terse
\pset format unaligned
SET client_min_messages = warning;
SET search_path = public;
CREATE ROLE regress_snapshot_a;
CREATE ROLE regress_snapshot_b;
CREATE SCHEMA snap;

CREATE FUNCTION public.facet_hashes() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_build_object(
		'core', md5(string_agg(kind || identity || core::text, ',' ORDER BY kind COLLATE "C", identity COLLATE "C")),
		'security', md5(string_agg(kind || identity || security::text, ',' ORDER BY kind COLLATE "C", identity COLLATE "C")),
		'owner', md5(string_agg(kind || identity || owner::text, ',' ORDER BY kind COLLATE "C", identity COLLATE "C")),
		'storage', md5(string_agg(kind || identity || storage::text, ',' ORDER BY kind COLLATE "C", identity COLLATE "C")),
		'comment', md5(string_agg(kind || identity || comment::text, ',' ORDER BY kind COLLATE "C", identity COLLATE "C")),
		'version', md5(string_agg(kind || identity || version::text, ',' ORDER BY kind COLLATE "C", identity COLLATE "C")),
		'order', md5(string_agg(kind || identity || "order"::text, ',' ORDER BY kind COLLATE "C", identity COLLATE "C")))
	FROM safedeploy.objects()
$$;

-- One row an edit: the facets that it changed, and whether undoing restored all.  Without a statement
-- that undoes it, a rollback does.
CREATE FUNCTION public.try_edit(edit text, undo text DEFAULT NULL, OUT changed text, OUT fingerprint_changed boolean, OUT restored boolean)
LANGUAGE plpgsql AS $$
DECLARE
	before jsonb := public.facet_hashes();
	print text := safedeploy.fingerprint();
	during jsonb;
BEGIN
	BEGIN
		EXECUTE edit;
		during := public.facet_hashes();
		fingerprint_changed := safedeploy.fingerprint() <> print;
		IF undo IS NULL THEN
			RAISE EXCEPTION 'undo' USING ERRCODE = 'UN001';
		END IF;
		EXECUTE undo;
	EXCEPTION WHEN SQLSTATE 'UN001' THEN
	END;
	SELECT string_agg(key, ' ' ORDER BY key) INTO changed FROM jsonb_each(during) WHERE value <> before -> key;
	restored := public.facet_hashes() = before AND safedeploy.fingerprint() = print;
END
$$;
CREATE TABLE public.edits (n integer GENERATED ALWAYS AS IDENTITY, edit text, undo text);

CREATE TABLE snap.ref (id integer PRIMARY KEY, code text UNIQUE);
CREATE TYPE snap.pair AS (a integer, b text);
CREATE TABLE snap.t (
	id integer NOT NULL, a integer, b character varying(10), c text, d numeric(10, 2) DEFAULT 0,
	e timestamptz DEFAULT now(), g integer GENERATED ALWAYS AS (a + 1) STORED,
	CONSTRAINT t_a CHECK (a > 0), CONSTRAINT t_key UNIQUE (a, b),
	CONSTRAINT t_ref FOREIGN KEY (a) REFERENCES snap.ref (id));
CREATE INDEX t_c ON snap.t (c);
CREATE TABLE snap.ids (i integer GENERATED ALWAYS AS IDENTITY);
CREATE TABLE snap.part (k integer, v text) PARTITION BY RANGE (k);
CREATE TABLE snap.part1 PARTITION OF snap.part FOR VALUES FROM (0) TO (10);
CREATE TABLE snap.parent (p integer);
CREATE FUNCTION snap.trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION snap.trig2() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON snap.t FOR EACH ROW EXECUTE FUNCTION snap.trig();
CREATE POLICY pol ON snap.t USING (a > 0);
CREATE RULE ru AS ON DELETE TO snap.ref DO INSTEAD NOTHING;

INSERT INTO public.edits (edit, undo) VALUES
-- table
('CREATE TABLE snap.new (a integer)', 'DROP TABLE snap.new'),
('ALTER TABLE snap.t RENAME TO t2', 'ALTER TABLE snap.t2 RENAME TO t'),
('ALTER TABLE snap.parent SET SCHEMA public', 'ALTER TABLE public.parent SET SCHEMA snap'),
('ALTER TABLE snap.parent SET UNLOGGED', 'ALTER TABLE snap.parent SET LOGGED'),
('ALTER TABLE snap.t OWNER TO regress_snapshot_a', 'ALTER TABLE snap.t OWNER TO CURRENT_USER'),
('ALTER TABLE snap.t SET (fillfactor = 50)', 'ALTER TABLE snap.t RESET (fillfactor)'),
('ALTER TABLE snap.t SET (toast.autovacuum_enabled = off)', 'ALTER TABLE snap.t RESET (toast.autovacuum_enabled)'),
('ALTER TABLE snap.t REPLICA IDENTITY FULL', 'ALTER TABLE snap.t REPLICA IDENTITY DEFAULT'),
('ALTER TABLE snap.t REPLICA IDENTITY NOTHING', 'ALTER TABLE snap.t REPLICA IDENTITY DEFAULT'),
('ALTER TABLE snap.ref REPLICA IDENTITY USING INDEX ref_pkey', 'ALTER TABLE snap.ref REPLICA IDENTITY DEFAULT'),
('ALTER TABLE snap.t CLUSTER ON t_c', 'ALTER TABLE snap.t SET WITHOUT CLUSTER'),
('CREATE TABLE snap.kid () INHERITS (snap.parent)', 'DROP TABLE snap.kid'),
('CREATE TABLE snap.typed OF snap.pair', 'DROP TABLE snap.typed'),
('ALTER TABLE snap.part DETACH PARTITION snap.part1', 'ALTER TABLE snap.part ATTACH PARTITION snap.part1 FOR VALUES FROM (0) TO (10)'),
('ALTER TABLE snap.part DETACH PARTITION snap.part1; ALTER TABLE snap.part ATTACH PARTITION snap.part1 FOR VALUES FROM (0) TO (11)', NULL),
('COMMENT ON TABLE snap.t IS ''x''', 'COMMENT ON TABLE snap.t IS NULL'),
-- column
('ALTER TABLE snap.t ADD COLUMN z integer', 'ALTER TABLE snap.t DROP COLUMN z'),
('ALTER TABLE snap.t RENAME COLUMN c TO c2', 'ALTER TABLE snap.t RENAME COLUMN c2 TO c'),
('ALTER TABLE snap.t ALTER COLUMN b TYPE character varying(20)', NULL),
('ALTER TABLE snap.t ALTER COLUMN b TYPE text', NULL),
('ALTER TABLE snap.t ALTER COLUMN d TYPE numeric(12, 2)', NULL),
('ALTER TABLE snap.t ALTER COLUMN c TYPE text COLLATE "C"', NULL),
('ALTER TABLE snap.t ALTER COLUMN c SET NOT NULL', 'ALTER TABLE snap.t ALTER COLUMN c DROP NOT NULL'),
('ALTER TABLE snap.t ALTER COLUMN c SET DEFAULT ''x''', 'ALTER TABLE snap.t ALTER COLUMN c DROP DEFAULT'),
('ALTER TABLE snap.t ALTER COLUMN d SET DEFAULT 1', 'ALTER TABLE snap.t ALTER COLUMN d SET DEFAULT 0'),
('ALTER TABLE snap.t ALTER COLUMN e SET DEFAULT clock_timestamp()', 'ALTER TABLE snap.t ALTER COLUMN e SET DEFAULT now()'),
('ALTER TABLE snap.t ALTER COLUMN g DROP EXPRESSION', NULL),
('ALTER TABLE snap.t DROP COLUMN g; ALTER TABLE snap.t ADD COLUMN g integer GENERATED ALWAYS AS (a + 2) STORED', NULL),
('ALTER TABLE snap.t DROP COLUMN c; ALTER TABLE snap.t ADD COLUMN c text; CREATE INDEX t_c ON snap.t (c)', NULL),
('ALTER TABLE snap.t ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY', 'ALTER TABLE snap.t ALTER COLUMN id DROP IDENTITY'),
('ALTER TABLE snap.ids ALTER COLUMN i SET GENERATED BY DEFAULT', 'ALTER TABLE snap.ids ALTER COLUMN i SET GENERATED ALWAYS'),
('ALTER TABLE snap.ids ALTER COLUMN i SET INCREMENT BY 2', 'ALTER TABLE snap.ids ALTER COLUMN i SET INCREMENT BY 1'),
('ALTER TABLE snap.ids ALTER COLUMN i SET START 7', 'ALTER TABLE snap.ids ALTER COLUMN i SET START 1'),
('ALTER TABLE snap.ids ALTER COLUMN i SET CYCLE', 'ALTER TABLE snap.ids ALTER COLUMN i SET NO CYCLE'),
('GRANT SELECT ON SEQUENCE snap.ids_i_seq TO regress_snapshot_a', 'REVOKE SELECT ON SEQUENCE snap.ids_i_seq FROM regress_snapshot_a'),
('ALTER TABLE snap.t ALTER COLUMN c SET STORAGE EXTERNAL', 'ALTER TABLE snap.t ALTER COLUMN c SET STORAGE EXTENDED'),
('ALTER TABLE snap.t ALTER COLUMN c SET COMPRESSION pglz', 'ALTER TABLE snap.t ALTER COLUMN c SET COMPRESSION default'),
('ALTER TABLE snap.t ALTER COLUMN c SET STATISTICS 10', 'ALTER TABLE snap.t ALTER COLUMN c SET STATISTICS -1'),
('ALTER TABLE snap.t ALTER COLUMN c SET (n_distinct = 3)', 'ALTER TABLE snap.t ALTER COLUMN c RESET (n_distinct)'),
('COMMENT ON COLUMN snap.t.c IS ''x''', 'COMMENT ON COLUMN snap.t.c IS NULL'),
('GRANT SELECT (c) ON snap.t TO regress_snapshot_a', 'REVOKE SELECT (c) ON snap.t FROM regress_snapshot_a'),
-- constraint
('ALTER TABLE snap.t ADD PRIMARY KEY (id)', NULL),
('ALTER TABLE snap.t ADD CONSTRAINT t_uc UNIQUE (c)', 'ALTER TABLE snap.t DROP CONSTRAINT t_uc'),
('ALTER TABLE snap.t ADD CONSTRAINT t_uc UNIQUE (c) DEFERRABLE', 'ALTER TABLE snap.t DROP CONSTRAINT t_uc'),
('ALTER TABLE snap.t DROP CONSTRAINT t_key; ALTER TABLE snap.t ADD CONSTRAINT t_key UNIQUE (b, a)', NULL),
('ALTER TABLE snap.t DROP CONSTRAINT t_key; ALTER TABLE snap.t ADD CONSTRAINT t_key UNIQUE (a, b) INCLUDE (c)', NULL),
('ALTER TABLE snap.t DROP CONSTRAINT t_key; ALTER TABLE snap.t ADD CONSTRAINT t_key UNIQUE NULLS NOT DISTINCT (a, b)', NULL),
('ALTER TABLE snap.t DROP CONSTRAINT t_key; CREATE UNIQUE INDEX t_key ON snap.t (a, b)', NULL),
('ALTER INDEX snap.t_key SET (fillfactor = 60)', 'ALTER INDEX snap.t_key RESET (fillfactor)'),
('ALTER TABLE snap.t DROP CONSTRAINT t_a; ALTER TABLE snap.t ADD CONSTRAINT t_a CHECK (a > 1)', NULL),
('ALTER TABLE snap.t DROP CONSTRAINT t_a; ALTER TABLE snap.t ADD CONSTRAINT t_a CHECK (a > 0) NOT VALID', 'ALTER TABLE snap.t VALIDATE CONSTRAINT t_a'),
('ALTER TABLE snap.t DROP CONSTRAINT t_a; ALTER TABLE snap.t ADD CONSTRAINT t_a CHECK (a > 0) NO INHERIT', NULL),
('ALTER TABLE snap.t RENAME CONSTRAINT t_a TO t_b', 'ALTER TABLE snap.t RENAME CONSTRAINT t_b TO t_a'),
('ALTER TABLE snap.t ALTER CONSTRAINT t_ref DEFERRABLE', 'ALTER TABLE snap.t ALTER CONSTRAINT t_ref NOT DEFERRABLE'),
('ALTER TABLE snap.t ALTER CONSTRAINT t_ref DEFERRABLE INITIALLY DEFERRED', 'ALTER TABLE snap.t ALTER CONSTRAINT t_ref NOT DEFERRABLE'),
('ALTER TABLE snap.t DROP CONSTRAINT t_ref; ALTER TABLE snap.t ADD CONSTRAINT t_ref FOREIGN KEY (a) REFERENCES snap.ref (id) NOT VALID', 'ALTER TABLE snap.t VALIDATE CONSTRAINT t_ref'),
('ALTER TABLE snap.t DROP CONSTRAINT t_ref; ALTER TABLE snap.t ADD CONSTRAINT t_ref FOREIGN KEY (a) REFERENCES snap.ref (id) ON DELETE CASCADE', NULL),
('ALTER TABLE snap.t DROP CONSTRAINT t_ref; ALTER TABLE snap.t ADD CONSTRAINT t_ref FOREIGN KEY (a) REFERENCES snap.ref (id) ON UPDATE CASCADE', NULL),
('ALTER TABLE snap.t DROP CONSTRAINT t_ref; ALTER TABLE snap.t ADD CONSTRAINT t_ref FOREIGN KEY (a) REFERENCES snap.ref (id) MATCH FULL', NULL),
('ALTER TABLE snap.t DROP CONSTRAINT t_ref; ALTER TABLE snap.t ADD CONSTRAINT t_ref FOREIGN KEY (id) REFERENCES snap.ref (id)', NULL),
('ALTER TABLE snap.t ADD FOREIGN KEY (c) REFERENCES snap.ref (code) ON DELETE SET NULL (c)', NULL),
('ALTER TABLE snap.t DISABLE TRIGGER ALL; ALTER TABLE snap.t ENABLE TRIGGER tr', 'ALTER TABLE snap.t ENABLE TRIGGER ALL'),
('ALTER TABLE snap.t ADD EXCLUDE USING hash (c WITH =)', NULL),
('ALTER TABLE snap.t ADD EXCLUDE (c WITH =) WHERE (a > 1)', NULL),
('COMMENT ON CONSTRAINT t_a ON snap.t IS ''x''', 'COMMENT ON CONSTRAINT t_a ON snap.t IS NULL'),
-- index
('CREATE INDEX t_i ON snap.t (a)', 'DROP INDEX snap.t_i'),
('ALTER INDEX snap.t_c RENAME TO t_c2', 'ALTER INDEX snap.t_c2 RENAME TO t_c'),
('DROP INDEX snap.t_c; CREATE UNIQUE INDEX t_c ON snap.t (c)', 'DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (c)'),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (c DESC)', NULL),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (c NULLS FIRST)', NULL),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (c text_pattern_ops)', NULL),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (c COLLATE "C")', NULL),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (c) INCLUDE (a)', NULL),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (c) WHERE a > 0', NULL),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (lower(c))', NULL),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t USING hash (c)', NULL),
('DROP INDEX snap.t_c; CREATE INDEX t_c ON snap.t (c, a)', NULL),
('DROP INDEX snap.t_c; CREATE UNIQUE INDEX t_c ON snap.t (c) NULLS NOT DISTINCT', NULL),
('UPDATE pg_index SET indisvalid = false WHERE indexrelid = ''snap.t_c''::regclass', 'UPDATE pg_index SET indisvalid = true WHERE indexrelid = ''snap.t_c''::regclass'),
('ALTER INDEX snap.t_c SET (fillfactor = 60)', 'ALTER INDEX snap.t_c RESET (fillfactor)'),
('CREATE INDEX t_x ON snap.t ((a + 1)); ALTER INDEX snap.t_x ALTER COLUMN 1 SET STATISTICS 9', 'DROP INDEX snap.t_x'),
('COMMENT ON INDEX snap.t_c IS ''x''', 'COMMENT ON INDEX snap.t_c IS NULL'),
-- trigger
('CREATE TRIGGER tr2 AFTER INSERT ON snap.t EXECUTE FUNCTION snap.trig()', 'DROP TRIGGER tr2 ON snap.t'),
('ALTER TABLE snap.t DISABLE TRIGGER tr', 'ALTER TABLE snap.t ENABLE TRIGGER tr'),
('ALTER TABLE snap.t ENABLE REPLICA TRIGGER tr', 'ALTER TABLE snap.t ENABLE TRIGGER tr'),
('ALTER TABLE snap.t ENABLE ALWAYS TRIGGER tr', 'ALTER TABLE snap.t ENABLE TRIGGER tr'),
('ALTER TRIGGER tr ON snap.t RENAME TO tr9', 'ALTER TRIGGER tr9 ON snap.t RENAME TO tr'),
('CREATE OR REPLACE TRIGGER tr BEFORE UPDATE ON snap.t FOR EACH ROW EXECUTE FUNCTION snap.trig()', NULL),
('CREATE OR REPLACE TRIGGER tr BEFORE UPDATE OF a ON snap.t FOR EACH ROW EXECUTE FUNCTION snap.trig()', NULL),
('CREATE OR REPLACE TRIGGER tr BEFORE INSERT ON snap.t FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION snap.trig()', NULL),
('CREATE OR REPLACE TRIGGER tr BEFORE INSERT ON snap.t FOR EACH ROW EXECUTE FUNCTION snap.trig(''x'')', NULL),
('CREATE OR REPLACE TRIGGER tr BEFORE INSERT ON snap.t FOR EACH ROW EXECUTE FUNCTION snap.trig2()', NULL),
('CREATE OR REPLACE TRIGGER tr AFTER INSERT ON snap.t REFERENCING NEW TABLE AS n FOR EACH ROW EXECUTE FUNCTION snap.trig()', NULL),
('CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON snap.t FROM snap.ref DEFERRABLE FOR EACH ROW EXECUTE FUNCTION snap.trig()', 'DROP TRIGGER ct ON snap.t'),
('COMMENT ON TRIGGER tr ON snap.t IS ''x''', 'COMMENT ON TRIGGER tr ON snap.t IS NULL'),
-- rule
('CREATE RULE ru2 AS ON INSERT TO snap.ref DO ALSO NOTHING', 'DROP RULE ru2 ON snap.ref'),
('CREATE OR REPLACE RULE ru AS ON DELETE TO snap.ref WHERE old.id > 1 DO INSTEAD NOTHING', NULL),
('ALTER TABLE snap.ref DISABLE RULE ru', 'ALTER TABLE snap.ref ENABLE RULE ru'),
('COMMENT ON RULE ru ON snap.ref IS ''x''', 'COMMENT ON RULE ru ON snap.ref IS NULL'),
-- row security and privileges
('ALTER TABLE snap.t ENABLE ROW LEVEL SECURITY', 'ALTER TABLE snap.t DISABLE ROW LEVEL SECURITY'),
('ALTER TABLE snap.t FORCE ROW LEVEL SECURITY', 'ALTER TABLE snap.t NO FORCE ROW LEVEL SECURITY'),
('CREATE POLICY pol2 ON snap.t', 'DROP POLICY pol2 ON snap.t'),
('CREATE POLICY pol2 ON snap.t AS RESTRICTIVE', 'DROP POLICY pol2 ON snap.t'),
('CREATE POLICY pol2 ON snap.t FOR INSERT', 'DROP POLICY pol2 ON snap.t'),
('ALTER POLICY pol ON snap.t USING (a > 1)', 'ALTER POLICY pol ON snap.t USING (a > 0)'),
('ALTER POLICY pol ON snap.t USING (EXISTS (SELECT FROM snap.ref WHERE ref.id = t.a))', 'ALTER POLICY pol ON snap.t USING (a > 0)'),
('ALTER POLICY pol ON snap.t WITH CHECK (a > 1)', NULL),
('ALTER POLICY pol ON snap.t TO regress_snapshot_a', 'ALTER POLICY pol ON snap.t TO PUBLIC'),
('COMMENT ON POLICY pol ON snap.t IS ''x''', 'COMMENT ON POLICY pol ON snap.t IS NULL'),
('GRANT SELECT ON snap.t TO PUBLIC', 'REVOKE SELECT ON snap.t FROM PUBLIC'),
('GRANT SELECT ON snap.t TO regress_snapshot_a', 'REVOKE SELECT ON snap.t FROM regress_snapshot_a'),
('GRANT SELECT ON snap.t TO regress_snapshot_a WITH GRANT OPTION', 'REVOKE SELECT ON snap.t FROM regress_snapshot_a'),
('REVOKE DELETE ON snap.t FROM CURRENT_USER', 'GRANT DELETE ON snap.t TO CURRENT_USER'),
('REVOKE ALL ON snap.t FROM CURRENT_USER', 'GRANT ALL ON snap.t TO CURRENT_USER');

SET allow_system_table_mods = on;
SELECT e.edit, r.changed, r.fingerprint_changed AS print, r.restored
	FROM public.edits AS e, public.try_edit(e.edit, e.undo) AS r ORDER BY e.n;

-- the other kinds
CREATE SEQUENCE snap.s;
CREATE TYPE snap.mood AS ENUM ('sad', 'ok');
CREATE DOMAIN snap.dom AS varchar(10) CONSTRAINT dom_c CHECK (VALUE <> '');
CREATE TYPE snap.comp AS (a integer, b text);
CREATE TYPE snap.ran AS RANGE (subtype = float8);
CREATE VIEW snap.v AS SELECT id, code FROM snap.ref;
CREATE MATERIALIZED VIEW snap.m AS SELECT id, code FROM snap.ref;
CREATE FUNCTION snap.f(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql AS 'SELECT a + b';
CREATE PROCEDURE snap.p(a integer) LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION snap.et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER regress_snapshot_et ON ddl_command_end EXECUTE FUNCTION snap.et();
ALTER EVENT TRIGGER regress_snapshot_et DISABLE;
CREATE STATISTICS snap.st ON a, c FROM snap.t;
SET client_min_messages = error; -- the warning of wal_level
CREATE PUBLICATION regress_snapshot_pub FOR TABLE snap.ref;
SET client_min_messages = warning;
CREATE FOREIGN DATA WRAPPER regress_snapshot_fdw;
CREATE SERVER regress_snapshot_srv FOREIGN DATA WRAPPER regress_snapshot_fdw OPTIONS (host 'h');
CREATE FOREIGN TABLE snap.ft (a integer) SERVER regress_snapshot_srv;
CREATE COLLATION snap.coll FROM "C";
CREATE AGGREGATE snap.agg(integer) (SFUNC = int4pl, STYPE = integer);
TRUNCATE public.edits;
INSERT INTO public.edits (edit, undo) VALUES
-- schema
('CREATE SCHEMA snap2', 'DROP SCHEMA snap2'),
('ALTER SCHEMA snap OWNER TO regress_snapshot_a', 'ALTER SCHEMA snap OWNER TO CURRENT_USER'),
('GRANT USAGE ON SCHEMA snap TO regress_snapshot_a', 'REVOKE USAGE ON SCHEMA snap FROM regress_snapshot_a'),
('COMMENT ON SCHEMA snap IS ''x''', 'COMMENT ON SCHEMA snap IS NULL'),
('ALTER DEFAULT PRIVILEGES IN SCHEMA snap GRANT SELECT ON TABLES TO regress_snapshot_a', 'ALTER DEFAULT PRIVILEGES IN SCHEMA snap REVOKE SELECT ON TABLES FROM regress_snapshot_a'),
('ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC', 'ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC'),
-- sequence
('ALTER SEQUENCE snap.s INCREMENT 2', 'ALTER SEQUENCE snap.s INCREMENT 1'),
('ALTER SEQUENCE snap.s AS integer', NULL),
('ALTER SEQUENCE snap.s MAXVALUE 10', 'ALTER SEQUENCE snap.s NO MAXVALUE'),
('ALTER SEQUENCE snap.s CACHE 10', 'ALTER SEQUENCE snap.s CACHE 1'),
('ALTER SEQUENCE snap.s OWNED BY snap.ref.id', 'ALTER SEQUENCE snap.s OWNED BY NONE'),
('ALTER SEQUENCE snap.s SET UNLOGGED', 'ALTER SEQUENCE snap.s SET LOGGED'),
('GRANT USAGE ON SEQUENCE snap.s TO regress_snapshot_a', 'REVOKE USAGE ON SEQUENCE snap.s FROM regress_snapshot_a'),
-- types
('ALTER TYPE snap.mood ADD VALUE ''happy''', NULL),
('ALTER TYPE snap.mood ADD VALUE ''soso'' BEFORE ''ok''', NULL),
('ALTER TYPE snap.mood RENAME VALUE ''ok'' TO ''fine''', 'ALTER TYPE snap.mood RENAME VALUE ''fine'' TO ''ok'''),
('ALTER TYPE snap.mood OWNER TO regress_snapshot_a', 'ALTER TYPE snap.mood OWNER TO CURRENT_USER'),
('REVOKE USAGE ON TYPE snap.mood FROM PUBLIC', 'GRANT USAGE ON TYPE snap.mood TO PUBLIC'),
('COMMENT ON TYPE snap.mood IS ''x''', 'COMMENT ON TYPE snap.mood IS NULL'),
('ALTER DOMAIN snap.dom SET NOT NULL', 'ALTER DOMAIN snap.dom DROP NOT NULL'),
('ALTER DOMAIN snap.dom SET DEFAULT ''x''', 'ALTER DOMAIN snap.dom DROP DEFAULT'),
('ALTER DOMAIN snap.dom ADD CHECK (VALUE <> ''a'')', 'ALTER DOMAIN snap.dom DROP CONSTRAINT dom_check'),
('ALTER DOMAIN snap.dom DROP CONSTRAINT dom_c; ALTER DOMAIN snap.dom ADD CONSTRAINT dom_c CHECK (VALUE <> '''') NOT VALID', 'ALTER DOMAIN snap.dom VALIDATE CONSTRAINT dom_c'),
('COMMENT ON CONSTRAINT dom_c ON DOMAIN snap.dom IS ''x''', 'COMMENT ON CONSTRAINT dom_c ON DOMAIN snap.dom IS NULL'),
('DROP DOMAIN snap.dom; CREATE DOMAIN snap.dom AS varchar(11) CONSTRAINT dom_c CHECK (VALUE <> '''')', NULL),
('ALTER TYPE snap.comp ADD ATTRIBUTE c date', 'ALTER TYPE snap.comp DROP ATTRIBUTE c'),
('ALTER TYPE snap.comp ALTER ATTRIBUTE a TYPE bigint', 'ALTER TYPE snap.comp ALTER ATTRIBUTE a TYPE integer'),
('DROP TYPE snap.comp; CREATE TYPE snap.comp AS (b text, a integer)', NULL),
('COMMENT ON COLUMN snap.comp.a IS ''x''', 'COMMENT ON COLUMN snap.comp.a IS NULL'),
('DROP TYPE snap.ran; CREATE TYPE snap.ran AS RANGE (subtype = float8, subtype_diff = float8mi)', NULL),
-- views
('CREATE OR REPLACE VIEW snap.v AS SELECT id, code FROM snap.ref WHERE id > 0', 'CREATE OR REPLACE VIEW snap.v AS SELECT id, code FROM snap.ref'),
('CREATE OR REPLACE VIEW snap.v AS SELECT id, code, 1 AS one FROM snap.ref', NULL),
('ALTER VIEW snap.v RENAME COLUMN code TO code2', 'ALTER VIEW snap.v RENAME COLUMN code2 TO code'),
('ALTER VIEW snap.v ALTER COLUMN code SET DEFAULT ''x''', 'ALTER VIEW snap.v ALTER COLUMN code DROP DEFAULT'),
('ALTER VIEW snap.v SET (security_invoker = true)', 'ALTER VIEW snap.v RESET (security_invoker)'),
('ALTER VIEW snap.v SET (security_barrier = true)', 'ALTER VIEW snap.v RESET (security_barrier)'),
('ALTER VIEW snap.v SET (check_option = local)', 'ALTER VIEW snap.v RESET (check_option)'),
('COMMENT ON VIEW snap.v IS ''x''', 'COMMENT ON VIEW snap.v IS NULL'),
('ALTER TABLE snap.ref RENAME COLUMN code TO code3', 'ALTER TABLE snap.ref RENAME COLUMN code3 TO code'),
('CREATE INDEX m_i ON snap.m (id)', 'DROP INDEX snap.m_i'),
('DROP MATERIALIZED VIEW snap.m; CREATE MATERIALIZED VIEW snap.m AS SELECT id, code FROM snap.ref WHERE id > 0', NULL),
('ALTER MATERIALIZED VIEW snap.m SET (fillfactor = 50)', 'ALTER MATERIALIZED VIEW snap.m RESET (fillfactor)'),
-- routines
('CREATE OR REPLACE FUNCTION snap.f(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql AS ''SELECT a - b''', 'CREATE OR REPLACE FUNCTION snap.f(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql AS ''SELECT a + b'''),
('CREATE OR REPLACE FUNCTION snap.f(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql RETURN a + b', NULL),
('CREATE OR REPLACE FUNCTION snap.f(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql AS ''SELECT a + b''', NULL),
('CREATE FUNCTION snap.f(a text) RETURNS integer LANGUAGE sql AS ''SELECT 1''', 'DROP FUNCTION snap.f(text)'),
('ALTER FUNCTION snap.f(integer, integer) IMMUTABLE', 'ALTER FUNCTION snap.f(integer, integer) VOLATILE'),
('ALTER FUNCTION snap.f(integer, integer) STRICT', 'ALTER FUNCTION snap.f(integer, integer) CALLED ON NULL INPUT'),
('ALTER FUNCTION snap.f(integer, integer) SECURITY DEFINER', 'ALTER FUNCTION snap.f(integer, integer) SECURITY INVOKER'),
('ALTER FUNCTION snap.f(integer, integer) LEAKPROOF', 'ALTER FUNCTION snap.f(integer, integer) NOT LEAKPROOF'),
('ALTER FUNCTION snap.f(integer, integer) PARALLEL SAFE', 'ALTER FUNCTION snap.f(integer, integer) PARALLEL UNSAFE'),
('ALTER FUNCTION snap.f(integer, integer) COST 5', 'ALTER FUNCTION snap.f(integer, integer) COST 100'),
('ALTER FUNCTION snap.f(integer, integer) SET work_mem = ''1MB''', 'ALTER FUNCTION snap.f(integer, integer) RESET work_mem'),
('ALTER FUNCTION snap.f(integer, integer) OWNER TO regress_snapshot_a', 'ALTER FUNCTION snap.f(integer, integer) OWNER TO CURRENT_USER'),
('REVOKE EXECUTE ON FUNCTION snap.f(integer, integer) FROM PUBLIC', 'GRANT EXECUTE ON FUNCTION snap.f(integer, integer) TO PUBLIC'),
('COMMENT ON FUNCTION snap.f(integer, integer) IS ''x''', 'COMMENT ON FUNCTION snap.f(integer, integer) IS NULL'),
('DROP PROCEDURE snap.p(integer); CREATE PROCEDURE snap.p(x integer) LANGUAGE plpgsql AS ''BEGIN END''', NULL),
('CREATE OR REPLACE AGGREGATE snap.agg(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = ''1'')', NULL),
('CREATE OR REPLACE AGGREGATE snap.agg(integer) (SFUNC = int4mi, STYPE = integer)', NULL),
-- the rest
('ALTER EVENT TRIGGER regress_snapshot_et ENABLE ALWAYS', 'ALTER EVENT TRIGGER regress_snapshot_et DISABLE'),
('DROP EVENT TRIGGER regress_snapshot_et', NULL),
('ALTER STATISTICS snap.st SET STATISTICS 5', 'ALTER STATISTICS snap.st SET STATISTICS -1'),
('DROP STATISTICS snap.st; CREATE STATISTICS snap.st (mcv) ON a, c FROM snap.t', NULL),
('DROP STATISTICS snap.st; CREATE STATISTICS snap.st ON a, (lower(c)) FROM snap.t', NULL),
('ALTER PUBLICATION regress_snapshot_pub ADD TABLE snap.t', 'ALTER PUBLICATION regress_snapshot_pub DROP TABLE snap.t'),
('ALTER PUBLICATION regress_snapshot_pub SET TABLE snap.ref (id)', 'ALTER PUBLICATION regress_snapshot_pub SET TABLE snap.ref'),
('ALTER PUBLICATION regress_snapshot_pub SET TABLE snap.ref WHERE (id > 1)', 'ALTER PUBLICATION regress_snapshot_pub SET TABLE snap.ref'),
('ALTER PUBLICATION regress_snapshot_pub ADD TABLES IN SCHEMA snap', 'ALTER PUBLICATION regress_snapshot_pub DROP TABLES IN SCHEMA snap'),
('ALTER PUBLICATION regress_snapshot_pub SET (publish = ''insert'')', NULL),
('ALTER SERVER regress_snapshot_srv OPTIONS (SET host ''i'')', 'ALTER SERVER regress_snapshot_srv OPTIONS (SET host ''h'')'),
('ALTER FOREIGN TABLE snap.ft OPTIONS (ADD x ''y'')', 'ALTER FOREIGN TABLE snap.ft OPTIONS (DROP x)'),
('ALTER FOREIGN TABLE snap.ft ALTER COLUMN a OPTIONS (ADD x ''y'')', 'ALTER FOREIGN TABLE snap.ft ALTER COLUMN a OPTIONS (DROP x)'),
('ALTER FOREIGN DATA WRAPPER regress_snapshot_fdw OPTIONS (ADD x ''y'')', 'ALTER FOREIGN DATA WRAPPER regress_snapshot_fdw OPTIONS (DROP x)'),
('COMMENT ON COLLATION snap.coll IS ''x''', 'COMMENT ON COLLATION snap.coll IS NULL'),
('DROP COLLATION snap.coll', NULL),
('CREATE EXTENSION file_fdw', 'DROP EXTENSION file_fdw'),
('UPDATE pg_extension SET extversion = ''x'' WHERE extname = ''plpgsql''', NULL);
SELECT e.edit, r.changed, r.fingerprint_changed AS print, r.restored
	FROM public.edits AS e, public.try_edit(e.edit, e.undo) AS r ORDER BY e.n;

-- kinds that few schemas have
CREATE CAST (snap.mood AS integer) WITH INOUT;
CREATE FUNCTION snap.lt(snap.comp, snap.comp) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a < ($2).a';
CREATE FUNCTION snap.cmp(snap.comp, snap.comp) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a - ($2).a';
CREATE OPERATOR snap.<<< (FUNCTION = snap.lt, LEFTARG = snap.comp, RIGHTARG = snap.comp);
CREATE OPERATOR FAMILY snap.fam USING btree;
CREATE OPERATOR CLASS snap.ops FOR TYPE snap.comp USING btree FAMILY snap.fam AS OPERATOR 1 snap.<<<, FUNCTION 1 snap.cmp(snap.comp, snap.comp);
CREATE TEXT SEARCH DICTIONARY snap.dict (TEMPLATE = pg_catalog.simple);
CREATE TEXT SEARCH CONFIGURATION snap.conf (COPY = pg_catalog.english);
CREATE CONVERSION snap.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE USER MAPPING FOR regress_snapshot_a SERVER regress_snapshot_srv OPTIONS (password 'geheim');
SET client_min_messages = error;
CREATE SUBSCRIPTION regress_snapshot_sub CONNECTION 'password=geheim' PUBLICATION b, a WITH (connect = false, slot_name = NONE, enabled = false);
TRUNCATE public.edits;
INSERT INTO public.edits (edit, undo) VALUES
('DROP CAST (snap.mood AS integer)', 'CREATE CAST (snap.mood AS integer) WITH INOUT'),
('DROP CAST (snap.mood AS integer); CREATE CAST (snap.mood AS integer) WITH INOUT AS IMPLICIT', NULL),
('COMMENT ON CAST (snap.mood AS integer) IS ''x''', 'COMMENT ON CAST (snap.mood AS integer) IS NULL'),
('CREATE OPERATOR snap.>>> (FUNCTION = snap.lt, LEFTARG = snap.comp, RIGHTARG = snap.comp)', 'DROP OPERATOR snap.>>> (snap.comp, snap.comp)'),
('ALTER OPERATOR snap.<<< (snap.comp, snap.comp) SET (RESTRICT = scalarltsel)', 'ALTER OPERATOR snap.<<< (snap.comp, snap.comp) SET (RESTRICT = NONE)'),
('ALTER OPERATOR snap.<<< (snap.comp, snap.comp) OWNER TO regress_snapshot_a', 'ALTER OPERATOR snap.<<< (snap.comp, snap.comp) OWNER TO CURRENT_USER'),
('DROP OPERATOR CLASS snap.ops USING btree', NULL),
('ALTER OPERATOR FAMILY snap.fam USING btree ADD OPERATOR 5 > (integer, integer)', 'ALTER OPERATOR FAMILY snap.fam USING btree DROP OPERATOR 5 (integer, integer)'),
('ALTER TEXT SEARCH DICTIONARY snap.dict (STOPWORDS = english)', 'ALTER TEXT SEARCH DICTIONARY snap.dict (STOPWORDS)'),
('ALTER TEXT SEARCH CONFIGURATION snap.conf ALTER MAPPING FOR word WITH snap.dict, english_stem', NULL),
('ALTER TEXT SEARCH CONFIGURATION snap.conf DROP MAPPING FOR word', NULL),
('DROP CONVERSION snap.conv', NULL),
('CREATE DEFAULT CONVERSION snap.conv2 FOR ''LATIN1'' TO ''UTF8'' FROM iso8859_1_to_utf8', 'DROP CONVERSION snap.conv2'),
('CREATE ACCESS METHOD regress_snapshot_am TYPE TABLE HANDLER heap_tableam_handler', 'DROP ACCESS METHOD regress_snapshot_am'),
('CREATE LANGUAGE regress_snapshot_lang HANDLER plpgsql_call_handler', 'DROP LANGUAGE regress_snapshot_lang'),
('CREATE FUNCTION snap.conv(internal) RETURNS internal LANGUAGE internal IMMUTABLE AS ''int4in''; CREATE TRANSFORM FOR integer LANGUAGE plpgsql (FROM SQL WITH FUNCTION snap.conv(internal))', NULL),
('ALTER USER MAPPING FOR regress_snapshot_a SERVER regress_snapshot_srv OPTIONS (ADD user ''x'')', 'ALTER USER MAPPING FOR regress_snapshot_a SERVER regress_snapshot_srv OPTIONS (DROP user)'),
('CREATE USER MAPPING FOR PUBLIC SERVER regress_snapshot_srv', 'DROP USER MAPPING FOR PUBLIC SERVER regress_snapshot_srv'),
('ALTER SUBSCRIPTION regress_snapshot_sub SET PUBLICATION c WITH (refresh = false)', 'ALTER SUBSCRIPTION regress_snapshot_sub SET PUBLICATION a, b WITH (refresh = false)'),
('ALTER SUBSCRIPTION regress_snapshot_sub SET (synchronous_commit = on)', 'ALTER SUBSCRIPTION regress_snapshot_sub SET (synchronous_commit = off)');
SELECT e.edit, r.changed, r.fingerprint_changed AS print, r.restored
	FROM public.edits AS e, public.try_edit(e.edit, e.undo) AS r ORDER BY e.n;

-- secrets are not kept
ALTER SERVER regress_snapshot_srv OPTIONS (ADD password 'geheim', ADD "API_KEY" 'geheim');
SELECT definition -> 'core' -> 'options' AS options FROM safedeploy.objects() WHERE kind IN ('server', 'user mapping') ORDER BY kind;
SELECT count(*) FROM safedeploy.objects() WHERE definition::text ~ 'geheim';

-- what is no edit: it must change nothing
SELECT e.edit, r.changed, r.restored FROM (VALUES
	(1, 'GRANT ALL ON snap.t TO CURRENT_USER'),
	(2, 'ANALYZE snap.t'),
	(3, 'INSERT INTO snap.ref VALUES (1, ''x'')'),
	(4, 'REINDEX TABLE snap.t'),
	(5, 'CLUSTER snap.t USING t_c; ALTER TABLE snap.t SET WITHOUT CLUSTER'),
	(6, 'TRUNCATE snap.t'),
	(7, 'CREATE TEMP TABLE nothing (a integer)'),
	(8, 'SELECT nextval(''snap.ids_i_seq'')'),
	(9, 'ALTER TABLE snap.t ADD CONSTRAINT x CHECK (a > 9); ALTER TABLE snap.t DROP CONSTRAINT x'),
	(10, 'ALTER TABLE snap.t ALTER COLUMN c TYPE text'),
	(11, 'ALTER TABLE snap.t DROP COLUMN g; ALTER TABLE snap.t ADD COLUMN g integer GENERATED ALWAYS AS (a + 1) STORED'),
	(12, 'REFRESH MATERIALIZED VIEW snap.m WITH NO DATA'),
	(13, 'CREATE OR REPLACE VIEW snap.v AS SELECT id, code FROM ONLY snap.ref; CREATE OR REPLACE VIEW snap.v AS SELECT id, code FROM snap.ref')
	) AS e(n, edit), public.try_edit(e.edit) AS r ORDER BY e.n;

DROP TABLE public.edits;
DROP EVENT TRIGGER regress_snapshot_et;
DROP PUBLICATION regress_snapshot_pub;
SET client_min_messages = warning;
DROP SUBSCRIPTION regress_snapshot_sub;
DROP FOREIGN DATA WRAPPER regress_snapshot_fdw CASCADE;
DROP SCHEMA snap CASCADE;
DROP FUNCTION public.try_edit, public.facet_hashes;
DROP ROLE regress_snapshot_a, regress_snapshot_b;
