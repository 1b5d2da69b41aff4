-- Tries to take the lock of a warm shadow for this session; parameters: its name, whether alone or with others.
SELECT CASE WHEN $2::pg_catalog.bool
            THEN pg_catalog.pg_try_advisory_lock(k.key)
            ELSE pg_catalog.pg_try_advisory_lock_shared(k.key) END
  FROM pg_catalog.hashtextextended($1::pg_catalog.text, 0) AS k(key)
