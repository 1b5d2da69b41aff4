-- Moves the sequences behind the columns of table parameter 1 past the rows that were copied in.
SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence($1, a.attname::pg_catalog.text)::pg_catalog.regclass,
         (pg_catalog.xpath('/row/m/text()', pg_catalog.query_to_xml(
           pg_catalog.format('SELECT coalesce(max(%I), 1) AS m FROM %s', a.attname, $1), false, true, '')))[1]
         ::pg_catalog.text::pg_catalog.int8)
  FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass
   AND a.attnum OPERATOR(pg_catalog.>) 0
   AND NOT a.attisdropped
   AND pg_catalog.pg_get_serial_sequence($1, a.attname::pg_catalog.text) IS NOT NULL
