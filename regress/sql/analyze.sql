-- Findings and their columns; each rule has its own fixtures in regress/fixtures/rules.
-- How often a table was used would depend on when statistics arrive.
SET track_counts = off;
CREATE TABLE analyze_full (id integer PRIMARY KEY, note text);
INSERT INTO analyze_full SELECT g, 'x' FROM generate_series(1, 1000) g;
VACUUM ANALYZE analyze_full;
CREATE TABLE analyze_empty (id integer REFERENCES analyze_full);
\x
SELECT * FROM safedeploy.analyze('SELECT 1;
DROP TABLE analyze_full, analyze_empty;');
\x
-- What the script itself made is nobody's loss.
SELECT rule FROM safedeploy.analyze('CREATE TABLE made (); DROP TABLE made;');
-- A name that means nothing is said so, unless IF EXISTS expects it.
SELECT rule, severity, object, message FROM safedeploy.analyze('DROP TABLE nothing; DROP TABLE IF EXISTS nothing');
-- Positions count characters, also inside bodies; a body that is only made is for information.
SELECT statement, position, line, rule, severity, message FROM safedeploy.analyze($s$-- é
DO $$
BEGIN
  -- ü
  DELETE FROM analyze_full;
  EXECUTE 'TRUNCATE analyze_full';
  EXECUTE format('DROP TABLE %I', 'analyze_full');
END $$;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
  UPDATE analyze_full SET note = '';
END $f$;
SELECT f(), 1;
ALTER TABLE analyze_full
  ADD COLUMN c integer DEFAULT 1,
  ADD COLUMN d serial,
  ALTER COLUMN id TYPE smallint;
SELECT 1 FROM analyze_full WHERE;$s$);
-- A hint writes types as people do, and what is no type of the server as it was written.
SELECT hint FROM safedeploy.analyze('ALTER TABLE analyze_full ADD a bigint NOT NULL, ADD b numeric(8,2) NOT NULL, ADD c "char" NOT NULL, ADD d "My type" NOT NULL, ADD e integer[] NOT NULL, ADD f char(3) NOT NULL')
 WHERE rule = 'add-not-null-no-default';
-- Every rule has a name, a family, a severity, a summary and a hint.
SELECT count(*) > 10 AS many, bool_and(rule ~ '^[a-z0-9-]+$' AND family <> '' AND severity <> '' AND summary <> '' AND hint <> '') AS complete, count(DISTINCT rule) = count(*) AS distinct_names FROM safedeploy.rules;
DROP TABLE analyze_empty, analyze_full;
