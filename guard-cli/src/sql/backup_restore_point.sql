-- A name in the write-ahead log to which a restore of the whole cluster can go.
SELECT pg_catalog.pg_create_restore_point($1)
