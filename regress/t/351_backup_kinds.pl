# Backups by kind: what each holds, when each is refused, and what is done then.
use strict;
use warnings;

use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('kinds', conf => "wal_level = replica\n");
my $dir = File::Temp->newdir;
my $backups = "$dir/backups";
my $version = 0;

sub slurp { return SafeDeployTest::Process::slurp($_[0]); }

sub manifest { return JSON::PP->new->decode(slurp("$_[0]/manifest.json")); }

# One more migration, and a run of it.
sub run_one
{
	my ($up, $down, $ini, @more) = @_;
	$version++;
	write_file("$dir/${version}_t.up.sql", $up);
	write_file("$dir/${version}_t.down.sql", $down);
	write_file("$dir/migguard.ini", "[tool]\nname = sql\ndirectory = .\n[preflight]\ngit_clean = off\n[run]\nfail_on = never\nallow_irreversible = on\n[backup]\ndirectory = $backups\n$ini");
	return $server->migguard('app', [ '--format', 'json', 'run', @more ], cwd => "$dir");
}

sub forget
{
	unlink "$dir/${version}_t.up.sql", "$dir/${version}_t.down.sql";
	$version--;
	return;
}

sub backup_of { return JSON::PP->new->decode($_[0]->stdout)->{backup}; }

$server->create_database('app');
$server->sql('app', <<'SQL');
CREATE TABLE kept (id integer PRIMARY KEY, v text);
INSERT INTO kept SELECT g, md5(g::text) FROM generate_series(1, 1000) g;
CREATE TABLE dropped (id bigserial PRIMARY KEY, "odd name" text, at timestamptz DEFAULT now());
INSERT INTO dropped ("odd name") SELECT E'a\tb\\' || g FROM generate_series(1, 300) g;
CREATE TABLE parent (id integer PRIMARY KEY);
CREATE TABLE child (id integer PRIMARY KEY, parent integer REFERENCES parent ON DELETE CASCADE);
INSERT INTO parent SELECT generate_series(1, 10);
INSERT INTO child SELECT g, 1 + g % 10 FROM generate_series(1, 100) g;
CREATE TABLE parts (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO parts SELECT g, '2026-02-02' FROM generate_series(1, 50) g;
CREATE TABLE watched (id integer);
INSERT INTO watched VALUES (1);
CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM kept WHERE id = OLD.id; RETURN OLD; END $$;
CREATE FUNCTION mend_all() RETURNS void LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM watched LOOP EXECUTE 'DELETE FROM ' || quote_ident('ke' || 'pt') || ' WHERE id = 1'; END LOOP; END $$;
CREATE TRIGGER elsewhere AFTER DELETE ON watched FOR EACH ROW EXECUTE FUNCTION elsewhere();
SQL

# full, as a directory
my $p = run_one("CREATE TABLE t1 ();\n", "DROP TABLE t1;\n", "format = directory\njobs = 2\n");
exit_is($p, 0, 'a run with a full backup as a directory');
my $path = backup_of($p);
my $m = manifest($path);
is("$m->{kind} $m->{format}", 'full directory', 'is one');
cmp_ok(scalar @{ $m->{files} }, '>', 3, 'of several files');
is_deeply([ grep { (stat "$path/$_->{name}")[2] & 077 } @{ $m->{files} } ], [], 'all of them ours alone');
my %rows = map { $_->{name} => $_->{rows} } @{ $m->{tables} };
is("$rows{'public.kept'} $rows{'public.dropped'} $rows{'public.parts_1'}", '1000 300 50', 'the rows of each table are counted');
ok($m->{lsn} =~ m{^[0-9A-F]+/[0-9A-F]+$}, 'the place in the log is known');
is($m->{restore_point}, 'migguard_' . substr($m->{run_id}, 0, 8), 'and has a name');
is($m->{revision}, '(base)', 'the revision too');
exit_is($server->migguard('app', [ 'backup', 'verify', '--restore', $path ], cwd => "$dir"), 0, 'it can be restored');
like($p->stderr, qr/backup: about .*backup: .* in .*\/s/s, 'it was told how much and how fast');

# rows that come meanwhile are in the dump and the counts, or in neither
my $writer = start_program([ 'psql', '-X', '-q', '-d', $server->url('app'), '-c',
	q{DO $$ BEGIN FOR i IN 1 .. 100000 LOOP INSERT INTO kept VALUES (100000 + i, 'w'); COMMIT; END LOOP; END $$} ]);
wait_until(sub { $server->sql('app', 'SELECT count(*) > 1000 FROM kept') eq 't' }, 20, 'rows');
$p = $server->migguard('app', [ '--format', 'json', 'backup', 'create', '--kind', 'full' ], cwd => "$dir");
exit_is($p, 0, 'a backup while somebody writes');
$writer->signal('KILL');
$writer->wait(10);
$server->sql('app', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %'});
exit_is($server->migguard('app', [ 'backup', 'verify', '--restore', JSON::PP->new->decode($p->stdout)->{backups}[0]{path} ], cwd => "$dir"), 0, 'has as many rows as it says');
$server->sql('app', 'DELETE FROM kept WHERE id > 100000');

# one outside of a run is in the ledger by itself
my $made = JSON::PP->new->decode($p->stdout)->{backups}[0];
my ($entry) = $server->runs('app');
is("$entry->{run_id} $entry->{command} $entry->{result}", "$made->{run_id} backup done", 'it is in the ledger');
my ($event) = grep { $_->{state} eq 'backup' } $server->events('app', $made->{run_id});
is("$event->{status} $event->{detail}{path} $event->{detail}{manifest_sha256}", "ok $made->{path} $made->{manifest_sha256}", 'with its place and its hash');
is($server->sql('app', "SELECT client ->> 'version' IS NOT NULL AND lock_name IS NULL FROM safedeploy.run WHERE run_id = '$made->{run_id}'"), 't', 'and who has made it, under no lock');
$p = $server->migguard('app', [ 'backup', 'create', '--kind', 'full' ], cwd => "$dir", env => { MIGGUARD_PROGRAMS_PG_DUMP => '/bin/false' });
exit_is($p, 10, 'one that fails');
($entry) = $server->runs('app');
is("$entry->{command} $entry->{result}", 'backup refused_preflight', 'is there too');
is_deeply([ $server->faults('app') ], [], 'and the ledger verifies');
$server->sql('app', q{CREATE ROLE dumper LOGIN IN ROLE pg_read_all_data; SELECT safedeploy.grant_reader('dumper')});
$p = $server->migguard('app', [ 'backup', 'create', '--kind', 'full' ], cwd => "$dir", env => { DATABASE_URL => $server->url('app', user => 'dumper') });
exit_is($p, 0, 'by a role that may only read');
like($p->stderr, qr/warning: the ledger does not have this backup: /, 'it counts without its entry, with a warning');

# targeted
my $targeted = "policy = targeted\n";
sub tables { return join ' ', sort map { $_->{name} } @{ manifest($_[0])->{tables} }; }
$p = run_one("DROP TABLE dropped;\nCREATE TABLE t2 (id integer);\nINSERT INTO t2 VALUES (1);\n", "CREATE TABLE dropped ();\nDROP TABLE t2;\n", $targeted);
exit_is($p, 0, 'a run that drops a table, with a targeted backup');
my $one = backup_of($p);
is(manifest($one)->{kind}, 'targeted', 'is made so') or diag(manifest($one)->{reason});
is(tables($one), 'public.dropped', 'of just that table');
is(manifest($one)->{sequences}[0]{value}, 300, 'with its sequence');
exit_is($server->migguard('app', [ 'backup', 'verify', '--restore', $one ], cwd => "$dir"), 0, 'it can be restored');
exit_is($server->migguard('app', [ 'backup', 'restore', $one, '--into', 'rescued' ], cwd => "$dir"), 0, 'into a database of its own');
is($server->sql('rescued', q{SELECT count(*), max("odd name" COLLATE "C") FROM dropped}), "300|a\tb\\99", 'with every row');
is($server->sql('rescued', q{SELECT nextval('dropped_id_seq')}), 301, 'and a sequence that goes on');
isnt($server->migguard('app', [ 'backup', 'restore', $one ], cwd => "$dir")->exit_code, 0, 'but not in the place of the whole');

my @cases = (
	[ 'DELETE FROM parent;', 'SELECT 1;', 'public.child public.parent', 'what a foreign key deletes too' ],
	[ 'UPDATE parts SET id = id + 1;', 'SELECT 1;', 'public.parts_1', 'partitions' ],
	[ 'ALTER TABLE kept ALTER COLUMN id TYPE bigint;', 'ALTER TABLE kept ALTER COLUMN id TYPE integer;', 'public.kept', 'what is rewritten' ],
	[ 'ALTER TABLE child DROP COLUMN parent;', 'SELECT 1;', 'public.child', 'a column that is dropped' ],
	[ 'ALTER TABLE child ADD COLUMN w integer; UPDATE child SET w = 1;', 'SELECT 1;', 'public.child', 'a change to what was altered before' ],
	[ 'ALTER TABLE parent RENAME TO ancestor; UPDATE ancestor SET id = id;', 'ALTER TABLE ancestor RENAME TO parent;', 'public.parent', 'a table under its new name' ],
	[ 'TRUNCATE parts;', 'SELECT 1;', 'public.parts_1', 'what is emptied' ],
	[ 'ALTER TABLE kept ADD COLUMN w integer; CREATE INDEX ON kept (v);', 'ALTER TABLE kept DROP COLUMN w; DROP INDEX kept_v_idx;', '', 'nothing where no row is lost' ]);
foreach my $case (@cases)
{
	my ($up, $down, $tables, $what) = @$case;
	$p = run_one("$up\n", "$down\n", $targeted);
	exit_is($p, 0, $what);
	is(manifest(backup_of($p))->{kind} . ' ' . tables(backup_of($p)), "targeted $tables", "$what: just these tables");
}

# what is not all known is backed up as a whole
@cases = (
	[ q{DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM kept LOOP EXECUTE 'DELETE FROM ancestor'; END LOOP; END $$;}, qr/./, 'a block' ],
	[ 'DELETE FROM watched;', qr/trigger elsewhere of table public.watched/, 'a trigger' ],
	[ 'SELECT mend_all();', qr/./, 'a function' ],
	[ 'ALTER TABLE parts RENAME TO renamed; DROP TABLE renamed;', qr/renamed is not there under this name/, 'another name' ]);
foreach my $case (@cases)
{
	my ($up, $why, $what) = @$case;
	$p = run_one("$up\n", "SELECT 1;\n", $targeted);
	exit_is($p, 0, $what);
	$m = manifest(backup_of($p));
	is($m->{kind}, 'full', "$what: a full backup in place of a targeted one");
	like($m->{reason}, $why, 'and told why');
}
$p = run_one("DELETE FROM child;\n", "SELECT 1;\n", $targeted, '--no-rehearsal');
exit_is($p, 0, 'without a rehearsal');
is(manifest(backup_of($p))->{kind}, 'full', 'and without a prediction nothing is known');

# external: a command
my $external = "policy = external\nexternal = command\ncommand = ";
my $script = write_file("$dir/keep.sh", "#!/bin/sh\nprintf '%s|' \"\$@\" >>$dir/called\n", 0755);
$p = run_one("CREATE TABLE e1 ();\n", "DROP TABLE e1;\n", "$external$script a;b \$HOME\n");
exit_is($p, 0, 'a command makes the backup');
is(slurp("$dir/called"), 'a;b|$HOME|', 'without a shell');
is(manifest(backup_of($p))->{kind}, 'external', 'its manifest says so');
$p = run_one("CREATE TABLE e2 ();\n", "DROP TABLE e2;\n", "${external}false\n");
exit_is($p, 10, 'a command that fails: refused');
is($server->sql('app', q{SELECT to_regclass('e2') IS NULL}), 't', 'before any change');
forget();
$p = run_one("CREATE TABLE e3 ();\n", "DROP TABLE e3;\n", "${external}false\non_failure = warn\n");
exit_is($p, 0, 'or warned of, when that is wanted');
like($p->stderr, qr/there is no backup/, 'and told');
ok((grep { $_->{state} eq 'backup' && $_->{status} eq 'skipped' && ($_->{detail}{failed} || '') =~ /exited with 1/ } $server->events('app')), 'which is in the ledger');

# list
$p = $server->migguard('app', [ '--format', 'json', 'backup', 'list' ], cwd => "$dir");
exit_is($p, 0, 'the list');
my @all = @{ JSON::PP->new->decode($p->stdout)->{backups} };
my @there = glob "'$backups'/*";
is(scalar @all, scalar @there, 'has all of them');
is_deeply([ map { $_->{created_at} } @all ], [ reverse sort map { $_->{created_at} } @all ], 'newest first');

# partial ones: of the dead, and of the living
mkdir "$backups/app-1-dead.partial", 0700;
write_file("$dir/backups/app-1-dead.partial/database.dump", 'half');
write_file("$dir/outside", 'stays');
symlink "$dir/outside", "$backups/app-1-dead.partial/link";
mkdir "$backups/app-1-alive.partial", 0700;
my $alive = start_program([ 'flock', "$backups/app-1-alive.partial", 'sleep', '60' ]);
wait_until(sub { system('flock', '-n', "$backups/app-1-alive.partial", 'true') != 0 }, 10, 'a lock');
$p = $server->migguard('app', [ 'backup', 'create', '--kind', 'full' ], cwd => "$dir");
exit_is($p, 0, 'one more backup');
like($p->stderr, qr/removed ".*dead\.partial"/, 'names what a dead one has left');
ok(!-e "$backups/app-1-dead.partial", 'and removes it');
is(slurp("$dir/outside"), 'stays', 'never by way of a link');
ok(-d "$backups/app-1-alive.partial", 'that of a living one stays');
$alive->signal('KILL');

# killed while it is written: a half is never taken for a whole
my $slow = write_file("$dir/slow_dump", "#!/bin/sh\npg_dump \"\$\@\" | head -c 2000\nsleep 60\n", 0755);
my $going = $server->start_migguard('app', [ 'backup', 'create', '--kind', 'full' ], cwd => "$dir", env => { MIGGUARD_PROGRAMS_PG_DUMP => $slow });
wait_until(sub { grep { -s "$_/database.dump" } glob "'$backups'/*.partial" }, 20, 'half of a dump');
$going->signal('KILL');
$going->wait(10);
ok((grep { !/alive/ } glob "'$backups'/*.partial"), 'killed, it leaves half of a backup');
$p = $server->migguard('app', [ '--format', 'json', 'backup', 'list' ], cwd => "$dir");
is((grep { $_->{path} =~ /partial/ } @{ JSON::PP->new->decode($p->stdout)->{backups} }), 0, 'which is no backup');
my $half = (grep { !/alive/ } glob "'$backups'/*.partial")[0];
wait_until(sub { system('flock', '-n', $half, 'true') == 0 }, 20, 'the end of its keeper');
exit_is($server->migguard('app', [ 'backup', 'create', '--kind', 'full' ], cwd => "$dir"), 0, 'the next one');
ok(!-e $half, 'removes it');

# places that are not safe
symlink $backups, "$dir/link";
exit_is($server->migguard('app', [ 'backup', 'create', '--kind', 'full', '--directory', "$dir/link" ], cwd => "$dir"), 10, 'a link in place of the directory is refused');
mkdir "$dir/open", 0777;
chmod 0777, "$dir/open";
exit_is($server->migguard('app', [ 'backup', 'create', '--kind', 'full', '--directory', "$dir/open" ], cwd => "$dir"), 10, 'one that others may write to too');

# prune
my ($good) = $server->json('app', 'SELECT * FROM safedeploy.last_known_good');
my $p_list = $server->migguard('app', [ '--format', 'json', 'backup', 'list' ], cwd => "$dir");
my @before = map { $_->{path} } @{ JSON::PP->new->decode($p_list->stdout)->{backups} };
$p = run_one("CREATE TABLE z ();\n", "DROP TABLE z;\n", '');
exit_is($p, 0, 'a run whose backup is needed');
my $needed = backup_of($p);
sleep 1;
exit_is($server->migguard('app', [ 'backup', 'create', '--kind', 'full' ], cwd => "$dir"), 0, 'newer ones') foreach 1 .. 2;
my $count = () = glob "'$backups'/*[0-9a-f]";
$p = $server->migguard('app', [ '--format', 'json', 'backup', 'prune', '--keep', '1', '--dry-run' ], cwd => "$dir");
exit_is($p, 0, 'what prune would remove');
my @would = map { $_->{path} } @{ JSON::PP->new->decode($p->stdout)->{would_remove} };
cmp_ok(scalar @would, '>', 5, 'is told');
is(scalar(() = glob "'$backups'/*[0-9a-f]"), $count, 'and not done');
is((grep { $_ eq $needed } @would), 0, 'never that of the last known good');
$p = $server->migguard('app', [ '--format', 'json', 'backup', 'prune', '--keep', '1', '--keep-for', '1d' ], cwd => "$dir");
is_deeply(JSON::PP->new->decode($p->stdout)->{removed}, [], 'nothing that is young enough');
$p = $server->migguard('app', [ '--format', 'json', 'backup', 'prune', '--keep', '1' ], cwd => "$dir");
exit_is($p, 0, 'prune');
is_deeply([ map { $_->{path} } @{ JSON::PP->new->decode($p->stdout)->{removed} } ], \@would, 'removes just these');
is((grep { -e } @would), 0, 'they are gone');
ok(-d $needed, 'that of the last known good is there');
exit_is($server->migguard('nowhere', [ 'backup', 'prune', '--keep', '0' ], cwd => "$dir"), 69, 'without the ledger nothing is removed');

# what cannot be said so
foreach my $wrong ([], ['create', 'x'], ['verify'], ['restore'], ['mend'])
{
	exit_is($server->migguard('app', [ 'backup', @$wrong ], cwd => "$dir"), 64, "backup @$wrong: is not understood");
}

done_testing();
