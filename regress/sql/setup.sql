-- The extension is created once; every other file uses it and makes its own objects.
CREATE EXTENSION safedeploy;
SELECT extname, extrelocatable, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'safedeploy';
