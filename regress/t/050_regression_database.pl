# The database that PostgreSQL's own regression tests leave behind, which has every kind of
# object: its fingerprint stays the same over dumps, pg_upgrade and all that moves rows and files.
use strict;
use warnings;

use File::Temp;
use PostgreSQL::Test::Utils ();
use SafeDeployTest;
use SafeDeployTest::Psql;
use SafeDeployTest::Real;
use Test::More;

my $source = fetched('pg_regress');
my $work   = File::Temp->newdir;
my $server = SafeDeployTest->new('regression', conf => "max_prepared_transactions = 4\nwal_level = logical\nfsync = off");
my $node   = $server->node;

# Its functions in C are compiled against this server.
exit_is(run_program([ qw(gcc -shared -fPIC -O1 -w), '-I' . $node->config_data('--includedir-server'), '-o', "$work/regress.so", "$source/regress.c" ]),
	0, 'the functions of the tests compile');
my $psql = logging_psql("$work/bin", $node->config_data('--bindir') . '/psql');
my $tests = run_program(
	[   $ENV{PG_REGRESS}, "--inputdir=$source", "--outputdir=$work", "--dlpath=$work", "--schedule=$source/parallel_schedule",
		"--bindir=$psql", '--host=' . $node->host, '--port=' . $node->port, '--user=' . $server->user,
		'--dbname=regression' ],
	cwd => "$work");
# Some tests depend on paths and locales of a build tree; what counts is what they leave.
my $passed = () = $tests->stdout =~ /\.\.\. ok/g;
cmp_ok($passed, '>', 180, 'the tests ran');

# Their files are cut into statements as psql cut them just now.
$server->create_database('split');
my %total;
foreach my $log (sort glob "$psql/log/*")
{
	my ($name) = $log =~ m{([^/]+)\z};
	my $file = (grep { -e } "$source/sql/$name.sql", "$work/sql/$name.sql")[0] or next;
	my $seen = same_as_psql($server, 'split', $file, $log);
	is(scalar @{ $seen->{differ} }, 0, "statements of $name.sql") or diag(join "\n", @{ $seen->{differ} }[0 .. 2]);
	$total{$_} += $seen->{$_} foreach qw(equal variables skipped made swallowed unquoted);
	$total{files}++;
}
cmp_ok($total{files}, '>', 180, "$total{files} files were read as psql reads them");
cmp_ok($total{equal}, '>', 30_000, "$total{equal} statements are equal in text and position");
note("$total{variables} hold variables of psql, $total{skipped} stand in branches not taken, $total{made} were made by psql's commands, "
	  . "$total{unquoted} were sent while standard_conforming_strings was off, $total{swallowed} are data to psql, of a COPY without an end");

$server->sql('regression', 'CREATE EXTENSION safedeploy');
# What was added to an operator family of the server's own is in no dump.
$server->sql('regression', <<'SQL');
DO $$
DECLARE m record;
BEGIN
	FOR m IN SELECT amopstrategy AS n, amoplefttype::regtype AS l, amoprighttype::regtype AS r, 'OPERATOR' AS what, amopfamily AS f FROM pg_amop WHERE oid >= 16384 AND amopfamily < 16384
		UNION ALL SELECT amprocnum, amproclefttype::regtype, amprocrighttype::regtype, 'FUNCTION', amprocfamily FROM pg_amproc WHERE oid >= 16384 AND amprocfamily < 16384
	LOOP
		EXECUTE (SELECT format('ALTER OPERATOR FAMILY %I USING %I DROP %s %s (%s, %s)', opfname, amname, m.what, m.n, m.l, m.r) FROM pg_opfamily f JOIN pg_am a ON a.oid = opfmethod WHERE f.oid = m.f);
	END LOOP;
END $$;
SQL
my $objects = $server->sql('regression', 'SELECT count(*) FROM safedeploy.objects()');
cmp_ok($objects, '>', 1000, "there are $objects objects");
my $fingerprint = $server->fingerprint('regression');
my $snapshot = $server->sql('regression', q{SELECT safedeploy.take_snapshot('regression')});

# same($server, $database, $what): the fingerprint is the same; else the differences are shown
sub same
{
	my ($where, $database, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return if is($where->fingerprint($database), $fingerprint, $what);
	my $lines = "$work/lines";
	run_program([ 'psql', '-XAtq', '-d', $server->url('regression'), '-o', $lines, '-c', "COPY (SELECT safedeploy.export_snapshot($snapshot)) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')" ]);
	$where->sql($database, 'CREATE TEMP TABLE lines (line jsonb)');
	my ($rc, $out, $err) = $where->try_sql($database, <<SQL);
CREATE TEMP TABLE lines (n bigint GENERATED ALWAYS AS IDENTITY, line text);
\\copy lines (line) FROM '$lines' WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')
SELECT safedeploy.import_snapshot((SELECT array_agg(line::jsonb ORDER BY n) FROM lines)) AS id \\gset
SELECT class, summary, left(old::text, 300), left(new::text, 300) FROM safedeploy.diff(:id) WHERE class <> 'order' LIMIT 40
SQL
	diag("$out$err");
	return;
}

# What moves rows and files and is no schema
$server->sql('regression', $_) foreach 'VACUUM (FULL, ANALYZE)', 'REINDEX SCHEMA public', 'CLUSTER', 'REINDEX SYSTEM regression';
same($server, 'regression', 'after VACUUM FULL, REINDEX, CLUSTER');
$server->sql('regression', <<'SQL');
ALTER TABLE tenk1 RENAME TO tenk0; ALTER TABLE tenk0 RENAME TO tenk1;
ALTER TABLE tenk1 RENAME COLUMN unique1 TO u; ALTER TABLE tenk1 RENAME COLUMN u TO unique1;
ALTER SCHEMA public RENAME TO private; ALTER SCHEMA private RENAME TO public;
SQL
same($server, 'regression', 'after renames and back');

# Dumps
my %formats = (
	plain     => sub { run_program([ 'psql', '-Xq', '-d', $server->url($_[1]), '-f', $_[0] ]) },
	custom    => sub { run_program([ 'pg_restore', '-d', $server->url($_[1]), $_[0] ]) },
	directory => sub { run_program([ 'pg_restore', '-j2', '-d', $server->url($_[1]), $_[0] ]) });
foreach my $format (sort keys %formats)
{
	my $database = "from_$format";
	my @rows = $format eq 'directory' ? () : ('--schema-only');
	exit_is(run_program([ 'pg_dump', "--format=$format", @rows, '-f', "$work/$format", $server->url('regression') ]), 0, "dump: $format");
	$server->create_database($database, extension => 0);
	$formats{$format}->("$work/$format", $database);
	same($server, $database, "after dump and restore: $format");
}

# pg_upgrade, to a cluster of its own
$server->drop_database("from_$_") foreach keys %formats;
$node->stop;
my $new = SafeDeployTest->new('upgraded', conf => "max_prepared_transactions = 4\nwal_level = logical\nfsync = off");
$new->node->stop;
my $bindir = $node->config_data('--bindir');
exit_is(
	run_program(
		[   'pg_upgrade', '--no-sync', '-d', $node->data_dir, '-D', $new->node->data_dir, '-b', $bindir, '-B', $bindir,
			'-s', $new->node->host, '-p', $node->port, '-P', $new->node->port, '-U', $server->user ],
		cwd => PostgreSQL::Test::Utils::tempdir()),
	0, 'pg_upgrade');
$new->node->start;
is($new->fingerprint('regression'), $fingerprint, 'after pg_upgrade');
$new->node->stop;
done_testing();
