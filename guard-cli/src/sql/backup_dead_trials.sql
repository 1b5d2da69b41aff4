-- Scratch databases of trials of backups whose session is gone.
SELECT d.datname
  FROM pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.~) '^migguard_[0-9a-f]{8}_verify$'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS s
                    WHERE pg_catalog.starts_with(s.application_name,
                            'migguard:' OPERATOR(pg_catalog.||) pg_catalog.substr(d.datname::pg_catalog.text, 10, 8) OPERATOR(pg_catalog.||) ':'))
 ORDER BY d.datname
