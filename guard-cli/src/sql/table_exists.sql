-- True when the table named by parameter 1 (qualified, quoted) is there.
SELECT pg_catalog.to_regclass($1) IS NOT NULL
