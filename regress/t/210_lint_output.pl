# lint: the formats of its reports, each read by what reads it elsewhere: strictly.
use strict;
use warnings;

use File::Temp;
use FindBin;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('lint_output', conf => "track_counts = off\nlock_timeout = '1min'");
$server->create_database('app');
$server->sql('app', <<'SQL');
CREATE TABLE t AS SELECT generate_series(1, 1000) AS id, 1 AS b;
CREATE TABLE "odd, ""name"": 100%
<&> of it" (id integer);
INSERT INTO "odd, ""name"": 100%
<&> of it" VALUES (1);
ANALYZE;
SQL
my $dir = File::Temp->newdir;

sub file { my ($name, $text) = @_; write_file("$dir/$name", $text); return $name; }
sub slurp { return SafeDeployTest::Process::slurp("$dir/$_[0]"); }
sub lint { my ($arguments, %opt) = @_; return $server->migguard('app', [ 'lint', @$arguments ], cwd => "$dir", %opt); }

my $odd_drop = qq{DROP TABLE "odd, ""name"": 100%\n<&> of it";\n};
file('good.sql',  "CREATE TABLE fresh (id integer);\n");
file('bad.sql',   "-- \xc3\xa4\n\tSELECT 1; /* \xc3\xa4 */\tDROP TABLE t;\nALTER TABLE t\n  DROP COLUMN b;\nSELEC 1;\n");
file('odd, 1:2 100%.sql', $odd_drop);

# text: like a compiler, with the source line
my $run = lint([ 'bad.sql', './good.sql' ]);
exit_is($run, 13, 'text');
my $text = $run->stdout;
my ($place) = $text =~ /^(bad\.sql:2:20: error: .*\[drop-table\]\n.*\n.*\n)/m;
is((split /\n/, $place)[1], "    2 |     SELECT 1; /* \xc3\xa4 */    DROP TABLE t;", 'the source line, tabs as blanks');
is((split /\n/, $place)[2], (' ' x 6) . '| ' . (' ' x 25) . '^~~~~~~~~~~~', 'the statement is marked');
like($text, qr/^    3 \| ALTER TABLE t\n      \| \^~~~~~~~~~~~~$/m, 'a statement of several lines, on its first');
like($text, qr/^bad\.sql:5:1: error: .*syntax error.*\n    5 \| SELEC 1;\n      \| \^/m, 'a syntax error');
like($text, qr/^\d+ errors/m, 'a summary');
unlike($text, qr/\033/, 'no colours in a file');
sub on_terminal
{
	my (@arguments) = @_;
	my $python = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
	return run_program([ '/usr/bin/python3', '-c', $python, SafeDeployTest::migguard_program(), 'lint', @arguments ],
		cwd => "$dir", env => { DATABASE_URL => $server->url('app'), TERM => 'xterm', NO_COLOR => undef })->stdout;
}
like(on_terminal('bad.sql'), qr/^bad\.sql:2:20: \033\[31merror\033\[0m: /m, 'but on a terminal');
unlike(on_terminal('--no-color', 'bad.sql'), qr/\033/, 'unless not wanted');
unlike(on_terminal('--output=colors.txt', 'bad.sql') =~ s/.*//rs . slurp('colors.txt'), qr/\033/, 'never in a report');
my $long = 'SELECT ' . join(', ', map { "'value $_'" } 1 .. 200) . '; DROP TABLE t;';
file('long.sql', "$long\n");
($place) = lint(['long.sql'])->stdout =~ /^(long\.sql:1:\d+: error.*\n.*\n.*\n)/m;
my (undef, $line, $mark) = split /\n/, $place;
cmp_ok(length $line, '<', 250, 'a long line is shown in part');
is(substr($line, index($mark, '^'), 12), 'DROP TABLE t', 'and the mark is where it belongs');

# JSON: its keys are documented
$run = lint([ '--format=json', 'bad.sql', 'good.sql' ]);
my $json = decode_json($run->stdout);
is($json->{version}, 1, 'JSON says its version');
is_deeply([ map { $_->{file} } @{ $json->{files} } ], [ 'bad.sql', 'good.sql' ], 'all files are named');
my ($drop) = grep { $_->{rule} eq 'drop-table' } @{ $json->{findings} };
is_deeply([ @$drop{qw(file line column end_line end_column severity family object state)} ],
	[ 'bad.sql', 2, 20, 2, 32, 'error', 'drop', 'public.t', 'open' ], 'a finding');
is($drop->{data_loss}, 'certain', 'with what the server says beside');
my ($column) = grep { $_->{rule} eq 'drop-column' } @{ $json->{findings} };
is_deeply([ @$column{qw(line column end_line end_column)} ], [ 3, 1, 4, 16 ], 'a place of several lines') if $column;
is($json->{failures}, scalar(grep { $_->{severity} eq 'error' } @{ $json->{findings} }), 'failures are counted');
my $docs = do { local (@ARGV, $/) = "$FindBin::Bin/../../docs/how-to/lint.md"; <> };
my %keys = map { $_ => 1 } keys %$json, map({ keys %$_ } @{ $json->{findings} }, @{ $json->{files} }, $json->{count});
is_deeply([ grep { $docs !~ /`$_`/ } sort keys %keys ], [], 'docs/how-to/lint.md has every key');

# SARIF: by the schema of OASIS
my $schema = run_program(["$FindBin::Bin/../lint/sarif-schema"], timeout => 300);
exit_is($schema, 0, 'the schema of SARIF 2.1.0 is there') or die 'no schema';
chomp(my $schema_file = $schema->stdout);
sub check_sarif { return run_program([ "$FindBin::Bin/../lint/check-sarif", $schema_file, "$dir/$_[0]" ]); }
file('broken.sarif', '{"version": "2.1.0", "runs": [{"results": []}]}');
exit_is(check_sarif('broken.sarif'), 1, 'the check of SARIF finds what is wrong');
file('allowed.sql', "-- safedeploy: allow drop-table: <it> \"is\" & was empty\nDROP TABLE t;\n");
$run = lint([ '--format=sarif', '--output=out.sarif', '--quiet', 'bad.sql', 'good.sql', 'odd, 1:2 100%.sql', 'allowed.sql' ]);
exit_is($run, 13, 'SARIF');
is($run->stdout, '', 'nothing on standard output then');
my $check = check_sarif('out.sarif');
is($check->stdout, '', 'is valid by the schema');
exit_is($check, 0, 'all of it');
my $sarif = decode_json(slurp('out.sarif'))->{runs}[0];
my %result = map { ("$_->{ruleId} $_->{locations}[0]{physicalLocation}{artifactLocation}{uri}" => $_) } @{ $sarif->{results} };
ok($result{'drop-table odd%2C%201%3A2%20100%25.sql'}, 'an odd path is a URI');
$drop = $result{'drop-table bad.sql'};
is_deeply($drop->{locations}[0]{physicalLocation}{region}, { startLine => 2, startColumn => 20, endLine => 2, endColumn => 32 }, 'a region');
is($sarif->{tool}{driver}{rules}[ $drop->{ruleIndex} ]{id}, 'drop-table', 'its rule');
is($drop->{level}, 'error', 'its level');
is($result{'drop-table allowed.sql'}{suppressions}[0]{kind}, 'inSource', 'an allowed one is suppressed');
is($result{'drop-table allowed.sql'}{suppressions}[0]{justification}, '<it> "is" & was empty', 'with its reason');
is(scalar(grep { $_->{suppressions} } @{ $sarif->{results} }), 1, 'no other is');

# GitHub: one command a line, escaped as its runner reads it
sub github
{
	my ($line) = @_;
	my ($command, $properties, $message) = $line =~ /^::(\w+) (.*?)::(.*)$/ or return;
	my %property = map { /^(\w+)=(.*)$/ ? ($1 => $2) : () } split /,/, $properties;
	foreach ($message, values %property) { s/%0D/\r/g; s/%0A/\n/g; s/%3A/:/g; s/%2C/,/g; s/%25/%/g; }
	return { command => $command, message => $message, %property };
}
$run = lint([ '--format=github', 'odd, 1:2 100%.sql', 'bad.sql', 'allowed.sql' ]);
my @lines = split /\n/, $run->stdout;
my @commands = map { github($_) } @lines;
is(scalar @commands, scalar @lines, 'GitHub: each line is a command');
my ($odd) = grep { $_->{file} eq 'odd, 1:2 100%.sql' && $_->{title} eq 'drop-table' } @commands;
ok($odd, 'a path with commas, colons and percent');
like($odd->{message}, qr/\nHint: /, 'a message of several lines');
is_deeply([ @$odd{qw(command line endLine)} ], [ 'error', 1, 2 ], 'its lines');
ok(!defined $odd->{col}, 'no columns for several lines');
($drop) = grep { $_->{file} eq 'bad.sql' && $_->{title} eq 'drop-table' } @commands;
is_deeply([ @$drop{qw(line endLine col endColumn)} ], [ 2, 2, 20, 32 ], 'columns in one line');
ok(!grep({ $_->{file} eq 'allowed.sql' } @commands), 'what is allowed is not shown');
my ($syntax) = grep { $_->{title} eq 'syntax-error' } @commands;
is($syntax->{line}, 5, 'a syntax error');

# GitLab: fingerprints stay when lines move, and no two findings share one
sub gitlab { my (@files) = @_; return @{ decode_json(lint([ '--format=gitlab', @files ])->stdout) }; }
my $twice = "DROP TABLE t;\nDROP TABLE t;\nDROP INDEX i;\n";
file('moved.sql', $twice);
my @before = gitlab('moved.sql');
my %seen = map { $_->{fingerprint} => 1 } @before;
is(scalar keys %seen, scalar @before, 'GitLab: each finding has a fingerprint of its own');
file('moved.sql', "-- one\n\n\nSELECT 1;\n" . $twice =~ s/DROP TABLE/drop  table/r);
my @after = gitlab('moved.sql');
is_deeply([ map { $_->{fingerprint} } @after ], [ map { $_->{fingerprint} } @before ], 'the same when lines move');
isnt($after[0]{location}{lines}{begin}, $before[0]{location}{lines}{begin}, 'although they did');
file('moved.sql', $twice =~ s/ t;/ t CASCADE;/gr);
ok(!grep({ $_->{check_name} eq 'drop-table' && $seen{ $_->{fingerprint} } } gitlab('moved.sql')), 'another statement has another');
is_deeply([ grep { !/^(info|minor|major|critical|blocker)$/ } map { $_->{severity} } @before ], [], 'severities that GitLab knows');
is($before[0]{location}{path}, 'moved.sql', 'a path');
is_deeply([ gitlab('good.sql') ], [], 'nothing is an empty list');
is((gitlab("$dir/moved.sql"))[0]{location}{path}, 'moved.sql', 'a full path is shown from the working directory');

# JUnit: well-formed whatever is in it
sub junit
{
	my (@arguments) = @_;
	my $xml = lint([ '--format=junit', @arguments ])->stdout;
	my $p = run_program(["$FindBin::Bin/../lint/xml-to-json"], stdin => $xml);
	exit_is($p, 0, 'XML is well-formed') or diag($xml);
	return decode_json($p->stdout);
}
file("control\x01.sql", qq{DROP TABLE "\x01]]>&lt;";\n$odd_drop});
my $suites = junit('bad.sql', 'good.sql', 'allowed.sql', "control\x01.sql", 'odd, 1:2 100%.sql');
is($suites->{name}, 'testsuites', 'JUnit');
my @suites = @{ $suites->{children} };
is(scalar @suites, 5, 'a suite for each file');
is($suites->{attributes}{tests}, eval { my $n = 0; $n += $_->{attributes}{tests} foreach @suites; $n }, 'tests add up');
foreach my $suite (@suites)
{
	my @cases = @{ $suite->{children} };
	is($suite->{attributes}{tests}, scalar @cases, 'tests are counted');
	is($suite->{attributes}{failures}, scalar(grep { $_->{children}[0] && $_->{children}[0]{name} eq 'failure' } @cases), 'failures are counted');
	is($suite->{attributes}{skipped}, scalar(grep { $_->{children}[0] && $_->{children}[0]{name} eq 'skipped' } @cases), 'skipped ones are counted');
}
is($suites[1]{attributes}{failures}, 0, 'a harmless file passes');
is($suites[2]{children}[0]{children}[0]{attributes}{message}, 'allowed: <it> "is" & was empty', 'the reason why one is skipped');
my ($case) = grep { $_->{attributes}{name} =~ /^drop-table/ } @{ $suites[4]{children} };
like($case->{children}[0]{text}, qr/100%\n<&> of it/, 'text comes through') or diag(explain($case));
is(junit('--fail-on=never', 'bad.sql')->{attributes}{failures}, 0, 'nothing fails when nothing is to fail');

# several at once
$run = lint([ '--format=json', '--output=o.json', '--format', 'github', '--format=junit', '--output', 'o.xml', 'bad.sql' ]);
exit_is($run, 13, 'several formats');
like($run->stdout, qr/\A::/, 'the one without a file goes to standard output');
ok(decode_json(slurp('o.json'))->{findings}, 'each file has its format');
like(slurp('o.xml'), qr/\A<\?xml/, 'the other too');
like(lint([ '--format=json', '--output=o.json', 'bad.sql' ])->stdout, qr/^bad\.sql:2:20/m, 'text is shown when all formats have files');
lint([ '--output=o.txt', 'bad.sql' ]);
like(slurp('o.txt'), qr/^bad\.sql:2:20/m, 'a file without a format is text');
$run = lint([ '--format=json', '--format=sarif', 'bad.sql' ]);
exit_is($run, 64, 'two formats for standard output');
like($run->stderr, qr/two formats are to go to standard output/, 'are refused');
$run = lint([ '--format=xml', 'bad.sql' ]);
exit_is($run, 64, 'an unknown format');
like($run->stderr, qr/Use one of: text, json, sarif, github, gitlab, junit/, 'the known ones are named');
$run = lint([ '--format=json', '--output=missing/o.json', 'bad.sql' ]);
exit_is($run, 65, 'a file that cannot be written');
like($run->stderr, qr{could not write "missing/o\.json": No such file}, 'says so');
$run = lint([ '--format=json', 'missing.sql' ]);
is(eval { decode_json($run->stderr)->{level} }, 'error', 'messages are JSON where the report is') or diag($run->stderr);

done_testing();
