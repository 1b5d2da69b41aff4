-- Permits this run what its sessions drop: run, fencing token ("": none is needed), reason, array of the names of what
-- may be lost ("": anything).
SELECT safedeploy.permit(NULL, CASE WHEN $4 OPERATOR(pg_catalog.<>) ''
                                    THEN ARRAY(SELECT o.name FROM pg_catalog.jsonb_array_elements_text($4::pg_catalog.jsonb) AS o(name)) END,
                         $3, '30 days', NULL, $1::pg_catalog.uuid, NULLIF($2, '')::pg_catalog.int8, session_user)
