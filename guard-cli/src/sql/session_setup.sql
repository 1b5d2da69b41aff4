-- Pins what a role, a database or a pooler may have set for a session of migguard's own:
-- names resolve to pg_catalog only, and a session that waits for a child is not ended.
-- A client that is silent for 20 s is taken for dead, so that a cut network frees the lock.
-- A database whose encoding is SQL_ASCII has names that are not UTF-8; we say them as it does.
-- Settings that this server does not know are left out.  $1 is the process that libpq knows, or 0 for
-- any: behind a pooler all of this would stay with a session that belongs to others a moment later.
SELECT pg_catalog.set_config(s.name, v.value, false)
FROM (VALUES
	('search_path', 'pg_catalog, pg_temp'),
	('client_encoding', CASE WHEN pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.=) 'SQL_ASCII'
	                         THEN 'SQL_ASCII' ELSE 'UTF8' END),
	('standard_conforming_strings', 'on'),
	('DateStyle', 'ISO'),
	('IntervalStyle', 'postgres'),
	('bytea_output', 'hex'),
	('default_transaction_isolation', 'read committed'),
	('default_transaction_deferrable', 'off'),
	('statement_timeout', '0'),
	('lock_timeout', '0'),
	('idle_session_timeout', '0'),
	('idle_in_transaction_session_timeout', '0'),
	('transaction_timeout', '0'),
	('tcp_keepalives_idle', '5'),
	('tcp_keepalives_interval', '5'),
	('tcp_keepalives_count', '3'),
	('tcp_user_timeout', '20000'),
	('client_connection_check_interval', '2000')
) AS v(name, value)
JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(v.name)
WHERE $1::pg_catalog.int4 OPERATOR(pg_catalog.=) 0 OR $1::pg_catalog.int4 OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
