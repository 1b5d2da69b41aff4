-- Imports lines parameter 1 (an array of JSON texts) into snapshot parameter 2 (NULL: a new one).
SELECT safedeploy.import_snapshot($1::pg_catalog.jsonb[], $2::pg_catalog.int8)
