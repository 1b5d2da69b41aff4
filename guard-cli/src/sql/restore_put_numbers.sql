-- Goes on above them, so that none is given out twice.
SELECT pg_catalog.setval('safedeploy.fencing_token', greatest($1::pg_catalog.int8, (SELECT last_value FROM safedeploy.fencing_token))),
       pg_catalog.setval('safedeploy.snapshot_id_seq', greatest($2::pg_catalog.int8, (SELECT last_value FROM safedeploy.snapshot_id_seq)))
