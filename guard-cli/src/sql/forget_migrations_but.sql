-- Takes back the records of plain SQL migrations that are not among the rows in parameter 1, a JSON array.
SELECT safedeploy.forget_migration(m.project, m.version)
  FROM safedeploy.applied_migration AS m
 WHERE NOT EXISTS (SELECT
                     FROM pg_catalog.json_populate_recordset(NULL::safedeploy.applied_migration, $1) AS r
                    WHERE r.project OPERATOR(pg_catalog.=) m.project
                      AND r.version OPERATOR(pg_catalog.=) m.version)
