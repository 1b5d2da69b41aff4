-- Stores a snapshot of the schema as it is; parameters: label, run id.
SELECT safedeploy.take_snapshot($1::pg_catalog.text, $2::pg_catalog.uuid)
