-- Removes a stored snapshot; parameter: id.
SELECT safedeploy.drop_snapshot($1::pg_catalog.int8)
