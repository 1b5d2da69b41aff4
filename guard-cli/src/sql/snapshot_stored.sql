-- Whether a snapshot of that id is there, with its fingerprint and whether it is complete.
SELECT s.fingerprint, s.complete
  FROM safedeploy.snapshot AS s
 WHERE s.id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
