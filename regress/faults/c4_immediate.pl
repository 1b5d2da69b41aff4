# The server is shut down at once, at each boundary and in the midst of statements, and started again.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C4', 'immediate shutdown of the server');
my $faults = SafeDeployTest::Faults->new('immediate');
my $node   = $faults->server->node;
my $amcheck = $faults->server->sql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'");
diag('amcheck is not available: indexes are not checked') unless $amcheck;

# What indexes the shutdown has broken.
sub check_indexes
{
	my ($self, $trial) = @_;
	return () unless $amcheck;
	my ($rc, undef, $err) = $self->server->try_sql($trial->{database}, <<'SQL');
SET safedeploy.record_drift = off;
CREATE SCHEMA amcheck_here;
CREATE EXTENSION amcheck SCHEMA amcheck_here;
SELECT amcheck_here.bt_index_parent_check(c.oid, true) FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid JOIN pg_am AS a ON a.oid = c.relam
	WHERE a.amname = 'btree' AND i.indisvalid AND c.relpersistence <> 't' AND c.relkind = 'i';
DROP SCHEMA amcheck_here CASCADE;
SQL
	return $rc == 0 ? () : ("amcheck: $err");
}

sub crash
{
	$node->stop('immediate');
	$node->start;
	return;
}

foreach my $boundary ($faults->boundaries)
{
	my ($name, $point) = @$boundary;
	foreach (1 .. repeats())
	{
		$faults->trial('C4', "$name, at $point", lean($point), fault => "$point=pause", after => \&check_indexes,
			during => sub {
				my ($self, $trial) = @_;
				$self->reached($trial) or die 'it has ended';
				crash();
				$self->release($trial);
			});
	}
}

$faults->inside_of_migrations(sub {
		my ($name, $fault, $lock) = @_;
		$faults->trial('C4', $name, lean('migrate.begun'), fault => $fault, after => \&check_indexes,
			during => sub {
				my ($self, $trial) = @_;
				$self->in_statement($trial, $lock, \&crash);
			}) foreach 1 .. repeats();
	});
done_testing();
