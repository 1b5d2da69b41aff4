-- Hash of the schema as it is; parameter: facets as an array, NULL for the default.
SELECT safedeploy.fingerprint($1::pg_catalog.text[])
