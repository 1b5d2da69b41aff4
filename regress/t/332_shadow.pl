# The warm shadow: when a rehearsal starts from it, when it must not, and that it holds the schema alone.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use Test::More;
use Time::HiRes qw(time sleep);

my $server = SafeDeployTest->new('shadow', conf => 'max_connections = 60');
my $count  = 0;

# A database and a directory of plain SQL migrations; the first one is applied by a run.
sub scene
{
	my (%opt) = @_;
	my $scene = { database => 'app' . ++$count, dir => File::Temp->newdir, server => $opt{server} || $server, next => 1 };
	my $on = $scene->{server};
	$on->create_database($scene->{database}, options => $opt{options});
	$on->sql($scene->{database}, $opt{sql}) if $opt{sql};
	$scene->{env} = {
		MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$scene->{dir}", MIGGUARD_BACKUP_POLICY => 'none',
		MIGGUARD_RUN_FAIL_ON => 'never', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', %{ $opt{env} || {} } };
	return bless $scene, 'Scene';
}

# The next migration of a scene.
sub Scene::add
{
	my ($scene, $up, $down) = @_;
	my $n = $scene->{next}++;
	foreach my $file ([ "${n}_m.up.sql", $up ], [ "${n}_m.down.sql", $down ])
	{
		open my $handle, '>', "$scene->{dir}/$file->[0]" or die "could not write $file->[0]: $!";
		print $handle "$file->[1];\n";
		close $handle or die "could not write $file->[0]: $!";
	}
	return $scene;
}

sub Scene::start { my ($scene, $command, %env) = @_; return $scene->{server}->start_migguard($scene->{database}, $command, env => { %{ $scene->{env} }, %env }); }
sub Scene::guard { my ($scene, $command, %env) = @_; return $scene->start($command, %env)->wait(120); }
sub Scene::sql { my ($scene, $sql) = @_; return $scene->{server}->sql($scene->{database}, $sql); }

# Detail of the last closing event of a state.
sub Scene::detail
{
	my ($scene, $state) = @_;
	my ($event) = grep { $_->{state} eq $state && $_->{status} =~ /^(ok|failed|ended)$/ } reverse $scene->{server}->events($scene->{database});
	return $event->{detail} || {};
}

# One test: the last rehearsal began from the shadow, or cold for that reason.
sub began
{
	my ($scene, $why_cold, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $detail = $scene->detail('rehearse');
	return is($detail->{began_from}, 'warm shadow', "$name: from the warm shadow") || diag($detail->{cold_because} || '') unless defined $why_cold;
	return like("$detail->{began_from}: " . ($detail->{cold_because} || ''), qr/^cold clone: .*$why_cold/, "$name: cold");
}

# The shadow of a scene: the one whose comment names the database.
sub Scene::shadow
{
	my ($scene, $on) = @_;
	return ($on || $scene->{server})->sql('postgres',
		q{SELECT datname FROM pg_database WHERE datname LIKE 'migguard\_shadow\_%' AND shobj_description(oid, 'pg_database') LIKE }
		. quote_literal("% of database $scene->{database}"));
}

sub no_scratch
{
	my ($name, $on) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply([ ($on || $server)->scratch_databases ], [], "$name: no scratch database is left");
}

sub last_run { return ($_[0]{server}->runs($_[0]{database}))[0]; }

# from cold to warm, and on with each good run
{
	my $scene = scene()->add('CREATE TABLE t (id integer)', 'DROP TABLE t');
	exit_is($scene->guard(['plan']), 0, 'a first plan');
	began($scene, 'there is no shadow yet', 'the first rehearsal');
	my $shadow = $scene->shadow;
	like($shadow, qr/^migguard_shadow_[0-9a-f]{16}$/, 'it leaves a shadow');
	is($server->sql('postgres', "SELECT datconnlimit || coalesce(datacl::text, '') FROM pg_database WHERE datname = '$shadow'"),
		'0{' . $server->user . '=CTc/' . $server->user . '}', 'to which nobody else may connect');
	is($server->sql($shadow, q{SELECT count(*) FROM pg_class WHERE relname = 't'}), 0, 'with the schema as it was');
	my $p = $scene->guard(['run']);
	exit_is($p, 0, 'a run');
	began($scene, undef, 'the run after the plan');
	like($p->stderr, qr/rehearse +ok .* from the warm shadow: up, down, up/, 'the report says so');
	is($scene->shadow, $shadow, 'the shadow has the same name');
	is($server->sql($shadow, q{SELECT count(*) FROM pg_class WHERE relname = 't'}), 1, 'and has moved on');
	is($scene->{server}->sql($scene->{database}, q{SELECT detail->>'shadow' FROM safedeploy.event ORDER BY seq DESC LIMIT 1}), 'moved on', 'which the ledger says');
	no_scratch('moved on');
	# with rows, sequences and the like on the way
	$scene->add(q{CREATE TABLE u (id serial PRIMARY KEY, v text); INSERT INTO u (v) VALUES ('x'), ('y'); INSERT INTO t VALUES (1);
		CREATE TABLE w (u integer REFERENCES u); INSERT INTO w VALUES (1); SELECT nextval('u_id_seq');
		CREATE MATERIALIZED VIEW m AS SELECT * FROM u; SELECT lo_create(0)},
		q{DROP MATERIALIZED VIEW m; DROP TABLE w; DROP TABLE u; DELETE FROM t; SELECT lo_unlink(oid) FROM pg_largeobject_metadata});
	exit_is($scene->guard(['run']), 0, 'a run that writes rows');
	began($scene, undef, 'it');
	is($scene->sql('SELECT count(*) FROM t, u, w, m'), 4, 'the real database has its rows');
	is($server->sql($scene->shadow, q{SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u) + (SELECT count(*) FROM w)
		+ (SELECT count(*) FROM pg_largeobject_metadata) + (SELECT count(*) FROM safedeploy.snapshot) + (SELECT count(*) FROM safedeploy.run_statement)
		+ (SELECT count(*) FROM safedeploy.applied_migration) || (SELECT last_value || is_called::text FROM u_id_seq)
		|| (SELECT relispopulated FROM pg_class WHERE relname = 'm')}), '01falsefalse', 'the shadow has none');
	$scene->add('ALTER TABLE u ADD COLUMN n integer', 'ALTER TABLE u DROP COLUMN n');
	exit_is($scene->guard(['run']), 0, 'the next run');
	began($scene, undef, 'it');
	exit_is($scene->guard(['rollback']), 0, 'a rollback on demand');
	began($scene, undef, 'its rehearsal');
	exit_is($scene->guard(['run']), 0, 'and a run after it');
	began($scene, undef, 'it');
	no_scratch('in the end');
}

# what keeps it from being used
{
	my $scene = scene()->add('CREATE TABLE t (id integer, c text, d text); CREATE SEQUENCE s', 'DROP TABLE t; DROP SEQUENCE s');
	exit_is($scene->guard(['run']), 0, 'a run');
	my $again = sub
	{
		my ($what, $why_cold) = @_;
		exit_is($scene->guard(['plan']), 0, $what);
		began($scene, $why_cold, $what);
		exit_is($scene->guard(['plan']), 0, "$what, once more");
		began($scene, undef, "$what, once more");
		no_scratch($what);
		return;
	};
	$scene->add('ALTER TABLE t ADD COLUMN e text', 'ALTER TABLE t DROP COLUMN e');
	$scene->sql('CREATE INDEX ON t (c)');
	$again->('DDL on the real database from outside', 'it differs from the real database in: schema');
	$scene->sql('DROP TABLE t; CREATE TABLE t (id integer, d text, c text); CREATE INDEX ON t (c)');
	$again->('only the order of columns', 'differs from the real database in: order of columns$');
	$server->sql($scene->shadow, q{INSERT INTO safedeploy.run_statement VALUES (gen_random_uuid(), 1, now(), '', '', 1, NULL, 0, 1, 'SELECT', '', '', false, 1, now(), 0, 0, 0, 0, NULL, '{}', false, '[]', '{}')});
	$again->('statements of another rehearsal', 'it is not the schema alone: statements of a rehearsal are recorded');
	$server->sql($scene->shadow, 'ALTER TABLE t ADD COLUMN sneaky text');
	$again->('DDL in the shadow', 'it differs from the real database in: schema');
	$server->sql($scene->shadow, q{INSERT INTO t VALUES (1)});
	$again->('a row in the shadow', 'it is not the schema alone: table public.t has rows');
	$server->sql($scene->shadow, q{SELECT nextval('s')});
	$again->('a sequence used in the shadow', 'it is not the schema alone: sequence public.s is in use');
	$server->sql($scene->shadow, q{SELECT safedeploy.record_migration('default', '2', 'x', repeat('0', 64))});
	$again->('a migration recorded in the shadow', 'it is not the schema alone: migrations are recorded');
	$server->sql($scene->shadow, q{DROP EXTENSION safedeploy});
	$again->('no extension in the shadow', 'safedeploy');
	$server->sql('postgres', 'DROP DATABASE ' . $scene->shadow);
	$again->('somebody drops it', 'there is no shadow yet');
	$scene->sql('REVOKE EXECUTE ON FUNCTION plpgsql_call_handler() FROM PUBLIC');
	$again->('privileges on a member of an extension', 'differs from the real database in: .*what no snapshot has$');
	$scene->sql('CREATE TEXT SEARCH TEMPLATE bare (LEXIZE = dsimple_lexize)');
	$again->('a template of text search', 'differs from the real database in: .*what no snapshot has$');
	# what belongs to the database itself is copied each time
	$scene->sql("CREATE SCHEMA here; ALTER DATABASE $scene->{database} SET search_path = here, public");
	$again->('a new schema and a setting of the database', 'schema');
	$scene->sql("ALTER DATABASE $scene->{database} SET search_path = public, here");
	exit_is($scene->guard(['plan']), 0, 'another setting of the database');
	began($scene, undef, 'it');
	$scene->add(q{DO $$ BEGIN IF current_setting('search_path') <> 'public, here' THEN RAISE 'lost'; END IF; END $$}, 'SELECT 1');
	exit_is($scene->guard(['plan']), 0, 'which the clone has');
	$server->node->restart;
	exit_is($scene->guard(['run']), 0, 'after a restart of the server');
	began($scene, undef, 'it');
	is_deeply([ $server->faults($scene->{database}) ], [], 'the ledger verifies');
}

# a downgrade that leaves the columns in another order; a run that fails
{
	my $scene = scene()->add('CREATE TABLE t (id integer, c text, d text)', 'DROP TABLE t');
	exit_is($scene->guard(['run']), 0, 'a run');
	my $before = $server->fingerprint($scene->{database});
	$scene->add('ALTER TABLE nowhere ADD COLUMN x text', 'SELECT 1');
	exit_is($scene->guard(['run']), 12, 'an upgrade that fails on the clone');
	$scene->{next}--;
	$scene->add(q{DO $$ BEGIN IF current_database() LIKE 'app%' THEN RAISE 'only here'; END IF; END $$}, 'SELECT 1');
	exit_is($scene->guard(['run']), 20, 'an upgrade that fails on the real database alone');
	began($scene, undef, 'it');
	like($server->sql($scene->{database}, q{SELECT detail->>'shadow' FROM safedeploy.event ORDER BY seq DESC LIMIT 1}), qr/^not moved on: the run was not done/, 'the shadow stays');
	no_scratch('failed');
	$scene->{next}--;
	$scene->add('ALTER TABLE t ADD COLUMN x text', 'ALTER TABLE t DROP COLUMN x, DROP COLUMN c; ALTER TABLE t ADD COLUMN c text');
	exit_is($scene->guard(['run']), 0, 'a downgrade that changes the order of columns');
	began($scene, undef, 'it');
	like($server->sql($scene->{database}, q{SELECT detail->>'shadow' FROM safedeploy.event ORDER BY seq DESC LIMIT 1}),
		qr/^not moved on: it differs from the real database in: order of columns/, 'its clone is no shadow of the real database');
	no_scratch('another order');
	$scene->add('ALTER TABLE t ADD COLUMN y text', 'ALTER TABLE t DROP COLUMN y');
	exit_is($scene->guard(['run']), 0, 'the next run');
	began($scene, 'it differs from the real database in: schema', 'it');
	exit_is($scene->guard([ 'run', '--no-rehearsal' ]), 3, 'nothing is pending then');
}

# a shadow that somebody is connected to, and one that another run holds
{
	my $scene = scene()->add('CREATE TABLE t (id integer)', 'DROP TABLE t');
	exit_is($scene->guard(['plan']), 0, 'a plan');
	my $p = start_program([ 'psql', '-Xqc', 'SELECT pg_sleep(600)', $server->url($scene->shadow) ]);
	wait_until(sub { $server->sql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'}) }, 20, 'who connects to the shadow');
	exit_is($scene->guard(['plan']), 0, 'somebody is connected to the shadow');
	began($scene, 'is being accessed by other users', 'it');
	no_scratch('connected');
	$server->sql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'});
	$p->wait(10);
	my $shadow = quote_literal($scene->shadow);
	$p = start_program([ 'psql', '-Xqc', "SELECT pg_advisory_lock(hashtextextended($shadow, 0)), pg_sleep(600)", $server->url($scene->{database}) ]);
	wait_until(sub { $scene->sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}) }, 20, 'the lock');
	exit_is($scene->guard(['run']), 0, 'another run holds the shadow');
	began($scene, 'another run is replacing it', 'it');
	$server->sql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()});
	$p->wait(10);
	no_scratch('held');
	$scene->add('CREATE TABLE u (id integer)', 'DROP TABLE u');
	my @both = map { $scene->start([ 'plan', '--lock-name', $_ ]) } qw(one two three);
	exit_is($_->wait(60), 0, 'plans under several names at once') foreach @both;
	exit_is($scene->guard(['plan']), 0, 'and one alone');
	began($scene, undef, 'it');
	no_scratch('at once');
}

# kill -9 where a shadow is ready but has not its name, and where its name is free for a moment
{
	my $scene = scene()->add('CREATE TABLE t (id integer)', 'DROP TABLE t');
	my $database = quote_literal($scene->{database});
	my $key = $server->sql($scene->{database}, q{SELECT 'migguard_shadow_' || lpad(to_hex(hashtextextended(concat_ws('/', 'here', current_user, current_database()), 0)), 16, '0')});
	my $hold = sub
	{
		my $p = start_program([ 'psql', '-Xqc', "SELECT pg_advisory_lock(hashtextextended('$key', 0)), pg_sleep(600)", $server->url($scene->{database}) ]);
		wait_until(sub { $scene->sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())}) }, 20, 'the lock');
		return $p;
	};
	my $let_go = sub
	{
		$server->sql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()});
		$_[0]->wait(10);
		return;
	};
	# a guard waits for the shadow's lock; then it is killed
	my $kill_at_lock = sub
	{
		my ($scratch, @command) = @_;
		my $p = $scene->start(@command);
		wait_until(sub { $server->sql('postgres', "SELECT count(*) FROM pg_database WHERE datname ~ '$scratch'")
			&& $scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND application_name LIKE 'migguard:%:guard'}) }, 60, 'the guard at the lock');
		$p->signal('KILL');
		$p->wait(10);
		wait_until(sub { !$scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%'}) }, 20, 'the end of its sessions');
		return;
	};
	my $clean = sub
	{
		my ($what, $why_cold) = @_;
		exit_is($scene->guard(['plan']), 0, "$what: the next plan");
		began($scene, $why_cold, $what);
		no_scratch($what);
		return;
	};
	my $holder = $hold->();
	$kill_at_lock->('^migguard_[0-9a-f]{8}_shadow$', ['plan']);
	$let_go->($holder);
	is(scalar($server->scratch_databases), 2, 'killed with the shadow half made: clone and shadow are left');
	$clean->('half made', 'there is no shadow yet');
	exit_is($scene->guard(['run']), 0, 'and a run');
	is($scene->shadow, $key, 'the shadow has the name it should');

	# the run parks its clone; killed in the middle of the real upgrade
	$scene->add(q{DO $$ BEGIN IF current_database() LIKE 'app%' THEN PERFORM pg_sleep(602); END IF; END $$}, 'SELECT 1');
	my $p = $scene->start(['run']);
	wait_until(sub { $scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name LIKE 'migguard:%:migrate'}) }, 60, 'the real upgrade');
	is(scalar($server->scratch_databases), 1, 'the clone waits for the end of the run');
	$p->signal('KILL');
	$p->wait(10);
	wait_until(sub { !$scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%'}) }, 20, 'the end of its sessions');
	unlink "$scene->{dir}/2_m.up.sql", "$scene->{dir}/2_m.down.sql";
	$scene->{next}--;
	$p = $scene->guard(['plan']);
	exit_is($p, 3, 'the next plan goes on');
	like($p->stderr, qr/scratch database migguard_[0-9a-f]{8}_rehearsal of dead run [0-9a-f]{8} was dropped/, 'and drops the clone');
	no_scratch('killed while parked');

	# between the two renames: the shadow before is put aside, the new one has not its name
	$scene->add('CREATE TABLE u (id integer)', 'DROP TABLE u');
	exit_is($scene->guard(['plan']), 0, 'a plan');
	my $dead = last_run($scene)->{run_id};
	my $short = substr $dead, 0, 8;
	$server->sql('postgres', "ALTER DATABASE $key RENAME TO migguard_${short}_old1");
	$server->sql('postgres', "CREATE DATABASE migguard_${short}_rehearsal");
	$clean->('between the renames', 'there is no shadow yet');
	# after them: what was put aside is not dropped yet
	$server->sql('postgres', "CREATE DATABASE migguard_${short}_old1");
	$server->sql('postgres', "COMMENT ON DATABASE migguard_${short}_old1 IS 'migguard: run $dead of database $scene->{database}'");
	$clean->('before the last drop', undef);
}

# kill -9 at any moment
{
	my $scene = scene()->add('CREATE TABLE t (id integer)', 'DROP TABLE t');
	my $began = time;
	exit_is($scene->guard(['run']), 0, 'a run that is left alone');
	my $takes = time - $began;
	my $rounds = 8;
	foreach my $round (1 .. $rounds)
	{
		$scene->add("CREATE TABLE k$round (id integer)", "DROP TABLE k$round");
		# every other round begins cold
		$server->sql('postgres', 'DROP DATABASE IF EXISTS ' . ($scene->shadow || 'none')) if $round % 2;
		my $p = $scene->start(['run']);
		sleep $takes * $round / $rounds;
		$p->signal('KILL');
		$p->wait(10);
		wait_until(sub { !$scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%'}) }, 20, 'the end of its sessions');
		$p = $scene->guard(['run']);
		ok($p->exit_code == 0 || $p->exit_code == 3, "killed after $round/$rounds of its time: the next run comes to its end")
			or diag($p->stderr);
		no_scratch("killed after $round/$rounds");
		is($scene->sql("SELECT to_regclass('k$round') IS NOT NULL"), 't', 'and has upgraded');
	}
	$scene->add('CREATE TABLE z (id integer)', 'DROP TABLE z');
	exit_is($scene->guard(['plan']), 0, 'a plan') foreach 1 .. 2;
	began($scene, undef, 'after all that');
	is_deeply([ $server->faults($scene->{database}) ], [], 'the ledger verifies');
}

# rows of an extension's tables: as the extension makes them, and no others
{
	chomp(my $share = `pg_config --sharedir`);
	my %files = (
		'sd_shadow_test.control'  => "default_version = '1'\nrelocatable = true\n",
		'sd_shadow_test--1.sql' => "CREATE TABLE marked (i integer);\nSELECT pg_catalog.pg_extension_config_dump('marked', 'WHERE i > 1');\nCREATE TABLE plain (i integer);\nINSERT INTO plain VALUES (1);\n");
	foreach my $file (keys %files)
	{
		open my $handle, '>', "$share/extension/$file" or die "could not write $share/extension/$file: $!";
		print $handle $files{$file};
		close $handle or die "could not write $file: $!";
	}
	my $scene = scene(sql => 'CREATE EXTENSION sd_shadow_test')->add('CREATE TABLE t (id integer)', 'DROP TABLE t');
	exit_is($scene->guard(['plan']), 0, 'an extension with tables of its own');
	$scene->sql('INSERT INTO marked VALUES (2); INSERT INTO plain VALUES (2)');
	exit_is($scene->guard(['plan']), 0, 'rows of the real database in them');
	began($scene, undef, 'they');
	is($server->sql($scene->shadow, 'SELECT (SELECT count(*) FROM marked) || (SELECT string_agg(i::text, $$,$$) FROM plain)'), '01',
		'the shadow has what the extension comes with');
	exit_is($scene->guard(['run']), 0, 'a run');
	foreach my $table ('marked', 'plain')
	{
		$scene->add("CREATE TABLE of_$table (i integer); INSERT INTO $table VALUES (3)", "DROP TABLE of_$table; DELETE FROM $table WHERE i = 3");
		exit_is($scene->guard(['run']), 0, "a run that writes to one of them: $table");
		began($scene, $table eq 'marked' ? undef : 'differs from the real database in: schema', 'it');
		is($scene->sql(q{SELECT detail->>'shadow' FROM safedeploy.event ORDER BY seq DESC LIMIT 1}),
			'not moved on: the migration writes to tables of an extension', 'its clone is no shadow');
	}
	unlink map { "$share/extension/$_" } keys %files;
}

# of whom, and of what: each role its own, one of a database that is gone is dropped, off drops it
{
	my $scene = scene(options => 'OWNER maker', sql => q{SELECT safedeploy.grant_deployer('maker'); GRANT CREATE ON SCHEMA public TO maker},
		env => { MIGGUARD_REHEARSE_TEMPLATE => 'with_safedeploy' }) if $server->sql('postgres', q{CREATE ROLE maker LOGIN CREATEDB; CREATE DATABASE with_safedeploy OWNER maker}) eq ''
		&& $server->sql('with_safedeploy', q{CREATE EXTENSION safedeploy; SELECT safedeploy.grant_deployer('maker'); ALTER DATABASE with_safedeploy IS_TEMPLATE true}) eq '';
	my @as = (DATABASE_URL => $server->url($scene->{database}, user => 'maker'));
	$scene->add('CREATE TABLE t (id serial); INSERT INTO t DEFAULT VALUES', 'DROP TABLE t');
	exit_is($scene->guard(['run'], @as), 0, 'a role without superuser rights');
	began($scene, 'there is no shadow yet', 'its first rehearsal');
	$scene->add('CREATE TABLE u (id integer)', 'DROP TABLE u');
	exit_is($scene->guard(['plan'], @as), 0, 'the same role');
	began($scene, undef, 'it');
	is($server->sql($scene->shadow, 'SELECT count(*) FROM t'), 0, 'its shadow has no rows');
	exit_is($scene->guard(['plan']), 0, 'a superuser');
	began($scene, 'there is no shadow yet', 'it');
	is(scalar(split /\n/, $scene->shadow), 2, 'each role has its own');
	my $p = $scene->guard(['status'], @as);
	like($p->stdout, qr/^warm shadow: +migguard_shadow_[0-9a-f]{16}, \d+ kB, left by run [0-9a-f]{8}$/m, 'the status shows it');
	$p = $scene->guard(['doctor'], @as);
	like($p->stdout, qr/^ok +shadow +migguard_shadow_[0-9a-f]{16}, \d+ kB, left by run [0-9a-f]{8}$/m, 'the doctor too');
	$p = $scene->guard([ 'doctor', '--drop-shadow' ], @as);
	like($p->stdout, qr/^ok +shadow +migguard_shadow_[0-9a-f]{16} was dropped$/m, 'and drops it when told to');
	like($scene->guard(['doctor'], @as)->stdout, qr/^ok +shadow +none yet/m, 'it is gone then');
	is(scalar(split /\n/, $scene->shadow), 1, 'the other one is not');
	exit_is($scene->guard(['plan'], MIGGUARD_REHEARSE_SHADOW => 'off'), 0, 'a plan that wants none');
	began($scene, 'no shadow is wanted', 'it');
	is($scene->shadow, '', 'drops the one that is there');
	exit_is($scene->guard(['plan']), 0, 'one more');
	is(scalar($server->shadows), scalar(grep { /./ } split /\n/, $server->sql('postgres', q{SELECT datname FROM pg_database WHERE datname LIKE 'app%'})), 'every database has its shadow');
	my $other = scene()->add('CREATE TABLE t (id integer)', 'DROP TABLE t');
	my $gone = $scene->shadow;
	$server->drop_database($scene->{database});
	$p = $other->guard(['plan']);
	exit_is($p, 0, 'a run of another database');
	like($p->stderr, qr/warm shadow $gone of a database that is gone was dropped/, 'drops the shadow of one that is gone');
	ok(!grep({ $_ eq $gone } $server->shadows), 'it is gone then');
}

# encoding and locale are those of the real database
if ($server->sql('postgres', q{SELECT current_setting('server_version_num')::int >= 150000}) eq 't')
{
	my $scene = scene(options => q{TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' LC_COLLATE 'C' LC_CTYPE 'C'})
		->add('CREATE TABLE t (c text)', 'DROP TABLE t');
	foreach my $why_cold ('there is no shadow yet', undef)
	{
		exit_is($scene->guard(['plan']), 0, 'a database with a locale of ICU');
		began($scene, $why_cold, 'it');
	}
	my $locale = q{SELECT to_jsonb(d)->>'datlocprovider' || coalesce(to_jsonb(d)->>'daticulocale', to_jsonb(d)->>'datlocale') FROM pg_database AS d WHERE datname = };
	is($server->sql('postgres', $locale . quote_literal($scene->shadow)), 'ide-u-co-phonebk', 'its shadow has it too');
	# the same name, another locale: the old shadow does not fit
	$server->drop_database($scene->{database});
	$server->create_database($scene->{database}, options => q{TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'});
	exit_is($scene->guard(['plan']), 0, 'the same name with another encoding');
	began($scene, 'incompatible', 'it');
	is($server->sql('postgres', 'SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = ' . quote_literal($scene->shadow)), 'SQL_ASCII', 'the new shadow has the new encoding');
}

# the shadow of a database on another server
{
	my $far = SafeDeployTest->new('far');
	my $scene = scene(env => { MIGGUARD_REHEARSE_URL => $far->url('postgres') })->add('CREATE TABLE t (id integer)', 'DROP TABLE t');
	exit_is($scene->guard(['run']), 0, 'rehearsed on another server');
	is($scene->shadow, '', 'no shadow is here');
	my $shadow = $scene->shadow($far);
	like($shadow, qr/^migguard_shadow_/, 'but there');
	$scene->add('CREATE TABLE u (id integer)', 'DROP TABLE u');
	my $p = $scene->guard(['run']);
	exit_is($p, 0, 'once more');
	began($scene, undef, 'it');
	like($p->stderr, qr/on a scratch database of another server, from the warm shadow/, 'the report says so');
	no_scratch('elsewhere', $far);
	like($scene->guard(['status'])->stdout, qr/^warm shadow: +$shadow,/m, 'the status shows it');
	# one of the same name here has another shadow there, and takes nobody else's for gone
	$far->create_database($scene->{database});
	my $twin = scene(server => $far);
	$twin->{database} = $scene->{database};
	$twin->add('CREATE TABLE t (id integer)', 'DROP TABLE t');
	exit_is($twin->guard(['plan']), 0, 'a database of the same name there');
	is(scalar($far->shadows), 2, 'has its own shadow');
	# a run that dies leaves its clone there
	$scene->add(q{DO $$ BEGIN IF current_database() LIKE 'migguard%' THEN PERFORM pg_sleep(603); END IF; END $$}, 'SELECT 1');
	$p = $scene->start(['plan']);
	wait_until(sub { $far->sql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'}) }, 60, 'the rehearsal');
	exit_is($twin->guard([ 'plan', '--lock-name', 'other' ]), 0, 'a plan of the twin meanwhile');
	is(scalar($far->scratch_databases), 1, 'leaves the clone of a living run alone');
	$p->signal('KILL');
	$p->wait(10);
	wait_until(sub { !$far->sql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%'}) }, 20, 'the end of its sessions');
	is(scalar($far->scratch_databases), 1, 'one that died leaves it');
	$scene->{next}--;
	$scene->add('CREATE TABLE v (id integer)', 'DROP TABLE v');
	exit_is($scene->guard(['plan']), 0, 'the next one');
	began($scene, undef, 'it');
	no_scratch('elsewhere, after a death', $far);
}
no_scratch('at the very end');

done_testing();
