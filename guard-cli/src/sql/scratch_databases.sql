-- Scratch databases of rehearsals on this server, shadows half made and such as were replaced, with the run id and
-- the database in their comment.
SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database') AS comment
  FROM pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.~) '^migguard_[0-9a-f]{8}_(rehearsal|shadow|old[0-9]+)$'
 ORDER BY d.datname
