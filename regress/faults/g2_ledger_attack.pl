# Ledger, fence, guards and records of the extension under attack by roles that are no
# superusers.  The attacks are the files of regress/fixtures/attacks; each is run as
# each role, and an attack has succeeded when anything of what the extension keeps, or
# of its catalog entries, is not what it was, whatever the server answered.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('G2', 'attacks on the ledger by roles that are no superusers: nothing changes');

my @roles = qw(nobody app deployer dbowner);
my $server = SafeDeployTest->new('attack', conf => "max_prepared_transactions = 4\n");
$server->sql('postgres', join '', map { "CREATE ROLE $_ LOGIN;" } @roles);
$server->create_database('app', options => 'OWNER dbowner');
$server->sql('postgres', q{ALTER ROLE deployer CREATEDB; ALTER DATABASE app SET session_preload_libraries = 'safedeploy'; ALTER DATABASE app SET safedeploy.protect = enforce});
$server->sql('app', <<'SQL');
SELECT safedeploy.grant_reader('app'), safedeploy.grant_deployer('deployer'), safedeploy.grant_reader('dbowner');
GRANT CREATE ON SCHEMA public TO app, deployer, dbowner;
CREATE SCHEMA shop;
GRANT ALL ON SCHEMA shop TO PUBLIC;
CREATE TABLE shop.orders (id integer);
INSERT INTO shop.orders VALUES (1);
SQL
# schemas for what the attackers make; "nobody" has none, as in life
$server->sql('app', "CREATE SCHEMA evil_$_" . ($_ eq 'nobody' ? '' : " AUTHORIZATION $_")) foreach @roles;

# Something of each kind to be attacked: a run that is over, with a backup, statements,
# a migration, a snapshot and a permit that was used, and one that goes on, under a lock.
my $run = 'a0000000-0000-4000-8000-000000000001';
my $open = 'a0000000-0000-4000-8000-000000000002';
$server->sql('app', <<"SQL");
SELECT safedeploy.begin_run('$run', 'run', 'sql', 'app', NULL, '1', NULL, NULL);
SELECT safedeploy.record_event('$run', 'backup', 'ok', 'made', '{"sha256": "c0ffee"}');
SET safedeploy.run_id = '$run';
SET safedeploy.trace = on;
CREATE TABLE shop.items (id integer);
SET safedeploy.trace = off;
RESET safedeploy.run_id;
SELECT safedeploy.record_migration('app', '1', 'first', repeat('0', 64), '$run');
SELECT safedeploy.take_snapshot('before', '$run');
SELECT safedeploy.permit('DROP TABLE shop.gone', ARRAY['table shop.gone'], 'because');
CREATE TABLE shop.gone (id integer);
SQL
$server->sql('app', 'DROP TABLE shop.gone');
$server->sql('app', "SELECT safedeploy.end_run('$run', 'done', 0)");
my $holder = start_program([ 'psql', '-XAtq', '-d', $server->url('app'), '-c', q{SELECT safedeploy.try_lock('app', NULL, '} . $open . q{')},
	'-c', "SELECT safedeploy.begin_run('$open', 'run', 'sql', 'app', NULL, '2', NULL, NULL)", '-c', 'SELECT pg_sleep(600)' ]);
wait_until(sub { $server->sql('app', 'SELECT count(*) FROM safedeploy.unfinished_runs WHERE holder_alive') }, 30, 'a run that goes on');
my $token = $server->sql('app', 'SELECT max(token) FROM safedeploy.lock');
my $head = $server->sql('app', 'SELECT safedeploy.ledger_head()');
is($server->sql('app', join ' UNION ALL ', map { "SELECT '$_' WHERE NOT EXISTS (SELECT FROM safedeploy.$_)" }
		qw(run event lock permit permit_use run_statement drift_event snapshot snapshot_object object_def applied_migration)), '', 'every table has rows to attack');

$server->sql('app', judge());
my $quiet = $server->sql('app', "SELECT judge.state('$head')");
like($quiet, qr/"faults": null/, 'at first all is well');
is($server->sql('app', "SELECT judge.state('$head')"), $quiet, 'and a look changes nothing');

# A judge who sees nothing is none: each kind of change shows, and is taken back.
foreach my $change (
	'ALTER TABLE safedeploy.event DISABLE TRIGGER USER; UPDATE safedeploy.event SET message = NULL WHERE seq = 1',
	'UPDATE safedeploy.run_statement SET statement = tag', 'DELETE FROM safedeploy.drift_event', 'UPDATE safedeploy.object_def SET definition = NULL WHERE false; DELETE FROM safedeploy.snapshot',
	'DELETE FROM safedeploy.applied_migration', 'ALTER TABLE safedeploy.event OWNER TO app', 'GRANT INSERT ON safedeploy.run TO app', 'CREATE TABLE safedeploy.planted (i integer)',
	'COMMENT ON TABLE safedeploy.run IS NULL', 'ALTER ROLE app BYPASSRLS', 'ALTER EVENT TRIGGER safedeploy_drift DISABLE', 'CREATE PUBLICATION p FOR TABLE safedeploy.event',
	'ALTER FUNCTION safedeploy.begin_run(uuid, text, text, text, text, text, bigint, jsonb) RESET search_path', 'ALTER DATABASE app SET safedeploy.fence = off',
	'ALTER SEQUENCE safedeploy.fencing_token RESTART', 'CREATE STATISTICS s ON seq, at FROM safedeploy.event', 'CREATE TABLE shop.child () INHERITS (safedeploy.lock)',
	'GRANT deployer TO app', 'DELETE FROM shop.orders WHERE id = 1')
{
	my $seen = $server->sql('app', "SET client_min_messages = error; BEGIN; $change; SELECT judge.state('$head'); ROLLBACK");
	isnt($seen, $quiet, "the judge sees: $change");
}

my @attacks;
foreach my $file (sort glob "$ENV{TESTDIR}/fixtures/attacks/*.sql")
{
	my ($family) = $file =~ m{([^/]+)\.sql$};
	foreach my $part (split /^(?=--- )/m, SafeDeployTest::Process::slurp($file))
	{
		my ($title, $sql) = $part =~ /\A--- ([^\n]+)\n(.+)\z/s or die "$file: $part";
		push @attacks, { name => "$family: $title", family => $family, sql => $sql };
	}
}
cmp_ok(scalar @attacks, '>=', 60, scalar(@attacks) . ' attacks by ' . scalar(@roles) . ' roles');

foreach my $role (@roles)
{
	# One psql for all: attacks, each on a connection of its own, and the superuser's judgement,
	# of each by itself or, in the quick tier, of all of a file together.
	my ($script, @of) = ("\\set VERBOSITY sqlstate\n");
	my $judged = -1;
	foreach my $n (0 .. $#attacks)
	{
		my %value = (me => $role, run => $run, open => $open, token => $token);
		my $sql = $attacks[$n]{sql} =~ s/\{(me|run|open|token)\}/$value{$1}/gr;
		$script .= "\\c - $role\n\\echo ATTACK $n\n$sql;\n";
		next if repeats() == 1 && $n < $#attacks && $attacks[ $n + 1 ]{family} eq $attacks[$n]{family};
		$script .= "\\c - " . $server->user . "\n\\echo STATE $n\nSELECT judge.state('$head');\n";
		@of[ $judged + 1 .. $n ] = ($n) x ($n - $judged);
		$judged = $n;
	}
	my $psql = run_program([ 'psql', '-XAtq', '-d', $server->url('app') ], stdin => $script, timeout => 600);
	my $said = $psql->stdout;
	foreach my $n (0 .. $#attacks)
	{
		my ($state) = $said =~ /^STATE $of[$n]\n(\{.*\})$/m;
		my $begun = $said =~ /^ATTACK $n$/m;
		verdict('G2', $begun && defined $state && $state eq $quiet, "$role, $attacks[$n]{name}",
			$n != $of[$n] ? 'judged with others: SD_TRIALS=2 tells which' : defined $state ? "was: $quiet\n is: $state" : 'no judgement: ' . substr($psql->stderr, -2000));
		# what a role leaves behind shows in no later verdict
		$quiet = $state if defined $state && $of[$n] == $n;
	}
}

# A role that may write to every table, by the server's own role for that.
if ($server->sql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname = 'pg_write_all_data'}))
{
	$server->sql('app', 'CREATE ROLE etl LOGIN; GRANT pg_write_all_data, pg_read_all_data TO etl');
	$quiet = $server->sql('app', "SELECT judge.state('$head')");
	my @refused;
	my %column = (run => 'tool', event => 'message', lock => 'reason', permit => 'reason', permit_use => 'tag', run_statement => 'tag', drift_event => 'tag', applied_migration => 'name');
	foreach my $table (sort keys %column)
	{
		foreach my $statement ("INSERT INTO safedeploy.$table OVERRIDING SYSTEM VALUE SELECT * FROM safedeploy.$table", "UPDATE safedeploy.$table SET $column{$table} = 'forged'", "DELETE FROM safedeploy.$table", "TRUNCATE safedeploy.$table")
		{
			my $psql = run_program([ 'psql', '-Xq', '-v', 'VERBOSITY=sqlstate', '-d', $server->url('app', user => 'etl'), '-c', $statement ]);
			push @refused, $psql->stderr =~ ($statement =~ /^TRUNCATE/ ? qr/42501|SD10[12]/ : qr/SD101/) ? () : "$statement: " . $psql->stderr;
		}
	}
	is_deeply(\@refused, [], 'a role with pg_write_all_data is refused by the guards');
	is($server->sql('app', "SELECT judge.state('$head')"), $quiet, 'and has changed nothing');
}

# What the role that carries out the run may not do either: drift of others is on record,
# and a statement of a session that only says that it works for the run is not the run's.
foreach my $role (qw(app deployer dbowner))
{
	is($server->sql('app', "SELECT count(*) FROM safedeploy.drift_event WHERE \"session_user\" = '$role' AND statement ~ 'unseen'"), 1, "DDL of $role with the token of the run is on record as drift");
}
is($server->sql('app', q{SELECT count(*) FROM safedeploy.run_statement WHERE statement ~ 'forged'}), 0, 'no statement was slipped into a run');

$holder->kill_group;
$server->node->stop;
done_testing();

# judge makes a function that tells the state of everything that the extension keeps.  Rows that
# the guards themselves have added about the attackers (drift, refused statements) do not count.
sub judge
{
	return <<'SQL';
CREATE SCHEMA judge;
CREATE TABLE judge.start AS SELECT
	(SELECT max(id) FROM safedeploy.drift_event) AS drift, (SELECT max(id) FROM safedeploy.permit_use) AS use;
CREATE FUNCTION judge.digest(query text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	digest text;
BEGIN
	EXECUTE format('SELECT count(*) || '':'' || md5(string_agg(q::text, chr(10) ORDER BY q::text COLLATE "C")) FROM (%s) q', query) INTO digest;
	RETURN digest;
END $$;
CREATE FUNCTION judge.state(head text) RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	state jsonb := '{}';
	part record;
	ours text := 'SELECT oid FROM pg_class WHERE relnamespace = ''safedeploy''::regnamespace';
BEGIN
	FOR part IN VALUES
		('run', 'SELECT * FROM safedeploy.run'), ('event', 'SELECT * FROM safedeploy.event'), ('lock', 'SELECT * FROM safedeploy.lock'),
		('permit', 'SELECT * FROM safedeploy.permit'),
		('permit_use', 'SELECT u.* FROM safedeploy.permit_use u, judge.start s WHERE u.id <= s.use OR u."session_user" NOT IN (''nobody'', ''app'', ''deployer'', ''dbowner'', ''etl'')'),
		('drift_event', 'SELECT d.* FROM safedeploy.drift_event d, judge.start s WHERE d.id <= s.drift OR d."session_user" NOT IN (''nobody'', ''app'', ''deployer'', ''dbowner'', ''etl'')'),
		('run_statement', 'SELECT * FROM safedeploy.run_statement'), ('applied_migration', 'SELECT * FROM safedeploy.applied_migration'),
		('snapshot', 'SELECT * FROM safedeploy.snapshot'), ('snapshot_object', 'SELECT * FROM safedeploy.snapshot_object'), ('object_def', 'SELECT * FROM safedeploy.object_def'),
		('sequences', 'SELECT (SELECT last_value FROM safedeploy.fencing_token), (SELECT last_value FROM safedeploy.permit_id_seq), (SELECT last_value FROM safedeploy.snapshot_id_seq)'),
		('orders', 'SELECT * FROM shop.orders'),
		('relations', 'SELECT oid, relname, relowner, relacl, relkind, relfilenode, relrowsecurity, relforcerowsecurity, relpersistence, reloptions, relreplident, relhassubclass FROM pg_class WHERE oid IN (' || ours || ')'),
		('columns', 'SELECT attrelid, attnum, attname, atttypid, attnotnull, atthasdef, attisdropped, attacl, attoptions FROM pg_attribute WHERE attrelid IN (' || ours || ')'),
		('defaults', 'SELECT * FROM pg_attrdef WHERE adrelid IN (' || ours || ')'),
		('constraints', 'SELECT * FROM pg_constraint WHERE conrelid IN (' || ours || ') OR confrelid IN (' || ours || ')'),
		('indexes', 'SELECT * FROM pg_index WHERE indrelid IN (' || ours || ')'),
		('triggers', 'SELECT * FROM pg_trigger WHERE tgrelid IN (' || ours || ')'),
		('rules', 'SELECT * FROM pg_rewrite WHERE ev_class IN (' || ours || ')'),
		('policies', 'SELECT * FROM pg_policy WHERE polrelid IN (' || ours || ')'),
		('children', 'SELECT * FROM pg_inherits WHERE inhparent IN (' || ours || ') OR inhrelid IN (' || ours || ')'),
		('statistics', 'SELECT * FROM pg_statistic_ext WHERE stxrelid IN (' || ours || ')'),
		('routines', 'SELECT * FROM pg_proc WHERE pronamespace = ''safedeploy''::regnamespace'),
		('types', 'SELECT * FROM pg_type WHERE typnamespace = ''safedeploy''::regnamespace'),
		('operators', 'SELECT * FROM pg_operator WHERE oprnamespace = ''safedeploy''::regnamespace'),
		('schema', 'SELECT * FROM pg_namespace WHERE nspname = ''safedeploy'' OR oid = ''safedeploy''::regnamespace'),
		('event triggers', 'SELECT * FROM pg_event_trigger'), ('casts', 'SELECT * FROM pg_cast'), ('languages', 'SELECT * FROM pg_language'),
		('extensions', 'SELECT * FROM pg_extension'), ('members', 'SELECT * FROM pg_depend WHERE deptype = ''e'''),
		('comments', 'SELECT * FROM pg_description WHERE objoid IN (' || ours || ' UNION ALL SELECT oid FROM pg_extension UNION ALL SELECT oid FROM pg_proc WHERE pronamespace = ''safedeploy''::regnamespace)'),
		('labels', 'SELECT * FROM pg_seclabel'), ('default privileges', 'SELECT * FROM pg_default_acl WHERE defaclrole = 10'),
		('publications', 'SELECT * FROM pg_publication_tables'), ('settings', 'SELECT * FROM pg_db_role_setting'),
		('roles', 'SELECT rolname, rolsuper, rolcreaterole, rolbypassrls, rolreplication FROM pg_authid'), ('members of roles', 'SELECT * FROM pg_auth_members'),
		('bodies', 'SELECT oid, proowner FROM pg_proc WHERE prosecdef AND proowner = 10'),
		('prepared', 'SELECT gid FROM pg_prepared_xacts'), ('sessions', 'SELECT count(*) FROM pg_stat_activity WHERE query ~ ''pg_sleep'''),
		('holder', 'SELECT name, token, pid FROM safedeploy.lock_holders')
	LOOP
		state := state || jsonb_build_object(part.column1, judge.digest(part.column2));
	END LOOP;
	RETURN state || jsonb_build_object('faults', (SELECT jsonb_agg(f) FROM safedeploy.verify_ledger(head) f));
END $$;
SQL
}
