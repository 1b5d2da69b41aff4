# What runs in no transaction breaks half-way: a file of statements at each of them, CREATE INDEX
# CONCURRENTLY in each way that leaves an invalid index.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C5', 'broken half-way outside of a transaction');

my @statements = (
	[ 'CREATE INDEX CONCURRENTLY s1 ON t (name)', 's1' ],
	[ 'CREATE TABLE s2 (i integer)',              's2' ],
	[ 'ALTER TABLE t ADD COLUMN s3 integer',      's3' ],
	[ 'CREATE VIEW s4 AS SELECT id FROM t',       's4' ],
	[ 'CREATE INDEX CONCURRENTLY s5 ON t (id)',   's5' ]);

# What cannot fail where there are no rows, as on a clone.
my $fails = q{DO $$ BEGIN IF EXISTS (SELECT FROM t) THEN RAISE EXCEPTION 'fails here'; END IF; END $$};

sub file_of { return join '', map { "$_;\n" } @_; }

my $down   = file_of('DROP INDEX CONCURRENTLY s5', 'DROP VIEW s4', 'ALTER TABLE t DROP COLUMN s3', 'DROP TABLE s2', 'DROP INDEX CONCURRENTLY s1');
my $whole  = file_of(map { $_->[0] } @statements);
my $faults = SafeDeployTest::Faults->new('steps', files => { '2_steps.up.sql' => $whole, '2_steps.down.sql' => $down });

foreach my $k (0 .. @statements)
{
	my @texts = map { $_->[0] } @statements;
	splice @texts, $k, 0, $fails;
	$faults->trial('C5', 'fails behind statement ' . $k, arguments => ['--no-backup'], again => ['--no-backup'],
		must_end => $k == 0 ? '20' : '2[1234]',
		prepare  => sub { $_[0]->write('migrations/2_steps.up.sql', file_of(@texts)) },
		after    => sub {
			my ($self, $trial) = @_;
			$self->write('migrations/2_steps.up.sql', $whole);
			return () if $self->where($self->look($trial->{database})) ne 'C';
			my $said = join "\n", @{ $trial->{log} };
			return map { "$_->[1] is left behind and not named" } grep { $said !~ /\b$_->[1]\b/ } @statements[ 0 .. $k - 1 ];
		}) foreach 1 .. repeats();
}

# Who or what ends the statement that builds the index.
my $indexes = SafeDeployTest::Faults->new('index', server => $faults->server,
	files => { '2_index.up.sql' => "CREATE INDEX CONCURRENTLY t_name ON t (name);\n", '2_index.down.sql' => "DROP INDEX CONCURRENTLY t_name;\n" });
my ($step) = $indexes->steps('run');
my %ends = (
	'migguard killed'         => sub { $_[1]->{process}->signal('KILL') },
	'migguard told to stop'   => sub { $_[1]->{process}->signal('TERM') },
	'the session terminated'  => sub { $_[0]->terminate($_[1], '%:migrate') },
	'the statement cancelled' => sub { $_[0]->server->sql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%:migrate' AND datname = '$_[1]->{database}'") });
foreach my $how (sort keys %ends)
{
	$indexes->trial('C5', "CREATE INDEX CONCURRENTLY, $how", lean('migrate.begun'), fault => "$step=pause", must_end => '2[1234]|signal 9',
		during => sub {
			my ($self, $trial) = @_;
			$self->reached($trial) or die 'it has ended';
			my $gate = $self->gate($trial, 't IN ROW EXCLUSIVE MODE');
			$self->release($trial);
			$self->at_gate($trial);
			$ends{$how}->($self, $trial);
			$trial->{process}->wait(30);
			$self->open_gate($trial, $gate);
		}) foreach 1 .. repeats();
}

# What a statement has made is not recorded yet, in the midst of other migrations.
my $gap = SafeDeployTest::Faults->new('gap', server => $faults->server);
my (undef, undef, $fourth) = $gap->steps('run');
$gap->trial('C5', 'killed between an index and its record', lean('migrate.begun'), fault => "$fourth=pause", goal => 'B', ends => [ 0, 3 ],
	during => sub {
		my ($self, $trial) = @_;
		$self->reached($trial) or die 'it has ended';
		$trial->{process}->signal('KILL');
		$trial->{process}->wait(30);
		$self->server->sql($trial->{database}, q{DELETE FROM safedeploy.applied_migration WHERE version = '3'});
	}) foreach 1 .. 2 * repeats();
done_testing();
