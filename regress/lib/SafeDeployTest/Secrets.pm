package SafeDeployTest::Secrets;

=head1 NAME

SafeDeployTest::Secrets - looks for a secret wherever one could come out

=head1 SYNOPSIS

  my $secrets = SafeDeployTest::Secrets->new($server, qr/first|second/);
  my $p = $server->migguard(...);
  my @hits = $secrets->hits(directories => [$directory], databases => ['app'], said => [$p]);

The pattern should be of fragments that look the same in every spelling: letters and digits
alone, so that percent signs, backslashes and doubled quotes change nothing about them, and
half a secret is found too.

From its making on, the command line and the name of every process are read at 50 Hz, and
so is C<pg_stat_activity>, by a superuser and by a role without any rights.

=cut

use strict;
use warnings;

use Carp;
use File::Find;
use File::Temp;
use JSON::PP ();
use SafeDeployTest;

my $watch_processes = <<'PERL';
my ($pattern, $file) = map { s/\n\z//r } <STDIN>;
open my $found, '>>', $file or die "$file: $!";
$found->autoflush;
my (%before, %last, %told);
sub processes { opendir my $proc, '/proc' or die "/proc: $!"; return grep { /^[0-9]+$/ } readdir $proc; }
sub text { open my $handle, '<:raw', "/proc/$_[0]" or return; local $/; return scalar <$handle>; }
# what was there before has nothing to do with it
@before{ grep { $_ != $$ } processes() } = ();
while (1)
{
	foreach my $pid (grep { !exists $before{$_} } processes())
	{
		my $line = text("$pid/cmdline");
		next if !defined $line || (defined $last{$pid} && $last{$pid} eq $line);
		$last{$pid} = $line;
		foreach my $text ($line, text("$pid/comm") // '')
		{
			next unless $text =~ /$pattern/;
			$text =~ tr/\0\n/  /;
			print $found "$pid\t$text\n" unless $told{"$pid $text"}++;
		}
	}
	print $found "looked\n" if %last && !$told{looked}++;
	select undef, undef, undef, 0.02;
}
PERL

# The pattern is in a table, so that the watchers are not what they find.
my $watch_activity = <<'SQL';
CREATE TABLE needle (pattern text);
CREATE TABLE seen (watcher text, application_name text, query text);
CREATE TABLE looked (watcher text PRIMARY KEY, times integer);
CREATE PROCEDURE watch() LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		PERFORM pg_stat_clear_snapshot();
		INSERT INTO seen SELECT DISTINCT session_user, a.application_name, a.query FROM pg_stat_activity AS a, needle AS n
			WHERE a.pid <> pg_backend_pid() AND (a.application_name ~ n.pattern OR a.query ~ n.pattern);
		INSERT INTO looked VALUES (session_user, 1) ON CONFLICT (watcher) DO UPDATE SET times = looked.times + 1;
		COMMIT;
		PERFORM pg_sleep(0.02);
	END LOOP;
END $$;
CREATE ROLE looker LOGIN;
GRANT SELECT ON needle TO looker;
GRANT SELECT, INSERT, UPDATE, DELETE ON seen, looked TO looker;
SQL

=head2 new($server, $pattern)

=cut

sub new
{
	my ($class, $server, $pattern) = @_;
	my $self = bless { server => $server, pattern => $pattern, temp => File::Temp->newdir, log_at => 0 }, $class;
	my $text = $pattern =~ s/^\(\?\^\w*:(.*)\)\z/$1/r;
	$self->{found} = "$self->{temp}/found";
	$self->{found_at} = 0;
	$self->{watchers} = [ start_program([ $^X, '-MIO::Handle', '-e', $watch_processes ], stdin => "$text\n$self->{found}\n") ];
	$server->create_database('watched', extension => 0);
	$server->sql('watched', $watch_activity);
	$server->sql('watched', 'INSERT INTO needle VALUES (' . quote_literal($text) . ')');
	# the session that has told it is seen until it is gone
	wait_until(sub { $server->sql('watched', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO needle%'}) == 0 }, 60, 'the end of the session with the needle');
	push @{ $self->{watchers} }, start_program([ 'psql', '-Xqc', 'CALL watch()', $server->url('watched', user => $_) ]) foreach $server->user, 'looker';
	wait_until(sub { -s $self->{found} && $server->sql('watched', 'SELECT count(*) FROM looked') == 2 }, 60, 'the watchers');
	$self->log_since;
	return $self;
}

=head2 log_since()

Lines of the server's log since the last call.

=cut

sub log_since
{
	my ($self) = @_;
	open my $handle, '<:raw', $self->{server}->node->logfile or croak "log of the server: $!";
	seek $handle, $self->{log_at}, 0;
	my @lines = <$handle>;
	$self->{log_at} = tell $handle;
	return @lines;
}

sub processes_since
{
	my ($self) = @_;
	croak 'a watcher has ended' if grep { !$_->running } @{ $self->{watchers} };
	open my $handle, '<:raw', $self->{found} or croak "$self->{found}: $!";
	seek $handle, $self->{found_at}, 0;
	my @lines = grep { $_ ne "looked\n" } <$handle>;
	$self->{found_at} = tell $handle;
	return map { chomp; $_ } @lines;
}

=head2 hits(%options)

All that has come out since the last call, each with the place where it is.  C<said>: list
of processes whose output is looked at; C<databases>: those whose ledger and records are;
C<directories>: those where names and contents of files are; C<allowed>: code that gets the
place and the text and tells that this is no fault of ours.

=cut

my @tables = qw(run event lock permit permit_use run_statement drift_event snapshot snapshot_object object_def applied_migration);

sub hits
{
	my ($self, %opt) = @_;
	my $pattern = $self->{pattern};
	my @looked;
	push @looked, map { ([ stdout => $_->stdout ], [ stderr => $_->stderr ]) } @{ $opt{said} || [] };
	foreach my $database (@{ $opt{databases} || [] })
	{
		my $rows = join ' UNION ALL ', map { "SELECT '$_', t::text FROM safedeploy.$_ AS t" } @tables;
		push @looked, map { [ "row in $database" => $_ ] } grep { /$pattern/ } split /\n/, $self->{server}->sql($database, $rows);
	}
	my $file = sub {
		return if $_ eq '.' || $_ eq '..';
		push @looked, [ 'name of a file' => $_ ];
		# the memory of a process that crashed
		push @looked, [ "file $_" => SafeDeployTest::Process::slurp($_) ] if -f && !m{/core(?:\.\d+)?$};
	};
	find({ no_chdir => 1, wanted => $file }, grep { -d } @{ $opt{directories} || [] }) if grep { -d } @{ $opt{directories} || [] };
	push @looked, map { [ log => $_ ] } $self->log_since;
	push @looked, map { [ process => $_ ] } $self->processes_since;
	push @looked, map { [ "pg_stat_activity of $_->{watcher}" => "$_->{application_name} $_->{query}" ] } $self->activity_since;
	return map { "$_->[0]: " . excerpt($_->[1], $pattern) } grep { $_->[1] =~ /$pattern/ && !($opt{allowed} && $opt{allowed}->(@$_)) } @looked;
}

sub activity_since
{
	my ($self) = @_;
	my $text = $self->{server}->sql('watched', q{WITH d AS (DELETE FROM seen RETURNING *) SELECT coalesce(jsonb_agg(DISTINCT to_jsonb(d)), '[]') FROM d});
	return map { { map { $_ // '' } %$_ } } @{ JSON::PP->new->decode($text) };
}

sub excerpt
{
	my ($text, $pattern) = @_;
	$text =~ /$pattern/ or return $text;
	my $from = $-[0] > 150 ? $-[0] - 150 : 0;
	return substr $text, $from, 300;
}

=head2 stop()

Ends the watchers; returns how often each of those of C<pg_stat_activity> has looked.

=cut

sub stop
{
	my ($self) = @_;
	my @times = split /\n/, $self->{server}->sql('watched', 'SELECT times FROM looked ORDER BY watcher');
	$_->kill_group foreach @{ $self->{watchers} };
	return @times;
}

1;
