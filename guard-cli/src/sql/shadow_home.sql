-- What tells this database from one of the same name on another server.
SELECT c.system_identifier
  FROM pg_catalog.pg_control_system() AS c
