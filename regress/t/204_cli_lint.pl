# lint: places, thresholds, standard input, files that are no text.
use strict;
use warnings;

use File::Temp;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('cli_lint', conf => "track_counts = off\nlock_timeout = '1min'");
# The two count positions differently: in characters, and in bytes.
foreach my $database (qw(app ascii))
{
	my $encoding = $database eq 'app' ? 'UTF8' : 'SQL_ASCII';
	$server->create_database($database, options => "TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$server->sql($database, <<'SQL');
CREATE TABLE t AS SELECT generate_series(1, 100000) AS id;
ANALYZE t;
CREATE SCHEMA s;
CREATE TABLE s.hidden (id integer);
SQL
}
my $dir = File::Temp->newdir;

sub file { my ($name, $text) = @_; write_file("$dir/$name", $text); return $name; }
sub lint { my ($arguments, %opt) = @_; return $server->migguard('app', [ 'lint', @$arguments ], cwd => "$dir", %opt); }

file('good.sql', "CREATE TABLE fresh (id integer);\nSELECT 1;\n");
my $run = lint(['good.sql']);
exit_is($run, 0, 'a harmless file');
is($run->stdout, "no findings\n", 'says so');

file('bad.sql', "-- \xc3\xa4\xc3\xb6\n  SELECT 1; /* \xc3\xa4 */ DROP TABLE t;\n");
$run = lint(['bad.sql']);
exit_is($run, 13, 'a dangerous file');
like($run->stdout, qr/^bad\.sql:2:21: error: .* \[drop-table\]$/m, 'file, line and column in characters');
like($server->migguard('ascii', [ 'lint', 'bad.sql' ], cwd => "$dir")->stdout, qr/^bad\.sql:2:21: error: /m, 'also where the server knows no characters');
like($run->stdout, qr/^    hint: /m, 'a hint');
like($run->stdout, qr/^1 error/m, 'a count');
exit_is(lint([ '--fail-on=never', 'bad.sql' ]), 0, '--fail-on=never');
exit_is(lint(['bad.sql'], env => { MIGGUARD_RUN_FAIL_ON => 'never' }), 0, 'the setting behind it');

file('warn.sql', "CREATE INDEX ON t (id);\n");
my $findings = decode_json(lint([ '--format=json', 'warn.sql' ])->stdout);
my %worst = map { $_->{severity} => 1 } @{ $findings->{findings} };
ok(scalar @{ $findings->{findings} }, 'an index that blocks is found');
is($findings->{findings}[0]{file}, 'warn.sql', 'with its file');
is($findings->{findings}[0]{line}, 1, 'line');
is($findings->{findings}[0]{column}, 1, 'column');
foreach my $level (qw(notice warning error))
{
	my %rank = (info => 0, notice => 1, warning => 2, error => 3);
	my ($top) = sort { $b <=> $a } map { $rank{$_} } keys %worst;
	exit_is(lint([ "--fail-on=$level", 'warn.sql' ]), $top >= $rank{$level} ? 13 : 0, "--fail-on=$level");
}

$run = lint(['-'], stdin => "SELEC 1;\nDROP TABLE t;\n");
exit_is($run, 13, 'standard input');
like($run->stdout, qr/^<stdin>:1:1: error: .*syntax error/m, 'a syntax error has its place');
like($run->stdout, qr/^<stdin>:2:1: error: .*\[drop-table\]/m, 'and does not hide the rest');
$run = lint([ 'good.sql', 'bad.sql' ]);
exit_is($run, 13, 'several files');
like($run->stdout, qr/^bad\.sql:/m, 'each by its name');

file('cic.sql', "CREATE INDEX CONCURRENTLY i ON t (id);\n");
like(lint(['cic.sql'])->stdout, qr/\[concurrently-in-transaction\]/, 'in a transaction');
unlike(lint([ '--no-transaction', 'cic.sql' ])->stdout, qr/\[concurrently-in-transaction\]/, '--no-transaction');

# Names are looked up as the session that runs the script would.
file('hidden.sql', "ALTER TABLE hidden ADD COLUMN x integer;\n");
like(lint(['hidden.sql'])->stdout, qr/hidden/, 'a table outside of the search_path is not found');
$server->sql('app', q{ALTER DATABASE app SET search_path = s});
unlike(lint(['hidden.sql'])->stdout, qr/\[missing-object\]/, 'with that search_path it is');
$server->sql('app', 'ALTER DATABASE app RESET search_path');

my $name = file(qq{od"d'\n\xc3\xa4.sql}, 'DROP TABLE t');
$run = lint([$name]);
like($run->stdout, qr/^od"d'\\n\xc3\xa4\.sql:1:1: error/m, 'an odd file name stays in its line');
file('latin.sql', "SELECT 1;\nSELECT '\xe4';\n");
$run = lint(['latin.sql']);
exit_is($run, 65, 'a file that is not UTF-8');
like($run->stderr, qr/error: latin\.sql:2: text is not valid UTF-8/, 'with its line');
$run = lint(['missing.sql']);
exit_is($run, 65, 'a missing file');
like($run->stderr, qr/could not open "missing\.sql": No such file/, 'says so');
exit_is(lint([], stdin => ''), 64, 'no file at all');
is($server->sql('app', q{SELECT count(*) FROM pg_class WHERE relname IN ('t', 'i', 'fresh')}), 1, 'nothing was run');

done_testing();
