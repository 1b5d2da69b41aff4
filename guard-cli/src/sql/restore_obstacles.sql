-- What keeps this database from being put aside, a sentence each.
SELECT pg_catalog.format('logical replication slot "%s" reads from it', s.slot_name)
  FROM pg_catalog.pg_replication_slots AS s
 WHERE s.database OPERATOR(pg_catalog.=) pg_catalog.current_database()
UNION ALL
SELECT pg_catalog.format('subscription "%s" writes to it', s.subname)
  FROM pg_catalog.pg_subscription AS s
  JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) s.subdbid
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
UNION ALL
SELECT pg_catalog.format('prepared transaction "%s" waits in it', p.gid)
  FROM pg_catalog.pg_prepared_xacts AS p
 WHERE p.database OPERATOR(pg_catalog.=) pg_catalog.current_database()
