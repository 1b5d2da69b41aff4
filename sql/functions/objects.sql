CREATE FUNCTION safedeploy.objects(environment boolean DEFAULT false) RETURNS SETOF safedeploy.object
	AS 'MODULE_PATHNAME', 'safedeploy_objects'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 1000 COST 10000
	SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION safedeploy.objects(boolean) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.objects(boolean) IS 'live schema of this database, one row a top-level object; without system objects, temporary objects, members of extensions and safedeploy itself; "environment" adds what surrounds the schema, which no dump of the database has: roles with their memberships and settings, tablespaces, this database itself, privileges on parameters, large objects; never waits for a lock on a table: an object that needs one which another session holds has no hashes, and its definition is {"unread": …} with the reason and the holder; error 40001 when the schema keeps changing meanwhile';
