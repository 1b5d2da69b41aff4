# Every real history runs bare, with its own tool, from empty to its head.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Real;
use Test::More;

my $server = SafeDeployTest->new('bare', tcp => 1);

# restored_the_same($database): no fingerprint changes over a dump
my $work = File::Temp->newdir;
sub restored_the_same
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $copy = "${name}_restored";
	run_program([ qw(pg_dump -Fc --schema-only -f), "$work/$name", $server->url($name) ]);
	$server->create_database($copy, extension => 0);
	exit_is(run_program([ 'pg_restore', '-d', $server->url($copy), "$work/$name" ]), 0, "$name is restored from a dump");
	is($server->fingerprint($copy), $server->fingerprint($name), "$name: and its fingerprint is the same");
	return;
}

# Alembic: prefect
{
	my ($keep, $dir) = real_alembic_project();
	my $alembic = real_tool('prefect');
	$server->create_database('prefect');
	my %where = (cwd => $dir, env => { DATABASE_URL => $server->url('prefect') });
	my @revisions = run_program([ $alembic, 'history' ], %where)->stdout =~ /^(?:[0-9a-f]+|<base>) -> [0-9a-f]+/mg;
	is(scalar @revisions, 116, 'prefect has 116 revisions');
	exit_is(run_program([ $alembic, 'upgrade', 'head' ], %where), 0, 'prefect reaches its head');
	cmp_ok($server->sql('prefect', q{SELECT count(*) FROM pg_tables WHERE schemaname = 'public'}), '>', 30, 'and has its tables');
	restored_the_same('prefect');
}

# Plain SQL: authelia, openfga
foreach my $history ([ authelia => 24 ], [ openfga => 6 ])
{
	my ($name, $count) = @$history;
	my $dir  = fetched($name);
	my @up   = sort glob "$dir/*.up.sql";
	my @down = sort glob "$dir/*.down.sql";
	is(scalar @up,   $count, "$name has $count files up");
	is(scalar @down, $count, "$name has $count files down");
	$server->create_database($name);
	my @failed = grep { run_program([ qw(psql -XqAt -v ON_ERROR_STOP=1 -f), $_, $server->url($name) ])->exit_code != 0 } @up;
	is("@failed", '', "$name reaches its head");
	restored_the_same($name);
}

# Flyway: conductor, hawkbit
foreach my $history ([ conductor => 21 ], [ hawkbit => 3 ])
{
	my ($name, $count) = @$history;
	my $dir    = fetched($name);
	my $flyway = real_tool('flyway');
	my @files  = glob "$dir/V*.sql";
	is(scalar @files, $count, "$name has $count files");
	$server->create_database($name);
	my $p = run_program(
		[ $flyway, 'migrate' ],
		env => {
			FLYWAY_URL       => $server->jdbc_url($name),
			FLYWAY_USER      => $server->user,
			FLYWAY_LOCATIONS => "filesystem:$dir",
			# With its lock in a transaction Flyway waits for itself in CREATE INDEX CONCURRENTLY.
			FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK => 'false',
		});
	exit_is($p, 0, "$name reaches its head");
	is($server->sql($name, 'SELECT count(*) FROM flyway_schema_history WHERE success'), $count, 'by all its files');
	restored_the_same($name);
}

done_testing();
