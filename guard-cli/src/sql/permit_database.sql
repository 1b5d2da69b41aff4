-- Permits to drop a scratch database: the statement, name of the database, reason.
SELECT safedeploy.permit($1, ARRAY[pg_catalog.concat('database ', pg_catalog.quote_ident($2))], $3, '1 minute')
