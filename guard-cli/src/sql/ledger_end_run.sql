-- Ends a run: run, result, exit code, message, detail as JSON.
SELECT safedeploy.end_run($1::pg_catalog.uuid, $2, $3::pg_catalog.int4, $4, $5::pg_catalog.jsonb)
