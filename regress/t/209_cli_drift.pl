# drift: the schema against what it was left as, and who is on record for what changed.
use strict;
use warnings;

use File::Temp;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('cli_drift', preload => 1, tcp => 1);
my $dir    = File::Temp->newdir;
$server->create_database('app');

sub guard { return $server->migguard('app', [@_], cwd => "$dir"); }

my $run = guard('drift');
exit_is($run, 65, 'nothing to compare with yet');
like($run->stderr, qr/there is no last good snapshot/, 'says so');

$server->sql('app', <<'SQL');
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id integer PRIMARY KEY, total numeric, note text);
CREATE TABLE shop.lines (id integer);
CREATE INDEX orders_total ON shop.orders (total);
CREATE VIEW shop.cheap AS SELECT o.id FROM shop.orders o, shop.lines l WHERE o.total < 10;
CREATE ROLE regress_drifter;
GRANT CREATE, USAGE ON SCHEMA shop TO regress_drifter;
ALTER TABLE shop.lines OWNER TO regress_drifter;
SQL
my ($id) = guard('snapshot', '--label', 'release 1')->stdout =~ /^snapshot (\d+)/;
open my $file, '>:raw', "$dir/schema.jsonl" or die "could not write: $!";
print $file guard('snapshot', '--export', $id)->stdout;
close $file;
my $good = $server->sql('app', q{SELECT safedeploy.begin_run(NULL, 'run', NULL, 'default', NULL, NULL, NULL, NULL)});
$server->sql('app', "SELECT safedeploy.end_run('$good', 'done', 0, NULL, jsonb_build_object('revision', 'r', 'snapshot_id', $id, 'fingerprint', 'f'))");

$run = guard('drift');
exit_is($run, 0, 'no drift');
like($run->stdout, qr/^compared with last-good, taken \d{4}-.* as release 1\nno differences$/, 'says with what it was compared');
is(decode_json(guard('drift', '--format=json')->stdout)->{drift}, JSON::PP::false, 'as JSON');

$server->sql('app', <<'SQL');
SET application_name = 'night shift';
ALTER TABLE shop.orders RENAME total TO amount;
DROP INDEX shop.orders_total;
DO $$ BEGIN EXECUTE 'CREATE TABLE shop.' || 'backup AS SELECT * FROM shop.orders'; END $$;
GRANT SELECT ON shop.orders TO PUBLIC;
SET SESSION AUTHORIZATION regress_drifter;
ALTER TABLE shop.lines ADD COLUMN qty integer;
SQL
$run = guard('drift');
exit_is($run, 30, 'drift');
like($run->stderr, qr/see: migguard runbook drift$/m, 'names its page');
my $text = $run->stdout;
my $by = qr/\n {8}by \S+, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*, night shift/;
like($text, qr/renamed to "amount"\. \[breaking\]$by: ALTER TABLE shop\.orders RENAME total TO amount\n/, 'a rename and who made it');
like($text, qr/Index "orders_total" .*$by: DROP INDEX shop\.orders_total\n/, 'an index by its own name');
like($text, qr/Table "shop\.backup" is added.*$by: CREATE TABLE shop\.backup AS/, 'what a DO block made');
like($text, qr/PUBLIC is granted SELECT .*$by: GRANT SELECT ON shop\.orders TO PUBLIC\n/, 'a grant by its statement');
like($text, qr/Column "qty" .*\n {8}by regress_drifter, .*: ALTER TABLE shop\.lines ADD COLUMN qty integer\n/, 'another role');
unlike($text, qr/Column "qty" .*\n.*\n {8}by /, 'and nobody else');
unlike($run->stderr, qr/warning/, 'everything is on record');
my $drift = decode_json(guard('drift', '--format=json')->stdout);
ok($drift->{drift}, 'as JSON');
is_deeply([ sort keys %$drift ], [qw(changes drift recorded recording reference taken_at totals)], 'its members');
ok($drift->{recording}, 'sessions record');
is(scalar @{ $drift->{recorded} }, 5, 'all that is on record');
my ($qty) = grep { ($_->{path} || '') eq 'columns.qty' } @{ $drift->{changes} };
is_deeply([ map { $_->{user} } @{ $qty->{by} } ], ['regress_drifter'], 'who is named at the change');

# the other references
exit_is(guard('drift', $id),            30, 'with a snapshot');
exit_is(guard('drift', 'release 1'),    30, 'with a label');
exit_is(guard('drift', 'schema.jsonl'), 30, 'with a file');
like(guard('drift', 'schema.jsonl')->stdout, qr/renamed to "amount"/, 'of the same database, so that a rename is one');
exit_is(guard('drift', 'schema.jsonl', 'live'), 64, 'not with two');
exit_is(guard('drift', 'nothing of the kind'), 65, 'not with what is not there');

# another database, and this one by its address
$server->create_database('other');
exit_is(guard('drift', $server->url('other')), 30, 'with another database');
$run = guard('drift', $server->url('app', password => 'drift-canary-77'));
exit_is($run, 0, 'with itself');
like($run->stderr, qr/warning: the password in a connection string can be seen/, 'a password among the arguments deserves a word');
unlike($run->stderr, qr/drift-canary/, 'but is not said');
my $far = run_program([ 'psql', '-XAtq', '-d', $server->url('app', tcp => 1), '-c', q{COMMENT ON TABLE shop.lines IS 'x'; ALTER TABLE shop.lines ADD COLUMN far integer} ]);
exit_is($far, 0, 'somebody from another machine');
like(guard('drift')->stdout, qr/Column "far" .*\n {8}by \S+, \d{4}-.* from (127\.0\.0\.1|::1)\S*: ALTER TABLE shop\.lines ADD COLUMN far/, 'is known by his address');
$server->sql('app', 'ALTER TABLE shop.lines DROP COLUMN far; COMMENT ON TABLE shop.lines IS NULL');

# taken back
$server->sql('app', <<'SQL');
ALTER TABLE shop.orders RENAME amount TO total;
CREATE INDEX orders_total ON shop.orders (total);
DROP TABLE shop.backup;
REVOKE SELECT ON shop.orders FROM PUBLIC;
ALTER TABLE shop.lines DROP COLUMN qty;
SQL
exit_is(guard('drift'), 0, 'no drift when all is taken back') or diag(guard('drift')->stdout);
$server->sql('app', q{COMMENT ON TABLE shop.orders IS 'x'});
exit_is(guard('drift'), 0, 'a comment is none');
exit_is(guard('drift', '--strict'), 30, 'but with --strict');
exit_is(guard('drift', '--facets', 'core'), 0, 'only the core');
# the same definition, and yet it is not what it was
$server->sql('app', 'DROP TABLE shop.lines CASCADE; CREATE TABLE shop.lines (id integer); ALTER TABLE shop.lines OWNER TO regress_drifter;'
	. 'CREATE VIEW shop.cheap AS SELECT o.id FROM shop.orders o, shop.lines l WHERE o.total < 10');
$run = guard('drift', '--facets', 'core');
exit_is($run, 30, 'a table made anew is drift');
like($run->stdout, qr/was dropped and created anew, the rows it had are lost/, 'says why');

# without a record
$server->sql('postgres', q{ALTER SYSTEM RESET ALL});
$server->node->append_conf('postgresql.conf', "session_preload_libraries = ''");
$server->node->reload;
$server->sql('app', 'CREATE TABLE shop.silent (id integer)');
$run = guard('drift');
exit_is($run, 30, 'drift that nobody is on record for');
like($run->stderr, qr/DDL outside of runs is not being recorded/, 'with the reason');

done_testing();
