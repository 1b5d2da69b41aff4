# Calls of the module by the thousand leave no memory behind in the session that makes them.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C8', 'an error inside of the module');
my $server   = SafeDeployTest->new('memory', preload => 1);
my $database = 'memory';
$server->create_database($database);
my $has_view = $server->sql('postgres', 'SHOW server_version_num') >= 140000;

# Memory of a session after so many calls.  In one statement, and in a statement each.
my %in_one = (
	'check_fence'     => 'safedeploy.check_fence(1)',
	'lock_holder_pid' => q{safedeploy.lock_holder_pid('l')},
	'ledger_head'     => 'safedeploy.ledger_head()',
	'version'         => 'safedeploy.version()',
	'statements'      => q{(SELECT count(*) FROM safedeploy.statements('SELECT 1; SELECT ' || i))},
	'normalized'      => q{safedeploy.normalized('SELECT  1 -- ' || i)});
my $size = $has_view ? 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts' :
  q{SELECT 1024 * (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmRSS:\s+(\d+)'))[1]::bigint};

sub growth
{
	my ($name, $calls, $warm, $script) = @_;
	my ($rc, $out, $err) = $server->try_sql($database, "$warm\nSELECT ($size) IS NULL;\nSELECT 'size ' || ($size);\n$script\nSELECT 'size ' || ($size);\n");
	my @sizes = $out =~ /^size (\d+)$/mg;
	verdict('C8', $rc == 0 && @sizes == 2 && $sizes[1] - $sizes[0] < 1024 * 1024, "$calls calls of $name: " . (@sizes == 2 ? $sizes[1] - $sizes[0] : '?') . ' bytes', $err);
	return;
}

foreach my $name (sort keys %in_one)
{
	my $query = "SELECT 'calls ' || count($in_one{$name}) FROM generate_series(1, %d) AS i;";
	growth($name, 100_000, sprintf($query, 10), sprintf($query, 100_000));
}
my $calls = share(100_000);
my $pair = "SELECT safedeploy.try_lock('l') AS t \\gset\nSELECT safedeploy.unlock('l', :t);\n";
growth('try_lock and unlock', $calls, $pair x 10, $pair x $calls);
my $fails = "DO \$\$ BEGIN FOR i IN 1 .. %d LOOP BEGIN PERFORM safedeploy.unlock('none', 1); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END \$\$;";
growth('unlock, refused', $calls, sprintf($fails, 10), sprintf($fails, $calls));

# What works on the schema, a transaction each: what is kept from one transaction to the next must not
# grow, to the byte.  In one transaction the server itself keeps something for each row that is written.
$server->sql($database, <<'SQL');
CREATE TABLE first (i integer PRIMARY KEY, c text NOT NULL DEFAULT 'x' CHECK (c <> ''));
CREATE TABLE second (i integer REFERENCES first, d numeric(10, 2));
CREATE VIEW both_of_them AS SELECT * FROM first JOIN second USING (i);
SELECT safedeploy.take_snapshot('before');
ALTER TABLE second ADD COLUMN more text;
ALTER TABLE first ALTER COLUMN c DROP NOT NULL;
DROP VIEW both_of_them;
SQL
my $old  = $server->sql($database, q{SELECT id FROM safedeploy.snapshot WHERE label = 'before'});
my $many = repeats() < 20 ? 100 : 10_000;
my %each = (
	'analyze' => q{SELECT * FROM safedeploy.analyze('ALTER TABLE first ALTER COLUMN c TYPE integer USING c::integer; ALTER TABLE second ADD FOREIGN KEY (i) REFERENCES first; DROP TABLE second; DO ''BEGIN DROP TABLE first; END''; UPDATE first SET c = 1; neither this')},
	'predict'       => q{SELECT * FROM safedeploy.predict('ALTER TABLE first ALTER COLUMN c SET NOT NULL; CREATE INDEX ON second (d)')},
	'probe'         => q{SELECT * FROM safedeploy.probe('ALTER TABLE first ALTER COLUMN c SET NOT NULL')},
	'fingerprint'   => q{SELECT safedeploy.fingerprint()},
	'take_snapshot' => q{SELECT safedeploy.drop_snapshot(safedeploy.take_snapshot())},
	'diff'          => "SELECT * FROM safedeploy.diff($old)",
	'revert_sql'    => "SELECT * FROM safedeploy.revert_sql($old)",
	'verify_ledger' => q{SELECT * FROM safedeploy.verify_ledger()},
	'trace'         => q{SET LOCAL safedeploy.trace = on; CREATE TABLE more (i integer); INSERT INTO more SELECT 1; DROP TABLE more},
	'refused'       => q{DO $x$ DECLARE command text; BEGIN
		FOREACH command IN ARRAY ARRAY['diff(-1)', 'drop_snapshot(-1)', 'fingerprint(ARRAY[''none''])', 'verify_ledger(''none'')', 'check_fence(-1)'] LOOP
			BEGIN EXECUTE 'SELECT * FROM safedeploy.' || command; EXCEPTION WHEN OTHERS THEN NULL; END;
		END LOOP; END $x$});
# A trace keeps its last 10,000 statements for trace_report(); beyond these it must not grow.
my %before = ('trace' => <<'SQL');
BEGIN;
SET LOCAL safedeploy.trace = on;
DO $$ BEGIN FOR i IN 1 .. 10100 LOOP EXECUTE 'SELECT ' || i; END LOOP; END $$;
COMMIT;
SQL
# PL/pgSQL keeps 24 bytes in the memory of a procedure for each text that it executes and that writes.
my $used = $has_view ? q{SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name <> 'SPI Proc'} : $size;
my $give = $has_view ? 4096 : 1024 * 1024;

foreach my $name (sort keys %each)
{
	my $warm = $many / 10;
	my ($rc, $out, $err) = $server->try_sql($database, ($before{$name} || '') . <<SQL);
CREATE PROCEDURE pg_temp.measured(command text) LANGUAGE plpgsql AS \$\$
DECLARE
	size bigint;
BEGIN
	FOR i IN 0 .. $warm + $many LOOP
		IF i IN (0, $warm, $warm + $many) THEN
			SELECT ($used) INTO size;
			RAISE INFO 'size %', size;
			COMMIT;
		END IF;
		EXECUTE command;
		COMMIT;
	END LOOP;
END \$\$;
CALL pg_temp.measured(@{[ quote_literal($each{$name}) ]});
SQL
	my (undef, @sizes) = $err =~ /^.*INFO: .*size (\d+)$/mg;
	my $growth = @sizes == 2 ? $sizes[1] - $sizes[0] : 'unknown';
	verdict('C8', $rc == 0 && @sizes == 2 && $growth < $give + 8 * $many, "$many transactions with $name: $growth bytes", $err);
}

# In a run the oldest make room for new ones, for their rows are written.
my $run = '11111111-1111-4111-8111-111111111111';
my ($rc, $out, $err) = $server->try_sql($database, <<SQL . $before{trace} . <<'SQL');
SELECT safedeploy.try_lock('l', 'r', '$run') AS token \\gset
SET safedeploy.run_id = '$run';
SET safedeploy.fence_token = :'token';
SELECT safedeploy.begin_run('$run', 'run', 'sql', 'l', NULL, NULL, NULL, '{}');
SQL
SET safedeploy.trace = on;
CREATE TABLE last_of_all ();
SET safedeploy.trace = off;
SELECT 'kept ' || count(*), bool_or(statement ~ 'last_of_all') FROM safedeploy.trace_report();
SQL
verdict('C8', $rc == 0 && $out =~ /^kept 10000\|t$/m, 'a trace in a run keeps its last 10,000 statements', $out, $err);

# What is found in each file is kept to be written at the end, and not much more.
my $directory = File::Temp->newdir;
my $files     = repeats() < 20 ? 100 : 1000;
foreach my $i (1 .. $files)
{
	PostgreSQL::Test::Utils::append_to_file(sprintf('%s/%04d.sql', $directory, $i), <<SQL);
CREATE TABLE made_$i (i integer PRIMARY KEY, c text);
ALTER TABLE made_$i ADD COLUMN d text NOT NULL DEFAULT 'x';
ALTER TABLE first ALTER COLUMN c TYPE integer USING c::integer;
UPDATE made_$i SET c = 1;
SQL
}
my $limit = (6 << 20) + 50 * 1024 * $files;
my $lint = $server->migguard($database, [ 'lint', '--fail-on', 'never', "$directory" ], prefix => [ 'prlimit', "--data=$limit" ], timeout => 900);
my @found = $lint->stdout =~ /^\S*\.sql:/mg;
verdict('C8', $lint->exit_code == 0 && @found >= $files, "lint of $files files takes less than $limit bytes", scalar(@found) . ' findings', $lint->stderr);
done_testing();
