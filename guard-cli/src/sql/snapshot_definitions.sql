-- The statements that make each object that differs between two stored snapshots, as it was and as it
-- is, limited to some facets; where they are the same, the definitions themselves tell the difference.
-- Parameters: old, new, facets.
WITH d AS MATERIALIZED (
	SELECT d.seq, d.object, d.identity, d.hits,
	       d.path IS NULL AND d.op OPERATOR(pg_catalog.=) 'add' AS added,
	       d.path IS NULL AND d.op OPERATOR(pg_catalog.=) 'drop' AS dropped
	  FROM safedeploy.diff($1::pg_catalog.int8, $2::pg_catalog.int8, $3::pg_catalog.text[]) AS d),
o AS (
	SELECT pg_catalog.min(d.seq) AS seq, d.object, d.dropped,
	       CASE WHEN NOT d.dropped THEN d.identity END AS new_identity,
	       CASE WHEN NOT pg_catalog.bool_or(d.added)
	            THEN pg_catalog.substr(pg_catalog.min(d.hits[1]), pg_catalog.length(d.object) OPERATOR(pg_catalog.+) 2) END AS old_identity
	  FROM d
	 GROUP BY d.object, d.identity, d.dropped),
-- One key to join by: of several the planner thinks that they leave next to nothing, and would look
-- at each pair of objects.
w AS MATERIALIZED (
	SELECT o.seq, o.object, s.side, s.identity, pg_catalog.concat_ws(' ', s.id, o.object, s.identity) AS key
	  FROM o
	 CROSS JOIN LATERAL (VALUES (1, $1::pg_catalog.int8, o.old_identity), (2, $2::pg_catalog.int8, o.new_identity)) AS s (side, id, identity)
	 WHERE s.identity IS NOT NULL),
p AS MATERIALIZED (
	SELECT p.def_hash, pg_catalog.concat_ws(' ', p.snapshot_id, p.kind, p.identity) AS key
	  FROM safedeploy.snapshot_object AS p
	 WHERE p.snapshot_id OPERATOR(pg_catalog.=) ANY (ARRAY[$1::pg_catalog.int8, $2::pg_catalog.int8])),
t AS (
	SELECT w.seq, w.object, w.side, w.identity,
	       (SELECT pg_catalog.jsonb_object_agg(f.key, f.value)
	          FROM pg_catalog.jsonb_each(g.definition) AS f
	         WHERE $3::pg_catalog.text[] IS NULL OR f.key OPERATOR(pg_catalog.=) ANY ($3::pg_catalog.text[])) AS definition
	  FROM w
	  JOIN p ON p.key OPERATOR(pg_catalog.=) w.key
	  JOIN safedeploy.object_def AS g ON g.hash OPERATOR(pg_catalog.=) p.def_hash),
x AS (
	SELECT t.seq, t.object, t.side, t.identity, t.definition,
	       safedeploy.definition_sql(t.object, t.identity, coalesce(t.definition, '{}')) AS text
	  FROM t)
SELECT coalesce(a.object, b.object) AS object, a.identity AS old_identity, b.identity AS new_identity,
       CASE WHEN u.same THEN pg_catalog.jsonb_pretty(a.definition) OPERATOR(pg_catalog.||) E'\n' ELSE a.text END AS old_text,
       CASE WHEN u.same THEN pg_catalog.jsonb_pretty(b.definition) OPERATOR(pg_catalog.||) E'\n' ELSE b.text END AS new_text
  FROM (SELECT * FROM x WHERE x.side OPERATOR(pg_catalog.=) 1) AS a
  FULL JOIN (SELECT * FROM x WHERE x.side OPERATOR(pg_catalog.=) 2) AS b ON a.seq OPERATOR(pg_catalog.=) b.seq
 CROSS JOIN LATERAL (SELECT coalesce(a.text OPERATOR(pg_catalog.=) b.text, false)) AS u (same)
 WHERE a.definition IS DISTINCT FROM b.definition OR a.text IS DISTINCT FROM b.text
 ORDER BY coalesce(a.seq, b.seq)
