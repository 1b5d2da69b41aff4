-- Statements with what they really do, for the comparison of linters in regress/bench/31_linters.
--
--   -- case: NAME | LABEL          what follows, up to the next case, is one script
--   -- outside                     ... that is run outside a transaction
--   -- misjudged                   ... that safedeploy is known to be wrong about; it counts as such
--
-- long   reads, rewrites or indexes a table that has rows while nobody can write it
-- loss   rows or values are gone afterwards
-- breaks none of the others, but one of the statements of the section "application" fails from then on
-- fails  the server refuses it
-- safe   none of these
-- 31_linters runs each script and checks all but "loss" before it asks anybody.  A script of which one
-- may argue (is DROP INDEX safe? a backfill?) has no place here.

-- schema
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN plain AS integer;
CREATE FUNCTION inlined() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 1';
CREATE FUNCTION opaque() RETURNS integer LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END';
CREATE TABLE ref (id integer PRIMARY KEY);
INSERT INTO ref SELECT generate_series(1, 20000);
CREATE TABLE big (id bigint PRIMARY KEY, a integer, b varchar(10), c numeric(10, 2), d text, e timestamptz DEFAULT now(), f varchar(10), p plain, m mood,
	proved integer, compound integer, weak integer, n integer, viewed integer, stored integer,
	CONSTRAINT proof CHECK (proved IS NOT NULL), CONSTRAINT twofold CHECK (compound IS NOT NULL AND compound > 0), CONSTRAINT either CHECK (weak IS NOT NULL OR id > 0));
INSERT INTO big (id, a, b, c, d, f, p, m, proved, compound, weak, n, viewed) SELECT g, g, g, g, g, g, 1, 'ok', g, g, g, g, g FROM generate_series(1, 20000) g;
CREATE INDEX big_lower ON big (lower(b));
CREATE UNIQUE INDEX big_n ON big (n);
CREATE UNIQUE INDEX big_a ON big (a);
CREATE VIEW looks AS SELECT viewed FROM big;
CREATE TABLE waits (id integer REFERENCES ref NOT NULL, CONSTRAINT late CHECK (id > 0) NOT VALID);
INSERT INTO waits SELECT generate_series(1, 10000);
ALTER TABLE waits ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES ref NOT VALID;
CREATE TABLE none (id bigint PRIMARY KEY, a integer, b varchar(10));
CREATE TABLE parts (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE TABLE lone (a integer NOT NULL);
INSERT INTO lone SELECT generate_series(1, 10000);
CREATE TABLE checked (a integer NOT NULL CHECK (a >= 0 AND a < 100000));
INSERT INTO checked SELECT generate_series(1, 10000);
CREATE MATERIALIZED VIEW kept AS SELECT id, stored FROM big;
CREATE UNIQUE INDEX kept_id ON kept (id);
CREATE SCHEMA other;
CREATE TABLE other.hidden AS SELECT generate_series(1, 10000) AS a;
CREATE TABLE moody (m mood, x integer);
INSERT INTO moody VALUES ('ok', 1);
CREATE TABLE domained (x positive);
INSERT INTO domained SELECT generate_series(1, 10000);
CREATE FUNCTION destroys() RETURNS void LANGUAGE plpgsql AS 'BEGIN DROP TABLE ref CASCADE; END';
CREATE TYPE pair AS (x integer, y integer);
CREATE TYPE unused AS ENUM ('a');
CREATE SCHEMA vacant;
CREATE SEQUENCE numbers;
CREATE TABLE typed (i2 smallint, i4 integer, ts3 timestamptz(3), ts timestamptz, plainly numeric, exact numeric(10, 2), ch char(5), vb varbit(8), fixed bit(8), net inet, range cidr, js json,
	list varchar(10)[], span interval(3), word varchar(10), sorted varchar(10), dom plain, feel mood, both_of pair, numbered bigint NOT NULL DEFAULT nextval('numbers'));
INSERT INTO typed (i2, i4, ts3, ts, plainly, exact, ch, vb, fixed, net, range, js, list, span, word, sorted, dom, feel, both_of)
	SELECT g, g, now(), now(), g, g, 'x', B'101', B'00001111', '10.0.0.1', '10.0.0.0/8', '{}', ARRAY['a'], '1 day', 'w', g, 1, 'ok', '(1,2)' FROM generate_series(1, 10000) g;
CREATE INDEX typed_sorted ON typed (sorted);
CREATE TABLE unproved (a integer);
INSERT INTO unproved SELECT generate_series(1, 10000);
ALTER TABLE unproved ADD CONSTRAINT unproved_a CHECK (a IS NOT NULL) NOT VALID;
CREATE TABLE violated (a integer);
INSERT INTO violated SELECT -g FROM generate_series(1, 10000) g;
ALTER TABLE violated ADD CONSTRAINT above CHECK (a > 0) NOT VALID;
CREATE TABLE orphans (r integer);
INSERT INTO orphans SELECT generate_series(50000, 60000);
CREATE TABLE keyed (k integer NOT NULL);
INSERT INTO keyed SELECT generate_series(1, 10000);
CREATE UNIQUE INDEX keyed_k ON keyed (k);
CREATE TABLE computed (a integer, twice integer GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO computed SELECT generate_series(1, 10000);
CREATE TABLE shares (a integer NOT NULL, b integer) PARTITION BY RANGE (a);
CREATE TABLE shares_1 PARTITION OF shares FOR VALUES FROM (0) TO (100000);
INSERT INTO shares SELECT g, g FROM generate_series(1, 10000) g;
CREATE TABLE indexed (a integer PRIMARY KEY) PARTITION BY RANGE (a);
CREATE TABLE spills (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE TABLE spills_rest PARTITION OF spills DEFAULT;
INSERT INTO spills SELECT generate_series(1, 10000);
CREATE TABLE tight (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE TABLE tight_rest PARTITION OF tight DEFAULT;
INSERT INTO tight SELECT generate_series(1, 10000);
ALTER TABLE tight_rest ADD CHECK (a IS NOT NULL AND a < 100000);
CREATE TABLE "Odd; Table" (id integer, "drop table" text);
INSERT INTO "Odd; Table" SELECT g, g FROM generate_series(1, 10000) g;
CREATE TABLE family (a integer, b integer);
CREATE TABLE child () INHERITS (family);
INSERT INTO child SELECT g, g FROM generate_series(1, 10000) g;
CREATE TABLE shop (id integer PRIMARY KEY, price integer NOT NULL DEFAULT 0, note text);
INSERT INTO shop SELECT g, g, g FROM generate_series(1, 10000) g;
CREATE VIEW window_of AS SELECT id, price FROM shop;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(price) FROM shop';
ANALYZE;

-- application
SELECT id, price, note FROM shop WHERE price > 1;
INSERT INTO shop (id, note) VALUES (1000001, 'new');
SELECT id, price FROM window_of;
SELECT total();
SELECT x FROM moody WHERE m = 'ok'::mood;

-- case: a new column | safe
ALTER TABLE big ADD COLUMN x integer;
-- case: a new column with a constant | safe
ALTER TABLE big ADD COLUMN x integer NOT NULL DEFAULT 7;
-- case: a new column with now() | safe
ALTER TABLE big ADD COLUMN x timestamptz NOT NULL DEFAULT now();
-- case: a new column with random() | long
ALTER TABLE big ADD COLUMN x double precision DEFAULT random();
-- case: a new column with gen_random_uuid() | long
ALTER TABLE big ADD COLUMN x uuid DEFAULT gen_random_uuid();
-- case: a volatile function that the planner inlines | safe
ALTER TABLE big ADD COLUMN x integer DEFAULT inlined();
-- case: a volatile function that it does not | long
ALTER TABLE big ADD COLUMN x integer DEFAULT opaque();
-- case: a new serial | long
ALTER TABLE big ADD COLUMN x bigserial;
-- case: a new identity | long
ALTER TABLE big ADD COLUMN x bigint GENERATED ALWAYS AS IDENTITY;
-- case: a new stored column | long
ALTER TABLE big ADD COLUMN x integer GENERATED ALWAYS AS (a + 1) STORED;
-- case: a new column with a check | long
ALTER TABLE big ADD COLUMN x integer CHECK (x > 0);
-- case: a new column that refers | safe
ALTER TABLE big ADD COLUMN x integer REFERENCES ref;
-- case: a new column that refers, with a default | long
ALTER TABLE big ADD COLUMN x integer DEFAULT 1 REFERENCES ref;
-- case: a new NOT NULL column without a default | fails
ALTER TABLE big ADD COLUMN x integer NOT NULL;
-- case: the same of an empty table | safe
ALTER TABLE none ADD COLUMN x integer NOT NULL;
-- case: a new column of a domain with a check | long
ALTER TABLE big ADD COLUMN x positive;
-- case: a new unique column | long
ALTER TABLE big ADD COLUMN x integer UNIQUE;
-- case: varchar made wider | safe
ALTER TABLE big ALTER COLUMN f TYPE varchar(20);
-- case: varchar made wider under an expression index | long
ALTER TABLE big ALTER COLUMN b TYPE varchar(20);
-- case: varchar to text | safe
ALTER TABLE big ALTER COLUMN f TYPE text;
-- case: numeric made wider | safe
ALTER TABLE big ALTER COLUMN c TYPE numeric(12, 2);
-- case: numeric of another scale | long
ALTER TABLE big ALTER COLUMN c TYPE numeric(12, 3);
-- case: integer to bigint | long
ALTER TABLE big ALTER COLUMN a TYPE bigint;
-- case: integer to bigint, empty table | safe
ALTER TABLE none ALTER COLUMN a TYPE bigint;
-- case: text to varchar | long
ALTER TABLE big ALTER COLUMN d TYPE varchar(20);
-- case: a type that a view uses | fails
ALTER TABLE big ALTER COLUMN viewed TYPE bigint;
-- case: the same type again | safe
ALTER TABLE big ALTER COLUMN a TYPE integer;
-- case: SET NOT NULL | long
ALTER TABLE big ALTER COLUMN d SET NOT NULL;
-- case: SET NOT NULL, proved | safe
ALTER TABLE big ALTER COLUMN proved SET NOT NULL;
-- case: SET NOT NULL, proved by more than was needed | safe
ALTER TABLE big ALTER COLUMN compound SET NOT NULL;
-- case: SET NOT NULL, not quite proved | long
ALTER TABLE big ALTER COLUMN weak SET NOT NULL;
-- case: SET NOT NULL, and its proof dropped at once | long
ALTER TABLE big ALTER COLUMN proved SET NOT NULL, DROP CONSTRAINT proof;
-- case: SET NOT NULL again | safe
ALTER TABLE big ALTER COLUMN id SET NOT NULL;
-- case: SET NOT NULL, empty table | safe
ALTER TABLE none ALTER COLUMN a SET NOT NULL;
-- case: a check | long
ALTER TABLE big ADD CONSTRAINT x CHECK (a > 0);
-- case: a check, not valid | safe
ALTER TABLE big ADD CONSTRAINT x CHECK (a > 0) NOT VALID;
-- case: a check validated | safe
ALTER TABLE waits VALIDATE CONSTRAINT late;
-- case: a check added and validated in one transaction | long
ALTER TABLE big ADD CONSTRAINT x CHECK (a > 0) NOT VALID;
ALTER TABLE big VALIDATE CONSTRAINT x;
-- case: a foreign key | long
ALTER TABLE big ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES ref (id) MATCH FULL;
-- case: a foreign key, not valid | safe
ALTER TABLE big ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES ref (id) NOT VALID;
-- case: a foreign key validated | safe
ALTER TABLE waits VALIDATE CONSTRAINT later;
-- case: a foreign key of a new table | safe
CREATE TABLE x (id bigint PRIMARY KEY, r integer REFERENCES ref);
-- case: a unique constraint | long
ALTER TABLE big ADD CONSTRAINT x UNIQUE (c);
-- case: a unique constraint of an index | safe
ALTER TABLE big ADD CONSTRAINT x UNIQUE USING INDEX big_n;
-- case: a primary key of a nullable column's index | long
ALTER TABLE big DROP CONSTRAINT big_pkey; ALTER TABLE big ADD PRIMARY KEY USING INDEX big_a;
-- case: an exclusion constraint | long
ALTER TABLE big ADD CONSTRAINT x EXCLUDE USING btree (c WITH =);
-- case: an index | long
CREATE INDEX x ON big (c);
-- case: an index, concurrently | safe
-- outside
CREATE INDEX CONCURRENTLY x ON big (c);
-- case: an index, concurrently in a transaction | fails
BEGIN; CREATE INDEX CONCURRENTLY x ON big (c); COMMIT;
-- case: an index of a new table | safe
CREATE TABLE x (id bigint PRIMARY KEY, c text);
CREATE INDEX x_c ON x (c);
-- case: an index of an empty table | safe
CREATE INDEX x ON none (b);
-- case: a table dropped | loss
DROP TABLE big CASCADE;
-- case: a table dropped that others need | fails
DROP TABLE ref;
-- case: a table dropped that the script made | safe
CREATE TABLE x (id bigint PRIMARY KEY);
DROP TABLE x;
-- case: a column dropped | loss
ALTER TABLE big DROP COLUMN d;
-- case: a column dropped that a view needs | fails
ALTER TABLE big DROP COLUMN viewed;
-- case: TRUNCATE | loss
TRUNCATE waits;
-- case: TRUNCATE of what is referred to | fails
TRUNCATE ref;
-- case: DELETE of everything | loss
DELETE FROM waits;
-- case: DELETE of everything, in disguise | loss
DELETE FROM waits WHERE 1 = 1;
-- case: UPDATE of everything | loss
UPDATE waits SET id = 1;
-- case: DELETE of one row | safe
DELETE FROM waits WHERE id = 1;
-- case: a type dropped with its column | loss
DROP TYPE mood CASCADE;
-- case: a schema dropped | loss
DROP SCHEMA other CASCADE;
-- case: a table dropped in a DO block | loss
DO $$ BEGIN DROP TABLE waits; END $$;
-- case: a table dropped by text in a DO block | loss
DO $$ BEGIN EXECUTE 'DROP TABLE ' || quote_ident('waits'); END $$;
-- case: a table dropped by a function | loss
SELECT destroys();
-- case: a table dropped by way of the search_path | loss
SET search_path = other; DROP TABLE hidden;
-- case: words in a string | safe
INSERT INTO none VALUES (1, 1, 'DROP TABLE');
-- case: words in a comment | safe
SELECT 1 /* ; DROP TABLE big; */;
-- case: words in a dollar quote | safe
COMMENT ON TABLE none IS $x$ '; DROP TABLE big; $x$;
-- case: a partition attached | long
ALTER TABLE parts ATTACH PARTITION lone FOR VALUES FROM (0) TO (100000);
-- case: a partition attached that is proved | safe
ALTER TABLE parts ATTACH PARTITION checked FOR VALUES FROM (0) TO (100000);
-- case: VACUUM FULL | long
-- outside
VACUUM FULL big;
-- case: CLUSTER | long
CLUSTER big USING big_pkey;
-- case: REINDEX | long
REINDEX TABLE big;
-- case: REINDEX, concurrently | safe
-- outside
REINDEX TABLE CONCURRENTLY big;
-- case: REFRESH | long
REFRESH MATERIALIZED VIEW kept;
-- case: SET UNLOGGED | long
ALTER TABLE big SET UNLOGGED;
-- case: a storage parameter | safe
ALTER TABLE big SET (fillfactor = 90);
-- case: a new default | safe
ALTER TABLE big ALTER COLUMN d SET DEFAULT 'x';
-- case: a new enum label | safe
ALTER TYPE mood ADD VALUE 'glad';
-- case: a new enum label used at once | fails
ALTER TYPE mood ADD VALUE 'glad'; UPDATE moody SET m = 'glad' WHERE x = 1;
-- case: a constraint of a domain | long
ALTER DOMAIN positive ADD CONSTRAINT x CHECK (VALUE < 1000000);
-- case: a constraint of a domain, not valid | safe
ALTER DOMAIN positive ADD CONSTRAINT x CHECK (VALUE < 1000000) NOT VALID;
-- case: a table that is not there | fails
ALTER TABLE bigg ADD COLUMN x integer;
-- case: a table that is there already | fails
CREATE TABLE big (id integer PRIMARY KEY);

-- case: a new column with the date | safe
ALTER TABLE big ADD COLUMN x date NOT NULL DEFAULT current_date;
-- case: a new column with an empty document | safe
ALTER TABLE big ADD COLUMN x jsonb NOT NULL DEFAULT '{}'::jsonb;
-- case: a new column with the time of the clock | long
ALTER TABLE big ADD COLUMN x timestamptz DEFAULT clock_timestamp();
-- case: a new column with numbers of a sequence | long
ALTER TABLE big ADD COLUMN x bigint DEFAULT nextval('numbers');
-- case: a new column of a domain without a check | safe
ALTER TABLE big ADD COLUMN x plain DEFAULT 3;
-- case: a new NOT NULL column with a null | fails
ALTER TABLE big ADD COLUMN x integer NOT NULL DEFAULT NULL;
-- case: a new column that is there, if it is not | safe
ALTER TABLE computed ADD COLUMN IF NOT EXISTS twice integer GENERATED ALWAYS AS (a * 2) STORED;
-- case: a new column that is not there, if it is not | long
ALTER TABLE big ADD COLUMN IF NOT EXISTS x double precision DEFAULT random();
-- case: a new column that is there | fails
ALTER TABLE big ADD COLUMN a integer;
-- case: a new column and a check, not valid | safe
ALTER TABLE big ADD COLUMN x integer, ADD CONSTRAINT y CHECK (x > 0) NOT VALID;
-- case: a new column and a check | long
ALTER TABLE big ADD COLUMN x integer, ADD CONSTRAINT y CHECK (x > 0);
-- case: a new column of a view | fails
ALTER TABLE looks ADD COLUMN x integer;
-- case: three new columns | safe
ALTER TABLE big ADD COLUMN x integer, ADD COLUMN y text DEFAULT '', ADD COLUMN z boolean NOT NULL DEFAULT false;
-- case: a second primary key | fails
ALTER TABLE big ADD COLUMN x integer PRIMARY KEY;
-- case: a new column, and it is filled at once | long
ALTER TABLE big ADD COLUMN x integer; UPDATE big SET x = a;
-- case: a new column, and all is counted at once | long
ALTER TABLE big ADD COLUMN x integer; SELECT count(*) FROM big;
-- case: a new column, and another table is counted | long
ALTER TABLE typed ADD COLUMN x integer; SELECT count(*) FROM big;
-- case: a new column and a row | safe
ALTER TABLE none ADD COLUMN x integer; INSERT INTO none (id, x) VALUES (1, 1);
-- case: if the table is there, and it is | long
ALTER TABLE IF EXISTS big ADD COLUMN x bigserial;
-- case: if the table is there, and it is not | safe
ALTER TABLE IF EXISTS nowhere ADD COLUMN x bigserial;
-- case: a name that needs quotes | long
ALTER TABLE "Odd; Table" ADD COLUMN x bigserial;
-- case: a name with another case | fails
ALTER TABLE "Big" ADD COLUMN x integer;
-- case: a new volatile default of an old column | safe
ALTER TABLE big ALTER COLUMN a SET DEFAULT random() * 10;
-- case: a default dropped | safe
ALTER TABLE big ALTER COLUMN e DROP DEFAULT;
-- case: DROP NOT NULL | safe
ALTER TABLE keyed ALTER COLUMN k DROP NOT NULL;
-- case: DROP NOT NULL of a key | fails
ALTER TABLE big ALTER COLUMN id DROP NOT NULL;
-- case: an expression dropped | safe
ALTER TABLE computed ALTER COLUMN twice DROP EXPRESSION;
-- case: an expression dropped that is none | fails
ALTER TABLE computed ALTER COLUMN a DROP EXPRESSION;
-- case: an old column made an identity | safe
ALTER TABLE big ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
-- case: an old column with nulls made an identity | fails
ALTER TABLE big ALTER COLUMN stored ADD GENERATED BY DEFAULT AS IDENTITY;
-- case: statistics of a column | safe
ALTER TABLE big ALTER COLUMN a SET STATISTICS 500;
-- case: storage of a column | safe
ALTER TABLE big ALTER COLUMN d SET STORAGE EXTERNAL;
-- case: numeric without limits | safe
ALTER TABLE typed ALTER COLUMN exact TYPE numeric;
-- case: numeric with limits | long
ALTER TABLE typed ALTER COLUMN plainly TYPE numeric(10, 2);
-- case: more precise times | safe
ALTER TABLE typed ALTER COLUMN ts3 TYPE timestamptz(6);
-- case: less precise times | long
ALTER TABLE typed ALTER COLUMN ts TYPE timestamptz(3);
-- case: no time zone | long
SET LOCAL timezone = 'Europe/Berlin'; ALTER TABLE typed ALTER COLUMN ts TYPE timestamp;
-- case: longer intervals | safe
ALTER TABLE typed ALTER COLUMN span TYPE interval(6);
-- case: char made wider | long
ALTER TABLE typed ALTER COLUMN ch TYPE char(10);
-- case: char to text | long
ALTER TABLE typed ALTER COLUMN ch TYPE text;
-- case: more bits at the most | safe
ALTER TABLE typed ALTER COLUMN vb TYPE varbit(16);
-- case: more bits exactly | fails
ALTER TABLE typed ALTER COLUMN fixed TYPE bit(16);
-- case: cidr to inet | safe
ALTER TABLE typed ALTER COLUMN range TYPE inet;
-- case: inet to cidr | long
ALTER TABLE typed ALTER COLUMN net TYPE cidr;
-- case: an array of wider varchars | long
ALTER TABLE typed ALTER COLUMN list TYPE varchar(20)[];
-- case: varchar made shorter | long
ALTER TABLE typed ALTER COLUMN word TYPE varchar(5);
-- case: text to varchar without a length | safe
ALTER TABLE big ALTER COLUMN d TYPE varchar;
-- case: integer to oid | safe
ALTER TABLE typed ALTER COLUMN i4 TYPE oid;
-- case: json to jsonb | long
ALTER TABLE typed ALTER COLUMN js TYPE jsonb;
-- case: smallint to integer | long
ALTER TABLE typed ALTER COLUMN i2 TYPE integer;
-- case: integer to text | long
ALTER TABLE typed ALTER COLUMN i4 TYPE text;
-- case: text to integer | fails
ALTER TABLE big ALTER COLUMN d TYPE integer;
-- case: text to integer by an expression | long
ALTER TABLE big ALTER COLUMN d TYPE integer USING d::integer;
-- case: varchar to text by an expression that does nothing | safe
ALTER TABLE big ALTER COLUMN f TYPE text USING f::text;
-- case: varchar to text by an expression that does something | long
ALTER TABLE big ALTER COLUMN f TYPE text USING f || '';
-- case: an enum to text | long
ALTER TABLE typed ALTER COLUMN feel TYPE text;
-- case: integer to a domain without a check | safe
ALTER TABLE typed ALTER COLUMN i4 TYPE plain;
-- case: integer to a domain with a check | long
ALTER TABLE typed ALTER COLUMN i4 TYPE positive;
-- case: a domain to its type | safe
ALTER TABLE typed ALTER COLUMN dom TYPE integer;
-- case: another collation | safe
ALTER TABLE typed ALTER COLUMN word TYPE varchar(10) COLLATE "POSIX";
-- case: another collation of an indexed column | long
ALTER TABLE typed ALTER COLUMN sorted TYPE varchar(10) COLLATE "POSIX";
-- case: varchar made wider under a plain index | safe
ALTER TABLE typed ALTER COLUMN sorted TYPE varchar(20);
-- case: a new column and another type in one | long
ALTER TABLE big ADD COLUMN x integer, ALTER COLUMN c TYPE numeric(12, 3);
-- case: the type of a parent's column | long
ALTER TABLE family ALTER COLUMN b TYPE bigint;
-- case: the type of a partitioned table's column | long
ALTER TABLE shares ALTER COLUMN b TYPE bigint;
-- case: the type of a partition key | fails
ALTER TABLE shares ALTER COLUMN a TYPE bigint;
-- case: the type of a composite type's part | fails
ALTER TYPE pair ALTER ATTRIBUTE x TYPE bigint;
-- case: SET NOT NULL over nulls | fails
ALTER TABLE big ALTER COLUMN stored SET NOT NULL;
-- case: SET NOT NULL, its proof not valid | long
ALTER TABLE unproved ALTER COLUMN a SET NOT NULL;
-- case: SET NOT NULL of a partitioned table | long
ALTER TABLE shares ALTER COLUMN b SET NOT NULL;
-- case: SET NOT NULL in four steps | safe
-- outside
ALTER TABLE big ADD CONSTRAINT x CHECK (a IS NOT NULL) NOT VALID;
ALTER TABLE big VALIDATE CONSTRAINT x;
ALTER TABLE big ALTER COLUMN a SET NOT NULL;
ALTER TABLE big DROP CONSTRAINT x;
-- case: SET NOT NULL in four steps of one transaction | long
ALTER TABLE big ADD CONSTRAINT x CHECK (a IS NOT NULL) NOT VALID;
ALTER TABLE big VALIDATE CONSTRAINT x;
ALTER TABLE big ALTER COLUMN a SET NOT NULL;
ALTER TABLE big DROP CONSTRAINT x;
-- case: a check in two transactions of one script | safe
-- outside
BEGIN; ALTER TABLE big ADD CONSTRAINT x CHECK (a > 0) NOT VALID; COMMIT;
BEGIN; ALTER TABLE big VALIDATE CONSTRAINT x; COMMIT;
-- case: a check that rows violate | fails
ALTER TABLE big ADD CONSTRAINT x CHECK (a > 5);
-- case: a check that is there | fails
ALTER TABLE big ADD CONSTRAINT proof CHECK (a > 0);
-- case: a check validated that rows violate | fails
-- misjudged
ALTER TABLE violated VALIDATE CONSTRAINT above;
-- case: a check of an empty table | safe
ALTER TABLE none ADD CONSTRAINT x CHECK (a > 0);
-- case: a foreign key of an empty table to a large one | safe
ALTER TABLE none ADD CONSTRAINT x FOREIGN KEY (id) REFERENCES big;
-- case: a foreign key of another type | fails
ALTER TABLE big ADD CONSTRAINT x FOREIGN KEY (d) REFERENCES ref;
-- case: a foreign key to what is not unique | fails
ALTER TABLE none ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES big (p);
-- case: a foreign key that rows violate | fails
ALTER TABLE orphans ADD CONSTRAINT x FOREIGN KEY (r) REFERENCES ref;
-- case: a foreign key added and validated in one transaction | long
ALTER TABLE big ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES ref NOT VALID;
ALTER TABLE big VALIDATE CONSTRAINT x;
-- case: a foreign key of a partitioned table, not valid | fails
ALTER TABLE shares ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES ref NOT VALID;
-- case: a foreign key to a table that is not there | fails
CREATE TABLE x (id integer REFERENCES nowhere);
-- case: a unique constraint over duplicates | fails
ALTER TABLE big ADD CONSTRAINT x UNIQUE (p);
-- case: a unique index over duplicates, concurrently | fails
-- outside
CREATE UNIQUE INDEX CONCURRENTLY x ON big (p);
-- case: a unique constraint of an index of an expression | fails
ALTER TABLE big ADD CONSTRAINT x UNIQUE USING INDEX big_lower;
-- case: a unique constraint of an empty table | safe
ALTER TABLE none ADD CONSTRAINT x UNIQUE (a);
-- case: a primary key of an index | safe
ALTER TABLE keyed ADD CONSTRAINT x PRIMARY KEY USING INDEX keyed_k;
-- case: a primary key | long
ALTER TABLE keyed ADD PRIMARY KEY (k);
-- case: an exclusion constraint of an empty table | safe
ALTER TABLE none ADD CONSTRAINT x EXCLUDE USING btree (a WITH =);
-- case: a constraint dropped | safe
ALTER TABLE big DROP CONSTRAINT either;
-- case: a key dropped that others need | fails
ALTER TABLE ref DROP CONSTRAINT ref_pkey;
-- case: a constraint with another name | safe
ALTER TABLE big RENAME CONSTRAINT either TO another;
-- case: an index with another name | safe
ALTER INDEX big_lower RENAME TO another;
-- case: an index that is there, if it is not | safe
CREATE INDEX IF NOT EXISTS big_lower ON big (lower(b));
-- case: an index that is there | fails
CREATE INDEX big_n ON big (c);
-- case: an index of a partitioned table | long
CREATE INDEX x ON shares (b);
-- case: an index of a partitioned table only | safe
CREATE INDEX x ON ONLY shares (b);
-- case: an index of a partitioned table, concurrently | fails
-- outside
CREATE INDEX CONCURRENTLY x ON shares (b);
-- case: an index of a partitioned table without partitions | safe
CREATE INDEX x ON parts (a);
-- case: an index of a parent without rows | safe
CREATE INDEX x ON family (a);
-- case: an index by way of the search_path | long
SET LOCAL search_path = other; CREATE INDEX ON hidden (a);
-- case: an index dropped, concurrently | safe
-- outside
DROP INDEX CONCURRENTLY big_lower;
-- case: an index dropped, concurrently in a transaction | fails
DROP INDEX CONCURRENTLY big_lower;
-- case: an index of a constraint dropped | fails
DROP INDEX big_pkey;
-- case: an index of a temporary table of the same name | safe
CREATE TEMP TABLE big (a integer); CREATE INDEX ON big (a);
-- case: an index built again | long
REINDEX INDEX big_n;
-- case: an index built again, concurrently in a transaction | fails
REINDEX INDEX CONCURRENTLY big_n;
-- case: an index of an empty table built again | safe
REINDEX TABLE none;
-- case: extended statistics | safe
CREATE STATISTICS x ON a, n FROM big;
-- case: a table, its rows and its indexes | safe
CREATE TABLE x AS SELECT * FROM big; CREATE INDEX ON x (a); ALTER TABLE x ADD PRIMARY KEY (id);
-- case: a table like another | safe
CREATE TABLE x (LIKE big INCLUDING ALL);
-- case: a new table's column with another name | safe
CREATE TABLE x (a integer); ALTER TABLE x RENAME COLUMN a TO b; ALTER TABLE x ALTER COLUMN b TYPE bigint;
-- case: a materialized view | safe
CREATE MATERIALIZED VIEW x AS SELECT count(*) FROM big;
-- case: REFRESH, concurrently | safe
REFRESH MATERIALIZED VIEW CONCURRENTLY kept;
-- case: REFRESH, concurrently without a unique index | fails
DROP INDEX kept_id; REFRESH MATERIALIZED VIEW CONCURRENTLY kept;
-- case: a table dropped if it is there, and it is not | safe
DROP TABLE IF EXISTS nowhere CASCADE;
-- case: a table dropped if it is there, and it is not in the search_path | safe
SET LOCAL search_path = other; DROP TABLE IF EXISTS big;
-- case: a temporary table of the same name dropped | safe
CREATE TEMP TABLE big (a integer); DROP TABLE big;
-- case: a table dropped and not | safe
-- outside
-- misjudged
BEGIN; DROP TABLE waits; ROLLBACK;
-- case: a table dropped in a savepoint and not | safe
-- misjudged
SAVEPOINT s; DROP TABLE waits; ROLLBACK TO SAVEPOINT s;
-- case: a table dropped after a savepoint that is kept | loss
SAVEPOINT s; DROP TABLE waits; RELEASE SAVEPOINT s;
-- case: two tables dropped, one of them new | loss
CREATE TABLE x (a integer); DROP TABLE x, waits;
-- case: a type that nobody uses dropped | safe
DROP TYPE unused;
-- case: a type that is used dropped | fails
DROP TYPE mood;
-- case: a domain dropped with its column | loss
DROP DOMAIN positive CASCADE;
-- case: a schema that is empty dropped | safe
DROP SCHEMA vacant;
-- case: a schema that is not empty dropped | fails
DROP SCHEMA other;
-- case: a sequence that a default needs dropped | fails
DROP SEQUENCE numbers;
-- case: a column dropped beside a new one | loss
ALTER TABLE big ADD COLUMN x text, DROP COLUMN d;
-- case: a column dropped from a parent | loss
ALTER TABLE family DROP COLUMN b;
-- case: a column dropped if it is there, and it is not | safe
ALTER TABLE big DROP COLUMN IF EXISTS nothing;
-- case: a column dropped with a view | loss
ALTER TABLE big DROP COLUMN viewed CASCADE;
-- case: TRUNCATE of an empty table | safe
TRUNCATE none;
-- case: TRUNCATE CASCADE | loss
TRUNCATE ref CASCADE;
-- case: DELETE of everything, in a WITH | loss
WITH gone AS (DELETE FROM waits RETURNING id) SELECT count(*) FROM gone;
-- case: DELETE of one row, in a WITH | safe
WITH gone AS (DELETE FROM waits WHERE id = 1 RETURNING id) SELECT count(*) FROM gone;
-- case: DELETE of everything, prepared | loss
PREPARE x AS DELETE FROM waits; EXECUTE x;
-- case: DELETE of everything by MERGE | loss
MERGE INTO waits USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE;
-- case: UPDATE of one row | safe
UPDATE big SET a = 50000 WHERE id = 1;
-- case: an upsert | safe
INSERT INTO ref VALUES (1) ON CONFLICT (id) DO UPDATE SET id = excluded.id;
-- case: a row that is there | fails
-- misjudged
INSERT INTO ref VALUES (1);
-- case: rows of a table into another | safe
INSERT INTO none (id, a) SELECT id, a FROM big WHERE id < 10;
-- case: all rows deleted in a DO block | loss
DO $$ BEGIN DELETE FROM waits; END $$;
-- case: a DO block that only talks | safe
DO $$ BEGIN RAISE NOTICE 'DROP TABLE big'; END $$;
-- case: a column in a DO block | long
DO $$ BEGIN ALTER TABLE big ADD COLUMN x bigserial; END $$;
-- case: an index in a DO block, by text | long
DO $$ BEGIN EXECUTE format('CREATE INDEX ON %I (c)', 'big'); END $$;
-- case: a column in a DO block that is harmless | safe
DO $$ BEGIN ALTER TABLE big ADD COLUMN x integer; END $$;
-- case: a function that is never called | safe
CREATE FUNCTION x() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE big CASCADE; END $$;
-- case: a function that is called | loss
CREATE FUNCTION x() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE waits; END $$; SELECT x();
-- case: a partition of a table with a default partition | long
CREATE TABLE spills_1 PARTITION OF spills FOR VALUES FROM (500000) TO (600000);
-- case: a partition of a table with a proved default partition | safe
CREATE TABLE tight_1 PARTITION OF tight FOR VALUES FROM (500000) TO (600000);
-- case: a partition of a table with a default partition that has its rows | fails
CREATE TABLE spills_1 PARTITION OF spills FOR VALUES FROM (1) TO (600000);
-- case: a partition | safe
CREATE TABLE shares_2 PARTITION OF shares FOR VALUES FROM (100000) TO (200000);
-- case: a partition that overlaps | fails
-- misjudged
CREATE TABLE shares_2 PARTITION OF shares FOR VALUES FROM (50000) TO (200000);
-- case: a partition attached that is proved and has no index | long
ALTER TABLE indexed ATTACH PARTITION checked FOR VALUES FROM (0) TO (100000);
-- case: a partition attached whose rows do not fit | fails
ALTER TABLE parts ATTACH PARTITION lone FOR VALUES FROM (0) TO (50);
-- case: a column of a partitioned table | safe
ALTER TABLE shares ADD COLUMN x integer NOT NULL DEFAULT 7;
-- case: an order marked | safe
ALTER TABLE big CLUSTER ON big_pkey;
-- case: SET LOGGED of what is logged | safe
ALTER TABLE big SET LOGGED;
-- case: the tablespace that it has | safe
ALTER TABLE big SET TABLESPACE pg_default;
-- case: another access method that is the same | safe
ALTER TABLE big SET ACCESS METHOD heap;
-- case: replica identity | safe
ALTER TABLE big REPLICA IDENTITY FULL;
-- case: VACUUM | safe
-- outside
VACUUM big;
-- case: VACUUM in a transaction | fails
VACUUM big;
-- case: VACUUM FULL of an empty table | safe
-- outside
VACUUM FULL none;
-- case: ANALYZE | safe
ANALYZE big;
-- case: a table locked and read | long
LOCK TABLE big IN SHARE MODE; SELECT count(*) FROM big;
-- case: a table locked against nobody and read | safe
LOCK TABLE big IN ROW SHARE MODE; SELECT count(*) FROM big;
-- case: a domain's NOT NULL | long
ALTER DOMAIN positive SET NOT NULL;
-- case: a check of a domain that had none | long
ALTER DOMAIN plain ADD CONSTRAINT x CHECK (VALUE < 1000000);
-- case: a check of a domain that rows violate | fails
ALTER DOMAIN positive ADD CONSTRAINT x CHECK (VALUE > 50);
-- case: a domain's default | safe
ALTER DOMAIN positive SET DEFAULT 1;
-- case: a right | safe
GRANT SELECT ON big TO pg_monitor;
-- case: the cache of a sequence | safe
ALTER SEQUENCE numbers CACHE 20;
-- case: a statement that is none | fails
ALTER TABEL big ADD COLUMN x integer;
-- case: a column with another name | breaks
ALTER TABLE shop RENAME COLUMN price TO cost;
-- case: a table with another name | breaks
ALTER TABLE shop RENAME TO store;
-- case: a table with another name, and a view with the old one | safe
ALTER TABLE shop RENAME TO store; CREATE VIEW shop AS SELECT * FROM store;
-- case: a table in another schema | breaks
ALTER TABLE shop SET SCHEMA other;
-- case: a view with another name | breaks
ALTER VIEW window_of RENAME TO door_of;
-- case: a view dropped | breaks
DROP VIEW window_of;
-- case: a view dropped and made again | safe
DROP VIEW window_of; CREATE VIEW window_of AS SELECT id, price, note FROM shop;
-- case: a view with one more column | safe
CREATE OR REPLACE VIEW window_of AS SELECT id, price, note FROM shop;
-- case: a view with one column less | fails
CREATE OR REPLACE VIEW window_of AS SELECT id FROM shop;
-- case: a function dropped | breaks
DROP FUNCTION total();
-- case: a function with another body | safe
CREATE OR REPLACE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(price + 1) FROM shop';
-- case: an enum label with another name | breaks
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
-- case: a type with another name | breaks
ALTER TYPE mood RENAME TO feeling;
-- case: a default dropped that the application needs | breaks
ALTER TABLE shop ALTER COLUMN price DROP DEFAULT;
-- case: a NOT NULL column that the application does not know | breaks
ALTER TABLE shop ADD COLUMN tax integer NOT NULL DEFAULT 0; ALTER TABLE shop ALTER COLUMN tax DROP DEFAULT;
-- case: a column that the application does not know | safe
ALTER TABLE shop ADD COLUMN tax integer;
-- case: a default that becomes an identity | safe
ALTER TABLE shop ALTER COLUMN price DROP DEFAULT, ALTER COLUMN price ADD GENERATED BY DEFAULT AS IDENTITY;
