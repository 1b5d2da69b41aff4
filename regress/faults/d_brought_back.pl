# A run that does not pass its check: what is brought back is what was there, or nobody is told that it was.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('D2', 'a rehearsal leaves the real database as it was');
promise('D3', 'what is said to be rolled back is what was there before');

my $server;
my $count = 0;

# name, upgrade, downgrade (undef: none), arguments
my @cases = (
	[ 'a downgrade that fits', 'CREATE TABLE d (i integer);', 'DROP TABLE d;' ],
	[ 'one that leaves a type', "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE d (m mood);", 'DROP TABLE d;' ],
	[ 'one that leaves a default', 'ALTER TABLE t ALTER COLUMN name SET DEFAULT 0; CREATE TABLE d (i integer);', 'DROP TABLE d;' ],
	[ 'one that does nothing', 'CREATE TABLE d (i integer);', 'SELECT 1;', '--allow-irreversible' ],
	[ 'one that fails', 'CREATE TABLE d (i integer);', 'DROP TABLE there_is_none;', '--allow-irreversible' ],
	[ 'none', 'CREATE TABLE d (i integer);', undef, '--allow-irreversible' ],
	[ 'one that fails on rows only', 'CREATE TABLE d (i integer);', 'DO $$ BEGIN IF EXISTS (SELECT FROM t) THEN RAISE EXCEPTION \'fails here\'; END IF; END $$; DROP TABLE d;' ],
	[ 'one that loses data', 'ALTER TABLE t DROP COLUMN name;', 'ALTER TABLE t ADD COLUMN name text;' ],
	[ 'one with a transaction of its own', 'BEGIN; CREATE TABLE d (i integer); COMMIT; CREATE TABLE e (i integer);', 'BEGIN; DROP TABLE d; COMMIT; DROP TABLE e;' ],
	[ 'outside of a transaction', 'CREATE INDEX CONCURRENTLY d ON t (name); CREATE TABLE e (i integer);', 'DROP INDEX CONCURRENTLY d; DROP TABLE e;' ]);

foreach my $case (@cases)
{
	my ($name, $up, $down, @arguments) = @$case;
	my $scene = SafeDeployTest::Faults->new('back' . ++$count, server => $server,
		files => { '2_d.up.sql' => "$up\n", defined $down ? ('2_d.down.sql' => "$down\n") : () });
	$server = $scene->server;
	my $database = $scene->database('A');
	my $before   = $scene->bytes($database);

	my $plan = $scene->guard($database, [ 'plan', @arguments ]);
	verdict('D2', defined $plan->exit_code && $plan->exit_code =~ /^(?:0|12)$/ && $scene->bytes($database) eq $before, "plan, $name: " . $plan->exit_code, $plan->stderr);

	my $killed = $scene->guard($database, [ 'run', '--no-backup', @arguments ], env => { MIGGUARD_FAILPOINT => 'rehearse.closed=kill' });
	verdict('D2', $killed->term_signal == 9 && $scene->bytes($database) eq $before, "run up to its rehearsal, $name", $killed->stderr);

	$scene->write('migguard.ini', "[verify.assertions]\nno = SELECT false\n");
	my $run = $scene->guard($database, [ 'run', '--no-backup', @arguments ], env => { MIGGUARD_CONFIG => $scene->path('migguard.ini') });
	my $look = $scene->look($database);
	my $back = $look->{fingerprint} eq $scene->{state}{A}{fingerprint};
	my $last = $look->{runs}[0];
	my $code = defined $run->exit_code ? $run->exit_code : 'signal';
	my $right = $code eq '21' ? $back && $last->{result} eq 'rolled_back' : $code =~ /^(?:22|23|24)$/ && $last->{result} =~ /^(?:rolled_back_unproved|rollback_failed|interrupted)$/;
	# rows that did not come back are told
	my $lost = join(' ', @{ $look->{rows} }{ sort keys %{ $look->{rows} } }) ne join(' ', @{ $scene->{state}{A}{rows} }{ sort keys %{ $scene->{state}{A}{rows} } });
	verdict('D3', $right && (!$lost || $code ne '21' || $run->stderr =~ /data did not come back/), "$name: $code, " . ($back ? 'as before' : 'not as before') . ($lost ? ', rows are lost' : ''), $run->stdout, $run->stderr);
	$scene->gone($database);
}

# Files that would leave the clone, or that hold what a rehearsal must not take for its own.
my %strays = (
	'\\connect to the real database' => sub { "\\connect $_[0]\nCREATE TABLE stray (i integer);\n" },
	'\\connect by a URL'             => sub { "\\connect " . $server->url($_[0]) . "\nCREATE TABLE stray (i integer);\n" },
	'a program that connects'        => sub { "\\! psql -Xc 'CREATE TABLE stray (i integer)' '" . $server->url($_[0]) . "'\n" },
	'ROLLBACK of what is around it'  => sub { "ROLLBACK;\nCREATE TABLE stray (i integer);\n" },
	'a COMMIT too many'              => sub { "CREATE TABLE stray (i integer);\nCOMMIT;\nCREATE TABLE other (i integer);\n" });
foreach my $name (sort keys %strays)
{
	my $scene    = SafeDeployTest::Faults->new('stray' . ++$count, server => $server, files => { '2_d.up.sql' => "CREATE TABLE d ();\n", '2_d.down.sql' => "DROP TABLE d;\n" });
	my $database = $scene->database('A');
	my $before   = $scene->bytes($database);
	$scene->write('migrations/3_stray.up.sql',   $strays{$name}->($database));
	$scene->write('migrations/3_stray.down.sql', "DROP TABLE IF EXISTS stray, other;\n");
	my $plan = $scene->guard($database, ['plan']);
	verdict('D2', $scene->bytes($database) eq $before, "plan, $name: " . $plan->exit_code, $plan->stderr);
	$scene->gone($database);
}
done_testing();
