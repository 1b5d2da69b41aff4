# The rehearsal of migguard comes to the verdicts of docs/real-downgrades.md, with its repair and
# without: for every revision of authelia, and for one of each kind of prefect's.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Page;
use SafeDeployTest::Real;
use Test::More;

my $page = SafeDeployTest::Page->new('real-downgrades.md');

# verdicts($name): list of revision, verdict, what the repair makes of it
sub verdicts
{
	my ($name) = @_;
	return $page->table($name) =~ /^\| \d+ \| (\S+) \| ([a-z ]+) \|(?:[^|]*\|){2} ([^|]+) \|/mg;
}

# Exit code of a rehearsal for each verdict; another order of columns is a warning.
my %exit_code = ('restores exactly' => 0, 'order only' => 0, 'does not restore' => 12, 'fails' => 12);

my $server = SafeDeployTest->new('rehearsals');
my %settings = (
	MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off',
	MIGGUARD_RUN_FAIL_ON         => 'never',
	MIGGUARD_BACKUP_POLICY       => 'none');

# Plain SQL: authelia, all of it
{
	my @verdicts = verdicts('authelia');
	is(scalar @verdicts, 3 * 24, 'all revisions of authelia have a verdict');
	my $work = File::Temp->newdir;
	my %where = (
		cwd => "$work",
		env => { %settings, MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => fetched('authelia') });
	$server->create_database('authelia');
	my $n = 1;
	while (my ($revision, $verdict, $repaired) = splice @verdicts, 0, 3)
	{
		exit_is($server->migguard('authelia', [ 'plan', '--target', $n ], %where), $repaired eq 'restores' ? 0 : $exit_code{$verdict},
			"$revision $verdict, with repair $repaired");
		next unless $exit_code{$verdict};
		exit_is($server->migguard('authelia', [ 'plan', '--target', $n ], %where, env => { %{ $where{env} }, MIGGUARD_REHEARSE_REPAIR => 'off' }),
			$exit_code{$verdict}, "$revision $verdict");
	}
	continue
	{
		exit_is($server->migguard('authelia', [ 'run', '--no-rehearsal', '--target', $n ], %where), 0, "revision $n is applied");
		$n++;
	}
}

# Alembic: some of prefect
{
	my ($keep, $dir) = real_alembic_project();
	my $alembic = real_tool('prefect');
	my @verdicts = verdicts('prefect');
	my (%seen, $before);
	while (my ($revision, $verdict, $repaired) = splice @verdicts, 0, 3)
	{
		# The second of its kind; the first revisions make nearly nothing.
		if (++$seen{$verdict} == 2)
		{
			$server->create_database($revision);
			my %where = (cwd => $dir, env => { %settings, DATABASE_URL => $server->url($revision) });
			exit_is(run_program([ $alembic, 'upgrade', $before ], %where), 0, "prefect at $before");
			my $fingerprint = $server->fingerprint($revision);
			exit_is($server->migguard($revision, [ 'plan', '--', $alembic, 'upgrade', $revision ], %where),
				$repaired eq 'restores' ? 0 : $exit_code{$verdict}, "$revision $verdict, with repair $repaired");
			is($server->fingerprint($revision), $fingerprint, 'and the rehearsal leaves the database alone');
		}
		$before = $revision;
	}
	is(scalar keys %seen, 3, 'each kind was there');
}

done_testing();
