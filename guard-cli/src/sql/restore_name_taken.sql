-- True when there is a database with name parameter 1.
SELECT EXISTS (SELECT FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) $1)
