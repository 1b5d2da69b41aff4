-- Fingerprint of snapshot parameter 1.
SELECT s.fingerprint
  FROM safedeploy.snapshot AS s
 WHERE s.id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
