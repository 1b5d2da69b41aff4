# Schemas, tables, roles, databases and files of migrations may be called anything: a whole run works for each
# name, or is refused by name; none of them is taken for anything but a name, by any program, anywhere.
use strict;
use warnings;

use File::Find;
use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use Test::More;

# What a name says when something takes it for more than a name: a file called CANARY is made, or a table is gone.
my @names = (
	[ 'a double quote'           => 'a"b' ],
	[ 'nothing but quotes'       => q{"''"} ],
	[ 'an apostrophe'            => q{a'b} ],
	[ 'a backslash'              => 'a\\b' ],
	[ 'SQL'                      => 'a;drop table canary;--' ],
	[ 'SQL out of its quotes'    => q{a"; DROP TABLE canary; --'; DROP TABLE canary; --} ],
	[ 'a newline'                => "new\nline" ],
	[ 'a command of psql'        => "a\n\\! touch CANARY\n" ],
	[ 'a carriage return'        => "ok\rb" ],
	[ 'a tab'                    => "a\tb" ],
	[ 'marks of formats'         => '%s%n%100000d' ],
	[ 'dollar quotes'            => '$$ $1 $a$' ],
	[ 'variables of psql'        => q{:user :'user' :"user" :{?user}} ],
	[ 'what a shell would run'   => '`touch CANARY` $(touch CANARY) ;touch CANARY' ],
	[ 'a comment'                => '--' ],
	[ 'an open comment'          => '/*' ],
	[ 'an option'                => '-f' ],
	[ 'a long option'            => '--help' ],
	[ 'an emoji'                 => "\xF0\x9F\x92\xA5\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80" ],
	[ 'a turn to the left'       => "a\xE2\x80\xAEgpj.b" ],
	[ 'combining marks'          => "Z\xCD\x91\xCD\xAB\xCC\x93a\xCC\xB4l\xCC\xB6g\xCC\xB5o" ],
	[ 'a letter composed'        => "caf\xC3\xA9" ],
	[ 'its twin of two parts'    => "cafe\xCC\x81" ],
	[ '63 bytes'                 => 'n' x 63 ],
	[ '63 bytes of other signs'  => "\xE5\x90\x8D" x 21 ],
	[ 'a cut within a sign'      => 'xx' . "\xE2\x82\xAC" x 21 ],
	[ 'a cut name'               => 't' x 64 . 'ail' ],
	[ 'a key word'               => 'select' ],
	[ 'a word for no role'       => 'session_user' ],
	[ 'nothing to be seen'       => "\xE2\x80\x8B" ],
	[ 'a blank'                  => ' ' ],
	[ 'escapes of a terminal'    => "\e[2K\e[31mred\a" ],
	[ 'a dot'                    => 'a.b' ],
	[ 'a pattern'                => '*.[a-z]?|+' ],
	[ 'a conninfo string'        => 'dbname=postgres host=nowhere' ],
	[ 'a URL'                    => 'postgresql://nowhere/postgres?x=%41' ],
	[ 'places of migguard'       => '{url} {database} env:HOME' ],
	[ 'the end of COPY'          => '\\.' ],
	[ 'what pg_restore lists'    => 'x TRIGGER y FK CONSTRAINT z' ],
	[ 'braces of an array'       => '{a,NULL}' ],
	[ 'other scripts'            => "Gr\xC3\xB6\xC3\x9Fe_\xD0\xB8\xD0\xBC\xD1\x8F" ],
	[ 'a sign of the last plane' => "\xF4\x8F\xBF\xBD" ]);

my $dir = File::Temp->newdir;
my $server = SafeDeployTest->new('odd');
# A directory that every program is started in, and what it holds is in the way of whoever does not quote.
my $odd_dir = "$dir/" . q{a"b'c\\d $(touch CANARY) `touch CANARY`;} . "\n\\! touch CANARY\n %s";
mkdir $odd_dir or die "could not make a directory: $!";

# clipped($name): what the server makes of it, which has room for 63 bytes and cuts no sign in two
sub clipped
{
	my ($name) = @_;
	return $name if length $name <= 63;
	my $end = 63;
	$end-- while (ord(substr $name, $end, 1) & 0xC0) == 0x80;
	return substr $name, 0, $end;
}

sub put
{
	my ($path, $text) = @_;
	open my $handle, '>:raw', $path or die "could not write $path: $!";
	print $handle $text;
	close $handle or die "could not write $path: $!";
	return;
}

sub up_sql
{
	my ($i, $name) = @_;
	my ($n, $text, $label) = (quote_ident($name), quote_literal($name), quote_literal(clipped($name)));
	my $body = quote_literal("SELECT $n");
	return <<SQL;
CREATE SCHEMA $n AUTHORIZATION $n;
CREATE TABLE $n.$n ($n integer PRIMARY KEY, v text DEFAULT $text, CONSTRAINT $n CHECK ($n > 0));
ALTER TABLE $n.$n OWNER TO $n;
COMMENT ON TABLE $n.$n IS $text;
COMMENT ON COLUMN $n.$n.$n IS $text;
CREATE POLICY $n ON $n.$n TO $n USING (v = $text);
CREATE TABLE held.t$i (i integer);
CREATE INDEX $n ON held.t$i (i);
CREATE TRIGGER $n BEFORE UPDATE ON held.t$i FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
GRANT SELECT (i) ON held.t$i TO $n;
CREATE SEQUENCE seqs.$n START 7;
CREATE TYPE types.$n AS ENUM ($label, '...');
CREATE FUNCTION funcs.$n($n integer) RETURNS integer LANGUAGE sql AS $body;
CREATE VIEW views.$n AS SELECT $n, ${text}::text AS said FROM $n.$n;
INSERT INTO $n.$n VALUES (1), (2);
SQL
}

sub down_sql
{
	my ($i, $name) = @_;
	my $n = quote_ident($name);
	return "DROP VIEW views.$n; DROP FUNCTION funcs.$n; DROP TYPE types.$n; DROP SEQUENCE seqs.$n; DROP TABLE held.t$i, $n.$n; DROP SCHEMA $n;\n";
}

# What takes away rows and objects, and leaves its way back to be written by the server.
sub change_sql
{
	my ($i, $name) = @_;
	my ($n, $text) = (quote_ident($name), quote_literal("of $name"));
	my $longer = quote_ident(substr(clipped($name), 0, 60) =~ s/[\x80-\xFF]+$//r . ' 2');
	my $body = quote_literal("SELECT 1 + $n");
	return <<SQL;
DROP VIEW views.$n;
DROP POLICY $n ON $n.$n;
DROP INDEX held.$n;
DROP SEQUENCE seqs.$n;
ALTER TABLE $n.$n DROP COLUMN v;
ALTER TABLE $n.$n ADD COLUMN $longer text DEFAULT $text;
ALTER TABLE $n.$n DROP CONSTRAINT $n;
ALTER TRIGGER $n ON held.t$i RENAME TO $longer;
ALTER SCHEMA $n OWNER TO CURRENT_USER;
COMMENT ON COLUMN $n.$n.$n IS $text;
REVOKE SELECT (i) ON held.t$i FROM $n;
CREATE OR REPLACE FUNCTION funcs.$n($n integer) RETURNS integer LANGUAGE sql AS $body;
SQL
}

sub change_all { my @all = @_; return join '', map { change_sql($_, $all[$_ - 1]) } 1 .. @all; }

# guarded($process, $what): what it said is one line a record, without anything that a terminal obeys
sub guarded
{
	my ($p, $what) = @_;
	my @bad = grep { !/^(migguard: |\{"level":".*\}$)/ } split /\n/, $p->stderr;
	push @bad, grep { /[\x00-\x08\x0b-\x1f\x7f]|\xE2\x80[\x8B-\x8F\xA8-\xAE]/ } split /\n/, $p->stderr . $p->stdout;
	push @bad, grep { /^(\\|line$)/ } split /\n/, $p->stdout;
	is_deeply(\@bad, [], "$what: lines that are records, and nothing that a terminal obeys");
	return;
}

sub canaries
{
	my @found;
	find({ wanted => sub { push @found, $File::Find::name if /^CANARY/ }, no_chdir => 0 }, "$dir", $server->node->data_dir);
	return @found;
}

sub database
{
	my ($name, $encoding) = @_;
	$server->create_database($name, options => "TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	$server->sql($name, 'CREATE TABLE canary (i integer)');
	return;
}

# whole_cycle($database, $encoding, \@names, $before): up, changed, back, restored and down again with all of the names
sub whole_cycle
{
	my ($database, $encoding, $wanted) = @_;
	my $here = "$odd_dir/$encoding";
	my @names = map { $_->[1] } @$wanted;
	mkdir $_ or die "could not make $_: $!" foreach $here, "$here/migrations";
	database($database, $encoding);
	$server->sql($database, join '', map { "CREATE SCHEMA $_;" } qw(held seqs types funcs views));
	my $bare = $server->fingerprint($database);
	foreach my $i (1 .. @names)
	{
		my $file = "$here/migrations/${i}_" . $names[$i - 1] =~ tr{/}{_}r;
		put("$file.up.sql", up_sql($i, $names[$i - 1]));
		put("$file.down.sql", down_sql($i, $names[$i - 1]));
	}
	put("$here/odd\n[x].ini", <<'INI');
[tool]
name = sql
directory = migrations
project = :'x' \
[lock]
name = a'b"\;--
[backup]
directory = backups
[preflight]
git_clean = off
[run]
fail_on = never
INI
	my $migguard = sub {
		my ($what, $exit, $arguments, %env) = @_;
		my $p = $server->migguard($database, [ '--config', "odd\n[x].ini", @$arguments ], cwd => $here, env => \%env);
		exit_is($p, $exit, "$encoding: $what");
		guarded($p, $what);
		return $p;
	};
	my $rows = sub {
		return join "\n", map { my $n = quote_ident($_); $server->sql($database, "SELECT count(*), max(v) FROM $n.$n") } @names;
	};

	$migguard->('a run with rehearsal and a full backup', 0, ['run']);
	my $full = $server->fingerprint($database);
	my $full_rows = $rows->();
	is_deeply([ map { $_->{name} } $server->json($database, 'SELECT name FROM safedeploy.applied_migration ORDER BY version::integer') ],
		[ map { "${_}_" . $names[$_ - 1] =~ tr{/}{_}r . '.up.sql' } 1 .. @names ], "$encoding: the ledger has the names of the files as they are");

	put("$here/migrations/1000_change.up.sql", change_all(@names));
	$migguard->('a look at what there is', 0, [ 'lint', 'migrations' ]);
	my $p = $migguard->('a run with a targeted backup, and no downgrade', 0, [ '--format', 'json', 'run' ], MIGGUARD_BACKUP_POLICY => 'targeted');
	my $result = JSON::PP->new->decode($p->stdout);
	$migguard->('its backup can be restored', 0, [ 'backup', 'verify', '--restore', $result->{backup} ]);
	$migguard->('what the server has written brings it back', 0, ['rollback']);
	is($server->fingerprint($database), $full, "$encoding: all of it");

	$migguard->('the run again', 0, [ 'run', '--no-rehearsal' ]);
	isnt($server->fingerprint($database), $full, "$encoding: changes it again");
	$migguard->('is restored from its full backup', 0, [ 'rollback', '--from-backup' ]);
	is($server->fingerprint($database), $full, "$encoding: all of it");
	is($rows->(), $full_rows, "$encoding: with the rows of before");

	my $here_now = $server->sql($database, 'SELECT safedeploy.take_snapshot()');
	$server->sql($database, change_all(@names));
	foreach my $arguments ([ 'status' ], [ 'drift' ], [ 'diff', 1 ], [ 'diff', '--format', 'unified', 1 ], [ 'diff', '--format', 'json', 1 ])
	{
		$migguard->("@$arguments tells", 30, $arguments);
	}
	foreach my $arguments ([ 'history' ], [ 'show', substr $result->{run_id}, 0, 8 ], [ 'snapshot', '--list' ], [ 'backup', 'list' ], ['doctor'])
	{
		$migguard->("@$arguments tells", 0, $arguments);
	}
	my @steps = $server->json($database, "SELECT sql FROM safedeploy.revert_sql($here_now) WHERE sql IS NOT NULL ORDER BY seq");
	exit_is(run_program([ qw(psql -Xq1 -v ON_ERROR_STOP=1 -f -), $server->url($database) ], stdin => join '', map { "$_->{sql};\n" } @steps), 0,
		"$encoding: the statements of revert_sql() run in psql");
	is($server->fingerprint($database), $full, "$encoding: and lead back");

	$migguard->('the downgrades', 0, [ 'rollback', '--to', 'base' ]);
	is($server->fingerprint($database), $bare, "$encoding: and everything is as in the beginning");
	$migguard->('the ledger is intact', 0, ['ledger']);
	return;
}

# Bytes that are no text: a database whose encoding is SQL_ASCII can have them as a name. What cannot be said in
# the ledger or in a manifest is refused by its name before anything is done, and in a rehearsal when it would come to be.
sub bytes_for_names
{
	my $here = "$odd_dir/bytes";
	mkdir $here or die "could not make a directory: $!";
	database('not text', 'SQL_ASCII');
	my $run = sub {
		my ($what, $exit, $said, @arguments) = @_;
		my $p = $server->migguard('not text', \@arguments, env => { MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => $here, MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off',
			MIGGUARD_BACKUP_DIRECTORY => "$here/backups" });
		exit_is($p, $exit, "SQL_ASCII: $what");
		like($p->stderr, $said, "$what: by name");
		guarded($p, $what);
		return;
	};
	put("$here/1_t.up.sql", "CREATE TABLE t (i integer);\n");
	put("$here/1_t.down.sql", "DROP TABLE t;\n");
	foreach my $of ([ "caf\xE9", qr/caf\\xe9/ ], [ "\xFF\xFE\x80", qr/\\xff\\xfe\\x80/ ], [ 'x' x 61 . "\xE2\x82", qr/x{61}\\xe2\\x82/ ])
	{
		my ($name, $said) = @$of;
		my $n = quote_ident($name);
		$server->sql('not text', "CREATE SCHEMA $n; CREATE TABLE $n.$n ($n integer)");
		my $before = $server->fingerprint('not text');
		$run->('a run', 10, qr/error: the name of schema "?$said"? is not UTF-8/, 'run');
		$run->('a backup', 10, qr/error: the name of table "?$said"?\."?$said"? is not UTF-8/, 'backup', 'create', '--kind', 'full');
		is($server->fingerprint('not text'), $before, 'nothing was done');
		$server->sql('not text', "DROP TABLE $n.$n; DROP SCHEMA $n");
	}
	$run->('a run without such names', 0, qr/run: .* done|rehearse +ok/, 'run');
	my $before = $server->fingerprint('not text');
	my $cut = quote_ident('xx' . "\xE2\x82\xAC" x 21);
	put("$here/2_cut.up.sql", "CREATE TABLE $cut (i integer);\n");
	put("$here/2_cut.down.sql", "DROP TABLE $cut;\n");
	$run->('a migration whose name is cut within a sign', 12, qr/error: the name of table .*xx.*\\xe2"? is not UTF-8/, 'run');
	is($server->fingerprint('not text'), $before, 'nothing was done');
	$run->('the same without a rehearsal is taken back', 21, qr/the name of table .*xx.*\\xe2"? is not UTF-8/, 'run', '--no-rehearsal');
	is($server->fingerprint('not text'), $before, 'all of it');
	is(scalar $server->faults('not text'), 0, 'the ledger is intact');
	return;
}

# Databases that take no other, and roles that log in: each by its own name, and with a file, a lock and a project of it
sub own_databases
{
	my (@wanted) = @_;
	my $migrations = "$odd_dir/own";
	my $proto = 'proto';
	database($proto, 'UTF8');
	mkdir $migrations or die "could not make a directory: $!";
	put("$migrations/1_t.up.sql", "CREATE TABLE t (i integer PRIMARY KEY);\nINSERT INTO t VALUES (1);\n");
	put("$migrations/1_t.down.sql", "DROP TABLE t;\n");
	while (my @batch = splice @wanted, 0, 4)
	{
		my %run;
		foreach my $name (map { clipped($_->[1]) } @batch)
		{
			my $n = quote_ident($name);
			$server->sql('postgres', "ALTER ROLE $n LOGIN SUPERUSER; CREATE DATABASE $n TEMPLATE proto OWNER $n;");
		}
		foreach my $arguments (['run'], [ 'rollback', '--from-backup' ])
		{
			foreach my $of (@batch)
			{
				my $name = clipped($of->[1]);
				$run{ $of->[0] } = $server->start_migguard(undef, $arguments, cwd => $odd_dir, env => { DATABASE_URL => $server->url($name, user => $name),
					MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => $migrations, MIGGUARD_TOOL_PROJECT => $name, MIGGUARD_LOCK_NAME => $name,
					MIGGUARD_BACKUP_DIRECTORY => "$dir/of $of->[0]", MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_REHEARSE_SHADOW => 'off' });
			}
			foreach my $of (@batch)
			{
				my ($what, $name) = ($of->[0], clipped($of->[1]));
				my $p = $run{$what}->wait;
				exit_is($p, 0, "a database called $what: @$arguments");
				guarded($p, "a database called $what");
				is($server->sql($name, q{SELECT concat_ws(' ', (SELECT count(*) FROM pg_tables WHERE tablename = 't'), (SELECT count(*) FROM canary), }
					. q{(SELECT count(*) FROM safedeploy.run WHERE database = current_database() AND lock_name = } . quote_literal($name) . q{), (SELECT count(*) FROM safedeploy.verify_ledger()))}),
					$arguments->[0] eq 'run' ? '1 0 1 0' : '0 0 2 0', "$what: everything under its name, a canary, and the ledger intact");
			}
		}
	}
	return;
}

$server->sql('postgres', join '', map { 'CREATE ROLE ' . quote_ident(clipped($_->[1])) . ';' } @names);
my %by = map { $_->[0] => $_ } @names;
own_databases(@names);
bytes_for_names();
whole_cycle('ascii', 'SQL_ASCII', [ @by{'a letter composed', 'its twin of two parts', '63 bytes of other signs', 'a double quote'} ]);
whole_cycle('utf8', 'UTF8', \@names);
is_deeply([ canaries() ], [], 'nothing was run by a name');
is_deeply([ $server->scratch_databases ], [], 'no scratch database is left');
done_testing();
