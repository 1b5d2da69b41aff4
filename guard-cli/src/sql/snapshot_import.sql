-- Takes some lines of an exported snapshot; parameters: lines, id (NULL for the first lines).
SELECT safedeploy.import_snapshot($1::pg_catalog.jsonb[], $2::pg_catalog.int8)
