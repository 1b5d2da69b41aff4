-- The tablespace of this database.
SELECT t.spcname
  FROM pg_catalog.pg_database AS d
  JOIN pg_catalog.pg_tablespace AS t ON t.oid OPERATOR(pg_catalog.=) d.dattablespace
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
