-- Tables that Alembic made for its revisions, under whatever name: one column
-- version_num and the primary key named after the table.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
	AND c.relpersistence <> 't'
	AND (SELECT pg_catalog.array_agg(a.attname)
		FROM pg_catalog.pg_attribute AS a
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
		= ARRAY['version_num']::pg_catalog.name[]
	AND (c.relname = 'alembic_version'
		OR EXISTS (SELECT 1
			FROM pg_catalog.pg_constraint AS k
			WHERE k.conrelid = c.oid AND k.contype = 'p'
				AND k.conname = pg_catalog.concat(c.relname, '_pkc')))
ORDER BY n.nspname, c.relname
