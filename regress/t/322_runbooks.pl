# The commands of the runbooks, run as they are printed by "migguard runbook", lead to the end that the page promises.
use strict;
use warnings;

use Digest::SHA qw(sha256_hex);

use SafeDeployTest;
use SafeDeployTest::Dead;
use Test::More;
use Text::ParseWords qw(shellwords);

my $server = SafeDeployTest->new('runbooks');
my $dead = SafeDeployTest::Dead->new($server, sql => 'CREATE SEQUENCE thirteen',
	ini => "[verify.assertions]\nno thirteen = SELECT NOT EXISTS (SELECT FROM pg_sequences WHERE sequencename = 'thirteen' AND last_value = 13)\n");

# Sections of a page as lists of [ command, expected lines ]; what stands above the first is section ''.
sub sections
{
	my ($name) = @_;
	my $p = $server->migguard(undef, [ 'runbook', $name ]);
	exit_is($p, 0, "runbook $name is in the program");
	my ($section, %of) = ('');
	foreach my $line (split /\n/, $p->stdout)
	{
		if    ($line =~ /^## (.*)/)        { $section = $1; }
		elsif ($line =~ /^ {4,}\$ (.*)/)   { push @{ $of{$section} }, [ $1, [] ]; }
		elsif ($line =~ /^ {4,}(\S.*)/ && $of{$section}) { push @{ $of{$section}[-1][1] }, $1; }
	}
	return \%of;
}

# Runs the commands of a section; exits has one code for each.
sub follow
{
	my ($page, $section, $scene, @exits) = @_;
	my $commands = $page->{$section};
	return fail("the page has section \"$section\"") unless $commands;
	is(scalar @$commands, scalar @exits, "section \"$section\" has " . @exits . ' commands');
	foreach my $command (@$commands)
	{
		my ($line, $expected) = @$command;
		my $exit = shift @exits;
		$line =~ s/\b$_\b/$scene->{$_}/g foreach grep { /^[A-Z0-9]+$/ } keys %$scene;
		my @words = shellwords($line =~ s/\s+#.*//r);
		my $p;
		if ($words[0] eq 'migguard') { $p = $server->migguard($scene->{database}, [ @words[ 1 .. $#words ] ], cwd => $dead->dir); }
		else { $p = run_program([ 'psql', '-X', @words[ 1 .. $#words ] ], env => { $server->libpq_env($scene->{database}) }); }
		exit_is($p, $exit, $line);
		$scene->{out} = $p->stdout;
		my $output = $p->stdout . $p->stderr;
		foreach my $want (@$expected)
		{
			next if $want eq '...';
			my $pattern = $want;
			$pattern =~ s/\b$_\b/$scene->{$_}/g foreach grep { /^[A-Z0-9]+$/ } keys %$scene;
			$pattern = join '.*', map { quotemeta } split /\.\.\./, $pattern, -1;
			like($output, qr/$pattern/, "prints: $want");
		}
		isnt($output, '', 'prints something') if grep { $_ eq '...' } @$expected;
	}
	return;
}

# A scene by hand: what RUN and SNAPSHOT stand for.
sub scene
{
	my ($command, $events, $do) = @_;
	my ($database, $id) = $dead->scene($command, $events);
	$do->($database, substr $id, 0, 8) if $do;
	return { database => $database, RUN => substr($id, 0, 8), SNAPSHOT => $dead->snapshot_id('before'), id => $id };
}

sub stands
{
	my ($scene, $revision, $schema, $name) = @_;
	is($dead->revision($scene->{database}) . ' ' . $dead->schema($scene->{database}), "$revision $schema", $name);
	return;
}

sub runs_on { my ($scene, $exit) = @_; exit_is($dead->migguard($scene->{database}, 'run', '--no-rehearsal'), $exit, 'and the next run goes on'); return; }

subtest 'interrupted' => sub {
	my $page = sections('interrupted');
	my $between = sub { return scene('run', [ $dead->to_migrate ], sub { $dead->up($_[0], 2) }) };
	my $scene = $between->();
	follow($page, '', $scene, 0);
	follow($page, 'See what would be done', $scene, 0);
	stands($scene, 2, 'between', 'nothing is changed so far');
	follow($page, 'Let it be finished', $scene, 0);
	stands($scene, 3, 'after', 'it is finished');
	runs_on($scene, 3);
	$scene = $between->();
	follow($page, 'Bring it back in place of that', $scene, 0);
	stands($scene, 1, 'before', 'it is brought back');
	runs_on($scene, 0);
	$scene = $between->();
	follow($page, 'Take it as it is', $scene, 0);
	stands($scene, 3, 'after', 'it goes on from there');
};

subtest 'the states' => sub {
	my $scene = scene('run', [ $dead->to_lock ]);
	follow(sections('rehearse'), '', $scene, 0);
	stands($scene, 3, 'after', 'left before migrate: it is run anew');
	$scene = scene('run', [ $dead->to_migrate ], sub { $dead->up($_[0], 2) });
	follow(sections('migrate'), '', $scene, 0, 0);
	stands($scene, 3, 'after', 'left in migrate: it goes on');
	$scene = scene('run', [ $dead->to_migrate ], sub { $dead->up($_[0], 2); $server->sql($_[0], 'CREATE TABLE foreign_one ()') });
	exit_is($dead->migguard($scene->{database}, 'resume'), 24, 'when it cannot go on');
	follow(sections('migrate'), 'When it cannot go on', $scene, 12);
	stands($scene, 2, 'other', 'the rollback changes nothing either');
	$dead->write('3_m.up.sql', "CREATE INDEX CONCURRENTLY t_c ON t (c);\n");
	$scene = scene('run', sub {
		my ($database) = @_;
		$dead->up($database, 2);
		$server->sql($database, 'CREATE INDEX t_c ON t (c)');
		my $id = $dead->snapshot($database);
		my $fingerprint = $server->sql($database, "SELECT fingerprint FROM safedeploy.snapshot WHERE id = $id");
		return ($dead->to_lock, $dead->capture, [ 'rehearse', 'ok', { snapshot_id => 0 + $id, fingerprint => $fingerprint } ], [qw(backup skipped)], [qw(migrate begin)]);
	});
	@{$scene}{qw(NUMBER FILE SHA256)} = (3, '3_m.up.sql', sha256_hex("CREATE INDEX CONCURRENTLY t_c ON t (c);\n"));
	exit_is($dead->migguard($scene->{database}, 'resume'), 24, 'when an index has no record');
	follow(sections('migrate'), 'When a change is there without its record', $scene, 0, 0);
	is($dead->revision($scene->{database}), 3, 'it is recorded, and the run is done');
	runs_on($scene, 3);
	$dead->write('3_m.up.sql', $dead->up_sql(3) . "\n");
	$scene = scene('run', [ $dead->to_verify ], sub { $dead->up($_[0], 2, 3) });
	follow(sections('verify'), '', $scene, 0);
	stands($scene, 3, 'after', 'left in verify: it is recorded as done');
	runs_on($scene, 3);
	$scene = scene('run', [ $dead->to_rollback ], sub { $dead->up($_[0], 2) });
	follow(sections('rollback'), '', $scene, 0, 21);
	stands($scene, 1, 'before', 'left in rollback: it is brought back');
};

subtest 'rollback_failed' => sub {
	my $page = sections('rollback_failed');
	$dead->write('2_m.down.sql', "ALTER TABLE t DROP COLUMN c; DROP TABLE extra; SELECT 1 / (1 - count(*)) FROM t;\n");
	my $scene = scene('plan', [ $dead->to_lock ], sub { $server->sql($_[0], q{INSERT INTO t VALUES (1); SELECT setval('thirteen', 13)}) });
	exit_is($dead->migguard($scene->{database}, 'run', '--target', '2'), 23, 'the downgrade fails on the real rows');
	my ($run) = $server->runs($scene->{database});
	$scene->{RUN} = substr $run->{run_id}, 0, 8;
	follow($page, 'See where it is', $scene, 0, 30);
	is($dead->revision($scene->{database}), 2, 'it is in between');
	runs_on($scene, 24);
	$server->sql($scene->{database}, 'DELETE FROM t');
	follow($page, 'Take the cause away and try again', $scene, 21);
	stands($scene, 1, 'before', 'it is brought back');
	$dead->write('2_m.down.sql', "ALTER TABLE t DROP COLUMN c; DROP TABLE extra;\n");
	$server->sql($scene->{database}, q{SELECT setval('thirteen', 1)});
	runs_on($scene, 0);
};

subtest 'rolled_back_unproved' => sub {
	my $page = sections('rolled_back_unproved');
	# on a clone there are no rows, and nothing is left
	$dead->write('2_m.down.sql', "ALTER TABLE t DROP COLUMN c; DROP TABLE extra; DO \$\$ BEGIN IF EXISTS (SELECT FROM t) THEN CREATE TABLE left_over (id integer); END IF; END \$\$;\n");
	my $prepare = sub {
		my $scene = scene('plan', [ $dead->to_lock ], sub { $server->sql($_[0], q{INSERT INTO t VALUES (1); SELECT setval('thirteen', 13)}) });
		exit_is($dead->migguard($scene->{database}, 'run', '--target', '2'), 22, 'the downgrade leaves something');
		my ($run) = $server->runs($scene->{database});
		$scene->{RUN} = substr $run->{run_id}, 0, 8;
		$scene->{SNAPSHOT} = $server->sql($scene->{database}, "SELECT detail ->> 'snapshot_id' FROM safedeploy.event WHERE run_id = '$run->{run_id}' AND state = 'capture' AND status = 'ok'");
		$server->sql($scene->{database}, q{SELECT setval('thirteen', 1)});
		return $scene;
	};
	my $scene = $prepare->();
	follow($page, 'See what differs', $scene, 0, 30);
	like($scene->{out}, qr/left_over/, 'the difference is named');
	my $put_right = $page->{'Put it right'};
	follow({ part => [ $put_right->[0] ] }, 'part', $scene, 0);
	like($scene->{out}, qr/DROP TABLE/, 'the server proposes what puts it right');
	$server->sql($scene->{database}, $scene->{out});
	follow({ part => [ $put_right->[1] ] }, 'part', $scene, 3);
	stands($scene, 1, 'before', 'it is as before');
	$dead->write('2_m.down.sql', "ALTER TABLE t DROP COLUMN c; DROP TABLE extra;\n");
	runs_on($scene, 0);
};

subtest 'drift' => sub {
	my $page = sections('drift');
	my $scene = scene('plan', [ $dead->to_lock ], sub { $server->sql($_[0], 'CREATE TABLE by_hand (id integer)') });
	$scene->{SNAPSHOT} = $server->sql($scene->{database}, 'SELECT snapshot_id FROM safedeploy.last_known_good');
	follow($page, 'See what changed, and who did it', $scene, 30, 30);
	my $decide = $page->{'Decide'};
	follow({ part => [ $decide->[0] ] }, 'part', $scene, 0);
	like($scene->{out}, qr/DROP TABLE/, 'the server proposes what changes it back');
	$server->sql($scene->{database}, $scene->{out});
	follow({ part => [ $decide->[1] ] }, 'part', $scene, 0);
};

subtest 'lock' => sub {
	my $page = sections('lock');
	my $holder;
	my $scene = scene('run', [ $dead->to_migrate ], sub {
		my ($database, $short) = @_;
		my $id = $server->sql($database, "SELECT run_id FROM safedeploy.run WHERE run_id::text LIKE '$short%'");
		$holder = start_program([ 'psql', '-Xqc', "SELECT safedeploy.try_lock('default', 'deploy', '$id')", '-c', 'SELECT pg_sleep(600)', $server->url($database) ], env => { PGAPPNAME => "migguard:$short:guard" });
		wait_until(sub { $server->sql($database, 'SELECT count(*) FROM safedeploy.lock_holders') }, 20, 'the holder');
	});
	my $p = $dead->migguard($scene->{database}, 'run', '--lock-wait', '0');
	exit_is($p, 11, 'the lock is not obtained');
	like($p->stderr, qr/migguard runbook lock$/m, 'and the refusal names the page');
	follow($page, 'See who holds it', $scene, 0, 0);
	follow($page, 'When its holder is dead for good', $scene, 0, 0);
	isnt($holder->wait(20)->exit_code, 0, 'its session is ended');
	stands($scene, 3, 'after', 'and its run is done');
};

subtest 'what resume finds' => sub {
	my $scene = scene('run', [ $dead->to_migrate ], sub {
		$dead->up($_[0], 2);
		$server->sql($_[0], 'INSERT INTO t VALUES (1), (2)');
		$server->try_sql($_[0], 'CREATE UNIQUE INDEX CONCURRENTLY t_c ON t ((1))');
	});
	my $p = $dead->migguard($scene->{database}, 'resume');
	exit_is($p, 24, 'a half-built index');
	($scene->{INDEX}) = $p->stderr =~ /DROP INDEX CONCURRENTLY ([a-z_.]+[a-z])/;
	$scene->{HIDDEN} = $scene->{INDEX};
	(my $page = sections('half-built-index'))->{''}[0][0] =~ s/CONCURRENTLY INDEX/CONCURRENTLY HIDDEN/;
	delete $scene->{INDEX};
	follow($page, '', $scene, 0, 0);
	stands($scene, 3, 'after', 'is dropped, and the run goes on');

	$scene = scene('run', [ $dead->to_migrate ], sub { $dead->up($_[0], 2, 3); $dead->forget($_[0], 3) });
	$scene->{$_->[0]} = $_->[1] foreach [ NUMBER => 3 ], [ FILE => '3_m.up.sql' ], [ SHA256 => $dead->checksum(3) ];
	$server->sql($scene->{database}, 'DROP TABLE extra; ALTER TABLE t DROP COLUMN c; ALTER TABLE t ADD COLUMN old text');
	$dead->record($scene->{database}, 3);
	exit_is($dead->migguard($scene->{database}, 'resume'), 24, 'the revision is ahead of the schema');
	$page = sections('revision-and-schema')->{''};
	follow({ part => [ @{$page}[ 0, 1 ] ] }, 'part', $scene, 0, 0);
	follow({ part => [ $page->[3] ] }, 'part', $scene, 0);
	$dead->forget($scene->{database}, 2);
	follow({ part => [ $page->[4] ] }, 'part', $scene, 0);
	stands($scene, 3, 'after', 'set back, it is done anew');
	$scene = scene('run', [ $dead->to_migrate ], sub { $dead->up($_[0], 2, 3); $dead->forget($_[0], 3, 2) });
	exit_is($dead->migguard($scene->{database}, 'resume'), 24, 'the revision is behind the schema');
	foreach my $n (2, 3)
	{
		@{$scene}{qw(NUMBER FILE SHA256)} = ($n, "${n}_m.up.sql", $dead->checksum($n));
		follow({ part => [ $page->[2] ] }, 'part', $scene, 0);
	}
	follow({ part => [ $page->[4] ] }, 'part', $scene, 0);
	stands($scene, 3, 'after', 'set, it is recorded as done');

	$scene = scene('run', [ $dead->to_migrate ], sub { $server->sql($_[0], 'CREATE TABLE foreign_one ()') });
	exit_is($dead->migguard($scene->{database}, 'resume'), 24, 'changes that are not the run\'s');
	$page = sections('foreign-changes')->{''};
	follow({ part => [ @{$page}[ 0, 1 ] ] }, 'part', $scene, 30, 30);
	like($scene->{out}, qr/foreign_one/, 'are shown');
	$server->sql($scene->{database}, 'DROP TABLE foreign_one');
	follow({ part => [ $page->[2] ] }, 'part', $scene, 0);
	stands($scene, 3, 'after', 'and with them put right it is done');

	my $work;
	$scene = scene('run', [ $dead->to_migrate ], sub {
		my ($database, $short) = @_;
		$work = start_program([ 'psql', '-Xqc', 'SELECT pg_sleep(600)', $server->url($database) ], env => { PGAPPNAME => "migguard:$short:guard" });
		wait_until(sub { $server->sql($database, q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%:guard'}) }, 20, 'the session');
	});
	exit_is($dead->migguard($scene->{database}, 'resume'), 24, 'its guard is alive');
	follow(sections('still-alive'), '', $scene, 0, 0, 0);
	stands($scene, 3, 'after', 'it is ended, and the run is done');
	isnt($work->wait(20)->exit_code, 0, 'its session is no more');

	$scene = scene('run', [ $dead->unrehearsed ], sub { $dead->up($_[0], 2, 3) });
	exit_is($dead->migguard($scene->{database}, 'resume'), 24, 'what was not rehearsed');
	$page = sections('not-comparable')->{''};
	follow({ part => [ @{$page}[ 0, 1 ] ] }, 'part', $scene, 0, 30);
	follow({ part => [ $page->[2] ] }, 'part', $scene, 3);

	$scene = scene('plan', [ $dead->to_migrate ]);
	exit_is($dead->migguard($scene->{database}, 'resume'), 24, 'a ledger that contradicts itself');
	follow(sections('contradiction'), '', $scene, 0, 0, 0);
	stands($scene, 3, 'after', 'is accepted, and the next run goes on');
};

# a page for each code and state, by any of its names
my $p = $server->migguard(undef, ['runbook']);
exit_is($p, 0, 'the pages are listed');
like($p->stdout, qr/^$_:? /m, "$_ is one of them") foreach qw(interrupted rollback-failed restore);
exit_is($server->migguard(undef, [ 'runbook', 'nowhere' ]), 64, 'a page that is not there');
exit_is($server->migguard(undef, [ '--format', 'json', 'runbook', '24' ]), 0, 'as JSON');

done_testing();
