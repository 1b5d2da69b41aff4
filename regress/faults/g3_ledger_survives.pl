# The ledger survives dumps of all kinds, an update of the extension, and a drop by mistake;
# a migration file that was changed after it ran is refused, and never run again.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('G3', 'the ledger survives dump, restore, update and a drop by mistake');
promise('G5', 'a migration file that was changed after it ran is refused');

my $server = SafeDeployTest->new('survives');
my $node = $server->node;
$server->create_database('app');
my $fill = "SELECT safedeploy.begin_run(NULL, 'run', 'sql', 'app', NULL, E'a''b\\\\c\\n', NULL, '{\"x\": 1.50}') AS id \\gset
SELECT safedeploy.record_event(:'id', 'migrate', 'ok', 'j\u00fcrgen', '[]');
SELECT safedeploy.end_run(:'id', 'done', 0, NULL, '{\"revision\": \"b2\"}');";
$server->sql('app', "SELECT safedeploy.try_lock('app'); $fill $fill SELECT safedeploy.permit('DROP TABLE t', ARRAY['table public.t'], 'x');
SELECT safedeploy.record_migration('app', '1', 'first', repeat('0', 64)); SELECT safedeploy.take_snapshot('s')");
my $head = $server->sql('app', 'SELECT safedeploy.ledger_head()');
my $rows = join ' UNION ALL ', map { "SELECT '$_:' || count(*) || md5(coalesce(string_agg(t::text, '' ORDER BY t::text COLLATE \"C\"), '')) FROM safedeploy.$_ t" }
  qw(run event lock permit permit_use applied_migration snapshot snapshot_object object_def);
$rows .= " UNION ALL SELECT 'tokens:' || last_value FROM safedeploy.fencing_token";
my $want = $server->sql('app', $rows);

sub survives
{
	my ($database, $name, $on) = @_;
	$on ||= $server;
	my $got = $on->sql($database, $rows);
	my $faults = $on->sql($database, "SELECT * FROM safedeploy.verify_ledger('$head')");
	my ($rc) = $on->try_sql($database, "SELECT safedeploy.begin_run(NULL, 'run', NULL, NULL, NULL, NULL, NULL, NULL)");
	my $after = $on->sql($database, "SELECT * FROM safedeploy.verify_ledger('$head')");
	verdict('G3', $got eq $want && $faults eq '' && $rc == 0 && $after eq '', $name, "was: $want", "is: $got", $faults, $after);
	return;
}

my $base = $node->basedir;
my @ways = (
	[ 'custom',    [ '-Fc', '-f', "$base/c" ],         [ 'pg_restore', '--exit-on-error' ],        "$base/c" ],
	[ 'directory', [ '-Fd', '-j2', '-f', "$base/d" ],  [ 'pg_restore', '--exit-on-error', '-j2' ], "$base/d" ],
	[ 'tar',       [ '-Ft', '-f', "$base/t" ],         [ 'pg_restore', '--exit-on-error' ],        "$base/t" ],
	[ 'plain',     [ '-Fp', '-f', "$base/p" ],         [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f' ], "$base/p" ],
	[ 'inserts',   [ '-Fp', '--column-inserts', '-f', "$base/i" ], [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f' ], "$base/i" ]);
foreach my $way (@ways)
{
	my ($name, $dump, $restore, $file) = @$way;
	$server->create_database($name, extension => 0);
	exit_is(run_program([ 'pg_dump', @$dump, $server->url('app') ]), 0, "pg_dump: $name");
	exit_is(run_program($restore->[0] eq 'psql' ? [ @$restore, $file, $server->url($name) ] : [ @$restore, '-d', $server->url($name), $file ]), 0, "restore: $name");
	survives($name, "dump and restore: $name");
}
$server->create_database('structure', extension => 0);
exit_is(run_program([ 'pg_dump', '-s', '-f', "$base/s", $server->url('app') ]), 0, 'pg_dump --schema-only');
exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$base/s", $server->url('structure') ]), 0, 'its restore');
verdict('G3', $server->sql('structure', "SELECT count(*) FROM safedeploy.event") eq '0' && !$server->faults('structure'), 'a dump of the schema alone: an empty ledger that verifies');

my $other = SafeDeployTest->new('other');
exit_is(run_program([ 'pg_dumpall', '-f', "$base/all", '-d', $server->url('postgres') ]), 0, 'pg_dumpall');
run_program([ 'psql', '-Xq', '-f', "$base/all", $other->url('postgres') ]);
survives('app', 'pg_dumpall', $other);
$other->node->stop;

# An update: from each version that was released, and from this one to one that adds a column
# to the ledger, as the form of its hashes allows.
my $sharedir = $node->config_data('--sharedir') . '/extension';
my $version = $server->sql('app', q{SELECT extversion FROM pg_extension WHERE extname = 'safedeploy'});
my @released = map { m{safedeploy--([^-]+)\.sql$} ? $1 : () } glob "$ENV{TESTDIR}/../sql/releases/safedeploy--*.sql";
foreach my $old (@released)
{
	$server->create_database("from_$old", extension => 0);
	$server->sql("from_$old", "CREATE EXTENSION safedeploy VERSION '$old'; $fill");
	my $kept = $server->sql("from_$old", 'SELECT safedeploy.ledger_head()');
	$server->sql("from_$old", 'ALTER EXTENSION safedeploy UPDATE');
	verdict('G3', $server->sql("from_$old", "SELECT * FROM safedeploy.verify_ledger('$kept')") eq '', "update from $old");
}
my $next = "$sharedir/safedeploy--$version--test$$.sql";
END { my $status = $?; unlink $next if defined $next; $? = $status; }
open my $handle, '>', $next or die "$next: $!";
print $handle "ALTER TABLE safedeploy.event ADD COLUMN severity text;\nALTER TABLE safedeploy.run ADD COLUMN ticket text;\nCREATE FUNCTION safedeploy.added() RETURNS integer LANGUAGE sql AS 'SELECT 1';\nREVOKE ALL ON FUNCTION safedeploy.added() FROM PUBLIC;\n";
close $handle or die "$next: $!";
my $chain = q{SELECT md5(string_agg(seq::text || encode(hash, 'hex'), '' ORDER BY seq)) FROM safedeploy.event};
my $hashes = $server->sql('app', $chain);
$server->sql('app', "ALTER EXTENSION safedeploy UPDATE TO 'test$$'");
verdict('G3', $server->sql('app', "SELECT * FROM safedeploy.verify_ledger('$head')") eq '' && $server->sql('app', $chain) eq $hashes, 'update to a version with one column more: rows and hashes stay');
$server->sql('app', "SELECT safedeploy.begin_run(NULL, 'run', NULL, NULL, NULL, NULL, NULL, NULL)");
verdict('G3', $server->sql('app', "SELECT * FROM safedeploy.verify_ledger('$head')") eq '', 'and the chain goes on');
verdict('G3', $server->sql('app', q{SELECT has_function_privilege('public', 'safedeploy.added()', 'EXECUTE')}) eq 'f', 'what the update brought is nobody\'s');
my ($rc, undef, $err) = $server->try_sql('app', q{SET session_replication_role = replica; UPDATE safedeploy.event SET severity = 'x'});
verdict('G3', $err =~ /SD101/, 'the guards are on after the update', $err);

# Dropped by mistake
$server->create_database('mistake');
$server->sql('mistake', $fill);
foreach my $drop ('DROP EXTENSION safedeploy', 'drop extension if exists "safedeploy" restrict', q{DO $$ BEGIN EXECUTE 'DROP EXTENSION safedeploy'; END $$}, 'DROP SCHEMA safedeploy', 'DROP SCHEMA safedeploy CASCADE', 'DROP TABLE safedeploy.event CASCADE')
{
	(undef, undef, $err) = $server->try_sql('mistake', $drop);
	verdict('G3', $err =~ /SD101|2BP01/ && $server->sql('mistake', 'SELECT count(*) FROM safedeploy.event') eq '3', "a superuser's $drop", $err);
}
$server->sql('mistake', 'DROP EXTENSION safedeploy CASCADE');
is($server->sql('mistake', q{SELECT count(*) FROM pg_extension WHERE extname = 'safedeploy'}), 0, 'CASCADE is the confirmation');
$server->sql('mistake', 'CREATE EXTENSION safedeploy; DROP EXTENSION safedeploy');
pass('an empty ledger needs none');

# A file that was changed after it ran
my $dir = File::Temp->newdir;
sub save
{
	my ($name, $text) = @_;
	open my $out, '>:raw', "$dir/$name" or die "$name: $!";
	print $out $text;
	close $out or die "$name: $!";
	return;
}
$server->create_database('files');
my %env = (MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$dir", MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_REHEARSE_MODE => 'off', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never');
my $first = "CREATE TABLE ran (n integer);\nINSERT INTO ran VALUES (1);\n";
save('1_first.up.sql', $first);
save('1_first.down.sql', "DROP TABLE ran;\n");
exit_is($server->migguard('files', ['run'], env => \%env), 0, 'a file runs');
save('2_second.up.sql', "CREATE TABLE second (n integer);\n");
save('2_second.down.sql', "DROP TABLE second;\n");
my %changes = ('a statement more' => $first . "INSERT INTO ran VALUES (2);\n", 'a byte' => $first =~ s/1/2/r, 'a blank at the end' => "$first ", 'other ends of lines' => $first =~ s/\n/\r\n/gr, 'emptied' => '');
foreach my $what (sort keys %changes)
{
	save('1_first.up.sql', $changes{$what});
	my $p = $server->migguard('files', ['run'], env => \%env);
	verdict('G5', $p->exit_code == 10 && $p->stderr =~ /1_first\.up\.sql" was changed after it was applied/ && $server->sql('files', 'SELECT count(*) FROM ran') eq '1'
		&& $server->sql('files', q{SELECT to_regclass('second') IS NULL}) eq 't', "changed after it ran: $what", $p->stderr);
}
save('1_first.up.sql', $first);
exit_is($server->migguard('files', ['run'], env => \%env), 0, 'as it was, it lets the next one run');
is($server->sql('files', 'SELECT count(*) FROM ran'), 1, 'and was not run again');

$node->stop;
done_testing();
