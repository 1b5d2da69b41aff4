# PostgreSQL's own regression tests, without and with the library: no test differs because of it.
# Some fail anyway, since they depend on paths and locales of a build tree; those fail both times.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Real;
use Test::More;

my $source = fetched('pg_regress');
my $conf   = "max_prepared_transactions = 4\nfsync = off\n";
my %conf   = (without => $conf, with => $conf . "shared_preload_libraries = 'safedeploy'\n");
my $work   = File::Temp->newdir;
my (%server, %suite);

# start($kind): the suite on a server of its own
sub start
{
	my ($kind) = @_;
	my $server = $server{$kind} = SafeDeployTest->new("core_$kind", conf => $conf{$kind});
	my $node = $server->node;
	my $dir = "$work/$kind";
	mkdir $dir;
	return start_program(
		[   $ENV{PG_REGRESS}, "--inputdir=$source", "--outputdir=$dir", "--dlpath=$work", "--schedule=$source/parallel_schedule",
			'--bindir=' . $node->config_data('--bindir'), '--host=' . $node->host, '--port=' . $node->port, '--user=' . $server->user,
			'--dbname=regression' ],
		cwd => $dir);
}

# verdicts($process): test => ok or FAILED
sub verdicts
{
	my ($process) = @_;
	my %verdict = $process->stdout =~ /^(?:test +| {5})(\w+) +\.\.\. (ok|FAILED)/mg;
	return \%verdict;
}

# differences($kind): how many lines of each failing test are not as expected
sub differences
{
	my ($kind) = @_;
	my ($test, %lines);
	open my $handle, '<', "$work/$kind/regression.diffs" or return {};
	while (my $line = <$handle>)
	{
		if ($line =~ m{^diff .*/(\w+)\.out$}) { $test = $1; }
		elsif (defined $test && $line =~ /^[-+](?![-+])/) { $lines{$test}++; }
	}
	close $handle;
	return \%lines;
}

sub differing
{
	my ($with, $without) = @_;
	return sort grep { ($$with{$_} || 'missing') ne 'ok' && ($$without{$_} || 'missing') eq 'ok' } keys %$without;
}

{
	my $server = $server{probe} = SafeDeployTest->new('core_probe');
	exit_is(run_program([ qw(gcc -shared -fPIC -O1 -w), '-I' . $server->node->config_data('--includedir-server'), '-o', "$work/regress.so", "$source/regress.c" ]),
		0, 'the functions of the tests compile');
	$server->node->stop;
}
$suite{$_} = start($_) foreach qw(without with);
is($server{with}->sql('postgres', 'SHOW safedeploy.protect'), 'off', 'the library is loaded, and idle');
$suite{$_}->wait(1200) foreach keys %suite;
my %verdicts = map { $_ => verdicts($suite{$_}) } keys %suite;
$server{$_}->node->stop foreach keys %suite;

my $ran = keys %{ $verdicts{without} };
cmp_ok($ran, '>', 200, "$ran tests ran");
my @same = grep { $verdicts{without}{$_} eq 'ok' } keys %{ $verdicts{without} };
cmp_ok(scalar @same, '>', 180, @same . ' of them pass without the library');
my @extra = differing($verdicts{with}, $verdicts{without});
# A test may fail by chance; one that fails because of the library fails again.
if (@extra)
{
	diag("again, because of: @extra");
	$conf{again} = $conf{with};
	my $again = start('again')->wait(1200);
	$server{again}->node->stop;
	my %failed = map { $_ => 1 } differing(verdicts($again), $verdicts{without});
	@extra = grep { $failed{$_} } @extra;
}
is_deeply(\@extra, [], 'no test differs because of the library');
# What fails anyway must not hide anything: as many lines of it differ.
my ($without, $with) = map { differences($_) } qw(without with);
my @failing = grep { $verdicts{without}{$_} eq 'FAILED' } sort keys %{ $verdicts{without} };
is_deeply([ map { "$_: " . ($$with{$_} || 0) } @failing ], [ map { "$_: " . ($$without{$_} || 0) } @failing ], 'what fails anyway fails in the same way');
done_testing();
