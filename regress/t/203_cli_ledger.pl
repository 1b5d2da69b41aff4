# history, show and lock.
use strict;
use warnings;

use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server   = SafeDeployTest->new('cli_ledger');
my $database = qq{l"ed'ger\nä};
$server->create_database($database);

sub as_json { return decode_json($_[0]->stdout); }

my $run = $server->migguard($database, ['history']);
exit_is($run, 0, 'history of an empty ledger');
is($run->stdout, "no runs yet\n", 'says so');
is_deeply(as_json($server->migguard($database, [ 'history', '--format=json' ])), { runs => [] }, 'as JSON too');

my $first = '11111111-0000-4000-8000-000000000001';
my $other = '11111111-0000-4000-8000-000000000002';
my $third = '22222222-0000-4000-8000-000000000003';
sub begin
{
	my ($id, $tool) = @_;
	return $server->sql($database, "SELECT safedeploy.begin_run('$id', 'run', " . quote_literal($tool) . ", 'default', 'r1', 'r2', NULL, '{\"host\": \"h\"}')");
}
begin($first, "al\ne\e[31mmbic");
$server->sql($database, <<"SQL");
SELECT safedeploy.record_event('$first', 'preflight', 'begin');
SELECT safedeploy.record_event('$first', 'preflight', 'failed', E'line one\\nline \\033[31m two', '{"a": [1, 2.50]}');
SELECT safedeploy.end_run('$first', 'refused_preflight', 10, 'refused');
SQL
begin($other, 'flyway');
$server->sql($database, "SELECT safedeploy.record_event('$other', 'migrate', 'begin')");
begin($third, 'sql');
$server->sql($database, "SELECT safedeploy.end_run('$third', 'done', 0)");

$run = $server->migguard($database, ['history']);
exit_is($run, 0, 'history');
my @lines = split /\n/, $run->stdout;
is(scalar @lines, 4, 'one line a run and a title, whatever the names hold');
like($lines[1], qr/^22222222 .* done +0 /, 'newest first');
like($lines[2], qr/^11111111 .* flyway .*\(in migrate\)/, 'one without an end shows its state');
like($lines[3], qr/al\\ne\\x1b\[3~ .*refused_preflight +10 /, 'control characters are shown, not sent');
unlike($run->stdout, qr/\e/, 'no colour off a terminal');
my $runs = as_json($server->migguard($database, [ 'history', '--format=json', '-n', '2' ]))->{runs};
is_deeply([ map { $_->{run_id} } @$runs ], [ $third, $other ], '--limit');
is($runs->[0]{exit_code}, 0, 'numbers are numbers');
is($runs->[1]{result}, undef, 'null is null');
like($runs->[0]{started_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d$/, 'times are ISO 8601');
is(scalar @{ as_json($server->migguard($database, [ 'history', '--format=json', '-n0' ]))->{runs} }, 3, '--limit 0 is all');

$run = $server->migguard($database, [ 'show', '2' ]);
exit_is($run, 0, 'show by a prefix');
like($run->stdout, qr/^run: +$third$/m, 'the run');
$run = $server->migguard($database, [ 'show', $first ]);
like($run->stdout, qr/^ +\d+ .* preflight +failed +line one\\nline \\x1b\[31m two$/m, 'an event is one line');
like($run->stdout, qr/^exit code: +10$/m, 'its exit code');
my $shown = as_json($server->migguard($database, [ 'show', $first, '--format=json' ]));
is_deeply([ map { $_->{state} } @{ $shown->{events} } ], [ 'begin', 'preflight', 'preflight', 'end' ], 'all events, in order');
is_deeply($shown->{events}[2]{detail}, { a => [ 1, 2.5 ] }, 'details are JSON');
is($shown->{client}{host}, 'h', 'the client');
like($server->migguard($database, [ 'show', substr($other, 0, 36) ])->stdout, qr/^took: +it has no end/m, 'a run without an end');
$run = $server->migguard($database, [ 'show', '1111' ]);
exit_is($run, 65, 'a prefix of two runs');
like($run->stderr, qr/more than one run/, 'is refused');
like($run->stderr, qr/detail: \Q$other\E.*\n.*detail: \Q$first\E/, 'and both are named');
$run = $server->migguard($database, [ 'show', 'abc' ]);
exit_is($run, 65, 'an unknown run');
like($run->stderr, qr/no run has an id that begins with "abc" \(SQLSTATE SD210\)/, 'with its SQLSTATE');

$run = $server->migguard($database, ['lock']);
exit_is($run, 0, 'lock without holders');
is($run->stdout, "no lock is held\n", 'says so');
my $name   = qq{lo"ck\n';ä};
my $holder = $server->node->background_psql($database);
my $token = $holder->query_safe('SELECT safedeploy.try_lock(' . quote_literal($name) . q{, 'why not')});
like($token, qr/^\d+$/, 'another session takes a lock');
$run = $server->migguard($database, ['lock']);
like($run->stdout, qr/^lo"ck\\n';\xc3\xa4 .* why not$/m, 'the holder is listed, in one line');
my $locks = as_json($server->migguard($database, [ 'lock', '--format=json' ]))->{locks};
is(scalar @$locks, 1, 'as JSON');
is($locks->[0]{token}, $token, 'with its token');
$run = $server->migguard($database, [ 'lock', '--break', 'not held', '--reason', 'test' ]);
exit_is($run, 0, 'breaking a lock that nobody holds');
is($run->stdout, qq{nobody held lock "not held"\n}, 'says so');
$run = $server->migguard($database, [ 'lock', '--break', $name, '--reason', "he's gone" ]);
exit_is($run, 0, 'breaking a lock');
is($run->stdout, qq{lock "lo"ck\\n';\xc3\xa4" is free now\n}, 'says so');
is($server->sql($database, 'SELECT count(*) FROM safedeploy.lock_holders'), 0, 'nobody holds it');
like($server->migguard($database, ['history'])->stdout, qr/break_lock/, 'and it is in the ledger');
$holder->{run}->finish;
is(as_json($server->migguard($database, [ 'lock', '--break', 'not held', '--reason', 'test', '--format=json' ]))->{broken}, JSON::PP::false, 'as JSON');

# the ledger as a whole
my ($head) = $server->migguard($database, ['ledger'])->stdout =~ /^the ledger is intact in itself\nledger head: +(\S+)$/m;
ok($head, 'a ledger that nobody has changed');
$run = $server->migguard($database, [ 'ledger', '--head', $head, '--format=json' ]);
exit_is($run, 0, 'nor cut off');
is(as_json($run)->{kept_head}, $head, 'as JSON');
like($server->migguard($database, [ 'ledger', '--head', $head ])->stdout, qr/^the ledger is intact, and contains the head that was kept$/m, 'and as text');

done_testing();
