# Judges every downgrade of two real histories by rehearsal, and compares the
# judgement with the tables in docs/real-downgrades.md.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use SafeDeployTest;
use SafeDeployTest::Judge;
use SafeDeployTest::Real;
use SafeDeployTest::Steps;
use Test::More;

my $page = abs_path(dirname(__FILE__) . '/../../docs/real-downgrades.md');
my $expected = SafeDeployTest::Process::slurp($page);

my $server = SafeDeployTest->new('judge');

# agrees($name, @rows): one test; shows the lines that differ
sub agrees
{
	my ($name, @rows) = @_;
	my ($want) = $expected =~ /<!-- begin $name -->\n(.*?)<!-- end $name -->/s;
	$want = '' unless defined $want;
	my $got = judgement_table(@rows);
	is(scalar(grep { $_->{again} ne 'exact' && $_->{again} ne 'order' && $_->{verdict} eq 'exact' } @rows), 0,
		"$name: what was restored exactly upgrades again to the same");
	my $passed = ok($got eq $want, "$name: the judgement is the one in docs/real-downgrades.md");
	unless ($passed)
	{
		my %want = map { $_ => 1 } split /\n/, $want;
		my %got  = map { $_ => 1 } split /\n/, $got;
		diag(map { "- $_\n" } grep { !$got{$_} } split /\n/, $want);
		diag(map { "+ $_\n" } grep { !$want{$_} } split /\n/, $got);
		my $file = ($ENV{TESTLOGDIR} || '.') . "/$name-downgrades.md";
		open my $handle, '>', $file or die "could not write $file: $!";
		print $handle $got;
		close $handle;
		diag("all of it is in $file");
	}
	return;
}

# Alembic: prefect
{
	my ($keep, $dir) = real_alembic_project();
	my $steps = SafeDeployTest::Steps->new("$dir/alembic.ini", dirname(real_tool('prefect')) . '/python');
	my @revisions = $steps->revisions;
	$server->create_database('prefect');
	is($steps->ask('ensure', $server->url('prefect')), undef, 'the version table is there before the first revision');
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
