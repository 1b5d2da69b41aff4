-- Of what a stored snapshot is, as database_origin.sql says it of a database; who was superuser
-- is known when it has what surrounds the schema.  Parameter: id.
SELECT s.server_version_num AS version,
       s.system_identifier,
       s.database_oid AS oid,
       CASE WHEN s.facets OPERATOR(pg_catalog.?) 'environment'
            THEN (SELECT coalesce(pg_catalog.array_agg(o.identity), '{}')
                    FROM safedeploy.snapshot_object AS o
                    JOIN safedeploy.object_def AS d ON d.hash OPERATOR(pg_catalog.=) o.def_hash
                   WHERE o.snapshot_id OPERATOR(pg_catalog.=) s.id
                     AND o.kind OPERATOR(pg_catalog.=) 'role'
                     AND d.definition OPERATOR(pg_catalog.#>>) '{environment,superuser}' OPERATOR(pg_catalog.=) 'true')::pg_catalog.text
       END AS superusers
  FROM safedeploy.snapshot AS s
 WHERE s.id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
