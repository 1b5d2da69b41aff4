# Flyway Community, the real one: up, up to a version, what is pending by Flyway's own rules,
# the undo and the dry run that it lacks, and what is refused.
use strict;
use warnings;
use utf8;

use File::Temp;
use JSON::PP ();

use SafeDeployTest;
use SafeDeployTest::Real;
use Test::More;

my $server = SafeDeployTest->new('flyway', tcp => 1);
my $flyway = real_tool('flyway');
my $temp   = File::Temp->newdir;
my %quick  = (MIGGUARD_REHEARSE_MODE => 'clone', MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never');
my %fast   = (%quick, MIGGUARD_REHEARSE_MODE => 'off');
my $number = 0;

# project(%files): a database and a directory of its own, with spaces, quotes and more in its name
sub project
{
	my (%files) = @_;
	my $name = 'p' . ++$number;
	my $dir  = "$temp/$name \"j' é";
	write_file("$dir/$_", $files{$_}) foreach keys %files;
	utf8::encode($dir);
	$server->create_database($name);
	return { db => $name, dir => $dir };
}

sub guard
{
	my ($project, $arguments, %env) = @_;
	my @tool = ($flyway, @{ delete $env{options} || [] }, 'migrate');
	return $server->migguard(undef, [ @$arguments, '--', @tool ], cwd => $project->{dir},
		env => { %fast, LC_ALL => 'C.UTF-8', DATABASE_URL => $server->url($project->{db}, tcp => 1, %{ delete $env{url} || {} }), %env });
}

# bare($project, @arguments): Flyway alone
sub bare
{
	my ($project, @arguments) = @_;
	my $p = run_program([ $flyway, '-skipCheckForUpdate', @arguments ], cwd => $project->{dir},
		env => { LC_ALL => 'C.UTF-8', FLYWAY_URL => $server->jdbc_url($project->{db}), FLYWAY_USER => $server->user });
	return $p;
}

sub applied
{
	my ($project, $table) = @_;
	return $server->sql($project->{db}, 'SELECT string_agg(version, \' \' ORDER BY installed_rank) FROM '
		  . ($table || 'flyway_schema_history') . ' WHERE success AND version IS NOT NULL');
}

sub refused
{
	my ($project, $code, $message, $name, %env) = @_;
	my $run = guard($project, ['run'], %env);
	exit_is($run, $code, $name);
	like($run->stderr, $message, "$name: says which");
	return;
}

my $session_sql = <<'SQL';
CREATE TABLE session AS SELECT current_setting('application_name') AS app, current_setting('lock_timeout') AS lock_timeout,
	current_setting('statement_timeout') AS statement_timeout, current_setting('safedeploy.run_id', true) AS run_id,
	coalesce(current_setting('safedeploy.fence_token', true), '') AS token,
	current_setting('local_preload_libraries') AS preload, current_setting('work_mem') AS work_mem
SQL

# The whole way, with names and versions of all kinds
my $p = project(
	'flyway.conf'                     => "flyway.locations=filesystem:sql,filesystem:more sql\nflyway.placeholders.Who=m\\\n  e\n",
	'sql/V1__first_thing.sql'         => $session_sql,
	'sql/U1__first_thing.sql'         => 'DROP TABLE session -- no line end',
	"sql/sub/V1_2__zwölf \"x.sql" => "\x{feff}CREATE TABLE \"\${who}\" (i integer);\r\nINSERT INTO \"\${WHO}\" VALUES (1);\r\n\r\n",
	'sql/U1.2__other_name.sql'        => "DROP TABLE \"\${who}\";\n",
	'more sql/V1.10__ten.sql'         => "CREATE TABLE ten AS SELECT '\${flyway:database}'::text AS d, '\${flyway:user}'::text AS u, '\${flyway:filename}'::text AS f;",
	'more sql/U1.10__ten.sql'         => "DROP TABLE ten; CREATE TEMP TABLE u AS SELECT 1 WHERE ':USER' <> chr(58) || 'USER';\nDO \$\$BEGIN IF EXISTS (SELECT 1 FROM u) THEN RAISE 'psql has put in a variable'; END IF; END\$\$;",
	'more sql/V1.9__nine.sql'         => 'CREATE TABLE nine ();',
	'more sql/U1.9__nine.sql'         => 'DROP TABLE nine;');
{
	my $plan = guard($p, [ 'plan', '--format', 'json' ], %quick);
	exit_is($plan, 0, 'plan, the dry run that Flyway lacks');
	my $told = JSON::PP->new->utf8->decode($plan->stdout);
	is(join(' ', map { $_->{id} } @{ $told->{pending} }), '1 1.2 1.9 1.10', 'versions are compared by their numbers');
	is($told->{pending}[1]{title}, "zwölf \"x", 'with their descriptions');
	is($told->{downgrade}, 'restores the schema', 'the undo is proved on the clone');
	is($server->sql($p->{db}, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0, 'a plan leaves the database alone');

	exit_is(guard($p, ['run'], MIGGUARD_RUN_TARGET => '1.2', PGOPTIONS => '-c work_mem=7MB', MIGGUARD_RUN_LOCK_TIMEOUT => '4321ms', MIGGUARD_RUN_STATEMENT_TIMEOUT => '77s'),
		0, 'up to a version');
	is(applied($p), '1 1.2', 'and no further');
	my ($history) = $server->runs($p->{db});
	my ($session) = $server->json($p->{db}, 'SELECT * FROM session');
	like($session->{app}, qr/^migguard:@{[ substr $history->{run_id}, 0, 8 ]}:/, 'the session carries the name of the run');
	is($session->{lock_timeout},      '4321ms',           'lock_timeout reaches the session');
	is($session->{statement_timeout}, '77s',              'statement_timeout reaches the session');
	is($session->{run_id},            $history->{run_id}, 'the run id reaches the session');
	like($session->{token}, qr/^[0-9]+$/, 'the fencing token reaches the session');
	is($session->{preload}, 'safedeploy', 'the library is loaded into the session, so that its fence is armed');
	is($session->{work_mem}, '7MB', 'settings of the user reach the session as well');

	exit_is(guard($p, ['run']), 0, 'up to the newest');
	is(applied($p), '1 1.2 1.9 1.10', 'all of it');
	is($server->sql($p->{db}, 'SELECT d, u = current_user, f FROM ten'), "$p->{db}|t|V1.10__ten.sql", 'placeholders are the real ones');
	exit_is(guard($p, ['run']), 3, 'nothing more to do');
	isnt(guard($p, [ 'rollback', '--to', '-5' ])->exit_code, 0, 'more steps down than there are');
	is(applied($p), '1 1.2 1.9 1.10', 'do nothing');
	exit_is(guard($p, [ 'rollback', '--to', '1.2' ], %quick), 0, 'down to a version, which is the undo that Flyway lacks');
	is(applied($p), '1 1.2', 'exactly there');
	exit_is(guard($p, [ 'run' ], %quick, MIGGUARD_RUN_TARGET => 'next'), 0, 'up to the next version');
	is(applied($p), '1 1.2 1.9', 'is one');
	exit_is(guard($p, [ 'rollback', '--to', '-1' ], %quick), 0, 'a step down');
	is(applied($p), '1 1.2', 'is one as well');
	exit_is(guard($p, [ 'run' ], %quick, MIGGUARD_RUN_TARGET => 'current'), 3, 'up to where it is: nothing to do');
	is($server->sql($p->{db}, "SELECT to_regclass('ten') IS NULL AND to_regclass('nine') IS NULL AND to_regclass('me') IS NOT NULL"),
		't', 'and the schema with it');
	my $info = bare($p, 'info', '-outputType=json');
	my $states = JSON::PP->new->utf8->decode($info->stdout)->{migrations};
	is(join(' ', map { "$_->{version}:$_->{state}" } @$states), '1:Success 1.2:Success 1.9:Pending 1.10:Pending', 'Flyway takes what was undone for pending');
	exit_is(bare($p, 'migrate'), 0, 'and applies it again');
	is(applied($p), '1 1.2 1.9 1.10', 'as if nothing had been');

	# Flyway's own lock is respected
	my $holder = start_program([ 'psql', '-Xq', '-d', $server->url($p->{db}), '-c',
		q{SELECT pg_advisory_lock(77433833903597), pg_sleep(60)} ]);
	wait_until(sub { $server->sql($p->{db}, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND ((classid::bigint << 32) | objid::bigint) = 77433833903597") }, 20, 'the lock');
	my $locked = guard($p, [ 'rollback', '--to', '1.9' ]);
	isnt($locked->exit_code, 0, 'no undo while Flyway holds its lock');
	like($locked->stderr, qr/Flyway is running in another session/, 'and says so');
	is(applied($p), '1 1.2 1.9 1.10', 'nothing was undone');
	$holder->kill_group;
	wait_until(sub { !$server->sql($p->{db}, "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid() OFFSET 0) AS s") }, 20, 'the end of the lock');
}

# What was applied must be as it was
{
	write_file("$p->{dir}/more sql/V1.9__nine.sql", 'CREATE TABLE nine (changed int);');
	refused($p, 10, qr/V1\.9__nine\.sql" was changed after it was applied/, 'a file that was changed');
	write_file("$p->{dir}/more sql/V1.9__nine.sql", "CREATE TABLE nine ();\r\n");
	exit_is(guard($p, ['run']), 3, 'other line ends are no change, as with Flyway');
	exit_is(bare($p, 'validate'), 0, 'which agrees');
	unlink "$p->{dir}/more sql/V1.9__nine.sql";
	refused($p, 10, qr/version 1\.9 is applied, but its file is missing/, 'a missing file');
	write_file("$p->{dir}/more sql/V1.9__nine.sql", 'CREATE TABLE nine ();');
	write_file("$p->{dir}/more sql/V1.5__five.sql", 'CREATE TABLE five ();');
	write_file("$p->{dir}/more sql/U1.5__five.sql", 'DROP TABLE five;');
	refused($p, 10, qr/V1\.5__five\.sql" was never applied, but a newer one was/, 'a version below one that is applied');
	exit_is(guard($p, ['run'], %quick, options => ['-outOfOrder=true']), 0, 'unless out of order is allowed');
	is(applied($p), '1 1.2 1.9 1.10 1.5', 'and applied so');
	write_file("$p->{dir}/sql/V1.05__again.sql", 'SELECT 1;');
	refused($p, 65, qr/two migrations have the same version/, 'the same version twice');
	unlink "$p->{dir}/sql/V1.05__again.sql";
	unlink "$p->{dir}/more sql/U1.10__ten.sql";
	my $back = guard($p, [ 'rollback', '--to', '1.2' ]);
	isnt($back->exit_code, 0, 'no way back without an undo file');
	like($back->stderr, qr/version 1\.10 \("V1\.10__ten\.sql"\) has no undo file/, 'which is named');
	is(applied($p), '1 1.2 1.9 1.10 1.5', 'and nothing was undone');
}

# Failures: in a transaction nothing stays; outside of one Flyway keeps a failed entry
{
	my $q = project(
		'flyway.conf'        => "flyway.locations=filesystem:.\n",
		'V1__a.sql'          => 'CREATE TABLE a (i integer); INSERT INTO a VALUES (1), (1);',
		'U1__a.sql'          => 'DROP TABLE a;',
		'V2__i.sql'          => 'CREATE INDEX CONCURRENTLY a_i ON a (i);',
		'U2__i.sql'          => 'DROP INDEX CONCURRENTLY a_i;',
		'V3__bad.sql'        => "CREATE TABLE b ();\nSELECT 1/0;\n",
		'U3__bad.sql'        => 'DROP TABLE b;');
	exit_is(guard($q, ['run'], MIGGUARD_RUN_TARGET => '1'), 0, 'a first version');
	exit_is(guard($q, ['run'], MIGGUARD_RUN_TARGET => '2'), 0, 'CREATE INDEX CONCURRENTLY does not wait for Flyway\'s own lock');
	my $undo = guard($q, [ 'rollback', '--to', '1' ]);
	isnt($undo->exit_code, 0, 'an undo that runs in no transaction is refused');
	like($undo->stderr, qr/undo file "U2__i\.sql" has DROP INDEX, which runs in no transaction/, 'by its name');
	is(applied($q), '1 2', 'before anything was done');
	my $bad = guard($q, ['run']);
	exit_is($bad, 20, 'a migration that fails changes nothing');
	is(applied($q), '1 2', 'and is not in the history');
	unlink "$q->{dir}/V3__bad.sql", "$q->{dir}/U3__bad.sql";
	write_file("$q->{dir}/V3__unique.sql", 'CREATE UNIQUE INDEX CONCURRENTLY a_u ON a (i);');
	refused($q, 12, qr/will fail/, 'what the rows do not let through is refused');
	my $failed = guard($q, ['run'], MIGGUARD_RUN_PROBE => 'off');
	exit_is($failed, 22, 'one that fails outside of a transaction leaves something, which is seen');
	like($failed->stderr, qr/a_u/, 'and named');
	refused($q, 10, qr/failed entry: version 3 \("V3__unique\.sql"\)/, 'a failed entry in the history');
}

# Settings in TOML, a schema and a table of its own, repeatable migrations, a password
{
	my $canary = 'canary-91bc';
	$server->sql('postgres', "CREATE ROLE toml LOGIN SUPERUSER PASSWORD '$canary'");
	my $q = project(
		'flyway.toml' => <<'TOML',
[environments.default] # where it would go without migguard
url = "jdbc:postgresql://127.0.0.1:1/nowhere"
user = "nobody"
schemas = [
  "app X",   # made by Flyway
]

[flyway]
locations = ['filesystem:db']
table = "my history"
[flyway.placeholders]
"who" = "toml"
TOML
		'db/V001__a.sql'  => "CREATE TABLE \"\${who}\" ();",
		'db/U001__a.sql'  => "DROP TABLE \"\${who}\";",
		'db/R__view.sql'  => "CREATE OR REPLACE VIEW v AS SELECT 1 AS \"\${who}\";");
	my $run = guard($q, ['run'], %quick, MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on', url => { user => 'toml', password => $canary });
	exit_is($run, 0, 'settings in TOML, and a database that is not where they say');
	is(applied($q, '"app X"."my history"'), '001', 'a history of another name');
	is($server->sql($q->{db}, q{SELECT to_regclass('"app X".toml') IS NOT NULL AND to_regclass('"app X".v') IS NOT NULL}), 't', 'in a schema that Flyway made');
	exit_is(guard($q, ['run']), 3, 'a repeatable migration is not due until it is changed');
	write_file("$q->{dir}/db/R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT 1 AS \"\${who}\", 2 AS two;");
	my $plan = guard($q, [ 'plan', '--format', 'json' ]);
	is(join(' ', map { "$_->{id}:" . ($_->{reversible} ? 1 : 0) } @{ JSON::PP->new->utf8->decode($plan->stdout)->{pending} }), 'R__view:0',
		'then it is, and has no undo');
	my $back = guard($q, [ 'rollback', '--to', 'base' ]);
	isnt($back->exit_code, 0, 'what a repeatable migration came after is not undone');
	like($back->stderr, qr/repeatable migration "R__view\.sql" was applied after version 001/, 'by its name');
	unlike($run->stdout . $run->stderr, qr/$canary/, 'the password is printed nowhere');
	is($server->sql($q->{db}, "SELECT count(*) FROM safedeploy.event WHERE event::text LIKE '%$canary%'"), 0, 'nor kept in the ledger');
}

# Where Flyway cannot go
{
	my $run = $server->migguard($p->{db}, [ 'run', '--', $flyway, 'migrate' ], cwd => $p->{dir}, env => \%fast);
	exit_is($run, 10, 'no Unix socket');
	like($run->stderr, qr/Flyway cannot connect by a Unix socket/, 'and says so');
	refused($p, 65, qr/cannot read Flyway's location "classpath:db"/, 'files that only Java can read', options => ['-locations=classpath:db']);
	refused($p, 65, qr/location ".*nonexistent" is not a directory/, 'no such directory', options => ['-locations=filesystem:nonexistent']);
	my $clean = $server->migguard($p->{db}, [ 'run', '--', $flyway, 'clean', 'migrate' ], cwd => $p->{dir}, env => \%fast);
	exit_is($clean, 64, 'a command line that does more than migrate is not taken');
}

done_testing();
