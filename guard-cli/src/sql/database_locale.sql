-- Encoding and locale of this database, for a clone, as options of CREATE DATABASE.  Servers before 15 know no
-- provider; its locale has two names in the course of versions, its rules are there from 16 on.
SELECT pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
       CASE j.d ->> 'datlocprovider' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END AS provider,
       coalesce(j.d ->> 'datlocale', j.d ->> 'daticulocale') AS locale,
       j.d ->> 'daticurules' AS rules
  FROM pg_catalog.pg_database AS d,
       pg_catalog.to_jsonb(d) AS j(d)
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
