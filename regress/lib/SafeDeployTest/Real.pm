package SafeDeployTest::Real;

=head1 NAME

SafeDeployTest::Real - real migration histories and tools for TAP tests

=head1 SYNOPSIS

  use SafeDeployTest::Real;

  my $prefect = real_history('prefect');
  run_program($prefect->{head}, cwd => $prefect->{dir}, env => { DATABASE_URL => $url, %{ $prefect->{env} } });
  my $alembic = real_tool('alembic');

What is not in the cache is fetched by regress/real/fetch; a source that cannot
be had fails the test.

=cut

use strict;
use warnings;

use Carp;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Temp;

use SafeDeployTest;

our @EXPORT = qw(fetched real_tool real_alembic_project);

my $real = abs_path(dirname(__FILE__) . '/../../real');

=head2 fetched($name)

Directory of a source in regress/real/pins.

=cut

sub fetched
{
	my ($name) = @_;
	my $p = run_program([ "$real/fetch", $name ], timeout => 900);
	croak "$name could not be fetched: " . $p->stderr if !defined $p->exit_code || $p->exit_code != 0;
	my ($dir) = $p->stdout =~ /^(.+)\n\z/ or croak "no directory for $name";
	return $dir;
}

=head2 real_tool($name)

Program of a fetched tool: C<alembic> (the newest), C<flyway>, or C<prefect>
(the Alembic that prefect brings).  Debian's Alembic is /usr/bin/alembic.

=cut

sub real_tool
{
	my ($name) = @_;
	my $program = fetched($name) . '/bin/' . ($name eq 'prefect' ? 'alembic' : $name);
	croak "$program is missing" unless -x $program;
	return $program;
}

=head2 real_alembic_project($versions)

Writes alembic.ini for prefect's history to a temporary directory, which the
returned object keeps, and returns (object, directory).  With C<$versions> the
revisions are taken from that directory in place of the wheel's.

=cut

sub real_alembic_project
{
	my ($versions) = @_;
	($versions) = glob fetched('prefect') . '/lib/python3*/site-packages/prefect/server/database/_migrations/versions/postgresql'
	  unless defined $versions;
	croak "no revisions in $versions" unless -d $versions;
	my $dir = File::Temp->newdir;
	open my $ini, '>', "$dir/alembic.ini" or croak "could not write $dir/alembic.ini: $!";
	print $ini "[alembic]\nscript_location = $real/prefect\nversion_locations = $versions\npath_separator = os\n";
	close $ini or croak "could not write $dir/alembic.ini: $!";
	return ($dir, "$dir");
}

1;
