-- Whether a session is there, as 1 or 0; parameter: its process id.
SELECT pg_catalog.count(*)
  FROM pg_catalog.pg_stat_activity AS s
 WHERE s.pid OPERATOR(pg_catalog.=) $1::pg_catalog.int4
