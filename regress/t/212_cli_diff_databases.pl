# diff of two databases as they are: the same as between files of them, with nothing stored in either.
use strict;
use warnings;

use File::Temp;
use FindBin;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('cli_diff_databases', conf => 'wal_level = logical');
my $dir    = File::Temp->newdir;
my $json   = JSON::PP->new->utf8->canonical;
$server->create_database('home');

sub guard { return $server->migguard('home', [@_], cwd => "$dir"); }

sub psql_file
{
	my ($database, $name) = @_;
	return run_program([ 'psql', '-Xq', '-f', "$FindBin::Bin/../fixtures/snapshot/$name.sql", $server->url($database) ]);
}

# Exports what a database is like to a file.
sub save
{
	my ($database) = @_;
	my ($id) = $server->migguard($database, ['snapshot'])->stdout =~ /^snapshot (\d+)/;
	my $lines = $server->migguard($database, [ 'snapshot', '--export', $id ])->stdout;
	$server->migguard($database, [ 'snapshot', '--drop', $id ]);
	open my $handle, '>:raw', "$dir/$database.jsonl" or die "$database.jsonl: $!";
	print $handle $lines;
	close $handle;
	return "$database.jsonl";
}

# What diff says, without the names of the sides.
sub changes_of
{
	my ($run) = @_;
	my $said = $json->decode($run->stdout || '{}');
	delete @{$said}{qw(old new)};
	return $json->encode({ exit => $run->exit_code, %$said });
}

# Both ways between two databases, by every way of naming them.
sub same_as_files
{
	my ($what, $one, $two, @options) = @_;
	my %file = map { $_ => save($_) } $one, $two;
	my %url  = map { $_ => $server->url($_) } $one, $two;
	for my $pair ([ $one, $two ], [ $two, $one ], [ $one, $one ])
	{
		my ($old, $new) = @$pair;
		my $expected = guard('diff', '--format=json', @options, @file{@$pair});
		for my $sides ([ $url{$old}, $url{$new} ], [ $file{$old}, $url{$new} ], [ $url{$old}, $file{$new} ])
		{
			my $got = guard('diff', '--format=json', @options, @$sides);
			is(changes_of($got), changes_of($expected), "$what: @$sides") or diag($got->stderr);
			exit_is($got, $old eq $new ? 0 : 30, 'which differ or not');
		}
	}
	return;
}

# 1. Everything that a schema can have, against nothing, and against itself after some edits.
for my $schema (qw(rich exotic))
{
	$server->create_database($_) for "${schema}_old", "${schema}_new", "${schema}_none";
	psql_file("${schema}_$_", $schema) for qw(old new);
	$server->sql("${schema}_new", <<'SQL');
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'safedeploy') AND c.reloftype = 0
		  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') LOOP
		EXECUTE format('ALTER TABLE %s ADD COLUMN added_here integer DEFAULT 1', name);
		EXECUTE format('GRANT SELECT ON %s TO PUBLIC', name);
	END LOOP;
	FOR name IN SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'safedeploy')
		  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') LIMIT 1 LOOP
		EXECUTE format('DROP VIEW %s CASCADE', name);
	END LOOP;
END
$$;
SQL
	same_as_files($schema, "${schema}_old", "${schema}_new");
	same_as_files("all of $schema", "${schema}_none", "${schema}_new");
	same_as_files("privileges of $schema", "${schema}_old", "${schema}_new", '--facets=security,owner');
}

# 2. Consequences are folded under their cause, and what depends on a change is named, though it did
# not change and its definition stayed where it is.
$server->create_database($_) for qw(shop_old shop_new);
my $shop = <<'SQL';
CREATE TABLE customer (id bigint PRIMARY KEY, email text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customer, total numeric);
CREATE VIEW mail AS SELECT id, email FROM customer;
CREATE VIEW sums AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY 1;
SQL
$server->sql($_, $shop) for qw(shop_old shop_new);
$server->sql('shop_new', 'ALTER TABLE customer ALTER email SET NOT NULL; DROP TABLE orders CASCADE');
same_as_files('folded', 'shop_old', 'shop_new');
my $said = $json->decode(guard('diff', '--format=json', $server->url('shop_old'), $server->url('shop_new'))->stdout);
my ($altered) = grep { $_->{identity} eq 'public.customer' } @{ $said->{changes} };
is_deeply($altered->{hits}, [ 'table public.customer', 'view public.mail' ], 'a view that is the same is hit');
ok((grep { $_->{kind} eq 'view' && defined $_->{cause} } @{ $said->{changes} }), 'a view that went along follows');

# 3. Nothing is stored anywhere, and no id is used up.
for my $database (qw(shop_old shop_new))
{
	my $before = $server->sql($database, 'SELECT last_value FROM safedeploy.snapshot_id_seq');
	guard('diff', map { $server->url($_) } qw(shop_old shop_new));
	is($server->sql($database, 'SELECT (SELECT count(*) FROM safedeploy.snapshot), (SELECT count(*) FROM safedeploy.snapshot_object), last_value FROM safedeploy.snapshot_id_seq'),
		"0|0|$before", "nothing stays in $database");
}
$server->sql('postgres', "ALTER DATABASE $_ SET default_transaction_read_only = on") for qw(shop_old shop_new);
exit_is(guard('diff', map { $server->url($_) } qw(shop_old shop_new)), 30, 'sessions that may only read can compare');
$server->sql('postgres', "ALTER DATABASE $_ RESET default_transaction_read_only") for qw(shop_old shop_new);

# 4. With the configured database; who owns a thing is judged by who is superuser there.
$server->sql('postgres', 'CREATE ROLE plain_owner');
$server->create_database($_) for qw(owned);
$server->sql('home',  'CREATE TABLE t (a integer)');
$server->sql('owned', 'CREATE TABLE t (a integer); ALTER TABLE t OWNER TO plain_owner');
save('owned');
is(changes_of(guard('diff', '--format=json', $server->url('owned'))), changes_of(guard('diff', '--format=json', 'owned.jsonl')), 'an owner who is superuser now');
like(guard('diff', $server->url('owned'))->stdout, qr/\[security\]/, 'is a matter of security');
is(changes_of(guard('diff', '--format=json', 'live', $server->url('owned'))), changes_of(guard('diff', '--format=json', save('home'), 'owned.jsonl')), 'the other way round');

# 5. A snapshot and its own database, which are told apart by their numbers too.
my ($before) = $server->migguard('shop_new', [ 'snapshot', '--label', 'before' ])->stdout =~ /^snapshot (\d+)/;
save('shop_new');
$server->sql('shop_new', 'ALTER TABLE customer RENAME email TO mail; ALTER TABLE customer DROP CONSTRAINT customer_pkey, ADD PRIMARY KEY (id)');
my ($after) = $server->migguard('shop_new', [ 'snapshot', '--label', 'after' ])->stdout =~ /^snapshot (\d+)/;
my $url = $server->url('shop_new');
for my $case ([ [ $before, $after ], [ 'shop_new.jsonl', $url ], [ $before, $url ] ], [ [ $after, $before ], [ $url, 'shop_new.jsonl' ], [ $url, $before ] ])
{
	my ($expected, @sides) = map { changes_of($server->migguard('shop_new', [ 'diff', '--format=json', @$_ ], cwd => "$dir")) } @$case;
	like($expected, qr/"confidence":"exact"/, "@{$case->[0]}: a rename");
	like($expected, qr/"op":"recreate"/, 'and a key made anew');
	is($_, $expected, 'by whatever names') for @sides;
}
exit_is(guard('diff', $server->url('shop_old'), 'after'), 65, 'a label that is not in the configured database');
is(changes_of($server->migguard('shop_new', [ 'diff', '--format=json', $server->url('shop_old'), 'after' ])),
	changes_of(guard('diff', '--format=json', map { save($_) } qw(shop_old shop_new))), 'a label of the configured database with another one');
$server->migguard('shop_new', [ 'snapshot', '--drop', $_ ]) for $before, $after;
is($server->sql($_, 'SELECT count(*) FROM safedeploy.snapshot'), 0, "nothing stays in $_") for qw(shop_old shop_new);
open my $broken, '>', "$dir/broken.jsonl" or die;
print $broken "{}\n";
close $broken;
exit_is(guard('diff', @$_), 65, 'a file that is none') for [ 'broken.jsonl', $url ], [ $url, 'broken.jsonl' ];

# 6. What a lock hides is unknown on either side, and never equal.
$server->create_database($_) for qw(locked_old locked_new);
$server->sql($_, 'CREATE TABLE hidden (id integer); CREATE VIEW hides AS SELECT id FROM hidden TABLESAMPLE system (1)') for qw(locked_old locked_new);
exit_is(guard('diff', map { $server->url($_) } qw(locked_old locked_new)), 0, 'equal without a lock');
for my $side (qw(locked_old locked_new))
{
	my $locker = $server->node->background_psql($side, on_error_stop => 1);
	$locker->query_safe('BEGIN; LOCK TABLE hidden IN ACCESS EXCLUSIVE MODE');
	my $run = guard('diff', map { $server->url($_) } qw(locked_old locked_new));
	exit_is($run, 30, "$side: not equal with one");
	like($run->stdout, qr/^  \? .*public\.hides.*not known/m, 'the view is not known');
	$locker->query_safe('ROLLBACK');
	$locker->quit;
}

# 7. A session that fails ends both.
$server->sql('locked_new', 'ALTER FUNCTION safedeploy.keep_objects(text[], boolean) RENAME TO gone');
my $run = guard('diff', map { $server->url($_) } qw(locked_old locked_new));
cmp_ok($run->exit_code, '>=', 60, 'a database whose functions are missing is no database that is equal');
$run = guard('diff', map { $server->url($_) } qw(locked_new locked_old));
cmp_ok($run->exit_code, '>=', 60, 'on either side');
wait_until(sub { $server->sql('home', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migguard:diff'}) eq '0' }, 10, 'both sessions are gone');

# 8. An interrupt ends both sessions, whichever is waited for.
for my $side (qw(shop_old shop_new))
{
	my $locker = $server->node->background_psql($side, on_error_stop => 1);
	$locker->query_safe('BEGIN; LOCK TABLE pg_catalog.pg_statistic_ext IN ACCESS EXCLUSIVE MODE');
	my $child = $server->start_migguard('home', [ 'diff', map { $server->url($_) } qw(shop_old shop_new) ], cwd => "$dir");
	wait_until(sub { $server->sql('home', "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migguard:diff' AND datname = '$side' AND wait_event_type = 'Lock'") eq '1' }, 30, "a walk waits in $side");
	$child->signal('INT');
	$child->wait(30);
	exit_is($child, 24, "interrupted while it waits for $side");
	wait_until(sub { $server->sql('home', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migguard:diff'}) eq '0' }, 10, 'both sessions are gone');
	$locker->query_safe('ROLLBACK');
	$locker->quit;
}
done_testing();
