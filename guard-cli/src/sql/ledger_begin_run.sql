-- Begins a run: id (NULL: a new one), command, tool, lock, revisions from and to, client as JSON.
SELECT safedeploy.begin_run($1::pg_catalog.uuid, $2, $3, $4, $5, $6, NULL, $7::pg_catalog.jsonb)
