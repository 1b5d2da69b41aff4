-- Releases what shadow_lock.sql took; parameters as there.
SELECT CASE WHEN $2::pg_catalog.bool
            THEN pg_catalog.pg_advisory_unlock(k.key)
            ELSE pg_catalog.pg_advisory_unlock_shared(k.key) END
  FROM pg_catalog.hashtextextended($1::pg_catalog.text, 0) AS k(key)
