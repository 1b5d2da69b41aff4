# What is built: the same bytes wherever and whenever it is built, hardened, and nothing in it that the bill of
# materials does not name; and what it connects to.
use strict;
use warnings;

use Cwd qw(getcwd);
use Digest::SHA;
use File::Find qw(find);
use File::Path qw(make_path);
use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use SafeDeployTest::Alembic;
use SafeDeployTest::Faults;
use Test::More;

promise('S6', 'the same bytes from two builds, hardened, every library listed, connections to the database only');
seed();

my $tree     = getcwd;
my $temp     = File::Temp->newdir;
my $config   = $ENV{PG_CONFIG} || die 'PG_CONFIG is not set';
my $migguard = SafeDeployTest::migguard_program();
my $module   = output($config, '--pkglibdir') . '/safedeploy.so';
my @make     = ('make', '-s', "PG_CONFIG=$config", 'with_llvm=no', 'FAILPOINTS=', 'WERROR=1');

sub output
{
	my ($process) = run_program([@_]);
	die "@_: " . $process->stderr if !defined $process->exit_code || $process->exit_code != 0;
	return $process->stdout =~ s/\n\z//r;
}

# The programs as they are linked.
sub hardened
{
	my %linked;
	foreach my $file ($migguard, $module)
	{
		my $text = output('readelf', '--wide', '--file-header', '--program-headers', '--dynamic', '--dyn-syms', $file);
		my @wrong;
		push @wrong, 'calls need not be resolved at start' if $text !~ /\(FLAGS(?:_1)?\).*\bNOW\b/;
		push @wrong, 'no part is read-only after start'    if $text !~ /^ +GNU_RELRO /m;
		push @wrong, 'the stack can be executed'           if $text !~ /^ +GNU_STACK .* RW +0x/m;
		push @wrong, 'no stack protector'                  if $text !~ /UND __stack_chk_fail\b/;
		push @wrong, 'no checked functions of the C library' if $file eq $migguard && $text !~ /UND __\w+_chk\b/;
		push @wrong, 'not position independent' if $file eq $migguard && $text !~ /\(FLAGS_1\).*\bPIE\b/;
		verdict('S6', !@wrong, "$file is hardened", @wrong, $text);
		$linked{$file} = [ $text =~ /\(NEEDED\) +Shared library: \[(.*?)\.so\b/g ];
	}
	return %linked;
}

# The bill of materials, beside what is linked.
sub listed
{
	my (%linked) = @_;
	my $bill = JSON::PP->new->decode(SafeDeployTest::Process::slurp(($migguard =~ s{/bin/migguard$}{}r) . '/share/doc/migguard/safedeploy.cdx.json'));
	my %of   = ($migguard => 'migguard', $module => 'safedeploy.so');
	my %by   = map { $_->{'bom-ref'} => $_ } @{ $bill->{components} }, @{ $bill->{metadata}{component}{components} }, $bill->{metadata}{component};
	my @known = grep { !exists $by{$_} } map { ($_->{ref}, @{ $_->{dependsOn} }) } @{ $bill->{dependencies} };
	verdict('S6', "$bill->{bomFormat} $bill->{specVersion}" eq 'CycloneDX 1.5' && !@known, 'the bill of materials is whole', @known);
	foreach my $file (sort keys %linked)
	{
		my ($needs) = map { $_->{dependsOn} } grep { $_->{ref} eq $of{$file} } @{ $bill->{dependencies} };
		my @libraries = grep { $_->{type} eq 'library' && $_->{properties} } map { $by{$_} } @$needs;
		my @there     = map  { $_->{properties}[0]{value} } @libraries;
		my @undated   = grep { !defined $_->{version} || !$_->{licenses}[0]{license}{id} } @libraries;
		is_deeply([ sort @there ], [ sort @{ $linked{$file} } ], "the libraries of $of{$file} are those in the bill of materials");
		verdict('S6', "@{[ sort @there ]}" eq "@{[ sort @{ $linked{$file} } ]}" && !@undated, "$of{$file}: each library is listed with version and licence", map { $_->{name} } @undated);
	}
	return;
}

# What a caller says of a flag is left alone: nothing is added that says it again, and nothing warns.
sub flags
{
	my ($copy) = @_;
	my @cases = (
		[ 'nothing', {}, qr/-D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE /, qr/ -pie -Wl,-z,relro -Wl,-z,now / ],
		[ 'no optimisation', { CFLAGS => '-O0 -g' }, qr/ -fstack-protector-strong -fPIE /, qr/ -pie / ],
		[ 'another fortification', { CPPFLAGS => '-D_FORTIFY_SOURCE=1' }, qr/-D_FORTIFY_SOURCE=1/, qr/ -pie / ],
		[ 'another protector', { CFLAGS => '-O1 -fstack-protector-all' }, qr/-fstack-protector-all/, qr/ -pie / ],
		[ 'no PIE', { CFLAGS => '-O1 -fno-pie', LDFLAGS => '-no-pie -Wl,-z,lazy' }, qr/-fno-pie/, qr/-no-pie/ ],
		[ 'those of Debian', { CFLAGS => "-g -O2 -ffile-prefix-map=$copy=. -fstack-protector-strong -Wformat -Werror=format-security",
				CPPFLAGS => '-Wdate-time -D_FORTIFY_SOURCE=2', LDFLAGS => '-Wl,-z,relro -Wl,-z,now' }, qr/-D_FORTIFY_SOURCE=2/, qr/-Wl,-z,now/ ]);
	my %once = ('a fortification' => qr/ -D_FORTIFY_SOURCE=/, 'a protector' => qr/ -fstack-protector/, PIE => qr/ -f(?:no-)?(?:pie|PIE)\b/, 'a linked PIE' => qr/ -(?:no-)?pie\b/,
		RELRO => qr/-Wl,-z,relro/, binding => qr/-Wl,-z,(?:now|lazy)/);
	foreach my $case (@cases)
	{
		my ($name, $flags, $compiled, $linked) = @$case;
		my %env = (map({ $_ => undef } qw(CFLAGS CPPFLAGS LDFLAGS)), %$flags);
		unlink "$copy/guard-cli/build/src/arena.o";
		# by way of the Makefile at the top, where the server's flags must not get in
		my $dry  = run_program([ @make, '-n', '-B', 'cli' ], cwd => $copy, env => \%env)->stdout;
		my ($cc) = $dry =~ /^(.* -c -o \S*src\/arena\.o .*)$/m;
		my ($ld) = $dry =~ /^(.* -o \S*\/?migguard .*)$/m;
		my $made = run_program([ @make, '-C', 'guard-cli', 'build/src/arena.o' ], cwd => $copy, env => \%env);
		my @wrong;
		push @wrong, 'not compiled so' if !defined $cc || $cc !~ $compiled;
		push @wrong, 'not linked so'   if !defined $ld || $ld !~ $linked;
		foreach my $what (sort keys %once)
		{
			my $line = $what =~ /^(?:linked|RELRO|binding)/ ? $ld : $cc;
			my $times = () = ($line || '') =~ /$once{$what}/g;
			push @wrong, "$what is said $times times" if $times > 1;
		}
		push @wrong, "the server's headers" if ($cc || '') =~ m{/server\b};
		push @wrong, 'it does not compile, or warns' if $made->exit_code != 0 || $made->stderr ne '';
		verdict('S6', !@wrong, "flags of the caller: $name", @wrong, $cc || $dry, $ld || '', $made->stderr);
	}
	return;
}

# A copy of the sources, without what is built in it.
sub copy
{
	my ($place) = @_;
	make_path($place);
	output("$tree/regress/sync-tree", $tree, $place);
	output_in($place, {}, @make, 'clean');
	return $place;
}

# Digests of all files below a directory.
sub digests
{
	my ($dir, $wanted) = @_;
	my %digest;
	find({ no_chdir => 1, wanted => sub {
			my $name = substr $_, length $dir;
			$digest{$name} = Digest::SHA->new(256)->addfile($_, 'b')->hexdigest if -f $_ && !-l $_ && $name =~ $wanted;
		} }, $dir);
	return %digest;
}

# Two builds: at other places, in another year, in another time zone, by another umask and by way of a symbolic link.
# The long tier builds and installs all; else a few files are compiled that are others each time.
sub twice
{
	my $whole = repeats() >= 20;
	my @copies = (copy("$temp/one"), copy("$temp/another_place/which_is_longer/two"));
	symlink $copies[1], "$temp/link" or die "symlink: $!";

	my @objects = map { s/\.c$/.o/r =~ s{^guard-cli/}{guard-cli/build/}r } map { substr $_, length("$tree/") } glob "$tree/extension/*.c $tree/guard-cli/src/*.c $tree/guard-cli/tools/*.c";
	my $start   = int rand 40;
	my @some    = @objects[ grep { $_ % 40 == $start } 0 .. $#objects ];
	my @module  = $whole ? () : ((grep { !/^guard-cli/ } @some), install_script());
	my @cli     = $whole ? () : ((map { s{^guard-cli/}{}r } grep { /^guard-cli/ } @some), qw(build/mg_sql.h build/mg_rule_examples.h build/mg_runbooks.h sbom));

	my @digests;
	foreach my $n (0, 1)
	{
		my $dir = $n ? "$temp/link" : $copies[0];
		my %env = (CCACHE_DISABLE => 1, PWD => $dir, TZ => $n ? 'Asia/Tokyo' : 'UTC', LC_ALL => $n ? 'C.UTF-8' : 'C', SOURCE_DATE_EPOCH => undef, MAKEFLAGS => undef, CFLAGS => undef, CPPFLAGS => undef, LDFLAGS => undef);
		my @when = $n ? ('faketime', '-f', '+400d') : ();
		my $umask = umask($n ? 0077 : 0022);
		if ($whole)
		{
			output_in($dir, \%env, @when, @make, '-j2', 'all');
			output_in($dir, \%env, @when, @make, 'install', "DESTDIR=$dir/installed");
			push @digests, { digests($copies[$n] . '/installed', qr/./) };
		}
		else
		{
			output_in($dir, \%env, @when, @make, @module);
			output_in("$dir/guard-cli", \%env, @when, @make, @cli);
			push @digests, { digests($copies[$n], qr/\.o$|\/build\/|\/safedeploy--/) };
		}
		umask $umask;
	}
	my ($one, $two) = @digests;
	my @names = sort keys %$one;
	is_deeply([ sort keys %$two ], \@names, 'both builds make the same files');
	cmp_ok(scalar @names, '>=', 6, 'which are some: ' . scalar @names);
	verdict('S6', defined $two->{$_} && $one->{$_} eq $two->{$_}, "two builds: $_", "$one->{$_}", $two->{$_} || 'not made') foreach @names;
	return $copies[0];
}

sub install_script
{
	my ($version) = SafeDeployTest::Process::slurp("$tree/safedeploy.control") =~ /^default_version *= *'(.*)'/m;
	return "sql/safedeploy--$version.sql";
}

sub output_in
{
	my ($dir, $env, @command) = @_;
	my $process = run_program(\@command, cwd => $dir, env => $env, timeout => 1800);
	die "@command: " . $process->stdout . $process->stderr if !defined $process->exit_code || $process->exit_code != 0;
	return;
}

# Runs a program and all that it starts under strace: addresses that are not among @$allowed, and the programs
# that connected to those that are.
sub watched
{
	my ($start, $allowed) = @_;
	my $file = "$temp/trace";
	my $calls = 'execve,connect,bind,listen,sendto,sendmsg,sendmmsg';
	my $process = $start->([ 'strace', '--seccomp-bpf', '-f', '-qq', '-s', '200', '-e', "trace=$calls", '-o', $file ]);
	my (%alien, %seen, %program);
	foreach my $line (split /\n/, SafeDeployTest::Process::slurp($file))
	{
		my ($pid, $call, $rest) = $line =~ /^(\d+) +(\w+)\((.*)$/ or next;
		$program{$pid} = $1 if $call eq 'execve' && $rest =~ /^"(?:[^"]*\/)?([^"\/]+)".*= 0$/;
		$alien{"$call: $rest"}++ if $call eq 'listen';
		next if $call eq 'execve';
		foreach my $to ($rest =~ /\{(sa_family=[^}]*)\}/g)
		{
			# the kernel itself, and the C library's own cache of names, which are no network
			next if $to =~ /^sa_family=AF_NETLINK\b/ || $to =~ m{^sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"$};
			if   (grep { $to eq $_ } @$allowed) { $seen{ $program{$pid} || 'migguard' }++; }
			else                                { $alien{"$call: $to"}++; }
		}
	}
	return ($process, \%alien, \%seen);
}

sub connections
{
	my $faults = SafeDeployTest::Faults->new('supply', conf => "listen_addresses = '127.0.0.1'");
	my $server = $faults->server;
	my $port   = $server->node->port;
	my $socket = 'sa_family=AF_UNIX, sun_path="' . $server->node->host . "/.s.PGSQL.$port\"";
	my $tcp    = "sa_family=AF_INET, sin_port=htons($port), sin_addr=inet_addr(\"127.0.0.1\")";

	# that what is forbidden is seen
	my ($control, $alien) = watched(sub {
			run_program([ @{ $_[0] }, $^X, '-MIO::Socket::INET', '-e', 'IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => 9, Proto => $_) foreach qw(tcp udp); exit 0' ]);
		}, [$tcp]);
	exit_is($control, 0, 'a program that connects to somebody else');
	is(scalar(grep { /^connect: .*htons\(9\)/ } keys %$alien), 1, 'is seen') or diag(explain($alien));

	my $trial = sub {
		my ($name, $allowed, $programs, $start) = @_;
		my ($process, $others, $seen) = watched($start, [$allowed]);
		my @wrong = sort keys %$others;
		push @wrong, 'ended with ' . (defined $process->exit_code ? $process->exit_code : 'a signal') . ': ' . $process->stderr if !defined $process->exit_code || $process->exit_code != 0;
		push @wrong, map { "$_ was not seen to connect" } grep { !$seen->{$_} } @$programs;
		verdict('S6', !@wrong, "connections of $name", @wrong);
	};
	my $plain = sub {
		my ($database, $url, @arguments) = @_;
		return sub { $faults->guard(undef, \@arguments, prefix => $_[0], env => { DATABASE_URL => $url }) };
	};
	foreach my $way ([ 'a socket', $socket, {} ], [ 'TCP', $tcp, { tcp => 1 } ])
	{
		my ($name, $allowed, $how) = @$way;
		my $database = $faults->database('A');
		my $url = $server->url($database, %$how);
		$trial->("a run with rehearsal and backup by $name", $allowed, [ 'migguard', 'pg_dump' ], $plain->($database, $url, 'run'));
		$trial->("its rollback by $name", $allowed, ['migguard'], $plain->($database, $url, 'rollback'));
		$faults->gone($database);
	}

	my $project = SafeDeployTest::Alembic->new(revisions => [ { id => 'a1', up_sql => ['CREATE TABLE a (id integer)'], down_sql => ['DROP TABLE a'] } ]);
	$server->create_database('alembic');
	$trial->('a run with Alembic', $tcp, [ 'migguard', 'pg_dump', 'alembic' ], sub {
			$server->migguard(undef, [ 'run', '--', $project->alembic, 'upgrade', 'head' ], prefix => $_[0], cwd => $project->dir,
				env => { DATABASE_URL => $server->url('alembic', tcp => 1), MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_BACKUP_DIRECTORY => "$temp/backups" });
		});
	is($server->sql('alembic', 'SELECT version_num FROM alembic_version'), 'a1', 'which was one');
	return;
}

SKIP:
{
	skip "a build that is watched ($ENV{SD_INSTRUMENT}) is not linked as the others", 1 if $ENV{SD_INSTRUMENT};
	listed(hardened());
	foreach my $file ($migguard, $module)
	{
		verdict('S6', index(SafeDeployTest::Process::slurp($file), $tree) < 0, "$file does not name the place of its sources");
	}
}
flags(twice());
connections();
done_testing();
