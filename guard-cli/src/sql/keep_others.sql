-- Keeps objects of another database for diff_others.sql; parameter: rows of kept_objects.sql.
SELECT safedeploy.keep_others($1::safedeploy.object[])
