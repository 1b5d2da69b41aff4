-- DDL made outside of runs since a point in time, oldest first.
SELECT d.id,
       pg_catalog.to_json(d.at) OPERATOR(pg_catalog.#>>) '{}' AS at,
       d."session_user" AS "user",
       d.application_name AS application,
       pg_catalog.host(d.client_addr) AS address,
       d.tag,
       coalesce(pg_catalog.to_jsonb(d.objects), '[]') AS objects,
       d.statement,
       d.during_run::pg_catalog.text AS during_run
  FROM safedeploy.drift AS d
 WHERE d.at OPERATOR(pg_catalog.>) $1::pg_catalog.timestamptz
 ORDER BY d.id
