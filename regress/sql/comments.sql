-- What counts as a comment, and where it is.
\set script '-- first\nSELECT 1; -- behind\nSELECT \'-- no\', $$ -- no $$, "-- no", E\'\\\' -- no\', 2 /* in /* nested */ it */ + 3;\n\\echo -- no\nCOPY t FROM stdin;\n-- no\n\\.\n/* last */'
SELECT "position", line, length, text FROM safedeploy.comments(:'script');
SELECT "position", line, length, text FROM safedeploy.comments(E'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC /* in it */ SELECT 1; -- too\n END; -- \u00e4\u00f6 end\r\n-- cr\r-- each /* open');
SELECT count(*) FROM safedeploy.comments('');
SELECT count(*) FROM safedeploy.comments('a-b/c*d--');
SELECT count(*) FROM safedeploy.comments(NULL);
-- the text between two pieces is in one of them
SELECT "position", text FROM safedeploy.comments('-- a' || chr(10) || '\set x 1' || chr(10) || '-- b' || chr(10) || ';;/*c*/;-- d');

-- A statement is recognised whatever is around it.
SELECT count(DISTINCT safedeploy.normalized(s)) FROM unnest(ARRAY[
	'DROP TABLE a.b', '  drop   table a . b', E'DROP -- it\n TABLE /* now */ A.B ']) AS s;
SELECT safedeploy.normalized($q$DROP TABLE "A"."b" , C, 'D' , E'\'E', $$F$$, U&"G" , 1.5$q$);
SELECT safedeploy.normalized('') = '';
-- what is quoted is not the same in another case
SELECT safedeploy.normalized('DROP TABLE "A"') = safedeploy.normalized('DROP TABLE "a"');
BEGIN;
SET LOCAL safedeploy.max_script_size = '1kB';
SELECT * FROM safedeploy.comments(repeat('-', 3000));
ROLLBACK;

-- A psql command may stand in a statement; what is behind it keeps its place.
\set script 'SELECT 1 /* a */\n\\echo äöü -- no /* no */ \\\\ + 2 -- b\n;\n-- c\nSELECT 3;'
SELECT "position", line, text FROM safedeploy.comments(:'script');
SELECT position, line, text FROM safedeploy.statements(:'script');
SELECT c."position", substr(:'script', c."position", c.length) = c.text AS right FROM safedeploy.comments(:'script') AS c;

-- The shape of a statement has none of its literals, also where it was cut.
SELECT safedeploy.shape($$SELECT 'a', E'b\'c', $x$d$x$, 17, 1.5, "T", $1 -- e$$);
SELECT safedeploy.shape($$UPDATE t SET p = 'secret$$);
SELECT safedeploy.shape($$SELECT $x$secret$$);
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT safedeploy.shape('SELECT ''a''') IS NULL AS unsure;
RESET standard_conforming_strings;
RESET escape_string_warning;
SHOW safedeploy.concurrently_lock_timeout;
