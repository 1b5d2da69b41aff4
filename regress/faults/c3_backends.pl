# Sessions of migguard and of its tool are terminated, at each boundary and in the midst of statements.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C3', 'a session of ours terminated');
my $faults = SafeDeployTest::Faults->new('backends');

# Terminates what matches, once migguard has come to the point.
sub hit
{
	my ($point, $name, $pattern) = @_;
	my $more = 0;
	$faults->trial('C3', $name, lean($point), fault => "$point=pause",
		during => sub {
			my ($self, $trial) = @_;
			return unless $self->reached($trial);
			$more = grep { !/:guard$/ } $self->sessions_of($trial);
			$self->terminate($trial, $pattern) or die "no session is like $pattern";
			$self->release($trial);
		});
	return $more;
}

foreach my $boundary ($faults->boundaries)
{
	my ($name, $point) = @$boundary;
	foreach (1 .. repeats())
	{
		my $more = hit($point, "$name, guard at $point", '%:guard');
		hit($point, "$name, all at $point", '%') if $more;
	}
}

# The tool's own, while it waits inside of a statement of each migration.
$faults->inside_of_migrations(sub {
		my ($name, $fault, $lock) = @_;
		foreach my $whose ('%:migrate', '%:guard', '%')
		{
			$faults->trial('C3', "$whose $name", lean('migrate.begun'), fault => $fault,
				during => sub {
					my ($self, $trial) = @_;
					$self->in_statement($trial, $lock, sub { $self->terminate($trial, $whose) });
				}) foreach 1 .. repeats();
		}
	});
done_testing();
