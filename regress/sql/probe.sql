-- Probes: what rows say to the demands of a script.
SET client_min_messages = warning;
CREATE SCHEMA probe_fix;
SET search_path = probe_fix, public;
CREATE TABLE p (id integer PRIMARY KEY, code text UNIQUE);
INSERT INTO p SELECT g, 'c' || g FROM generate_series(1, 100) g;
CREATE TABLE t (id integer PRIMARY KEY, a integer, b text, p integer, r int4range);
INSERT INTO t SELECT g, CASE WHEN g NOT IN (42, 77) THEN g % 50 END, 'x' || g % 97, CASE g WHEN 13 THEN 999 ELSE g % 100 + 1 END,
		int4range(g, g + CASE g WHEN 5 THEN 2 ELSE 1 END)
	FROM generate_series(1, 1000) g;
CREATE FUNCTION outcome(script text) RETURNS TABLE (statement integer, kind text, object text, verdict text, bad bigint, detail text)
LANGUAGE sql AS 'SELECT statement, kind, object, verdict, rows_bad, detail FROM safedeploy.probe(script)';

-- the machine may be slow: rows are the only bound here
SET safedeploy.probe_time = '1h';

-- what fails, and what holds
SELECT * FROM outcome('ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t ALTER b SET NOT NULL, ALTER id SET NOT NULL');
SELECT * FROM outcome('CREATE UNIQUE INDEX ON t (a); CREATE UNIQUE INDEX CONCURRENTLY ON t (id, a); ALTER TABLE t ADD UNIQUE (b)');
SELECT * FROM outcome('ALTER TABLE t ADD CHECK (a < 40); ALTER TABLE t ADD CHECK (a < 50), ADD CHECK (1 / (a - 3) < 5)');
SELECT * FROM outcome('ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p; ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES p (code)');
SELECT * FROM outcome('ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&)');
SELECT * FROM outcome('ALTER TABLE t ALTER b TYPE varchar(2)');
SELECT * FROM outcome('ALTER TABLE t ALTER b TYPE integer USING substr(b, 2)::integer');
SELECT * FROM outcome('ALTER TABLE t ADD COLUMN z integer NOT NULL; ALTER TABLE t ADD COLUMN y integer NOT NULL DEFAULT 0');

-- nothing is demanded of rows
SELECT * FROM outcome('ALTER TABLE t ADD CHECK (a < 40) NOT VALID; CREATE INDEX ON t (a); CREATE TABLE n (a integer NOT NULL); ALTER TABLE n ADD CHECK (a > 0)');

-- what cannot be told: the script changes rows or meanings before, or may not get there
SELECT * FROM outcome('UPDATE t SET a = 0 WHERE a IS NULL; ALTER TABLE t ALTER a SET NOT NULL');
SELECT * FROM outcome('DO $$ BEGIN PERFORM 1; END $$; ALTER TABLE t ALTER a SET NOT NULL');
SELECT * FROM outcome('DO $$ BEGIN ALTER TABLE t ALTER a SET NOT NULL; END $$');
SELECT * FROM outcome('SET datestyle = german; ALTER TABLE t ADD CHECK (a < 40)');
SELECT * FROM outcome('DELETE FROM p; ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p');
SELECT * FROM outcome('ALTER TABLE t ADD CHECK (random() < 2)');
SELECT * FROM outcome('CREATE TABLE q (id integer PRIMARY KEY); ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES q');
-- other tables, and what does not matter, leave the answer alone
SELECT statement, verdict FROM outcome('BEGIN; SET lock_timeout = 1; CREATE TABLE u (a integer); INSERT INTO u VALUES (length(''x'')); SELECT now(); COMMENT ON TABLE t IS ''''; ALTER TABLE t ALTER a SET NOT NULL; COMMIT');
-- names at that point of the script
SELECT * FROM outcome('ALTER TABLE t RENAME TO s; ALTER TABLE s RENAME a TO c; ALTER TABLE s ALTER c SET NOT NULL');
SELECT * FROM outcome('ALTER TABLE t ADD CONSTRAINT k CHECK (a < 40) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k');

-- the bounds are said
SET safedeploy.probe_rows = 41;
SELECT * FROM outcome('ALTER TABLE t ALTER a SET NOT NULL');
SET safedeploy.probe_rows = 42;
SELECT * FROM outcome('ALTER TABLE t ALTER a SET NOT NULL');
RESET safedeploy.probe_rows;
-- values of keys may be secret
SET safedeploy.probe_examples = off;
SELECT example, detail FROM safedeploy.probe('ALTER TABLE t ALTER a SET NOT NULL');
RESET safedeploy.probe_examples;

-- findings: nothing is read unless it is asked for
SELECT rule, severity, message, probe IS NULL AS unasked FROM safedeploy.analyze('ALTER TABLE t ALTER a SET NOT NULL') WHERE rule LIKE 'set-not-null%';
SET safedeploy.probe = on;
SELECT rule, severity, message, probe - 'elapsed_ms' AS probe FROM safedeploy.analyze('ALTER TABLE t ALTER a SET NOT NULL') WHERE rule LIKE 'set-not-null%';
SELECT rule, severity, message, probe - 'elapsed_ms' AS probe FROM safedeploy.analyze('ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p') WHERE probe IS NOT NULL;
-- what is known to hold is not guessed from statistics
UPDATE t SET a = 0 WHERE a IS NULL;
SELECT rule, severity, probe - 'elapsed_ms' AS probe FROM safedeploy.analyze('ALTER TABLE t ALTER a SET NOT NULL') WHERE rule LIKE 'set-not-null%';
RESET safedeploy.probe;

-- rights are the caller's own, and row security is never taken for an absence of rows
CREATE ROLE regress_probe;
SELECT safedeploy.grant_reader('regress_probe');
GRANT USAGE ON SCHEMA probe_fix TO regress_probe;
SET ROLE regress_probe;
SELECT * FROM outcome('ALTER TABLE t ADD CHECK (a < 40)');
RESET ROLE;
GRANT SELECT ON t TO regress_probe;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
SET ROLE regress_probe;
SELECT * FROM outcome('ALTER TABLE t ADD CHECK (a < 40)');
RESET ROLE;
-- nothing is left behind
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('t'::regclass, 'p'::regclass);
SHOW transaction_read_only;
SHOW lock_timeout;

DROP SCHEMA probe_fix CASCADE;
DROP OWNED BY regress_probe;
DROP ROLE regress_probe;
