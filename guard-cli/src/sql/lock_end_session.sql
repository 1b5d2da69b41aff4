-- Ends what a session does (parameter 2: cancel) or the session (terminate), if it is still in the
-- transaction that parameter 3 names.  Parameter 1: its process id.
SELECT CASE $2::pg_catalog.text
       WHEN 'cancel' THEN pg_catalog.pg_cancel_backend(l.pid)
       ELSE pg_catalog.pg_terminate_backend(l.pid) END
  FROM pg_catalog.pg_locks AS l
 WHERE l.pid OPERATOR(pg_catalog.=) $1::pg_catalog.int4
   AND l.locktype OPERATOR(pg_catalog.=) 'virtualxid'
   AND l.granted
   AND l.virtualtransaction OPERATOR(pg_catalog.=) $3::pg_catalog.text
