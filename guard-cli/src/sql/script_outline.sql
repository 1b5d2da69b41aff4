-- Where the statements of a script are, and what each is recognised by; parameter: its text.
SELECT s.number, s.position, s.length,
       pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(safedeploy.normalized(s.text), 'UTF8')), 'hex') AS hash
  FROM safedeploy.statements($1::pg_catalog.text) AS s
 ORDER BY s.number
