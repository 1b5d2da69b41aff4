package SafeDeployTest::Tool;

=head1 NAME

SafeDeployTest::Tool - the same small history for plain SQL, the real Alembic and the real Flyway

=head1 SYNOPSIS

  my $tool = SafeDeployTest::Tool->new('flyway', "$temp/flyway");
  $tool->revision(1, ['CREATE TABLE one (i integer)'], ['DROP TABLE one']);
  $server->migguard('app', [ 'run', $tool->command ], cwd => $tool->dir, env => { $tool->env });

=cut

use strict;
use warnings;

use File::Path qw(make_path);
use SafeDeployTest;
use SafeDeployTest::Alembic;
use SafeDeployTest::Real;

=head2 new($kind, $directory)

C<sql>, C<alembic> or C<flyway>, without any revision.

=cut

sub new
{
	my ($class, $kind, $dir) = @_;
	my $self = bless { kind => $kind, dir => $dir }, $class;
	make_path("$dir/sql");
	if ($kind eq 'alembic')
	{
		$self->{project} = SafeDeployTest::Alembic->new(dir => $dir);
		$self->{program} = $self->{project}->alembic;
		$self->{words}   = [qw(upgrade head)];
	}
	elsif ($kind eq 'flyway')
	{
		write_file("$dir/flyway.conf", "flyway.locations=filesystem:sql\n");
		$self->{program} = real_tool('flyway');
		$self->{words}   = ['migrate'];
	}
	else { ($self->{program}) = grep { -x } map { "$_/psql" } split /:/, $ENV{PATH}; }
	return $self;
}

sub kind    { return $_[0]{kind}; }
sub dir     { return $_[0]{dir}; }
sub program { return $_[0]{program}; }

=head2 migrations()

Directory of the files.

=cut

sub migrations { my ($self) = @_; return "$self->{dir}/" . ($self->{kind} eq 'alembic' ? 'migrations/versions' : 'sql'); }

=head2 revision($number, \@up, \@down), remove($number)

Statements without semicolons.

=cut

sub revision
{
	my ($self, $number, $up, $down) = @_;
	$self->remove($number);
	if ($self->{kind} eq 'alembic')
	{
		$self->{project}->add({ id => "r$number", parent => $number == 1 ? undef : 'r' . ($number - 1), up_sql => $up, down_sql => $down });
		return;
	}
	my ($up_name, $down_name) = $self->names($number);
	write_file($up_name, join '', map { "$_;\n" } @$up);
	write_file($down_name, join '', map { "$_;\n" } @$down);
	return;
}

sub names
{
	my ($self, $number) = @_;
	return map { "$self->{dir}/sql/$_" } $self->{kind} eq 'sql' ? ("${number}_x.up.sql", "${number}_x.down.sql") : ("V${number}__x.sql", "U${number}__x.sql");
}

sub remove
{
	my ($self, $number) = @_;
	unlink $self->{kind} eq 'alembic' ? glob $self->migrations . "/*_r$number.py" : $self->names($number);
	return;
}

=head2 command(%options), env(%options)

What follows the command of migguard, and variables for it.  C<program>: another one in
place of the tool's; C<words>: more words for it.

=cut

sub command
{
	my ($self, %opt) = @_;
	return $self->{kind} eq 'sql' ? () : ('--', $opt{program} || $self->{program}, @{ $opt{words} || [] }, @{ $self->{words} });
}

sub env
{
	my ($self, %opt) = @_;
	# files that change within a second are compiled anew
	my %env = (LC_ALL => 'C.UTF-8', PYTHONDONTWRITEBYTECODE => 1);
	@env{qw(MIGGUARD_TOOL_NAME MIGGUARD_TOOL_DIRECTORY)} = ('sql', "$self->{dir}/sql") if $self->{kind} eq 'sql';
	$env{MIGGUARD_PROGRAMS_PSQL} = $opt{program} if $self->{kind} eq 'sql' && $opt{program};
	return %env;
}

1;
