package SafeDeployTest::Dead;

=head1 NAME

SafeDeployTest::Dead - databases in which a run has died, in any state

=head1 SYNOPSIS

  use SafeDeployTest::Dead;

  my $dead = SafeDeployTest::Dead->new($server);
  my ($database, $id) = $dead->scene('run', [ $dead->to_migrate ]);
  $dead->up($database, 2);
  my $p = $dead->migguard($database, 'resume');

=head1 DESCRIPTION

A directory of three plain SQL migrations, of which the first is applied by a run.  A scene is a
copy of that database with one more run in its ledger, written by hand as far as it came: from
revision 1 to 3, with the snapshots of both ends.  What it has left there is up to the caller.

=cut

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Temp;
use JSON::PP ();

use SafeDeployTest;

my %up = (
	1 => 'CREATE TABLE t (id integer PRIMARY KEY, old text);',
	2 => 'ALTER TABLE t ADD COLUMN c text; CREATE TABLE extra (id integer);',
	3 => 'CREATE INDEX t_c ON t (c); ALTER TABLE t DROP COLUMN old;');
my %down = (
	1 => 'DROP TABLE t;',
	2 => 'ALTER TABLE t DROP COLUMN c; DROP TABLE extra;',
	3 => 'ALTER TABLE t ADD COLUMN old text; DROP INDEX t_c;');

my $ini = <<INI;
[tool]
name = sql
directory = .
[preflight]
git_clean = off
[run]
fail_on = never
probe = off
[backup]
policy = none
INI

=head2 new($server, %options)

C<ini>: more of migguard.ini.  C<sql>: run in the database before the first migration.
C<down>: text in place of the downgrade of a number, as a hash.

=cut

sub new
{
	my ($class, $server, %opt) = @_;
	my $self = bless { server => $server, dir => File::Temp->newdir, count => 0, down => { %down, %{ $opt{down} || {} } } }, $class;
	foreach my $n (1 .. 3)
	{
		$self->write("${n}_m.up.sql", "$up{$n}\n");
		$self->write("${n}_m.down.sql", "$self->{down}{$n}\n");
	}
	$self->write('migguard.ini', $ini . ($opt{ini} || ''));
	$server->create_database('base');
	$server->sql('base', $opt{sql}) if $opt{sql};
	exit_is($self->migguard('base', 'run', '--target', '1', '--no-rehearsal'), 0, 'the first migration is applied by a run');
	$self->{snapshot}{before} = $self->snapshot('base');
	# what is to come is known from a copy, and carried over as a rehearsal does it
	$server->sql('postgres', 'CREATE DATABASE ahead TEMPLATE base');
	$self->up('ahead', 2);
	$self->{snapshot}{between} = $self->carried('ahead', 'base');
	$self->up('ahead', 3);
	$self->{snapshot}{after} = $self->carried('ahead', 'base');
	foreach my $name (keys %{ $self->{snapshot} })
	{
		$self->{fingerprint}{$name} = $server->sql('base', "SELECT fingerprint FROM safedeploy.snapshot WHERE id = $self->{snapshot}{$name}");
	}
	return $self;
}

sub dir { return "$_[0]{dir}"; }
sub up_sql { return $up{ $_[1] }; }
sub checksum { return sha256_hex("$up{$_[1]}\n"); }

sub write
{
	my ($self, $name, $text) = @_;
	open my $handle, '>:raw', "$self->{dir}/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle;
	return;
}

sub migguard { my ($self, $database, @arguments) = @_; return $self->{server}->migguard($database, \@arguments, cwd => "$self->{dir}"); }

=head2 up($database, @numbers), record($database, @numbers), forget($database, @numbers)

A migration as the tool applies it; only its record; its record taken away.

=cut

sub record_sql { my ($self, $n) = @_; return "SELECT safedeploy.record_migration('default', '$n', '${n}_m.up.sql', '" . $self->checksum($n) . q{', NULL)}; }
sub up     { my ($self, $database, @numbers) = @_; $self->{server}->sql($database, "BEGIN; $up{$_}; " . $self->record_sql($_) . '; COMMIT')  foreach @numbers; return; }
sub record { my ($self, $database, @numbers) = @_; $self->{server}->sql($database, $self->record_sql($_))                                   foreach @numbers; return; }
sub forget { my ($self, $database, @numbers) = @_; $self->{server}->sql($database, "SELECT safedeploy.forget_migration('default', '$_')") foreach @numbers; return; }

sub snapshot { my ($self, $database) = @_; return $self->{server}->sql($database, 'SELECT safedeploy.take_snapshot()'); }
sub snapshot_id { my ($self, $name) = @_; return 0 + $self->{snapshot}{$name}; }

sub carried
{
	my ($self, $from, $to) = @_;
	my $id = $self->snapshot($from);
	my $rows = $self->{server}->sql($from, "SELECT json_agg(r) FROM safedeploy.export_snapshot($id) r");
	return $self->{server}->sql($to, 'SELECT safedeploy.import_snapshot(array_agg(r)) FROM jsonb_array_elements(' . quote_literal($rows) . '::jsonb) r');
}

=head2 to_lock, to_migrate, unrehearsed, to_verify, to_rollback, back

Lists of events: [ state, status, detail ].  The last one is of a rollback on demand, from 3 to 1.

=cut

sub to_lock { return ([qw(preflight begin)], [qw(preflight ok)], [qw(lock begin)], [qw(lock ok)]); }

sub capture
{
	my ($self, %opt) = @_;
	return [ 'capture', 'ok', { revisions => ['1'], target => ['3'], pending => [ '2', '3' ], snapshot_id => $self->snapshot_id('before'), fingerprint => $self->{fingerprint}{before}, invalid_indexes => [], %opt } ];
}

sub rehearsed   { my ($self) = @_; return [ 'rehearse', 'ok', { snapshot_id => $self->snapshot_id('after'), fingerprint => $self->{fingerprint}{after} } ]; }
sub to_migrate  { my ($self, %opt) = @_; return ($self->to_lock, $self->capture(%opt), $self->rehearsed, [qw(backup skipped)], [qw(migrate begin)]); }
sub unrehearsed { my ($self) = @_; return ($self->to_lock, $self->capture, [qw(rehearse skipped)], [qw(backup skipped)], [qw(migrate begin)]); }
sub to_verify   { my ($self) = @_; return ($self->to_migrate, [qw(migrate ok)], [qw(verify begin)]); }
sub to_rollback { my ($self) = @_; return ($self->to_migrate, [qw(migrate failed)], [qw(rollback begin)]); }
sub verified    { my ($self) = @_; return [ 'verify', 'ok', { snapshot_id => $self->snapshot_id('after') } ]; }

sub back
{
	my ($self, %opt) = @_;
	return ($self->to_lock, [ 'capture', 'ok', { revisions => ['3'], target => ['1'], snapshot_id => $self->snapshot_id('after'), fingerprint => $self->{fingerprint}{after},
		goal_snapshot_id => $self->snapshot_id('before'), goal_fingerprint => $self->{fingerprint}{before}, invalid_indexes => [], %opt } ], [qw(rehearse ok)], [qw(rollback begin)]);
}

=head2 scene($command, \@events or \&events)

A new database with that run in its ledger; returns its name and the id of the run.

=cut

sub scene
{
	my ($self, $command, $events) = @_;
	my $database = 'd' . ++$self->{count};
	my $id = sprintf '%08x-0000-4000-8000-000000000000', 0xd0000000 + $self->{count};
	$self->{server}->sql('postgres', "CREATE DATABASE $database TEMPLATE base");
	$self->{server}->sql($database, "SELECT safedeploy.begin_run('$id', '$command', 'sql', 'default', '1', '3', NULL, '{}')");
	foreach (ref $events eq 'CODE' ? $events->($database) : @$events)
	{
		my ($state, $status, $detail) = @$_;
		$self->{server}->sql($database, "SELECT safedeploy.record_event('$id', '$state', '$status', NULL, " . (defined $detail ? quote_literal(JSON::PP->new->encode($detail)) : 'NULL') . ')');
	}
	return ($database, $id);
}

=head2 revision($database), schema($database), result_of($database, $id)

Where the tool stands; before, between, after or other, by the snapshots; how the run ended in the ledger, '' if it has not.

=cut

sub revision { my ($self, $database) = @_; return $self->{server}->sql($database, q{SELECT coalesce(max(version::int), 0) FROM safedeploy.applied_migration}); }
sub result_of { my ($self, $database, $id) = @_; return $self->{server}->sql($database, qq{SELECT coalesce((SELECT result FROM safedeploy.event WHERE run_id = '$id' AND state = 'end'), '')}); }

sub schema
{
	my ($self, $database) = @_;
	foreach my $name (qw(before between after))
	{
		return $name if $self->{server}->sql($database, "SELECT count(*) FROM safedeploy.diff($self->{snapshot}{$name}) WHERE class = 'real'") == 0;
	}
	return 'other';
}

1;
