# Mistakes in migguard.ini and in MIGGUARD_*, and what somebody means to do harm by: exit code 65, file and line, a
# hint, and nothing is run; no value ever comes before a shell.
use strict;
use warnings;

use File::Temp;
use JSON::PP ();
use POSIX ();
use SafeDeployTest;
use Test::More;

my $migguard = SafeDeployTest::migguard_program();
my $dir      = File::Temp->newdir;
my %clean    = map { $_ => undef } grep { /^(PG|MIGGUARD_|DATABASE_URL$)/ } keys %ENV;

sub write_config
{
	my ($text, $name) = @_;
	$name = 'migguard.ini' unless defined $name;
	open my $handle, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle;
	return;
}

sub history
{
	my ($arguments, %env) = @_;
	return run_program([ $migguard, 'history', @$arguments ], cwd => "$dir", env => { %clean, PGHOST => '/nonexistent', %env });
}

foreach my $case (
	[ "[lock]\n\nwiat = 5s\n", 3, qr/unknown key "wiat" in section "lock"/, qr/Did you mean "wait"/ ],
	[ "[lokc]\nwait = 5s\n", 1, qr/unknown section "lokc"/, qr/Did you mean \[lock\]/ ],
	[ "[lock]\nwait = 5 weeks\n", 2, qr/invalid value for lock\.wait: "5 weeks"/, qr/500ms/ ],
	[ "[lock]\nwait = 5s\nwait = 6s\n", 3, qr/given twice/, qr/Remove one/ ],
	[ "[lock]\n# fine\nname = caf\xE9\n", 3, qr/not valid UTF-8/, qr/Save the file as UTF-8/ ],
	[ "[lock\nname = x\n", 1, qr/neither \[section\] nor key = value/, qr/Comments/ ],
	[ "name = x\n", 1, qr/before the first section/, qr/\[database\]/ ],
	[ "[preflight]\nrole = perhaps\n", 2, qr/invalid value/, qr/required, warning or off/ ],
	[ "[database]\nurl = env:NOT_SET_HERE\n", 2, qr/environment variable "NOT_SET_HERE" is not set/, qr/Set it/ ],
	[ "[database]\nurl = oracle://x/y\n", 2, qr/scheme "oracle"/, qr/postgresql:/ ])
{
	my ($text, $line, $message, $hint) = @$case;
	write_config($text);
	my $run = history([]);
	exit_is($run, 65, "line $line: $message");
	like($run->stderr, qr/^migguard: error: migguard\.ini:$line: .*$message/m, '  file and line');
	like($run->stderr, qr/^migguard: hint: .*$hint/m,                          '  hint');
}

my $name = qq{odd "na'me\n.ini};
write_config("[lock]\nwait = never\n", $name);
my $run = history([ '--config', $name ]);
exit_is($run, 65, 'an odd file name');
like($run->stderr, qr/^migguard: error: odd "na'me\\n\.ini:2: /m, 'is named in one line');

unlink "$dir/migguard.ini";
$run = history([ '-c', 'not-there.ini' ]);
exit_is($run, 65, 'a file that is named must be there');
like($run->stderr, qr/could not open configuration file "not-there\.ini": No such file/, 'says so');
like($run->stderr, qr/hint: "migguard init"/, 'with a hint');

$run = history([], MIGGUARD_LOCK_WAIT => 'soon');
exit_is($run, 65, 'a bad variable');
like($run->stderr, qr/error: MIGGUARD_LOCK_WAIT: invalid value for lock\.wait: "soon"/, 'is named');
$run = history([], MIGGUARD_LOCK_WIAT => '5s');
like($run->stderr, qr/warning: environment variable MIGGUARD_LOCK_WIAT names no setting/, 'an unknown variable is warned of');
exit_is($run, 69, 'and no more than that');

# Everything that a run would do begins with one of these, and each would leave a file.
my $trap = "[tool]\nname = sql\ndirectory = .\n[preflight.commands]\ntrap = touch $dir/RUN\n[programs]\npsql = $dir/trap\npg_dump = $dir/trap\n";
write_config("#!/bin/sh\ntouch $dir/RUN\n", 'trap');
chmod 0755, "$dir/trap";

# refused($what, $said, %options): a run of this configuration ends before it begins
sub refused
{
	my ($what, $said, %opt) = @_;
	my $p = run_program([ $migguard, 'run', @{ $opt{arguments} || [] } ], cwd => $opt{cwd} || "$dir", timeout => 60,
		env => { %clean, DATABASE_URL => 'host=/nonexistent dbname=x', %{ $opt{env} || {} } });
	exit_is($p, 65, $what);
	like($p->stderr, qr/^migguard: error: $said/m, '  is named');
	is(scalar(grep { !/^migguard: / } split /\n/, $p->stderr), 0, '  in lines of its own');
	unlike($p->stderr, qr/[\x00-\x09\x0b-\x1f\x7f\x80-\xff]/, '  which a terminal can show');
	ok(!-e "$dir/RUN", '  and nothing was run');
	return;
}

my $at = qr/migguard\.ini:(?=9: )/;
foreach my $case (
	[ 'a zero byte',                       "[lock]\nname = a\0b\n", qr/migguard\.ini:10: zero byte/ ],
	[ 'an escape of a terminal',           "[lock]\nname = a\e[2Kb\n", qr/migguard\.ini:10: control character 0x1b/ ],
	[ 'a carriage return within a line',   "[lock]\nname = a\rwait = 1s\n", qr/migguard\.ini:10: control character 0x0d/ ],
	[ 'bytes that are not UTF-8',          "[lock]\nname = \xC3\x28\n", qr/migguard\.ini:10: text is not valid UTF-8/ ],
	[ 'an overlong slash',                 "[lock]\nname = \xC0\xAF\n", qr/migguard\.ini:10: text is not valid UTF-8/ ],
	[ 'a key in both of two sections',     "[lock]\nwait = 5s\n[run]\ntarget = 1\n[lock]\nwait = 6s\n", qr/migguard\.ini:14: key "wait" in section "lock" is given twice/ ],
	[ 'a name of one\'s own twice',        "[env]\nA = 1\nA = 2\n", qr/migguard\.ini:11: key "A" in section "env" is given twice/ ],
	[ 'an unknown section without keys',   "[lokc]\n", qr/${at}9: unknown section "lokc"/ ],
	[ 'an odd section',                    "[lock\\n\$(touch $dir/RUN)]\n", qr/${at}9: unknown section / ],
	[ 'a key behind its section',          "[lock] wait = 5s\n", qr/${at}9: text stands behind section \[lock\]/ ],
	[ 'an unknown key',                    "[lock]\nWAIT = 5s\n", qr/migguard\.ini:10: unknown key "WAIT"/ ],
	[ 'a very long line',                  "[lock]\nname = " . 'x' x 70000 . "\n", qr/migguard\.ini:10: line is longer than 65533 bytes/ ],
	[ 'a key that goes on',                "[lock]\nwait = 5s\n  6s\n", qr/migguard\.ini:11: value of lock\.wait goes on/ ],
	(map { [ "a time of $_", "[lock]\nwait = $_\n", qr/migguard\.ini:10: invalid value for lock\.wait: "\Q$_\E"/ ] }
		'-1', '-0s', '+1s', '1e3', '0x10', 'nan', 'inf', '9223372036854775808', '18446744073709551616ms', '106751991168d', '25d', '0.0001ms', '1 s s', '5S', '1..5s', '.5s', '1s;', '$(touch RUN)'),
	(map { my ($key, $value) = @$_; [ "$key = $value", "[backup]\n$key = $value\n", qr/migguard\.ini:10: invalid value for backup\.$key: "\Q$value\E"/ ] }
		[ jobs => '-1' ], [ jobs => '0' ], [ jobs => '1001' ], [ jobs => '2147483648' ], [ jobs => '9223372036854775808' ], [ jobs => '2 ; touch RUN' ], [ jobs => '1e1' ],
		[ compress => '10' ], [ compress => '-1' ], [ keep => '-1' ], [ keep => '99999999999999999999' ], [ keep => '+1' ], [ max_age => '36501d' ], [ keep_for => '1y' ]),
	[ 'a database that libpq would cut off', "[database]\nurl = dbname=" . 'd' x 64 . "\n", qr/migguard\.ini:10: the name of the database has 64 bytes: "d{64}"/ ],
	[ 'a database that is not UTF-8',      "[database]\nurl = postgresql://h/caf%E9\n", qr/migguard\.ini:10: the name of the database is not UTF-8: "caf\\xe9"/ ],
	[ 'a user who is not',                 "[database]\nurl = postgresql://caf%E9\@h/d\n", qr/migguard\.ini:10: the name of the user is not UTF-8: "caf\\xe9"/ ])
{
	my ($what, $text, $said) = @$case;
	write_config($trap . $text);
	refused($what, $said);
}

# What is at the name of the file
my $ini = "$dir/migguard.ini";
write_config($trap . "[lock]\n" . "# filler\n" x 1_200_000);
refused('a file of 10 MB', qr/configuration file "migguard\.ini" is larger than 1 MB/);
write_config($trap);
foreach my $mode (0666, 0602)
{
	chmod $mode, $ini;
	refused(sprintf('a file of mode %o', $mode), qr/configuration file "migguard\.ini" can be written by others/);
}
SKIP:
{
	my ($own, @others) = split / /, $);
	my ($user, $group) = ((getpwuid $>)[0], scalar getgrgid $own);
	chmod 0660, $ini;
	my $private = defined $group && $user eq $group && !grep { $_ ne $user } split / /, (getgrgid $own)[3];
	my $p = history([]);
	exit_is($p, $private ? 69 : 65, 'a file that its group can write: fine when that is the user himself');
	my ($shared) = grep { $_ != $own } @others;
	skip 'this user has one group only', 5 unless defined $shared;
	chown -1, $shared, $ini or die "could not give the file to a group: $!";
	refused('a file that a group of others can write', qr/configuration file "migguard\.ini" can be written by others/);
}
unlink $ini;
foreach my $case ([ 'a directory', sub { mkdir $ini }, sub { rmdir $ini } ], [ 'a FIFO', sub { POSIX::mkfifo($ini, 0600) }, sub { unlink $ini } ],
	[ 'a device', sub { symlink '/dev/zero', $ini }, sub { unlink $ini } ])
{
	my ($what, $make, $remove) = @$case;
	$make->() or die "could not make $what: $!";
	refused("$what in its place", qr/configuration file "migguard\.ini" is not a regular file/);
	$remove->();
}
symlink 'migguard.ini', $ini;
refused('a link to itself', qr/could not open configuration file "migguard\.ini": Too many levels of symbolic links/);
unlink $ini;
write_config($trap);
chmod 0, $ini;
refused('a file that cannot be read', qr/could not open configuration file "migguard\.ini": Permission denied/);
unlink $ini;
write_config("[lock]\nwait = never\n", 'elsewhere.ini');
refused('the same by a variable', qr/elsewhere\.ini:2: invalid value/, env => { MIGGUARD_CONFIG => 'elsewhere.ini' });
refused('a variable that names a directory', qr/configuration file "\/" is not a regular file/, env => { MIGGUARD_CONFIG => '/' });

# What a variable says is looked at as what the file says.
write_config($trap);
foreach my $case (
	[ MIGGUARD_LOCK_WAIT => '-1' ], [ MIGGUARD_LOCK_WAIT => '9223372036854775808' ], [ MIGGUARD_LOCK_WAIT => "5s\n" ], [ MIGGUARD_LOCK_WAIT => ' 5s' ],
	[ MIGGUARD_RUN_LOCK_RETRIES => '2147483647' ], [ MIGGUARD_BACKUP_JOBS => '0' ], [ MIGGUARD_BACKUP_POLICY => 'full;' ], [ MIGGUARD_RUN_TRACE => "on\e[2K" ],
	[ MIGGUARD_PREFLIGHT_ROLE => 'REQUIRED' ], [ MIGGUARD_RUN_TIMEOUT => 'x' x 100_000 ])
{
	my ($name, $value) = @$case;
	refused("$name=" . substr($value, 0, 20), qr/$name: invalid value for /, env => { $name => $value });
}
foreach my $name (qw(MIGGUARD_LOCK_NAME MIGGUARD_TOOL_DIRECTORY MIGGUARD_BACKUP_COMMAND))
{
	refused("$name that is not UTF-8", qr/$name: the value for [a-z.]+ is not UTF-8/, env => { $name => "caf\xE9" });
}
refused('a database of 64 bytes', qr/DATABASE_URL: the name of the database has 64 bytes/, env => { DATABASE_URL => 'dbname=' . 'd' x 64 });
unlink $ini;

# Files of other kinds that a command is given: nested as deep as it goes, and no files at all
my $deep = '[' x 200_000 . ']' x 200_000;
write_config($deep, 'deep.json');
write_config(qq[{"version": 1, "findings": $deep}], 'deeper.json');
write_config("CREATE TABLE t ();\n", 'x.sql');
POSIX::mkfifo("$dir/fifo.json", 0600) or die "could not make a FIFO: $!";
foreach my $case (map({ [ "$_.json", qr/"$_\.json" is not a baseline of version 1/ ] } qw(deep deeper)), [ 'fifo.json', qr/"fifo\.json" is not a regular file/ ])
{
	my ($name, $said) = @$case;
	my $p = run_program([ $migguard, 'lint', '--baseline', $name, 'x.sql' ], cwd => "$dir", env => {%clean});
	exit_is($p, 65, "$name for a baseline");
	like($p->stderr, qr/^migguard: error: $said/m, '  is named');
}
mkdir "$dir/backup" or die "could not make a directory: $!";
write_config(qq[{"migguard_backup": 1, "files": $deep}], 'backup/manifest.json');
exit_is(run_program([ $migguard, 'backup', 'verify', 'backup' ], cwd => "$dir", env => {%clean}), 10, 'a manifest of that depth is no backup');

# What is fine: what editors of other systems write, links, and ways that lead up
sub settings
{
	my ($what, $text, %settings) = @_;
	write_config($text);
	my $p = run_program([ $migguard, 'doctor', '--format', 'json' ], cwd => "$dir", env => { %clean, PGHOST => '/nonexistent' });
	my %got = map { ("$_->{section}.$_->{key}" => $_->{value}) } @{ JSON::PP->new->utf8->decode($p->stdout)->{settings} };
	is_deeply({ map { $_ => $got{$_} } keys %settings }, \%settings, $what);
	return;
}
settings('a byte order mark and lines that end with CR LF', "\xEF\xBB\xBF[lock]\r\nwait = 7s\r\n# end\r\n[run]\r\ntarget = x\r\n", 'lock.wait' => '7s', 'run.target' => 'x');
settings('no end of the last line', "[lock]\nwait = 7s", 'lock.wait' => '7s');
settings('a section that stands there again', "[lock]\nwait = 7s\n[run]\ntarget = x\n[lock]\nname = n\n", 'lock.wait' => '7s', 'lock.name' => 'n');
settings('nothing', '', 'lock.wait' => '60s');
settings('what a shell would take for more', "[lock]\nname = \$(touch $dir/RUN) `touch $dir/RUN` ~ \${HOME} * ; touch $dir/RUN\n",
	'lock.name' => "\$(touch $dir/RUN) `touch $dir/RUN` ~ \${HOME} * ; touch $dir/RUN");
mkdir "$dir/below" or die "could not make a directory: $!";
symlink "$dir/below", "$dir/link" or die "could not make a link: $!";
settings('a way up, and one through a link', "[tool]\ndirectory = ../x/../y\n[backup]\ndirectory = link/../link\n", 'tool.directory' => '../x/../y', 'backup.directory' => 'link/../link');
unlink $ini;
symlink 'elsewhere.ini', $ini or die "could not make a link: $!";
write_config("[lock]\nwait = 8s\n", 'elsewhere.ini');
like(history(['-v'])->stderr, qr/could not connect/, 'a link to a file');
unlink $ini;

# No command of the user's, and no program, is run by a shell.
{
	my $server = SafeDeployTest->new('config');
	$server->create_database('app');
	mkdir "$dir/work" or die "could not make a directory: $!";
	write_config("CREATE TABLE t ();\n",  'work/1_t.up.sql');
	write_config("DROP TABLE t;\n",       'work/1_t.down.sql');
	write_config("[tool]\nname = sql\ndirectory = .\nproject = \$(touch RUN)\n[preflight]\ngit_clean = off\n[rehearse]\nmode = off\n"
		. "[preflight.commands]\na = true ; touch RUN\nb = true \$(touch RUN) `touch RUN` && touch RUN | touch RUN > RUN\n[env]\nX = \$(touch RUN) `touch RUN`\n"
		. "[backup]\npolicy = external\nexternal = command\ncommand = true ; touch RUN > RUN\n", 'work/migguard.ini');
	exit_is($server->migguard('app', ['run'], cwd => "$dir/work"), 0, 'a run with commands that a shell would take apart');
	ok(!-e "$dir/work/RUN" && !-e "$dir/RUN", 'which none has seen');
}

# The canary is in places where a message could quote it.
my $canary = 'config-canary-7431';
foreach my $url ("postgresql://u:$canary\%zz\@h/d", "host=h password=$canary extra $canary", "mysql://u:$canary\@h/d",
	"postgresql://u:$canary\@/d?host=/nonexistent&$canary", "postgresql://u:$canary\@/d?host=/nonexistent")
{
	write_config("[database]\nurl = $url\n");
	my $quoted = history(['-v']);
	ok($quoted->exit_code == 65 || $quoted->exit_code == 69, 'a URL that does not lead anywhere');
	unlike($quoted->stdout . $quoted->stderr, qr/$canary/, '  its password is not shown');
	unlink "$dir/migguard.ini";
	$quoted = history([], DATABASE_URL => $url);
	unlike($quoted->stdout . $quoted->stderr, qr/$canary/, '  nor from the environment');
}

write_config("[database]\nurl = postgresql://u:$canary\@/d?host=/nonexistent\n");
chmod 0644, "$dir/migguard.ini";
like(history([])->stderr, qr/warning: migguard\.ini:2: the file holds a password and others can read it/,
	'a readable password is warned of');
chmod 0600, "$dir/migguard.ini";
unlike(history([])->stderr, qr/others can read/, 'a private one is not');
write_config("[database]\nurl = env:SECRET_URL\n");
chmod 0644, "$dir/migguard.ini";
unlike(history([], SECRET_URL => "postgresql://u:$canary\@/d?host=/nonexistent")->stderr, qr/others can read/,
	'nor is one from a variable');
unlink "$dir/migguard.ini";
$run = history([ '-d', "postgresql://u:$canary\@/d?host=/nonexistent" ]);
like($run->stderr, qr/warning: the password in --database-url can be seen/, 'a password in an argument is warned of');
unlike($run->stderr, qr/$canary/, 'without showing it');

done_testing();
