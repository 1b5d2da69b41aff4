-- Permits this run whatever its sessions drop: run, fencing token ("": none is needed), reason.
SELECT safedeploy.permit(NULL, NULL, $3, '30 days', NULL, $1::pg_catalog.uuid, NULLIF($2, '')::pg_catalog.int8, session_user)
