-- Changes that lead from one snapshot to another; parameters: old, new (NULL: the schema as it
-- is), facets.
SELECT d.seq, d.op, d.kind, d.identity, d.path, d.old, d.new, d.facet, d.class, d.severity,
       d.data_loss, d.cause, d.confidence, d.summary, d.object, pg_catalog.to_jsonb(d.hits) AS hits
  FROM safedeploy.diff($1::pg_catalog.int8, $2::pg_catalog.int8, $3::pg_catalog.text[]) AS d
 ORDER BY d.seq
