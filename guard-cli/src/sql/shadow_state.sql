-- All of the schema as it is, as names and values that can be compared between databases: the default fingerprint,
-- what that leaves out although a dump has it (the order of columns; security labels, parsers and templates of text
-- search, privileges on members of extensions), and the version of the extension.
SELECT 'schema' AS what, safedeploy.fingerprint() AS value
UNION ALL
SELECT 'order of columns', safedeploy.fingerprint(ARRAY['order'])
UNION ALL
SELECT 'extension safedeploy', e.extversion
  FROM pg_catalog.pg_extension AS e
 WHERE e.extname OPERATOR(pg_catalog.=) 'safedeploy'
UNION ALL
SELECT 'what no snapshot has',
       pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashtextextended(o.text COLLATE "C", 0)))
  FROM (SELECT pg_catalog.concat_ws(' ', 'label', i.type, i.identity, l.provider, l.label) AS text
          FROM pg_catalog.pg_seclabel AS l,
               pg_catalog.pg_identify_object(l.classoid, l.objoid, l.objsubid) AS i
        UNION ALL
        SELECT pg_catalog.concat_ws(' ', 'parser', i.identity, p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)
          FROM pg_catalog.pg_ts_parser AS p,
               pg_catalog.pg_identify_object('pg_catalog.pg_ts_parser'::pg_catalog.regclass, p.oid, 0) AS i
         WHERE p.oid OPERATOR(pg_catalog.>=) 16384
        UNION ALL
        SELECT pg_catalog.concat_ws(' ', 'template', i.identity, t.tmplinit, t.tmpllexize)
          FROM pg_catalog.pg_ts_template AS t,
               pg_catalog.pg_identify_object('pg_catalog.pg_ts_template'::pg_catalog.regclass, t.oid, 0) AS i
         WHERE t.oid OPERATOR(pg_catalog.>=) 16384
        UNION ALL
        SELECT pg_catalog.concat_ws(' ', 'grant', i.type, i.identity, r.rolname, a.privilege_type, a.is_grantable)
          FROM pg_catalog.pg_depend AS x
          JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) x.refobjid
          LEFT JOIN pg_catalog.pg_class AS c
            ON x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid OPERATOR(pg_catalog.=) x.objid
          LEFT JOIN pg_catalog.pg_proc AS p
            ON x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid OPERATOR(pg_catalog.=) x.objid
          LEFT JOIN pg_catalog.pg_type AS t
            ON x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid OPERATOR(pg_catalog.=) x.objid
          LEFT JOIN pg_catalog.pg_namespace AS n
            ON x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass AND n.oid OPERATOR(pg_catalog.=) x.objid
          LEFT JOIN pg_catalog.pg_language AS l
            ON x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_language'::pg_catalog.regclass AND l.oid OPERATOR(pg_catalog.=) x.objid
          LEFT JOIN pg_catalog.pg_foreign_data_wrapper AS w
            ON x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass AND w.oid OPERATOR(pg_catalog.=) x.objid
         CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(c.relacl, p.proacl, t.typacl, n.nspacl, l.lanacl, w.fdwacl)) AS a
         CROSS JOIN LATERAL pg_catalog.pg_identify_object(x.classid, x.objid, 0) AS i
          LEFT JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) a.grantee
         WHERE x.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND x.deptype OPERATOR(pg_catalog.=) 'e'
           AND e.extname OPERATOR(pg_catalog.<>) 'safedeploy') AS o
