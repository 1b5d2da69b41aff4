-- Encoding and locale of this database, for a clone, as options of CREATE DATABASE.
SELECT pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype
  FROM pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
