-- The split: what psql would send as one command is one statement.
\set script 'SELECT 1; -- a comment;\nCREATE TABLE a (b int);\n/* nested /* ; */ */ BEGIN; SLECT 2; COMMIT;;\nSELECT $q$;$q$, ''it''''s;'', E''\\'';'', "a;b", U&";"'
SELECT number, position, line, length, kind, transactional, text FROM safedeploy.statements(:'script');
