-- What the diff says of a changed type must be what the server does: a change
-- called free leaves the table's file alone, any other writes a new one; and a
-- change that may lose values is called so.
CREATE SCHEMA dy;
SET client_min_messages = warning;
CREATE TYPE dy.mood AS ENUM ('a', 'b');
CREATE DOMAIN dy.pos AS integer CHECK (VALUE > 0);
CREATE TABLE public.pairs (n serial, old text, new text, loss text);
INSERT INTO public.pairs (old, new, loss) VALUES
('smallint', 'integer', 'none'), ('smallint', 'bigint', 'none'), ('integer', 'bigint', 'none'), ('integer', 'smallint', 'possible'),
('bigint', 'integer', 'possible'), ('integer', 'numeric', 'none'), ('bigint', 'numeric', 'none'), ('integer', 'numeric(5,0)', 'possible'),
('smallint', 'real', 'none'), ('integer', 'real', 'possible'), ('integer', 'double precision', 'none'), ('bigint', 'double precision', 'possible'),
('real', 'double precision', 'none'), ('double precision', 'real', 'possible'), ('numeric', 'double precision', 'possible'),
('numeric(10,2)', 'numeric(12,2)', 'none'), ('numeric(10,2)', 'numeric', 'none'), ('numeric', 'numeric(10,2)', 'possible'),
('numeric(10,2)', 'numeric(10,3)', 'possible'), ('numeric(10,2)', 'numeric(12,4)', 'none'), ('numeric(10,2)', 'numeric(10,1)', 'possible'),
('numeric(10,2)', 'numeric(8,2)', 'possible'), ('numeric(10,2)', 'integer', 'possible'), ('numeric(10,2)', 'text', 'none'),
('varchar(10)', 'varchar(20)', 'none'), ('varchar(10)', 'varchar(5)', 'possible'), ('varchar(10)', 'varchar', 'none'), ('varchar', 'varchar(10)', 'possible'),
('varchar(10)', 'text', 'none'), ('varchar', 'text', 'none'), ('text', 'varchar', 'none'), ('text', 'varchar(10)', 'possible'),
('char(5)', 'char(10)', 'none'), ('char(5)', 'char(3)', 'possible'), ('char(5)', 'varchar(5)', 'none'), ('char(5)', 'text', 'none'), ('text', 'char(5)', 'possible'),
('bit varying(5)', 'bit varying(8)', 'none'), ('bit varying(8)', 'bit varying(5)', 'possible'), ('bit varying(8)', 'bit varying', 'none'),
('timestamp(3)', 'timestamp', 'none'), ('timestamp', 'timestamp(3)', 'possible'), ('timestamp(3)', 'timestamp(6)', 'none'),
('timestamptz', 'timestamptz(0)', 'possible'), ('time(3)', 'time', 'none'), ('time', 'time(0)', 'possible'),
('date', 'timestamp', 'none'), ('timestamp', 'date', 'possible'), ('timestamptz', 'timestamp', 'possible'), ('date', 'timestamptz', 'possible'),
('cidr', 'inet', 'none'), ('inet', 'cidr', 'possible'), ('json', 'jsonb', 'possible'), ('jsonb', 'json', 'none'), ('jsonb', 'text', 'none'), ('text', 'jsonb', 'possible'),
('integer', 'text', 'none'), ('text', 'integer', 'possible'), ('uuid', 'text', 'none'), ('text', 'uuid', 'possible'), ('boolean', 'integer', 'possible'),
('dy.mood', 'text', 'none'), ('text', 'dy.mood', 'possible'), ('dy.pos', 'bigint', 'possible'),
('integer[]', 'bigint[]', 'none'), ('bigint[]', 'integer[]', 'possible'), ('varchar(5)[]', 'text[]', 'none'), ('text', 'text[]', 'possible'),
('interval', 'interval(0)', 'possible'), ('bytea', 'text', 'none'), ('oid', 'bigint', 'possible'), ('"char"', 'text', 'none'), ('name', 'text', 'none');

CREATE TABLE public.verdicts (n integer, old text, new text, loss text, severity text, rewritten boolean);
DO $$
DECLARE
	p record;
	before bigint;
	file oid;
BEGIN
	FOR p IN SELECT * FROM public.pairs ORDER BY n LOOP
		EXECUTE format('CREATE TABLE dy.t (c %s)', p.old);
		before := safedeploy.take_snapshot();
		file := pg_relation_filenode('dy.t');
		EXECUTE format('ALTER TABLE dy.t ALTER c TYPE %1$s%2$s', p.new,
			CASE WHEN p.new IN ('text[]') THEN ' USING ARRAY[c]' WHEN p.old IN ('bytea', 'boolean', 'json', 'jsonb') OR p.new IN ('jsonb', 'uuid', 'integer', 'dy.mood', '"char"')
				THEN format(' USING c::%s', p.new) ELSE '' END);
		INSERT INTO public.verdicts
		SELECT p.n, p.old, p.new, d.data_loss, d.severity, file <> pg_relation_filenode('dy.t')
		FROM safedeploy.diff(before) AS d WHERE d.identity = 'dy.t' AND d.path = 'columns.c.type';
		DROP TABLE dy.t;
		PERFORM safedeploy.drop_snapshot(before);
	END LOOP;
END
$$;
SELECT count(*) = (SELECT count(*) FROM public.pairs) AS all_seen, count(*) > 60 AS enough FROM public.verdicts;
-- not the loss that was expected
SELECT v.old, v.new, p.loss AS expected, v.loss FROM public.pairs p LEFT JOIN public.verdicts v USING (n) WHERE v.loss IS DISTINCT FROM p.loss ORDER BY n;
-- called free though the server rewrites the table, or called a rewrite though it does not
SELECT old, new, severity, rewritten FROM public.verdicts WHERE loss = 'none' AND (severity = 'caution') = rewritten ORDER BY n;
SELECT DISTINCT loss, severity FROM public.verdicts ORDER BY 1, 2;
DROP SCHEMA dy CASCADE;
DROP TABLE public.pairs, public.verdicts;
