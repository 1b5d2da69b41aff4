-- The last event of the ledger: its number and its hash; 0 and nothing in an empty one.
SELECT coalesce(pg_catalog.max(e.seq), 0),
       coalesce((SELECT pg_catalog.encode(l.hash, 'hex') FROM safedeploy.event AS l
                  ORDER BY l.seq DESC LIMIT 1), '')
  FROM safedeploy.event AS e
