-- Server version as a number, for the handshake.
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4
