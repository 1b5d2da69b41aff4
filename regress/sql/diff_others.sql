-- What a session keeps of its schema and of another one, and the diff of both.
CREATE SCHEMA kept;
CREATE TABLE kept.t (a integer PRIMARY KEY, b text);
CREATE VIEW kept.v AS SELECT a FROM kept.t;

-- numbers go from 1, hashes are of what is asked for
BEGIN;
SELECT count(*) = max(number), min(number), count(DISTINCT number) = count(*) AS distinct_numbers FROM safedeploy.keep_objects();
SELECT count(*) = (SELECT count(*) FROM safedeploy.objects()) AS whole FROM safedeploy.kept_objects();
SELECT count(*) FROM safedeploy.kept_objects(ARRAY[1, 2, 2, NULL, 0, -5, 2147483647]);
SELECT count(*) FROM safedeploy.kept_objects('{}');
SELECT count(*) FROM safedeploy.kept_objects(others => true);
CREATE FUNCTION pg_temp.hash_of(facets text[], physical boolean) RETURNS text LANGUAGE sql AS
	$$ SELECT encode(hash, 'hex') FROM safedeploy.keep_objects(facets, physical) WHERE identity = 'kept.t' $$;
SELECT pg_temp.hash_of(NULL, false) AS everything, pg_temp.hash_of('{core}', false) AS core, pg_temp.hash_of(NULL, true) AS physical \gset
COMMENT ON TABLE kept.t IS 'a comment';
SELECT pg_temp.hash_of(NULL, false) <> :'everything' AS everything, pg_temp.hash_of('{core}', false) = :'core' AS core;
COMMENT ON TABLE kept.t IS NULL;
-- what is the same but made anew differs only physically
ALTER TABLE kept.t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (a);
SELECT pg_temp.hash_of(NULL, false) = :'everything' AS everything, pg_temp.hash_of(NULL, true) <> :'physical' AS physical;
SELECT safedeploy.keep_objects('{nonsense}');
ROLLBACK;

-- it is kept to the end of the transaction, and a second time replaces it
SELECT count(*) FROM safedeploy.kept_objects();
BEGIN;
SELECT count(*) > 0 FROM safedeploy.keep_objects();
CREATE TABLE kept.later (a integer);
SELECT count(*) FROM safedeploy.kept_objects() WHERE identity = 'kept.later';
SELECT count(*) > 0 FROM safedeploy.keep_objects();
SELECT count(*) FROM safedeploy.kept_objects() WHERE identity = 'kept.later';
COMMIT;
SELECT count(*) FROM safedeploy.kept_objects();
DROP TABLE kept.later;
BEGIN READ ONLY;
SELECT count(*) > 0 FROM safedeploy.keep_objects();
COMMIT;

-- a schema with the objects of another one
BEGIN;
SELECT count(*) > 0 FROM safedeploy.keep_objects();
SELECT array_agg(o) AS others FROM safedeploy.kept_objects() AS o WHERE identity LIKE 'kept.%' \gset
ALTER TABLE kept.t ADD COLUMN c integer;
DROP VIEW kept.v;
SELECT array_agg(number) AS numbers FROM safedeploy.keep_objects() WHERE identity LIKE 'kept.%' \gset
SELECT safedeploy.keep_others(:'others');
SELECT current_setting('server_version_num') AS version \gset
SELECT op, kind, identity, path, confidence, hits FROM safedeploy.diff_others(NULL, :'numbers', :version) ORDER BY seq;
SELECT op, kind, identity, path FROM safedeploy.diff_others(NULL, :'numbers', :version, facets => '{owner}') ORDER BY seq;
SELECT count(*) FROM safedeploy.diff_others(NULL, '{}', :version) WHERE op = 'add';
ROLLBACK;

-- refusals
SELECT * FROM safedeploy.diff_others(NULL, '{}', :version);
SELECT * FROM safedeploy.diff_others(0, '{}', :version);
BEGIN;
SELECT count(*) > 0 FROM safedeploy.keep_objects();
SAVEPOINT s;
SELECT * FROM safedeploy.diff_others(NULL, NULL, :version);
ROLLBACK TO s;
\set VERBOSITY terse
SELECT count(*) FROM (SELECT safedeploy.diff_others(NULL, '{}', 120001)) AS d;
\set VERBOSITY default
ROLLBACK TO s;
SELECT safedeploy.keep_others(ARRAY[NULL]::safedeploy.object[]);
-- whatever came before the fault is not compared with
ROLLBACK TO s;
SELECT * FROM safedeploy.diff_others(NULL, '{}', :version);
ROLLBACK;
\set refused 'SELECT safedeploy.keep_others(ARRAY[ROW(kind, identity, definition, core, NULL, NULL, NULL, NULL, NULL, NULL, NULL, phys)::safedeploy.object]) FROM (VALUES '
\set as ') AS o (kind, identity, definition, core, phys)'
:refused (NULL, 'i', '{}'::jsonb, '\x00'::bytea, '{}'::jsonb) :as;
:refused ('table', NULL, '{}'::jsonb, '\x00'::bytea, '{}'::jsonb) :as;
:refused ('table', 'i', NULL::jsonb, '\x00'::bytea, '{}'::jsonb) :as;
:refused ('table', 'i', '[]'::jsonb, '\x00'::bytea, '{}'::jsonb) :as;
:refused ('table', 'i', '{"core": 1}'::jsonb, '\x00'::bytea, '{}'::jsonb) :as;
:refused ('table', 'i', '{"core": {}}'::jsonb, '\x00'::bytea, '7'::jsonb) :as;
:refused ('table', 'i', '{"core": {}}'::jsonb, '\x00'::bytea, NULL::jsonb) :as;

DROP SCHEMA kept CASCADE;
