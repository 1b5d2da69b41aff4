-- Lets analyses of this session look at rows; parameters: how many, for how many milliseconds, whether examples are named.
SELECT pg_catalog.set_config('safedeploy.probe', 'on', false),
       pg_catalog.set_config('safedeploy.probe_rows', $1::pg_catalog.text, false),
       pg_catalog.set_config('safedeploy.probe_time', $2::pg_catalog.text, false),
       pg_catalog.set_config('safedeploy.probe_examples', $3::pg_catalog.text, false)
