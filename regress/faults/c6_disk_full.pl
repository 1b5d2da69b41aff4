# Full disks: where backups go, where the database is, where output goes; and files that may not grow.
# Runs in a mount namespace of its own, so that it may mount small file systems without being root.
use strict;
use warnings;

BEGIN
{
	if (!$ENV{SD_OWN_MOUNTS})
	{
		my @unshare = qw(unshare --user --keep-caps --map-current-user --mount);
		if (system("@unshare sh -c 'mount -t tmpfs none /mnt' 2>/dev/null") != 0)
		{
			require Test::More;
			Test::More::plan(skip_all => 'no user namespace in which file systems can be mounted');
		}
		$ENV{SD_OWN_MOUNTS} = 1;
		exec @unshare, $^X, (map { "-I$_" } @INC), $0 or die "could not execute unshare: $!";
	}
}

use File::Path qw(remove_tree);
use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C6', 'a full disk: no backup is believed, nothing is applied, and it says where');
seed();

my $dir = File::Temp->newdir;
my %files = (
	'1_base.up.sql' => "CREATE TABLE t (i integer PRIMARY KEY, v text);\nALTER TABLE t ALTER v SET STORAGE EXTERNAL;\nINSERT INTO t SELECT i, (SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 1000) j) FROM generate_series(1, 1300) i;\n",
	'1_base.down.sql' => "DROP TABLE t;\n",
	'2_more.up.sql'   => "ALTER TABLE t ADD COLUMN k integer;\nCREATE TABLE u AS SELECT * FROM t LIMIT 20;\n",
	'2_more.down.sql' => "DROP TABLE u;\nALTER TABLE t DROP COLUMN k;\n");
my $faults = SafeDeployTest::Faults->new('disk', files => \%files);

sub small
{
	my ($name, $size) = @_;
	mkdir "$dir/$name" or die "$name: $!";
	chmod 0700, "$dir/$name";
	system('mount', '-t', 'tmpfs', '-o', "size=$size,mode=0700", 'none', "$dir/$name") == 0 or die "could not mount $name";
	return "$dir/$name";
}

# What is wrong with the places of backups: a whole one that is bad, or one that was given up without being marked.
sub wrong_backups
{
	my ($where) = @_;
	my @whole = grep { !/\.partial$/ } glob "'$where'/*";
	my @wrong;
	push @wrong, "a backup that is bad has the name of a good one: @whole"
	  if @whole && run_program([ SafeDeployTest::migguard_program(), 'backup', 'verify', @whole ])->exit_code != 0;
	remove_tree(glob "'$where'/*");
	return @wrong;
}

my %kinds = (
	full      => [ '--kind', 'full', '--compress', '0' ],
	packed    => [ '--kind', 'full', '--compress', '5' ],
	directory => [ '--kind', 'full', '--backup-format', 'directory', '--compress', '0' ],
	targeted  => [ '--table', 't', '--compress', '1' ]);
my $database = $faults->database('A');

sub refused
{
	my ($name, $where, $p, %opt) = @_;
	my @wrong;
	push @wrong, 'it ends by signal ' . $p->term_signal unless defined $p->exit_code;
	push @wrong, 'it says all is well' if defined $p->exit_code && $p->exit_code == 0;
	push @wrong, 'it does not say what is wrong' if $p->stderr !~ /No space left|File too large|could not write|signal 25|worker process died/i;
	push @wrong, 'it does not say where' if index($p->stderr, $opt{place} || $where) < 0;
	push @wrong, wrong_backups($where);
	return verdict('C6', !@wrong, $name, @wrong, $p->stderr);
}

# a backup that does not fit on 16 MB
my $small = small('small', '16m');
foreach my $kind (sort keys %kinds)
{
	my $p = $faults->guard($database, [ 'backup', 'create', @{ $kinds{$kind} } ], env => { MIGGUARD_BACKUP_DIRECTORY => $small });
	refused("a $kind backup on a full disk: " . (defined $p->exit_code ? $p->exit_code : 'signal'), $small, $p);
}
foreach my $how ([ 'told before', {} ], [ 'not looked at before', { MIGGUARD_PREFLIGHT_DISK_SPACE => 'off' } ])
{
	$faults->trial('C6', "a run whose backup finds no room, $how->[0]", arguments => ['--no-rehearsal'], again => [qw(--no-rehearsal --no-backup)],
		env => { MIGGUARD_BACKUP_DIRECTORY => $small, MIGGUARD_BACKUP_COMPRESS => 0, %{ $how->[1] } }, must_end => '10',
		after => sub { my ($self, $trial) = @_; return ($trial->{process}->stderr =~ /No space left|free|room/ ? () : 'it does not say why', wrong_backups($small)); });
}

# files that may not grow, of several sizes
foreach my $kind (sort keys %kinds)
{
	foreach my $blocks (repeats() >= 20 ? (1, 2, 8, 64, 512, 4096, 16384) : (8, 4096))
	{
		my $program = SafeDeployTest::migguard_program();
		my $p = run_program([ 'bash', '-c', "ulimit -f $blocks; exec \"\$@\"", 'bash', $program, 'backup', 'create', @{ $kinds{$kind} } ],
			env => { %{ $faults->{env} }, DATABASE_URL => $faults->server->url($database), MIGGUARD_BACKUP_DIRECTORY => "$dir/limited" });
		refused("a $kind backup whose files may have $blocks kB: " . (defined $p->exit_code ? $p->exit_code : 'signal'), "$dir/limited", $p);
	}
}

# output that cannot be written: said, and nothing else is touched by it
foreach my $command ([qw(--format json run --no-backup --no-rehearsal)], [qw(--format json plan --no-rehearsal)], [qw(--format json status)], ['failpoints'], ['--help'])
{
	my $copy = $faults->database('A');
	my $p = run_program([ 'bash', '-c', 'exec "$@" >/dev/full', 'bash', SafeDeployTest::migguard_program(), @$command ],
		env => { %{ $faults->{env} }, DATABASE_URL => $faults->server->url($copy) });
	my $look = $faults->look($copy);
	my $want = $command->[2] && $command->[2] eq 'run' ? 'B' : 'A';
	my @wrong;
	push @wrong, 'it says all is well' if !defined $p->exit_code || $p->exit_code == 0;
	push @wrong, 'it does not say what is wrong' if $p->stderr !~ /could not write to standard output/;
	push @wrong, 'the state is ' . $faults->where($look) if $faults->where($look) ne $want;
	push @wrong, 'something is left' if $look->{sessions} || $look->{holders};
	verdict('C6', !@wrong, "$command->[-1] >/dev/full: " . (defined $p->exit_code ? $p->exit_code : 'signal'), @wrong, $p->stderr);
	$faults->gone($copy);
}
{
	my $copy = $faults->database('A');
	my $p = run_program([ 'bash', '-c', 'exec "$@" 2>/dev/full', 'bash', SafeDeployTest::migguard_program(), qw(run --no-backup --no-rehearsal) ],
		env => { %{ $faults->{env} }, DATABASE_URL => $faults->server->url($copy) });
	verdict('C6', defined $p->exit_code && $p->exit_code == 0 && $faults->where($faults->look($copy)) eq 'B', 'run 2>/dev/full goes on');
	$faults->gone($copy);
}

# a database whose disk has so much room left when the run begins
my $space = small('space', '256m');
mkdir "$space/pg" or die "tablespace: $!";
$faults->server->sql('postgres', "CREATE TABLESPACE space LOCATION '$space/pg'");
$faults->server->sql('postgres', 'ALTER DATABASE scene_a_disk SET TABLESPACE space');
foreach my $left (repeats() >= 20 ? (0, 8, 16, 32, 64, 128, 256, 512, 1024, 4096) : (0, 64, 512))
{
	$faults->trial('C6', "the database has $left kB left",
		arguments => [qw(--no-backup --no-rehearsal)], again => [qw(--no-backup --no-rehearsal)],
		prepare => sub {
			my ($self, $trial) = @_;
			unlink "$space/filler";
			# a server whose first session in a database cannot write its cache lets nobody in
			$faults->server->sql($trial->{database}, 'CHECKPOINT');
			my ($free) = `df --output=avail -k $space` =~ /(\d+)\s*\z/;
			system('fallocate', '-l', ($free - $left) * 1024, "$space/filler") == 0 or die 'could not fill the disk' if $free > $left;
		},
		after => sub {
			my ($self, $trial) = @_;
			unlink "$space/filler";
			my $p = $trial->{process};
			return defined $p->exit_code && $p->exit_code != 0 && $p->stderr !~ /No space left|could not extend|could not write|could not create/i ? 'it does not say why' : ();
		});
}

done_testing();
