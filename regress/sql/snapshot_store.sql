-- Fingerprint and objects agree, settings of the session change nothing, snapshots are stored,
-- exported and imported, and damage is found.
SET client_min_messages = warning;
\pset format unaligned
\set VERBOSITY default
SET search_path = public;
CREATE ROLE regress_snapshot_reader;
CREATE SCHEMA store;
CREATE TABLE store.t (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz DEFAULT '2024-01-01 00:00:00+00' CHECK (at > '2020-05-04 12:00:00+00'::timestamptz),
	span interval DEFAULT '1 day 2 hours', raw bytea DEFAULT '\xdeadbeef', ratio double precision DEFAULT 0.1::float8,
	money money DEFAULT 12.34, day date DEFAULT '2024-05-04', path text DEFAULT 'a\b');
CREATE TABLE store.p (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE store.p1 PARTITION OF store.p FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
CREATE VIEW store.v AS SELECT id, at + '1 day'::interval AS later FROM store.t WHERE at > '2024-01-01 00:00:00+00';
CREATE FUNCTION store.f(d date DEFAULT '2024-05-04') RETURNS integer LANGUAGE sql AS 'SELECT 1';
COMMENT ON TABLE store.t IS 'one';

-- 1. settings of the session
CREATE TABLE public.prints (p text);
INSERT INTO public.prints SELECT safedeploy.fingerprint();
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'escape';
SET extra_float_digits = -15;
SET quote_all_identifiers = on;
SET standard_conforming_strings = off;
SET search_path = store, pg_catalog;
SELECT safedeploy.fingerprint() = (SELECT p FROM public.prints) AS same_fingerprint,
	pg_catalog.current_setting('TimeZone') AS zone_kept, pg_catalog.current_setting('search_path') AS path_kept;
SELECT definition -> 'core' -> 'columns' -> 'at' ->> 'default' AS at, definition -> 'core' -> 'columns' -> 'raw' ->> 'default' AS raw
	FROM safedeploy.objects() WHERE identity = 'store.t';
RESET ALL;
SET client_min_messages = warning;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT safedeploy.fingerprint() = p AS same_fingerprint FROM public.prints;
COMMIT;
SELECT safedeploy.fingerprint() = p AS same_fingerprint FROM public.prints;

-- 2. facets
SELECT length(safedeploy.fingerprint()), safedeploy.fingerprint() ~ '^[0-9a-f]+$' AS hex,
	safedeploy.fingerprint() = safedeploy.fingerprint('{core,security,owner,storage,comment,version}') AS default_facets,
	safedeploy.fingerprint('{core,owner}') = safedeploy.fingerprint('{owner,core,core}') AS order_is_nothing;
SELECT count(DISTINCT safedeploy.fingerprint(ARRAY[f])) FROM unnest('{core,security,owner,storage,comment,version,order}'::text[]) AS f;
SELECT safedeploy.fingerprint('{core,colour}');
SELECT safedeploy.fingerprint('{core,NULL}');
SELECT safedeploy.fingerprint('{}');

-- 3. stored: fingerprint and stored hashes agree with the live ones
SELECT safedeploy.take_snapshot('first', '11111111-2222-3333-4444-555555555555') AS id \gset
SELECT s.label, s.run_id, s.fingerprint = safedeploy.fingerprint() AS same, s.objects = (SELECT count(*) FROM safedeploy.objects()) AS all_there,
	s.database = current_database() AS db, s.database_oid = (SELECT oid FROM pg_database WHERE datname = current_database()) AS oid,
	s.system_identifier = (SELECT system_identifier FROM pg_control_system()) AS cluster, s.server_version_num = current_setting('server_version_num')::integer AS version, s.complete
	FROM safedeploy.snapshot AS s WHERE id = :id;
SELECT count(*) AS differing FROM safedeploy.objects() AS o
	FULL JOIN (SELECT s.*, d.definition FROM safedeploy.snapshot_object AS s LEFT JOIN safedeploy.object_def AS d ON d.hash = s.def_hash WHERE snapshot_id = :id) AS s USING (kind, identity)
	WHERE (o.core, o.security, o.owner, o.storage, o.comment, o.version, o."order", o.definition, o.phys - 'reltuples')
		IS DISTINCT FROM (s.core, s.security, s.owner, s.storage, s.comment, s.version, s."order", s.definition, s.phys - 'reltuples');
SELECT count(*) AS definitions FROM safedeploy.object_def \gset
SELECT safedeploy.take_snapshot('second') AS id2 \gset
SELECT count(*) - :definitions AS new_definitions FROM safedeploy.object_def;
COMMENT ON TABLE store.t IS 'two';
SELECT safedeploy.take_snapshot('third') AS id3 \gset
SELECT count(*) - :definitions AS new_definitions FROM safedeploy.object_def;
SELECT a.fingerprint = b.fingerprint AS unchanged, c.fingerprint <> b.fingerprint AS changed,
	(SELECT string_agg(key, ' ') FROM jsonb_each(c.facets) WHERE value <> b.facets -> key) AS facets
	FROM safedeploy.snapshot AS a, safedeploy.snapshot AS b, safedeploy.snapshot AS c WHERE a.id = :id AND b.id = :id2 AND c.id = :id3;

-- the extension writes the stored form of jsonb itself: byte for byte what the server writes
DO $$
BEGIN
	EXECUTE 'CREATE TABLE store.wide (' || (SELECT string_agg(format('%I text', repeat(chr(96 + n % 26), n % 7 + 1) || n || CASE WHEN n % 10 = 0 THEN 'é' ELSE '' END), ', ')
		FROM generate_series(1, 150) AS n) || ')';
	EXECUTE 'CREATE TYPE store.many AS ENUM (' || (SELECT string_agg(quote_literal('label ' || n), ', ') FROM generate_series(1, 100) AS n) || ')';
END $$;
ALTER TABLE store.t ALTER COLUMN id SET STATISTICS 0, ALTER COLUMN at SET STATISTICS 1, ALTER COLUMN span SET STATISTICS 10000,
	ALTER COLUMN raw SET STATISTICS 9999, ALTER COLUMN ratio SET STATISTICS 100;
SELECT count(*) > 5 AS several, count(*) FILTER (WHERE record_image_ne(ROW (definition), ROW (definition::text::jsonb))) AS definitions,
	count(*) FILTER (WHERE record_image_ne(ROW (phys), ROW (phys::text::jsonb))) AS phys
	FROM safedeploy.objects();
DROP TABLE store.wide;
DROP TYPE store.many;
ALTER TABLE store.t ALTER COLUMN id SET STATISTICS -1, ALTER COLUMN at SET STATISTICS -1, ALTER COLUMN span SET STATISTICS -1,
	ALTER COLUMN raw SET STATISTICS -1, ALTER COLUMN ratio SET STATISTICS -1;

-- 4. a definition says what it should
SELECT jsonb_pretty(definition #- '{core,constraints,t_id_not_null}') FROM safedeploy.objects() WHERE identity = 'store.t'; -- 18 names it
SELECT definition -> 'core' ->> 'bound' AS bound, definition -> 'order' AS "order", phys -> 'columns' AS columns FROM safedeploy.objects() WHERE identity = 'store.p1';

-- 5. export and import
CREATE TABLE public.lines AS SELECT row_number() OVER () AS n, l FROM safedeploy.export_snapshot(:id3) AS l;
SELECT count(*) - (SELECT objects FROM safedeploy.snapshot WHERE id = :id3) AS header_and_footer, min(n) FILTER (WHERE l ? 'safedeploy_snapshot') AS header, max(n) FILTER (WHERE l ? 'fingerprint') = count(*) AS footer FROM public.lines;
SELECT safedeploy.import_snapshot(array_agg(l ORDER BY n)) AS whole FROM public.lines \gset
SELECT safedeploy.import_snapshot(array_agg(l ORDER BY n)) AS pieces FROM public.lines WHERE n < 3 \gset
SELECT fingerprint, complete FROM safedeploy.snapshot WHERE id = :pieces;
\set VERBOSITY sqlstate
SELECT * FROM safedeploy.export_snapshot(:pieces);
\set VERBOSITY default
SELECT safedeploy.import_snapshot(array_agg(l ORDER BY n), :pieces) = :pieces AS same_id FROM public.lines WHERE n BETWEEN 3 AND 4;
SELECT safedeploy.import_snapshot(array_agg(l ORDER BY n), :pieces) = :pieces AS same_id FROM public.lines WHERE n > 4;
SELECT count(*), bool_and(i.complete) AS complete, count(DISTINCT (i.fingerprint, i.facets, i.label, i.taken_at, i.database, i.database_oid, i.system_identifier, i.objects, i.server_version_num)) AS kinds
	FROM safedeploy.snapshot AS i WHERE id IN (:id3, :whole, :pieces);
SELECT count(*) AS differing FROM (
	SELECT n, l FROM public.lines EXCEPT SELECT row_number() OVER (), l FROM safedeploy.export_snapshot(:pieces) AS l) AS x;

-- 6. damage: each of these is refused with its own reason
\set VERBOSITY sqlstate
CREATE FUNCTION public.try_import(lines jsonb[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	s text; m text; d text;
BEGIN
	PERFORM safedeploy.import_snapshot(lines);
	RETURN 'imported';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS s = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL;
	RETURN s || ': ' || regexp_replace(m, 'line \d\d+', 'line N') || ': ' || regexp_replace(d, '\d+ objects, but \d+', 'N objects, but M');
END
$$;
SELECT public.try_import(array_agg(CASE n WHEN 3 THEN jsonb_set(l, '{identity}', '"other"') ELSE l END ORDER BY n)) ~ '^SD221: line 3 .*does not match its hash' AS identity_changed,
	public.try_import(array_agg(CASE n WHEN 4 THEN jsonb_set(l, '{definition,core,x}', '1') ELSE l END ORDER BY n)) ~ '^SD221: line 4 .*does not match its hash' AS definition_changed,
	public.try_import(array_agg(CASE n WHEN 4 THEN l #- '{phys}' ELSE l END ORDER BY n)) ~ '^SD221: line 4 .*does not match its hash' AS phys_cut,
	public.try_import(array_agg(CASE n WHEN 1 THEN jsonb_set(l, '{snapshot,label}', '"x"') ELSE l END ORDER BY n)) ~ '^SD221: line 1 .*does not match its hash' AS header_changed,
	public.try_import(array_agg(l - 'hash' ORDER BY n)) ~ '^SD221: line 1 .*has no hash' AS no_hash,
	public.try_import(array_agg(CASE n WHEN 2 THEN '[]' WHEN 3 THEN NULL ELSE l END ORDER BY n)) ~ '^SD221: line 2 .*not an object' AS no_object
	FROM public.lines;
SELECT public.try_import(array_agg(l ORDER BY n)) FROM public.lines WHERE n <> 5;
SELECT public.try_import(array_agg(l ORDER BY n)) ~ 'line 1 .*header is expected' AS no_header FROM public.lines WHERE n > 1;
SELECT public.try_import(array_agg(l ORDER BY n)) ~ 'come twice' AS twice FROM (SELECT * FROM public.lines WHERE n <> 5 UNION ALL SELECT * FROM public.lines WHERE n = 6) AS x;
SELECT public.try_import(array_agg(l ORDER BY n)) ~ 'follows the footer' AS after_footer FROM (SELECT * FROM public.lines UNION ALL SELECT n + 1000, l FROM public.lines WHERE n = 6) AS x;
-- an object of another snapshot has a good hash of its own, but not that of the whole
SELECT public.try_import(array_agg(l ORDER BY n)) AS swapped FROM (
	SELECT a.n, CASE WHEN a.l ->> 'identity' = 'store.t' THEN b.l ELSE a.l END AS l FROM public.lines AS a,
		(SELECT l FROM safedeploy.export_snapshot(:id) AS l WHERE l ->> 'identity' = 'store.t') AS b) AS x;
SELECT public.try_import('{}') AS empty, public.try_import(NULL) AS none;
SELECT safedeploy.import_snapshot('{}', 0);
SELECT safedeploy.import_snapshot('{}', -1);
SELECT safedeploy.import_snapshot('{}', :id);
SELECT * FROM safedeploy.export_snapshot(-1);
\set VERBOSITY default
SELECT count(*) AS incomplete FROM safedeploy.snapshot WHERE NOT complete;

-- 7. privileges
SET ROLE regress_snapshot_reader;
SELECT safedeploy.fingerprint();
RESET ROLE;
SELECT safedeploy.grant_reader('regress_snapshot_reader');
SELECT safedeploy.fingerprint() AS print \gset
SET ROLE regress_snapshot_reader;
SELECT safedeploy.fingerprint() = :'print' AS same;
SELECT count(*) > 0 AS some FROM safedeploy.export_snapshot(:id);
SELECT safedeploy.take_snapshot();
SELECT safedeploy.drop_snapshot(:id);
INSERT INTO safedeploy.object_def VALUES ('', '{}');
RESET ROLE;

-- 8. dropping
SELECT safedeploy.drop_snapshot(:id), safedeploy.drop_snapshot(:id3), safedeploy.drop_snapshot(:whole), safedeploy.drop_snapshot(:pieces);
SELECT count(*) - :definitions AS definitions_left FROM safedeploy.object_def;
SELECT count(*) FROM safedeploy.export_snapshot(:id2) HAVING count(*) < 3;
SELECT safedeploy.drop_snapshot(:id2);
SELECT safedeploy.drop_snapshot(-1);
SELECT count(*) FROM safedeploy.snapshot_object AS o WHERE NOT EXISTS (SELECT FROM safedeploy.snapshot AS s WHERE s.id = o.snapshot_id);
SELECT count(*) FROM safedeploy.object_def AS d WHERE NOT EXISTS (SELECT FROM safedeploy.snapshot_object AS o WHERE o.def_hash = d.hash);

-- 9. secrets are not kept
CREATE FOREIGN DATA WRAPPER regress_snapshot_fdw;
CREATE SERVER regress_snapshot_srv FOREIGN DATA WRAPPER regress_snapshot_fdw OPTIONS (host 'h', password 'geheim', "API_KEY" 'geheim', passcode 'geheim', passwort 'geheim', pass 'geheim', bypass 'on');
CREATE USER MAPPING FOR regress_snapshot_reader SERVER regress_snapshot_srv OPTIONS (password 'geheim');
SET client_min_messages = error;
CREATE SUBSCRIPTION regress_snapshot_sub CONNECTION 'password=geheim' PUBLICATION a WITH (connect = false, slot_name = NONE, enabled = false);
ALTER ROLE regress_snapshot_reader PASSWORD 'geheim';
SET client_min_messages = warning;
SELECT definition -> 'core' -> 'options' AS options FROM safedeploy.objects(true) WHERE kind IN ('server', 'user mapping') ORDER BY kind;
SELECT count(*) FROM safedeploy.objects(true) WHERE definition::text ~ 'geheim' OR phys::text ~ 'geheim';
DROP SUBSCRIPTION regress_snapshot_sub;
DROP FOREIGN DATA WRAPPER regress_snapshot_fdw CASCADE;

DROP TABLE public.prints, public.lines;
DROP FUNCTION public.try_import;
DROP SCHEMA store CASCADE;
DROP OWNED BY regress_snapshot_reader;
DROP ROLE regress_snapshot_reader;
