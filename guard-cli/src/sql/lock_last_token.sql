-- The newest token that was issued for lock parameter 1.
SELECT l.token
  FROM safedeploy.lock AS l
 WHERE l.name OPERATOR(pg_catalog.=) $1
