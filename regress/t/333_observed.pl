# What the statements of a migration really do is recorded by the server, for every tool:
# predicted beside observed, differences, judgement of what nobody could predict, the live run.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp;
use JSON::PP ();

use SafeDeployTest;
use SafeDeployTest::Alembic;
use SafeDeployTest::Real;
use Test::More;

my $server = SafeDeployTest->new('observed', tcp => 1);
my %quick  = (MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'error');
my $temp   = File::Temp->newdir;
my $count  = 0;
my $schema = 'CREATE TABLE t (id integer PRIMARY KEY, c text); CREATE TABLE gone (id integer); INSERT INTO t SELECT i, i::text FROM generate_series(1, 100) i';

sub database
{
	my $name = 'app' . ++$count;
	$server->create_database($name);
	$server->sql($name, $schema);
	return $name;
}

# The statements of a result, by the beginning of their text.
sub statements
{
	my ($process) = @_;
	my $told = JSON::PP->new->utf8->decode($process->stdout);
	return ($told, map { $_->{statement} => $_ } @{ $told->{statements} });
}

# "lock public.t AccessExclusiveLock, rewrite public.t"; locks of indexes left out
sub effects
{
	my ($list) = @_;
	return 'nothing known' unless $list;
	return join ', ', sort map { join ' ', grep { defined } @{$_}{qw(effect object lock_mode)} }
	  grep { ($_->{kind} || '') ne 'index' || $_->{effect} eq 'drop' } @$list;
}

sub finding { my ($told, $pattern) = @_; return scalar grep { /$pattern/ } @{ $told->{findings} }; }

# ---- Alembic: SQL that can be had offline, so predicted; Python that cannot
{
	my $project = SafeDeployTest::Alembic->new(revisions => [
			{ id => 'a1', up_sql => [ 'ALTER TABLE t ADD COLUMN n integer', 'ALTER TABLE t ALTER COLUMN id TYPE bigint' ],
				down_sql => [ 'ALTER TABLE t ALTER COLUMN id TYPE integer', 'ALTER TABLE t DROP COLUMN n' ] } ]);
	my $db    = database();
	my $guard = sub {
		my ($arguments, %env) = @_;
		return $server->migguard($db, [ @$arguments, '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir,
			env => { %quick, DATABASE_URL => $server->url($db) =~ s/^postgresql/postgresql+psycopg2/r, %env });
	};
	my $plan = $guard->([ 'plan', '--format', 'json' ]);
	exit_is($plan, 0, 'alembic: plan');
	my ($told, %seen) = statements($plan);
	is(effects($seen{'ALTER TABLE t ADD COLUMN n integer'}{observed}), 'lock public.t AccessExclusiveLock', 'what was observed');
	is(effects($seen{'ALTER TABLE t ADD COLUMN n integer'}{predicted}), 'lock public.t AccessExclusiveLock', 'and predicted');
	my $retyped = $seen{'ALTER TABLE t ALTER COLUMN id TYPE bigint'};
	like(effects($retyped->{observed}), qr/^rewrite public\.t, scan public\.t$/, 'a rewrite under a lock that was held already');
	is(effects($retyped->{predicted}), effects($retyped->{observed}), 'predicted as observed');
	cmp_ok($retyped->{observed_figures}{duration_ms}, '>', 0, 'with its time');
	like("@{$retyped->{observed_figures}{messages}}", qr/rewriting table "t"/, 'and what the server said');
	ok(!grep({ /alembic_version/ } keys %seen), 'the tool\'s own bookkeeping is left out');
	ok(!finding($told, qr/observed-differs/), 'nothing differs') or diag("@{$told->{findings}}");

	# the downgrade, and the second upgrade
	my %down = map { $_->{statement} => $_ } @{ $told->{downgrade_statements} };
	my $back = $down{'ALTER TABLE t ALTER COLUMN id TYPE integer'};
	is(effects($back->{observed}), 'lock public.t AccessExclusiveLock, rewrite public.t, scan public.t', 'the downgrade is observed');
	is(effects($back->{predicted}), effects($back->{observed}), 'and predicted, where the upgrade has been');
	ok(finding($told, qr/^rehearsal, downgrade: notice: rewrite of table public\.t .*observed-rewrite/), 'what it rewrites is told, and stops nobody');
	ok(finding($told, qr/^rehearsal, downgrade: notice: drop of table column public\.t\.n, made by the upgrade, .*observed-drop/), 'and what it drops');
	is(effects($retyped->{again}), effects($retyped->{observed}), 'the second upgrade did the same');
	cmp_ok($retyped->{again_figures}{duration_ms}, '>', 0, 'with its own time');
	ok(!defined $retyped->{live}, 'nothing live yet');
	my ($event) = grep { $_->{state} eq 'rehearse' && $_->{status} eq 'ok' } $server->events($db);
	like($event->{detail}{run_statement_digest}, qr/^[0-9a-f]{64}$/, 'the ledger keeps the digest of the rows');
	is($server->sql($db, 'SELECT count(*) FROM safedeploy.run_statement'), 0, 'a plan leaves no rows in the real database');

	my $text = $guard->([ 'plan' ]);
	like($text->stdout, qr/^statement +effect +object +predicted +rehearsed +again *$/m, 'a table for people');
	like($text->stdout, qr/^ALTER TABLE t ADD COLUMN n integer +lock +public\.t +AccessExclusiveLock +AccessExclusiveLock +AccessExclusiveLock *$/m, 'predicted beside observed');
	like($text->stdout, qr/^downgrade:\nstatement +effect +object +predicted +rehearsed *\n.*^ALTER TABLE t DROP COLUMN n +drop +public\.t\.n +yes +yes *$/ms, 'and the same of the downgrade');

	# the live run as well
	my $run = $guard->([ 'run', '--format', 'json' ]);
	exit_is($run, 0, 'alembic: run');
	($told, %seen) = statements($run);
	$retyped = $seen{'ALTER TABLE t ALTER COLUMN id TYPE bigint'};
	is(effects($retyped->{live}), effects($retyped->{observed}), 'the live run is recorded, and did the same');
	ok(!finding($told, qr/not as rehearsed/), 'no difference of live from rehearsal') or diag("@{$told->{findings}}");
	($event) = grep { $_->{state} eq 'migrate' && $_->{status} eq 'ok' } $server->events($db);
	is($event->{detail}{run_statement_digest}, $server->sql($db, "SELECT safedeploy.run_statement_digest('$told->{run_id}')"), 'its rows are those of the digest in the ledger');
	$server->sql($db, 'UPDATE safedeploy.run_statement SET duration_ms = 0');
	isnt($event->{detail}{run_statement_digest}, $server->sql($db, "SELECT safedeploy.run_statement_digest('$told->{run_id}')"), 'a changed row is found');
	is_deeply([ $server->faults($db) ], [], 'and the ledger is whole');

	# Python that looks at the database first: no SQL beforehand
	$project->add({ id => 'b2', up => <<'PYTHON', down => 'op.execute("ALTER TABLE t DROP COLUMN k")' });
connection = op.get_bind()
rows = connection.execute(sa.text("SELECT count(*) FROM information_schema.tables WHERE table_name = 't'")).scalar()
if rows == 1:
    op.add_column("t", sa.Column("k", sa.Float(), server_default=sa.text("random()")))
    op.create_index("t_c", "t", ["c"])
    op.drop_table("gone")
PYTHON
	$plan = $guard->([ 'plan', '--format', 'json', '--allow-irreversible' ]);
	exit_is($plan, 13, 'opaque Python is refused for what it did in the rehearsal');
	($told, %seen) = statements($plan);
	my ($added) = grep { /ADD COLUMN k/ } keys %seen;
	ok(!defined $seen{$added}{predicted}, 'it was not predicted');
	ok(finding($told, qr/warning: rewrite of table public\.t .*observed-rewrite/), 'the rewrite is a finding');
	ok(finding($told, qr/warning: scan of table public\.t under AccessExclusiveLock.*observed-scan/), 'so is the full read under a lock');
	ok(finding($told, qr/info: lock of table public\.t AccessExclusiveLock.*observed-lock/), 'and the lock');
	ok(finding($told, qr/error: drop of table public\.gone.*observed-drop/), 'and the drop, as grave as if it had been predicted');
	$plan = $guard->([ 'plan', '--allow-irreversible' ], MIGGUARD_RUN_FAIL_ON => 'never');
	exit_is($plan, 0, 'which the threshold decides');
	like($plan->stdout, qr/error: drop of table public\.gone/, 'and hides nothing');
	$project->write('migguard.ini', "[rules]\nobserved-drop = off\n");
	$plan = $guard->([ 'plan', '--format', 'json', '--allow-irreversible' ]);
	exit_is($plan, 0, 'or the severity of the rule');
	unlink $project->dir . '/migguard.ini';

	# switched off: said, not passed over
	$plan = $guard->([ 'plan', '--format', 'json', '--allow-irreversible' ], MIGGUARD_RUN_TRACE => 'off');
	exit_is($plan, 0, 'without a trace');
	($told, %seen) = statements($plan);
	ok(finding($told, qr/rehearsal: not observed: \[run\] trace is off/), 'what nobody has seen is said');
	is_deeply([%seen], [], 'and nothing is shown');
}

# ---- live is not as rehearsed
{
	my $project = SafeDeployTest::Alembic->new(revisions => [
			{ id => 'a1', up => <<'PYTHON', down_sql => ['ALTER TABLE t DROP COLUMN n'] } ]);
connection = op.get_bind()
op.execute("ALTER TABLE t ADD COLUMN n integer")
if connection.execute(sa.text("SELECT count(*) FROM t")).scalar() > 0:
    op.execute("ALTER TABLE t ALTER COLUMN id SET STATISTICS 100")
    op.execute("ALTER TABLE t ALTER COLUMN id SET STATISTICS -1")
    op.execute("LOCK TABLE gone IN EXCLUSIVE MODE")
PYTHON
	my $db  = database();
	my $run = $server->migguard($db, [ 'run', '--format', 'json', '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir,
		env => { %quick, DATABASE_URL => $server->url($db) =~ s/^postgresql/postgresql+psycopg2/r });
	exit_is($run, 0, 'a migration that does more where there are rows');
	my ($told, %seen) = statements($run);
	ok(finding($told, qr/not as rehearsed: not rehearsed: LOCK TABLE gone/), 'is named in the report');
	like($run->stderr, qr/not as rehearsed/, 'and warned of');
	my ($event) = grep { $_->{state} eq 'migrate' && $_->{status} eq 'ok' } $server->events($db);
	like("@{$event->{detail}{differs_from_rehearsal}}", qr/LOCK TABLE gone/, 'and on record');
}

# ---- the second upgrade does what the first did not; a downgrade that drops what was there before
{
	my $project = SafeDeployTest::Alembic->new(revisions => [
			{ id => 'a1', up => <<'UP', down => <<'DOWN' } ]);
connection = op.get_bind()
op.execute("CREATE TABLE IF NOT EXISTS mark (id integer)")
op.execute("ALTER TABLE t ADD COLUMN n integer")
if connection.execute(sa.text("SELECT count(*) FROM mark")).scalar() > 0:
    op.execute("LOCK TABLE gone IN EXCLUSIVE MODE")
UP
op.execute("INSERT INTO mark VALUES (1)")
op.execute("ALTER TABLE t DROP COLUMN n")
op.execute("DROP TABLE gone")
op.execute("CREATE TABLE gone (id integer)")
DOWN
	my $db = database();
	$server->sql($db, 'CREATE TABLE mark (id integer)');
	my $plan = $server->migguard($db, [ 'plan', '--format', 'json', '--fail-on', 'error' ,'--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir,
		env => { %quick, DATABASE_URL => $server->url($db) =~ s/^postgresql/postgresql+psycopg2/r });
	exit_is($plan, 13, 'a downgrade that drops what was there before the upgrade');
	my ($told) = statements($plan);
	ok(finding($told, qr/^rehearsal, downgrade: error: drop of table public\.gone by/), 'is an error, though it makes it again') or diag("@{$told->{findings}}");
	ok(finding($told, qr/^rehearsal, second upgrade: warning: here only this statement by "LOCK TABLE gone/), 'the second upgrade is compared with the first');

	# the same run, with neither threshold: everything is shown, nothing refused
	my $run = $server->migguard($db, [ 'run', '--format', 'json', '--fail-on', 'never', '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir,
		env => { %quick, DATABASE_URL => $server->url($db) =~ s/^postgresql/postgresql+psycopg2/r });
	exit_is($run, 0, '--fail-on never');
	my %seen;
	($told, %seen) = statements($run);
	ok(finding($told, qr/error: drop of table public\.gone by/), 'shows what it does not refuse');
}

# ---- Flyway: the extended protocol of JDBC
SKIP:
{
	my $flyway = real_tool('flyway');
	my $db     = database();
	my $dir    = "$temp/flyway";
	make_path("$dir/sql");
	$server->sql($db, 'CREATE TABLE other (id integer)');
	my %files = ('flyway.conf' => "flyway.locations=filesystem:sql\nflyway.baselineOnMigrate=true\nflyway.baselineVersion=0\n",
		'sql/V1__one.sql' => "ALTER TABLE t ADD COLUMN n integer;\n-- a comment\nCREATE INDEX t_n ON t (n);\nDO \$\$ BEGIN EXECUTE 'ALTER TABLE ' || 't' || ' ALTER c TYPE varchar(9)'; END \$\$;\n",
		'sql/U1__one.sql' => "ALTER TABLE t DROP COLUMN n; ALTER TABLE t ALTER c TYPE text;\n");
	foreach my $name (keys %files)
	{
		open my $handle, '>', "$dir/$name" or die $!;
		print $handle $files{$name};
		close $handle or die $!;
	}
	my $run = $server->migguard(undef, [ 'run', '--format', 'json', '--', $flyway, 'migrate' ], cwd => $dir,
		env => { %quick, LC_ALL => 'C.UTF-8', DATABASE_URL => $server->url($db, tcp => 1) });
	exit_is($run, 0, 'flyway: run');
	my ($told, %seen) = statements($run);
	my ($index) = grep { /CREATE INDEX t_n/ } keys %seen;
	like(effects($seen{$index}{observed}), qr/scan public\.t/, 'what JDBC sends is observed');
	is(effects($seen{$index}{predicted}), effects($seen{$index}{observed}), 'and predicted, whatever comments are around it');
	is(effects($seen{$index}{live}),      effects($seen{$index}{observed}), 'and the same live');
	my ($do) = grep { /^DO / } keys %seen;
	like(effects($seen{$do}{observed}), qr/rewrite public\.t/, 'dynamic SQL in a DO block is seen');
	my $inner = $seen{'ALTER TABLE t ALTER c TYPE varchar(9)'};
	is($inner->{nesting}, 1, 'and shown by itself, marked as what ran inside');
	like(effects($inner->{observed}), qr/rewrite public\.t/, 'with what it did');
	like(effects($inner->{live}), qr/rewrite public\.t/, 'in the live run too');
	ok(finding($told, qr/rewrite of table public\.t .*observed-rewrite/), 'and judged by what was observed');
	ok(!finding($told, qr/not as rehearsed/), 'live is as rehearsed') or diag("@{$told->{findings}}");
}

# ---- psql: files of SQL, CREATE INDEX CONCURRENTLY, and a prediction that is wrong
{
	my $db  = database();
	my $dir = "$temp/plain";
	make_path($dir);
	my %files = ('1_one.up.sql' => "BEGIN;\nALTER TABLE t ADD COLUMN n integer;\nCOMMIT;\nCREATE INDEX CONCURRENTLY t_n ON t (n);\n",
		'1_one.down.sql' => "DROP INDEX t_n; ALTER TABLE t DROP COLUMN n;\n");
	foreach my $name (keys %files)
	{
		open my $handle, '>', "$dir/$name" or die $!;
		print $handle $files{$name};
		close $handle or die $!;
	}
	my $guard = sub {
		my ($arguments) = @_;
		return $server->migguard($db, $arguments, cwd => "$temp", env => { %quick, MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => $dir });
	};
	my $plan = $guard->([ 'plan', '--format', 'json' ]);
	exit_is($plan, 0, 'psql: plan');
	my ($told, %seen) = statements($plan);
	my ($index) = grep { /CONCURRENTLY/ } keys %seen;
	is(effects($seen{$index}{observed}), 'lock public.t ShareUpdateExclusiveLock, scan public.t', 'a statement that commits in its midst');
	ok(!finding($told, qr/observed-differs/), 'as predicted') or diag("@{$told->{findings}}");

	# a function that lies about itself does what no prediction knows
	$server->sql($db, q{CREATE FUNCTION deep() RETURNS boolean LANGUAGE plpgsql AS $$
		BEGIN LOCK TABLE gone IN ACCESS EXCLUSIVE MODE; RETURN true; END $$;
		CREATE FUNCTION sneak(integer, integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN deep(); END $$;
		CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = sneak);
		CREATE TABLE sly (id integer CHECK (id === 1))});
	open my $handle, '>', "$dir/2_two.up.sql" or die $!;
	print $handle "INSERT INTO sly VALUES (1);\n";
	close $handle or die $!;
	open $handle, '>', "$dir/2_two.down.sql" or die $!;
	print $handle "DELETE FROM sly WHERE id = 1;\n";
	close $handle or die $!;
	$plan = $guard->([ 'plan', '--format', 'json' ]);
	exit_is($plan, 0, 'psql: plan of what does more than it says');
	($told) = statements($plan);
	ok(finding($told, qr/warning: lock of table public\.gone AccessExclusiveLock was not predicted .*observed-differs/), 'the difference is a finding') or diag("@{$told->{findings}}");
	exit_is($guard->([ 'plan', '--fail-on', 'warning' ]), 13, 'that the threshold counts');
}

done_testing();
