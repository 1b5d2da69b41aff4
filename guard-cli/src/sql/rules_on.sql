-- Switches rules on that are off by default, beside those that the session has on; parameter: their names.
SELECT pg_catalog.set_config('safedeploy.rules_on', pg_catalog.concat_ws(', ',
	nullif(pg_catalog.current_setting('safedeploy.rules_on', true), ''), $1::pg_catalog.text), false)
