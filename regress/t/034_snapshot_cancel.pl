# Reading and storing a schema can be cancelled at any moment and leaves nothing behind;
# meanwhile it shows how far it is.
use strict;
use warnings;

use SafeDeployTest;
use Test::More;
use Time::HiRes qw(time sleep);

my $moments = 30;
my $server = SafeDeployTest->new('cancel', conf => "max_locks_per_transaction = 4096\nautovacuum = off");
my $dir = $server->node->basedir;
$server->create_database('big');
$server->sql('big', <<'SQL');
CREATE SCHEMA s;
CREATE TABLE public.lines (n serial, l jsonb);
DO $$ BEGIN FOR i IN 1..2000 LOOP
	EXECUTE format('CREATE TABLE s.t%s (id bigint PRIMARY KEY, b integer NOT NULL DEFAULT %s, c varchar(20) CHECK (c <> %L))', i, i % 10, i);
	IF i % 10 = 0 THEN
		EXECUTE format('CREATE VIEW s.v%s AS SELECT id, upper(c) AS c FROM s.t%s WHERE b > 0', i, i);
		EXECUTE format('CREATE FUNCTION s.f%s(a integer) RETURNS integer LANGUAGE sql AS %L', i, 'SELECT a + ' || i);
	END IF;
END LOOP; END $$;
SQL
my $first = $server->sql('big', 'SELECT safedeploy.take_snapshot()');
$server->sql('big', "COPY (SELECT l FROM safedeploy.export_snapshot($first) AS l) TO '$dir/lines'; COPY public.lines (l) FROM '$dir/lines'");
my $print = $server->sql('big', 'SELECT safedeploy.fingerprint()');

# run($sql, @timeouts): for each timeout in ms the time that the statement took, and its error
sub run
{
	my ($sql, @timeouts) = @_;
	open(my $fh, '>', "$dir/run.sql") or die "$dir/run.sql: $!";
	# the end of a transaction is a statement of its own: a cancel that comes just after it tells of no rollback
	print $fh "\\o /dev/null\n", map {
		"BEGIN;\nSET LOCAL statement_timeout = $_;\n\\timing on\n$sql;\n\\timing off\nSET LOCAL statement_timeout = 0;\nCOMMIT;\n\\warn next\n"
	} @timeouts;
	close($fh);
	my $run = run_program([ 'psql', '-Xq', '-v', 'VERBOSITY=sqlstate', '-f', "$dir/run.sql", $server->url('big') ]);
	my @errors = map { /ERROR:\s+(\w+)/ ? $1 : '' } split(/^next\n/m, $run->stderr);
	my @times = $run->stdout =~ /^Time: ([0-9.]+) ms/mg;
	die "no times: " . $run->stdout . $run->stderr if @times != @timeouts;
	return map { { timeout => $timeouts[$_], ms => $times[$_], error => $errors[$_] || '' } } 0 .. $#timeouts;
}

my %statement = (
	'fingerprint' => "SELECT safedeploy.fingerprint('{core,order}')",
	'objects' => 'SELECT count(*) FROM safedeploy.objects()',
	'take_snapshot' => "SELECT safedeploy.take_snapshot('cancelled?')",
	'export_snapshot' => "SELECT count(*) FROM safedeploy.export_snapshot($first)",
	'import_snapshot' => 'SELECT safedeploy.import_snapshot(array_agg(l ORDER BY n)) FROM public.lines',
	'diff' => "SELECT count(*) FROM safedeploy.diff($first)",
);
my $stored = 1;
for my $name (sort keys %statement)
{
	# nothing may be at hand from before when the whole is measured
	my ($whole) = run($statement{$name}, 0);
	is($whole->{error}, '', "$name: without a timeout it ends");
	my @left = map { int($whole->{ms} * $_ / $moments) || 1 } 1 .. $moments - 1;
	my ($cancelled, @other, @late) = (0);
	$stored++ if $name =~ /take|import/;
	# a slow machine may be late for reasons of its own, but not three times
	for my $round (1 .. 3)
	{
		@late = ();
		for my $run (run($statement{$name}, @left))
		{
			push @other, $run->{error} if $run->{error} !~ /^(|57014)$/;
			push @late, $run->{timeout} if $run->{ms} - $run->{timeout} > 100;
			$cancelled++ if $run->{error} eq '57014';
			$stored++ if $run->{error} eq '' && $name =~ /take|import/;
		}
		last if !@late;
		@left = @late;
	}
	is("@other", '', "$name: no other error");
	is("@late", '', "$name: ends within 100 ms");
	cmp_ok($cancelled, '>=', $name eq 'fingerprint' ? 1 : $moments / 4, "$name: was cancelled in the middle: $cancelled");
}

is($server->sql('big', 'SELECT count(*) FROM safedeploy.snapshot'), $stored, 'a cancelled snapshot is not there');
is($server->sql('big', 'SELECT count(*) FROM safedeploy.snapshot_object AS o LEFT JOIN safedeploy.snapshot AS s ON s.id = o.snapshot_id WHERE s.id IS NULL OR NOT s.complete'), 0, 'nor are its objects');
is($server->sql('big', 'SELECT count(DISTINCT fingerprint) FROM safedeploy.snapshot'), 1, 'all that are there are the same');
is($server->sql('big', 'SELECT count(*) FROM safedeploy.object_def AS d WHERE NOT EXISTS (SELECT FROM safedeploy.snapshot_object AS o WHERE o.def_hash = d.hash)'), 0, 'and no definition is left over');
is($server->sql('big', 'SELECT safedeploy.fingerprint()'), $print, 'the fingerprint is what it was');

# Progress: seen by another session, and gone afterwards, also after an error in the middle.
my $done = "DO \$\$ /* the query */ BEGIN PERFORM pg_sleep(0.3); FOR i IN 1..40 LOOP PERFORM count(*) FROM safedeploy.objects(); END LOOP; END \$\$";
my $worker = start_program([ 'psql', '-Xq', '-c', $done, $server->url('big') ]);
my ($seen, %phase);
my $until = time + 20;
while (time < $until && $worker->running && keys %phase < 2)
{
	my @rows = $server->json('big', 'SELECT phase, done, total, query FROM safedeploy.progress');
	$phase{ $rows[0]{phase} } = $seen = $rows[0] if @rows;
}
ok($seen, 'progress is seen: ' . join(', ', map { "$_ $phase{$_}{done} of " . ($phase{$_}{total} || '?') } sort keys %phase));
is($seen && $seen->{query}, $done, 'the query stands behind it');
is(scalar(grep { defined $_->{total} && $_->{done} > $_->{total} } values %phase), 0, 'not more is done than there is');
$worker->kill_group;

for my $timeout (0, 700)
{
	my ($code, $out, $err) = $server->try_sql('big', <<SQL);
SET statement_timeout = $timeout;
DO \$\$ /* the query */ DECLARE q text; BEGIN
	PERFORM pg_sleep(0.3);
	BEGIN
		FOR i IN 1..CASE $timeout WHEN 0 THEN 3 ELSE 1000 END LOOP
			PERFORM count(*) FROM safedeploy.objects();
		END LOOP;
	EXCEPTION WHEN query_canceled THEN RAISE NOTICE 'cancelled';
	END;
	SELECT query INTO q FROM pg_stat_activity WHERE pid = pg_backend_pid();
	RAISE NOTICE 'now %', left(q, 20);
END \$\$
SQL
	is($code, 0, 'it ends') or diag($err);
	like($err, $timeout ? qr/cancelled/ : qr/now/, $timeout ? 'by the timeout' : 'by itself');
	like($err, qr/now DO \$\$ \/\* the query/, 'and the query stands there as it was');
}

done_testing();
