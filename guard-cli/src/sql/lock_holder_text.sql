-- Who holds lock parameter 1, as a sentence.
SELECT pg_catalog.format('It is held by user %s (application %s, process %s%s) since %s%s.',
         h.usename, h.application_name, h.pid,
         ', from ' OPERATOR(pg_catalog.||) pg_catalog.host(h.client_addr),
         pg_catalog.to_char(h.acquired_at, 'YYYY-MM-DD HH24:MI:SS OF'),
         ' for run ' OPERATOR(pg_catalog.||) h.run_id::pg_catalog.text)
  FROM safedeploy.lock_holders AS h
 WHERE h.name OPERATOR(pg_catalog.=) $1
