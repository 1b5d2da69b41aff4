-- What the statements of a script would do; parameters: its text, whether it runs in one transaction.
WITH p AS MATERIALIZED (
       SELECT p.statement, pg_catalog.jsonb_agg(pg_catalog.to_jsonb(p)) AS effects
         FROM safedeploy.predict($1::pg_catalog.text, $2::pg_catalog.bool) AS p
        GROUP BY p.statement)
SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(safedeploy.normalized(s.text), 'UTF8')), 'hex') AS hash,
       COALESCE(p.effects, '[]') AS effects
  FROM safedeploy.statements($1::pg_catalog.text) AS s
  LEFT JOIN p ON p.statement OPERATOR(pg_catalog.=) s.number
 ORDER BY s.number
