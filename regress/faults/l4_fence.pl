# L4: what works for a lost lock commits nothing once somebody else has the lock.
#
# A guard stands in the midst of its migration.  Its session is terminated, or it is
# stopped for a minute and its lock broken, or it is killed while its keeper is held up
# so that its tool lives on.  Then somebody else gets the lock, and the tool goes on.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use SafeDeployTest::Gate;
use Test::More;
use Time::HiRes qw(time sleep);

my %texts = (
	'L4 terminate' => 'a guard whose session is terminated commits nothing late',
	'L4 stop'      => 'a guard that is stopped for a while commits nothing late',
	'L4 kill'      => 'a guard that is killed while its tool lives on commits nothing late',
	'L4 race'      => 'between the check at a commit and its end no newer token is issued');
promise($_, $texts{$_}) foreach sort keys %texts;

my $stop_seconds = repeats() > 1 ? 60 : 3;
my $batch = 25;
my $gate = SafeDeployTest::Gate->new('fence');
my $server = $gate->server;

# What the tool has done and does when it goes on: the tool, its script, and what a late commit leaves.
# A session under another name is not ended by whoever ends the sessions of a run.
my $elsewhere = "SET application_name = 'elsewhere';\n";
# A file with a transaction of its own is not run in one.
my $outside   = "BEGIN;\nCOMMIT;\n";
my @kinds = (
	[ 'DDL', 'sql', "${elsewhere}CREATE TABLE late (i integer);\nSELECT gate();\n", q{to_regclass('late') IS NOT NULL} ],
	[ 'rows', 'sql', "${elsewhere}INSERT INTO t VALUES (1);\nSELECT gate();\n", 'EXISTS (SELECT FROM t)' ],
	[ 'rows under the name of the run', 'sql', "INSERT INTO t VALUES (1);\nSELECT gate();\n", 'EXISTS (SELECT FROM t)' ],
	[ 'COPY', 'sql', "${elsewhere}COPY t FROM STDIN;\n1\n2\n\\.\nSELECT gate();\n", 'EXISTS (SELECT FROM t)' ],
	[ 'DO with COMMIT', 'sql', "$outside${elsewhere}DO \$\$ BEGIN INSERT INTO t VALUES (1); PERFORM gate(); COMMIT; INSERT INTO t VALUES (2); END \$\$;\n", 'EXISTS (SELECT FROM t)' ],
	[ 'many statements', 'sql', "$outside${elsewhere}SELECT gate();\nCREATE TABLE late (i integer);\nINSERT INTO t VALUES (1);\n", q{EXISTS (SELECT FROM t) OR to_regclass('late') IS NOT NULL} ],
	[ 'a prepared transaction', 'sql', "${elsewhere}BEGIN;\nCREATE TABLE late (i integer);\nPREPARE TRANSACTION '{n}';\nSELECT gate();\nCOMMIT PREPARED '{n}';\n", q{to_regclass('late') IS NOT NULL} ],
	[ 'CREATE INDEX CONCURRENTLY', 'sql', "${elsewhere}INSERT INTO t VALUES (1);\nCREATE INDEX CONCURRENTLY late ON t (gate(i));\n", q{EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('late') AND indisvalid)} ],
	[ 'a commit that has begun', 'sql', "${elsewhere}INSERT INTO deferred VALUES (1);\n", 'EXISTS (SELECT FROM deferred)' ],
	[ 'a sequence', 'sql', "$outside${elsewhere}SELECT gate();\nSELECT setval('s', 77);\n", '(SELECT last_value FROM s) = 77' ],
	[ 'Alembic', 'alembic', "CREATE TABLE late (i integer)\nSELECT gate()\n", q{to_regclass('late') IS NOT NULL} ],
	[ 'Alembic elsewhere', 'alembic', "SET application_name = 'elsewhere'\nINSERT INTO t VALUES (1)\nSELECT gate()\n", 'EXISTS (SELECT FROM t)' ],
	[ 'Flyway', 'flyway', "${elsewhere}CREATE TABLE late (i integer);\nSELECT gate();\n", q{to_regclass('late') IS NOT NULL} ]);

my %scenes;
sub scene_of
{
	my ($kind, $number) = @_;
	my (undef, $tool, $script) = @$kind;
	$script =~ s/\{n\}/$number/g;
	return $scenes{"$tool $script"} ||= $gate->scene($tool, $script);
}

# The trial's guard loses its lock, and somebody else has it.
sub lose
{
	my ($trial, $fault, $number) = @_;
	my $guard = $trial->{guard};
	$trial->{keeper} = $gate->keeper($trial);
	if ($fault eq 'stop') { $guard->signal('STOP'); }
	elsif ($fault eq 'kill')
	{
		# every other keeper does what it is there for
		$trial->{held_up} = $number % 2;
		kill 'STOP', $trial->{keeper} if $trial->{held_up};
		$guard->signal('KILL');
	}
	my $break = $fault eq 'terminate' ? 'SELECT pg_terminate_backend(pid) FROM safedeploy.lock_holders;' : q{SELECT safedeploy.break_lock('default', 'trial');};
	my $newest = "SELECT coalesce(max(token), 0) > $trial->{token} FROM safedeploy.lock";
	wait_until(sub { ($server->sql($trial->{db}, "$break\nSELECT safedeploy.try_lock('default');\n$newest") =~ /(\w)\s*\z/)[0] eq 't' }, 30, "a newer token for $trial->{db}");
	$gate->open($trial);
	return;
}

sub late { return $server->sql($_[0]{db}, "SELECT $_[0]{late}") eq 't'; }

# True when nothing of the tool is left in the server.
sub is_over
{
	my ($trial) = @_;
	return $server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$trial->{db}' AND application_name ~ '(:migrate|^elsewhere)\$'") eq '0';
}

sub judge
{
	my ($trial, $fault) = @_;
	my @wrong;
	my $guard = $trial->{guard};
	eval { wait_until(sub { is_over($trial) }, 30, 'the end of the tool\'s sessions'); 1 } or push @wrong, $@;
	push @wrong, 'a late commit' if late($trial);
	$guard->signal('CONT');
	kill 'CONT', $trial->{keeper};
	eval { $guard->wait(60); 1 } or push @wrong, $@;
	my $ended = $guard->exit_code;
	push @wrong, 'it ended with ' . (defined $ended ? $ended : 'signal ' . $guard->term_signal) if $fault eq 'kill' ? defined $ended : !defined $ended || $ended < 20 || $ended > 24;
	eval { wait_until(sub { !$gate->processes($trial) }, 2, 'the end of its processes'); 1 } or push @wrong, $@;
	push @wrong, 'a commit after its end' if late($trial);
	push @wrong, 'the ledger is damaged' if $server->faults($trial->{db});
	verdict("L4 $fault", !@wrong, "$trial->{kind}" . ($trial->{held_up} ? ', the keeper held up' : ''), @wrong, @wrong ? $guard->stdout . $guard->stderr : ());
	$gate->finish($trial);
	return;
}

# In the quick tier a guard that is stopped meets each kind, the others a few; 200 trials each in the long one.
my $number = 0;
my %quick = (
	terminate => qr/^(?:DDL|COPY|a commit that has begun|Alembic)$/,
	stop      => qr/^(?!Alembic)/,
	kill      => qr/^(?:rows|many statements|a prepared transaction|Alembic elsewhere)$/);
foreach my $fault (qw(terminate stop kill))
{
	my @todo = map { my $k = $_; ($k) x ($k->[1] eq 'sql' ? share(17) : share(10)) } grep { repeats() > 1 || $_->[0] =~ $quick{$fault} } @kinds;
	while (my @now = splice @todo, 0, $batch)
	{
		my @trials;
		foreach my $kind (@now)
		{
			my $trial = $gate->start(scene_of($kind, ++$number));
			@$trial{qw(kind late)} = @$kind[ 0, 3 ];
			push @trials, $trial;
		}
		$gate->wait_for(@trials);
		my $since = time;
		lose($trials[$_], $fault, $_) foreach 0 .. $#trials;
		if ($fault eq 'stop')
		{
			my $left = $since + $stop_seconds - time;
			sleep $left if $left > 0;
		}
		judge($_, $fault) foreach @trials;
	}
}

# The race itself, held open at named points of the module: sessions that work for a token commit
# while another session asks for the next one.
my $db = 'race';
$server->sql('postgres', "CREATE DATABASE $db TEMPLATE base");
my $paused = File::Temp->newdir;

sub session
{
	my ($sql, %opt) = @_;
	my $options = '-c local_preload_libraries=safedeploy';
	$options .= " -c safedeploy.fence_token=$opt{token}" if $opt{token};
	$options .= " -c safedeploy.failpoint=$opt{point}=pause:$paused/point" if $opt{point};
	return start_program([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', $server->url($db) ], stdin => $sql, env => { PGOPTIONS => $options });
}

# Somebody who has the lock, until he is told to let it go.
sub holder
{
	my $p = session("SELECT safedeploy.try_lock('default') AS token \\gset\n\\echo :token\n\\! exec sleep 600\n");
	my $token = wait_until(sub { $p->stdout =~ /^(\d+)$/m && $1 }, 30, 'the lock');
	return ($p, $token);
}

sub lose_lock
{
	my ($holder) = @_;
	$server->sql($db, 'SELECT pg_terminate_backend(pid) FROM safedeploy.lock_holders');
	$holder->kill_group;
	wait_until(sub { !$server->sql($db, 'SELECT count(*) FROM safedeploy.lock_holders') }, 30, 'the end of the holder');
	return;
}

sub paused { wait_until(sub { -e "$paused/point" }, 30, 'a session at its point'); return; }
sub go_on  { unlink "$paused/point"; return; }

my %commits = (
	'COMMIT'          => [ "SELECT 1;\n", "BEGIN;\nINSERT INTO t VALUES (1);\nCOMMIT;\n", 'EXISTS (SELECT FROM t)' ],
	'a single INSERT' => [ "SELECT 1;\n", "INSERT INTO t VALUES (1);\n", 'EXISTS (SELECT FROM t)' ],
	'DDL'             => [ "SELECT 1;\n", "CREATE TABLE late (i integer);\n", q{to_regclass('late') IS NOT NULL} ],
	'COMMIT PREPARED' => [ "BEGIN;\nCREATE TABLE late (i integer);\nPREPARE TRANSACTION 'race';\n", "COMMIT PREPARED 'race';\n", q{to_regclass('late') IS NOT NULL} ]);

sub clean
{
	$server->sql($db, q{TRUNCATE t; DROP TABLE IF EXISTS late; SELECT 'ROLLBACK PREPARED ' || quote_literal(gid) FROM pg_prepared_xacts WHERE database = current_database() \gexec});
	return;
}

# A commit that was checked in time ends before anybody has a newer token.
sub race_old_first
{
	my ($name) = @_;
	my ($before, $commit, $there) = @{ $commits{$name} };
	my @wrong;
	my ($holder, $token) = holder();
	session($before, token => $token)->wait(30);
	my $old = session($commit, token => $token, point => 'fence.held');
	paused();
	lose_lock($holder);
	push @wrong, 'a newer token while a commit of the older one was under way' if $server->sql($db, q{SELECT safedeploy.try_lock('default') IS NULL}) ne 't';
	go_on();
	$old->wait(30);
	push @wrong, 'the commit failed: ' . $old->stderr if !defined $old->exit_code || $old->exit_code != 0 || $server->sql($db, "SELECT $there") ne 't';
	push @wrong, 'no newer token after it' if $server->sql($db, "SELECT safedeploy.try_lock('default') > $token") ne 't';
	verdict('L4 race', !@wrong, "$name is under way, then somebody asks for the lock", @wrong);
	clean();
	return;
}

# While a newer token is being issued nothing of the older one is committed, nor afterwards.
sub race_new_first
{
	my ($name, $point) = @_;
	my ($before, $commit, $there) = @{ $commits{$name} };
	my @wrong;
	my ($holder, $token) = holder();
	session($before, token => $token)->wait(30);
	lose_lock($holder);
	my $new = session("SELECT safedeploy.try_lock('default');\n", point => $point);
	paused();
	my $old = session($commit, token => $token);
	eval { $old->wait(10); 1 } or push @wrong, 'it waits';
	push @wrong, 'not refused: ' . $old->stderr if $old->stderr !~ /SD202: .* refused/;
	go_on();
	$new->wait(30);
	push @wrong, 'no newer token: ' . $new->stderr if $new->stdout !~ /^\d+$/ || $new->stdout <= $token;
	push @wrong, 'a late commit' if $server->sql($db, "SELECT $there") eq 't';
	verdict('L4 race', !@wrong, "$name while somebody is at $point", @wrong);
	clean();
	return;
}

foreach my $name (sort keys %commits)
{
	race_old_first($name) foreach 1 .. repeats();
	foreach my $point (qw(lock.taken lock.issued lock.written)) { race_new_first($name, $point) foreach 1 .. repeats(); }
}
$server->node->stop;
done_testing();
