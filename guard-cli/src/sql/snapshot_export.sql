-- Lines of JSON that hold a stored snapshot; parameter: id.
SELECT e.line::pg_catalog.text
  FROM safedeploy.export_snapshot($1::pg_catalog.int8) AS e(line)
