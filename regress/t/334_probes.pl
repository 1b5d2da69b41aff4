# Rows that would let a migration fail stop the run before it begins: lint, plan and run ask the real
# database, which a rehearsal on a clone of its schema cannot.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp;
use JSON::PP ();

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('rows');
my $temp   = File::Temp->newdir;
my %quick  = (MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off');
my $count  = 0;

# project(UP): a database with rows and a directory with one migration
sub project
{
	my ($up) = @_;
	my $db  = 'app' . ++$count;
	my $dir = "$temp/$db";
	make_path($dir);
	foreach my $file ([ '1_change.up.sql', $up ], [ '1_change.down.sql', "ALTER TABLE t ALTER a DROP NOT NULL;\n" ])
	{
		open my $handle, '>', "$dir/$file->[0]" or die "$dir: $!";
		print $handle $file->[1];
		close $handle or die "$dir: $!";
	}
	$server->create_database($db);
	$server->sql($db, 'CREATE TABLE t (id integer PRIMARY KEY, a integer); INSERT INTO t SELECT g, CASE WHEN g NOT IN (42, 77) THEN g END FROM generate_series(1, 100) g');
	return { db => $db, dir => $dir };
}

sub guard
{
	my ($project, $arguments, %env) = @_;
	return $server->migguard($project->{db}, $arguments, cwd => $project->{dir}, env => { %quick, MIGGUARD_TOOL_DIRECTORY => $project->{dir}, %env });
}

my $refused = qr/2 rows have NULL in a, for example id = 42/;
my $project = project("ALTER TABLE t ALTER a SET NOT NULL;\n");

# plan and run: refused as a rehearsal would, with nothing changed
foreach my $command ('plan', 'run')
{
	my $run = guard($project, [$command]);
	exit_is($run, 12, $command);
	like($run->stderr, $refused, "$command: says which rows");
}
is($server->sql($project->{db}, q{SELECT attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'}), 'f', 'nothing was run');
exit_is(guard($project, ['run'], MIGGUARD_RUN_FAIL_ON => 'never'), 12, 'whatever the threshold for findings is');

# the threshold of examples: values may be secret
my $quiet = guard($project, ['plan'], MIGGUARD_RUN_PROBE_EXAMPLES => 'off');
like($quiet->stderr, qr/2 rows have NULL in a/, 'without examples');
unlike($quiet->stderr, qr/id = 42/, 'no value is told');

# unless nobody is to ask: the rehearsal, which has no rows, cannot know
my $blind = guard($project, ['plan'], MIGGUARD_RUN_PROBE => 'off', MIGGUARD_RUN_FAIL_ON => 'never');
exit_is($blind, 0, 'rows are not asked');
unlike($blind->stderr, $refused, 'and so nothing is known of them');

# an answer that is good is told too
$server->sql($project->{db}, 'UPDATE t SET a = 0 WHERE a IS NULL');
my $good = guard($project, [ 'plan', '--format', 'json' ], MIGGUARD_RUN_FAIL_ON => 'never');
exit_is($good, 0, 'rows that will do');
ok(scalar(grep { /checked 100 rows, none has NULL in a/ } @{ JSON::PP->new->utf8->decode($good->stdout)->{findings} }), 'are told');
exit_is(guard($project, ['run'], MIGGUARD_RUN_FAIL_ON => 'never'), 0, 'and it runs');

# whoever knows better says why
my $allowed = project("-- safedeploy: allow set-not-null-has-nulls: they are gone by then\nALTER TABLE t ALTER a SET NOT NULL;\n");
exit_is(guard($allowed, ['plan'], MIGGUARD_RUN_FAIL_ON => 'never'), 0, 'allowed by a comment');

# lint asks when it is told to, and prints the answer in each format
my $file = project("ALTER TABLE t ALTER a SET NOT NULL;\n");
my $lint = guard($file, [ 'lint', '1_change.up.sql' ]);
unlike($lint->stdout, $refused, 'lint: does not read rows by itself');
$lint = guard($file, [ 'lint', '--probe', '1_change.up.sql' ]);
exit_is($lint, 13, 'lint --probe');
like($lint->stdout, qr/error: the statement will fail: $refused \[set-not-null-has-nulls\]/, 'lint: text');
like($lint->stdout, qr/^    probe: $refused; checked 100 rows$/m, 'lint: what was asked');
my $json = JSON::PP->new->utf8->decode(guard($file, [ 'lint', '--probe', '--format', 'json', '1_change.up.sql' ])->stdout);
my ($finding) = grep { $_->{rule} eq 'set-not-null-has-nulls' } @{ $json->{findings} };
is_deeply([ @{ $finding->{probe} }{qw(verdict rows_bad example complete)} ], [ 'will fail', 2, 'id = 42', JSON::PP::true ], 'lint: JSON');
my $sarif = JSON::PP->new->utf8->decode(guard($file, [ 'lint', '--probe', '--format', 'sarif', '1_change.up.sql' ])->stdout);
($finding) = grep { $_->{ruleId} eq 'set-not-null-has-nulls' } @{ $sarif->{runs}[0]{results} };
is($finding->{properties}{probe}{verdict}, 'will fail', 'lint: SARIF');
done_testing();
