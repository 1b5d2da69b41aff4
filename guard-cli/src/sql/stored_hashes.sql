-- What keep_objects.sql tells, of a stored snapshot; parameters: id, whether the hash covers the
-- physical identity too.
SELECT o.n, pg_catalog.concat(o.kind, ' ', o.identity) AS name,
       pg_catalog.encode(CASE WHEN $2::pg_catalog.bool
                              THEN pg_catalog.sha256(o.def_hash OPERATOR(pg_catalog.||)
                                                     pg_catalog.convert_to(o.phys::pg_catalog.text, pg_catalog.getdatabaseencoding()))
                              ELSE o.def_hash END, 'base64') AS hash
  FROM safedeploy.snapshot_object AS o
 WHERE o.snapshot_id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
   AND o.environment IS NULL
