-- Statements with what they really do, for the comparison of linters in regress/bench/31_linters.
--
--   -- case: NAME | LABEL          what follows, up to the next case, is one script
--   -- outside                     ... that is run outside a transaction
--
-- long   reads, rewrites or indexes a table that has rows while nobody can write it
-- loss   rows or values are gone afterwards
-- fails  the server refuses it
-- safe   none of these
-- 31_linters runs each script and checks "long", "fails" and "safe" before it asks anybody.

-- schema
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN plain AS integer;
CREATE FUNCTION inlined() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 1';
CREATE FUNCTION opaque() RETURNS integer LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END';
CREATE TABLE ref (id integer PRIMARY KEY);
INSERT INTO ref SELECT generate_series(1, 1000);
CREATE TABLE big (id bigint PRIMARY KEY, a integer, b varchar(10), c numeric(10, 2), d text, e timestamptz DEFAULT now(), f varchar(10), p plain, m mood,
	proved integer, compound integer, weak integer, n integer, viewed integer, stored integer,
	CONSTRAINT proof CHECK (proved IS NOT NULL), CONSTRAINT twofold CHECK (compound IS NOT NULL AND compound > 0), CONSTRAINT either CHECK (weak IS NOT NULL OR id > 0));
INSERT INTO big (id, a, b, c, d, f, p, m, proved, compound, weak, n, viewed) SELECT g, g, g, g, g, g, 1, 'ok', g, g, g, g, g FROM generate_series(1, 1000) g;
CREATE INDEX big_lower ON big (lower(b));
CREATE UNIQUE INDEX big_n ON big (n);
CREATE UNIQUE INDEX big_a ON big (a);
CREATE VIEW looks AS SELECT viewed FROM big;
CREATE TABLE waits (id integer REFERENCES ref NOT NULL, CONSTRAINT late CHECK (id > 0) NOT VALID);
INSERT INTO waits SELECT generate_series(1, 100);
ALTER TABLE waits ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES ref NOT VALID;
CREATE TABLE none (id bigint PRIMARY KEY, a integer, b varchar(10));
CREATE TABLE parts (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE TABLE lone (a integer NOT NULL);
INSERT INTO lone SELECT generate_series(1, 100);
CREATE TABLE checked (a integer NOT NULL CHECK (a >= 0 AND a < 1000));
INSERT INTO checked SELECT generate_series(1, 100);
CREATE MATERIALIZED VIEW kept AS SELECT id, stored FROM big;
CREATE UNIQUE INDEX kept_id ON kept (id);
CREATE SCHEMA other;
CREATE TABLE other.hidden AS SELECT 1 AS a;
CREATE TABLE moody (m mood, x integer);
INSERT INTO moody VALUES ('ok', 1);
CREATE TABLE domained (x positive);
INSERT INTO domained SELECT generate_series(1, 100);
CREATE FUNCTION destroys() RETURNS void LANGUAGE plpgsql AS 'BEGIN DROP TABLE ref CASCADE; END';
ANALYZE;

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
ALTER TABLE parts ATTACH PARTITION lone FOR VALUES FROM (0) TO (1000);
-- case: a partition attached that is proved | safe
ALTER TABLE parts ATTACH PARTITION checked FOR VALUES FROM (0) TO (1000);
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
