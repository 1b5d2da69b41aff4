-- Stores a snapshot: label, run; returns its id.
SELECT safedeploy.take_snapshot($1, $2::pg_catalog.uuid)
