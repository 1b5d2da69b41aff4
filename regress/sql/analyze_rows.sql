-- Rows of constants: only the first is parsed, and an INSERT like the last one is passed over.
SET client_min_messages = warning;
CREATE FUNCTION judge(sql text, OUT statement integer, OUT line integer, OUT rule text, OUT message text)
RETURNS SETOF record LANGUAGE sql AS
$$ SELECT statement, line, rule, message FROM safedeploy.analyze(sql) $$;

-- what follows is numbered and placed as if each had been looked at
SELECT * FROM judge($$INSERT INTO elsewhere VALUES (1, 'a;b', NULL);
INSERT INTO elsewhere VALUES (2, 'it''s)', -1.5);
INSERT INTO elsewhere VALUES (3, '', TRUE), (4, 'é
', false);
DROP TABLE nowhere;
INSERT INTO elsewhere VALUES (5, 'a', .5);
DROP TABLE nowhere$$);

-- a row that the parser refuses, behind rows that it takes
SELECT * FROM judge($$INSERT INTO elsewhere VALUES (1), (2), (3 4), (5)$$);
SELECT * FROM judge($$INSERT INTO elsewhere VALUES (1);
INSERT INTO elsewhere VALUES (2;
INSERT INTO elsewhere VALUES (3)); INSERT INTO elsewhere VALUES (4) (5);
INSERT INTO elsewhere VALUES ('a' 'b')$$) WHERE rule = 'syntax-error';

-- a call among constants is looked into
CREATE FUNCTION drops() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN DROP TABLE nowhere; RETURN 1; END $$;
SELECT * FROM judge($$INSERT INTO elsewhere VALUES (1), (2), (drops());
INSERT INTO elsewhere VALUES (1);
INSERT INTO elsewhere VALUES (drops())$$) WHERE rule = 'missing-object';

-- constants that are labels of the same transaction are looked at in every row
CREATE TYPE mood AS ENUM ('calm');
CREATE TABLE people (id integer, mood mood);
SELECT * FROM judge($$INSERT INTO people VALUES (0, 'calm');
ALTER TYPE mood ADD VALUE 'glad';
INSERT INTO people VALUES (1, 'calm'), (2, 'glad');
INSERT INTO people VALUES (3, 'calm');
INSERT INTO people VALUES (4, 'glad')$$) WHERE rule = 'enum-value-same-tx';

-- a finding of a statement is said of each like it
SELECT * FROM judge($$INSERT INTO elsewhere (a, a) VALUES (1, 2);
INSERT INTO elsewhere (a, a) VALUES (1, 2);
INSERT INTO elsewhere (a, a) VALUES (3, 4)$$);

-- pieces and their texts are whole
SELECT number, position, line, length, kind, text FROM safedeploy.statements($$INSERT INTO t VALUES (1), (2);INSERT INTO t VALUES (3)
;INSERT INTO t VALUES (4), (5)$$);
DROP TABLE people;
DROP TYPE mood;
DROP FUNCTION drops(), judge(text);
