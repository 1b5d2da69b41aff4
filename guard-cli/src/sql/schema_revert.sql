-- DDL that leads from the schema as it is back to snapshot parameter 1, but for the tables in parameter 2;
-- where there is no way, the statement is NULL and the reason says why.
SELECT r.sql,
       pg_catalog.concat_ws(' ', r.kind, r.identity) AS object,
       r.transactional,
       r.data_loss,
       r.reason
  FROM safedeploy.revert_sql($1::pg_catalog.int8) AS r
 WHERE r.identity IS NULL OR r.identity OPERATOR(pg_catalog.<>) ALL ($2::pg_catalog.text[])
 ORDER BY r.seq
