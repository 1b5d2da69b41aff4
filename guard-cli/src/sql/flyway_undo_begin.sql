-- Run by psql before an undo file, in its transaction: Flyway's own lock (@KEY@ is its
-- number), tried and never waited for, and the schema first on the search path, as
-- Flyway does it.
\set QUIET on
DO $migguard$
BEGIN
	IF NOT pg_catalog.pg_try_advisory_xact_lock(@KEY@) THEN
		RAISE EXCEPTION 'Flyway is running in another session' USING ERRCODE = 'lock_not_available';
	END IF;
END
$migguard$;
SELECT :'migguard_schema' <> '' AS has_schema \gset migguard_
\if :migguard_has_schema
SELECT pg_catalog.set_config('search_path',
	pg_catalog.concat_ws(', ', pg_catalog.quote_ident(:'migguard_schema'),
		nullif(pg_catalog.current_setting('search_path'), '')), true) AS path \gset migguard_
\endif
\set QUIET off
-- Flyway knows no variables of psql: ":USER" in the file is not one.
\unset DBNAME
\unset ENCODING
\unset HOST
\unset PORT
\unset USER
