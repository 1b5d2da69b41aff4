package SafeDeployTest::Faults;

=head1 NAME

SafeDeployTest::Faults - trials: migguard is hurt at one place, and what it leaves is judged

=head1 SYNOPSIS

  use SafeDeployTest::Faults;

  promise('C1', 'killed at a boundary: nothing, all, or a recorded part');
  my $faults = SafeDeployTest::Faults->new('signals');
  foreach my $point ($faults->points_of_run)
  {
      $faults->trial('C1', "SIGKILL at $point", fault => "$point=kill") foreach 1 .. repeats();
  }
  done_testing();

=head1 DESCRIPTION

Test programs in F<regress/faults> are run by C<regress/check faults>, with a migguard
and a module that are built with C<make FAILPOINTS=1> (see F<guard-cli/src/failpoint.h>
and F<extension/sd_failpoint.h>).  Each trial is one test point, and one line of the
table that is printed at the end: promise, trials, failures.

A trial has a database of its own, a copy of a template at revision 1 of a directory of
plain SQL.  It is run from there with a fault, and must then be in an allowed state:

  A  nothing is applied, and the ledger does not say otherwise
  B  all is applied, and the ledger says so or the next run finds out
  C  a part is applied, and the ledger has the run in a state that may leave one

Then another migguard is started with nothing wrong, at once.  It must get the lock
within 30 seconds, must either reach B or refuse with exit 24 and change nothing, and
what it refuses must be brought to A or B by C<migguard resume> or C<migguard rollback --run ID>,
from where a run reaches B.  After that no session, no lock, no scratch database and no half-made
backup of any of these runs is left, no run is without an end, and the ledger verifies.

What is judged: the fingerprint of the schema, every row and sequence, the tool's
version table, C<verify_ledger()>, the ledger's runs, C<pg_stat_activity>,
C<safedeploy.lock_holders>, C<pg_database>.

A test that has a judgement of its own uses C<verdict> in place of C<trial>.

=cut

use strict;
use warnings;

use Carp;
use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use Fcntl qw(:flock);
use File::Path qw(make_path remove_tree);
use File::Temp;
use JSON::PP ();
use POSIX qw(ceil);
use Test::More;
use Time::HiRes qw(time sleep);

use SafeDeployTest;

our @EXPORT = qw(promise verdict repeats share seed lean boundaries some_of);

=head1 COUNTING

=head2 promise($id, $text)

What the table says of it.  To be called once before its trials.

=head2 verdict($id, $passed, $name, @diagnostics)

One trial: a test point and its place in the table.  Returns whether it passed.

=head2 tally($id, $trials, $failures)

The place in the table of many that have one test point together.

=cut

my %texts;

sub promise
{
	my ($id, $text) = @_;
	$texts{$id} = $text;
	return;
}

sub verdict
{
	my ($id, $passed, $name, @diagnostics) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	croak "promise $id is not declared" unless exists $texts{$id};

	ok($passed, "$id: $name") or diag(join "\n", @diagnostics);
	tally($id, 1, $passed ? 0 : 1);
	return $passed;
}

sub tally
{
	my ($id, $trials, $failures) = @_;
	my $table = $ENV{SD_FAULTS_TABLE} or return;
	croak "promise $id is not declared" unless exists $texts{$id};
	open my $handle, '>>', $table or croak "$table: $!";
	flock $handle, LOCK_EX or croak "$table: $!";
	print $handle join("\t", $id, $trials, $failures, $texts{$id}), "\n";
	close $handle or croak "$table: $!";
	return;
}

=head2 repeats(), share($bar), seed()

How often each trial is to be made: SD_TRIALS, 1 by default, 20 in C<make check-faults>.
C<share> is that part of a number that is meant for 20, at least 1.  C<seed> seeds
rand() with SD_SEED, or with a number that it prints.

=cut

sub repeats { return $ENV{SD_TRIALS} || 1; }

sub share
{
	my ($bar) = @_;
	return ceil($bar * repeats() / 20);
}

sub seed
{
	my $seed = defined $ENV{SD_SEED} && $ENV{SD_SEED} ne '' ? $ENV{SD_SEED} : int(time * 1000) % 1_000_000_007;
	srand $seed;
	diag("SD_SEED=$seed");
	return $seed;
}

=head1 SCENES

=head2 new($name, %options)

A server and two templates: at revision 1, and with everything applied.  Options:
C<files> (hash of migration files in place of the usual ones but number 1),
C<server> (a SafeDeployTest in place of a new one; C<$name> must then be another one),
C<env> (variables for every migguard), C<conf> (for a new server).

=cut

# A transactional file, one that runs in no transaction, one with data.
my %usual = (
	'1_base.up.sql'   => "CREATE TABLE t (id integer PRIMARY KEY, name text);\nINSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 200) AS i;\nCREATE TABLE u (id serial, t integer REFERENCES t);\nINSERT INTO u (t) SELECT id FROM t;\n",
	'1_base.down.sql' => "DROP TABLE u;\nDROP TABLE t;\n",
	'2_shape.up.sql'  => "ALTER TABLE t ADD COLUMN size integer;\nCREATE VIEW v AS SELECT id, size FROM t;\nCREATE TABLE w (id bigserial PRIMARY KEY);\n",
	'2_shape.down.sql' => "DROP TABLE w;\nDROP VIEW v;\nALTER TABLE t DROP COLUMN size;\n",
	'3_index.up.sql'   => "CREATE INDEX CONCURRENTLY t_name ON t (name);\n",
	'3_index.down.sql' => "DROP INDEX CONCURRENTLY t_name;\n",
	'4_rows.up.sql'    => "INSERT INTO u (id, t) SELECT 1000 + id, id FROM t WHERE id <= 10;\nCREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';\n",
	'4_rows.down.sql'  => "DROP FUNCTION f();\nDELETE FROM u WHERE id > 1000;\n",
);

sub new
{
	my ($class, $name, %opt) = @_;
	my $self = bless {
		name   => $name,
		server => $opt{server} || SafeDeployTest->new("faults_$name", conf => $opt{conf}),
		temp   => File::Temp->newdir,
		number => 0,
	}, $class;
	my %files = $opt{files} ? ((map { $_ => $usual{$_} } grep { /^1_/ } keys %usual), %{ $opt{files} }) : %usual;
	$self->{directory} = "$self->{temp}/migrations";
	$self->{env} = {
		MIGGUARD_TOOL_NAME           => 'sql',
		MIGGUARD_TOOL_DIRECTORY      => $self->{directory},
		MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off',
		MIGGUARD_RUN_FAIL_ON         => 'never',
		MIGGUARD_RUN_BLOCKER_WAIT    => '0',
		%{ $opt{env} || {} },
	};
	make_path($self->{directory});
	$self->write("migrations/$_", $files{$_}) foreach grep { /^1_/ } keys %files;
	$self->{server}->create_database("scene_a_$name");
	$self->clean_run("scene_a_$name");
	$self->write("migrations/$_", $files{$_}) foreach keys %files;
	$self->{state}{A} = $self->look("scene_a_$name");
	$self->copy("scene_a_$name", "scene_b_$name");
	$self->clean_run("scene_b_$name");
	$self->{state}{B} = $self->look("scene_b_$name");
	croak 'the scene changes nothing' if $self->where($self->{state}{B}) ne 'B';
	return $self;
}

=head2 write($name, $text), path($name)

A file in the directory of the scene; migrations are in C<migrations/>.

=cut

sub server { return $_[0]{server}; }

sub write
{
	my ($self, $name, $text) = @_;
	open my $handle, '>:raw', $self->path($name) or croak "$name: $!";
	print $handle $text;
	close $handle or croak "$name: $!";
	return;
}

sub path { return "$_[0]{temp}/$_[1]"; }

sub clean_run
{
	my ($self, $database) = @_;
	my $run = $self->guard($database, [ 'run', '--no-backup', '--no-rehearsal' ]);
	croak "the scene cannot be made:\n" . $run->stdout . $run->stderr unless defined $run->exit_code && $run->exit_code == 0;
	return;
}

sub copy
{
	my ($self, $from, $to) = @_;
	return $self->{server}->sql('postgres', "CREATE DATABASE $to TEMPLATE $from");
}

=head2 database($state)

A new database in state A or B; C<gone($database)> drops it, with its shadow.

=cut

sub database
{
	my ($self, $state) = @_;
	my $name = "trial_$self->{name}_" . ++$self->{number};
	$self->copy('scene_' . lc($state) . "_$self->{name}", $name);
	return $name;
}

sub gone
{
	my ($self, $database) = @_;
	my @all = split /\n/, $self->{server}->sql('postgres', "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE '%of database $database' OR datname LIKE '${database}_before_%' OR datname = '$database'");
	$self->{server}->drop_database($_) foreach @all;
	remove_tree($self->path($database));
	return;
}

=head2 guard($database, \@arguments, %options), start_guard(...)

migguard in the scene, as SafeDeployTest::migguard(); C<env> comes on top.

=cut

sub start_guard
{
	my ($self, $database, $arguments, %opt) = @_;
	return $self->{server}->start_migguard($database, $arguments, %opt, cwd => "$self->{temp}",
		env => { %{ $self->{env} }, MIGGUARD_BACKUP_DIRECTORY => $self->path($database), %{ $opt{env} || {} } });
}

sub guard
{
	my ($self, $database, $arguments, %opt) = @_;
	my $timeout = delete $opt{timeout};
	return $self->start_guard($database, $arguments, %opt)->wait($timeout || 120);
}

=head2 points($command, %options)

Names of the points that a clean C<run> or C<rollback> of the scene reaches, each once,
in order; with C<< list => 1 >> every time it is reached, as NAME:NTH.  C<arguments>,
C<scene>, C<ends>, C<made_from> and C<prepare> as of a trial.

=cut

sub points
{
	my ($self, $command, %opt) = @_;
	my $database = $self->database($opt{made_from} || ($command eq 'rollback' ? 'B' : 'A'));
	my $trace    = $self->path('trace');
	my (%seen, @points);
	$opt{prepare}->($self, { database => $database }) if $opt{prepare};
	unlink $trace;
	my $run = $self->guard($database, [ $command, @{ $opt{arguments} || [] } ], env => { MIGGUARD_FAILPOINT_TRACE => $trace, %{ $opt{scene} || {} } });
	croak "a clean $command fails:\n" . $run->stdout . $run->stderr unless defined $run->exit_code && grep { $_ == $run->exit_code } @{ $opt{ends} || [0] };
	open my $handle, '<', $trace or croak "$trace: $! (is it a build with FAILPOINTS=1?)";
	while (my $point = <$handle>)
	{
		chomp $point;
		my $nth = ++$seen{$point};
		push @points, "$point:$nth" if $opt{list};
		push @points, $point        if !$opt{list} && $nth == 1;
	}
	close $handle;
	$self->gone($database);
	return @points;
}

=head2 some_of(@points)

Those at the boundaries of states, or all when trials are to be repeated.

=cut

sub some_of { return repeats() > 1 ? @_ : grep { /\.(?:begun|acted|closed)$/ } @_; }

=head2 boundaries($faults)

The thirteen boundaries B0 to B12 of a run, as a list of [ name, point ]: connect, lock,
token, ledger started, backup started, finished, verified, clone made, rehearsed, each
migration applied, checked, ledger finished, unlocked.  The migrations make it longer.

=cut

sub boundaries
{
	my ($self) = @_;
	my @all    = $self->points('run', list => 1);
	my ($from) = grep { $all[$_] eq 'migrate.begun:1' } 0 .. $#all;
	return (
		[ B0 => 'run.connected' ],  [ B1 => 'lock.taken' ], [ B2 => 'lock.tagged' ], [ B3 => 'run.recorded' ],
		[ B4 => 'dump.begun' ],     [ B5 => 'dump.described' ], [ B6 => 'dump.renamed' ],
		[ B7 => 'clone.made' ],     [ B8 => 'rehearse.closed' ],
		(map { [ B9 => $_ ] } grep { /^sql\.stepped:/ } @all[ $from .. $#all ]),
		[ B10 => 'verify.acted' ],  [ B11 => 'end.recorded' ], [ B12 => 'end.unlocked' ]);
}

=head2 all_points()

All that the build has.

=cut

sub all_points
{
	my ($self) = @_;
	my $list = run_program([ SafeDeployTest::migguard_program(), 'failpoints' ]);
	croak 'migguard is not built with FAILPOINTS=1' unless defined $list->exit_code && $list->exit_code == 0;
	return map { (split /\t/)[0] } split /\n/, $list->stdout;
}

=head1 STATES

=head2 look($database)

All that is judged, read in one session: a hash with C<fingerprint>, C<rows> (a digest a
table), C<sequences>, C<versions>, C<faults> of the ledger, C<runs> (newest first),
C<unfinished>, C<sessions>, C<holders>, C<scratch>, C<invalid> indexes.

=cut

my $look = <<'SQL';
SET safedeploy.record_drift = off;
CREATE FUNCTION pg_temp.digest(t regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
	EXECUTE format('SELECT count(*) || '':'' || md5(coalesce(string_agg(r::text, E''\n'' ORDER BY r::text), '''')) FROM ONLY %s AS r', t) INTO d;
	RETURN d;
END $$;
WITH ours AS (SELECT left(run_id::text, 8) AS id FROM safedeploy.run)
SELECT (json_build_object(
	'fingerprint', safedeploy.fingerprint(),
	'rows', (SELECT json_object_agg(c.oid::regclass::text, pg_temp.digest(c.oid::regclass) ORDER BY c.oid::regclass::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'safedeploy')),
	'sequences', (SELECT json_object_agg(schemaname || '.' || sequencename, last_value ORDER BY schemaname, sequencename) FROM pg_sequences WHERE schemaname <> 'safedeploy'),
	'versions', (SELECT json_agg(version ORDER BY version::numeric) FROM safedeploy.applied_migration),
	'faults', (SELECT json_agg(f) FROM safedeploy.verify_ledger() AS f),
	'runs', (SELECT json_agg(h) FROM (SELECT run_id, command, result, exit_code, last_state, message FROM safedeploy.history ORDER BY started_at DESC) AS h),
	'unfinished', (SELECT json_agg(run_id) FROM safedeploy.unfinished_runs),
	'holders', (SELECT json_agg(h) FROM safedeploy.lock_holders AS h),
	'sessions', (SELECT json_agg(application_name) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%' AND (datname = current_database() OR substr(application_name, 10, 8) IN (SELECT id FROM ours))),
	'scratch', (SELECT json_agg(datname) FROM pg_database WHERE datname ~ '^migguard_[0-9a-f]{8}_' AND substr(datname, 10, 8) IN (SELECT id FROM ours)),
	'invalid', (SELECT json_agg(indexrelid::regclass::text) FROM pg_index WHERE NOT indisvalid)))::jsonb;
SQL

sub look
{
	my ($self, $database) = @_;
	my $text = $self->{server}->sql($database, $look);
	return JSON::PP->new->decode((split /\n/, $text)[-1]);
}

=head2 bytes($database)

All of a database but the tables of safedeploy, as one text: its dump, and where each row
lies and which transaction wrote it.

=cut

sub bytes
{
	my ($self, $database) = @_;
	my $dump = run_program([ 'pg_dump', '--exclude-schema=safedeploy', $self->{server}->url($database) ]);
	croak $dump->stderr if !defined $dump->exit_code || $dump->exit_code != 0;
	# newer ones begin and end with a random key
	my $text = $dump->stdout =~ s/^\\(?:un)?restrict \S+$//mgr;
	my $rows = $self->{server}->sql($database, <<'SQL');
SET safedeploy.record_drift = off;
CREATE FUNCTION pg_temp.places(t regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
	EXECUTE format('SELECT coalesce(string_agg(ctid::text || xmin || '','' || xmax, '';'' ORDER BY ctid), '''') FROM ONLY %s', t) INTO d;
	RETURN d;
END $$;
SELECT c.oid, c.relfilenode, pg_temp.places(c.oid::regclass) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'safedeploy') ORDER BY c.oid;
SQL
	return "$text\n$rows";
}

sub same
{
	my ($one, $other) = @_;
	my $json = JSON::PP->new->canonical->allow_nonref;
	foreach my $what (qw(fingerprint rows versions)) { return 0 if $json->encode($one->{$what}) ne $json->encode($other->{$what}); }
	# a sequence runs ahead of a transaction that was rolled back, and of a server that was shut down at once
	return !grep { ($one->{sequences}{$_} || 0) < ($other->{sequences}{$_} || 0) } keys %{ $other->{sequences} || {} };
}

=head2 where($look)

A, B or C.

=cut

sub where
{
	my ($self, $look) = @_;
	foreach my $state (qw(A B)) { return $state if $self->{state}{$state} && same($look, $self->{state}{$state}); }
	return 'C';
}

# What an exit code, or the result in the ledger, promises of the state.
my %promises = (0 => 'goal', 10 => 'start', 11 => 'start', 12 => 'start', 13 => 'start', 20 => 'start', 21 => 'start');

# States of a run in which a part of it may be on the database.
my $may_leave_a_part = qr/^(migrate|verify|rollback)$/;

=head2 faults_of($trial, $look, $exit_code)

What is not allowed about a state that the fault of a trial has left; exit code undef
for a process that was killed.

=cut

sub faults_of
{
	my ($self, $trial, $look, $exit_code) = @_;
	my @wrong;
	my $where = $self->where($look);
	# one that died early is not in the ledger
	my $last = @{ $look->{runs} } > $trial->{runs} ? $look->{runs}[0] : {};
	push @wrong, 'the ledger is broken: ' . JSON::PP->new->canonical->encode($_) foreach @{ $look->{faults} || [] };
	foreach my $code ($exit_code, $last->{exit_code})
	{
		next unless defined $code && exists $promises{$code};
		push @wrong, "it says $code, but the state is $where" if $where ne $trial->{ $promises{$code} };
	}
	push @wrong, 'a part is applied, which the ledger does not say' if $where eq 'C' && !grep { leaves_a_part($_) } @{ $look->{runs} };
	return @wrong;
}

sub leaves_a_part
{
	my ($run) = @_;
	return $run->{result} =~ /^(?:interrupted|rollback_failed|rolled_back_unproved)$/ if defined $run->{result};
	return ($run->{last_state} || '') =~ $may_leave_a_part;
}

# What a run that went well leaves behind, though it should not.
sub litter
{
	my ($self, $database, $look, $backs_up) = @_;
	my @wrong;
	foreach my $what (qw(sessions holders scratch unfinished invalid faults))
	{
		push @wrong, "$what: " . JSON::PP->new->canonical->encode($look->{$what}) if $look->{$what};
	}
	# the next backup removes what is half-made
	push @wrong, "half-made backup $_" foreach $backs_up ? glob $self->path("$database/*.partial") : ();
	return @wrong;
}

=head1 TRIALS

=head2 trial($promise, $name, %options)

One trial from state A to B, or with C<< command => 'rollback' >> from B to A.  Options:

  fault      value of MIGGUARD_FAILPOINT; "POINT=pause" pauses at the trial's own path
  arguments  more arguments of the hurt migguard
  env        more variables for it
  scene      more variables for it and for the next one
  again      more arguments of the next one
  again_by   its command, when that is another one
  ends       exit codes with which the next one has reached the goal (default 0 and 3)
  goal       state that is the goal, when it is not the usual one
  made_from  state in which the database is made, when "prepare" leads to the start
  start      state from which it goes, when it is not the usual one
  prepare    sub($self, $trial): called before it is started; the trial has "database"
             and "pause" (that path)
  during     sub($self, $trial): called while it runs; the trial has "process"
  after      sub($self, $trial): called after its end, before anything is judged;
             returns what is wrong
  limit      seconds that it may take, 60
  must_end   what the hurt migguard must end with (regex on the exit code or on "signal N")

Returns the trial, with "passed", "where" (state after the fault), "exit".  For work by
hand, SD_ONLY=REGEX makes only the trials whose names match.

=cut

sub trial
{
	my ($self, $promise, $name, %opt) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return if defined $ENV{SD_ONLY} && $name !~ /$ENV{SD_ONLY}/;
	my $trial = { %opt, promise => $promise, command => $opt{command} || 'run', log => [], way => [] };
	$trial->{start} ||= $trial->{command} eq 'rollback' ? 'B' : 'A';
	$trial->{goal} ||= $trial->{command} eq 'rollback' ? 'A' : 'B';
	$trial->{database} = $self->database($trial->{made_from} || $trial->{start});
	$trial->{pause}    = $self->path("pause_$trial->{database}");
	my @wrong = eval { $self->hurt($trial), $self->mend($trial) };
	push @wrong, "the trial died: $@" if $@;
	unlink $trial->{pause};
	my $found = join ', ', map { defined $_ ? $_ : '?' } $trial->{exit}, $trial->{where}, @{ $trial->{way} };
	$trial->{passed} = verdict($promise, !@wrong, "$name: $found", @wrong ? (@wrong, @{ $trial->{log} }) : ());
	# a migguard that hangs would hold up what comes after
	$trial->{process}->kill_group if $trial->{process} && $trial->{process}->running;
	eval { $self->gone($trial->{database}); 1 } or diag("$trial->{database} stays: $@");
	return $trial;
}

# Runs migguard with the fault; returns what is wrong with what it left.
sub hurt
{
	my ($self, $trial) = @_;
	my @wrong;
	my $fault = $trial->{fault};
	$fault .= ":$trial->{pause}" if defined $fault && $fault =~ /=pause$/;
	$trial->{prepare}->($self, $trial) if $trial->{prepare};
	$trial->{runs} = $self->{server}->sql($trial->{database}, 'SELECT count(*) FROM safedeploy.run');
	$trial->{process} = $self->start_guard($trial->{database}, [ $trial->{command}, @{ $trial->{arguments} || [] } ],
		env => { (defined $fault ? (MIGGUARD_FAILPOINT => $fault) : ()), %{ $trial->{scene} || {} }, %{ $trial->{env} || {} } });
	$trial->{during}->($self, $trial) if $trial->{during};
	my $process = $trial->{process}->wait($trial->{limit} || 60);
	$trial->{ended} = time;
	$trial->{exit}  = defined $process->exit_code ? $process->exit_code : 'signal ' . $process->term_signal;
	push @{ $trial->{log} }, $process->command, 'fault: ' . (defined $fault ? $fault : 'none'), "exit: $trial->{exit}", $process->stdout, $process->stderr;
	push @wrong, "it ended with $trial->{exit}" if defined $trial->{must_end} && $trial->{exit} !~ /^(?:$trial->{must_end})$/;
	push @wrong, $trial->{after}->($self, $trial) if $trial->{after};
	if ($self->closed($trial))
	{
		# a restore that was interrupted; the next one opens it
		$trial->{where} = 'closed';
		return @wrong;
	}
	my $look = $self->settled($trial);
	$trial->{where} = $self->where($look);
	push @wrong, $self->faults_of($trial, $look, $process->exit_code);
	push @{ $trial->{log} }, 'found: ' . JSON::PP->new->canonical->encode($look) if @wrong;
	return @wrong;
}

# A restore has shut the database, or is between its two names.
sub closed
{
	my ($self, $trial) = @_;
	return !$self->{server}->sql('postgres', "SELECT count(*) FROM pg_database WHERE datname = '$trial->{database}' AND datallowconn");
}

# What a server at work leaves is judged once its sessions have ended, which they must within 30 s.
sub settled
{
	my ($self, $trial) = @_;
	while (1)
	{
		my $look = $self->look($trial->{database});
		return $look unless $look->{sessions} && time < $trial->{ended} + 30;
		sleep 0.05;
	}
}

# The next migguard, with nothing wrong, until the goal is reached; returns what is wrong.
sub mend
{
	my ($self, $trial) = @_;
	my ($command, $goal, @wrong) = ($trial->{again_by} || $trial->{command}, $trial->{goal});
	my $next = $self->again($trial, $command, '--lock-wait', '30s', @{ $trial->{again} || [] });
	my $look = $self->look($trial->{database});
	if ($next == 24)
	{
		push @wrong, $self->told($trial, $look);
		$next = $self->again($trial, $command, @{ $trial->{again} || [] });
		$look = $self->look($trial->{database});
	}
	push @wrong, "the next one ends with $next" unless grep { $_ == $next } @{ $trial->{ends} || [ 0, 3 ] };
	push @wrong, 'the next one leads to ' . $self->where($look) unless $self->where($look) eq $goal;
	push @wrong, $self->litter($trial->{database}, $look, $next == 0 && !grep { $_ eq '--no-backup' } @{ $trial->{again} || [] });
	push @{ $trial->{log} }, 'left: ' . JSON::PP->new->canonical->encode($look) if @wrong;
	return @wrong;
}

# What a person does who is refused with 24: cleans up what is named, then goes on by "resume" or back by
# "rollback", as it says; where it names both, trials take turns.  Returns what is wrong with the refusal,
# and with where that leads.
sub told
{
	my ($self, $trial, $look) = @_;
	my @wrong;
	my $where = $self->where($look);
	my ($id) = $trial->{said} =~ /run ([0-9a-f]{8}) was interrupted in state \w+/;
	push @wrong, "the next one refuses in state $where, which was $trial->{where}" if $where ne $trial->{where} || $where ne 'C' && ($where eq $trial->{start} || $where eq $trial->{goal});
	push @wrong, 'the refusal does not name the run and its state' unless defined $id;
	push @wrong, $self->clean_up($trial, $look);
	my @named;
	push @named, [ 'resume', '--no-backup' ] if $trial->{said} =~ /"migguard resume"/;
	push @named, [ 'rollback', '--run', $id ] if defined $id && $trial->{said} =~ /"migguard rollback --run $id"/;
	return (@wrong, 'the refusal names no command') unless @named;
	push @wrong, $self->set_revision($trial);
	my $code = $self->again($trial, @{ $named[ $self->{number} % @named ] });
	$where = $self->where($self->look($trial->{database}));
	if ($where eq 'C' && ($code == 24 || $code == 12))
	{
		# what is not recorded is in the way of both, and "resume" says so
		$self->again($trial, 'resume', '--no-backup') if $code == 12;
		push @wrong, $self->set_revision($trial);
		$code  = $self->again($trial, 'resume', '--no-backup');
		$where = $self->where($self->look($trial->{database}));
	}
	push @wrong, "what it names leads to $where by $code" unless $where eq 'A' || $where eq 'B' && $code == 0;
	return @wrong;
}

# What a person does who is told to set the revision; only what runs in no transaction can lack its record.
sub set_revision
{
	my ($self, $trial) = @_;
	my ($version) = $trial->{said} =~ /set the tool's revision(?: to (\d+))?/ or return;
	push @{ $trial->{way} }, 'set revision';
	my $outside = 0;
	foreach my $path (sort glob $self->path('migrations/*.up.sql'))
	{
		my ($number, $name) = ($path =~ m{/((\d+)_[^/]*)\z})[ 1, 0 ];
		last if defined $version && $number > $version;
		my $text = PostgreSQL::Test::Utils::slurp_file($path);
		$outside ||= $text =~ /CONCURRENTLY/;
		$self->{server}->sql($trial->{database}, "SELECT safedeploy.record_migration('default', '$number', '$name', '" . sha256_hex($text) . "', NULL)
			WHERE NOT EXISTS (SELECT FROM safedeploy.applied_migration WHERE version = '$number')");
	}
	return $outside ? () : 'the tool is said to have lost its revision';
}

# What a person does who is told of an invalid index: the command that is named.
sub clean_up
{
	my ($self, $trial, $look) = @_;
	my @wrong;
	foreach my $index (@{ $look->{invalid} || [] })
	{
		my ($command) = $trial->{said} =~ /(DROP INDEX CONCURRENTLY \S*\b\Q$index\E\b)/;
		push @{ $trial->{way} }, "drop $index";
		if   (defined $command) { $self->{server}->sql($trial->{database}, $command); }
		else                    { push @wrong, "invalid index $index is not named with a command that drops it"; }
	}
	return @wrong;
}

sub again
{
	my ($self, $trial, @arguments) = @_;
	my $run  = $self->guard($trial->{database}, \@arguments, env => $trial->{scene});
	my $code = defined $run->exit_code ? $run->exit_code : -1;
	$trial->{said} = $run->stderr;
	push @{ $trial->{way} }, "$arguments[0] $code";
	push @{ $trial->{log} }, 'then: ' . join(' ', @arguments) . " = $code", $run->stdout, $run->stderr;
	return $code;
}

=head2 lean($point)

Options for a trial that leave out what has nothing to do with a point, so that a trial
is cheap: the backup, the shadow, in the next migguard also the rehearsal.

=cut

sub lean
{
	my ($point) = @_;
	my @no_backup = $point =~ /^(?:dump|backup|child)\b/ ? () : ('--no-backup');
	my $clones    = $point =~ /^(?:shadow|database|clone|rehearse|child)\b/;
	return (
		env       => $clones ? {} : { MIGGUARD_REHEARSE_SHADOW => 'off' },
		arguments => \@no_backup,
		again     => [ @no_backup, $clones ? () : '--no-rehearsal' ]);
}

=head2 reached($trial)

For C<during>: waits until migguard has come to its fault "pause"; false when it ended
before.  C<release($trial)> lets it go on.

=cut

sub reached
{
	my ($self, $trial) = @_;
	my $until = time + 60;
	while (!-e $trial->{pause})
	{
		return 0 unless $trial->{process}->running;
		croak 'the point is not reached' if time > $until;
		sleep 0.005;
	}
	return 1;
}

sub release
{
	my ($self, $trial) = @_;
	unlink $trial->{pause} or croak "$trial->{pause}: $!";
	return;
}

=head2 sessions_of($trial), terminate($trial, $pattern)

Names of the sessions of migguard and its tool in the trial's database and its clones;
ending those whose name matches a LIKE pattern; both by way of another database.

=cut

my $of_trial = q{application_name LIKE 'migguard:%%' AND (datname = '%s' OR application_name IN (SELECT application_name FROM pg_stat_activity WHERE datname = '%1$s')
	OR substr(application_name, 10, 8) IN (SELECT substr(application_name, 10, 8) FROM pg_stat_activity WHERE datname = '%1$s'))};

sub sessions_of
{
	my ($self, $trial) = @_;
	my $where = sprintf $of_trial, $trial->{database};
	return split /\n/, $self->{server}->sql('postgres', "SELECT application_name FROM pg_stat_activity WHERE $where ORDER BY backend_start");
}

sub terminate
{
	my ($self, $trial, $pattern) = @_;
	my $where = sprintf $of_trial, $trial->{database};
	return $self->{server}->sql('postgres', "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE $where AND application_name LIKE '$pattern'");
}

=head2 gate($trial, $lock), at_gate($trial), open_gate($trial, $gate)

A session that holds C<LOCK TABLE $lock> until it is opened; waiting until the tool of
the trial waits for a lock; opening, which does nothing to a gate that is gone.

=cut

sub gate
{
	my ($self, $trial, $lock) = @_;
	my $gate = start_program([ 'psql', '-Xqc', "BEGIN; LOCK TABLE $lock; SELECT pg_sleep(600)", $self->{server}->url($trial->{database}) . '&application_name=gate' ]);
	wait_until(sub { $self->{server}->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gate' AND datname = '$trial->{database}' AND wait_event = 'PgSleep'") }, 30, 'the gate');
	return $gate;
}

sub at_gate
{
	my ($self, $trial) = @_;
	my $waits = "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE NOT l.granted AND a.application_name LIKE 'migguard:%' AND a.datname = '$trial->{database}'";
	return wait_until(sub { $self->{server}->sql('postgres', $waits) }, 30, 'the tool at the gate');
}

sub open_gate
{
	my ($self, $trial, $gate) = @_;
	$self->{server}->sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate' AND datname = '$trial->{database}'");
	$gate->kill_group;
	return;
}

=head2 inside_of_migrations(\&trials), in_statement($trial, $lock, \&blow)

The first calls trials($name, $fault, $lock) for each migration of the usual scene: the fault
pauses before its step, and a statement of it then waits for the lock that C<gate> holds.
The second, for C<during> of such a trial, lets it go on into that statement and calls the blow there.

=cut

sub inside_of_migrations
{
	my ($self, $trials) = @_;
	my @locks = ('t IN ROW EXCLUSIVE MODE', 't IN ROW EXCLUSIVE MODE', 'u IN EXCLUSIVE MODE');
	my @steps = $self->steps('run');
	$trials->('inside of migration ' . ($_ + 2), "$steps[$_]=pause", $locks[$_]) foreach 0 .. $#locks;
	return;
}

sub in_statement
{
	my ($self, $trial, $lock, $blow) = @_;
	$self->reached($trial) or croak 'it has ended';
	my $gate = $self->gate($trial, $lock);
	$self->release($trial);
	$self->at_gate($trial);
	$blow->();
	$self->open_gate($trial, $gate);
	return;
}

=head2 steps($command)

Points C<sql.step:NTH> of a clean run or rollback on the real database, in order.

=cut

sub steps
{
	my ($self, $command) = @_;
	my @all = $self->points($command, list => 1);
	my ($from) = grep { $all[$_] =~ /^(?:migrate|rollback)\.begun:1$/ } 0 .. $#all;
	return grep { /^sql\.step:/ } @all[ $from .. $#all ];
}

1;
