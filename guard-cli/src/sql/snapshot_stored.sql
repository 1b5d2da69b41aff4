-- Whether a snapshot of that id is there, with its fingerprint, whether it is complete, and what was
-- not read.
SELECT s.fingerprint, s.complete,
       pg_catalog.jsonb_array_length(s.unread) AS unread,
       (SELECT pg_catalog.string_agg(pg_catalog.format('%s %s was not read. %s', u OPERATOR(pg_catalog.->>) 'kind',
                                                       u OPERATOR(pg_catalog.->>) 'identity',
                                                       u OPERATOR(pg_catalog.->>) 'reason'), ' ')
          FROM pg_catalog.jsonb_array_elements(s.unread) AS u) AS reasons
  FROM safedeploy.snapshot AS s
 WHERE s.id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
