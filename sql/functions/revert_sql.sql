CREATE FUNCTION safedeploy.revert_sql(old bigint, new bigint DEFAULT NULL, concurrently boolean DEFAULT false)
RETURNS SETOF safedeploy.revert_step
LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
-- two lists of 10,000 objects are joined without a file
SET work_mem = '64MB'
AS 'MODULE_PATHNAME', 'safedeploy_revert_sql';
REVOKE ALL ON FUNCTION safedeploy.revert_sql(bigint, bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.revert_sql(bigint, bigint, boolean) IS
'statements that lead from the schema of snapshot "new", or from the database as it is now when "new" is NULL, back to that of snapshot "old", to be run in order by a role that may do all of it, in one transaction as far as they are transactional; nothing is dropped by CASCADE. What no statement brings back is a row without sql and with a reason. "concurrently" asks for forms that keep writers going: indexes CONCURRENTLY, constraints NOT VALID and validated after that. No row: nothing to do. Errors: those of diff(), and SD221 or 55P03 when a stored snapshot or the live schema has unread objects';
