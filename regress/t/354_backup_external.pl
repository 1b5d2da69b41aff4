# Policy external: a real pgBackRest and a real Barman, whose newest backup counts while it is of this cluster and young enough.
use strict;
use warnings;

use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use Test::More;

my $dir = File::Temp->newdir;
my $server = SafeDeployTest->new('main', conf => "wal_level = replica\nmax_wal_senders = 10\narchive_mode = on\narchive_command = 'pgbackrest --config=$dir/pgbackrest.conf --stanza=main archive-push %p'\n");
my $other = SafeDeployTest->new('elsewhere');
my $place = 'host=' . $server->node->host . ' port=' . $server->node->port . ' user=' . $server->user . ' dbname=postgres';
my ($bin) = split /\n/, $server->sql('postgres', q{SELECT setting FROM pg_config() WHERE name = 'BINDIR'});

write_file("$dir/pgbackrest.conf", <<CONF);
[global]
repo1-path=$dir/repo
log-path=$dir
lock-path=$dir
spool-path=$dir
start-fast=y
repo1-retention-full=2
[main]
pg1-path=@{[ $server->node->data_dir ]}
pg1-port=@{[ $server->node->port ]}
pg1-socket-path=@{[ $server->node->host ]}
pg1-user=@{[ $server->user ]}
CONF
mkdir "$dir/$_" foreach qw(barman barman.d);
write_file("$dir/barman.conf", <<CONF);
[barman]
barman_user = @{[ scalar getpwuid $> ]}
configuration_files_directory = $dir/barman.d
barman_home = $dir/barman
log_file = $dir/barman.log
[main]
description = the one that is migrated
conninfo = $place
streaming_conninfo = $place
backup_method = postgres
streaming_archiver = on
slot_name = barman
create_slot = auto
path_prefix = $bin
CONF
sub pgbackrest { return run_program([ 'pgbackrest', "--config=$dir/pgbackrest.conf", '--stanza=main', @_ ]); }
sub barman { return run_program([ 'barman', '-c', "$dir/barman.conf", @_ ]); }

my $version = 0;
sub run_one
{
	my ($on, $provider, $ini) = @_;
	$version++;
	write_file("$dir/${version}_t.up.sql", "CREATE TABLE t$version ();\n");
	write_file("$dir/${version}_t.down.sql", "DROP TABLE t$version;\n");
	write_file("$dir/migguard.ini", "[tool]\nname = sql\ndirectory = .\n[rehearse]\nmode = off\n[preflight]\ngit_clean = off\n[backup]\npolicy = external\nexternal = $provider->{name}\ndirectory = $dir/backups\ncommand = $provider->{says}\n$ini");
	my $p = $on->migguard('app', [ '--format', 'json', 'run' ], cwd => "$dir");
	return $p if defined $p->exit_code && $p->exit_code == 0;
	unlink "$dir/${version}_t.up.sql", "$dir/${version}_t.down.sql";
	$version--;
	return $p;
}

my @receiver;
my @providers = (
	{
		name => 'pgbackrest',
		says => "pgbackrest --config=$dir/pgbackrest.conf --stanza=main --output=json info",
		prepare => sub { exit_is(pgbackrest('stanza-create'), 0, 'a stanza'); },
		backup => sub { return pgbackrest('--type=full', 'backup'); },
		label => qr/^\d{8}-\d{6}F$/,
	},
	{
		name => 'barman',
		says => "barman -c $dir/barman.conf diagnose",
		prepare => sub {
			exit_is(barman('receive-wal', '--create-slot', 'main'), 0, 'a slot');
			push @receiver, start_program([ 'barman', '-c', "$dir/barman.conf", 'receive-wal', 'main' ]);
			wait_until(sub { $server->sql('postgres', q{SELECT count(*) FROM pg_stat_replication}) }, 30, 'its receiver');
			exit_is(barman('switch-wal', '--force', '--archive', 'main'), 0, 'and its first segment');
		},
		backup => sub { return barman('backup', '--wait', 'main'); },
		label => qr/^\d{8}T\d{6}$/,
	});

$_->create_database('app') foreach $server, $other;
foreach my $provider (@providers)
{
	my $name = $provider->{name};
	$provider->{prepare}->();
	my $p = run_one($server, $provider, '');
	exit_is($p, 10, "$name: without a backup refused");
	like($p->stderr, qr/has no backup of this cluster/, 'and told so');
	exit_is($provider->{backup}->(), 0, "a backup by $name");
	$p = run_one($server, $provider, '');
	exit_is($p, 0, 'which is proof enough');
	my $path = JSON::PP->new->decode($p->stdout)->{backup};
	open my $handle, '<', "$path/manifest.json" or die "no manifest: $!";
	my $manifest = JSON::PP->new->decode(join '', <$handle>);
	is($manifest->{proof}{by}, $name, 'it says by whom');
	like($manifest->{proof}{label}, $provider->{label}, 'its label is kept');
	cmp_ok($manifest->{proof}{age_seconds}, '<', 600, 'and its age');
	cmp_ok($manifest->{proof}{age_seconds}, '>=', -1, 'which is no guess');
	ok(defined $manifest->{lsn} && defined $manifest->{restore_point}, 'and the place in the log with its name');
	$p = run_one($other, $provider, '');
	exit_is($p, 10, 'for another cluster it is none');
	like($p->stderr, qr/it is of another cluster/, 'and told so');
	sleep 2;
	$p = run_one($server, $provider, "max_age = 1s\n");
	exit_is($p, 10, 'nor when it is too old');
	like($p->stderr, qr/the newest backup of $name, \S+, is \S+ s? ?old/, 'and told so');
	isnt($server->migguard('app', [ 'backup', 'restore', $path ], cwd => "$dir")->exit_code, 0, 'it is not ours to restore');
}
run_program([ 'barman', '-c', "$dir/barman.conf", 'receive-wal', '--stop', 'main' ]);
$_->wait(10) foreach @receiver;

done_testing();
