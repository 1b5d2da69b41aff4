-- Whether the ledger has event parameter 1 with hash parameter 2.
SELECT $1::pg_catalog.int8 OPERATOR(pg_catalog.=) 0 OR EXISTS (
       SELECT FROM safedeploy.event AS e
        WHERE e.seq OPERATOR(pg_catalog.=) $1::pg_catalog.int8
          AND e.hash OPERATOR(pg_catalog.=) pg_catalog.decode($2, 'hex'))
