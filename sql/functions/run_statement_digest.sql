CREATE FUNCTION safedeploy.run_statement_digest(run_id uuid)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, MDY'
SET extra_float_digits = 1
AS $$
	SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
		coalesce(pg_catalog.string_agg(s::text, E'\n' ORDER BY s.backend_start, s.pid, s.seq), ''), 'UTF8')), 'hex')
	FROM ONLY safedeploy.run_statement s
	WHERE s.run_id OPERATOR(pg_catalog.=) $1
$$;
COMMENT ON FUNCTION safedeploy.run_statement_digest(uuid) IS
'SHA-256 over the rows of run_statement that a run has left so far; migguard keeps it in the ledger.';
REVOKE ALL ON FUNCTION safedeploy.run_statement_digest(uuid) FROM PUBLIC;
