CREATE FUNCTION safedeploy.diff(old bigint, new bigint DEFAULT NULL, facets text[] DEFAULT NULL)
RETURNS SETOF safedeploy.change
LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
-- two lists of 10,000 objects are joined without a file
SET work_mem = '64MB'
AS 'MODULE_PATHNAME', 'safedeploy_diff';
REVOKE ALL ON FUNCTION safedeploy.diff(bigint, bigint, text[]) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.diff(bigint, bigint, text[]) IS
'changes that lead from snapshot "old" to snapshot "new", or to the database as it is now when "new" is NULL; "facets" limits the comparison to core, security, owner, storage, comment, version, order, environment (NULL: all). The environment is compared when both sides are of one database and the old snapshot was taken with it; its changes are of class environment. Equal schemas give no row of class real. Errors: SD220 no such snapshot, SD221 incomplete snapshot, SD222 taken on another major version, 22023 unknown facet, 54000 a forged definition; with the live schema also those of objects()';
