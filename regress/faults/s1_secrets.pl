# Passwords are in nothing that is printed, kept or to be seen: neither that of the login, over
# commands and tools, nor those that migrations have in their statements.
use strict;
use warnings;

use File::Find;
use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Alembic;
use SafeDeployTest::Faults;
use Test::More;

promise('S1', 'the password of the login is in no output, row, file or process list');
promise('S2', 'secrets in statements are kept as a shape only');
promise('I7', 'one record is one line, and drives no terminal');

my $server = SafeDeployTest->new('secrets', tcp => 1, preload => 1, conf => "log_connections = on\n");
my $canary = 'cAn@ry/pw 77';
my $leak = join '|', map { quotemeta } $canary, SafeDeployTest::percent($canary), lc SafeDeployTest::percent($canary);
$server->sql('postgres', "SET log_statement = 'none'; CREATE ROLE app SUPERUSER LOGIN PASSWORD '$canary'");
{
	my $hba = $server->node->data_dir . '/pg_hba.conf';
	my $text = SafeDeployTest::Process::slurp($hba);
	open my $handle, '>', $hba or die $!;
	print $handle "host all app 127.0.0.1/32 scram-sha-256\n$text";
	close $handle or die $!;
}
$server->node->reload;
my $dir = File::Temp->newdir;
sub save
{
	my ($name, $text) = @_;
	mkdir $1 if "$dir/$name" =~ m{^(.*)/[^/]+$};
	open my $handle, '>:raw', "$dir/$name" or die "$name: $!";
	print $handle $text;
	close $handle or die $!;
	return;
}
my %quick = (MIGGUARD_REHEARSE_MODE => 'off', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never', MIGGUARD_BACKUP_DIRECTORY => "$dir/backups");
my @watchers = map { SafeDeployTest::watch_process_list($_) } $canary, SafeDeployTest::percent($canary);

# S1: commands, as each tool
save('m/1_one.up.sql', "CREATE TABLE one (i integer);\n");
save('m/1_one.down.sql', "DROP TABLE one;\n");
my $alembic = SafeDeployTest::Alembic->new(revisions => [ { id => 'a1', up_sql => ['CREATE TABLE one (i integer)'], down_sql => ['DROP TABLE one'] } ]);
my %tools = (sql => { cwd => "$dir", tail => [], env => { MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$dir/m" } },
	alembic => { cwd => $alembic->dir, tail => [ '--', $alembic->alembic, 'upgrade', 'head' ], env => {} });
my @commands = ([ 0, ['doctor'] ], [ 0, [ 'doctor', '--format=json' ] ], [ 1, [ 'plan', '-v' ] ], [ 1, [ 'run', '-v' ] ], [ 0, [ 'status', '--format=json' ] ], [ 0, ['history'] ], [ 0, ['ledger'] ], [ 0, ['drift'] ], [ 0, ['lock'] ], [ 0, [ 'backup', 'list' ] ],
	[ 0, [ 'snapshot', '--format=json' ] ], [ 1, [ 'run', '--format=json' ] ], [ 1, [ 'rollback', '--format=json', '-v' ] ]);
foreach my $tool (sort keys %tools)
{
	my ($how, $db) = ($tools{$tool}, "s1_$tool");
	$server->create_database($db);
	my $url = $server->url($db, user => 'app', password => $canary, tcp => 1);
	foreach my $command (@commands)
	{
		my ($with_tool, $arguments) = @$command;
		my $p = $server->migguard(undef, [ @$arguments, $with_tool ? @{ $how->{tail} } : () ], cwd => $how->{cwd}, env => { %quick, %{ $how->{env} }, DATABASE_URL => $url });
		verdict('S1', $p->stdout . $p->stderr !~ /$leak/ && defined $p->exit_code && $p->exit_code !~ /^(6[459]|70)$/, "$tool: @$arguments", 'exit ' . ($p->exit_code // 'by signal'), $p->stdout, $p->stderr);
	}
	foreach my $wrong ([ 'a wrong password', $server->url($db, user => 'app', password => "$canary!", tcp => 1) ], [ 'a URL that is none', "postgresql://app:$canary%zz\@127.0.0.1/x" ], [ 'a port where nobody listens', 'postgresql://app:' . SafeDeployTest::percent($canary) . '@127.0.0.1:1/x' ],
		[ 'a database that is not there', $server->url('nowhere', user => 'app', password => $canary, tcp => 1) ])
	{
		my $p = $server->migguard(undef, [ 'run', '-v', @{ $how->{tail} } ], cwd => $how->{cwd}, env => { %quick, %{ $how->{env} }, DATABASE_URL => $wrong->[1] });
		verdict('S1', $p->exit_code != 0 && $p->stdout . $p->stderr !~ /$leak/, "$tool: $wrong->[0]", $p->stdout, $p->stderr);
	}
	my @tables = map { "SELECT t::text FROM safedeploy.$_ t" } qw(run event lock permit permit_use run_statement drift_event snapshot snapshot_object object_def applied_migration);
	verdict('S1', $server->sql($db, join ' UNION ALL ', @tables) !~ /$leak/, "$tool: rows of the extension");
}
verdict('S1', !(map { SafeDeployTest::stop_watching($_) } @watchers), 'process list');
my @files;
find({ no_chdir => 1, wanted => sub { push @files, $_ if -f && SafeDeployTest::Process::slurp($_) =~ /$leak/ } }, "$dir", $alembic->dir);
verdict('S1', !@files, 'files', @files);
verdict('S1', SafeDeployTest::Process::slurp($server->node->logfile) !~ /$leak/, 'log of the server');

# S2: each statement once as it is, and once followed by one that fails, where the tool tells the statement
my $secret = 'hUnter2zz';
my @statements = (
	[ 'CREATE ROLE',   "CREATE ROLE s2_role PASSWORD '$secret'" ], [ 'ALTER ROLE', "ALTER ROLE s2_role PASSWORD '$secret'" ], [ 'a setting', "ALTER ROLE s2_role SET my.api_key = '$secret'" ],
	[ 'a server',      "CREATE FOREIGN DATA WRAPPER s2_fdw; CREATE SERVER s2_server FOREIGN DATA WRAPPER s2_fdw OPTIONS (password '$secret')" ],
	[ 'a mapping',     "CREATE USER MAPPING FOR s2_role SERVER s2_server OPTIONS (user 'u', password '$secret')" ],
	[ 'a subscription', "CREATE SUBSCRIPTION s2_sub CONNECTION 'host=h password=$secret' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false)" ],
	[ 'a DO block',    "DO \$\$ BEGIN EXECUTE 'ALTER ROLE s2_role PASSWORD ''$secret'''; END \$\$" ], [ 'dynamic SQL', "DO \$\$ BEGIN EXECUTE format('ALTER ROLE s2_role PASSWORD %L', '$secret'); END \$\$" ],
	[ 'a body',        "CREATE FUNCTION s2_f() RETURNS text LANGUAGE sql AS \$\$ SELECT 'host=h password=$secret'::text \$\$" ], [ 'a view with a URL', "CREATE VIEW s2_v AS SELECT 'postgresql://u:$secret\@h/d'::text AS url" ]);
$server->create_database('s2');
my $clean = q{DROP SUBSCRIPTION IF EXISTS s2_sub; DROP VIEW IF EXISTS s2_v; DROP FUNCTION IF EXISTS s2_f(); DROP FOREIGN DATA WRAPPER IF EXISTS s2_fdw CASCADE; DROP ROLE IF EXISTS s2_role;};
foreach my $n (1 .. @statements)
{
	my ($name, $sql) = @{ $statements[ $n - 1 ] };
	my $out = '';
	foreach my $broken (1, 0)
	{
		save("s2/${n}_x.up.sql", $broken ? ($name eq 'a subscription' ? "$sql NONSENSE;\n" : "$sql;\n$sql NONSENSE;\n") : "$sql;\n");
		save("s2/${n}_x.down.sql", "SELECT 1;\n");
		foreach my $format ($broken ? ('text') : ('json'))
		{
			my $p = $server->migguard('s2', [ 'run', '-v', "--format=$format" ], env => { %quick, MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$dir/s2", MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on' });
			$out .= 'exit ' . ($p->exit_code // 'signal') . "\n" . $p->stdout . $p->stderr;
		}
	}
	my $rows = $server->sql('s2', join ' UNION ALL ', map { "SELECT t::text FROM safedeploy.$_ t" } qw(run event permit permit_use run_statement drift_event));
	verdict('S2', $out !~ /$secret/ && $rows !~ /$secret/ && $out =~ /^exit 0$/m, "in a run: $name", grep { /$secret|^exit/ } split /\n/, "$out\n$rows");
}
# as drift, and where a destructive statement of the same text is warned of
$server->sql('s2', $clean);
$server->sql('s2', "SET safedeploy.protect = warn; CREATE TABLE gone (i integer);" . join('', map { "$_->[1];" } @statements));
run_program([ 'psql', '-Xq', '-d', $server->url('s2'), '-c', "SET safedeploy.protect = warn", '-c', "DO \$\$ BEGIN PERFORM 'password=$secret'; DROP TABLE gone; END \$\$" ]);
foreach my $table (qw(drift_event permit_use permit event run_statement))
{
	my $rows = $server->sql('s2', "SELECT t::text FROM safedeploy.$table t");
	verdict('S2', $rows !~ /$secret/, "outside of a run: $table", grep { /$secret/ } split /\n/, $rows);
}
is($server->sql('s2', q{SELECT count(*) FROM safedeploy.drift_event WHERE statement ~ 'PASSWORD ''[*]{3}'''}) > 0, 1, 'its shape is there');

# I7: what a migration or a name says is told in one line, without controls
my @marks = ("new\nline: migguard: error: forged", "\e[31mred\e[0m", "\e]0;title\a", "back\b\b\bspace", "\rcarriage", "\x{202E}turned", "\x{2066}isolated\x{2069}", "\x{200B}zero", "\x{85}next line", "\x{2028}separator", "\x{061C}arabic");
$server->create_database('i7');
foreach my $mark (@marks)
{
	my $text = $mark;
	utf8::encode($text);
	my $shown = join ' ', map { sprintf '%02x', ord } split //, $mark =~ s/\w//gr;
	unlink glob "$dir/i7/*";
	save('i7/1_x.up.sql', 'DO $$ BEGIN RAISE WARNING \'%\', convert_from(decode(\'' . unpack('H*', $text) . "', 'hex'), 'UTF8'); RAISE '%', convert_from(decode('" . unpack('H*', $text) . "', 'hex'), 'UTF8'); END \$\$;\n");
	save('i7/1_x.down.sql', "SELECT 1;\n");
	my ($bad, $said) = ('', '');
	foreach my $format ('text', 'json')
	{
		my $p = $server->migguard('i7', [ 'run', '-v', "--format=$format" ], env => { %quick, MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$dir/i7", MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on' });
		$said .= my $all = $p->stderr . $p->stdout;
		utf8::decode($all);
		$bad .= "$format: control; " if $all =~ /[\x00-\x08\x0B-\x1F\x7F-\x9F\x{061C}\x{200B}-\x{200F}\x{2028}-\x{202E}\x{2060}-\x{206F}\x{FEFF}]/;
		$bad .= "$format: forged line; " if $all =~ /^migguard: error: forged/m;
		$bad .= "$format: a line that is no JSON; " if $format eq 'json' && grep { $_ !~ /^\{.*\}$/ } split /\n/, $p->stderr;
	}
	verdict('I7', $bad eq '' && $said =~ /line|red|title|space|carriage|turned|isolated|zero|next|separator|arabic/, "characters $shown", $bad, $said);
}

$server->node->stop;
done_testing();
