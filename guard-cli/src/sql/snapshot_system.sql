-- System identifier of the cluster in which snapshot parameter 1 was taken.
SELECT s.system_identifier
  FROM safedeploy.snapshot AS s
 WHERE s.id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
