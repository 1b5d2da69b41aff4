# snapshot and diff: take, list, export, import, compare.
use strict;
use warnings;

use File::Temp;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('cli_snapshot');
my $dir    = File::Temp->newdir;
$server->create_database('app');
$server->create_database('other');

sub guard { my ($database, @arguments) = @_; return $server->migguard($database, \@arguments, cwd => "$dir"); }
sub save
{
	my ($name, $text) = @_;
	open my $handle, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle;
	return;
}

is(guard('app', 'snapshot', '--list')->stdout, "no snapshots yet\n", 'no snapshots');
$server->sql('app', q{CREATE TABLE "t""a'b	ä" (id integer PRIMARY KEY, note text); CREATE TABLE keep (id integer)});
my $run = guard('app', 'snapshot', '--label', "fir\nst");
exit_is($run, 0, 'snapshot');
my ($id, $fingerprint) = $run->stdout =~ /^snapshot (\d+)  ([0-9a-f]{64})$/;
ok(defined $id, 'prints id and fingerprint');
is($fingerprint, $server->fingerprint('app'), 'the fingerprint of the schema');
$run = guard('app', 'snapshot', '--list');
is(scalar(split /\n/, $run->stdout), 2, 'the list has one line');
is(scalar @{ decode_json(guard('app', 'snapshot', '--list', '--format=json')->stdout)->{snapshots} }, 1, 'as JSON too');
like($run->stdout, qr/^$id .*fir\\nst/m, 'with its label');

exit_is(guard('app', 'diff', $id), 0, 'nothing differs');
is(guard('app', 'diff', $id)->stdout, "no differences\n", 'and it says so');
$server->sql('app', q{ALTER TABLE keep ADD COLUMN "ne\w	x" integer; DROP TABLE "t""a'b	ä"; CREATE VIEW v AS SELECT 1 AS one});
$run = guard('app', 'diff', $id);
exit_is($run, 30, 'a difference');
like($run->stdout, qr/^table public\.keep$/m, 'grouped by object');
unlike($run->stdout, qr/\e/, 'without colours');
my $diff = decode_json(guard('app', 'diff', $id, 'live', '--format=json')->stdout);
ok(!$diff->{equal}, 'as JSON');
my %ops = map { ("$_->{op} $_->{kind}" => $_) } grep { $_->{class} eq 'real' } @{ $diff->{changes} };
ok($ops{'drop table'} && $ops{'add column'} && $ops{'add view'}, 'with every change') or diag(join ', ', keys %ops);

# On a terminal, made by script(1), there are colours, unless they are not wanted.
foreach my $case ([ {}, '', 1 ], [ { NO_COLOR => 1 }, '', 0 ], [ {}, '--no-color', 0 ], [ { TERM => 'dumb' }, '', 0 ])
{
	my ($env, $option, $coloured) = @$case;
	my $terminal = run_program([ 'script', '-qec', SafeDeployTest::migguard_program() . " diff $option $id", '/dev/null' ],
		env => { TERM => 'xterm', DATABASE_URL => $server->url('app'), NO_COLOR => undef, %$env });
	like($terminal->stdout, qr/keep/, 'diff on a terminal');
	is(($terminal->stdout =~ /\e\[/) ? 1 : 0, $coloured, $coloured ? 'with colours' : 'without colours: ' . join ' ', %$env, $option);
}

my $second = decode_json(guard('app', 'snapshot', '--format=json')->stdout)->{id};
exit_is(guard('app', 'diff', $id, $second), 30, 'two stored ones');
exit_is(guard('app', 'diff', $second, $second), 0, 'one with itself');
$server->sql('app', q{COMMENT ON TABLE keep IS 'x'});
$run = guard('app', 'diff', $second);
exit_is($run, 0, 'a comment is no real difference');
like($run->stdout, qr/comment/i, 'but is shown');
exit_is(guard('app', 'diff', '--strict', $second), 30, 'and counts with --strict');
$run = guard('app', 'diff', '--facets', 'core, security', '--strict', $second);
exit_is($run, 0, '--facets leaves it out') or diag($run->stdout);

$run = guard('app', 'snapshot', '--export', $id);
exit_is($run, 0, 'export');
my @lines = split /\n/, $run->stdout;
is(scalar(grep { eval { decode_json($_); 1 } } @lines), scalar @lines, 'every line is JSON');
save('first.jsonl', $run->stdout);
my $before = $server->sql('app', 'SELECT count(*) FROM safedeploy.snapshot');
exit_is(guard('app', 'diff', $id, 'first.jsonl'), 0, 'a file equals what it came from');
exit_is(guard('app', 'diff', 'first.jsonl', 'live'), 30, 'a file and the schema as it is');
exit_is(guard('app', 'diff', 'live', 'first.jsonl'), 30, 'and the other way round');
is($server->sql('app', 'SELECT count(*) FROM safedeploy.snapshot'), $before, 'a comparison leaves nothing behind');

$run = guard('other', 'snapshot', '--import', 'first.jsonl');
exit_is($run, 0, 'import elsewhere');
like($run->stdout, qr/^snapshot \d+  $fingerprint$/, 'with the same fingerprint');
my ($imported) = $run->stdout =~ /^snapshot (\d+)/;
$run = guard('other', 'snapshot', '--export', $imported);
my ($header) = map { my $h = decode_json($_); delete $h->{id}; $h } $lines[0];
is(join("\n", (split /\n/, $run->stdout)[ 1 .. $#lines ]), join("\n", @lines[ 1 .. $#lines ]), 'exported again it is the same');

save('cut.jsonl', join("\n", @lines[ 0 .. $#lines - 1 ]) . "\n");
my $stored = $server->sql('other', 'SELECT count(*) FROM safedeploy.snapshot');
$run = guard('other', 'snapshot', '--import', 'cut.jsonl');
exit_is($run, 65, 'a file without its end');
like($run->stderr, qr/SQLSTATE SD221/, 'is not complete');
(my $forged = join "\n", @lines) =~ s/"integer"/"bigint"/;
save('forged.jsonl', "$forged\n");
$run = guard('other', 'snapshot', '--import', 'forged.jsonl');
exit_is($run, 65, 'a forged file') or diag($forged);
save('junk.jsonl', "this is not JSON\n");
exit_is(guard('other', 'snapshot', '--import', 'junk.jsonl'), 65, 'a file of something else');
save('empty.jsonl', '');
exit_is(guard('other', 'snapshot', '--import', 'empty.jsonl'), 65, 'an empty file');
is($server->sql('other', 'SELECT count(*) FROM safedeploy.snapshot'), $stored, 'none of them is stored');

foreach my $case ([ 'snapshot', '--export', 99999 ], [ 'diff', 99999 ], [ 'diff', 1, 99999 ])
{
	$run = guard('app', @$case);
	exit_is($run, 65, "@$case");
	like($run->stderr, qr/SQLSTATE SD220/, 'says that it is not there');
}
$run = guard('app', 'diff', 'no-such-file');
exit_is($run, 65, 'neither id nor file');
like($run->stderr, qr/is no id or label of a snapshot, no file, no connection string/, 'says so');
exit_is(guard('app', 'snapshot', '--drop', $second), 0, 'drop');
unlike(guard('app', 'snapshot', '--list')->stdout, qr/^$second /m, 'it is gone');

done_testing();
