# A directory of plain SQL: pairs, order, records in the transaction of the migration,
# files that have transactions of their own, and everything that is refused.
use strict;
use warnings;
use utf8;

use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use File::Temp;
use JSON::PP ();

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('plain');
my $temp   = File::Temp->newdir;
my %quick  = (MIGGUARD_REHEARSE_MODE => 'clone', MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never');
my %fast   = (%quick, MIGGUARD_REHEARSE_MODE => 'off');
my $number = 0;

# project(%files): a database and a directory of its own
sub project
{
	my (%files) = @_;
	my $name = 'p' . ++$number;
	my $dir  = "$temp/$name";
	make_path($dir);
	write_file("$dir/$_", $files{$_}) foreach keys %files;
	$server->create_database($name);
	return { db => $name, dir => $dir };
}

sub guard
{
	my ($project, $arguments, %env) = @_;
	return $server->migguard($project->{db}, $arguments, cwd => "$temp",
		env => { MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => $project->{dir}, %fast, %env });
}

sub applied { return $server->sql($_[0]{db}, q{SELECT coalesce(string_agg(version, ' ' ORDER BY version::numeric), '') FROM safedeploy.applied_migration}); }

sub refused
{
	my ($project, $code, $message, $name, @arguments) = @_;
	my $run = guard($project, [ @arguments ? @arguments : 'run' ]);
	exit_is($run, $code, $name);
	like($run->stderr, $message, "$name: says which");
	return;
}

my $session_sql = <<'SQL';
CREATE TABLE session AS SELECT current_setting('application_name') AS app, current_setting('lock_timeout') AS lock_timeout,
	current_setting('safedeploy.run_id', true) AS run_id, current_setting('safedeploy.fence_token', true) AS token,
	current_setting('local_preload_libraries') AS preload, current_setting('work_mem') AS work_mem;
SQL

# Names of files with everything in them, numbers of any width
{
	my $odd = "0002_été \"q\" 'a' \$(x);\nline \\ %s";
	my %files = (
		'1_first.up.sql' => $session_sql,                '001_first.down.sql' => 'DROP TABLE session;',
		"$odd.up.sql"    => "CREATE TABLE \"é\" ()\n",   "$odd.down.sql"      => "DROP TABLE \"é\" -- no line end",
		'10_ten.up.sql'  => 'CREATE TABLE ten (i int);', '10_ten.down.sql'    => 'DROP TABLE ten;',
		'123456789012345678901_wide.up.sql' => 'CREATE TABLE wide ();', '123456789012345678901_wide.down.sql' => 'DROP TABLE wide;',
		'README.md' => 'not a migration');
	my $p    = project(%files);
	my $plan = guard($p, [ 'plan', '--format', 'json' ], %quick);
	exit_is($plan, 0, 'plan');
	my $told = JSON::PP->new->utf8->decode($plan->stdout);
	is(join(' ', map { $_->{id} } @{ $told->{pending} }), '1 2 10 123456789012345678901', 'numbers are compared as numbers');
	is($told->{pending}[1]{title}, substr($odd, 5), 'the name is told as it is');
	is(applied($p), '', 'a plan records nothing');
	is($server->sql($p->{db}, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0, 'and makes nothing');

	exit_is(guard($p, [ 'run' ], %quick, PGOPTIONS => '-c work_mem=7MB', MIGGUARD_RUN_TARGET => '0002', MIGGUARD_RUN_LOCK_TIMEOUT => '4321ms'), 0, 'up to a target');
	is(applied($p), '1 2', 'and no further');
	my ($history) = $server->runs($p->{db});
	my ($session) = $server->json($p->{db}, 'SELECT * FROM session');
	like($session->{app}, qr/^migguard:@{[ substr $history->{run_id}, 0, 8 ]}:/, 'the session carries the name of the run');
	is($session->{lock_timeout}, '4321ms',           'lock_timeout reaches the session');
	is($session->{run_id},       $history->{run_id}, 'the run id reaches the session');
	like($session->{token}, qr/^[0-9]+$/, 'the fencing token reaches the session');
	is($session->{preload}, 'safedeploy', 'the library is loaded into the session, so that its fence is armed');
	is($session->{work_mem}, '7MB', 'settings of the user reach the session as well');
	my ($row) = $server->json($p->{db}, q{SELECT * FROM safedeploy.applied_migration WHERE version = '1'});
	is($row->{checksum}, sha256_hex($session_sql), 'the checksum is the SHA-256 of the file');
	is($row->{run_id},   $history->{run_id},       'the record has the run');
	is($row->{name},     '1_first.up.sql',         'and the file');

	exit_is(guard($p, ['run']), 0, 'up to the newest');
	is(applied($p), '1 2 10 123456789012345678901', 'all of it');
	exit_is(guard($p, ['run']), 3, 'nothing more to do');
	exit_is(guard($p, [ 'rollback', '--to', '2' ], %quick), 0, 'down to a number');
	is(applied($p), '1 2', 'exactly there');
	is($server->sql($p->{db}, "SELECT to_regclass('ten') IS NULL AND to_regclass('wide') IS NULL AND to_regclass('session') IS NOT NULL"),
		't', 'and the schema with it');
	exit_is(guard($p, [ 'run' ], MIGGUARD_RUN_TARGET => 'nosuch'), 10, 'a target that is not there is refused');
	exit_is(guard($p, [ 'run' ], MIGGUARD_RUN_TARGET => '+1'), 0, 'one step up, rehearsed');
	is(applied($p), '1 2 10', 'is one');
	my $far = guard($p, [ 'run' ], %quick, MIGGUARD_RUN_TARGET => '+2');
	exit_is($far, 10, 'more steps up than there are');
	like($far->stderr, qr/"\+2" leads further than there are migrations/, 'are refused');
	exit_is(guard($p, [ 'run' ], MIGGUARD_RUN_TARGET => '+1'), 0, 'one step up to the newest');
	is(applied($p), '1 2 10 123456789012345678901', 'is one');
	exit_is(guard($p, [ 'rollback', '--to', '-2' ]), 0, 'two steps down, rehearsed');
	is(applied($p), '1 2', 'are two');
	isnt(guard($p, [ 'rollback', '--to', '-3' ])->exit_code, 0, 'more steps down than there are');
	is(applied($p), '1 2', 'do nothing');

	# what was applied must stay as it was
	write_file("$p->{dir}/1_first.up.sql", "$session_sql-- more\n");
	refused($p, 10, qr/"1_first\.up\.sql" was changed after it was applied/, 'a file that was changed after it ran');
	write_file("$p->{dir}/1_first.up.sql", $session_sql);
	write_file("$p->{dir}/0_before.up.sql", 'SELECT 1;');
	refused($p, 10, qr/"0_before\.up\.sql" was never applied, but a newer one was/, 'a number below one that is applied');
	unlink "$p->{dir}/0_before.up.sql", "$p->{dir}/1_first.up.sql", "$p->{dir}/001_first.down.sql";
	refused($p, 10, qr/migration 1 is applied, but its file is missing/, 'a file that is missing');
}

# Projects side by side in one database
{
	my $p = project('1_a.up.sql' => 'CREATE TABLE one ();', '1_a.down.sql' => 'DROP TABLE one;');
	my $q = { db => $p->{db}, dir => "$temp/other" };
	make_path($q->{dir});
	write_file("$q->{dir}/1_b.up.sql", 'CREATE TABLE two ();');
	write_file("$q->{dir}/1_b.down.sql", 'DROP TABLE two;');
	exit_is(guard($p, ['run']), 0, 'one project');
	exit_is(guard($q, ['run'], MIGGUARD_TOOL_PROJECT => "o'ther \"p"), 0, 'another in the same database');
	is($server->sql($p->{db}, "SELECT string_agg(project || name, ' ' ORDER BY name) FROM safedeploy.applied_migration"),
		"default1_a.up.sql o'ther \"p1_b.up.sql", 'each has its records');
}

# A failure takes the migration and its record back together
{
	my $p = project(
		'1_a.up.sql' => "CREATE TABLE a ();\nSELECT 1/0;\n", '1_a.down.sql' => 'DROP TABLE a;');
	my $run = guard($p, ['run']);
	exit_is($run, 20, 'a migration that fails changes nothing');
	is(applied($p), '', 'and is not recorded');
	is($server->sql($p->{db}, "SELECT to_regclass('a') IS NULL"), 't', 'its first statement is gone too');
	like($run->stderr, qr/1_a\.up\.sql:2: ERROR:\s+division by zero/, 'the message names file and line');
}

# No transaction where there can be none
{
	my $p = project(
		'1_a.up.sql'   => "CREATE TABLE a (i integer);",
		'1_a.down.sql' => 'DROP TABLE a;',
		'2_i.up.sql'   => "CREATE INDEX CONCURRENTLY a_i ON a (i);\n",
		'2_i.down.sql' => 'DROP INDEX CONCURRENTLY a_i;',
		'3_o.up.sql'   => "BEGIN;\nCREATE TABLE o ();\nCOMMIT;\nCREATE TABLE o2 ();",
		'3_o.down.sql' => "BEGIN; DROP TABLE o; COMMIT; DROP TABLE o2;",
		'4_s.up.sql'   => "SAVEPOINT s; CREATE TABLE s (); ROLLBACK TO SAVEPOINT s; CREATE TABLE s2 ();",
		'4_s.down.sql' => 'DROP TABLE s2;');
	exit_is(guard($p, [ 'run' ], %quick), 0, 'statements that run in no transaction, and files with their own');
	is(applied($p), '1 2 3 4', 'are recorded');
	is($server->sql($p->{db}, "SELECT to_regclass('s') IS NULL AND to_regclass('s2') IS NOT NULL"), 't', 'a savepoint is no transaction of its own');
	exit_is(guard($p, [ 'rollback', '--to', 'base' ], %quick), 0, 'down to the base');
	is(applied($p), '', 'nothing is recorded any more');
	write_file("$p->{dir}/5_c.up.sql", "BEGIN;\nCREATE TABLE c1 ();\nCOMMIT;\nSELECT 1/0;");
	write_file("$p->{dir}/5_c.down.sql", 'DROP TABLE IF EXISTS c1;');
	my $half = guard($p, ['run']);
	exit_is($half, 22, 'a file that fails behind its own COMMIT: what it left is seen');
	like($half->stderr, qr/Table "public\.c1" is added/, 'and named');
	is(applied($p), '', 'it is not recorded, and those before it are taken back');
}

# What psql would do otherwise than meant
foreach my $case (
	[ "\\connect postgres\nCREATE TABLE elsewhere ();", qr/1_a\.up\.sql:1: command \\connect of psql is not allowed/, 'a file that leaves the database' ],
	[ "CREATE TABLE a ();\n\\q\nCREATE TABLE b ();",    qr/1_a\.up\.sql:2: command \\q of psql/,                 'a file that ends early' ],
	[ "\\! touch $temp/touched",                        qr/command \\! of psql/,                                 'a file that runs a program' ],
	[ "\\set ON_ERROR_STOP off\nSELECT 1/0;",           qr/command \\set of psql/,                               'a file that goes on after errors' ],
	[ "CREATE TABLE a ();\nBEGIN;\nCREATE TABLE b ();", qr/1_a\.up\.sql:2: the transaction .* never ended/,      'a file that leaves its transaction open' ],
	[ "SELECT 'caf\xe9';",                              qr/1_a\.up\.sql" is not a text in UTF-8/,                'a file in another encoding' ])
{
	my $p = project('1_a.up.sql' => $case->[0], '1_a.down.sql' => 'SELECT 1;');
	refused($p, 10, $case->[1], $case->[2]);
	is(applied($p), '', "$case->[2]: is not recorded");
}
ok(!-e "$temp/touched", 'no program was run');
{
	my $p = project('1_a.up.sql' => "\\set ON_ERROR_STOP on\n\\set name 'x'\n\\echo :name\nCREATE TABLE :\"name\" ();", '1_a.down.sql' => 'DROP TABLE x;');
	exit_is(guard($p, ['run']), 0, 'harmless commands of psql are allowed');
	is(applied($p), '1', 'and the file is recorded');
}

# The directory itself
foreach my $case (
	[ { '1_a.up.sql' => '', '01_b.up.sql' => '' },   qr/"01_b\.up\.sql" and "1_a\.up\.sql" have the same number/, 'the same number twice' ],
	[ { '1_a.up.sql' => '', '2_b.down.sql' => '' },  qr/"2_b\.down\.sql" has no \.up\.sql/,                       'a downgrade without its upgrade' ],
	[ { '1_a.up.sql' => '', '2_b.upp.sql' => '' },   qr/"2_b\.upp\.sql" is not the name of a migration/,          'a name with a slip' ],
	[ { '1_a.up.sql' => '', '2-b.up.sql' => '' },    qr/"2-b\.up\.sql" is not the name of a migration/,           'another separator' ])
{
	refused(project(%{ $case->[0] }), 65, $case->[1], $case->[2]);
}
{
	my $p = project('1_a.up.sql' => 'CREATE TABLE a ();', '2_b.up.sql' => 'CREATE TABLE b ();', '2_b.down.sql' => 'DROP TABLE b;');
	my $plan = guard($p, [ 'plan', '--format', 'json' ], %quick, MIGGUARD_REHEARSE_REPAIR => 'off');
	exit_is($plan, 12, 'a migration without a way down is refused by the rehearsal');
	like($plan->stderr, qr/1_a\.up\.sql\\?" has no \.down\.sql/, 'which names the file');
	is(join(' ', map { $_->{reversible} ? 1 : 0 } @{ JSON::PP->new->utf8->decode($plan->stdout)->{pending} }), '0 1', 'and the plan says which');
	exit_is(guard({ %$p, dir => "$temp/nonexistent" }, ['run']), 65, 'no directory');
}

is_deeply([ $server->scratch_databases ], [], 'no scratch database is left');

done_testing();
