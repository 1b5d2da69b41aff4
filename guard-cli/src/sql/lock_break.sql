-- Takes a deploy lock away from its holder; parameters: name, reason.
SELECT safedeploy.break_lock($1::pg_catalog.text, $2::pg_catalog.text)
