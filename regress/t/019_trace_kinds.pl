# What the trace has of each way in which statements come and end: locks, rewrites, full reads, rows, WAL, time,
# drops and messages, whether they were prepared, copied, nested, committed in their midst, rolled back or failed.
use strict;
use warnings;

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('trace_kinds');
my $count  = 0;
$server->create_database('app');
$server->sql('app', <<'SQL');
CREATE TABLE t (id integer PRIMARY KEY, a integer);
INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i;
CREATE TABLE empty (id integer);
CREATE TABLE nulls AS SELECT 1 AS id, NULL::integer AS a UNION ALL SELECT 1, 2;
CREATE FUNCTION drops(what text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE 'DROP TABLE ' || what; END $$;
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
BEGIN
	ALTER TABLE t ALTER a TYPE bigint;
	COMMIT;
	ALTER TABLE t ALTER a TYPE integer;
	COMMIT;
	UPDATE t SET a = a WHERE id <= 5;
END $$;
CREATE ROLE deployer LOGIN;
SELECT safedeploy.grant_deployer('deployer');
SQL

# traced($sql, %opt): what a session of psql left that executed it; opt: options of the server, user
sub traced
{
	my ($sql, %opt) = @_;
	my $run = sprintf '00000000-0000-4000-8000-%012d', ++$count;
	my $env = { PGOPTIONS => "-c local_preload_libraries=safedeploy -c safedeploy.trace=on -c safedeploy.run_id=$run " . ($opt{options} || '') };
	if ($opt{mode})
	{
		my $file = $server->node->basedir . "/$count.sql";
		open my $handle, '>', $file or die $!;
		print $handle "$sql\n";
		close $handle or die $!;
		run_program([ 'pgbench', '-n', '-M', $opt{mode}, '-t', 1, '-f', $file, $server->url('app') ], env => $env);
	}
	else
	{
		run_program([ 'psql', '-XAtq', $server->url('app', $opt{user} ? (user => $opt{user}) : ()) ], stdin => $sql, env => $env);
	}
	wait_until(sub { !$server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE datname = 'app' AND pid <> pg_backend_pid() AND backend_type = 'client backend'}) }, 60, 'the session is gone');
	return $server->json('app', "SELECT * FROM safedeploy.run_statement WHERE run_id = '$run' ORDER BY backend_start, pid, seq");
}

sub effects { return join ', ', sort map { join ' ', grep { defined } @{$_}{qw(effect object lock_mode)} } @{ $_[0]{effects} }; }

# check($name, $row, %want): effects, rows, wal (some, none), messages, sqlstate, rolled_back, nesting
sub check
{
	my ($name, $row, %want) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return fail("$name: on record") unless $row;
	my @wrong;
	push @wrong, "effects: " . effects($row) if defined $want{effects} && effects($row) ne $want{effects};
	push @wrong, "rows: $row->{rows}" if defined $want{rows} && $row->{rows} != $want{rows};
	push @wrong, "wal: $row->{wal_bytes}" if defined $want{wal} && ($want{wal} eq 'some') != ($row->{wal_bytes} > 0);
	push @wrong, "messages: @{$row->{messages}}" if defined $want{messages} && "@{$row->{messages}}" !~ $want{messages};
	push @wrong, "sqlstate: " . ($row->{sqlstate} // 'none') if ($row->{sqlstate} // '') ne ($want{sqlstate} // '');
	push @wrong, 'rolled back: ' . ($row->{rolled_back} ? 1 : 0) if !!$row->{rolled_back} != !!$want{rolled_back};
	push @wrong, "nesting: $row->{nesting}" if $row->{nesting} != ($want{nesting} // 0);
	push @wrong, "duration: $row->{duration_ms}" unless $row->{duration_ms} > 0;
	push @wrong, "waited: $row->{lock_wait_ms}" unless $row->{lock_wait_ms} >= 0 && $row->{lock_wait_ms} <= $row->{duration_ms} + 20;
	ok(!@wrong, $name) or diag(map { "$_\n" } @wrong);
	return;
}

# one($rows, $pattern): the statement whose text matches
sub one { my ($pattern, @rows) = @_; my @found = grep { $_->{statement} =~ $pattern } @rows; return @found == 1 ? $found[0] : undef; }

my $rewrite_t = 'build public.t_pkey, lock public.t AccessExclusiveLock, lock public.t_pkey AccessExclusiveLock, rewrite public.t, scan public.t';

# the ways of the protocol
foreach my $mode (qw(simple extended prepared))
{
	my @rows = traced("ALTER TABLE t ALTER a TYPE bigint;\nALTER TABLE t ALTER a TYPE integer;\nUPDATE t SET a = a WHERE id <= 3;", mode => $mode, options => '-c enable_seqscan=off');
	check("$mode: a rewrite", one(qr/TYPE bigint/, @rows), effects => $rewrite_t, wal => 'some', messages => qr/rewriting table "t"/);
	check("$mode: rows", one(qr/^UPDATE/, @rows), effects => 'lock public.t RowExclusiveLock, lock public.t_pkey RowExclusiveLock', rows => 3, wal => 'some');
}

# PREPARE and EXECUTE
{
	my @rows = traced('PREPARE q(integer) AS UPDATE t SET a = a WHERE id <= $1; EXECUTE q(7);', options => '-c enable_seqscan=off');
	check('EXECUTE', one(qr/^EXECUTE/, @rows), rows => 7, wal => 'some', effects => 'lock public.t RowExclusiveLock, lock public.t_pkey RowExclusiveLock');
}

# COPY in and out
{
	my @rows = traced("COPY empty FROM stdin;\n1\n2\n\\.\nCOPY empty TO stdout;\nCOPY (SELECT a FROM t WHERE a < 11) TO stdout;\nCOPY empty FROM stdin;\nx\n\\.\n");
	my @in = grep { $_->{statement} =~ /FROM stdin/ } @rows;
	check('COPY FROM', $in[0], rows => 2, wal => 'some', effects => 'lock public.empty RowExclusiveLock');
	check('COPY FROM that fails', $in[1], sqlstate => '22P02', rolled_back => 1, effects => 'lock public.empty RowExclusiveLock');
	check('COPY TO', one(qr/^COPY empty TO/, @rows), rows => 2, wal => 'none', effects => 'lock public.empty AccessShareLock, scan public.empty');
	check('COPY of a query', one(qr/^COPY \(/, @rows), rows => 10, effects => 'lock public.t AccessShareLock, scan public.t');
}

# DO, dynamic SQL, what runs inside
{
	$server->sql('app', 'CREATE TABLE gone (id integer)');
	my @rows = traced('DO $$ BEGIN EXECUTE \'ALTER TABLE t ALTER a TYPE \' || \'bigint\'; EXECUTE \'DROP TABLE \' || \'gone\'; UPDATE t SET a = a WHERE id = 1; END $$;');
	check('DO', $rows[0], wal => 'some', effects => "build public.t_pkey, drop public.gone, lock public.gone AccessExclusiveLock, lock public.t AccessExclusiveLock, lock public.t_pkey AccessExclusiveLock, rewrite public.t, scan public.t");
	check('DDL in EXECUTE', one(qr/^ALTER TABLE t ALTER a TYPE bigint$/, @rows), nesting => 1, effects => $rewrite_t, wal => 'some', messages => qr/rewriting table "t"/);
	check('a drop in EXECUTE', one(qr/^DROP TABLE gone$/, @rows), nesting => 1, wal => 'some', effects => 'drop public.gone, lock public.gone AccessExclusiveLock');
	check('DML in a body', one(qr/^UPDATE t/, @rows), nesting => 1, rows => 1);
}

# a procedure that commits in its midst: both sides of the COMMIT
{
	my @rows = traced('CALL commits();', options => '-c enable_seqscan=off');
	check('CALL', $rows[0], wal => 'some', effects => $rewrite_t);
	check('after its COMMIT', one(qr/TYPE integer/, @rows), nesting => 1, wal => 'some', effects => $rewrite_t, messages => qr/rewriting table "t"/);
	check('after both', one(qr/^UPDATE/, @rows), nesting => 1, rows => 5, wal => 'some', effects => 'lock public.t RowExclusiveLock, lock public.t_pkey RowExclusiveLock');
}

# a savepoint that is rolled back, and what stays
{
	$server->sql('app', 'CREATE TABLE gone (id integer)');
	my @rows = traced('BEGIN; SAVEPOINT s; DROP TABLE gone; UPDATE t SET a = a WHERE id < 3; ROLLBACK TO s; DROP TABLE empty; COMMIT;');
	check('a drop that is rolled back', one(qr/^DROP TABLE gone/, @rows), rolled_back => 1, wal => 'some', effects => 'drop public.gone, lock public.gone AccessExclusiveLock');
	check('rows that are rolled back', one(qr/^UPDATE/, @rows), rolled_back => 1, rows => 2, wal => 'some');
	check('a drop after it', one(qr/^DROP TABLE empty/, @rows), wal => 'some', effects => 'drop public.empty, lock public.empty AccessExclusiveLock');
	my @lost = map { @{ $_->{losses} } } grep { !$_->{rolled_back} } @rows;
	is("@lost", 'table public.empty', 'and only that is lost');
}

# statements that fail: what they had done by then
{
	my @rows = traced('ALTER TABLE nulls ALTER a SET NOT NULL; ALTER TABLE nulls ADD CHECK (a > 5); CREATE UNIQUE INDEX CONCURRENTLY nulls_id ON nulls (id); SELECT 1 / (id - 1) FROM nulls;');
	check('SET NOT NULL over a NULL', one(qr/SET NOT NULL/, @rows), sqlstate => '23502', rolled_back => 1, messages => qr/verifying table "nulls"/, effects => 'lock public.nulls AccessExclusiveLock');
	check('a CHECK that a row violates', one(qr/ADD CHECK/, @rows), sqlstate => '23514', rolled_back => 1, messages => qr/verifying table "nulls"/, effects => 'lock public.nulls AccessExclusiveLock');
	check('CREATE UNIQUE INDEX CONCURRENTLY over duplicates', one(qr/CONCURRENTLY/, @rows), sqlstate => '23505', rolled_back => 1, effects => 'lock public.nulls ShareUpdateExclusiveLock, lock public.nulls_id RowExclusiveLock, scan public.nulls');
	check('a query that fails', one(qr/^SELECT 1/, @rows), sqlstate => '22012', rolled_back => 1, effects => 'lock public.nulls AccessShareLock');
	$server->sql('app', 'DROP INDEX nulls_id');
}

# an index beside the work of others
{
	my @rows = traced('CREATE INDEX CONCURRENTLY t_a ON t (a); REINDEX INDEX CONCURRENTLY t_a; DROP INDEX CONCURRENTLY t_a;');
	check('CREATE INDEX CONCURRENTLY', one(qr/^CREATE/, @rows), wal => 'some', messages => qr/building index "t_a"/, effects => 'build public.t_a, lock public.t ShareUpdateExclusiveLock, new public.t_a, scan public.t');
	check('REINDEX CONCURRENTLY', one(qr/^REINDEX/, @rows), wal => 'some', messages => qr/building index/, effects => 'build public.t_a, lock public.t ShareUpdateExclusiveLock, lock public.t_a AccessExclusiveLock, scan public.t');
	check('DROP INDEX CONCURRENTLY', one(qr/^DROP/, @rows), wal => 'some', effects => 'drop public.t_a, lock public.t ShareUpdateExclusiveLock, lock public.t_a AccessExclusiveLock');
}

# parallel workers: their WAL and rows are the statement's
{
	my $options = join ' ', map { "-c $_" } qw(max_parallel_maintenance_workers=2 min_parallel_table_scan_size=0 parallel_setup_cost=0 parallel_tuple_cost=0 parallel_leader_participation=off);
	my @rows = traced('ALTER TABLE t SET (parallel_workers = 2); CREATE INDEX t_a ON t (a); SELECT a FROM t WHERE a > 100; DROP INDEX t_a;', options => $options);
	check('an index by workers', one(qr/^CREATE/, @rows), wal => 'some', messages => qr/building index "t_a" on table "t" (with request for 2 parallel workers|serially)/, effects => 'build public.t_a, lock public.t ShareLock, new public.t_a, scan public.t');
	check('rows read by workers', one(qr/^SELECT/, @rows), rows => 900);
}

# cursors: the query is run in pieces
{
	my @rows = traced('BEGIN; DECLARE c CURSOR FOR SELECT id, a FROM t; FETCH 10 FROM c; FETCH 5 FROM c; CLOSE c; DECLARE h CURSOR WITH HOLD FOR SELECT a FROM t; COMMIT; FETCH 3 FROM h; CLOSE h;');
	my @pieces = grep { $_->{statement} =~ /^DECLARE c|^FETCH/ } @rows;
	is(join(' ', map { $_->{rows} } grep { $_->{tag} eq 'FETCH' } @rows), '10 5 3', 'FETCH: rows');
	ok((grep { effects($_) =~ /scan public\.t/ } @pieces), 'a cursor: the full read');
	ok((grep { effects($_) =~ /lock public\.t AccessShareLock/ } @pieces), 'and the lock');
}

# SECURITY DEFINER: what another role's rights did is this session's
{
	$server->sql('app', 'CREATE TABLE secret (id integer); GRANT EXECUTE ON FUNCTION drops(text) TO deployer');
	my @rows = traced(q{SELECT drops('secret');}, user => 'deployer');
	my $select = one(qr/^SELECT drops/, @rows);
	check('a function with the rights of its owner', $select, wal => 'some', effects => 'drop public.secret, lock public.secret AccessExclusiveLock', rows => 1);
	is($select && $select->{session_user}, 'deployer', 'by the session that called it');
	check('what it ran', one(qr/^DROP TABLE secret/, @rows), nesting => 1, wal => 'some', effects => 'drop public.secret, lock public.secret AccessExclusiveLock');
}

# passwords: nowhere, however they come and end
{
	my @rows = traced(<<'SQL');
CREATE ROLE keeper PASSWORD 'hunter1';
ALTER ROLE nobody_of_this_name PASSWORD 'hunter2';
DO $$ BEGIN EXECUTE format('ALTER ROLE keeper PASS%s %L', 'WORD', 'hunter3'); END $$;
CREATE FUNCTION change(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $f$ BEGIN EXECUTE format('ALTER ROLE keeper PASSWORD %L', $1); END $f$;
SELECT change('hunter4');
PREPARE p AS SELECT change('hunter5'); EXECUTE p;
BEGIN; DECLARE c CURSOR FOR SELECT change('hunter10'); FETCH c; COMMIT;
CREATE SERVER loop FOREIGN DATA WRAPPER nothing OPTIONS (password 'hunter6');
CREATE SUBSCRIPTION s CONNECTION 'host=localhost password=hunter7' PUBLICATION p;
COPY (SELECT 1) TO PROGRAM 'PGPASSWORD=hunter8 true';
BEGIN; ALTER ROLE keeper PASSWORD 'hunter9'; ROLLBACK;
DROP FUNCTION change(text); DROP ROLE keeper;
SQL
	cmp_ok(scalar @rows, '>', 10, 'statements with secrets are on record');
	is_deeply([ map { $_->{statement} } grep { "$_->{statement} @{$_->{messages}}" =~ /hunter/ } @rows ], [], 'without them');
	ok((grep { $_->{masked} } @rows) >= 5, 'and marked so');
}
done_testing();
