# Restore: a new database in the place of the present one, which is kept; killed anywhere, it can be run again.
use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('restore');
my $dir = File::Temp->newdir;
my $backups = "$dir/backups";
my $lib = "$dir/kill_at.so";
exit_is(run_program([ qw(gcc -shared -fPIC -O1 -o), $lib, dirname(__FILE__) . '/../lib/SafeDeployTest/kill_at.c', '-ldl' ]), 0, 'the library that kills compiles');

# A database with things that no dump of it holds, a backup by a run, and a change after it.
sub scene
{
	my ($name) = @_;
	$server->create_database($name, options => q{TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'});
	$server->sql($name, <<SQL);
CREATE TABLE kept (id integer PRIMARY KEY, v text);
INSERT INTO kept SELECT g, md5(g::text) FROM generate_series(1, 500) g;
DO \$\$ BEGIN IF to_regrole('owner_of_it') IS NULL THEN CREATE ROLE owner_of_it; CREATE ROLE reader_of_it; END IF; END \$\$;
ALTER DATABASE $name OWNER TO owner_of_it;
ALTER DATABASE $name CONNECTION LIMIT 42;
ALTER DATABASE $name SET work_mem TO '5MB';
ALTER DATABASE $name SET search_path TO public, "\$user";
ALTER DATABASE $name SET safedeploy.record_drift TO on;
ALTER ROLE reader_of_it IN DATABASE $name SET statement_timeout TO '7s';
REVOKE CONNECT ON DATABASE $name FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE $name TO reader_of_it WITH GRANT OPTION;
COMMENT ON DATABASE $name IS 'what it''s for';
SQL
	mkdir "$dir/$name";
	write_file("$dir/$name/1_t.up.sql", "ALTER TABLE kept DROP COLUMN v;\n");
	write_file("$dir/$name/1_t.down.sql", "ALTER TABLE kept ADD COLUMN v text;\n");
	write_file("$dir/$name/migguard.ini", "[tool]\nname = sql\ndirectory = .\n[rehearse]\nmode = off\n[preflight]\ngit_clean = off\n[run]\nfail_on = never\n[backup]\ndirectory = $backups\n");
	my $p = $server->migguard($name, [ '--format', 'json', 'run' ], cwd => "$dir/$name");
	exit_is($p, 0, "$name: a run that drops a column");
	return JSON::PP->new->decode($p->stdout)->{backup};
}

sub properties
{
	my ($name) = @_;
	return $server->sql('postgres', <<SQL);
SELECT pg_get_userbyid(datdba), encoding, datcollate, datctype, datconnlimit, datallowconn, datistemplate, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), shobj_description(oid, 'pg_database'),
       (SELECT array_agg(setrole::regrole || ' ' || setconfig::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
  FROM pg_database d WHERE datname = '$name'
SQL
}

sub kept { return grep { /^$_[0]_before_/ } split /\n/, $server->sql('postgres', 'SELECT datname FROM pg_database ORDER BY 1'); }
sub fresh { return $server->sql('postgres', q{SELECT count(*) FROM pg_database WHERE datname LIKE 'migguard_restore_%'}); }
sub rows  { return $server->sql($_[0], 'SELECT count(*), md5(string_agg(v, chr(10) ORDER BY id)) FROM kept'); }

# the whole way
my $backup = scene('app');
my $settings = properties('app');
my $events = $server->sql('app', 'SELECT count(*) FROM safedeploy.event');
my $head = $server->sql('app', 'SELECT safedeploy.ledger_head()');
my ($token) = $server->sql('app', 'SELECT last_value FROM safedeploy.fencing_token');
my $snapshots = $server->sql('app', 'SELECT last_value FROM safedeploy.snapshot_id_seq');
my $stays = start_program([ 'psql', '-X', '-d', $server->url('app'), '-c', 'SELECT pg_sleep(60)' ]);
wait_until(sub { $server->sql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'}) }, 10, 'a session');
my $p = $server->migguard('app', [ '--format', 'json', 'rollback', '--from-backup' ], cwd => "$dir/app");
exit_is($p, 0, 'the backup of the last run is restored');
my $result = JSON::PP->new->decode($p->stdout);
isnt($stays->wait(10)->exit_code, 0, 'a session that was there is ended');
my $whole = '500|' . $server->sql('postgres', 'SELECT md5(string_agg(md5(g::text), chr(10) ORDER BY g)) FROM generate_series(1, 500) g');
is(rows('app'), $whole, 'every row is back');
is(properties('app'), $settings, 'with all that no dump of it holds');
is_deeply([ kept('app') ], [ $result->{kept} ], 'what was there is kept under a dated name');
is($server->sql($result->{kept}, 'SELECT count(*) FROM kept'), 500, 'and can be looked at');
like(($server->try_sql($result->{kept}, 'CREATE TABLE x ()'))[2], qr/read-only/, 'but not changed by accident');
is(fresh(), 0, 'nothing else is left');
is_deeply([ $server->faults('app') ], [], 'the ledger verifies');
is_deeply([ $server->json('app', "SELECT * FROM safedeploy.verify_ledger('$head')") ], [], 'also against the head from before the restore');
cmp_ok($server->sql('app', 'SELECT count(*) FROM safedeploy.event'), '>', $events, 'it goes on where it was');
my ($last) = $server->runs('app');
is("$last->{command} $last->{result}", 'restore done', 'with the restore');
is($server->sql('app', 'SELECT run_id FROM safedeploy.last_known_good'), $last->{run_id}, 'which is the last known good');
cmp_ok($server->sql('app', 'SELECT last_value FROM safedeploy.fencing_token'), '>=', $token, 'no token is given out again');
cmp_ok($server->sql('app', 'SELECT last_value FROM safedeploy.snapshot_id_seq'), '>=', $snapshots, 'and no id of a snapshot');
is($server->sql('app', q{SELECT count(*) FROM safedeploy.drift}), 0, 'what the restore did is no drift');
exit_is($server->migguard('app', [ '--format', 'json', 'run' ], cwd => "$dir/app"), 0, 'the migration can be run again');

# what is refused
$server->create_database('other');
$p = $server->migguard('other', [ 'backup', 'restore', $backup ], cwd => "$dir/app");
exit_is($p, 10, 'a backup of another database is refused');
like($p->stderr, qr/is not of this database/, 'and told so');
is_deeply([ kept('other') ], [], 'nothing was put aside');
$server->sql('app', q{CREATE ROLE weak LOGIN; GRANT CONNECT ON DATABASE app TO weak; SELECT safedeploy.grant_deployer('weak')});
$p = $server->migguard('app', [ 'backup', 'restore', $backup ], cwd => "$dir/app", env => { DATABASE_URL => $server->url('app', user => 'weak') });
exit_is($p, 10, 'a role that may not is refused');
like($p->stderr, qr/no superuser/, 'and told so');
$server->sql('app', q{BEGIN; CREATE TABLE p (); PREPARE TRANSACTION 'waits'});
$p = $server->migguard('app', [ 'backup', 'restore', $backup ], cwd => "$dir/app");
exit_is($p, 10, 'a prepared transaction stands in the way');
like($p->stderr, qr/prepared transaction "waits"/, 'and is named');
$server->sql('app', q{ROLLBACK PREPARED 'waits'});
is(fresh(), 0, 'nothing was made');
is($server->sql('postgres', q{SELECT datallowconn FROM pg_database WHERE datname = 'app'}), 't', 'and the database lets in whom it let in');

# into a database of its own
exit_is($server->migguard('app', [ 'backup', 'restore', $backup, '--into', 'looked_at' ], cwd => "$dir/app"), 0, 'into a database of its own');
is(rows('looked_at'), $whole, 'it has the rows');
$p = $server->migguard('app', [ 'backup', 'restore', $backup, '--into', 'looked_at' ], cwd => "$dir/app");
isnt($p->exit_code, 0, 'never over one that is there');

# what restores have put aside is dropped on express wish
my ($aside) = kept('app');
$server->sql("postgres", 'CREATE DATABASE "app_before_20010101T000000Z"');
$server->sql("postgres", qq{COMMENT ON DATABASE "app_before_20010101T000000Z" IS 'migguard: restore {"database": "app", "swapped": true}'});
$p = $server->migguard('app', [ '--format', 'json', 'backup', 'prune', '--directory', "$dir/none", '--keep', '0' ], cwd => "$dir/app");
exit_is($p, 0, 'prune');
is_deeply([ kept('app') ], [ 'app_before_20010101T000000Z', $aside ], 'leaves databases alone');
foreach my $case ([ [ '--keep', '1' ], [] ], [ [ '--keep', '0', '--keep-for', '1d' ], [] ], [ [ '--keep', '0', '--dry-run' ], [$aside] ])
{
	$p = $server->migguard('app', [ '--format', 'json', 'backup', 'prune', '--directory', "$dir/none", '--databases', @{ $case->[0] } ], cwd => "$dir/app");
	my $result = JSON::PP->new->decode($p->stdout);
	is_deeply($result->{would_drop_databases} // $result->{dropped_databases}, $case->[1], "@{ $case->[0] }: what it says");
	is_deeply([ kept('app') ], [ 'app_before_20010101T000000Z', $aside ], 'nothing is dropped');
}
$p = $server->migguard('app', [ '--format', 'json', 'backup', 'prune', '--directory', "$dir/none", '--databases', '--keep', '0' ], cwd => "$dir/app");
is_deeply(JSON::PP->new->decode($p->stdout)->{dropped_databases}, [$aside], 'with --databases it is dropped');
is_deeply([ kept('app') ], ['app_before_20010101T000000Z'], 'and nothing that only looks like one');

# a trial that was killed
$p = $server->start_migguard('app', [ 'backup', 'verify', '--restore', $backup ], cwd => "$dir/app");
my $trials = q{SELECT count(*) FROM pg_database WHERE datname LIKE 'migguard%verify'};
wait_until(sub { $server->sql('postgres', $trials) }, 20, 'its scratch database');
$p->signal('KILL');
$p->wait(10);
is($server->sql('postgres', $trials), 1, 'a trial that was killed leaves its scratch database');
my $at_work = q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%'};
wait_until(sub { !$server->sql('postgres', $at_work) }, 20, 'the end of its sessions');
exit_is($server->migguard('app', [ 'backup', 'verify', '--restore', $backup ], cwd => "$dir/app"), 0, 'the next one succeeds');
is($server->sql('postgres', $trials), 0, 'and drops both');

# given up
$p = $server->migguard('app', [ 'backup', 'restore', $backup ], cwd => "$dir/app", env => { LD_PRELOAD => $lib, KILL_AT => 8 });
is($p->term_signal, 9, 'killed half-way');
exit_is($server->migguard('app', [ 'backup', 'restore', '--abort' ], cwd => "$dir/app"), 0, 'it is given up');
is(fresh(), 0, 'nothing of it is left');
is($server->sql('app', 'SELECT count(*) FROM pg_attribute WHERE attrelid = \'kept\'::regclass AND attname = \'v\''), 0, 'and the database is as it was');

# one after another, in the same seconds
my @taken = map { $server->sql('postgres', qq{SELECT format('app_before_%s', to_char(now() AT TIME ZONE 'UTC' + interval '$_ s', 'YYYYMMDD"T"HH24MISS"Z"'))}) } 0 .. 7;
$server->sql('postgres', qq{CREATE DATABASE "$_"}) foreach @taken;
exit_is($server->migguard('app', [ 'backup', 'restore', $backup ], cwd => "$dir/app"), 0, 'a restore beside databases that have the names of now');
is(scalar kept('app'), @taken + 2, 'finds a name for what was there');

# killed anywhere
$backup = scene('many');
# every third of the places; all of them when trials are asked for
my $step = $ENV{SD_TRIALS} ? 1 : 3;
my @kills = map { ([ KILL_AT => $_ ], [ KILL_AFTER => $_ ])[ $_ % 2, $step == 1 ? ($_ + 1) % 2 : () ] } grep { $_ % $step == 0 } 1 .. 200;
my ($killed, $bad) = (0, 0);
foreach my $kill (@kills)
{
	my $before = properties('many');
	my @kept = kept('many');
	my $ledger = $server->sql('many', 'SELECT safedeploy.ledger_head()');
	$p = $server->migguard('many', [ 'backup', 'restore', $backup ], cwd => "$dir/many", env => { LD_PRELOAD => $lib, @$kill });
	last if defined $p->exit_code;
	$killed++;
	my $swapped = @kept < kept('many');
	$p = $server->migguard('many', [ 'backup', 'restore', $backup ], cwd => "$dir/many") unless $swapped;
	my @wrong;
	push @wrong, 'it cannot be run again: ' . $p->stderr unless $swapped || (defined $p->exit_code && $p->exit_code == 0);
	push @wrong, 'properties: ' . properties('many') unless properties('many') eq $before;
	push @wrong, 'rows' unless rows('many') =~ /^500\|./;
	push @wrong, 'ledger' if $server->json('many', "SELECT * FROM safedeploy.verify_ledger('$ledger')");
	push @wrong, 'kept ' . join ' ', kept('many') unless kept('many') == @kept + 1;
	push @wrong, 'something is left' if fresh() != 0;
	$bad++ if @wrong;
	diag("@$kill: @wrong") if @wrong;
	last if $bad > 1;
	$server->drop_database($_) foreach kept('many');
}
cmp_ok($killed, '>', 5, "killed at $killed places");
is($bad, 0, 'each time it could be run again, and all was right then');

done_testing();
