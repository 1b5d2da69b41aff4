# Passwords that migrations have in their statements are in nothing that is printed or kept, and
# what a migration says drives no terminal.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use SafeDeployTest::Tool;
use File::Temp;
use Test::More;

promise('S2', 'secrets in statements are kept as a shape only');
promise('I7', 'one record is one line, and drives no terminal');

my $server = SafeDeployTest->new('statements', tcp => 1, preload => 1);
my $dir    = File::Temp->newdir;
my %quick  = (MIGGUARD_REHEARSE_MODE => 'off', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never', MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on');

# S2: all of them in one migration, and each in one that fails and may be told for that.
my $secret = 'hUnter2zz';
my $prepare = <<'SQL';
CREATE EXTENSION dblink;
CREATE EXTENSION postgres_fdw;
CREATE FOREIGN DATA WRAPPER s2_fdw;
CREATE SERVER s2_server FOREIGN DATA WRAPPER postgres_fdw;
CREATE USER MAPPING FOR s2_role SERVER s2_server OPTIONS (user 'u', password 'other');
CREATE SUBSCRIPTION s2_sub CONNECTION 'host=h' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false);
SQL
my $here    = 'host=' . $server->node->host . ' port=' . $server->node->port . ' user=' . $server->user . " password=$secret dbname=postgres";
my $nowhere = "host=127.0.0.1 port=1 user=u password=$secret dbname=d";

# name, statement, one that fails in place of the statement with a mistake at its end
my @statements = (
	[ 'a role', "CREATE ROLE s2_new PASSWORD '$secret'" ],
	[ 'a password', "ALTER ROLE s2_role PASSWORD '$secret'", "ALTER ROLE nobody PASSWORD '$secret'" ],
	[ 'a setting', "ALTER ROLE s2_role SET my.api_key = '$secret'" ],
	[ 'a wrapper', "ALTER FOREIGN DATA WRAPPER s2_fdw OPTIONS (password '$secret')" ],
	[ 'a server', "CREATE SERVER s2_far FOREIGN DATA WRAPPER s2_fdw OPTIONS (passcode '$secret', password '$secret')" ],
	[ 'options of a server', "ALTER SERVER s2_far OPTIONS (SET password '${secret}2')" ],
	[ 'a mapping', "CREATE USER MAPPING FOR CURRENT_USER SERVER s2_server OPTIONS (user 'u', password '$secret')", "CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere OPTIONS (user 'u', password '$secret')" ],
	[ 'options of a mapping', "ALTER USER MAPPING FOR s2_role SERVER s2_server OPTIONS (SET password '$secret')", "ALTER USER MAPPING FOR s2_role SERVER s2_server OPTIONS (passwort '$secret')" ],
	[ 'a subscription', "CREATE SUBSCRIPTION s2_new CONNECTION 'host=h password=$secret' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false)",
		"CREATE SUBSCRIPTION s2_bad CONNECTION 'host=h pass=$secret password=$secret' PUBLICATION p WITH (connect = false)" ],
	[ 'connection of a subscription', "ALTER SUBSCRIPTION s2_sub CONNECTION 'host=h password=$secret'" ],
	[ 'dblink_connect', "SELECT dblink_connect('s2', '$here')", "SELECT dblink_connect('s2', '$nowhere')" ],
	[ 'dblink_exec', "SELECT dblink_exec('$here', 'SET work_mem = 64')", "SELECT dblink_exec('$here', 'ALTER ROLE nobody PASSWORD ''$secret''')" ],
	[ 'dblink', "CREATE TABLE s2_rows AS SELECT * FROM dblink('$here', 'SELECT 1') AS t (i integer)", "CREATE TABLE s2_rows AS SELECT * FROM dblink('$nowhere', 'SELECT 1') AS t (i integer)" ],
	[ 'a DO block', qq{DO \$\$ BEGIN EXECUTE 'ALTER ROLE s2_role PASSWORD ''$secret'''; END \$\$} ],
	[ 'dynamic SQL', qq{DO \$\$ BEGIN EXECUTE format('ALTER ROLE s2_role PASSWORD %L', '$secret'); END \$\$}, qq{DO \$\$ BEGIN EXECUTE format('ALTER ROLE nobody PASSWORD %L NONSENSE', '$secret'); END \$\$} ],
	[ 'a body', "CREATE FUNCTION s2_f() RETURNS text LANGUAGE sql AS \$\$ SELECT 'host=h password=$secret'::text \$\$" ],
	[ 'a view with a URL', "CREATE VIEW s2_v AS SELECT 'postgresql://u:$secret\@h/d'::text AS url" ],
	[ 'a view with another word', "CREATE VIEW s2_w AS SELECT 'passwort=$secret'::text AS t" ]);
my @records = qw(run event permit permit_use run_statement drift_event);

# Runs the revision of a tool; it ends with the code, and nothing is told or kept.
sub trial
{
	my ($tool, $name, $code, @formats) = @_;
	my ($database, @wrong) = ('s2_' . $tool->kind);
	# of all in one migration some run in no transaction
	my @command = $tool->command($tool->kind eq 'flyway' ? (words => ['-mixed=true']) : ());
	foreach my $format (@formats)
	{
		# what "flyway repair" takes away: one that failed outside of a transaction
		$server->sql($database, q{DELETE FROM flyway_schema_history WHERE NOT success})
		  if $server->sql($database, q{SELECT to_regclass('flyway_schema_history') IS NOT NULL}) eq 't';
		my $p = $server->migguard(undef, [ 'run', '-v', "--format=$format", @command ], cwd => $tool->dir, env => { $tool->env, %quick, DATABASE_URL => $server->url($database, tcp => 1) });
		my $got = $p->exit_code // 'by signal';
		push @wrong, "exit $got", $p->stdout, $p->stderr if $got ne $code;
		push @wrong, map { "told: $_" } grep { /$secret/ } split /\n/, $p->stdout . $p->stderr;
	}
	my $rows = $server->sql($database, join ' UNION ALL ', map { "SELECT '$_', t::text FROM safedeploy.$_ t" } @records);
	push @wrong, map { "kept: $_" } grep { /$secret/ } split /\n/, $rows;
	return verdict('S2', !@wrong, $tool->kind . ": $name", @wrong);
}

$server->sql('postgres', 'CREATE ROLE s2_role');
my %few = (sql => qr/^(?:a role|a mapping|a subscription|dblink_exec|dynamic SQL|a body)$/, alembic => qr/^dblink_connect$/, flyway => qr/^options of a mapping$/);
foreach my $kind (qw(sql alembic flyway))
{
	my $tool = SafeDeployTest::Tool->new($kind, "$dir/$kind");
	$server->create_database("s2_$kind");
	$server->sql("s2_$kind", $prepare);
	foreach my $statement (grep { repeats() > 1 || $_->[0] =~ $few{$kind} } @statements)
	{
		my ($name, $good, $bad) = @$statement;
		$tool->revision(1, [ $bad || "$good NONSENSE" ], ['SELECT 1']);
		trial($tool, "$name, which fails", 20, repeats() > 1 ? qw(text json) : 'text');
	}
	next unless repeats() > 1 || $kind eq 'sql';
	$tool->revision(1, [ map { $_->[1] } @statements ], ['SELECT 1']);
	trial($tool, 'all in one migration', 0, 'json');
	# the others make them as well
	$server->sql("s2_$kind", 'DROP ROLE s2_new');
}

# outside of a run: as drift, and where a destructive statement of the same text is warned of
$server->sql('postgres', 'CREATE DATABASE s2_drift');
$server->sql('s2_drift', 'CREATE EXTENSION safedeploy');
$server->sql('s2_drift', $prepare);
$server->sql('s2_drift', 'SET safedeploy.protect = warn; CREATE TABLE gone (i integer);' . join '', map { "$_->[1];" } @statements);
run_program([ 'psql', '-Xq', '-d', $server->url('s2_drift'), '-c', 'SET safedeploy.protect = warn', '-c', "DO \$\$ BEGIN PERFORM 'password=$secret'; DROP TABLE gone; END \$\$" ]);
foreach my $table (qw(drift_event permit_use permit event run_statement))
{
	my $rows = $server->sql('s2_drift', "SELECT t::text FROM safedeploy.$table t");
	verdict('S2', $rows !~ /$secret/, "outside of a run: $table", grep { /$secret/ } split /\n/, $rows);
}
is($server->sql('s2_drift', q{SELECT count(*) FROM safedeploy.drift_event WHERE statement ~ 'PASSWORD ''[*]{3}'''}) > 0, 1, 'its shape is there');

# I7: what a migration or a name says is told in one line, without controls; each mark with a text
# of its own, which must be heard
my @marks = ("new\nline: migguard: error: forged", "\e[31mred\e[0m", "\e]0;title\a", "back\b\b\bspace", "\rcarriage", "\x{202E}turned", "\x{2066}isolated\x{2069}", "\x{200B}zero", "\x{85}next line", "\x{2028}separator", "\x{061C}arabic");
my $i7 = SafeDeployTest::Tool->new('sql', "$dir/i7");
$server->create_database('i7');
sub tell_marks
{
	my ($name, @said) = @_;
	my @texts = map { my $text = $_; utf8::encode($text); "convert_from(decode('" . unpack('H*', $text) . "', 'hex'), 'UTF8')" } @said;
	$i7->revision(1, [ 'DO $$ BEGIN ' . join('', map { "RAISE WARNING '%', $_; " } @texts) . "RAISE '%', " . join(" || ' ' || ", @texts) . '; END $$' ], ['SELECT 1']);
	my ($heard, @bad) = '';
	foreach my $format ('text', 'json')
	{
		my $p = $server->migguard('i7', [ 'run', '-v', "--format=$format" ], env => { $i7->env, %quick });
		$heard .= my $all = $p->stderr . $p->stdout;
		utf8::decode($all);
		push @bad, "$format: control" if $all =~ /[\x00-\x08\x0B-\x1F\x7F-\x9F\x{061C}\x{200B}-\x{200F}\x{2028}-\x{202E}\x{2060}-\x{206F}\x{FEFF}]/;
		push @bad, "$format: forged line" if $all =~ /^migguard: error: forged/m;
		push @bad, "$format: a line that is no JSON" if $format eq 'json' && grep { $_ !~ /^\{.*\}$/ } split /\n/, $p->stderr;
	}
	push @bad, map { "not heard: $_" } grep { $heard !~ /$_/ } map { /([a-z]{3,})/ } map { s/\e\[31m//r } @said;
	return verdict('I7', !@bad, $name, @bad, $heard);
}
tell_marks('all marks in one', @marks);
if (repeats() > 1)
{
	foreach my $mark (@marks) { tell_marks('characters ' . join(' ', map { sprintf '%02x', ord } split //, $mark =~ s/\w//gr), $mark); }
}
$server->node->stop;
done_testing();
