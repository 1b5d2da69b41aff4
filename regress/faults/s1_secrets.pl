# S1: the password of the login, and tokens of the environment, are in nothing that is printed, kept
# or to be seen, in each of these scenarios with each of the tools.
use strict;
use warnings;
use utf8;

use File::Path qw(make_path remove_tree);
use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use SafeDeployTest::Secrets;
use SafeDeployTest::Tool;
use Test::More;

promise('S1', 'passwords and tokens are in no output, row, file, log, process or session');

# Every character that some notation has an escape for; the pieces between look the same in all.
my $password = qq{kAn4ry/zQx9w7\@p7Jm2 +é'"\\%41&:=b8Rt6};
my $token    = 'tOk3n-"Le4kY/5';
my $leak     = qr/kAn4ry|zQx9w7|p7Jm2|b8Rt6|tOk3n|Le4kY/;
my $server   = SafeDeployTest->new('secrets', tcp => 1, preload => 1, conf => "log_connections = on\nlog_line_prefix = '%q[%a] '\nlog_min_messages = info\nlog_statement = all\n");
my $temp = File::Temp->newdir;

write_file($server->node->data_dir . '/pg_hba.conf', "host all app 127.0.0.1/32 scram-sha-256\n" . SafeDeployTest::Process::slurp($server->node->data_dir . '/pg_hba.conf'));
$server->node->reload;
$server->sql('postgres', 'CREATE ROLE app SUPERUSER LOGIN PASSWORD ' . quote_literal($password));

# A server that is to log each statement logs those of migrations, and what migguard asks about them.
sub logged { my ($which) = @_; return $server->sql('postgres', "ALTER ROLE app SET log_statement = '$which'"); }
my $secrets = SafeDeployTest::Secrets->new($server, $leak);

# What the tests themselves write with a password in it is here, and nothing else is.
my $keys = "$temp/keys";
make_path($keys);
my $port = $server->node->port;
my $own  = { PGPASSFILE => write_file("$keys/pass", "127.0.0.1:*:*:app:" . $password =~ s/([:\\])/\\$1/gr . "\n", 0600),
	service => write_file("$keys/service", "[far]\nhost=127.0.0.1\nport=$port\nuser=app\npassword=$password\n", 0600) };

sub url { my ($db, %opt) = @_; return $server->url($db, user => 'app', password => $password, tcp => 1, %opt); }

# Programs in front of the real ones, as deploys have them: one that tells all it knows, one
# that hands on a wrong password, one that ends a line of 2,048 bytes within the password.
my %wrappers = (
	telling   => q{print STDERR join("\n", map { "$_=$ENV{$_}" } sort keys %ENV), "\n", map { "argument $_\n" } @ARGV; print STDERR "$ENV{PGPASSWORD}\n"; },
	mistaken  => q{$ENV{$_} .= 'x' foreach grep { defined $ENV{$_} } qw(PGPASSWORD FLYWAY_PASSWORD); $ENV{DATABASE_URL} =~ s/\@127/x\@127/; },
	long_line => q{my $p = $ENV{PGPASSWORD}; print STDERR 'x' x (2048 - $_), $p, "\n" foreach 1 .. length $p; });

# A tool with a database, at the first of its revisions.
sub tool
{
	my ($name) = @_;
	my $t = { name => $name, db => "s1_$name", dir => "$temp/$name", tool => SafeDeployTest::Tool->new($name, "$temp/$name") };
	$server->create_database($t->{db});
	foreach my $kind (keys %wrappers)
	{
		my $program = $t->{tool}->program;
		write_file(wrapper($t, $kind), "#!$^X\n$wrappers{$kind}\nexec '$program', \@ARGV or die;\n", 0755);
	}
	revision($t, 1, 'CREATE TABLE one (i integer)', 'DROP TABLE one');
	return $t;
}

sub wrapper { my ($t, $kind) = @_; return "$t->{dir}/$kind/" . ($t->{tool}->program =~ m{([^/]+)$})[0]; }

# Writes a revision; without SQL, removes it.
sub revision { my ($t, $number, $up, $down) = @_; return defined $up ? $t->{tool}->revision($number, [$up], [$down]) : $t->{tool}->remove($number); }

sub start
{
	my ($t, $arguments, %opt) = @_;
	my %program = $opt{wrapper} ? (program => wrapper($t, $opt{wrapper})) : ();
	my %env = ($t->{tool}->env(%program), MIGGUARD_REHEARSE_MODE => 'off', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never', MIGGUARD_BACKUP_POLICY => 'none',
		MIGGUARD_BACKUP_DIRECTORY => "$t->{dir}/backups", DATABASE_URL => url($t->{db}), DEPLOY_TOKEN => $token, %{ $opt{env} || {} });
	my @tail = $opt{tool} ? $t->{tool}->command(%program, words => $opt{words}) : ();
	utf8::encode($_) foreach grep { defined && utf8::is_utf8($_) } values %env;
	my $p = $server->start_migguard(undef, [ @$arguments, @tail ], cwd => $opt{cwd} || $t->{dir}, prefix => $opt{prefix}, env => \%env);
	push @{ $t->{said} }, $p;
	return $p;
}

# What a scenario expects of a process: its exit code, and what shows that it came to its point.
sub expect
{
	my ($t, $code, $p, $heard) = @_;
	$p->wait(120);
	my $got = $p->exit_code // 'signal ' . $p->term_signal;
	my $all = $p->stdout . $p->stderr;
	push @{ $t->{wrong} }, $p->command . " ended with $got", $all unless $got =~ /^(?:$code)$/;
	push @{ $t->{wrong} }, $p->command . ' does not say ' . $heard, $all if defined $heard && $all !~ $heard;
	return;
}

sub guard
{
	my ($t, $code, $arguments, %opt) = @_;
	return expect($t, $code, start($t, $arguments, %opt), $opt{heard});
}

sub with_tool { my ($t, $code, $arguments, %opt) = @_; return guard($t, $code, $arguments, tool => 1, %opt); }

# Every command in both formats
sub both { my ($t, $code, @arguments) = @_; guard($t, $code, [ @arguments, @$_ ], tool => $arguments[0] =~ /^(?:status|doctor)$/) foreach ['-v'], ['--format=json']; return; }

# The same once more with the other format, where that costs little.
sub json { return repeats() > 1 ? '--format=json' : (); }

# A run whose tool stands within its revision for as long as the code takes.
sub at_gate
{
	my ($t, $code, %opt) = @_;
	$server->sql($t->{db}, 'INSERT INTO one VALUES (1)');
	revision($t, 2, 'SELECT pg_sleep(CASE WHEN count(*) > 0 THEN 600 ELSE 0 END) FROM one', 'SELECT 1');
	my $p = start($t, [ 'run', '-v', '-d', $opt{url} || url($t->{db}, password => undef) ], tool => 1, %opt, env => { PGPASSWORD => $password });
	wait_until(sub { !$p->running || $server->sql($t->{db}, q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database() AND application_name LIKE 'migguard:%'}) }, 60, 'the gate');
	$code->($p);
	$server->sql($t->{db}, 'DELETE FROM one');
	return $p;
}

# Processes that a process has started, and those they have, the last first.
sub descendants
{
	my ($pid) = @_;
	my %parent;
	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		open my $handle, '<', $file or next;
		my $line = <$handle> // next;
		$parent{$1} = $2 if $line =~ /^(\d+) \(.*\) \S (\d+)/s;
	}
	my @all = ($pid);
	for (my $i = 0; $i < @all; $i++) { push @all, grep { $parent{$_} == $all[$i] } sort { $a <=> $b } keys %parent; }
	return reverse @all[ 1 .. $#all ];
}

sub newest_backup { my ($t) = @_; return (sort { -M $a <=> -M $b } grep { -e "$_/manifest.json" } glob "$t->{dir}/backups/*")[0]; }

my %pending = (2 => [ 'CREATE TABLE two (i integer)', 'DROP TABLE two' ]);
sub two_pending { my ($t) = @_; revision($t, 2, @{ $pending{2} }); return; }

# name, tools of the quick tier, what is done; in the order of one story: revision 1 is applied
# by the second, and what a scenario adds to that it takes away again.
my @scenarios = (
	[ 'plan', 'sql', sub { with_tool($_[0], 0, [ 'plan', '-v' ], env => { MIGGUARD_REHEARSE_MODE => 'clone' }) } ],
	[ 'run', 'sql alembic flyway', sub {
		my ($t) = @_;
		my $all = $t->{name} eq 'sql' || repeats() > 1;
		with_tool($t, 0, [ 'run', '-v' ], env => $all ? { MIGGUARD_REHEARSE_MODE => 'clone', MIGGUARD_BACKUP_POLICY => 'full' } : {});
	} ],
	[ 'run with nothing to do, as JSON', 'sql', sub { with_tool($_[0], 3, [ 'run', '--format=json' ]) } ],
	[ 'statement with the password fails', 'sql alembic flyway', sub {
		my ($t) = @_;
		revision($t, 2, 'ALTER ROLE app PASSWORD ' . quote_literal($password) . ' NONSENSE', 'SELECT 1');
		logged('none');
		with_tool($t, 20, [ 'run', $_ ], heard => qr/nonsense|\*\*\*/i) foreach '-v', json();
		logged('all');
		# the server logs the statement that fails, and shows it to a superuser
		return sub { $_[0] eq 'log' ? $_[1] =~ /STATEMENT:/ : $_[0] eq 'pg_stat_activity of ' . $server->user && ($_[1] =~ /^migguard:\w+:(?:migrate|run|tool)\S* /) };
	} ],
	[ 'wrong password', 'sql', sub { with_tool($_[0], 69, [ 'run', '-v' ], env => { DATABASE_URL => url($_[0]{db}, password => "$password!") }, heard => qr/password authentication failed/) } ],
	[ 'unreachable host', 'sql', sub { with_tool($_[0], 69, [ 'run', '-v' ], env => { DATABASE_URL => url($_[0]{db}) =~ s/:$port/:1/r }) } ],
	[ 'no such database', 'sql', sub { with_tool($_[0], 69, [ 'run', '-v' ], env => { DATABASE_URL => url('nowhere') }) } ],
	[ 'URL that cannot be read', 'sql', sub { with_tool($_[0], 65, [ 'run', '-v' ], env => { DATABASE_URL => $_ }) foreach url($_[0]{db}) . '%zz', "postgresql://app:$password\@127.0.0.1/x", "postgresql://app:kAn4ry?zQx9w7/p7Jm2\@127.0.0.1/x", "kAn4ry:zQx9w7" } ],
	[ 'rehearsal fails', 'sql', sub { revision($_[0], 2, 'SELECT 1/0', 'SELECT 1'); with_tool($_[0], 12, [ 'run', '-v' ], env => { MIGGUARD_REHEARSE_MODE => 'clone' }) } ],
	[ 'backup fails', 'sql', sub { two_pending($_[0]); with_tool($_[0], '10|20', [ 'run', '-v' ], env => { MIGGUARD_BACKUP_POLICY => 'full', MIGGUARD_BACKUP_DIRECTORY => "$_[0]{dir}/telling/none/" . 'x' x 300 }) } ],
	[ 'backup program tells its environment', 'sql', sub {
		my ($t) = @_;
		two_pending($t);
		my $program = write_file("$t->{dir}/backup-program", "#!$^X\n$wrappers{telling}exit 3;\n", 0755);
		with_tool($t, '10|20', [ 'run', '-v' ], env => { MIGGUARD_BACKUP_POLICY => 'external', MIGGUARD_BACKUP_COMMAND => $program }, heard => qr/DEPLOY_TOKEN=\*\*\*/);
	} ],
	[ 'check of the user tells its environment', 'sql', sub {
		my ($t) = @_;
		two_pending($t);
		my $program = write_file("$t->{dir}/check-program", "#!$^X\n$wrappers{telling}exit 3;\n", 0755);
		with_tool($t, 10, [ 'run', '-v', '-c', write_file("$keys/$t->{name}-check.ini", "[preflight.commands]\ntelling = $program\n") ], heard => qr/DEPLOY_TOKEN=\*\*\*/);
	} ],
	[ 'tool tells environment and arguments', 'sql alembic flyway', sub {
		my ($t) = @_;
		revision($t, 2, 'SELECT 1/0', 'SELECT 1');
		my $ini = write_file("$keys/$t->{name}-env.ini", "[env]\nUPLOAD_SECRET = $token\nSECOND_URL = {url}\nTHIRD_URL = postgresql://u:kAn4ry%2fzQx9w7\@h/d\n");
		with_tool($t, 20, [ 'run', '-v', '-c', $ini ], wrapper => 'telling', heard => qr/UPLOAD_SECRET=\*\*\*/);
		with_tool($t, 20, [ 'run', $_, '-c', $ini ], wrapper => 'telling') foreach json();
	} ],
	[ 'tool ends an endless line in the password', 'sql', sub { revision($_[0], 2, 'SELECT 1/0', 'SELECT 1'); with_tool($_[0], 20, [ 'run', '-v' ], wrapper => 'long_line', heard => qr/x{2000}/) } ],
	[ 'login of the tool fails', 'sql alembic', sub { two_pending($_[0]); with_tool($_[0], 20, [ 'run', '-v' ], wrapper => 'mistaken', heard => qr/password authentication failed/) } ],
	[ 'tool at its most talkative', '', sub {
		my ($t) = @_;
		my $env_py = "$t->{dir}/migrations/env.py";
		return 'psql tells no more than it does anyway' if $t->{name} eq 'sql';
		two_pending($t);
		if ($t->{name} eq 'flyway') { with_tool($t, 0, [ 'run', '-v' ], words => ['-X'], heard => qr/DEBUG/); }
		else
		{
			my $text = SafeDeployTest::Process::slurp($env_py);
			write_file($env_py, "import logging, sys\nlogging.basicConfig(level=logging.DEBUG)\nlogging.getLogger('sqlalchemy').setLevel(logging.DEBUG)\nprint(sys.argv, dict(__import__('os').environ), repr(__import__('os').environ['DATABASE_URL']))\n$text\nif not context.is_offline_mode():\n    print(repr(engine.url.password), engine.url, repr(engine.url.translate_connect_args()))\n    import json\n    print(json.dumps(engine.url.translate_connect_args()))\n");
			with_tool($t, 0, [ 'run', '-v' ], heard => qr/DEBUG:sqlalchemy/);
			write_file($env_py, $text);
		}
		with_tool($t, 0, [ 'rollback', '-v' ]);
		return;
	} ],
	[ 'tool crashes', 'sql', sub {
		my ($t) = @_;
		my $p = at_gate($t, sub { kill 'SEGV', (descendants($_[0]->pid))[0]; $_[0]->wait(60) }, prefix => [ 'sh', '-c', 'ulimit -c 2048; exec "$@"', 'sh' ]);
		return expect($t, 20, $p);
	} ],
	[ 'lock is held; the guard is terminated', 'sql', sub {
		my ($t) = @_;
		my $p = at_gate($t, sub { with_tool($t, 11, [ 'run', '-v', '--lock-wait=0' ]); $_[0]->signal('TERM'); $_[0]->wait(60) });
		return expect($t, '20|24', $p);
	} ],
	[ 'the guard is killed; resume', 'sql', sub {
		my ($t) = @_;
		my $p = at_gate($t, sub {
			$_[0]->signal('KILL');
			$_[0]->wait(10);
			wait_until(sub { !$server->sql($t->{db}, q{SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'migguard:%'}) }, 30, 'the end of its sessions');
		});
		expect($t, 'signal 9', $p);
		with_tool($t, 0, [ 'resume', '-v' ]);
		with_tool($t, 0, [ 'rollback', '--format=json' ]);
		return;
	} ],
	[ 'URL with the password as an argument', 'sql', sub {
		my ($t) = @_;
		my $p = at_gate($t, sub {
			my ($p) = @_;
			my @shown = grep { /$leak/ } map { SafeDeployTest::Process::slurp($_) } glob "/proc/@{[$p->pid]}/cmdline";
			push @{ $t->{wrong} }, 'still in its command line', @shown if @shown;
			$t->{pid} = $p->pid;
			$p->signal('TERM');
			$p->wait(60);
		}, url => url($t->{db}));
		expect($t, '20|24', $p, qr/can be seen by every user/);
		# before its first instruction nobody can take it away
		return sub { $_[0] eq 'process' && $_[1] =~ /^$t->{pid}\t/ };
	} ],
	[ 'arguments that are not understood', 'sql', sub {
		my ($t) = @_;
		guard($t, 64, $_) foreach [ 'run', '--database-ulr=postgresql://app@h/d?password=' . 'none' ], ['postgresql://app@h/d'];
		return;
	} ],
	[ 'URL in the configuration', 'sql', sub {
		my ($t) = @_;
		my $ini = write_file("$keys/$t->{name}.ini", "[database]\nurl = " . url($t->{db}) . "\n", 0644);
		with_tool($t, '0|10', [ 'doctor', '-v', '-c', $ini ], env => { DATABASE_URL => undef }, heard => qr/the file holds a password and others can read it/);
		chmod 0600, $ini;
		with_tool($t, 3, [ 'run', '-v', '-c', $ini ], env => { DATABASE_URL => undef });
	} ],
	[ 'configuration with mistakes beside the password', 'sql', sub {
		my ($t) = @_;
		foreach my $text ("[database]\nulr = " . url('x') . "\n", "[database]\nurl = $password\n", "[lock]\nwait = " . url('x') . "\n", "[env]\nA_SECRET = $token\n[nowhere]\na = b\n", "[database]\nurl " . url('x') . "\n")
		{
			with_tool($t, 65, [ 'run', '-v', '-c', write_file("$keys/$t->{name}-mistake.ini", $text, 0600) ], env => { DATABASE_URL => undef });
		}
		return;
	} ],
	[ 'PGPASSWORD', 'sql', sub { with_tool($_[0], 3, [ 'run', '-v' ], env => { PGPASSWORD => $password, DATABASE_URL => url($_[0]{db}, password => undef) }) } ],
	[ 'PGPASSFILE', 'sql', sub { revision($_[0], 2, 'SELECT 1/0', 'SELECT 1'); with_tool($_[0], 20, [ 'run', '-v' ], wrapper => 'telling', env => { PGPASSFILE => $own->{PGPASSFILE}, DATABASE_URL => url($_[0]{db}, password => undef) }) } ],
	[ 'PGSERVICEFILE', 'sql', sub { with_tool($_[0], 3, [ 'run', '-v' ], env => { PGSERVICEFILE => $own->{service}, DATABASE_URL => "service=far dbname=$_[0]{db}" }) } ],
	[ 'status',  'sql', sub { both($_[0], 0, 'status') } ],
	[ 'doctor',  'sql', sub { both($_[0], '0|10', 'doctor') } ],
	[ 'history', 'sql', sub { both($_[0], 0, 'history') } ],
	[ 'show', 'sql', sub {
		my ($t) = @_;
		both($t, 0, 'show', $_) foreach split /\n/, $server->sql($t->{db}, 'SELECT run_id FROM safedeploy.run ORDER BY started_at DESC LIMIT ' . share(20));
		return;
	} ],
	[ 'ledger', 'sql', sub { both($_[0], 0, 'ledger') } ],
	[ 'lock',   'sql', sub { both($_[0], 0, 'lock') } ],
	[ 'lint', 'sql', sub {
		my ($t) = @_;
		revision($t, 2, 'ALTER ROLE app PASSWORD ' . quote_literal($password) . '; DROP TABLE one', 'SELECT 1');
		logged('none');
		guard($t, '0|13', [ 'lint', "--format=$_", '--all', $t->{tool}->migrations ]) foreach qw(text json sarif junit);
		logged('all');
		return;
	} ],
	[ 'snapshot', 'sql', sub { both($_[0], 0, 'snapshot'); guard($_[0], 0, [ 'snapshot', '--export=1' ]) } ],
	[ 'diff of two databases', 'sql', sub { guard($_[0], '0|30', [ 'diff', '-v', map { url($_, password => undef) } $_[0]{db}, 'other' ], env => { PGPASSWORD => $password }) } ],
	[ 'drift', 'sql', sub {
		my ($t) = @_;
		$server->sql($t->{db}, 'CREATE TABLE strange (i integer)');
		both($t, 30, 'drift');
		$server->sql($t->{db}, 'DROP TABLE strange');
	} ],
	[ 'backup: create, list, verify', 'sql', sub {
		my ($t) = @_;
		guard($t, 0, [ 'backup', 'create', '-v', '--kind=full' ]);
		both($t, 0, 'backup', 'list');
		guard($t, 0, [ 'backup', 'verify', '-v', newest_backup($t) ]);
	} ],
	[ 'restore', 'sql', sub { guard($_[0], 0, [ 'backup', 'restore', '-v', newest_backup($_[0]), "--into=into_$_[0]{name}" ]); guard($_[0], 10, [ 'backup', 'restore', '-v', "$_[0]{dir}/none" ]) } ],
	[ 'rollback', 'sql', sub {
		my ($t) = @_;
		two_pending($t);
		with_tool($t, 0, [ 'run', '-v' ]);
		with_tool($t, 0, [ 'rollback', '-v' ], env => { MIGGUARD_REHEARSE_MODE => 'clone' });
	} ],
	[ 'init', 'sql', sub { my ($t) = @_; make_path("$t->{dir}/init"); guard($t, 0, [ 'init', '-v' ], cwd => "$t->{dir}/init") } ]);

$server->create_database('other');
foreach my $name (qw(sql alembic flyway))
{
	my @todo = grep { repeats() > 1 || $_->[1] =~ /\b$name\b/ } @scenarios;
	my $t = tool($name);
	foreach my $scenario (@todo)
	{
		my ($what, undef, $do) = @$scenario;
		@$t{qw(said wrong pid)} = ([], [], undef);
		my $said = eval { $do->($t) };
		push @{ $t->{wrong} }, "died: $@" if $@;
		if (defined $said && !ref $said && $said =~ /[a-z]/)
		{
			note("not applicable: $name: $what: $said");
			next;
		}
		revision($t, 2);
		remove_tree(glob "$t->{dir}/core*");
		push @{ $t->{wrong} }, $secrets->hits(said => $t->{said}, databases => [ $t->{db} ], directories => [ $t->{dir} ], allowed => ref $said eq 'CODE' ? $said : undef);
		verdict('S1', !@{ $t->{wrong} }, "$name: $what", @{ $t->{wrong} });
	}
}
my @times = $secrets->stop;
is(scalar(grep { $_ > 100 } @times), 2, 'both watchers of pg_stat_activity have looked all the time') or diag("@times");
$server->node->stop;
done_testing();
