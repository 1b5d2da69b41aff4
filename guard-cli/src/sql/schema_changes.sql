-- Changes from snapshot parameter 1 to parameter 2 (NULL: the schema as it is), but for the tables in
-- parameter 3: what is real, the order of columns, and what loses data although the definition is the
-- same, such as a column dropped and added again.
SELECT c.class, c.data_loss, c.summary, c.op
  FROM safedeploy.diff($1::pg_catalog.int8, $2::pg_catalog.int8) AS c
 WHERE (c.class OPERATOR(pg_catalog.=) ANY (ARRAY['real', 'order']) OR c.data_loss OPERATOR(pg_catalog.<>) 'none')
   AND c.identity OPERATOR(pg_catalog.<>) ALL ($3::pg_catalog.text[])
 ORDER BY c.class DESC, c.seq
