-- What is dangerous in a script; parameters: its text, whether it runs in one transaction.
SELECT a.statement, a.position, a.line, a.rule, a.severity, a.object, a.lock_mode, a.rewrites,
       a.scans, a.rows, a.bytes, a.data_loss, a.message, a.detail, a.hint, a.context, a.probe
  FROM safedeploy.analyze($1::pg_catalog.text, $2::pg_catalog.bool) AS a
 ORDER BY a.position, a.statement, a.rule
