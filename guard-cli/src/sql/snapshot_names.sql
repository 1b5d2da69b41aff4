-- Objects of a stored snapshot whose names are more than ASCII; parameter: its id.
SELECT o.kind, o.identity
  FROM safedeploy.snapshot_object AS o
 WHERE o.snapshot_id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
   AND o.identity OPERATOR(pg_catalog.~) '[^\x01-\x7F]'
 ORDER BY o.kind, o.identity
