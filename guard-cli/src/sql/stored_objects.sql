-- Objects of a stored snapshot as keep_others.sql takes them; parameters: id, numbers.
SELECT ROW(o.kind, o.identity, d.definition, o.core, o.security, o.owner, o.storage, o.comment,
           o.version, o."order", o.environment, o.phys)::safedeploy.object::pg_catalog.text AS object
  FROM safedeploy.snapshot_object AS o
  LEFT JOIN safedeploy.object_def AS d ON d.hash OPERATOR(pg_catalog.=) o.def_hash
 WHERE o.snapshot_id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
   AND o.n OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.int4[])
