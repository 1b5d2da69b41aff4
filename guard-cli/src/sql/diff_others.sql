-- Changes that lead from a stored snapshot, or from what this session has kept, to what it was
-- given of another database; parameters: id of the snapshot or NULL, numbers of the old objects
-- that may differ, version, cluster and OID of the other database, facets, its superusers.
SELECT d.seq, d.op, d.kind, d.identity, d.path, d.old, d.new, d.facet, d.class, d.severity,
       d.data_loss, d.cause, d.confidence, d.summary, d.object, pg_catalog.to_jsonb(d.hits) AS hits
  FROM safedeploy.diff_others($1::pg_catalog.int8, $2::pg_catalog.int4[], $3::pg_catalog.int4,
                              $4::pg_catalog.int8, $5::pg_catalog.oid, $6::pg_catalog.text[],
                              $7::pg_catalog.text[]) AS d
 ORDER BY d.seq
