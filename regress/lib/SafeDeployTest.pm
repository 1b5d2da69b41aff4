package SafeDeployTest;

=head1 NAME

SafeDeployTest - private servers, migguard and the ledger for TAP tests

=head1 SYNOPSIS

  use SafeDeployTest;

  my $server = SafeDeployTest->new('main');
  $server->create_database('app');
  my $run = $server->migguard('app', [ 'run', '--', 'alembic', 'upgrade', 'head' ], cwd => $dir);
  is($run->exit_code, 0, 'upgrade') or diag($run->stderr);
  my ($last) = $server->runs('app');
  is($last->{result}, 'done', 'is in the ledger');

A server object is a PostgreSQL::Test::Cluster behind a few more methods; the
cluster itself is C<< $server->node >>.  Every test program makes its own.

=cut

use strict;
use warnings;

use Carp;
use Exporter 'import';
use File::Basename qw(dirname);
use File::Path qw(make_path);
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

use SafeDeployTest::Process;

# The cause of a premature end belongs into the output, not only into the server test's log.
$SIG{__DIE__} = sub { diag("died: $_[0]") if defined $^S && !$^S; };

our @EXPORT = qw(wait_until run_program start_program write_file quote_literal quote_ident exit_is);

=head1 SERVERS

=head2 new($name, %options)

A running private server.  C<conf>: more lines for postgresql.conf;
C<port>/C<auth>: C<< tcp => 1 >> lets it listen on 127.0.0.1 as well;
C<preload>: true loads the library into every session.

=cut

sub new
{
	my ($class, $name, %opt) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', <<CONF);
max_connections = 200
max_prepared_transactions = 4
autovacuum_naptime = 1d
log_min_messages = warning
CONF
	$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'")           if $opt{tcp};
	$node->append_conf('postgresql.conf', "session_preload_libraries = 'safedeploy'") if $opt{preload};
	$node->append_conf('postgresql.conf', $opt{conf})                                 if $opt{conf};
	$node->start;
	return bless { node => $node, user => superuser($node) }, $class;
}

sub superuser
{
	my ($node) = @_;
	return $node->safe_psql('postgres', 'SELECT current_user');
}

sub node { return $_[0]{node}; }
sub user { return $_[0]{user}; }

=head2 sql($database, $sql), try_sql($database, $sql)

The first dies on an error and returns what psql -At prints; the second returns
(exit code of psql, stdout, stderr), with the SQLSTATE in stderr.

=cut

sub sql
{
	my ($self, $database, $sql) = @_;
	return $self->{node}->safe_psql($database, $sql);
}

sub try_sql
{
	my ($self, $database, $sql, %opt) = @_;
	my ($out, $err) = ('', '');
	my $rc = $self->{node}->psql(
		$database, $sql,
		stdout        => \$out,
		stderr        => \$err,
		on_error_stop => 1,
		extra_params  => [ '-v', 'VERBOSITY=verbose' ],
		%opt);
	return ($rc, $out, $err);
}

=head2 json($database, $query)

Rows of a query as a list of hash references.

=cut

sub json
{
	my ($self, $database, $query) = @_;
	my $text = $self->sql($database,
		"SELECT coalesce(json_agg(row_to_json(q)), '[]') FROM ($query) AS q");
	return @{ JSON::PP->new->decode($text) };
}

=head2 create_database($name, %options)

With the extension, unless C<< extension => 0 >>.  C<options>: text after CREATE DATABASE.

=cut

sub create_database
{
	my ($self, $database, %opt) = @_;
	$self->sql('postgres', 'CREATE DATABASE ' . quote_ident($database) . ' ' . ($opt{options} || ''));
	$self->sql($database, 'CREATE EXTENSION safedeploy') unless defined $opt{extension} && !$opt{extension};
	return;
}

sub drop_database
{
	my ($self, $database) = @_;
	$self->sql('postgres', 'DROP DATABASE ' . quote_ident($database) . ' WITH (FORCE)');
	return;
}

=head2 url($database, %options)

A libpq URL that SQLAlchemy takes as well.  C<user>, C<password>; C<tcp> for
127.0.0.1 in place of the socket; C<params>: hash of further parameters.

=cut

sub url
{
	my ($self, $database, %opt) = @_;
	my $login = percent(defined $opt{user} ? $opt{user} : $self->{user});
	$login .= ':' . percent($opt{password}) if defined $opt{password};
	my %params = %{ $opt{params} || {} };
	my $server = '';
	if   ($opt{tcp}) { $server = '127.0.0.1:' . $self->{node}->port; }
	else { @params{qw(host port)} = ($self->{node}->host, $self->{node}->port); }
	my $query = join '&', map { "$_=" . percent($params{$_}) } sort keys %params;
	return "postgresql://$login\@$server/" . percent($database) . ($query ne '' ? "?$query" : '');
}

=head2 jdbc_url($database)

The same for JDBC, which knows no Unix sockets: the server must be made with C<tcp>.

=cut

sub jdbc_url
{
	my ($self, $database) = @_;
	return "jdbc:postgresql://127.0.0.1:" . $self->{node}->port . "/" . percent($database);
}

=head2 libpq_env($database)

The same as PG* variables.

=cut

sub libpq_env
{
	my ($self, $database) = @_;
	return (
		PGHOST     => $self->{node}->host,
		PGPORT     => $self->{node}->port,
		PGUSER     => $self->{user},
		PGDATABASE => $database);
}

=head2 scratch_databases(), shadows()

Names of databases that rehearsals have left, which must be none when no run
goes on; and of the warm shadows that they keep on purpose.

=cut

sub scratch_databases { return databases_like($_[0], q{^migguard_[0-9a-f]{8}_}); }
sub shadows           { return databases_like($_[0], q{^migguard_shadow_}); }

sub databases_like
{
	my ($self, $pattern) = @_;
	return split /\n/, $self->sql('postgres', 'SELECT datname FROM pg_database WHERE datname ~ ' . quote_literal($pattern) . ' ORDER BY 1');
}

=head1 PROGRAMS

=head2 run_program(\@command, %options), start_program(\@command, %options)

Runs a program to its end, or only starts it; see SafeDeployTest::Process for
C<env>, C<cwd>, C<stdin>.  C<timeout> in seconds (default 180).

=cut

sub start_program
{
	my ($command, %opt) = @_;
	note('$ ' . join(' ', @$command));
	return SafeDeployTest::Process->start($command, %opt);
}

sub run_program
{
	my ($command, %opt) = @_;
	my $timeout = delete $opt{timeout};
	return start_program($command, %opt)->wait($timeout);
}

=head2 migguard($database, \@arguments, %options), start_migguard(...)

Runs migguard with DATABASE_URL set for that database (undef: not set) and no
other PG* or MIGGUARD_* variable.  C<prefix>: words before the command, such as
another program that starts it.  Returns a SafeDeployTest::Process.

=cut

sub start_migguard
{
	my ($self, $database, $arguments, %opt) = @_;
	my %env = map { $_ => undef } grep { /^(PG(?!_)|MIGGUARD_|DATABASE_URL$|ALEMBIC_|FLYWAY_)/ } keys %ENV;
	$env{DATABASE_URL} = $self->url($database) if defined $database;
	%env = (%env, %{ delete $opt{env} || {} });
	my @prefix = @{ delete $opt{prefix} || [] };
	return start_program([ @prefix, migguard_program(), @$arguments ], %opt, env => \%env);
}

sub migguard
{
	my ($self, $database, $arguments, %opt) = @_;
	my $timeout = delete $opt{timeout};
	return $self->start_migguard($database, $arguments, %opt)->wait($timeout);
}

sub migguard_program { return $ENV{MIGGUARD} || 'migguard'; }

=head2 exit_is($process, $code, $name)

One test: the process ended by itself with that code; shows its output if not.

=cut

sub exit_is
{
	my ($process, $code, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $got = $process->exit_code;
	my $passed = is(defined $got ? $got : 'signal ' . $process->term_signal, $code, $name);
	diag($process->command . "\nstdout:\n" . $process->stdout . "\nstderr:\n" . $process->stderr) unless $passed;
	return $passed;
}

=head2 wait_until(\&condition, $seconds, $what)

Waits until the condition is true and returns its value; dies after the time limit,
which PG_TEST_TIMEOUT_DEFAULT stretches.

=cut

sub wait_until
{
	my ($condition, $seconds, $what) = @_;
	$seconds *= SafeDeployTest::Process::patience();
	my $until = time + $seconds;
	while (1)
	{
		my $value = $condition->();
		return $value if $value;
		croak "waited $seconds s in vain for: $what" if time > $until;
		sleep 0.02;
	}
}

=head2 write_file($path, $text, $mode)

Writes a file, characters in UTF-8, and makes the directories above it; a mode if one
is given.  Returns the path.

=cut

sub write_file
{
	my ($path, $text, $mode) = @_;
	foreach ($path, $text) { utf8::encode($_) if utf8::is_utf8($_); }
	make_path(dirname($path));
	open my $handle, '>:raw', $path or croak "could not write $path: $!";
	print $handle $text;
	close $handle or croak "could not write $path: $!";
	chmod $mode, $path or croak "could not change $path: $!" if defined $mode;
	return $path;
}

=head1 THE LEDGER

=head2 runs($database), events($database, $run_id), snapshots($database), faults($database)

Rows as hash references: C<safedeploy.history> newest first, C<safedeploy.event>
in order, stored snapshots, and what C<verify_ledger()> finds.

=cut

sub runs
{
	my ($self, $database) = @_;
	return $self->json($database, 'SELECT * FROM safedeploy.history ORDER BY started_at DESC');
}

sub events
{
	my ($self, $database, $run_id) = @_;
	return $self->json($database, 'SELECT * FROM safedeploy.event'
		  . (defined $run_id ? ' WHERE run_id = ' . quote_literal($run_id) : '') . ' ORDER BY seq');
}

sub snapshots
{
	my ($self, $database) = @_;
	return $self->json($database, 'SELECT * FROM safedeploy.snapshot ORDER BY id');
}

sub faults
{
	my ($self, $database) = @_;
	return $self->json($database, 'SELECT * FROM safedeploy.verify_ledger()');
}

=head2 fingerprint($database), differences($database, $snapshot)

Hash of the schema as it is; changes of class real between a stored snapshot and
the schema as it is.

=cut

sub fingerprint
{
	my ($self, $database) = @_;
	return $self->sql($database, 'SELECT safedeploy.fingerprint()');
}

sub differences
{
	my ($self, $database, $snapshot) = @_;
	return $self->json($database,
		"SELECT * FROM safedeploy.diff($snapshot) WHERE class = 'real' ORDER BY seq");
}

=head1 SECRETS

=head2 watch_process_list($secret), stop_watching($watcher)

Starts a watcher that looks for the secret in the arguments of every process
until it is stopped; stopping returns the command lines that had it, after
having made sure that the watcher saw something at all.

=cut

sub watch_process_list
{
	my ($secret) = @_;
	my $code = <<'PERL';
		my $secret = <STDIN>;
		chomp $secret;
		my ($looked, %found, $stop) = (0);
		$SIG{TERM} = sub { $stop = 1; };
		while (!$stop)
		{
			foreach my $file (glob '/proc/[0-9]*/cmdline')
			{
				open my $handle, '<', $file or next;
				local $/;
				my $line = <$handle>;
				next unless defined $line;
				$looked++;
				$found{ $line =~ tr/\0/ /r } = 1 if index($line, $secret) >= 0;
			}
			select undef, undef, undef, 0.002;
		}
		print "$looked\n", map { "$_\n" } sort keys %found;
PERL
	return start_program([ $^X, '-e', $code ], stdin => "$secret\n");
}

sub stop_watching
{
	my ($watcher) = @_;
	$watcher->signal('TERM');
	$watcher->wait(10);
	my ($looked, @found) = split /\n/, $watcher->stdout;
	croak 'the process list was never read' unless $looked;
	return @found;
}

=head1 QUOTING

=cut

sub quote_literal { my ($text) = @_; $text =~ s/'/''/g; return "'$text'"; }
sub quote_ident   { my ($text) = @_; $text =~ s/"/""/g; return "\"$text\""; }

sub percent
{
	my ($text) = @_;
	utf8::encode($text) if utf8::is_utf8($text);
	$text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;
	return $text;
}

1;
