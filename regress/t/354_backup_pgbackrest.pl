# Policy external: a real pgBackRest, whose newest backup counts while it is of this cluster and young enough.
use strict;
use warnings;

use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use Test::More;

my $dir = File::Temp->newdir;
my $server = SafeDeployTest->new('main', conf => "wal_level = replica\narchive_mode = on\narchive_command = 'pgbackrest --config=$dir/pgbackrest.conf --stanza=main archive-push %p'\n");
my $other = SafeDeployTest->new('elsewhere');

sub write_file
{
	my ($name, $text) = @_;
	open my $handle, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle;
	return;
}

write_file('pgbackrest.conf', <<CONF);
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
sub pgbackrest { return run_program([ 'pgbackrest', "--config=$dir/pgbackrest.conf", '--stanza=main', @_ ]); }

my $version = 0;
sub run_one
{
	my ($on, $ini) = @_;
	$version++;
	write_file("${version}_t.up.sql", "CREATE TABLE t$version ();\n");
	write_file("${version}_t.down.sql", "DROP TABLE t$version;\n");
	write_file('migguard.ini', "[tool]\nname = sql\ndirectory = .\n[rehearse]\nmode = off\n[preflight]\ngit_clean = off\n[backup]\npolicy = external\nexternal = pgbackrest\ndirectory = $dir/backups\n"
		  . "command = pgbackrest --config=$dir/pgbackrest.conf --stanza=main --output=json info\n$ini");
	my $p = $on->migguard('app', [ '--format', 'json', 'run' ], cwd => "$dir");
	unlink "$dir/${version}_t.up.sql", "$dir/${version}_t.down.sql" if !defined $p->exit_code || $p->exit_code != 0;
	$version-- if !defined $p->exit_code || $p->exit_code != 0;
	return $p;
}

$_->create_database('app') foreach $server, $other;
exit_is(pgbackrest('stanza-create'), 0, 'a stanza');
my $p = run_one($server, '');
exit_is($p, 10, 'without a backup: refused');
like($p->stderr, qr/has no backup of this cluster/, 'and told so');
exit_is(pgbackrest('--type=full', 'backup'), 0, 'a backup by pgBackRest');
$p = run_one($server, '');
exit_is($p, 0, 'which is proof enough');
my $path = JSON::PP->new->decode($p->stdout)->{backup};
open my $handle, '<', "$path/manifest.json" or die "no manifest: $!";
my $manifest = JSON::PP->new->decode(join '', <$handle>);
like($manifest->{proof}{label}, qr/^\d{8}-\d{6}F$/, 'its label is kept');
cmp_ok($manifest->{proof}{age_seconds}, '<', 600, 'and its age');
ok(defined $manifest->{lsn} && defined $manifest->{restore_point}, 'and the place in the log with its name');
$p = run_one($other, '');
exit_is($p, 10, 'for another cluster it is none');
like($p->stderr, qr/it is of another cluster/, 'and told so');
sleep 2;
$p = run_one($server, "max_age = 1s\n");
exit_is($p, 10, 'nor when it is too old');
like($p->stderr, qr/is \S+ s old|old/, 'and told so');
isnt($server->migguard('app', [ 'backup', 'restore', $path ], cwd => "$dir")->exit_code, 0, 'it is not ours to restore');

done_testing();
