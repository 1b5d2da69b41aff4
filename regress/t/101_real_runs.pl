# Every real history goes from empty to its head through migguard; the schema is
# then the same as after the tool alone.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Real;
use Test::More;

my $server = SafeDeployTest->new('runs', tcp => 1);

# compare($name, $bare, $guarded): bare runs the tool, guarded returns the process of migguard
sub compare
{
	my ($name, $bare, $guarded) = @_;
	foreach my $database ("${name}_bare", $name) { $server->create_database($database); }
	$bare->("${name}_bare");
	my $run = $guarded->($name);
	exit_is($run, 0, "$name: migguard brings it to its head");
	note(sprintf '%s: %.1f s', $name, $run->seconds);
	is($server->fingerprint($name), $server->fingerprint("${name}_bare"), "$name: the schema is that of the tool alone");
	my ($last) = $server->runs($name);
	is($last->{result}, 'done', "$name: the ledger says so");
	is(scalar $server->faults($name), 0, "$name: the ledger is intact");
	return;
}

# run() dies unless the program ends with 0
sub run
{
	my (@arguments) = @_;
	my $p = run_program(@arguments);
	die $p->command . ': ' . $p->stdout . $p->stderr unless defined $p->exit_code && $p->exit_code == 0;
	return;
}

my %settings = (MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never');

# Alembic: prefect; its downgrades are judged one by one elsewhere
{
	my ($keep, $dir) = real_alembic_project();
	my $backups = File::Temp->newdir;
	my @upgrade = (real_tool('prefect'), 'upgrade', 'head');
	compare('prefect',
		sub { run(\@upgrade, cwd => $dir, env => { DATABASE_URL => $server->url($_[0]) }) },
		sub {
			$server->migguard($_[0], [ 'run', '--', @upgrade ], cwd => $dir,
				env => { %settings, MIGGUARD_BACKUP_DIRECTORY => "$backups", MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on' });
		});
}

# Plain SQL: authelia, openfga
foreach my $name ('authelia', 'openfga')
{
	my $dir = fetched($name);
	my $work = File::Temp->newdir;
	compare($name,
		sub { run([ qw(psql -XqAt -v ON_ERROR_STOP=1 -f), $_, $server->url($_[0]) ]) foreach sort glob "$dir/*.up.sql"; },
		sub {
			$server->migguard($_[0], ['run'], cwd => "$work",
				env => { %settings, MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => $dir, MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on' });
		});
}

# Flyway: conductor, hawkbit; they have no way down
foreach my $name ('conductor', 'hawkbit')
{
	my $dir    = fetched($name);
	my $flyway = real_tool('flyway');
	my $work = File::Temp->newdir;
	compare($name,
		sub {
			run([ $flyway, 'migrate' ],
				env => {
					FLYWAY_URL       => $server->jdbc_url($_[0]),
					FLYWAY_USER      => $server->user,
					FLYWAY_LOCATIONS => "filesystem:$dir",
					# else it waits for itself in CREATE INDEX CONCURRENTLY; migguard sets this
					FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK => 'false' });
		},
		sub {
			$server->migguard(undef, [ 'run', '--', $flyway, 'migrate' ], cwd => "$work",
				env => {
					%settings,
					DATABASE_URL                    => $server->url($_[0], tcp => 1),
					FLYWAY_LOCATIONS                => "filesystem:$dir",
					MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on' });
		});
}

done_testing();
