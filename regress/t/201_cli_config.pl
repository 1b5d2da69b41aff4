# Mistakes in migguard.ini and in MIGGUARD_*: exit code 65, file and line, a hint.
use strict;
use warnings;

use File::Temp;
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
	[ "[lokc]\nwait = 5s\n", 2, qr/unknown section "lokc"/, qr/Did you mean \[lock\]/ ],
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
