-- Keeps the schema as it is to the end of the transaction, and tells a hash of each object;
-- parameters: facets, whether the hash covers the physical identity too.
SELECT o.number, pg_catalog.concat(o.kind, ' ', o.identity) AS name, pg_catalog.encode(o.hash, 'base64') AS hash
  FROM safedeploy.keep_objects($1::pg_catalog.text[], $2::pg_catalog.bool) AS o
