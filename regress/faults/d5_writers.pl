# Applications write while a run goes on, and while it is taken back: each row that was
# committed is still there, or the report and the ledger name what it was lost with.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('D5', 'rows committed during run and rollback are there, or listed as lost');

my $server = SafeDeployTest->new('writers');
my $dir = File::Temp->newdir;
sub save
{
	my ($name, $text) = @_;
	open my $out, '>', "$dir/$name" or die "$name: $!";
	print $out $text;
	close $out or die "$name: $!";
	return;
}

# Each call writes a row to what has always been there, and to what the migration makes, as far as
# it is there now, and accounts for both in the same transaction.
my $writer = <<'SQL';
CREATE TABLE t (id bigserial PRIMARY KEY, v integer);
CREATE TABLE account (place text);
CREATE FUNCTION put() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO t (v) VALUES (1);
	INSERT INTO account VALUES ('t');
	BEGIN
		EXECUTE 'INSERT INTO extra VALUES (1)';
		INSERT INTO account VALUES ('extra');
	EXCEPTION WHEN undefined_table THEN NULL;
	END;
	BEGIN
		EXECUTE 'UPDATE t SET added = 7 WHERE id = currval(''t_id_seq'')';
		INSERT INTO account VALUES ('t.added');
	EXCEPTION WHEN undefined_column THEN NULL;
	END;
END $$;
SQL
save('1_first.up.sql',   "CREATE TABLE extra (n integer);\nALTER TABLE t ADD COLUMN added integer;\n");
save('1_first.down.sql', "ALTER TABLE t DROP COLUMN added;\nDROP TABLE extra;\n");
save('put.pgbench', "SELECT put();\n");
my %env = (MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$dir", MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never');

# trial($name, $code, $between): writers all the time; a run, and what is between it and their end
my $number = 0;
sub trial
{
	my ($name, $code, $assertion, $rollback) = @_;
	my $db = 'd' . ++$number;
	$server->create_database($db);
	$server->sql($db, $writer);
	save('migguard.ini', $assertion ? "[verify.assertions]\nslow = $assertion\n" : '');
	my $bench = start_program([ 'pgbench', '-n', '-c', '4', '-T', '600', '-f', "$dir/put.pgbench", $server->url($db) ]);
	my $rows = sub { $server->sql($db, "SELECT count(*) FROM account WHERE place = '$_[0]'") };
	wait_until(sub { $rows->('t') > 20 }, 60, 'the first rows');
	my $p = $server->migguard($db, [ '--config', "$dir/migguard.ini", 'run' ], env => \%env);
	exit_is($p, $code, "$name: ends with $code");
	my $said = $p->stderr . $p->stdout;
	if ($rollback)
	{
		my $before = $rows->('extra');
		wait_until(sub { $rows->('extra') > $before + 20 }, 60, 'rows in what is new');
		$p = $server->migguard($db, [ '--config', "$dir/migguard.ini", 'rollback' ], env => \%env);
		exit_is($p, 0, "$name: rolled back");
		$said .= $p->stderr . $p->stdout;
	}
	my $now = $rows->('t');
	wait_until(sub { $rows->('t') > $now + 20 }, 60, 'more rows after the end');
	$bench->signal('INT');
	$bench->wait(30);
	wait_until(sub { $server->sql($db, q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'}) eq '0' }, 30, 'the end of the writers');

	my ($written, $there) = ($rows->('t'), $server->sql($db, 'SELECT count(*) FROM t'));
	verdict('D5', $written == $there, "$name: rows of a table that stays ($written)", "there: $there");
	unlike($bench->stderr, qr/ERROR|aborted/, "$name: no writer met an error");
	my $ledger = $server->sql($db, 'SELECT coalesce(string_agg(detail::text, chr(10)), \'\') FROM safedeploy.event');
	foreach my $new ([ 'extra', q{to_regclass('extra') IS NOT NULL}, 'SELECT count(*) FROM extra' ],
		[ 't.added', q{EXISTS (SELECT FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'added')}, 'SELECT count(added) FROM t' ])
	{
		my ($what, $exists, $count) = @$new;
		$written = $rows->($what);
		if ($server->sql($db, "SELECT $exists") eq 't')
		{
			$there = $server->sql($db, $count);
			verdict('D5', $written == $there, "$name: rows of $what ($written)", "there: $there");
			next;
		}
		cmp_ok($written, '>', 0, "$name: $what was written to before it was dropped ($written)");
		my $word = $what eq 'extra' ? qr/extra/ : qr/added/;
		verdict('D5', scalar($said =~ /data written since the upgrade is lost: [^\n]*$word/) && scalar($ledger =~ /"written_and_lost"[^\n]*$word/), "$name: $written rows of $what are listed as lost", $said, $ledger);
	}
	return;
}
foreach my $round (1 .. share(20))
{
	trial('a run that goes well', 0);
	trial('a run that is taken back', 21, 'SELECT pg_sleep(1)::text IS NULL');
	trial('a run that is rolled back later', 0, undef, 1);
}

$server->node->stop;
done_testing();
