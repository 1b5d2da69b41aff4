# Every upgrade of every real history is taken back by revert_sql(), upgraded again,
# and what does not come back is what docs/revert.md lists.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Page;
use SafeDeployTest::Real;
use SafeDeployTest::Reverts;
use SafeDeployTest::Steps;
use Test::More;

my $page   = SafeDeployTest::Page->new('revert.md');
my $server = SafeDeployTest->new('reverts', conf => 'fsync = off');

# agrees($name, @rows): each upgrade led back and forth again, and the table is the one of the page
sub agrees
{
	my ($name, @rows) = @_;
	foreach my $row (@rows)
	{
		my $passed = is_deeply([ @{ $row->{left} }, $row->{again} ], ['the same'], "$name $row->{revision}: there and back, and there again");
		diag(map { "$_;\n" } @{ $row->{steps} }) unless $passed;
	}
	my %levels = map { my $level = $_; $level => scalar grep { $_->{level} eq $level } @rows } qw(full structural none);
	my $got = scalar(@rows) . " upgrades: $levels{full} full, $levels{structural} structural, $levels{none} with something that no statement brings back.\n\n" . revert_table(@rows);
	return $page->agrees($name, $got, 'what does not come back');
}

# Alembic: prefect
{
	my $steps     = SafeDeployTest::Steps->of_prefect($server);
	my @revisions = $steps->revisions;
	agrees('prefect', revert_history($server, 'prefect', \@revisions,
			upgrade => sub { $steps->ask('upgrade', $server->url($_[0]), $revisions[$_[1]]) },
			rewind  => sub {
				$server->sql($_[0], $_[1] ? "UPDATE alembic_version SET version_num = '$revisions[$_[1] - 1]'" : 'DELETE FROM alembic_version');
			}));
}

# version($name): the version in the name of one of Flyway's files, as something that sorts
sub version
{
	my ($version) = $_[0] =~ /V([\d._]+?)__/;
	return join '.', map { sprintf '%06d', $_ } split /[._]/, $version;
}

# Plain files, and those of Flyway, which need nothing of it
foreach my $name (qw(authelia openfga conductor hawkbit))
{
	my $dir   = fetched($name);
	my @files = sort glob "$dir/*.up.sql";
	@files = sort { version($a) cmp version($b) } glob "$dir/V*.sql" unless @files;
	cmp_ok(scalar @files, '>', 2, "$name has files");
	my @names = map { /([^\/]+?)(?:\.up)?\.sql$/ } @files;
	$server->create_database($name);
	my $upgrade = sub {
		my ($database, $n) = @_;
		my $p = run_program([ qw(psql -Xq -v ON_ERROR_STOP=1 -f), $files[$n], $server->url($database) ]);
		return $p->exit_code == 0 ? undef : $p->stderr;
	};
	agrees($name, revert_history($server, $name, \@names, upgrade => $upgrade, rewind => sub { }));
}

done_testing();
