# diff: what can be compared with what, and how it is shown.
use strict;
use warnings;

use File::Temp;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('cli_diff');
my $dir    = File::Temp->newdir;
$server->create_database($_) foreach qw(app other third);
$server->sql('third', 'DROP EXTENSION safedeploy');

sub guard { my ($database, @arguments) = @_; return $server->migguard($database, \@arguments, cwd => "$dir"); }
sub save
{
	my ($name, $text) = @_;
	open my $handle, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle;
	return;
}

my $schema = <<'SQL';
CREATE SCHEMA shop;
CREATE TABLE shop.customer (id bigint PRIMARY KEY, email text);
CREATE TABLE shop.orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES shop.customer, total numeric CHECK (total >= 0), note text);
CREATE INDEX orders_note ON shop.orders (lower(note));
CREATE VIEW shop.open_orders AS
	SELECT o.id, o.total FROM shop.orders o JOIN shop.customer c ON c.id = o.customer_id;
SQL
$server->sql($_, $schema) foreach qw(app other);
my ($first) = guard('app', 'snapshot', '--label', 'start')->stdout =~ /^snapshot (\d+)/;
$server->sql('app', <<'SQL');
CREATE FUNCTION shop.answer() RETURNS integer LANGUAGE plpgsql AS E'BEGIN\n	-- before\n	RETURN 42;\nEND';
SQL
my ($second) = guard('app', 'snapshot', '--label', 'start')->stdout =~ /^snapshot (\d+)/;
$server->sql('app', <<'SQL');
ALTER TABLE shop.orders RENAME total TO amount;
ALTER TABLE shop.orders DROP note;
ALTER TABLE shop.customer ADD phone text;
GRANT SELECT ON shop.customer TO PUBLIC;
CREATE TABLE shop.refund (id serial);
CREATE OR REPLACE FUNCTION shop.answer() RETURNS integer LANGUAGE plpgsql AS E'BEGIN\n	-- before\n	RETURN 43;\nEND';
SQL

# labels: the newest of that name; an id is an id
my $run = guard('app', 'diff', 'start');
exit_is($run, 30, 'by label');
like($run->stderr, qr/see: migguard runbook drift$/m, 'names its page');
my $text = $run->stdout;
is($text, guard('app', 'diff', $second)->stdout, 'it is the newest of that label');
isnt($text, guard('app', 'diff', $first)->stdout, 'not the one before');

# roots under their object, consequences under their root
like($text, qr/^table shop\.orders\n  > Column "total" .* renamed to "amount"\. \[breaking\]\n(?:      ~ .*follows the change of a name\. \[info\]\n){2}/m,
	'what follows is indented under its root');
like($text, qr/^  - Column "note" .*\[destructive, data loss certain\]\n      - Index "orders_note" .*\[caution\]$/m, 'and so is what went along');
like($text, qr/^table shop\.refund\n  \+ .*\[additive\]\n      \+ Sequence /m, 'the sequence of a serial column too');
like($text, qr/^  ~ Function .* has another body\. \[caution\]\n +\\t-- before\n +-\\tRETURN 42;\n +\+\\tRETURN 43;\n/m, 'the lines of a body that changed');
my ($totals) = $text =~ /^(\d+ changes, .*)$/m;
like($totals, qr/^6 changes, 4 more that follow: 1 destructive, 1 security, 1 breaking, 2 caution, 3 additive, 2 info$/, 'totals by severity');
like($text, qr/^data loss: 1 certain, 0 possible$/m, 'and of lost data');

# the same in JSON
my $diff = decode_json(guard('app', 'diff', 'start', '--format', 'json')->stdout);
is_deeply([ sort keys %$diff ], [qw(changes equal new old totals)], 'the members of the JSON');
is_deeply([ sort keys %{ $diff->{changes}[0] } ],
	[ sort qw(seq op kind identity path old new facet class severity data_loss cause confidence summary object hits) ], 'and of a change');
is($diff->{old}, 'start', 'the old side as it was named');
is($diff->{new}, 'live',  'the new one as well');
is($diff->{totals}{changes}, scalar @{ $diff->{changes} }, 'all are counted');
is($diff->{totals}{roots}, scalar(grep { !defined $_->{cause} } @{ $diff->{changes} }), 'roots apart');
is($diff->{totals}{severity}{security}, 1, 'by severity');
is($diff->{totals}{data_loss}{certain}, 1, 'by loss');
my ($rename) = grep { $_->{op} eq 'rename' } @{ $diff->{changes} };
is_deeply($rename->{hits}, [ 'table shop.orders', 'view shop.open_orders' ], 'a rename hits its table and the view over it');
my %seen;
foreach my $change (@{ $diff->{changes} })
{
	$seen{ $change->{seq} } = 1;
	ok(!defined $change->{cause} || $seen{ $change->{cause} }, "change $change->{seq} stands after its cause");
}

# a unified difference of the statements
$run = guard('app', 'diff', '--format', 'unified', 'start');
exit_is($run, 30, 'unified');
my $unified = $run->stdout;
like($unified, qr/^--- table shop\.orders\tstart\n\+\+\+ table shop\.orders\tlive\n@@ -\d+(,\d+)? \+\d+(,\d+)? @@\n/m, 'names both sides');
like($unified, qr/^-.*\btotal\b.*\n(?:.*\n)*?\+.*\bamount\b/m, 'with lines that went and came');
like($unified, qr{^--- /dev/null\n\+\+\+ table shop\.refund\tlive\n@@ -0,0 }m, 'what is new comes out of nothing');
like($unified, qr/^-\tRETURN 42;\n\+\tRETURN 43;$/m, 'bodies keep their tabs');
unlike($unified, qr/\e/, 'no colours in a file');
is(guard('app', 'diff', '--format', 'unified', $second, $second)->stdout, '', 'nothing for equal ones');
exit_is(guard('app', 'diff', '--format', 'unified', $second, $second), 0, 'and the exit code says so');
my $only = guard('app', 'diff', '--format', 'unified', '--facets', 'security', 'start')->stdout;
like($only, qr/^\+.*PUBLIC/m, 'limited to a facet');
unlike($only, qr/amount/, 'it shows no other');
exit_is(guard('app', 'status', '--format', 'unified'), 64, 'other commands have no such format');

# databases by connection string
my $other = $server->url('other');
$run = guard('app', 'diff', $other);
exit_is($run, 30, 'another database with the configured one');
$diff = decode_json(guard('app', 'diff', $other, '--format=json')->stdout);
is_deeply([ grep { $_->{confidence} ne 'textual' } @{ $diff->{changes} } ], [], 'by name alone');
is_deeply([ grep { $_->{op} =~ /rename|move|recreate|rewrite/ } @{ $diff->{changes} } ], [], 'nothing is guessed to be renamed');
is(scalar(grep { $_->{kind} eq 'column' && $_->{path} =~ /total|amount/ } @{ $diff->{changes} }), 2, 'a column that went and one that came');
exit_is(guard('app', 'diff', $first, $other), 0, 'a stored snapshot with another database that is equal');
exit_is(guard('app', 'diff', $other, $other), 0, 'a database with itself');
$run = $server->migguard('nowhere', [ 'diff', $server->url('app'), $other ], cwd => "$dir");
exit_is($run, 30, 'two databases, neither configured');
is($server->sql($_, 'SELECT count(*) FROM safedeploy.snapshot'), $_ eq 'app' ? 2 : 0, "nothing stays in $_") foreach qw(app other);
$run = guard('app', 'diff', $server->url('third'));
exit_is($run, 69, 'a database without the extension') or diag($run->stderr);
$run = guard('app', 'diff', $server->url('app') =~ s/app/secret_but_wrong/r);
exit_is($run, 69, 'a database that is not there');
$run = guard('app', 'diff', join(' ', 'dbname=other', 'host=' . $server->node->host, 'port=' . $server->node->port, 'user=' . $server->user));
exit_is($run, 30, 'a connection string of the other form') or diag($run->stderr);

# files
save('first.jsonl', guard('app', 'snapshot', '--export', $first)->stdout);
save('second.jsonl', guard('app', 'snapshot', '--export', $second)->stdout);
exit_is(guard('app', 'diff', 'first.jsonl', 'second.jsonl'), 30, 'two files');
exit_is($server->migguard('nowhere', [ 'diff', 'first.jsonl', $other ], cwd => "$dir"), 0, 'a file and a database, compared there');
exit_is(guard('app', 'diff', './first.jsonl', $first), 0, 'a file and a snapshot');
save('start', 'this is a file');
exit_is(guard('app', 'diff', 'start'), 65, 'a file goes before a label of its name');
unlink "$dir/start";

# another major version
(my $old_server = guard('app', 'snapshot', '--export', $first)->stdout) =~ s/("server_version_num": ?)\d+/${1}120001/;
save('old.jsonl', $old_server);
$run = guard('app', 'diff', 'old.jsonl');
exit_is($run, 65, 'a snapshot of another major version');
like($run->stderr, qr/different major versions|SQLSTATE SD22[12]/, 'says so');

# the last good one
$run = guard('app', 'diff', 'last-good');
exit_is($run, 65, 'no run has ended well');
like($run->stderr, qr/there is no last good snapshot/, 'says so');
my $good = $server->sql('app', q{SELECT safedeploy.begin_run(NULL, 'run', NULL, 'default', NULL, NULL, NULL, NULL)});
$server->sql('app', "SELECT safedeploy.end_run('$good', 'done', 0, NULL, jsonb_build_object('revision', 'r', 'snapshot_id', $first, 'fingerprint', 'f'))");
exit_is(guard('app', 'diff', 'last-good'), 30, 'the last good one');
is(guard('app', 'diff', 'last-good')->stdout, guard('app', 'diff', $first)->stdout, 'is that of the run');

exit_is(guard('app', 'diff'), 64, 'nothing to compare');
exit_is(guard('app', 'diff', 1, 2, 3), 64, 'too much to compare');
done_testing();
