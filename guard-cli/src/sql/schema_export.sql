-- Lines of snapshot parameter 1.
SELECT safedeploy.export_snapshot($1::pg_catalog.int8)
