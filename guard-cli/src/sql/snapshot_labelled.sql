-- The newest complete snapshot of a label.
SELECT pg_catalog.max(s.id) AS id
  FROM safedeploy.snapshot AS s
 WHERE s.complete AND s.label OPERATOR(pg_catalog.=) $1::pg_catalog.text
