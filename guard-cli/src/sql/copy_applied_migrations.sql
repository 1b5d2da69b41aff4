-- Records the plain SQL migrations of another database: its rows as a JSON array.  By the function, because no
-- role may write the table itself.
SELECT safedeploy.record_migration(r.project, r.version, r.name, r.checksum, r.run_id)
  FROM pg_catalog.json_populate_recordset(NULL::safedeploy.applied_migration, $1) AS r
