-- Flyway's history under that name, in one schema or, when it is NULL, wherever it is:
-- quoted and qualified, and the names themselves, for the key of Flyway's lock.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), n.nspname, c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
	AND c.relpersistence <> 't'
	AND c.relname = $2
	AND ($1::pg_catalog.text IS NULL OR n.nspname = $1)
	AND EXISTS (SELECT 1
		FROM pg_catalog.pg_attribute AS a
		WHERE a.attrelid = c.oid AND a.attname = 'installed_rank' AND NOT a.attisdropped)
ORDER BY n.nspname
