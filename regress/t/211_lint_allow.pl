# lint: what is allowed by comments, known by a baseline, or weighed by the configuration; rules and explain.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp;
use FindBin;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('lint_allow', conf => "track_counts = off\nlock_timeout = '1min'");
$server->create_database('app');
$server->sql('app', 'CREATE TABLE t AS SELECT 1 AS id, 1 AS b; CREATE TABLE u AS SELECT 1 AS id; CREATE TABLE v AS SELECT 1 AS id; ANALYZE;');
my $dir = File::Temp->newdir;

sub file { my ($name, $text) = @_; write_file("$dir/$name", $text); return $name; }
sub slurp { return SafeDeployTest::Process::slurp("$dir/$_[0]"); }
sub lint { my ($arguments, %opt) = @_; return $server->migguard('app', [ 'lint', @$arguments ], cwd => "$dir", %opt); }

# findings(TEXT...): "line rule state" of each, without the rule about all of the scripts' tables together
sub findings
{
	my ($text, @arguments) = @_;
	my $json = decode_json(lint([ @arguments, '--format=json', '-' ], stdin => $text)->stdout);
	return map { "$_->{line} $_->{rule} $_->{state}" } grep { $_->{rule} ne 'multi-table-ax' } @{ $json->{findings} };
}
sub found { my ($text, $want, $name) = @_; return is_deeply([ findings($text) ], $want, $name); }

found("-- safedeploy: allow drop-table: why\nDROP TABLE t;\nDROP TABLE u;\n", [ '2 drop-table allowed', '3 drop-table open' ], 'the line before allows one statement');
found("DROP TABLE t; -- safedeploy: allow drop-table: why\nDROP TABLE u;\n", [ '1 drop-table allowed', '2 drop-table open' ], 'behind a statement');
found("DROP TABLE t; DROP TABLE u; -- safedeploy: allow drop-table: why\nDROP TABLE v;\n",
	[ '1 drop-table allowed', '1 drop-table allowed', '2 drop-table open' ], 'behind two of them');
found("DROP TABLE\n  t\n; -- safedeploy: allow drop-table: why\nDROP TABLE u;\n", [ '1 drop-table allowed', '4 drop-table open' ], 'behind its last line');
found("DROP TABLE v; DROP TABLE\n  t; -- safedeploy: allow drop-table: why\n", [ '1 drop-table open', '1 drop-table allowed' ], 'one that ended before that line is not meant');
found("DROP TABLE\n  -- safedeploy: allow drop-table: why\n  t;\nDROP TABLE u;\n", [ '1 drop-table allowed', '4 drop-table open' ], 'in a statement');
found("/* safedeploy: allow\n   drop-table: why */ DROP TABLE t;\nDROP TABLE u;\n", [ '2 drop-table allowed', '3 drop-table open' ], 'in front of it on its line, in two lines');
found("\xef\xbb\xbf-- SafeDeploy:allow drop-table:why\r\nDROP TABLE t;\r\n", ['2 drop-table allowed'], 'with a byte order mark and CRLF');
found("-- safedeploy: allow drop-table: why\n\n-- and more of it\nDROP TABLE t;\n", ['4 drop-table allowed'], 'other comments in between');
found("-- safedeploy: allow drop-table, missing-object: why\nDROP TABLE t;\n-- safedeploy: allow missing-object: why\nDROP TABLE gone;\n",
	[ '1 allow-unused open', '2 drop-table allowed', '4 drop-table open', '4 missing-object allowed' ], 'several rules');
found("DROP TABLE t;\n-- safedeploy: allow-file drop-table: why\nDROP TABLE u;\n", [ '1 drop-table allowed', '3 drop-table allowed' ], 'a whole file');
found("-- safedeploy: allow-file drop-table: why\n\\echo it\nDROP TABLE t;\n", [ '2 unanalysable open', '3 drop-table allowed' ], 'in front of a psql command');
found("SELEC 1; -- safedeploy: allow syntax-error: why\n", ['1 syntax-error allowed'], 'what does not parse');

# no comment
my $words = '-- safedeploy: allow drop-table: why';
found("SELECT '\n$words\n';\nDROP TABLE t;\n", ['4 drop-table open'], 'a string is no comment');
found("DO \$\$ BEGIN\n$words\nNULL; END \$\$;\nDROP TABLE t;\n", ['4 drop-table open'], 'nor is a dollar quote');
is_deeply([ grep { /drop-table|allow-/ } findings("COPY t FROM stdin;\n$words\n\\.\nDROP TABLE t;\n") ], ['4 drop-table open'], 'nor COPY data');
is_deeply([ grep { /drop-table|allow-/ } findings("\\echo $words\nDROP TABLE t;\n") ], ['2 drop-table open'], 'nor a psql command');
found("SELECT 1 AS \"\n$words\n\";\nDROP TABLE t;\n", ['4 drop-table open'], 'nor a name');

# what is wrong with a comment
found("-- safedeploy: allow drop-table\nDROP TABLE t;\n", [ '1 allow-without-reason open', '2 drop-table open' ], 'without a reason nothing is allowed');
found("-- safedeploy: allow drop-table:   \nDROP TABLE t;\n", [ '1 allow-without-reason open', '2 drop-table open' ], 'nor with an empty one');
found("-- safedeploy: allow drop-tabel: why\nDROP TABLE t;\n", [ '1 allow-unknown-rule open', '2 drop-table open' ], 'an unknown rule');
like(lint(['-'], stdin => "-- safedeploy: allow drop-tabel: why\nSELECT 1;\n")->stdout, qr/hint: Did you mean "drop-table"\?/, 'the nearest is named');
found("-- safedeploy: allow drop-column: why\nDROP TABLE t;\n", [ '1 allow-unused open', '2 drop-table open' ], 'one that is not needed');
found("DROP TABLE t;\n-- safedeploy: allow drop-table: why\n", [ '1 drop-table open', '2 allow-unused open' ], 'one that stands behind everything');
found("-- safedeploy: disable drop-table\n-- safedeploy:\n-- safedeploy: allow : why\n-- safedeploy: allow\nSELECT 1;\n",
	[ map { "$_ allow-malformed open" } 1 .. 4 ], 'one that is not understood');
found("-- safedeploy: allow-file allow-unused: why\n-- safedeploy: allow drop-table: why\nSELECT 1;\n",
	[ '1 allow-unused open', '2 allow-unused open' ], 'no comment allows another');
found("-- safedeploy: allow-file allow-without-reason: why\n-- safedeploy: allow drop-table\nSELECT 1;\n",
	[ '1 allow-unused open', '2 allow-without-reason open' ], 'nor that one has no reason');
found("-- the safedeploy: allow words elsewhere\n-- about safedeploy\nSELECT 1;\n", [], 'a comment that speaks of it');
exit_is(lint(['-'], stdin => "$words\nDROP TABLE t;\n"), 0, 'what is allowed does not fail');
my $run = lint(['-'], stdin => "$words\nDROP TABLE t;\n");
is($run->stdout, "no findings, 1 allowed\n", 'but is counted');
like(lint([ '--all', '-' ], stdin => "$words\nDROP TABLE t;\n")->stdout, qr/^<stdin>:2:1: error: .*\[drop-table\] \(allowed by line 1: why\)$/m, 'and shown by --all');

# thresholds
file('warn.sql', "CREATE INDEX ON t (id);\nDROP TABLE u;\n");
my %exit = (error => 13, never => 0, info => 13);
exit_is(lint([ "--fail-on=$_", 'warn.sql' ]), $exit{$_}, "--fail-on=$_") foreach sort keys %exit;
unlike(lint([ '--min-severity=error', 'warn.sql' ])->stdout, qr/create-index/, '--min-severity leaves out');
like(lint([ '--min-severity=error', 'warn.sql' ])->stdout, qr/drop-table/, 'what is below it');
exit_is(lint([ '--fail-on=loud', 'warn.sql' ]), 64, 'an unknown severity');

# severities of the configuration
sub with_rules { my ($ini, $file) = @_; file('migguard.ini', $ini); my $p = lint([ '--format=json', $file ]); unlink "$dir/migguard.ini"; return $p; }
sub severities { my ($ini, $file) = @_; my $p = with_rules($ini, $file); return { map { $_->{rule} => $_->{severity} } @{ decode_json($p->stdout)->{findings} } }; }
make_path("$dir/old/deep");
file("old/deep/$_.sql", "DROP TABLE t;\n") foreach 'a', 'b';
is(severities("[rules]\ndrop-table = notice\n", 'warn.sql')->{'drop-table'}, 'notice', '[rules] sets a severity');
ok(!severities("[rules]\ndrop-table = off\n", 'warn.sql')->{'drop-table'}, 'or switches a rule off');
exit_is(with_rules("[rules]\ndrop-table = notice\n", 'warn.sql'), 0, 'which then does not fail');
is(severities(qq{[rules]\ndrop-table = notice\n[rules "old/*"]\ndrop-table = info\n}, 'old/deep/a.sql')->{'drop-table'}, 'info', '[rules "GLOB"] is for some files');
is(severities(qq{[rules]\ndrop-table = notice\n[rules "old/*"]\ndrop-table = info\n}, 'warn.sql')->{'drop-table'}, 'notice', 'and for no others');
my $long = 'old/*/' . ('?' x 0) . '{' . ('x' x 60) . '}';
is(severities(qq{[rules "$long"]\ndrop-table = info\n[rules "old/*[ab].sql"]\ndrop-table = warning\n}, 'old/deep/b.sql')->{'drop-table'}, 'warning', 'long globs, and brackets in them');
file('migguard.ini', qq{[rules "deep/*"]\ndrop-table = info\n}) && rename("$dir/migguard.ini", "$dir/old/m.ini");
like(lint([ '--config=old/m.ini', 'old/deep/a.sql' ])->stdout, qr/: info: /, 'a glob is also taken from where the settings are');
$run = with_rules("[rules]\ndrop-tabel = off\n", 'warn.sql');
exit_is($run, 65, 'an unknown rule in the settings');
like($run->stderr, qr/migguard\.ini:2: unknown rule "drop-tabel"/, 'has its place');
like($run->stderr, qr/Did you mean "drop-table"\?/, 'and the nearest');
foreach my $wrong ([ "[rules]\ndrop-table = loud\n", qr/invalid severity of rule "drop-table": "loud"/ ],
	[ "[rules]\ndrop-table = off\ndrop-table = info\n", qr/is given twice/ ], [ "[rules old]\ndrop-table = off\n", qr/section \[rules old\] is not understood/ ],
	[ "[rule]\ndrop-table = off\n", qr/Did you mean \[rules\]\?/ ])
{
	$run = with_rules($$wrong[0], 'warn.sql');
	exit_is($run, 65, "refused: $$wrong[0]");
	like($run->stderr, $$wrong[1], 'and it is said why');
}
is_deeply([ grep { /allow/ } map { $_->{rule} } @{ decode_json(do { file('off.sql', "-- safedeploy: allow drop-table: why\nDROP TABLE t;\n"); with_rules("[rules]\ndrop-table = off\n", 'off.sql')->stdout })->{findings} } ],
	[], 'allowing what is switched off is not unused');

# a rule that is off by itself
my ($quiet) = grep { $_->{severity} eq 'off' } @{ decode_json(lint_rules('--format=json')->stdout) };
sub lint_rules { return $server->migguard(undef, [ 'rules', @_ ], cwd => "$dir"); }
ok($quiet, 'a rule is off by itself') or die 'no rule is off by itself';
{
	my ($case) = slurp_fixture($quiet->{rule}) =~ /^-- fires[^\n]*\n(.*?)(?=^-- |\z)/ms;
	my ($setup) = slurp_fixture($quiet->{rule}) =~ /^-- setup[^\n]*\n(.*?)(?=^-- )/ms;
	$server->create_database('quiet');
	$server->sql('quiet', $setup) if defined $setup;
	file('quiet.sql', $case);
	file('other.sql', $case);
	my $look = sub { my ($ini) = @_; file('q.ini', $ini); return map { "$_->{file} $_->{severity}" } grep { $_->{rule} eq $quiet->{rule} } @{ decode_json($server->migguard('quiet', [ 'lint', '--config=q.ini', '--format=json', 'quiet.sql', 'other.sql' ], cwd => "$dir")->stdout)->{findings} }; };
	is_deeply([ $look->('') ], [], "$quiet->{rule} is off");
	my @on = $look->("[rules]\n$quiet->{rule} = warning\n");
	ok(scalar(grep { $_ eq 'quiet.sql warning' } @on), 'a severity switches it on') or diag("@on");
	my @one = $look->(qq{[rules "quiet.sql"]\n$quiet->{rule} = warning\n});
	is_deeply([ map { s/ .*//r } @one ], [ grep { !/other/ } map { s/ .*//r } @on ], 'for some files only, too');
}
sub slurp_fixture { my ($rule) = @_; open my $handle, '<', "$FindBin::Bin/../fixtures/rules/$rule.sql" or die "$rule: $!"; local $/; return scalar <$handle>; }

# the baseline
file('one.sql', "DROP TABLE t;\nDROP TABLE t;\n");
file('two.sql', "CREATE INDEX ON u (id);\n");
$run = lint([ '--write-baseline', 'one.sql' ]);
exit_is($run, 64, '--write-baseline needs a file');
exit_is(lint([ '--baseline=base.json', 'one.sql' ]), 65, 'a baseline that is not there');
exit_is(lint([ '--baseline=base.json', '--write-baseline', 'one.sql', 'two.sql' ]), 0, 'it is written');
my $base = slurp('base.json');
$run = lint([ '--baseline=base.json', '--fail-on=info', 'one.sql', 'two.sql' ]);
exit_is($run, 0, 'what is known does not fail');
like($run->stdout, qr/^no findings, \d+ known$/m, 'and is counted');
file('one.sql', "-- moved\n\nSELECT 1;\ndrop   table t;\nDROP TABLE /* it */ T;\n");
exit_is(lint([ '--baseline=base.json', 'one.sql' ]), 0, 'lines, case and comments may change');
like(lint([ q{--baseline=base.json}, q{--all}, q{one.sql} ])->stdout, qr{^one\.sql:4:1: error: .*\[drop-table\] \(known\)$}m, q{--all shows it});
file('one.sql', "DROP TABLE t;\nDROP TABLE t;\nDROP TABLE t;\n");
$run = lint([ '--baseline=base.json', '--format=json', 'one.sql' ]);
exit_is($run, 13, 'one more of the same is new');
is(scalar(grep { $_->{state} eq 'open' && $_->{rule} eq 'drop-table' } @{ decode_json($run->stdout)->{findings} }), 1, 'only that one');
file('one.sql', "DROP TABLE t;\nDROP TABLE u;\n");
$run = lint([ '--baseline=base.json', 'one.sql' ]);
exit_is($run, 13, 'another object is new');
like($run->stdout, qr/^one\.sql: note: gone, but in the baseline: .*\[\S+\]/m, 'what is gone is named');
is(decode_json(lint([ '--baseline=base.json', '--format=json', 'one.sql' ])->stdout)->{vanished}[0]{file}, 'one.sql', 'as JSON too');
unlike($run->stdout, qr/two\.sql/, 'but not what was not looked at');
rename "$dir/two.sql", "$dir/three.sql";
$run = lint([ '--baseline=base.json', 'three.sql' ]);
like($run->stdout, qr/^no findings, \d+ known$/m, 'a file that was renamed is known');
unlike($run->stdout, qr/create-index.*gone|gone.*create-index/, 'and nothing of it is gone');
rename "$dir/three.sql", "$dir/two.sql";
file('one.sql', "DROP TABLE v;\n");
exit_is(lint([ '--baseline=base.json', '--write-baseline', 'one.sql' ]), 0, 'written again');
my @entries = @{ decode_json(slurp('base.json'))->{findings} };
ok(scalar(grep { $_->{path} eq 'two.sql' } @entries), 'what was not looked at stays');
is_deeply([ map { $_->{object} } grep { $_->{path} eq 'one.sql' && $_->{rule} eq 'drop-table' } @entries ], ['public.v'], 'what was is new');
file('bad.json', $_) and exit_is(lint([ '--baseline=bad.json', 'one.sql' ]), 65, "no baseline: " . length $_) foreach 'x', '{}', '{"version":2,"findings":[]}', '{"version":1,"findings":[{"rule":"x"}]}', "\0";
file('allowed.sql', "$words\nDROP TABLE t;\n");
lint([ '--baseline=allowed.json', '--write-baseline', 'allowed.sql' ]);
is_deeply(decode_json(slurp('allowed.json'))->{findings}, [], 'what is allowed need not be known');

# a run
make_path("$dir/m");
file('m/1_drop.up.sql',   "$words\nDROP TABLE u;\n");
file('m/1_drop.down.sql', "CREATE TABLE u (id integer);\n");
my %plain = (MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$dir/m", MIGGUARD_REHEARSE_MODE => 'off', MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off');
$run = $server->migguard('app', ['run'], cwd => "$dir", env => \%plain);
exit_is($run, 0, 'a run goes on with what is allowed');
my ($capture) = grep { $_->{detail} && $_->{detail}{findings} } $server->events('app');
like($run->stderr, qr/drop-table\), allowed in line 1: why/, 'which is said');
like("@{ $capture->{detail}{findings} || [] }", qr/1.*, line 2: error: .* \(drop-table\), allowed in line 1: why/, 'and in the ledger, with its reason') or diag(explain($capture));
file('m/2_new.up.sql',    "CREATE TABLE n (id integer);\n");
file('m/2_new.down.sql',  "DROP TABLE n;\n");
file('m/3_drop.up.sql',   "-- safedeploy: allow drop-table\n\nDROP TABLE v;\n");
file('m/3_drop.down.sql', "CREATE TABLE v (id integer);\n");
$run = $server->migguard('app', ['run'], cwd => "$dir", env => \%plain);
exit_is($run, 13, 'but not without a reason');
like($run->stderr, qr/3.*, line 3: error: .*\(drop-table\)/, 'in the second of two migrations, by its own line');
file('rules.ini', "[rules]\ndrop-table = notice\n");
exit_is($server->migguard('app', [ 'run', '--config=rules.ini' ], cwd => "$dir", env => \%plain), 0, 'a run obeys [rules]');

# rules and explain, without a database
my @rules = @{ decode_json(lint_rules('--format=json')->stdout) };
my %server = map { $_ => 1 } split /\n/, $server->sql('app', 'SELECT rule FROM safedeploy.rules');
is_deeply([ sort grep { !$server{$_} } map { $_->{rule} } @rules ], [qw(allow-malformed allow-unknown-rule allow-unused allow-without-reason
	migration-fails migration-opaque observed-differs observed-drop observed-lock observed-opaque observed-rewrite observed-scan placeholder-unknown)],
	'rules: those of the server, of the comments, of rehearsals and of lint');
is_deeply([ grep { my $r = $_; !grep { $_->{rule} eq $r } @rules } sort keys %server ], [], 'all of them');
like(lint_rules()->stdout, qr/^drop-table +drop +error +a table is dropped/m, 'as a table');
file('rules.ini', "[rules]\ndrop-table = notice\n");
like(lint_rules('--config=rules.ini')->stdout, qr/^drop-table +drop +notice /m, 'with the severity that is set');
sub explain_rule { return $server->migguard(undef, [ 'explain', @_ ], cwd => "$dir"); }
my @silent = grep { my $p = explain_rule($_); $p->exit_code != 0 || $p->stdout !~ /^Why\n    \w.*^Safer way\n    \w/ms || $p->stdout !~ /^it fires: .*\n    \S.*^it does not: /ms } sort keys %server;
is_deeply(\@silent, [], 'explain: every rule with why, a safer way and an example of either kind');
like(explain_rule('drop-column')->stdout, qr/^    -- safedeploy: allow drop-column: the reason$/m, 'and how to allow it');
like(explain_rule('--config=rules.ini', 'drop-table')->stdout, qr/notice \(usually error\), by rules\.ini:2/, 'with the severity that is set');
$run = explain_rule('drop-tabel');
exit_is($run, 64, 'an unknown rule');
like($run->stderr, qr/there is no rule "drop-tabel".*Did you mean "drop-table"\?/s, 'with the nearest');
unlike(explain_rule('zzz')->stderr, qr/Did you mean/, 'when one is near');
exit_is(explain_rule(), 64, 'no rule');
is(decode_json(explain_rule('--format=json', 'drop-table')->stdout)->{example}{fires}, 'DROP TABLE t;', 'JSON too');

done_testing();
