-- SHA-256 over what the sessions of a run did in this database; parameter: id of the run.
SELECT safedeploy.run_statement_digest($1::pg_catalog.uuid)
