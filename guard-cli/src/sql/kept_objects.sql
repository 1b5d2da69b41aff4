-- Objects that keep_objects.sql kept, as keep_others.sql takes them; parameter: their numbers.
SELECT o::pg_catalog.text AS object
  FROM safedeploy.kept_objects($1::pg_catalog.int4[]) AS o
