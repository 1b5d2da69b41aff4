# Least privilege, bypass and installation: what a deployer and a reader are granted is what
# they need and no more; whoever works without a token or a permit is refused; and who can make
# objects before or beside the extension gets nothing by it.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('S3', 'each grant of a deployer and a reader is needed, and no other is given');
promise('S4', 'destructive statements without a permit and stale tokens are refused');
promise('S5', 'attacks on the installation and by planted objects gain nothing');

my $server = SafeDeployTest->new('privileges', conf => "shared_preload_libraries = 'safedeploy'\n");
$server->create_database('app');
$server->sql('app', q{CREATE ROLE deployer LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE app LOGIN; SELECT safedeploy.grant_deployer('deployer'), safedeploy.grant_reader('reader')});

# S3.  A witness for each grant: a statement that works with it and is refused without it.
my $grants = q{
	SELECT 'SCHEMA safedeploy' AS object, NULL AS name, NULL AS arguments, a.privilege_type AS privilege, a.grantee::regrole::text AS role FROM pg_namespace, aclexplode(nspacl) a WHERE nspname = 'safedeploy' AND a.grantee IN ('deployer'::regrole, 'reader'::regrole)
	UNION ALL SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass, relname, NULL, a.privilege_type, a.grantee::regrole::text FROM pg_class c, aclexplode(relacl) a WHERE relnamespace = 'safedeploy'::regnamespace AND a.grantee IN ('deployer'::regrole, 'reader'::regrole)
	UNION ALL SELECT 'FUNCTION ' || p.oid::regprocedure, proname, (SELECT string_agg('(SELECT NULL::' || format_type(t, NULL) || ')', ', ' ORDER BY o) FROM unnest(proargtypes) WITH ORDINALITY x (t, o)), a.privilege_type, a.grantee::regrole::text FROM pg_proc p, aclexplode(proacl) a WHERE pronamespace = 'safedeploy'::regnamespace AND a.grantee IN ('deployer'::regrole, 'reader'::regrole)
	ORDER BY 5, 1};
# a function that says with which error a statement ends, as a role, rolled back
$server->sql('app', <<'SQL');
CREATE FUNCTION ends(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	RAISE 'fine' USING ERRCODE = 'P9999';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SQL
my $seen = 0;
foreach my $grant ($server->json('app', $grants))
{
	my ($object, $name, $role) = @$grant{qw(object name role)};
	my $arguments = defined $grant->{arguments} ? $grant->{arguments} : '';
	my $witness = $object =~ /^SCHEMA/ ? 'SELECT safedeploy.version()' : $object =~ /^FUNCTION/ ? "SELECT safedeploy.$name($arguments)" : "SELECT * FROM safedeploy.$name LIMIT 0";
	my ($with, $without, $again) = split /\|/, $server->sql('app', 'BEGIN; SELECT ends(' . quote_literal($role) . ', ' . quote_literal($witness) . ") AS a \\gset
		REVOKE $grant->{privilege} ON $object FROM $role; SELECT ends(" . quote_literal($role) . ', ' . quote_literal($witness) . ") AS b \\gset
		ROLLBACK; SELECT :'a' || '|' || :'b'");
	verdict('S3', $with !~ /^42(501|883|725)$/ && $without eq '42501', "$role needs $grant->{privilege} ON $object", "with: $with, without: $without, by: $witness");
	$seen++;
}
cmp_ok($seen, '>', 80, 'of which there are many');
# and no more: each function that is not for triggers, and each relation, by hand
my %nobodys = map { $_ => 1 } qw(grant_reader grant_deployer note_ddl require_fence forget_drift);
foreach my $function ($server->json('app', q{SELECT proname, p.oid::regprocedure::text AS name FROM pg_proc p WHERE pronamespace = 'safedeploy'::regnamespace AND NOT has_function_privilege('deployer', p.oid, 'EXECUTE') AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)}))
{
	verdict('S3', delete $nobodys{ $function->{proname} }, "nobody but a superuser has $function->{name}");
}
is(join(' ', sort keys %nobodys), '', 'those are all');
verdict('S3', $server->sql('app', q{SELECT count(*) FROM pg_class c, unnest(ARRAY['deployer', 'reader', 'app']) r WHERE relnamespace = 'safedeploy'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege(r, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')}) eq '0', 'none may write to a table');
verdict('S3', $server->sql('app', q{SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'safedeploy' AND has_function_privilege('app', p.oid, 'EXECUTE')}) eq '0', 'without a grant nothing can be called');

# S4.  Kinds of DDL by three roles: destructive ones without a permit, all of them with a stale token.
my @destroy = ('DROP TABLE t', 'DROP TABLE t CASCADE', 'DROP VIEW v', 'DROP MATERIALIZED VIEW mv', 'DROP SEQUENCE s', 'DROP TYPE e', 'DROP TYPE c', 'DROP DOMAIN d CASCADE', 'DROP SCHEMA sub CASCADE', 'TRUNCATE t', 'TRUNCATE ONLY t',
	'TRUNCATE p CASCADE', 'ALTER TABLE t DROP COLUMN b', 'ALTER TABLE t ADD COLUMN z integer, DROP COLUMN b', 'ALTER TABLE t ALTER a TYPE smallint', 'ALTER TABLE t ALTER b TYPE varchar(1) USING left(b, 1)', 'ALTER TYPE c DROP ATTRIBUTE y',
	'DROP TABLE p', 'DROP TABLE p1', 'ALTER TABLE p DROP COLUMN w', 'DROP OWNED BY CURRENT_USER', 'DO $$ BEGIN EXECUTE $q$DROP TABLE t$q$; END $$', 'BEGIN; SAVEPOINT x; DROP TABLE t; COMMIT', q{PREPARE x AS SELECT 1; DROP TABLE t}, 'SELECT dropper()', 'CALL emptier()');
my @any = ('CREATE TABLE n (i integer)', 'CREATE INDEX ON t (a)', 'CREATE VIEW n AS SELECT 1 AS x', 'ALTER TABLE t ADD COLUMN z integer', 'ALTER TABLE t RENAME TO u', 'ALTER TABLE t RENAME COLUMN a TO z', 'COMMENT ON TABLE t IS $$x$$', 'GRANT SELECT ON t TO PUBLIC', 'REVOKE ALL ON t FROM PUBLIC',
	'CREATE FUNCTION n() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$', 'CREATE TYPE n AS (i integer)', 'CREATE SEQUENCE n', 'ALTER SEQUENCE s RESTART', 'ALTER TABLE t ADD CHECK (a > 0) NOT VALID', 'ALTER TABLE t SET (fillfactor = 50)', 'CREATE MATERIALIZED VIEW n AS SELECT 1 AS x', 'REFRESH MATERIALIZED VIEW mv',
	'CREATE STATISTICS n ON a, b FROM t', 'CREATE RULE n AS ON INSERT TO t DO ALSO NOTHING', 'ALTER TABLE t ENABLE ROW LEVEL SECURITY', 'CREATE DOMAIN n AS text', q{INSERT INTO t VALUES (9, 'x', 1)}, 'UPDATE t SET a = 9', 'DELETE FROM t', 'COPY t FROM STDIN', 'SELECT * INTO n FROM t', 'DROP TABLE t', 'TRUNCATE t');
my $made = sub { my ($role) = @_; return "CREATE SCHEMA $role; SET search_path = $role; CREATE TABLE t (a integer, b text, k integer); INSERT INTO t VALUES (1, 'x', 1); CREATE VIEW v AS SELECT a FROM t WHERE false; CREATE MATERIALIZED VIEW mv AS SELECT 1 AS x; CREATE SEQUENCE s;
	CREATE TYPE e AS ENUM ('a'); CREATE TYPE c AS (x integer, y integer); CREATE DOMAIN d AS text; CREATE TABLE uses (x d); CREATE TABLE p (k integer, w text) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1, 'x');
	CREATE FUNCTION dropper() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN DROP TABLE t; END \$\$; CREATE PROCEDURE emptier() LANGUAGE plpgsql AS \$\$ BEGIN TRUNCATE t; END \$\$;" };
$server->sql('app', 'GRANT CREATE ON DATABASE app TO app, deployer; CREATE ROLE dbowner LOGIN; ALTER DATABASE app OWNER TO dbowner');
my %state;
foreach my $role (qw(app deployer dbowner))
{
	# the roles' own objects: privileges stop nobody here; and the other schema of app's
	$server->sql('app', "SET SESSION AUTHORIZATION $role; " . $made->($role) . "CREATE SCHEMA ${role}_sub; ALTER SCHEMA ${role}_sub RENAME TO ${role}_2");
}
$server->sql('app', 'ALTER DATABASE app SET safedeploy.protect = enforce');
my $stale = $server->sql('app', "SELECT safedeploy.try_lock('s4') AS t \\gset\nSELECT safedeploy.unlock('s4', :t);\nSELECT :t") =~ s/\s//gr;
foreach my $role (qw(app deployer dbowner))
{
	my $before = $server->fingerprint('app') . $server->sql('app', "SELECT count(*) + sum(a) FROM $role.t");
	my $script = "\\set VERBOSITY sqlstate\n";
	my @tries;
	push @tries, map { [ "without a permit: $_", '', s/\bsub\b/${role}_2/r ] } @destroy;
	push @tries, map { [ "with a stale token: $_", "SET safedeploy.fence_token = '$stale';", $_ ] } @any;
	foreach my $n (0 .. $#tries) { $script .= "\\c\nSET search_path = $role;\n$tries[$n][1]\n\\warn TRY $n\n$tries[$n][2];\n" . ($tries[$n][2] =~ /STDIN/ ? "9\tx\t1\n\\.\n" : ''); }
	my $p = run_program([ 'psql', '-XAtq', '-d', $server->url('app', user => $role) ], stdin => $script);
	my @said = split /^TRY \d+\n/m, $p->stderr;
	my $unchanged = $server->fingerprint('app') . $server->sql('app', "SELECT count(*) + sum(a) FROM $role.t") eq $before;
	foreach my $n (0 .. $#tries)
	{
		my $want = $tries[$n][1] eq '' ? qr/SD102/ : qr/SD202/;
		verdict('S4', $unchanged && defined $said[ $n + 1 ] && $said[ $n + 1 ] =~ $want, "$role, $tries[$n][0]", "unchanged: " . ($unchanged ? 'yes' : 'NO'), $said[ $n + 1 ]);
	}
}
my $log = $server->sql('app', q{SELECT count(*) FROM safedeploy.permit_use WHERE verdict = 'refused'});
cmp_ok($log, '>=', 3 * 20, 'refusals are on record');
# Break-glass: a superuser switches it off, and what he does is on record
$server->sql('app', 'SET safedeploy.protect = off; DROP TABLE app.t CASCADE');
is($server->sql('app', q{SELECT count(*) FROM safedeploy.drift WHERE statement = 'DROP TABLE app.t CASCADE'}), 1, 'what a superuser does without is on record');

# S5.  Before the installation: twelve attacks, each in a database of its own by its owner.
my @install = (
	[ 'the schema is there already', 'CREATE SCHEMA safedeploy', qr/already exists/ ],
	[ 'the schema, with a table of the same name', 'CREATE SCHEMA safedeploy; CREATE TABLE safedeploy.event (i integer)', qr/already exists/ ],
	[ 'the schema, with a trap', 'CREATE SCHEMA safedeploy; CREATE FUNCTION safedeploy.version() RETURNS text LANGUAGE sql AS $$ SELECT hit() $$', qr/already exists/ ],
	[ 'functions of the same name in public', 'CREATE FUNCTION public.pg_extension_config_dump(regclass, text) RETURNS void LANGUAGE sql AS $$ SELECT hit() $$; CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT hit()::text $$' ],
	[ 'operators in public', 'CREATE FUNCTION public.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hit(); RETURN true; END $$; CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap); CREATE OPERATOR public.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap)' ],
	[ 'operators of names', 'CREATE FUNCTION public.trap(name, name) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hit(); RETURN true; END $$; CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.trap); CREATE FUNCTION public.trap(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hit(); RETURN true; END $$; CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.trap)' ],
	[ 'a cast', 'CREATE TYPE public.mine AS (i integer); CREATE FUNCTION public.trap(mine) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM hit(); RETURN 1; END $$; CREATE CAST (public.mine AS text) WITH FUNCTION public.trap(mine) AS IMPLICIT' ],
	[ 'types of the same name', 'CREATE TYPE public.fault AS (i integer); CREATE TYPE public.uuid AS (i integer); CREATE DOMAIN public.jsonb AS text; CREATE DOMAIN public.text AS integer' ],
	[ 'the path of the database', 'ALTER DATABASE %s SET search_path = public, pg_catalog; CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT hit()::text $$' ],
	[ 'default privileges', 'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC' ],
	[ 'tables like the catalog\'s', 'CREATE TABLE public.pg_class (oid oid, relname name); CREATE VIEW public.pg_proc AS SELECT hit()::text AS proname; CREATE TABLE public.pg_extension (extname name)' ],
	[ 'aggregates and a language of one\'s own', 'CREATE FUNCTION public.trap(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM hit(); RETURN 1; END $$; CREATE AGGREGATE public.max(text) (SFUNC = public.trap, STYPE = text); CREATE FUNCTION public.count(text) RETURNS bigint LANGUAGE sql AS $$ SELECT 1::bigint FROM hit() $$' ]);
my $n = 0;
foreach my $attack (@install)
{
	my ($name, $sql, $refused) = @$attack;
	my $db = 's5_' . $n++;
	$server->create_database($db, extension => 0, options => 'OWNER dbowner');
	# the trap tells when somebody else than its maker walks into it
	run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $server->url($db, user => 'dbowner') ], stdin => "CREATE TABLE public.hits (who text);
		CREATE FUNCTION public.hit() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN IF current_user <> 'dbowner' THEN INSERT INTO public.hits VALUES (current_user); ALTER ROLE dbowner SUPERUSER; END IF; END \$\$; SET check_function_bodies = off;" . sprintf($sql =~ s/%(?!s)/%%/gr, $db));
	my ($rc, undef, $err) = $server->try_sql($db, 'SET search_path = public, pg_catalog; CREATE EXTENSION safedeploy');
	my $ok = $refused ? $rc != 0 && $err =~ $refused && $server->sql($db, q{SELECT count(*) FROM pg_extension WHERE extname = 'safedeploy'}) eq '0' : $rc == 0;
	if (!$refused && $rc == 0)
	{
		# a superuser uses it, with the trapped schema in front
		$server->sql($db, "SET search_path = public, pg_catalog;\nSELECT safedeploy.try_lock('x'::pg_catalog.text) AS t \\gset\nSELECT pg_catalog.count(*) FROM safedeploy.lock_holders;\nSELECT safedeploy.begin_run(NULL, 'run'::pg_catalog.text, NULL, NULL, NULL, NULL, :t, NULL) AS id \\gset
			SELECT safedeploy.record_event(:'id', 'migrate'::pg_catalog.text, 'ok'::pg_catalog.text); SELECT * FROM safedeploy.history; SELECT * FROM safedeploy.unfinished_runs; SELECT * FROM safedeploy.last_known_good; SELECT * FROM safedeploy.verify_ledger();
			SELECT * FROM safedeploy.drift; SELECT * FROM safedeploy.permits; SELECT safedeploy.ledger_head(); SELECT safedeploy.fingerprint(); SELECT safedeploy.take_snapshot('x'::pg_catalog.text) AS s \\gset
			SELECT * FROM safedeploy.diff(:s); SELECT * FROM safedeploy.analyze('CREATE TABLE public.z (i integer)'::pg_catalog.text); SELECT * FROM safedeploy.statements('SELECT 1'::pg_catalog.text); SELECT * FROM safedeploy.rules; SELECT safedeploy.grant_deployer('dbowner');
			CREATE TABLE public.z (i integer); DROP TABLE public.z; SELECT safedeploy.unlock('x'::pg_catalog.text, :t);");
	}
	my $hits = $server->sql($db, 'SELECT count(*) FROM public.hits');
	my $mighty = $server->sql('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'dbowner'});
	my $leaked = $server->sql($db, q{SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'safedeploy' AND has_table_privilege('app', c.oid, 'SELECT, INSERT, UPDATE, DELETE') AND NOT EXISTS (SELECT FROM pg_tables t WHERE t.tablename = c.relname AND tableowner = 'dbowner')});
	verdict('S5', $ok && $hits eq '0' && $mighty eq 'f' && $leaked eq '0', "before the installation: $name", "result $rc $err", "hits: $hits, superuser: $mighty, leaked: $leaked");
}

$server->node->stop;
done_testing();
