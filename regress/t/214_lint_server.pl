# lint: a server of its own: what it begins with, what it sees, and that nothing of it is left.
use strict;
use warnings;

use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('lint_server');
$server->create_database('app');
chomp(my $bindir = `pg_config --bindir`);
my $dir  = File::Temp->newdir;
# short, as a socket is in it
my $temp = File::Temp->newdir('lsXXXXXX', DIR => '/tmp');
my %own  = (TMPDIR => "$temp", MIGGUARD_LINT_SERVER_BINDIR => $bindir);

sub file
{
	my ($name, $text) = @_;
	mkdir "$dir/$1" if $name =~ m{(.*)/};
	open my $handle, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle or die "could not write $name: $!";
	return;
}
# lint(\@arguments): without a database, unless one is named
sub lint { my ($arguments, %env) = @_; return $server->migguard(undef, [ 'lint', @$arguments ], cwd => "$dir", env => { %own, %env }); }
sub look { my $run = lint([ '--format=json', @{ $_[0] } ]); return $run->stdout =~ /^\{/ ? JSON::PP->new->utf8->decode($run->stdout) : { findings => [], failed => $run->stderr }; }
sub rules
{
	my ($json, @wanted) = @_;
	return join ' ', map { ($_->{file} =~ s{.*/}{}r) . ":$_->{line}:$_->{rule}" } grep { my $f = $_; grep { $f->{rule} eq $_ } @wanted } @{ $json->{findings} };
}
sub left { return join ' ', glob "$temp/migguard-lint-*"; }
# sleeps($directory): the server in it is in the migration that waits
sub sleeps
{
	my ($directory) = @_;
	my $run = run_program([ "$bindir/psql", '-XAt', '-h', $directory, '-U', 'postgres', '-d', 'postgres', '-c', "SELECT 1 FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()" ]);
	return $run->stdout =~ /^1/;
}
sub processes { return scalar grep { /\Q$temp\E/ } `ps -eo args`; }

file('m/1_a.sql', "CREATE TABLE a (id integer PRIMARY KEY, b integer);\n");
file('m/2_b.sql', "CREATE TABLE c (id integer);\nALTER TABLE a DROP COLUMN b;\n");
file('m/10_c.sql', "-- no b any more\nALTER TABLE a DROP COLUMN b;\nGRANT SELECT ON a TO somebody;\n");

subtest 'each migration is looked at before it is run' => sub {
	my $json = look(['m']);
	is(rules($json, 'drop-column', 'missing-object', 'migration-fails'), '2_b.sql:2:drop-column 10_c.sql:2:drop-column 10_c.sql:2:migration-fails 10_c.sql:2:missing-object',
		'what those before have made is there, what they have dropped is not') or diag($json->{failed} || JSON::PP->new->pretty->encode($json));
	my ($drop) = grep { $_->{rule} eq 'drop-column' } @{ $json->{findings} };
	is($drop->{severity}, 'error', 'an empty table is not taken for harmless');
	is($drop->{bytes}, undef, 'its size is not known here');
	is(left(), '', 'no directory is left');
	is(processes(), 0, 'nor a process');
};

subtest '--from-migrations' => sub {
	file('g/1_a.up.sql', "CREATE TABLE a (id integer, b integer);\nGRANT SELECT ON a TO \"a \"\"reader\"\"\";\n");
	file('g/1_a.down.sql', "DROP TABLE a;\n");
	file('g/2_b.up.sql', "CREATE INDEX CONCURRENTLY i ON a (b);\n");
	file('g/3_c.up.sql', "DROP INDEX i;\n");
	file('g/4_d.up.sql', "DROP TABLE a;\n");
	is(rules(look([ '--from-migrations', 'g/3_c.up.sql' ]), 'drop-index-nonconcurrent', 'missing-object', 'migration-fails'), '3_c.up.sql:1:drop-index-nonconcurrent',
		'those before are run, those behind and downgrades are not; roles are made');
	is(rules(look(['g/3_c.up.sql']), 'missing-object'), '3_c.up.sql:1:missing-object', 'not without it');
	file('g/2_b.up.sql', "SELECT 1;\nSELECT nonsense;\n");
	my $run = lint([ '--from-migrations', 'g/3_c.up.sql' ]);
	exit_is($run, 65, 'one before that fails ends it');
	like($run->stderr, qr{g/2_b\.up\.sql:2.*column "nonsense" does not exist}s, 'with its place');
	is(left(), '', 'and nothing is left');
};

subtest '--schema' => sub {
	$server->sql('app', 'CREATE ROLE lint_owner; CREATE TABLE dumped (id integer, note text); ALTER TABLE dumped OWNER TO lint_owner');
	run_program([ "$bindir/pg_dump", '--schema-only', '--file', "$dir/schema.sql", '-d', $server->url('app') ]);
	$server->sql('app', 'ALTER TABLE dumped OWNER TO CURRENT_USER; DROP ROLE lint_owner');
	file('s.sql', "ALTER TABLE dumped DROP COLUMN note;\n");
	is(rules(look([ '--schema=schema.sql', 's.sql' ]), 'drop-column', 'missing-object'), 's.sql:1:drop-column', 'a dump, with the extension in it and an owner that is not there');
	is(rules(look(['s.sql']), 'missing-object'), 's.sql:1:missing-object', 'not without it');
	file('migguard.ini', "[database]\nurl = " . $server->url('app') . "\n[lint]\nschema = schema.sql\n");
	$server->sql('app', 'DROP TABLE dumped');
	is(rules(look(['s.sql']), 'drop-column', 'missing-object'), 's.sql:1:drop-column', 'set in the file, it wins over the database that is set there');
	is(rules(look([ '--database-url=' . $server->url('app'), 's.sql' ]), 'missing-object'), 's.sql:1:missing-object', 'but not over the flag');
	unlink "$dir/migguard.ini";
	my $run = lint([ '--database-url=' . $server->url('app'), '--schema=schema.sql', 's.sql' ]);
	exit_is($run, 64, 'both flags contradict each other');
	like($run->stderr, qr/Nothing is run on it/, 'and it says why');
	file('broken.sql', "CREATE TABLE x (i integer);\n\nCREATE TABLE x (i integer);\n");
	$run = lint([ '--schema=broken.sql', 's.sql' ]);
	exit_is($run, 65, 'a schema that cannot be loaded');
	like($run->stderr, qr/broken\.sql:3.*relation "x" already exists/s, 'with its place');
};

subtest 'a database that is there is only looked at' => sub {
	file('one.sql', "CREATE TABLE never (i integer);\n");
	exit_is($server->migguard('app', [ 'lint', 'one.sql' ], cwd => "$dir", env => \%own), 0, 'lint by DATABASE_URL');
	is($server->sql('app', "SELECT to_regclass('never') IS NULL"), 't', 'runs nothing');
};

subtest 'Alembic' => sub {
	my $project = SafeDeployTest::Alembic->new(dir => "$dir/al", revisions => [
		{ id => 'b1', up_sql => ['CREATE TABLE a (id integer, b integer)'], down_sql => ['DROP TABLE a'] },
		{ id => 'a2', up => "op.drop_column('a', 'b')", down_sql => ['ALTER TABLE a ADD COLUMN b integer'] } ]);
	my $json = look(['al']);
	is(rules($json, 'drop-column', 'drop-table', 'missing-object', 'migration-fails', 'migration-opaque') =~ s/\d+_//gr, 'b1.py:16:drop-table a2.py:11:drop-column', 'a project from its beginning')
	  or diag($json->{failed} || JSON::PP->new->pretty->encode($json));
};

subtest 'psql commands that leave the file are not run' => sub {
	file('shell.sql', "SELECT 1;\n\\! touch $dir/touched\n");
	is(rules(look(['shell.sql']), 'migration-fails'), 'shell.sql:1:migration-fails', 'it fails');
	ok(!-e "$dir/touched", 'and did not run');
};

subtest 'whatever ends it, nothing is left' => sub {
	file('slow.sql', "SELECT pg_sleep(100);\n");
	my $start = sub {
		my $run = $server->start_migguard(undef, [ 'lint', 'slow.sql' ], cwd => "$dir", env => {%own});
		wait_until(sub { grep { sleeps($_) } glob "$temp/migguard-lint-*" }, 60, 'the migration runs');
		return $run;
	};
	foreach my $signal (qw(TERM INT HUP))
	{
		my $run = $start->();
		is(() = left() =~ /\S+/g, 1, 'one directory while it runs');
		is((stat left())[2] & 07777, 0700, 'which nobody else can enter');
		$run->signal($signal);
		$run->wait(60);
		is($run->exit_code, 24, "SIG$signal") or diag($run->stderr);
		is(left(), '', 'leaves no directory');
		is(processes(), 0, 'and no process');
	}
	my $run = $start->();
	$run->signal('KILL');
	$run->wait(60);
	ok(wait_until(sub { processes() == 0 }, 30, 'the server ends'), 'SIGKILL leaves no process');
	my $old = left();
	isnt($old, '', 'but the directory');
	my $busy = $start->();
	ok(!-e $old, 'which the next one removes');
	my $alive = left();
	exit_is(lint(['one.sql']), 0, 'another one beside it');
	ok(-d $alive, 'leaves alone what is in use');
	$busy->signal('TERM');
	$busy->wait(60);
	is(left(), '', 'until that ends');
};

subtest 'what it needs' => sub {
	my $run = lint(['one.sql'], MIGGUARD_LINT_SERVER_BINDIR => '/usr/bin');
	exit_is($run, 65, 'no server where it is said to be');
	mkdir "$dir/fake";
	foreach my $name (qw(initdb postgres))
	{
		open my $h, '>', "$dir/fake/$name" or die;
		print $h "#!/bin/sh\necho 'initdb: error: no room' >&2\nexit 1\n";
		close $h;
		chmod 0755, "$dir/fake/$name";
	}
	$run = lint(['one.sql'], MIGGUARD_LINT_SERVER_BINDIR => "$dir/fake");
	isnt($run->exit_code, 0, 'a cluster that cannot be made');
	like($run->stderr, qr/no room/, 'says what its program said');
	is(left(), '', 'and leaves nothing');
};

# Without a setting: pg_config, or the newest server where systems put them, which may lack the extension.
subtest 'which server' => sub {
	mkdir "$temp/migguard-lint-old" and chmod 0700, "$temp/migguard-lint-old";
	mkdir "$temp/migguard-lint-new" and chmod 0700, "$temp/migguard-lint-new";
	utime time - 7200, time - 7200, "$temp/migguard-lint-old";
	exit_is(lint(['one.sql'], MIGGUARD_LINT_SERVER_BINDIR => undef), 0, 'the one of pg_config');
	is(left(), "$temp/migguard-lint-new", 'a directory without a lock is removed when it is old');
	rmdir "$temp/migguard-lint-new";
	my @installed = grep { -x "$_/initdb" && -x "$_/postgres" } glob '/usr/lib/postgresql/*/bin';
	my $run = lint(['one.sql'], MIGGUARD_LINT_SERVER_BINDIR => undef, PATH => '/nonexistent');
	if (!@installed) { like($run->stderr, qr/no database is named, and no PostgreSQL server is installed/, 'none') }
	elsif (grep { -e s{/bin$}{}r =~ s{/lib/}{/share/}r . '/extension/safedeploy.control' } @installed) { exit_is($run, 0, 'one of the system') }
	else { like($run->stderr, qr{extension "safedeploy" is not installed for the server in /usr/lib/postgresql/\d+/bin.*hint: Install it there}s, 'one of the system') }
};

# Root of a namespace of its own is root to every program, the server included.
subtest 'root' => sub {
	my @root = qw(unshare --user --map-root-user);
	my $able = run_program([ @root, 'true' ])->exit_code;
	plan skip_all => 'no user namespaces here' if !defined $able || $able != 0;
	my $as_root = sub { return $server->migguard(undef, [ 'lint', 'one.sql' ], cwd => "$dir", prefix => \@root, env => { %own, @_ }); };
	my $run = $as_root->();
	exit_is($run, 65, 'root cannot run a server');
	like($run->stderr, qr/root cannot run lint's own server.*name one by \[lint\] server_user/s, 'which is said, with what to do');
	$run = $as_root->(MIGGUARD_LINT_SERVER_USER => 'root');
	exit_is($run, 65, 'nor by another name of root');
	like($run->stderr, qr/"root" is root/, 'which is said');
	$run = $as_root->(MIGGUARD_LINT_SERVER_USER => 'nobody_of_that_name');
	exit_is($run, 65, 'nor as somebody who is not there');
	like($run->stderr, qr/there is no user "nobody_of_that_name"/, 'which is said');
	# this root can be nobody else
	$run = $as_root->(MIGGUARD_LINT_SERVER_USER => 'nobody');
	exit_is($run, 69, 'nor as somebody it may not become');
	like($run->stderr, qr/could not give away/, 'which is said');
	is(left(), '', 'nothing of it is left');
};

done_testing;
