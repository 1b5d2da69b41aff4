-- What opens something is of severity security and says so, and the way back of it is not; each
-- edit is shown with the changes it makes and those of its way back.
CREATE ROLE regress_sec_app;
CREATE ROLE regress_sec_other;
CREATE ROLE regress_sec_super SUPERUSER;
CREATE SCHEMA ds;
SET client_min_messages = error;
SET search_path = ds;
CREATE TABLE docs (id integer PRIMARY KEY, owner text, kept boolean, amount integer CONSTRAINT positive CHECK (amount > 0));
CREATE TABLE lines (id integer REFERENCES docs);
CREATE INDEX docs_owner ON docs (owner);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
ALTER TABLE docs FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON docs FOR SELECT TO regress_sec_app USING (owner = current_user AND kept);
CREATE POLICY writes ON docs FOR INSERT TO regress_sec_app WITH CHECK (amount < 100);
CREATE POLICY hard ON docs AS RESTRICTIVE TO PUBLIC USING (kept);
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE TRIGGER audit AFTER UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION tf();
CREATE EVENT TRIGGER regress_sec_watch ON ddl_command_end EXECUTE FUNCTION ef();
ALTER EVENT TRIGGER regress_sec_watch DISABLE;
CREATE VIEW v WITH (security_barrier = true) AS SELECT id FROM docs;
CREATE FUNCTION definer() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS 'SELECT 1';
CREATE FUNCTION invoker() RETURNS integer LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION definer() FROM PUBLIC;
GRANT SELECT ON docs TO regress_sec_app;
CREATE FOREIGN DATA WRAPPER regress_sec_fdw;
CREATE SERVER regress_sec_server FOREIGN DATA WRAPPER regress_sec_fdw;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE FUNCTION public.changes(a bigint, b bigint) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(severity || ': ' || summary, E'\n' ORDER BY seq)
	FROM safedeploy.diff(a, b) WHERE cause IS NULL AND class <> 'physical'
$$;
-- Shows an edit and takes it back.
CREATE FUNCTION public.try(edit text) RETURNS TABLE (change text) LANGUAGE plpgsql AS $$
DECLARE
	s0 bigint := safedeploy.take_snapshot(environment => true);
	s1 bigint;
	shown text;
	back text;
BEGIN
	BEGIN
		EXECUTE edit;
		s1 := safedeploy.take_snapshot(environment => true);
		shown := public.changes(s0, s1);
		back := public.changes(s1, s0);
		RAISE EXCEPTION USING errcode = 'SD000';
	EXCEPTION WHEN SQLSTATE 'SD000' THEN
		NULL;
	END;
	RETURN QUERY SELECT l FROM regexp_split_to_table(shown, E'\n') AS l;
	RETURN QUERY SELECT '    back: ' || l FROM regexp_split_to_table(back, E'\n') AS l;
END
$$;
\pset tuples_only on
\pset format unaligned
-- row security
SELECT public.try('ALTER TABLE docs DISABLE ROW LEVEL SECURITY');
SELECT public.try('ALTER TABLE docs NO FORCE ROW LEVEL SECURITY');
SELECT public.try('DROP POLICY mine ON docs');
SELECT public.try('DROP POLICY hard ON docs');
SELECT public.try('CREATE POLICY more ON docs USING (true)');
-- a condition that is gone, has lost a part, has gained an alternative, is just another
SELECT public.try('ALTER POLICY mine ON docs USING (true)');
SELECT public.try('ALTER POLICY mine ON docs USING (kept)');
SELECT public.try('ALTER POLICY mine ON docs USING ((owner = current_user AND kept) OR id = 0)');
SELECT public.try('ALTER POLICY mine ON docs USING (owner <> current_user AND kept)');
SELECT public.try('ALTER POLICY writes ON docs WITH CHECK (amount < 100 AND kept)');
SELECT public.try('ALTER POLICY hard ON docs USING (true)');
-- more roles: a permissive policy opens, a restrictive one closes
SELECT public.try('ALTER POLICY mine ON docs TO PUBLIC');
SELECT public.try('ALTER POLICY mine ON docs TO regress_sec_app, regress_sec_other');
SELECT public.try('ALTER POLICY mine ON docs TO regress_sec_other');
SELECT public.try('ALTER POLICY hard ON docs TO regress_sec_app');
-- another command, permissive for restrictive
SELECT public.try('DROP POLICY mine ON docs; CREATE POLICY mine ON docs FOR ALL TO regress_sec_app USING (owner = current_user AND kept)');
SELECT public.try('DROP POLICY mine ON docs; CREATE POLICY mine ON docs FOR DELETE TO regress_sec_app USING (owner = current_user AND kept)');
SELECT public.try('DROP POLICY hard ON docs; CREATE POLICY hard ON docs TO PUBLIC USING (kept)');
SELECT public.try('DROP POLICY hard ON docs; CREATE POLICY hard ON docs AS RESTRICTIVE FOR DELETE TO PUBLIC USING (kept)');
-- whose rights are used
SELECT public.try('ALTER VIEW v SET (security_barrier = false)');
SELECT public.try('ALTER FUNCTION invoker() SECURITY DEFINER');
SELECT public.try('ALTER FUNCTION invoker() LEAKPROOF');
SELECT public.try('ALTER FUNCTION definer() RESET search_path');
SELECT public.try('ALTER FUNCTION definer() SET search_path = ds, pg_catalog');
SELECT public.try('CREATE FUNCTION closed() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS ''SELECT 1''');
SELECT public.try('CREATE FUNCTION open() RETURNS integer LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''');
-- owners
SELECT public.try('ALTER TABLE lines OWNER TO regress_sec_app');
SELECT public.try('ALTER FUNCTION definer() OWNER TO regress_sec_app');
BEGIN;
ALTER FUNCTION invoker() OWNER TO regress_sec_app;
SELECT public.try('ALTER FUNCTION invoker() OWNER TO regress_sec_super');
ROLLBACK;
-- privileges
SELECT public.try('GRANT SELECT ON lines TO PUBLIC');
SELECT public.try('GRANT SELECT (id) ON lines TO PUBLIC');
SELECT public.try('GRANT EXECUTE ON FUNCTION definer() TO PUBLIC');
SELECT public.try('GRANT SELECT ON docs TO regress_sec_app WITH GRANT OPTION');
SELECT public.try('GRANT SELECT ON lines TO regress_sec_app');
SELECT public.try('CREATE TABLE fresh (a integer); GRANT SELECT ON fresh TO PUBLIC');
SELECT public.try('ALTER DEFAULT PRIVILEGES IN SCHEMA ds GRANT SELECT ON TABLES TO PUBLIC');
SELECT public.try('ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC');
SELECT public.try('CREATE USER MAPPING FOR PUBLIC SERVER regress_sec_server');
-- what no longer watches
SELECT public.try('ALTER TABLE docs DISABLE TRIGGER audit');
SELECT public.try('ALTER TABLE docs ENABLE REPLICA TRIGGER audit');
SELECT public.try('ALTER TABLE docs DISABLE TRIGGER ALL');
SELECT public.try('DROP TRIGGER audit ON docs');
SELECT public.try('ALTER EVENT TRIGGER regress_sec_watch ENABLE');
SELECT public.try('DROP EVENT TRIGGER regress_sec_watch');
SELECT public.try('UPDATE pg_index SET indisvalid = false WHERE indexrelid = ''docs_owner''::regclass');
SELECT public.try('ALTER TABLE docs DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID');
-- roles
SELECT public.try('ALTER ROLE regress_sec_app SUPERUSER');
SELECT public.try('ALTER ROLE regress_sec_app BYPASSRLS');
SELECT public.try('GRANT regress_sec_super TO regress_sec_app');

\pset tuples_only off
DROP EVENT TRIGGER regress_sec_watch;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
DROP SCHEMA ds CASCADE;
DROP FOREIGN DATA WRAPPER regress_sec_fdw CASCADE;
DROP FUNCTION public.changes, public.try;
DROP ROLE regress_sec_app, regress_sec_other, regress_sec_super;
SELECT count(safedeploy.drop_snapshot(id)) > 20 AS dropped FROM safedeploy.snapshot;
