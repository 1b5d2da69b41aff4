-- Whether a database is there, and whether it is a template; parameter: its name.
SELECT d.datistemplate
  FROM pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.=) $1::pg_catalog.text
