# While another session has a table locked exclusively a snapshot ends at once, has everything that
# does not need the table itself, and names the rest with the holder of the lock.  Nothing is proved then.
use strict;
use warnings;

use File::Temp;
use FindBin;
use JSON::PP;
use SafeDeployTest;
use Test::More;
use Time::HiRes qw(time);

my $server = SafeDeployTest->new('locks');
$server->create_database('app', extension => 0);
exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$FindBin::Bin/../fixtures/snapshot/locked.sql", $server->url('app') ]), 0,
	'a schema in which everything names one table');

my @unread = ('domain u.of_rows', 'function u.writes()', 'table u.holds', 'table u.log', 'view u.full_using', 'view u.named', 'view u.place', 'view u.returned', 'view u.sample');
my $objects = 'SELECT kind, identity, definition::text FROM safedeploy.objects()';
my $budget = 3;    # seconds; what waits does so for five at least

# Runs a query and fails when it took longer than what never waits for a lock may take.
sub at_once
{
	my ($name, $sub) = @_;
	my $start = time;
	my @result = $sub->();
	cmp_ok(time - $start, '<', $budget, "$name: at once");
	return wantarray ? @result : $result[0];
}

sub definitions { return map { ("$_->{kind} $_->{identity}" => $_->{definition}) } $server->json('app', $objects); }
sub names_of_unread { my (%all) = @_; return join ', ', sort grep { $all{$_} =~ /^\{"unread"/ } keys %all; }

my %before = definitions();
is(names_of_unread(%before), '', 'nothing is unread without a lock');
my $print = $server->fingerprint('app');
my $first = $server->sql('app', q{SELECT safedeploy.take_snapshot('before')});

# 1. Each relation alone, then all together: what can be read is what it was.
my $locker = $server->node->background_psql('app', on_error_stop => 1);
# LOCK TABLE on a view locks its tables too.
my @relations = split /\n/, $server->sql('app', q{SELECT format(CASE relkind WHEN 'v' THEN 'ALTER VIEW %s RESET (security_barrier)' WHEN 'f' THEN 'ALTER FOREIGN TABLE %s OWNER TO CURRENT_USER' WHEN 'm' THEN 'ALTER MATERIALIZED VIEW %s OWNER TO CURRENT_USER' ELSE 'LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE' END, oid::regclass) FROM pg_class WHERE relnamespace = ANY ('{k,u}'::regnamespace[]) AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname});
cmp_ok(scalar @relations, '>', 20, 'relations to lock: ' . scalar @relations);
my (@slow, @different, %hidden);
foreach my $relation (@relations)
{
	$locker->query_safe("BEGIN; $relation");
	my $start = time;
	my %now = definitions();
	push @slow, $relation if time - $start > $budget;
	push @different, "$relation: $_" foreach grep { ($now{$_} // '') ne $before{$_} && ($now{$_} // '') !~ /^\{"unread"/ } keys %before;
	$hidden{$relation} = names_of_unread(%now);
	$locker->query_safe('ROLLBACK');
}
is("@slow", '', 'no lock of one relation makes it wait');
is("@different", '', 'and what it reads is right');
my %by_name = map { /(\w+\.(?:"(?:[^"]|"")*"|\w+))/ ? ($1 => $hidden{$_}) : () } keys %hidden;
is($by_name{'k.t'}, join(', ', @unread), 'all that needs the table itself is unread, and nothing else');
is(join('; ', map { "$_: $by_name{$_}" } grep { $by_name{$_} && $_ ne 'k.t' } sort keys %by_name),
	'', 'of the others nothing is');
{
	$locker->query_safe('BEGIN; ' . join('; ', @relations));
	my %now = at_once('all relations', \&definitions);
	is(join(', ', grep { $now{$_} ne $before{$_} && $now{$_} !~ /^\{"unread"/ } sort keys %before), '', 'all relations locked: what is read is right');
	is(names_of_unread(%now), join(', ', @unread), 'the same is unread');
	$locker->query_safe('ROLLBACK');
}

# A table without anything that needs it is no reason to refuse a fingerprint.
$locker->query_safe('BEGIN; LOCK TABLE k.o IN ACCESS EXCLUSIVE MODE; ALTER TABLE k.o ADD COLUMN uncommitted integer');
is(at_once('fingerprint', sub { $server->fingerprint('app') }), $print, 'a table that is being altered is read as it was');
$locker->query_safe('ROLLBACK');

# 2. Who holds the lock.
$locker->query_safe(q{SET application_name = 'the "locker"'});
$locker->query_safe('BEGIN; LOCK TABLE k.t IN ACCESS EXCLUSIVE MODE');
my $pid = $locker->query_safe('SELECT pg_backend_pid()');
my ($row) = at_once('objects()', sub { $server->json('app', q{SELECT definition -> 'unread' AS unread, num_nulls(core, security, owner, storage, comment, version, "order") AS nulls, phys -> 'oid' AS oid FROM safedeploy.objects() WHERE identity = 'u.sample'}) });
is($row->{nulls}, 7, 'an unread object has no hashes');
ok($row->{oid}, 'but its number');
is_deeply([ @{ $row->{unread} }{qw(kind identity relation pid usename application_name)} ], [ 'view', 'u.sample', 'k.t', $pid, $server->user, 'the "locker"' ], 'the relation and the holder of its lock');
like($row->{unread}{query_start}, qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, 'and since when');
is($row->{unread}{reason}, qq{It needs relation k.t, which process $pid of user } . $server->user . qq{ (the "locker") has locked exclusively; its last statement began at $row->{unread}{query_start}.}, 'as a sentence');

# 3. fingerprint() refuses with all of them.
my ($rc, undef, $error) = at_once('fingerprint()', sub { $server->try_sql('app', 'SELECT safedeploy.fingerprint()') });
like($error, qr/ERROR:  55P03: could not read the definitions of 9 objects/, 'fingerprint() refuses');
is(scalar(grep { $error =~ /\Q$_\E was not read\. It needs relation k\.t/ } @unread), 9, 'and names each');

# 4. A snapshot is stored, incomplete.
($rc, my $id, $error) = at_once('take_snapshot()', sub { $server->try_sql('app', q{SELECT safedeploy.take_snapshot('locked')}) });
is(scalar(() = $error =~ /WARNING:/g), 1, 'one warning');
like($error, qr/WARNING:  01000: snapshot $id is not complete\nDETAIL:  .*was not read/, 'that says so');
($row) = $server->json('app', "SELECT complete, fingerprint, facets, jsonb_array_length(unread) AS unread, objects = (SELECT count(*) FROM safedeploy.snapshot_object AS o WHERE o.snapshot_id = s.id) AS counted FROM safedeploy.snapshot AS s WHERE id = $id");
is_deeply($row, { complete => JSON::PP::false, fingerprint => undef, facets => undef, unread => 9, counted => JSON::PP::true }, 'and no fingerprint');
($rc, undef, $error) = $server->try_sql('app', "SELECT safedeploy.export_snapshot($id)");
like($error, qr/ERROR:  SD221/, 'it is not exported');

# 5. The diff says what it does not know, as a real difference, on either side.
my $unknown = sub { my ($old, $new) = @_; return join ', ', map { "$_->{kind} $_->{identity} $_->{class} $_->{data_loss}" } $server->json('app', "SELECT kind, identity, class, data_loss FROM safedeploy.diff($old, $new) WHERE op = 'unknown' ORDER BY 1, 2") };
my $expected = join ', ', map { "$_ real possible" } @unread;
is(at_once('diff()', sub { $unknown->($first, 'NULL') }), $expected, 'against the live schema');
is($unknown->($first, $id), $expected, 'against the snapshot');
is($unknown->($id, $first), $expected, 'and the other way round');
is($unknown->($id, 'NULL'), $expected, 'with both sides unread');
is($server->sql('app', "SELECT count(*) FROM safedeploy.diff($first) WHERE op <> 'unknown'"), 0, 'and nothing else');
like($server->sql('app', "SELECT summary FROM safedeploy.diff($first) WHERE identity = 'u.sample'"),
	qr/^Whether view "u\.sample" changed is not known: it was not read\. It needs relation k\.t, which process $pid /, 'in a sentence');
($rc, undef, $error) = $server->try_sql('app', "SELECT * FROM safedeploy.revert_sql($first)");
like($error, qr/ERROR:  55P03: the definitions of 9 objects are not known\nDETAIL:  \w+ .* was not read/, 'revert_sql() refuses');
$locker->query_safe('ROLLBACK');
foreach my $arguments ("$id", "$first, $id")
{
	($rc, undef, $error) = $server->try_sql('app', "SELECT * FROM safedeploy.revert_sql($arguments)");
	like($error, qr/ERROR:  SD221: the definitions of 9 objects are not known/, "also revert_sql($arguments)");
}
is($unknown->($first, 'NULL'), '', 'after the lock all is known');
is($unknown->($id, 'NULL'), $expected, 'but for what the snapshot lacks');
is($server->fingerprint('app'), $print, 'and the fingerprint is what it was');
$server->sql('app', "SELECT safedeploy.drop_snapshot($id)");

# 6. One that waits for the lock stands in the way as well, and so does a prepared transaction.
$locker->query_safe('BEGIN; LOCK TABLE k.t IN ACCESS SHARE MODE');
my $waiter = $server->node->background_psql('app', on_error_stop => 1);
$waiter->query_until(qr/go/, "\\echo go\nBEGIN; LOCK TABLE k.t IN ACCESS EXCLUSIVE MODE;\n");
wait_until(sub { $server->sql('app', 'SELECT count(*) FROM pg_locks WHERE NOT granted') eq '1' }, 30, 'one that waits');
like(at_once('a waiting lock', sub { $server->sql('app', q{SELECT definition -> 'unread' ->> 'reason' FROM safedeploy.objects() WHERE identity = 'u.sample'}) }),
	qr/^It needs relation k\.t, which process \d+ .* waits to lock exclusively/, 'is named as such');
$locker->query_safe('ROLLBACK');
$waiter->quit;
$server->sql('app', q{BEGIN; LOCK TABLE k.t IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'one''s own'});
is(at_once('a prepared transaction', sub { $server->sql('app', q{SELECT definition -> 'unread' ->> 'reason' FROM safedeploy.objects() WHERE identity = 'u.sample'}) }),
	q{It needs relation k.t, which prepared transaction 'one''s own' of user } . $server->user . ' has locked exclusively.', 'is named as such');
$server->sql('app', q{ROLLBACK PREPARED 'one''s own'});

# 7. The holder itself reads everything, also what it has not committed.
is($server->sql('app', "BEGIN; LOCK TABLE k.t IN ACCESS EXCLUSIVE MODE; SELECT safedeploy.fingerprint() = '$print'; ROLLBACK"), 't', 'the holder of the lock reads all');

# 8. A catalog that is locked ends it in bounded time, by name.  The session is there before the lock.
my $reader = $server->node->background_psql('app', on_error_stop => 0);
$reader->query_safe(q{\\set VERBOSITY verbose});
$reader->query_safe('SELECT safedeploy.fingerprint()');
$reader->query_safe(q{SET lock_timeout = '300ms'});
foreach my $catalog (qw(pg_class pg_attribute pg_type pg_proc pg_rewrite pg_depend pg_policy pg_publication))
{
	$locker->query_safe("BEGIN; LOCK TABLE pg_catalog.$catalog IN ACCESS EXCLUSIVE MODE");
	my $start = time;
	$reader->query('SELECT safedeploy.fingerprint()');
	cmp_ok(time - $start, '<', $budget, "$catalog: in time");
	like($reader->{stderr}, qr/ERROR:  55P03: could not read the schema: .*lock timeout\nDETAIL:  Process \d+ has locked the catalog $catalog exclusively/, "$catalog: by name");
	$reader->{stderr} = '';
	$locker->query_safe('ROLLBACK');
}
$reader->query_safe('RESET lock_timeout');
$locker->query_safe('BEGIN; LOCK TABLE pg_catalog.pg_rewrite IN ACCESS EXCLUSIVE MODE');
my $since = time;
$reader->query('SELECT safedeploy.objects()');
cmp_ok(time - $since, '<', 9, 'a session without lock_timeout ends as well');
like($reader->{stderr}, qr/ERROR:  55P03/, 'with the same error');
$locker->query_safe('ROLLBACK');
$reader->quit;

# 9. pg_dump in the same situation waits until somebody ends it.
$locker->query_safe('BEGIN; LOCK TABLE k.t IN ACCESS EXCLUSIVE MODE');
my $dump = start_program([ 'pg_dump', '-s', '-f', '/dev/null', $server->url('app') ]);
my $start = time;
sleep 4;
ok($dump->running, 'pg_dump --schema-only still waits after four seconds');
my %now = at_once('objects() beside it', \&definitions);
is(scalar(keys %now), scalar(keys %before), 'while objects() has all objects');
$dump->kill_group;
($rc, undef, $error) = $server->try_sql('app', q{SET lock_timeout = '500ms'; SELECT pg_get_viewdef('k.v'::regclass)});
like($error, qr/ERROR:  55P03/, 'pg_get_viewdef() waits as well');

# 10. migguard: not proved.
my $dir = File::Temp->newdir;
my $run = $server->migguard('app', ['snapshot'], cwd => "$dir");
exit_is($run, 69, 'migguard snapshot: not available');
like($run->stderr, qr/snapshot \d+ is not complete: 9 objects not read/, 'because it is not complete');
like($run->stderr, qr/view u\.sample was not read\. It needs relation k\.t, which process \d+/, 'and says what and why');
$run = $server->migguard('app', [ 'diff', $first ], cwd => "$dir");
exit_is($run, 30, 'migguard diff: a difference');
like($run->stdout, qr/\? .*u\.sample.* not known|not known.*u\.sample/s, 'that is not known');
$locker->query_safe('ROLLBACK');
exit_is($server->migguard('app', [ 'diff', $first ], cwd => "$dir"), 0, 'after the lock there is none');
$locker->quit;

done_testing();
