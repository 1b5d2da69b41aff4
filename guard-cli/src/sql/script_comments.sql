-- Comments of a script with their places; parameter: its text.
SELECT c."position", c.length, c.text FROM safedeploy.comments($1::pg_catalog.text) AS c
 ORDER BY c."position"
