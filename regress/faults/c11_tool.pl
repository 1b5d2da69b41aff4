# Tools that misbehave: the database decides what has happened, not what the tool says of it.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C11', 'a tool that lies, hangs, floods, closes its output or leaves a daemon');

my $faults = SafeDeployTest::Faults->new('tool', files => {
	'1_base.up.sql' => "CREATE TABLE t (i integer);\nINSERT INTO t SELECT generate_series(1, 100);\n", '1_base.down.sql' => "DROP TABLE t;\n",
	'2_more.up.sql' => "ALTER TABLE t ADD COLUMN j integer;\nCREATE TABLE u (i integer);\n", '2_more.down.sql' => "DROP TABLE u;\nALTER TABLE t DROP COLUMN j;\n" });
my $dir  = File::Temp->newdir;
my $psql = (grep { -x } map { "$_/psql" } split /:/, $ENV{PATH})[0];

# A psql that is like that once, in the upgrade, so that the way back is not.
sub tool
{
	my ($name, $body) = @_;
	my $file = "$dir/$name";
	open my $handle, '>', $file or die "$file: $!";
	print $handle "#!/bin/bash\nmkdir $file.once 2>/dev/null || exec $psql \"\$@\"\necho \$\$ >$file.pid\n$body\n";
	close $handle;
	chmod 0755, $file;
	return $file;
}

# Runs of the tool: what migguard must end with and within how many seconds, and what else must be so.
sub misbehave
{
	my ($name, $body, %opt) = @_;
	my $tool = tool($name, $body);
	my $started;
	$faults->trial('C11', $name,
		env => { MIGGUARD_PROGRAMS_PSQL => $tool, %{ $opt{env} || {} } },
		arguments => [ '--no-backup', '--no-rehearsal', '-v' ],
		again     => [ '--no-backup', '--no-rehearsal' ],
		must_end  => $opt{ends},
		limit     => 300,
		after     => sub {
			my ($self, $trial) = @_;
			my @wrong;
			my $p = $trial->{process};
			push @wrong, sprintf 'it took %.1f s', $p->seconds if defined $opt{within} && $p->seconds > $opt{within};
			my $pid = -e "$tool.pid" ? SafeDeployTest::Process::slurp("$tool.pid") + 0 : 0;
			push @wrong, 'the tool never ran' unless $pid;
			push @wrong, 'the tool still runs' if $pid && kill 0, $pid;
			if (-e "$tool.daemon")
			{
				my $daemon = SafeDeployTest::Process::slurp("$tool.daemon") + 0;
				push @wrong, 'what it left still runs' if kill 0, $daemon;
			}
			elsif ($opt{daemon}) { push @wrong, 'there was no daemon'; }
			push @wrong, "it does not say $opt{says}, but: " . $p->stderr if $opt{says} && $p->stderr !~ $opt{says};
			push @wrong, 'all that the tool said was kept: ' . length $p->stderr if length $p->stderr > ($opt{output} || 1_000_000);
			push @wrong, $opt{also}->($p) if $opt{also};
			return @wrong;
		});
	return;
}

misbehave('nothing', 'exit 0', ends => '2[01]', says => qr/not|still/);
misbehave('half', qq{$psql "\${@:1:\$#}" </dev/null >/dev/null; exit 0}, ends => '2[01]');
misbehave('commits_and_fails', qq{$psql "\$@"; exit 1}, ends => '21', says => qr/exited with 1/);
misbehave('commits_and_dies', qq{$psql "\$@"; kill -9 \$\$}, ends => '21', says => qr/signal 9/);
misbehave('fails_first', qq{exit 3}, ends => '20', says => qr/exited with 3/);

# 100 MB on standard error, lines and one line without an end: read, and not kept
foreach my $kind ([ lines => 'yes "a line of the tool that nobody has asked for"' ], [ one_line => 'tr "\\0" x </dev/zero' ])
{
	my ($name, $flood) = @$kind;
	my $time = "$dir/$name.rss";
	misbehave("floods_$name", qq{$flood | head -c 100000000 >&2; grep VmHWM /proc/\$(ps -o ppid= -p \$PPID | tr -d ' ')/status >$time; exec $psql "\$@"},
		ends => '0', output => 400_000_000, also => sub {
			my ($kb) = SafeDeployTest::Process::slurp($time) =~ /(\d+)/;
			note("$name: $kb kB");
			return defined $kb && $kb < 60_000 ? () : 'migguard takes ' . ($kb || '?') . ' kB';
		});
}

# a hang ends at the limit + 5 s: with a tool that goes at once, and with one that does not want to
my %limit = (env => { MIGGUARD_RUN_TIMEOUT => '2s' }, says => qr/timed out/);
misbehave('hangs', 'exec sleep 300', %limit, ends => '2[01]', within => 2 + 5 + 5);
misbehave('hangs_deaf', q{trap '' TERM INT HUP; while :; do sleep 1; done}, %limit, ends => '2[01]', within => 2 + 5 + 5);
misbehave('hangs_in_server', qq{$psql -c 'BEGIN; LOCK t; SELECT pg_sleep(300)' "\${@:1:0}"; exit 1}, %limit, ends => '2[01]', within => 2 + 5 + 5);

# psql itself gives up then
misbehave('closes_output', qq{exec $psql "\$@" >&-}, ends => '0|2[01]');
misbehave('closes_both', qq{exec 3>&- 2>&- 1>&-; exec $psql "\$@" >/dev/null 2>&1 </dev/stdin}, ends => '0');
misbehave('daemon', qq{$psql "\$@"; rc=\$?; sleep 300 & echo \$! >$dir/daemon.daemon; exit \$rc}, ends => '0', within => 15, daemon => 1);
misbehave('daemon_session', qq{$psql "\$@"; rc=\$?; setsid sh -c 'echo \$\$ >$dir/daemon_session.daemon; exec sleep 300' & sleep 0.5; exit \$rc}, ends => '0', within => 15, daemon => 1);

done_testing();
