-- Appends an event: run, state, status, message, detail as JSON.
SELECT safedeploy.record_event($1::pg_catalog.uuid, $2, $3, $4, $5::pg_catalog.jsonb)
