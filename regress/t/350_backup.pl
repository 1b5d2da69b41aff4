# Backups: verified before they count, kept private, and never in the way when they fail.
use strict;
use warnings;

use Digest::SHA;
use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('backup');
my $dir = File::Temp->newdir;
my $backups = "$dir/backups";
$server->create_database('app');
$server->sql('app', q{CREATE TABLE kept (id integer, v text); INSERT INTO kept SELECT g, md5(g::text) FROM generate_series(1, 5000) g});

my $version = 0;

# One more migration, and a run of it.
sub run_one
{
	my ($ini, %opt) = @_;
	$version++;
	write_file("$dir/${version}_t.up.sql", "CREATE TABLE t$version (id integer);\n");
	write_file("$dir/${version}_t.down.sql", "DROP TABLE t$version;\n");
	write_file("$dir/migguard.ini", "[tool]\nname = sql\ndirectory = .\n[rehearse]\nmode = off\n[preflight]\ngit_clean = off\n$ini");
	return $server->migguard('app', [ '--format', 'json', 'run' ], cwd => "$dir", %opt);
}

sub untouched
{
	my ($what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($server->sql('app', "SELECT to_regclass('t$version') IS NULL"), 't', "$what: nothing was changed");
	is_deeply([ glob "'$backups'/*.partial" ], [], 'and no half of a backup is left');
	is(scalar(my @backups = glob "'$backups'/*"), $_[1], 'nor a whole one that was not verified');
	unlink "$dir/${version}_t.up.sql", "$dir/${version}_t.down.sql";
	$version--;
	return;
}

# a good one
my $where = "[backup]\ndirectory = $backups\n";
my $p = run_one($where);
exit_is($p, 0, 'a run with a backup');
my $path = JSON::PP->new->decode($p->stdout)->{backup};
ok(-d $path, 'the backup is there');
my $dump = "$path/database.dump";
my $manifest = JSON::PP->new->decode(SafeDeployTest::Process::slurp("$path/manifest.json"));
is_deeply([ map { $_->{name} } @{ $manifest->{files} } ], ['database.dump'], 'its file is in the manifest');
is($manifest->{files}[0]{sha256}, Digest::SHA->new(256)->addfile($dump)->hexdigest, 'with its hash');
is($manifest->{files}[0]{size}, -s $dump, 'and its size');
is($manifest->{database}, 'app', 'and its database');
my ($run) = $server->runs('app');
is($manifest->{run_id}, $run->{run_id}, 'and its run');
is($manifest->{system_identifier}, $server->sql('app', 'SELECT system_identifier FROM pg_control_system()'), 'and its cluster');
is($manifest->{fingerprint}, ($server->snapshots('app'))[0]{fingerprint}, 'and the schema it has');
is(sprintf('%o', (stat $backups)[2] & 07777), '700', 'the directory is private');
is(sprintf('%o', (stat $path)[2] & 07777), '700', 'so is that of the backup');
is(sprintf('%o', (stat $dump)[2] & 07777), '600', 'and the file');
is(sprintf('%o', (stat "$path/manifest.json")[2] & 07777), '600', 'and the manifest');

# it is what it says
$server->create_database('restored', extension => 0);
exit_is(run_program([ 'pg_restore', '-d', $server->url('restored'), $dump ]), 0, 'it restores');
is($server->sql('restored', 'SELECT count(*), md5(string_agg(v, chr(10) ORDER BY id)) FROM kept'),
	$server->sql('app', 'SELECT count(*), md5(string_agg(v, chr(10) ORDER BY id)) FROM kept'), 'with every row');
is_deeply([ $server->faults('restored') ], [], 'and a ledger that verifies');

# programs that fail, or say that all is well when it is not
my $real = (grep { -x } map { "$_/pg_dump" } split /:/, $ENV{PATH})[0];
my %programs = (
	fails     => "#!/bin/sh\n$real \"\$\@\" | head -c 3000\nexit 1\n",
	truncates => "#!/bin/sh\n$real \"\$\@\" | head -c 3000\nexit 0\n",
	nothing   => "#!/bin/sh\nexit 0\n",
	dies      => "#!/bin/sh\n$real \"\$\@\" | head -c 3000\nkill -9 \$\$\n");
foreach my $name (sort keys %programs)
{
	my $program = write_file("$dir/pg_dump_$name", $programs{$name}, 0755);
	$p = run_one("$where\[programs]\npg_dump = $program\n");
	exit_is($p, 10, "a pg_dump that $name: refused");
	untouched($name, 1);
}

# a file that is changed after it was written, before it is read back
my $change = write_file("$dir/pg_restore_changes", "#!/bin/sh\nexit 1\n", 0755);
$p = run_one("$where\[programs]\npg_restore = $change\n");
exit_is($p, 10, 'a backup that cannot be unpacked is refused');
like($p->stderr, qr/cannot be unpacked/, 'and told so');
untouched('not unpacked', 1);

# no room: a limit of file size is as good as a full disk
my $limited = write_file("$dir/limited", "#!/bin/sh\nulimit -f 8\nexec \"\$\@\"\n", 0755);
$p = do { local $ENV{MIGGUARD} = $ENV{MIGGUARD} || 'migguard';
	$version++;
	write_file("$dir/${version}_t.up.sql", "CREATE TABLE t$version (id integer);\n");
	write_file("$dir/${version}_t.down.sql", "DROP TABLE t$version;\n");
	write_file("$dir/migguard.ini", "[tool]\nname = sql\ndirectory = .\n[rehearse]\nmode = off\n[preflight]\ngit_clean = off\n$where");
	run_program([ $limited, $ENV{MIGGUARD}, 'run' ], cwd => "$dir", env => { DATABASE_URL => $server->url('app') }) };
is($p->exit_code, 10, 'no room for the backup: refused') or diag($p->stderr);
like($p->stderr, qr/could not write to/, 'and told so');
untouched('no room', 1);

# places that are not safe
chmod 0777, $backups;
$p = run_one($where);
exit_is($p, 10, 'a directory that others may write to is refused');
chmod 0700, $backups;
untouched('an open directory', 1);
write_file("$dir/plain_file", '');
$p = run_one("[backup]\ndirectory = $dir/plain_file\n");
exit_is($p, 10, 'a file in its place is refused');
untouched('a file', 1);

# none wanted
$p = run_one("[backup]\npolicy = none\n");
exit_is($p, 0, 'no backup is made when none is wanted');
ok((grep { $_->{state} eq 'backup' && $_->{status} eq 'skipped' } $server->events('app')), 'which is in the ledger');

done_testing();
