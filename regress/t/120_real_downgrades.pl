# Judges every downgrade of two real histories by rehearsal, and compares the
# judgement with the tables in docs/real-downgrades.md.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Judge;
use SafeDeployTest::Page;
use SafeDeployTest::Real;
use SafeDeployTest::Steps;
use Test::More;

my $page = SafeDeployTest::Page->new('real-downgrades.md');

my $server = SafeDeployTest->new('judge');

# agrees($name, @rows): the verdicts are those of the page
sub agrees
{
	my ($name, @rows) = @_;
	is(scalar(grep { $_->{again} ne 'exact' && $_->{again} ne 'order' && $_->{verdict} eq 'exact' } @rows), 0,
		"$name: what was restored exactly upgrades again to the same");
	return $page->agrees($name, judgement_table(@rows), 'the judgement');
}

# Alembic: prefect
{
	my $steps     = SafeDeployTest::Steps->of_prefect($server);
	my @revisions = $steps->revisions;
	agrees('prefect', judge_history($server, 'prefect', \@revisions,
			upgrade   => sub { $steps->ask('upgrade', $server->url($_[0]), $revisions[$_[1]]) },
			downgrade => sub { $steps->ask('downgrade', $server->url($_[0]), $_[1] ? $revisions[$_[1] - 1] : 'base') }));
}

# Plain SQL: authelia
{
	my $dir = fetched('authelia');
	my @names = map { /([^\/]+)\.up\.sql$/ } sort glob "$dir/*.up.sql";
	$server->create_database('authelia');
	my $run = sub {
		my ($database, $n, $direction) = @_;
		my $p = run_program([ qw(psql -Xq1 -v ON_ERROR_STOP=1 -f), "$dir/$names[$n].$direction.sql", $server->url($database) ]);
		return if $p->exit_code == 0;
		my ($error) = $p->stderr =~ /ERROR:\s+(.*)/;
		return defined $error ? $error : $p->stderr;
	};
	agrees('authelia', judge_history($server, 'authelia', \@names,
			upgrade   => sub { $run->(@_, 'up') },
			downgrade => sub { $run->(@_, 'down') }));
}

done_testing();
