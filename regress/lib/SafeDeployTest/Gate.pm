package SafeDeployTest::Gate;

=head1 NAME

SafeDeployTest::Gate - guards whose tools all stand at a gate, to be hurt there

=head1 SYNOPSIS

  my $gate   = SafeDeployTest::Gate->new('fence');
  my $scene  = $gate->scene('sql', "CREATE TABLE late (i integer);\nSELECT gate();\n");
  my @trials = map { $gate->start($scene) } 1 .. 20;
  $gate->wait_for(@trials);
  kill 'KILL', $_->{guard}->pid foreach @trials;
  $gate->open($_) foreach @trials;
  $gate->finish($_) foreach @trials;

Each trial has a database of its own with a table C<t>, a sequence C<s> and the
function C<gate()>, which returns when the trial's gate is opened.

=cut

use strict;
use warnings;

use Carp;
use File::Path qw(make_path remove_tree);
use File::Temp;
use Time::HiRes qw(time sleep);

use SafeDeployTest;
use SafeDeployTest::Alembic;
use SafeDeployTest::Real;

my $objects = <<'SQL';
CREATE TABLE t (i integer);
CREATE SEQUENCE s;
CREATE FUNCTION gate() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE (pg_stat_file('{directory}/' || current_database(), true)).size IS NULL LOOP PERFORM pg_sleep(0.02); END LOOP;
END $$;
CREATE FUNCTION gate(i integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.gate(); RETURN i; END $$;
CREATE FUNCTION gate_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.gate(); RETURN NULL; END $$;
CREATE TABLE deferred (i integer);
CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gate_trigger();
SQL

=head2 new($name)

A server, reached by TCP, with a template.

=cut

sub new
{
	my ($class, $name) = @_;
	my $self = bless { name => $name, temp => File::Temp->newdir, number => 0 }, $class;
	$self->{server} = SafeDeployTest->new("gate_$name", tcp => 1, conf => "max_connections = 300\nmax_prepared_transactions = 100\n");
	$self->{opened} = "$self->{temp}/opened";
	make_path($self->{opened});
	$self->{server}->create_database('base');
	$self->{server}->sql('base', $objects =~ s/\{directory\}/$self->{opened}/r);
	return $self;
}

sub server { return $_[0]{server}; }

=head2 scene($tool, $script)

What the guards of a scene run: C<sql>, C<alembic> or C<flyway> with one migration.  In
a script for alembic each line is a statement; it may be a whole revision as well (hash).

=cut

sub scene
{
	my ($self, $tool, $script) = @_;
	my $directory = "$self->{temp}/scene" . ++$self->{scenes};
	my %scene = (directory => $directory, env => {
			MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off',
			MIGGUARD_RUN_FAIL_ON         => 'never',
			MIGGUARD_REHEARSE_MODE       => 'off',
			MIGGUARD_BACKUP_POLICY       => 'none',
			MIGGUARD_RUN_LOCK_TIMEOUT    => '0',
			LC_ALL                       => 'C.UTF-8' });
	if ($tool eq 'alembic')
	{
		my %revision = ref $script ? %$script : (up_sql => [ map { s/;\s*$//r } split /\n/, $script ], down_sql => ['SELECT 1']);
		my $project = SafeDeployTest::Alembic->new(revisions => [ { id => 'a1', %revision } ]);
		@scene{qw(project directory tool)} = ($project, $project->dir, [ '--', $project->alembic, 'upgrade', 'head' ]);
		return \%scene;
	}
	make_path($directory);
	my %files = $tool eq 'sql' ? ('1_late.up.sql' => $script, '1_late.down.sql' => "SELECT 1;\n") : ('sql/V1__late.sql' => $script);
	make_path("$directory/sql");
	foreach my $name (keys %files)
	{
		open my $handle, '>', "$directory/$name" or croak "$name: $!";
		print $handle $files{$name};
		close $handle or croak "$name: $!";
	}
	$scene{tool} = [];
	if ($tool eq 'sql') { @{ $scene{env} }{qw(MIGGUARD_TOOL_NAME MIGGUARD_TOOL_DIRECTORY)} = ('sql', $directory); }
	else                { $scene{tool} = [ '--', real_tool('flyway'), '-locations=filesystem:sql', '-baselineOnMigrate=true', '-baselineVersion=0', 'migrate' ]; }
	return \%scene;
}

=head2 start($scene, %options), wait_for(@trials), open($trial)

Starts a guard in a new database (C<env>: more variables); waits until the tools of all
trials stand at their gates; opens one.  A trial has C<db>, C<guard>, C<run> (first
eight digits of the run's id, known when it stands at the gate) and C<token>.

=cut

sub start
{
	my ($self, $scene, %opt) = @_;
	# tests that run at the same time find their processes by it
	my $db = "$self->{name}_" . ++$self->{number};
	$self->{server}->sql('postgres', "CREATE DATABASE $db TEMPLATE base");
	my $guard = $self->{server}->start_migguard(undef, [ 'run', @{ $scene->{tool} } ], cwd => $scene->{directory},
		env => { DATABASE_URL => $self->{server}->url($db, tcp => 1), %{ $scene->{env} }, %{ $opt{env} || {} } });
	return { db => $db, guard => $guard };
}

sub wait_for
{
	my ($self, @trials) = @_;
	my %missing = map { $_->{db} => $_ } @trials;
	my $until = time + 60 + 5 * @trials;
	while (%missing)
	{
		foreach my $db (split /\n/, $self->{server}->sql('postgres', q{SELECT DISTINCT datname FROM pg_stat_activity WHERE wait_event = 'PgSleep'}))
		{
			my $trial = delete $missing{$db} or next;
			@$trial{qw(run token)} = split /\|/, $self->{server}->sql($db, q{SELECT left(run_id::text, 8), token FROM safedeploy.lock WHERE name = 'default'});
		}
		foreach my $trial (values %missing)
		{
			croak "not at the gate:\n" . $trial->{guard}->stdout . $trial->{guard}->stderr if !$trial->{guard}->running || time > $until;
		}
		sleep 0.02 if %missing;
	}
	return;
}

sub open
{
	my ($self, $trial) = @_;
	CORE::open my $handle, '>', "$self->{opened}/$trial->{db}" or croak "gate of $trial->{db}: $!";
	close $handle;
	return;
}

=head2 processes($trial), keeper($trial)

Processes that were started for the trial, by the database in their environment, the
guard among them; the process that keeps its tool.

=cut

sub processes
{
	my ($self, $trial) = @_;
	my @found;
	foreach my $file (glob '/proc/[0-9]*/environ')
	{
		CORE::open my $handle, '<', $file or next;
		local $/;
		my $text = <$handle>;
		push @found, $file =~ /([0-9]+)/ if defined $text && $text =~ m{/$trial->{db}(?![0-9])};
	}
	return @found;
}

sub keeper
{
	my ($self, $trial) = @_;
	my $guard = $trial->{guard}->pid;
	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		CORE::open my $handle, '<', $file or next;
		my $text = <$handle>;
		return $1 if defined $text && $text =~ /^(\d+) \(migguard-keeper\) \S $guard /;
	}
	croak "guard $guard has no keeper";
}

=head2 sessions($trial), finish($trial)

How many sessions are in the trial's database; drops it.

=cut

sub sessions
{
	my ($self, $trial) = @_;
	return $self->{server}->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$trial->{db}' AND backend_type = 'client backend'");
}

sub finish
{
	my ($self, $trial) = @_;
	$trial->{guard}->kill_group if $trial->{guard}->running;
	$self->{server}->sql($trial->{db}, q{SELECT 'ROLLBACK PREPARED ' || quote_literal(gid) FROM pg_prepared_xacts WHERE database = current_database() \gexec});
	$self->{server}->drop_database($trial->{db});
	unlink "$self->{opened}/$trial->{db}";
	return;
}

1;
