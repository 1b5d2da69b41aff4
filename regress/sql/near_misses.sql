-- Findings whose severity follows what else the script or the catalog says.
CREATE SCHEMA near;
SET search_path = near, public;
CREATE TABLE plain (a integer);
CREATE VIEW looks AS SELECT a FROM plain;
CREATE TABLE parent (a integer);
CREATE TABLE child () INHERITS (parent);
INSERT INTO child SELECT generate_series(1, 10000);
CREATE TABLE whole (a integer NOT NULL) PARTITION BY RANGE (a);
CREATE TABLE rest PARTITION OF whole DEFAULT;
INSERT INTO whole SELECT g % 100 FROM generate_series(1, 10000) g;
ANALYZE parent, child, whole, rest;

CREATE FUNCTION judge(script text, in_transaction boolean DEFAULT true) RETURNS TABLE (rule text, severity text, message text) LANGUAGE sql AS
'SELECT rule, severity, message FROM safedeploy.analyze($1, $2) WHERE rule NOT IN (''no-lock-timeout'', ''lock-taken'')';

-- a view that comes back at once, and one that does not
SELECT * FROM judge('DROP VIEW looks; CREATE VIEW looks AS SELECT a, 1 AS b FROM plain');
SELECT * FROM judge('DROP VIEW looks; CREATE VIEW looks AS SELECT a, 1 AS b FROM plain', false);
SELECT * FROM judge('DROP VIEW looks');

-- an index of a parent leaves the children alone
SELECT * FROM judge('CREATE INDEX i ON parent (a)');
SELECT * FROM judge('CREATE INDEX i ON child (a)');

-- a column that fails only where there are rows
SELECT rule, severity FROM judge('ALTER TABLE plain ADD COLUMN b integer NOT NULL') WHERE rule = 'add-not-null-no-default';
SELECT rule, severity FROM judge('ALTER TABLE child ADD COLUMN b integer NOT NULL') WHERE rule = 'add-not-null-no-default';

-- what the constraints of a default partition prove
SELECT rule, severity FROM judge('CREATE TABLE part PARTITION OF whole FOR VALUES FROM (5000) TO (6000)');
ALTER TABLE rest ADD CONSTRAINT small CHECK (a < 5000);
SELECT rule, severity FROM judge('CREATE TABLE part PARTITION OF whole FOR VALUES FROM (5000) TO (6000)');
SELECT rule, severity FROM judge('CREATE TABLE part PARTITION OF whole FOR VALUES FROM (4999) TO (6000)');
SELECT rule, severity FROM judge('ALTER TABLE rest DROP CONSTRAINT small; CREATE TABLE part PARTITION OF whole FOR VALUES FROM (5000) TO (6000)')
	WHERE rule = 'attach-partition-default-scan';
-- the server reads it as predicted
LOAD 'safedeploy';
SET safedeploy.trace = on;
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (5000) TO (6000);
CREATE TABLE other PARTITION OF whole FOR VALUES FROM (4000) TO (5000);
SET safedeploy.trace = off;
SELECT statement, effect, object FROM safedeploy.trace_effects() WHERE effect = 'scan' ORDER BY 1;

-- what the script takes out of use is not in the way of a drop, and does not go with it
CREATE TYPE mood AS ENUM ('fine');
CREATE TYPE feeling AS ENUM ('fine');
CREATE TABLE felt (m mood);
CREATE SCHEMA left_over;
CREATE TABLE left_over.moved (a integer);
CREATE ROLE near_leaver;
CREATE TABLE owned (a integer);
ALTER TABLE owned OWNER TO near_leaver;
SELECT rule, severity, message FROM judge('ALTER TABLE felt ALTER COLUMN m TYPE feeling USING ''fine''; DROP TYPE mood') WHERE rule ~ 'drop';
SELECT rule, severity, message FROM judge('ALTER TABLE felt ALTER COLUMN m TYPE feeling USING ''fine''; DROP TYPE mood CASCADE') WHERE rule ~ 'drop';
SELECT rule, severity, message FROM judge('ALTER TYPE mood RENAME TO mood_old; CREATE TYPE mood AS ENUM (''bad''); ALTER TABLE felt ALTER COLUMN m TYPE mood USING ''bad''; DROP TYPE mood_old') WHERE rule ~ 'drop|exist';
SELECT rule, severity, message FROM judge('CREATE TYPE mood AS ENUM (''bad'')') WHERE rule ~ 'drop|exist';
SELECT rule, severity FROM judge('ALTER TABLE child NO INHERIT parent; DROP TABLE parent') WHERE rule ~ 'drop';
SELECT rule, severity FROM judge('ALTER TABLE child NO INHERIT parent; DROP TABLE parent CASCADE') WHERE rule ~ 'drop';
SELECT rule, severity FROM judge('ALTER TABLE child NO INHERIT parent; ALTER TABLE child INHERIT parent; DROP TABLE parent') WHERE rule ~ 'drop';
SELECT rule, severity, message FROM judge('ALTER TABLE left_over.moved SET SCHEMA near; DROP SCHEMA left_over') WHERE rule ~ 'drop';
SELECT rule, severity, message FROM judge('DROP SCHEMA left_over') WHERE rule ~ 'drop';
SELECT rule, severity, message FROM judge('REASSIGN OWNED BY near_leaver TO current_user; DROP OWNED BY near_leaver') WHERE rule ~ 'drop';
SELECT rule, severity, message FROM judge('ALTER TABLE plain OWNER TO near_leaver; DROP OWNED BY near_leaver') WHERE rule ~ 'drop';

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA near, left_over CASCADE;
DROP ROLE near_leaver;
