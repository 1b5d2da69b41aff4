-- Grants what a reading role needs; parameter: name of the role.
SELECT safedeploy.grant_reader(r.oid::pg_catalog.regrole)
  FROM pg_catalog.pg_roles AS r
 WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.text
