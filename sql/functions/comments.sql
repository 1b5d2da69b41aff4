CREATE FUNCTION safedeploy.comments(sql text)
RETURNS TABLE ("position" integer, line integer, length integer, text text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_comments';
REVOKE ALL ON FUNCTION safedeploy.comments(text) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.comments(text) IS 'comments of a script with their places, and with their marks; what looks like one inside of a string, a body, COPY data or a psql command is none; error 54000 above safedeploy.max_script_size';
