CREATE FUNCTION safedeploy.diff_others(old bigint, numbers integer[], server_version_num integer,
	system_identifier bigint DEFAULT NULL, database_oid oid DEFAULT NULL, facets text[] DEFAULT NULL,
	superusers text[] DEFAULT NULL)
RETURNS SETOF safedeploy.change
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET work_mem = '64MB'
AS 'MODULE_PATHNAME', 'safedeploy_diff_others';
REVOKE ALL ON FUNCTION safedeploy.diff_others(bigint, integer[], integer, bigint, oid, text[], text[]) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.diff_others(bigint, integer[], integer, bigint, oid, text[], text[]) IS
'changes that lead to what keep_others() has kept of another database, of the given version, cluster and OID: from snapshot "old", or from what keep_objects() has kept when that is NULL. "numbers" names the old objects that are compared, by safedeploy.snapshot_object.n or the number of keep_objects(); whoever calls it vouches that all others are the same on both sides. "facets" as for diff(); "superusers" are quoted names of roles, by which a new owner is judged. Errors as of diff(), and 55000 when nothing is kept';
