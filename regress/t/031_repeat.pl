# A repeated fingerprint reads only what changed, and says the same as one that reads
# everything, whatever is done to fool it.
#   SD_SEED    seed of the random changes; printed when it is not given
use strict;
use warnings;

use FindBin;
use SafeDeployTest;
use SafeDeployTest::Properties;
use Test::More;
use Time::HiRes qw(time);

# wal_level = minimal: what a transaction writes into a file of its own is not in the WAL
my $server = SafeDeployTest->new('repeat', conf => "wal_level = minimal\nmax_wal_senders = 0\nmax_prepared_transactions = 4\nautovacuum = off");
my $node = $server->node;
%ENV = (%ENV, $server->libpq_env('postgres'));

# 1. The session under test, one that changes things meanwhile, and new ones that read everything.
$server->create_database('d');
$server->sql('d', 'CREATE EXTENSION pg_trgm') if $server->sql('d', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'});
$server->sql('d', <<'SQL');
CREATE ROLE regress_repeat;
CREATE ROLE regress_repeat2;
CREATE SCHEMA app;
CREATE SCHEMA other;
CREATE TYPE app.mood AS ENUM ('low', 'high');
CREATE DOMAIN app.level AS app.mood CHECK (VALUE <> 'low'::app.mood);
CREATE TYPE app.pair AS (m app.mood, n integer);
CREATE FUNCTION app.f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + 1';
CREATE FUNCTION app.g(m app.mood, p app.pair) RETURNS SETOF app.pair LANGUAGE sql AS 'SELECT p';
CREATE FUNCTION app.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE app.hub (id integer PRIMARY KEY, code text NOT NULL, UNIQUE (code));
CREATE TABLE app.gone (a integer);
CREATE TABLE app.t (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	hub integer REFERENCES app.hub ON DELETE CASCADE,
	m app.mood DEFAULT 'low',
	ms app.mood[] DEFAULT '{low,high}',
	l app.level DEFAULT 'high',
	p app.pair DEFAULT '(low,1)',
	c text COLLATE "C" CHECK (length(c) < 10 OR app.f(1) = 2),
	names regclass[] DEFAULT '{app.gone}',
	name regclass DEFAULT 'app.gone'::text::regclass,
	n integer GENERATED ALWAYS AS (hub + 1) STORED);
CREATE INDEX t_f ON app.t (app.f(hub)) WHERE m = 'high'::app.mood;
CREATE STATISTICS app.s (ndistinct) ON hub, n FROM app.t;
CREATE TRIGGER tr BEFORE UPDATE OF c ON app.t FOR EACH ROW WHEN (old.c IS DISTINCT FROM new.c) EXECUTE FUNCTION app.tr();
ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY pol ON app.t TO regress_repeat USING (hub IN (SELECT id FROM app.hub));
CREATE VIEW app.v AS SELECT t.id, h.code, t.m FROM app.t JOIN app.hub h ON h.id = t.hub WHERE app.f(t.id) > 1;
CREATE VIEW app.vv AS SELECT * FROM app.v;
CREATE RULE r AS ON INSERT TO app.v DO INSTEAD INSERT INTO app.hub VALUES (NEW.id, NEW.code);
CREATE TABLE app.parted (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE app.part1 PARTITION OF app.parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE SEQUENCE app.seq OWNED BY app.t.c;
CREATE PUBLICATION pub FOR TABLE app.hub;
COMMENT ON COLUMN app.t.c IS 'c';
GRANT SELECT ON app.t TO regress_repeat;
DO $$ BEGIN FOR i IN 1..60 LOOP
	EXECUTE format('CREATE TABLE app.fk%s (id integer PRIMARY KEY, hub integer REFERENCES app.hub, b text DEFAULT %L)', i, i);
END LOOP; END $$;
SQL
my $repeat = $node->background_psql('d', on_error_stop => 0);
my $other  = $node->background_psql('d', on_error_stop => 1);
$_->query_safe('SET allow_system_table_mods = on') for $repeat, $other;
my %made = (all => 0, some => 0, none => 0);

# (fingerprint, what was read for it) of the session under test
sub repeated
{
	my $print = $repeat->query('SET client_min_messages = debug1; SELECT safedeploy.fingerprint(); SET client_min_messages = warning');
	my ($read) = reverse $repeat->{stderr} =~ /fingerprint (read everything|made \d+ of)/g;
	$repeat->{stderr} = '';
	$read = !defined $read ? 'unknown' : $read eq 'read everything' ? 'all' : $read =~ / 0 / ? 'none' : $read =~ s/\D//gr;
	$made{ $read =~ /\d/ ? 'some' : $read }++;
	return ($print, $read);
}
sub whole { return $server->sql('d', 'SELECT safedeploy.fingerprint()'); }

# same NAME [, WHAT WAS READ]: the repeated fingerprint is that of a new session
my $last = '';
sub same
{
	my ($name, $expected) = @_;
	my ($print, $read) = repeated();
	is($print, whole(), $name);
	is($read, $expected, "$name: objects read") if defined $expected;
	return $last = $print;
}
# The same inside of a transaction, where only the session itself can read everything.
sub same_inside
{
	my ($name) = @_;
	my ($print) = repeated();
	is($print, $repeat->query(q{SET LOCAL safedeploy.fingerprint_cache = 0; SELECT safedeploy.fingerprint(); SET LOCAL safedeploy.fingerprint_cache = '128MB'}),
		$name);
	return $print;
}

same('the first one', 'all');
same('nothing changed', 'none');
is($repeat->query('SELECT safedeploy.fingerprint(NULL)'), $last, 'of the same facets');
for my $facet (qw(core security owner storage comment version order))
{
	is($repeat->query("SELECT safedeploy.fingerprint('{$facet}')"), $server->sql('d', "SELECT safedeploy.fingerprint('{$facet}')"), "facet $facet");
}

# 2. Changes, each from the session itself and, undone, from another one.  The number is that of
# the documents made anew at most; 'all' is a walk over everything.
my $catalog = $server->sql('d', q{SELECT 'app.t'::regclass::oid});
my @changes = (
	[ 'column added', 'ALTER TABLE app.t ADD COLUMN zz integer', 'ALTER TABLE app.t DROP COLUMN zz', 8 ],
	[ 'column of a table that many refer to', 'ALTER TABLE app.hub ADD COLUMN zz integer', 'ALTER TABLE app.hub DROP COLUMN zz', 6 ],
	[ 'table renamed that many refer to', 'ALTER TABLE app.hub RENAME TO hub2', 'ALTER TABLE app.hub2 RENAME TO hub', 'all' ],
	[ 'column renamed', 'ALTER TABLE app.t RENAME c TO d', 'ALTER TABLE app.t RENAME d TO c', 8 ],
	[ 'column renamed that views and keys name', 'ALTER TABLE app.hub RENAME id TO key', 'ALTER TABLE app.hub RENAME key TO id', 66 ],
	[ 'enum label renamed', q{ALTER TYPE app.mood RENAME VALUE 'low' TO 'deep'}, q{ALTER TYPE app.mood RENAME VALUE 'deep' TO 'low'}, 10 ],
	[ 'enum renamed', 'ALTER TYPE app.mood RENAME TO state', 'ALTER TYPE app.state RENAME TO mood', 10 ],
	[ 'enum moved', 'ALTER TYPE app.mood SET SCHEMA other', 'ALTER TYPE other.mood SET SCHEMA app', 10 ],
	[ 'attribute renamed', 'ALTER TYPE app.pair RENAME ATTRIBUTE n TO nn CASCADE', 'ALTER TYPE app.pair RENAME ATTRIBUTE nn TO n CASCADE', 8 ],
	[ 'domain constraint', 'ALTER DOMAIN app.level ADD CONSTRAINT x CHECK (VALUE IS NOT NULL)', 'ALTER DOMAIN app.level DROP CONSTRAINT x', 8 ],
	[ 'function renamed', 'ALTER FUNCTION app.f RENAME TO ff', 'ALTER FUNCTION app.ff RENAME TO f', 8 ],
	[ 'trigger function moved', 'ALTER FUNCTION app.tr SET SCHEMA other', 'ALTER FUNCTION other.tr SET SCHEMA app', 8 ],
	[ 'function replaced', q{CREATE OR REPLACE FUNCTION app.f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + 2'}, q{CREATE OR REPLACE FUNCTION app.f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + 1'}, 8 ],
	[ 'view replaced', 'CREATE OR REPLACE VIEW app.vv AS SELECT *, 1 AS one FROM app.v', 'DROP VIEW app.vv; CREATE VIEW app.vv AS SELECT * FROM app.v', 4 ],
	[ 'table gone that a constant names', 'ALTER TABLE app.gone RENAME TO gone2', 'ALTER TABLE app.gone2 RENAME TO gone', 8 ],
	[ 'index renamed', 'ALTER INDEX app.t_f RENAME TO t_g', 'ALTER INDEX app.t_g RENAME TO t_f', 8 ],
	[ 'constraint renamed', 'ALTER TABLE app.hub RENAME CONSTRAINT hub_code_key TO k', 'ALTER TABLE app.hub RENAME CONSTRAINT k TO hub_code_key', 8 ],
	[ 'comment on a constraint', q{COMMENT ON CONSTRAINT hub_code_key ON app.hub IS 'x'}, 'COMMENT ON CONSTRAINT hub_code_key ON app.hub IS NULL', 6 ],
	[ 'comment on a trigger', q{COMMENT ON TRIGGER tr ON app.t IS 'x'}, 'COMMENT ON TRIGGER tr ON app.t IS NULL', 6 ],
	[ 'comment on a rule', q{COMMENT ON RULE r ON app.v IS 'x'}, 'COMMENT ON RULE r ON app.v IS NULL', 6 ],
	[ 'comment on a policy', q{COMMENT ON POLICY pol ON app.t IS 'x'}, 'COMMENT ON POLICY pol ON app.t IS NULL', 6 ],
	[ 'comment on an index', q{COMMENT ON INDEX app.t_f IS 'x'}, 'COMMENT ON INDEX app.t_f IS NULL', 6 ],
	[ 'sequence of an identity column renamed', 'ALTER SEQUENCE app.t_id_seq RENAME TO q', 'ALTER SEQUENCE app.q RENAME TO t_id_seq', 6 ],
	[ 'sequence of an identity column altered', 'ALTER TABLE app.t ALTER id SET INCREMENT 5', 'ALTER TABLE app.t ALTER id SET INCREMENT 1', 6 ],
	[ 'sequence owned otherwise', 'ALTER SEQUENCE app.seq OWNED BY app.hub.code', 'ALTER SEQUENCE app.seq OWNED BY app.t.c', 6 ],
	[ 'options of TOAST', 'ALTER TABLE app.hub SET (toast.autovacuum_enabled = off)', 'ALTER TABLE app.hub RESET (toast.autovacuum_enabled)', 6 ],
	[ 'triggers of a foreign key disabled on the other table', 'ALTER TABLE app.hub DISABLE TRIGGER ALL', 'ALTER TABLE app.hub ENABLE TRIGGER ALL', 66 ],
	[ 'table attached', q{CREATE TABLE app.part2 (id integer, at date); ALTER TABLE app.parted ATTACH PARTITION app.part2 DEFAULT}, 'DROP TABLE app.part2', 4 ],
	[ 'partitioned table renamed', 'ALTER TABLE app.parted RENAME TO parts', 'ALTER TABLE app.parts RENAME TO parted', 4 ],
	[ 'statistics', 'ALTER STATISTICS app.s SET STATISTICS 5', 'ALTER STATISTICS app.s SET STATISTICS -1', 6 ],
	[ 'tables made and dropped', 'DO $$ BEGIN FOR i IN 1..20 LOOP EXECUTE format($f$CREATE TABLE other.n%s (id serial PRIMARY KEY, a text UNIQUE, b app.mood)$f$, i); END LOOP; END $$',
		'DO $$ BEGIN FOR i IN 1..20 LOOP EXECUTE format($f$DROP TABLE other.n%s$f$, i); END LOOP; END $$' ],
	[ 'many tables', 'DO $$ BEGIN FOR i IN 1..200 LOOP EXECUTE format($f$CREATE TABLE other.n%s (id serial PRIMARY KEY)$f$, i); END LOOP; END $$',
		'DO $$ BEGIN FOR i IN 1..200 LOOP EXECUTE format($f$DROP TABLE other.n%s$f$, i); END LOOP; END $$' ],
	[ 'privilege', 'GRANT UPDATE (c) ON app.t TO regress_repeat', 'REVOKE UPDATE (c) ON app.t FROM regress_repeat', 6 ],
	[ 'owner', 'ALTER TABLE app.hub OWNER TO regress_repeat', 'ALTER TABLE app.hub OWNER TO ' . $server->user ],
	[ 'schema renamed', 'ALTER SCHEMA app RENAME TO app2', 'ALTER SCHEMA app2 RENAME TO app', 'all' ],
	[ 'role renamed', 'ALTER ROLE regress_repeat RENAME TO regress_repeat3', 'ALTER ROLE regress_repeat3 RENAME TO regress_repeat', 'all' ],
	[ 'comment on a role', q{COMMENT ON ROLE regress_repeat IS 'x'}, 'COMMENT ON ROLE regress_repeat IS NULL' ],
	[ 'operator', 'CREATE OPERATOR app.@@@ (FUNCTION = int4pl, LEFTARG = integer, RIGHTARG = integer)', 'DROP OPERATOR app.@@@ (integer, integer)', 'all' ],
	[ 'function in pg_catalog', q{CREATE FUNCTION pg_catalog.length(app.mood) RETURNS integer LANGUAGE sql AS 'SELECT 1'}, 'DROP FUNCTION pg_catalog.length(app.mood)', 'all' ],
	[ 'publication', 'ALTER PUBLICATION pub ADD TABLE app.t', 'ALTER PUBLICATION pub DROP TABLE app.t', 'all' ],
	[ 'default privileges', 'ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO regress_repeat', 'ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT ON TABLES FROM regress_repeat', 'all' ],
	[ 'member of an extension', 'ALTER EXTENSION pg_trgm ADD TABLE app.gone', 'ALTER EXTENSION pg_trgm DROP TABLE app.gone' ],
	[ 'member of an extension with a view on it', 'ALTER EXTENSION pg_trgm ADD TABLE app.hub', 'ALTER EXTENSION pg_trgm DROP TABLE app.hub' ],
	# behind the back of everything
	[ 'pg_class by hand', q{UPDATE pg_class SET relrowsecurity = false WHERE oid = 'app.t'::regclass}, q{UPDATE pg_class SET relrowsecurity = true WHERE oid = 'app.t'::regclass}, 6 ],
	[ 'pg_attribute by hand', q{UPDATE pg_attribute SET attname = 'kode' WHERE attrelid = 'app.hub'::regclass AND attname = 'code'}, q{UPDATE pg_attribute SET attname = 'code' WHERE attrelid = 'app.hub'::regclass AND attname = 'kode'}, 6 ],
	[ 'pg_index by hand', q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.t_f'::regclass}, q{UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'app.t_f'::regclass}, 6 ],
	[ 'pg_trigger by hand', q{UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'app.hub'::regclass AND tgisinternal AND tgconstrrelid = 'app.t'::regclass}, q{UPDATE pg_trigger SET tgenabled = 'O' WHERE tgrelid = 'app.hub'::regclass AND tgisinternal AND tgconstrrelid = 'app.t'::regclass}, 6 ],
	[ 'pg_type by hand', q{UPDATE pg_type SET typname = 'mode' WHERE oid = 'app.mood'::regtype}, q{UPDATE pg_type SET typname = 'mood' WHERE oid = 'app.mode'::regtype}, 10 ],
	[ 'pg_description by hand', q{UPDATE pg_description SET description = 'cc' WHERE objoid = 'app.t'::regclass}, q{UPDATE pg_description SET description = 'c' WHERE objoid = 'app.t'::regclass}, 6 ],
	[ 'pg_depend by hand', q{DELETE FROM pg_depend WHERE refobjid IN ('app.gone'::regclass, 'app.f'::regproc, 'app.mood'::regtype); ALTER TABLE app.gone RENAME TO gone3; ALTER FUNCTION app.f RENAME TO fff; ALTER TYPE app.mood RENAME TO mmm},
		'ALTER TABLE app.gone3 RENAME TO gone; ALTER FUNCTION app.fff RENAME TO f; ALTER TYPE app.mmm RENAME TO mood', 10 ]);

# change CASE, SESSION TO CHANGE, SESSION TO UNDO
sub change
{
	my ($case, $one, $two) = @_;
	my ($name, $edit, $undo, $most) = @$case;
	$edit =~ s/pg_trgm/safedeploy/g unless $server->sql('d', q{SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'});
	$undo =~ s/pg_trgm/safedeploy/g unless $server->sql('d', q{SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'});
	for my $step ([ $name, $one, $edit ], [ "$name, undone", $two, $undo ])
	{
		my ($what, $session, $sql) = @$step;
		$session->query_safe($sql);
		my ($print, $read) = repeated();
		is($print, whole(), $what);
		next unless defined $most;
		$most eq 'all' ? is($read, 'all', "$what: everything read") : cmp_ok($read =~ /\d/ ? $read : 999, '<=', $most, "$what: at most $most objects made anew, $read");
	}
}
change($_, $repeat, $other) for @changes;

# 3. Transactions: what is not over, and what came to nothing.
my $before = same('before');
$repeat->query_safe('BEGIN; ALTER TABLE app.t ADD COLUMN z1 integer');
isnt(same_inside('in a transaction'), $before, 'the change is seen there');
$repeat->query_safe('ALTER TABLE app.t DROP COLUMN z1; ALTER TABLE app.t ADD COLUMN z2 integer');
same_inside('changed again in it');
$repeat->query_safe('ROLLBACK');
is(same('rolled back'), $before, 'the state before');

$repeat->query_safe('BEGIN; SAVEPOINT a; ALTER TABLE app.t ADD COLUMN z1 integer; SAVEPOINT b; COMMENT ON TABLE app.hub IS $$x$$');
my $inside = same_inside('in a subtransaction');
$repeat->query_safe('ROLLBACK TO b');
isnt(same_inside('one subtransaction back'), $inside, 'the comment is gone');
$repeat->query_safe('RELEASE b');
same_inside('released');
$repeat->query_safe('ROLLBACK TO a');
is(same_inside('both back'), $before, 'the state before');
$repeat->query_safe('SAVEPOINT c; CREATE TABLE app.new (a integer); RELEASE c');
$inside = same_inside('in a released subtransaction');
$repeat->query_safe('COMMIT');
is(same('committed'), $inside, 'the state that was to come');
$repeat->query_safe('DROP TABLE app.new');
is(same('dropped'), $before, 'the state before');

for my $end (qw(COMMIT ROLLBACK))
{
	$other->query_safe('BEGIN; SAVEPOINT a; ALTER TABLE app.fk1 ADD COLUMN z integer; RELEASE a; COMMENT ON TABLE app.fk2 IS $$x$$');
	is((repeated())[0], $before, 'another session has changed something') for 1 .. 2;
	$other->query_safe($end);
	my $now = same("another session: $end");
	$end eq 'COMMIT' ? isnt($now, $before, 'the change is seen') : is($now, $before, 'there is no change');
	$other->query_safe('ALTER TABLE app.fk1 DROP COLUMN z; COMMENT ON TABLE app.fk2 IS NULL') if $end eq 'COMMIT';
	$before = same('undone');
}
for my $end (qw(COMMIT ROLLBACK))
{
	$other->query_safe(q{BEGIN; ALTER TABLE app.fk3 ADD COLUMN z integer; CREATE TABLE app.prepared (a integer); PREPARE TRANSACTION 'p'});
	is((repeated())[0], $before, 'a transaction is prepared');
	is((repeated())[0], $before, 'and stays so');
	$other->query_safe("$end PREPARED 'p'");
	my $now = same("prepared transaction: $end");
	$end eq 'COMMIT' ? isnt($now, $before, 'the change is seen') : is($now, $before, 'there is no change');
	$other->query_safe('ALTER TABLE app.fk3 DROP COLUMN z; DROP TABLE app.prepared') if $end eq 'COMMIT';
	$before = same('undone');
}
# a subtransaction more than a snapshot can list, and a lock that is no change
$other->query_safe('BEGIN; DO $$ BEGIN FOR i IN 1..100 LOOP BEGIN EXECUTE format($f$COMMENT ON TABLE app.fk%s IS %L$f$, i % 60 + 1, i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$');
is((repeated())[0], $before, 'a hundred open subtransactions');
$other->query_safe('COMMIT');
isnt(same('committed'), $before, 'a hundred subtransactions are seen');
$other->query_safe('DO $$ BEGIN FOR i IN 1..60 LOOP EXECUTE format($f$COMMENT ON TABLE app.fk%s IS NULL$f$, i); END LOOP; END $$');
$before = same('undone');
$other->query_safe('BEGIN; SELECT count(*) FROM pg_class WHERE false; LOCK TABLE app.t IN ACCESS EXCLUSIVE MODE');
is((repeated())[0], $before, 'a locked table is no change');
$other->query_safe('ROLLBACK');

$repeat->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
$other->query_safe('ALTER TABLE app.fk4 ADD COLUMN z integer');
isnt(same_inside('an old snapshot of the transaction'), $before, 'does not hide what is live');
$repeat->query_safe('COMMIT');
$other->query_safe('ALTER TABLE app.fk4 DROP COLUMN z');
$before = same('undone');

# 4. Files and pages.
for my $command ('VACUUM', 'ANALYZE', 'VACUUM FREEZE pg_catalog.pg_class', 'VACUUM FREEZE', 'CHECKPOINT')
{
	$other->query_safe($command);
	is(same($command, 'none'), $before, "$command changes nothing");
}
for my $command (map({ "VACUUM FULL pg_catalog.$_" } qw(pg_class pg_attribute pg_description pg_depend pg_proc pg_type pg_constraint pg_authid)), 'REINDEX DATABASE d', 'VACUUM FULL app.t', 'TRUNCATE app.t')
{
	$other->query_safe($command);
	is(same($command), $before, "$command changes nothing");
}
# not written to the WAL: changes of a catalog that the same transaction has rewritten
$repeat->query_safe('BEGIN; CLUSTER pg_catalog.pg_description USING pg_description_o_c_o_index');
is(same_inside('a catalog rewritten in a transaction'), $before, 'changes nothing');
for my $n (1 .. 3)
{
	$repeat->query_safe("COMMENT ON COLUMN app.t.c IS 'comment $n'");
	isnt(same_inside("comment $n in it"), $before, 'is seen');
}
$repeat->query_safe('ROLLBACK');
is(same('rolled back'), $before, 'the state before');
$other->query_safe(q{BEGIN; CLUSTER pg_catalog.pg_description USING pg_description_o_c_o_index; COMMENT ON COLUMN app.t.c IS 'x'; COMMIT});
isnt(same('the same in another session'), $before, 'is seen');
$other->query_safe(q{COMMENT ON COLUMN app.t.c IS 'c'});
$before = same('undone');
# a long body is kept outside of its row
my $body = '-- ' . join('', map { chr(33 + int rand 90) } 1 .. 20_000) . "\n";
$body =~ s/[\$'\\]/x/g;
for my $n (1, 2, 1)
{
	$other->query_safe("CREATE OR REPLACE FUNCTION app.long() RETURNS integer LANGUAGE plpgsql AS \$b\$\n${body}BEGIN RETURN $n; END\$b\$");
	isnt(same("a long body, $n"), $before, 'is seen');
}
$other->query_safe('DROP FUNCTION app.long()');
is(same('the long body is gone'), $before, 'the state before');

# 5. OIDs that come again: of a table that a constant still names.
my $gone = $server->sql('d', q{SELECT 'app.gone'::regclass::oid});
$other->query_safe('DROP TABLE app.gone CASCADE');
isnt(same('a table that constants name is dropped'), $before, 'the number is seen in the place of its name');
$other->query_safe("CREATE TABLE app.late (a integer)");
same('another table');
$other->query_safe("BEGIN; UPDATE pg_attribute SET attrelid = $gone WHERE attrelid = 'app.late'::regclass; UPDATE pg_type SET typrelid = $gone WHERE typrelid = 'app.late'::regclass;"
	  . " UPDATE pg_depend SET objid = $gone WHERE objid = 'app.late'::regclass; UPDATE pg_depend SET refobjid = $gone WHERE refobjid = 'app.late'::regclass; UPDATE pg_class SET oid = $gone WHERE relname = 'late'; COMMIT");
$before = same('gets the OID of the one that is gone');
like($server->sql('d', q{SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE pg_get_expr(adbin, adrelid) LIKE '%regclass[]%'}), qr/app\.late/, 'so that the constant names it');

# 6. The session.
for my $command ('DISCARD ALL', 'SET ROLE regress_repeat; RESET ROLE', 'SET search_path = app, other', 'SET quote_all_identifiers = on', q{SET DateStyle = 'German'},
	'CREATE TEMP TABLE mine (a integer)', 'CREATE TEMP TABLE t (a integer)', 'CREATE TEMP VIEW v AS SELECT 1 AS a', 'DISCARD TEMP', 'RESET ALL')
{
	$repeat->query_safe($command);
	is(same($command), $before, "$command changes nothing");
}
$repeat->query_safe('SET allow_system_table_mods = on');
$other->query_safe('GRANT USAGE ON SCHEMA safedeploy TO regress_repeat; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA safedeploy TO regress_repeat; SELECT safedeploy.fingerprint()');
$repeat->query_safe('SET ROLE regress_repeat');
is(same('as another role'), $before, 'the same');
$repeat->query_safe('RESET ROLE');
$repeat->query_safe(q{SET safedeploy.fingerprint_cache = '64kB'});
is(same('without enough memory', 'all'), $before, 'the same') for 1 .. 2;
$repeat->query_safe('RESET safedeploy.fingerprint_cache');
is(same('with memory again', 'all'), $before, 'the same');
is(same('and once more', 'none'), $before, 'the same');

# a repeated fingerprint that is cancelled half-way
$repeat->query_safe('RESET ROLE');
my $cancelled = 0;
for my $ms (1 .. 12)
{
	$other->query_safe("ALTER TABLE app.fk$ms ADD COLUMN cancelled integer; ALTER TYPE app.mood ADD VALUE 'm$ms'");
	$repeat->query("SET statement_timeout = '${ms}ms'; DO \$\$ DECLARE f text; BEGIN FOR i IN 1..500 LOOP ALTER TABLE app.fk20 ADD COLUMN z integer; f := safedeploy.fingerprint(); ALTER TABLE app.fk20 DROP COLUMN z; END LOOP; END \$\$; RESET statement_timeout");
	$cancelled++ if $repeat->{stderr} =~ /statement timeout/;
	$repeat->{stderr} = '';
	same("after one that was cancelled after $ms ms");
}
is($cancelled, 12, 'all were cancelled');
$_->quit for $repeat, $other;

# 7. Every property that a user can set, edited and taken back in one session that compares
# each repeated fingerprint with one that reads everything.
my $properties = SafeDeployTest::Properties->new;
for my $area ($properties->areas)
{
	my ($setup, $teardown, @cases) = $properties->read_area($area);
	my $check = "SELECT safedeploy.fingerprint() IS NULL;\n";
	my $script = "LOAD '@{[ $properties->{provider}->file ]}';\nSET safedeploy.fingerprint_check = on;\nSET client_min_messages = error;\nSET search_path = fix, pg_catalog;\nSET allow_system_table_mods = on;\n$setup$check";
	for my $case (@cases)
	{
		my ($begin, $commit) = $case->{alone} ? ('', '') : ("BEGIN;\n", "COMMIT;\n");
		$script .= "\\warn case $case->{name}\n$begin$case->{edit}$check"
		  . (defined $case->{undo} ? "$commit$check$begin$case->{undo}$check$commit" : "ROLLBACK;\n") . $check;
	}
	# a database with a subscription cannot be dropped
	$script .= "SELECT format('DROP SUBSCRIPTION %I', subname) FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \\gexec\n";
	my $database = "properties_$area";
	$server->create_database($database, options => q{TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'});
	$server->sql($database, 'CREATE SCHEMA fix; CREATE ROLE regress_app; CREATE ROLE regress_owner; SET search_path = fix');
	my $file = $node->basedir . "/$area.sql";
	open(my $fh, '>', $file) or die "$file: $!";
	print $fh $script;
	close $fh;
	my $run = run_program([ 'psql', '-XAtq', '-o', '/dev/null', '-f', $file, $server->url($database) ]);
	my @wrong = grep { !/^case / } split /\n/, $run->stderr;
	is(scalar(grep { /differs from one that reads everything/ } @wrong), 0, "$area: " . @cases . ' cases') || diag($run->stderr);
	cmp_ok(scalar(@wrong), '<=', 6, "$area: the edits run") || diag(join "\n", @wrong);
	$server->sql('postgres', $_) for "DROP DATABASE $database", 'DROP ROLE regress_app, regress_owner', grep { /\S/ } split /;\n/, $teardown;
}

# 8. Changes at random.
my $seed = $ENV{SD_SEED} || int(rand 1_000_000);
srand($seed);
diag("SD_SEED=$seed");
$server->create_database('fuzz');
my @names = map { "o$_" } 1 .. 6;
my @types = ('integer', 'text', 'numeric(8,2)', 'timestamptz', 'f.e1', 'f.e2', 'f.d1');
sub one { return $_[ int rand @_ ]; }
my @statements = (
	sub { "CREATE TABLE f.${\one(@names)} (id integer PRIMARY KEY, a ${\one(@types)}, b ${\one(@types)})" },
	sub { "CREATE TABLE f.${\one(@names)} (id serial PRIMARY KEY, r integer REFERENCES f.${\one(@names)}, a f.e1 DEFAULT 'x')" },
	sub { "CREATE TABLE f.${\one(@names)} (LIKE f.${\one(@names)} INCLUDING ALL)" },
	sub { "CREATE TABLE f.${\one(@names)} () INHERITS (f.${\one(@names)})" },
	sub { "DROP TABLE f.${\one(@names)} CASCADE" },
	sub { "ALTER TABLE f.${\one(@names)} RENAME TO ${\one(@names)}" },
	sub { "ALTER TABLE f.${\one(@names)} RENAME ${\one('a', 'b', 'c')} TO ${\one('a', 'b', 'c')}" },
	sub { "ALTER TABLE f.${\one(@names)} ADD COLUMN ${\one('a', 'b', 'c')} ${\one(@types)}" },
	sub { "ALTER TABLE f.${\one(@names)} DROP COLUMN ${\one('a', 'b', 'c')} CASCADE" },
	sub { "ALTER TABLE f.${\one(@names)} ALTER ${\one('a', 'b', 'c')} TYPE text" },
	sub { "ALTER TABLE f.${\one(@names)} ADD CHECK (${\one('a', 'b', 'c')} IS NOT NULL)" },
	sub { "ALTER TABLE f.${\one(@names)} ADD FOREIGN KEY (id) REFERENCES f.${\one(@names)}" },
	sub { "ALTER TABLE f.${\one(@names)} SET SCHEMA ${\one('f', 'g')}" },
	sub { "ALTER TABLE g.${\one(@names)} SET SCHEMA f" },
	sub { "ALTER TABLE f.${\one(@names)} ${\one('ENABLE', 'DISABLE')} TRIGGER ALL" },
	sub { "ALTER TABLE f.${\one(@names)} SET (fillfactor = ${\one(50, 60)}, toast.autovacuum_enabled = ${\one('on', 'off')})" },
	sub { "CREATE INDEX ON f.${\one(@names)} (${\one('a', 'b', 'lower(a::text)')})" },
	sub { "CREATE VIEW f.v${\one(1 .. 3)} AS SELECT * FROM f.${\one(@names)} x JOIN f.${\one(@names)} y USING (id)" },
	sub { "CREATE OR REPLACE VIEW f.v${\one(1 .. 3)} AS SELECT id, count(*) FROM f.${\one(@names, 'v1')} GROUP BY id" },
	sub { "DROP VIEW f.v${\one(1 .. 3)} CASCADE" },
	sub { "CREATE OR REPLACE FUNCTION f.p${\one(1 .. 3)}(a ${\one('integer', 'f.e1')}) RETURNS ${\one('text', 'f.e2')} LANGUAGE sql AS 'SELECT NULL'" },
	sub { "CREATE FUNCTION f.q${\one(1 .. 3)}() RETURNS SETOF f.${\one(@names)} LANGUAGE sql AS 'SELECT NULL'" },
	sub { "DROP FUNCTION f.p${\one(1 .. 3)} CASCADE" },
	sub { "ALTER TABLE f.${\one(@names)} ADD CHECK (f.p${\one(1 .. 3)}(1) IS NOT NULL)" },
	sub { "ALTER TYPE f.e1 ADD VALUE IF NOT EXISTS '${\one('k' .. 'p')}'" },
	sub { "ALTER TYPE f.e1 RENAME VALUE '${\one('x', 'y')}' TO '${\one('x', 'y')}'" },
	sub { "ALTER TYPE f.${\one('e1', 'e2', 'e3')} RENAME TO ${\one('e1', 'e2', 'e3')}" },
	sub { "ALTER DOMAIN f.d1 ADD CONSTRAINT ${\one('k1', 'k2')} CHECK (VALUE <> '${\one('x', 'k')}'::f.e1)" },
	sub { "ALTER DOMAIN f.d1 DROP CONSTRAINT IF EXISTS ${\one('k1', 'k2')}" },
	sub { "COMMENT ON TABLE f.${\one(@names)} IS '${\one(1 .. 9)}'" },
	sub { "COMMENT ON COLUMN f.${\one(@names)}.${\one('id', 'a')} IS '${\one(1 .. 9)}'" },
	sub { "GRANT ${\one('SELECT', 'UPDATE')} ON f.${\one(@names)} TO ${\one('regress_repeat', 'PUBLIC')}" },
	sub { "CREATE STATISTICS f.s${\one(1 .. 2)} ON id, a FROM f.${\one(@names)}" },
	sub { "CREATE POLICY pol ON f.${\one(@names)} USING (id IN (SELECT id FROM f.${\one(@names)}))" },
	sub { "ALTER SEQUENCE f.${\one(@names)}_id_seq RENAME TO ${\one(@names)}_id_seq" },
	sub { "ALTER SCHEMA g RENAME TO ${\one('g', 'h')}" }, sub { 'ALTER SCHEMA h RENAME TO g' },
	sub { 'VACUUM' }, sub { "VACUUM FULL pg_catalog.${\one('pg_class', 'pg_attribute', 'pg_description')}" });
$server->sql('fuzz', q{CREATE SCHEMA f; CREATE SCHEMA g; CREATE TYPE f.e1 AS ENUM ('x', 'k'); CREATE TYPE f.e2 AS ENUM ('z'); CREATE DOMAIN f.d1 AS f.e1});
$repeat = $node->background_psql('fuzz', on_error_stop => 0);
$other  = $node->background_psql('fuzz', on_error_stop => 0);
$repeat->query(q{SET client_min_messages = error});
my ($steps, $wrong, $until, @history) = (0, 0, time + 20);
while (time < $until && !$wrong)
{
	# a transaction of up to three statements by one of two sessions; errors are part of it
	my $session = one($repeat, $other, $other);
	my @batch = map { one(@statements)->() } 1 .. 1 + int rand 3;
	my $how = one('alone', 'COMMIT', 'COMMIT', 'ROLLBACK', 'savepoint');
	@batch = ('BEGIN', map({ ($how eq 'savepoint' ? "SAVEPOINT s$_" : (), $batch[$_]) } 0 .. $#batch),
		$how eq 'savepoint' ? ('ROLLBACK TO s' . int(rand @batch), 'COMMIT') : $how) if $how ne 'alone' && !grep { /VACUUM|ADD VALUE/ } @batch;
	# the session under test also looks from the inside, where it compares by itself
	@batch = map { ($_, 'SELECT safedeploy.fingerprint()') } @batch if $session == $repeat;
	push @history, @batch;
	$session->query("SET safedeploy.fingerprint_check = on; $_") for @batch;
	$wrong ||= $session->{stderr} =~ /differs from one that reads everything/;
	diag($session->{stderr}) if $wrong;
	$_->{stderr} = '' for $repeat, $other;
	my $print = $repeat->query('RESET safedeploy.fingerprint_check; SELECT safedeploy.fingerprint()');
	$wrong ||= $print ne $server->sql('fuzz', 'SELECT safedeploy.fingerprint()');
	$repeat->query('SET safedeploy.fingerprint_check = on; SELECT safedeploy.fingerprint()') if $wrong;
	diag($repeat->{stderr}) if $wrong;
	$steps++;
}
ok(!$wrong, "$steps random transactions") || diag(join ";\n", @history);
cmp_ok($steps, '>', 20, 'enough of them');
$_->quit for $repeat, $other;

done_testing();
