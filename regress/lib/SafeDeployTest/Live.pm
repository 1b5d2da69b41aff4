package SafeDeployTest::Live;

=head1 NAME

SafeDeployTest::Live - databases with traffic and old transactions, for runs that meet them

=head1 SYNOPSIS

  my $live = SafeDeployTest::Live->new($server);
  my $scene = $live->scene(up => ['ALTER TABLE t ADD COLUMN c integer'], ini => "[run]\nmax_blocking = 1s\n");
  $scene->blocker;
  $scene->traffic;
  my $run = $scene->start;
  $scene->end_blocker;
  $run->wait(60);
  cmp_ok($scene->longest, '<=', 2, 'nobody has waited for longer than the limit and a second');

=head1 DESCRIPTION

Each scene has a database of its own with the table C<t> of 1,000 rows, and a
directory with migrations of plain SQL (C<up>: a text for each), Alembic or Flyway
(C<tool>; the server must be reached by TCP then).

=cut

use strict;
use warnings;

use Carp;
use File::Path qw(make_path);
use File::Temp;

use SafeDeployTest;
use SafeDeployTest::Alembic;
use SafeDeployTest::Real;

sub new
{
	my ($class, $server) = @_;
	return bless {
		server => $server,
		temp   => File::Temp->newdir,
		bindir => $server->node->config_data('--bindir'),
		count  => 0 }, $class;
}

=head2 scene(%options)

C<up>, C<down>: texts of the migrations; C<ini>: settings; C<tool>: sql (default),
alembic, flyway; C<user>: role that migguard and the tool connect as, which gets all
that a deployer needs and owns the table.

=cut

sub scene
{
	my ($self, %opt) = @_;
	my $server = $self->{server};
	my $db = 'live' . ++$self->{count};
	my @up = @{ $opt{up} };
	my @down = $opt{down} ? @{ $opt{down} } : map { 'SELECT 1' } @up;
	my $scene = bless { %$self, db => $db, dir => "$self->{temp}/$db", tool => [], user => $opt{user} }, 'SafeDeployTest::Live::Scene';

	$server->create_database($db);
	$server->sql($db, 'CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL) WITH (fillfactor = 50); INSERT INTO t SELECT g, 0 FROM generate_series(1, 1000) AS g');
	if (defined $opt{user})
	{
		$server->sql($db, "CREATE ROLE $opt{user} LOGIN") unless $server->sql($db, "SELECT count(*) FROM pg_roles WHERE rolname = '$opt{user}'");
		$server->sql($db, "ALTER TABLE t OWNER TO $opt{user}; SELECT safedeploy.grant_deployer('$opt{user}'); GRANT CREATE ON DATABASE $db TO $opt{user}; GRANT ALL ON SCHEMA public TO $opt{user}");
	}
	my $name = '';
	if (($opt{tool} || 'sql') eq 'alembic')
	{
		my $project = SafeDeployTest::Alembic->new(
			configure => $opt{configure},
			revisions => [ map { { id => "r$_", up_sql => [ split /;\s*/, $up[ $_ - 1 ] ], down_sql => [ split /;\s*/, $down[ $_ - 1 ] ] } } 1 .. @up ]);
		@$scene{qw(project dir tool)} = ($project, $project->dir, [ '--', $project->alembic, 'upgrade', 'head' ]);
	}
	elsif (($opt{tool} || 'sql') eq 'flyway')
	{
		make_path("$scene->{dir}/sql");
		put("$scene->{dir}/sql/V${_}__step.sql", "$up[ $_ - 1 ];\n") foreach 1 .. @up;
		$scene->{tool} = [ '--', real_tool('flyway'), '-locations=filesystem:sql', '-baselineOnMigrate=true', '-baselineVersion=0', 'migrate' ];
		$scene->{tcp} = 1;
	}
	else
	{
		make_path($scene->{dir});
		$name = "[tool]\nname = sql\ndirectory = .\n";
		put("$scene->{dir}/${_}_step.up.sql",   "$up[ $_ - 1 ];\n")   foreach 1 .. @up;
		put("$scene->{dir}/${_}_step.down.sql", "$down[ $_ - 1 ];\n") foreach 1 .. @down;
	}
	$scene->{ini} = "${name}[backup]\npolicy = none\n[preflight]\nidle_in_transaction = off\nlong_transactions = off\ngit_clean = off\n";
	$scene->settings($opt{ini} || '');
	return $scene;
}

sub put
{
	my ($path, $text) = @_;
	open my $handle, '>', $path or croak "$path: $!";
	print $handle $text;
	close $handle or croak "$path: $!";
	return;
}

package SafeDeployTest::Live::Scene;

use strict;
use warnings;

use Carp;
use Time::HiRes qw(sleep);

use SafeDeployTest;

=head2 db, dir, sql($text), settings($ini)

=cut

sub db  { return $_[0]{db}; }
sub dir { return $_[0]{dir}; }
sub sql { return $_[0]{server}->sql($_[0]{db}, $_[1]); }

sub settings
{
	my ($self, $ini) = @_;
	SafeDeployTest::Live::put("$self->{dir}/migguard.ini", $self->{ini} . $ini);
	return;
}

=head2 blocker($sql), end_blocker()

A session "reporting" that has run the statement (by default it reads C<t>) and sits in
its transaction; ends it.

=cut

sub blocker
{
	my ($self, $sql) = @_;
	$sql ||= q{SELECT count(*) FROM t WHERE 'a secret' <> 'b'};
	$self->{blocker} = start_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', $self->{server}->url($self->{db}) ],
		stdin => "BEGIN;\n$sql;\n\\! sleep 600\n", env => { PGAPPNAME => 'reporting' });
	wait_until(sub { $self->sql(q{SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'reporting' AND state = 'idle in transaction'}) }, 60, 'a blocker');
	return;
}

sub end_blocker
{
	my ($self) = @_;
	$self->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'reporting'});
	$self->{blocker}->kill_group;
	return;
}

=head2 traffic(), longest()

Three readers and one writer of C<t>, each a transaction every few milliseconds; ends
them and returns how long the longest of their transactions has taken, in seconds.

=cut

sub traffic
{
	my ($self) = @_;
	my $dir = $self->{traffic_dir} = File::Temp->newdir;
	SafeDeployTest::Live::put("$dir/read.pgbench",  "\\set id random(1, 1000)\nSELECT n FROM t WHERE id = :id;\n\\sleep 5 ms\n");
	SafeDeployTest::Live::put("$dir/write.pgbench", "\\set id random(1, 1000)\nUPDATE t SET n = n + 1 WHERE id = :id;\n\\sleep 5 ms\n");
	$self->{traffic} = start_program(
		[ "$self->{bindir}/pgbench", '-n', '-c', 4, '-j', 1, '-T', 300, '-l', '-f', "$dir/read.pgbench\@3", '-f', "$dir/write.pgbench\@1", $self->{db} ],
		cwd => "$dir", env => { $self->{server}->libpq_env($self->{db}), PGAPPNAME => 'pgbench' });
	wait_until(sub { $self->sql(q{SELECT count(*) = 4 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgbench'}) eq 't' }, 60, 'the traffic');
	sleep 0.3;
	return;
}

sub longest
{
	my ($self) = @_;
	sleep 0.3;
	$self->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgbench'});
	$self->{traffic}->wait(60);
	my ($longest, $count) = (0, 0);
	foreach my $file (glob "$self->{traffic_dir}/pgbench_log.*")
	{
		open my $handle, '<', $file or croak "$file: $!";
		while (<$handle>)
		{
			my $us = (split)[2];
			$count++;
			$longest = $us if $us > $longest;
		}
	}
	croak 'the traffic was none: ' . $self->{traffic}->stderr unless $count > 100;
	return $longest / 1e6;
}

=head2 start(@arguments), attempts()

Starts migguard with the arguments (by default C<run>) and the tool's command; what the
ledger has of the attempts of state migrate.

=cut

sub start
{
	my ($self, @arguments) = @_;
	@arguments = ('run') unless @arguments;
	return $self->{server}->start_migguard(undef, [ @arguments, @{ $self->{tool} } ], cwd => $self->{dir},
		env => { LC_ALL => 'C.UTF-8', DATABASE_URL => $self->{server}->url($self->{db}, tcp => $self->{tcp}, user => $self->{user}) });
}

sub run
{
	my ($self, @arguments) = @_;
	return $self->start(@arguments)->wait(180);
}

sub attempts
{
	my ($self) = @_;
	return map { @{ ($_->{detail} || {})->{attempts} || [] } } grep { $_->{state} eq 'migrate' && $_->{status} ne 'note' } $self->{server}->events($self->{db});
}

1;
