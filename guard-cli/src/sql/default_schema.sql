-- Schema in which an unqualified table of this role's is made, quoted: the first on the
-- search path that a new session has, not the pinned one of this session.
SELECT pg_catalog.quote_ident(n.nspname)
FROM pg_catalog.pg_settings AS s
CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.string_to_array(s.reset_val, ',')) WITH ORDINALITY AS e(name, place)
CROSS JOIN LATERAL (SELECT pg_catalog.btrim(e.name, ' "') AS name) AS t
JOIN pg_catalog.pg_namespace AS n ON n.nspname = CASE t.name WHEN '$user' THEN current_user::pg_catalog.text ELSE t.name END
WHERE s.name = 'search_path' AND n.nspname NOT IN ('pg_catalog', 'pg_temp')
ORDER BY e.place
LIMIT 1
