# Help, version and wrong usage of migguard; no server is needed.
use strict;
use warnings;

use JSON::PP;
use SafeDeployTest;
use Test::More;

my $migguard = SafeDeployTest::migguard_program();

sub run_plain { return run_program([ $migguard, @_ ], env => { DATABASE_URL => undef, PGHOST => '/nonexistent' }); }

my $p = run_plain('--help');
exit_is($p, 0, '--help');
like($p->stdout, qr/^Usage:\n  migguard \[OPTION\]/m, 'shows the usage');
is($p->stderr, '', 'and nothing on stderr');
my @commands = $p->stdout =~ /^  ([a-z]+) {2,}\S/mg;
ok(@commands >= 9, 'lists the commands');
foreach my $command (@commands)
{
	my $help = run_plain($command, '--help');
	exit_is($help, 0, "$command --help");
	like($help->stdout, qr/^migguard $command: .+\.\n\nUsage:\n  migguard $command /, "$command: what it is for");
	like($help->stdout, qr/^Common options:$/m, "$command: common options");
	my @long = grep { length > 100 } split /\n/, $help->stdout;
	is_deeply(\@long, [], "$command: no line is longer than 100 columns");
}
is(run_plain('-?')->stdout, $p->stdout, '-? is --help');
like(run_plain('--version')->stdout, qr/^migguard \(safedeploy\) \d+\.\d+\n$/, '--version');
is(run_plain('-V')->stdout, run_plain('--version')->stdout, '-V is --version');

# Each: arguments, message, hint.
foreach my $case (
	[ [], qr/no command given/, qr/"migguard --help"/ ],
	[ ['histroy'], qr/unknown command "histroy"/, qr/Did you mean "history"\?/ ],
	[ ["bad\n\e[31mname"], qr/unknown command "bad\\n\\x1b\[31mname"/, qr/--help/ ],
	[ ['--nonsense'], qr/unknown option "--nonsense"/, qr/--help/ ],
	[ [ 'history', '--limti=3' ], qr/unknown option "--limti"/, qr/Did you mean "--limit"\? Try "migguard history --help"/ ],
	[ [ 'history', '-Z' ], qr/unknown option "-Z"/, qr/--help/ ],
	[ [ 'history', '--limit' ], qr/option "--limit" needs COUNT/, qr/--help/ ],
	[ [ 'history', '--limit=x' ], qr/invalid value for --limit: "x"/, qr/whole number/ ],
	[ [ 'history', '--quiet=1' ], qr/option "--quiet" takes no argument/, qr/--help/ ],
	[ [ 'history', 'surplus' ], qr/too many arguments, the first is "surplus"/, qr/--help/ ],
	[ [ 'history', '--format', 'xml' ], qr/invalid value for --format: "xml"/, qr/text or json/ ],
	[ [ 'history', '-n' ], qr/option "--limit" needs COUNT/, qr/--help/ ],
	[ [ 'lint', '--changed-since=main', '--git-range=a..b', 'm' ], qr/exclude each other/, qr/work tree/ ],
	[ ['show'], qr/takes one run id/, qr/--help/ ],
	[ [ 'show', "x';--" ], qr/not the beginning of a run id/, qr/history/ ],
	[ ['lint'], qr/no file given/, qr/standard input/ ],
	[ [ 'lint', '--fail-on=fatal', 'x.sql' ], qr/invalid value for run\.fail_on: "fatal"/, qr/Use one of: error warning/ ],
	[ ['diff'], qr/takes one or two snapshots/, qr/live/ ],
	[ [ 'snapshot', '--export', 'seven' ], qr/"seven" is not the id of a snapshot/, qr/--list/ ],
	[ [ 'snapshot', '--export', '0' ], qr/"0" is not the id of a snapshot/, qr/--list/ ],
	[ [ 'snapshot', '--list', '--label=x' ], qr/exclude each other/, qr/--help/ ],
	[ [ 'lock', '--break', 'x' ], qr/--break and --reason belong together/, qr/Say why/ ],
	[ [ 'lock', '--break', 'x', '--reason', '' ], qr/--break and --reason belong together/, qr/Say why/ ],
	[ [ 'runbook', 'a', 'b' ], qr/runbook takes one name/ ],
	[ [ 'runbook', 'nonsense' ], qr/there is no runbook "nonsense"/, qr/"migguard runbook" lists them/ ],
	[ [ 'resume', 'a', 'b' ], qr/resume takes one run|too many arguments/ ],
	[ [ 'rollback', '--run=1', '--to=2' ], qr/options --run and --to exclude each other/ ],
	[ [ 'rollback', '--from-backup', '--to=2' ], qr/options --from-backup and --to exclude each other/ ],
	[ [ 'backup', 'restore', 'x', '--abort' ], qr/--abort takes no backup/ ],
	[ ['backup'], qr/backup needs one of: create, list/, qr/help backup/ ],
	[ [ 'backup', 'list', 'x' ], qr/backup list does not take 1 operand/ ],
	[ [ 'backup', 'create', '--kind=targeted' ], qr/no backup of kind "targeted" can be made so/, qr/name tables by --table/ ],
	[ [ 'status', '--' ], qr/no command follows "--"/, qr/--help/ ])
{
	my ($arguments, $message, $hint) = @$case;
	(my $name = join ' ', @$arguments) =~ s/[^ -~]/?/g;
	my $run = run_plain(@$arguments);
	exit_is($run, 64, "usage: $name");
	like($run->stderr, qr/^migguard: error: .*$message/m, "  message");
	like($run->stderr, qr/^migguard: hint: .*$hint/m,     "  hint") if defined $hint;
	is($run->stdout, '', '  nothing on stdout');
}

ok((grep { $_->{name} eq 'rollback-failed' || ($_->{exit_code} || 0) == 23 } @{ decode_json(run_plain('runbook', '--format=json')->stdout) }), 'runbooks as JSON');
like(decode_json(run_plain('runbook', '23', '--format=json')->stdout)->{text}, qr/migguard/, 'and one of them');

$p = run_plain('history', '--format=json', '--limit=x');
exit_is($p, 64, 'usage error as JSON');
my $error = decode_json($p->stderr);
is($error->{exit_code}, 64, 'with its exit code');
is($error->{level}, 'error', 'and level');

$p = run_program([ '/bin/sh', '-c', 'exec "$0" --help >/dev/full', $migguard ]);
isnt($p->exit_code, 0, 'a full disk is not taken for success');

done_testing();
