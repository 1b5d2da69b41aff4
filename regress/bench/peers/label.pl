#!/usr/bin/perl
# What linters say of labelled statements, beside what the statements do.
#   label.pl LABELLED.sql TOOL=PROGRAM...
# Runs every script of LABELLED.sql on the server of the environment to check its label, then asks
# safedeploy and each tool, and prints a line for each that is right, missed or a false alarm.
# Ends non-zero when a label is wrong or safedeploy is.
use strict;
use warnings;

use File::Temp;
use JSON::PP qw(decode_json);

my ($name, @tools) = @ARGV;
my $work = File::Temp->newdir;
open my $in, '<', $name or die "$name: $!";
my ($schema, @cases);
{
	local $/ = undef;
	my ($first, @rest) = split /^-- case: /m, <$in>;
	($schema) = $first =~ /^-- schema\n(.*)/ms;
	foreach my $text (@rest)
	{
		my ($case, $label, $script) = $text =~ /\A(.+) \| (\w+)\n(.*)\z/s or die "case: $text";
		push @cases, { name => $case, label => $label, script => $script, outside => scalar $script =~ s/^-- outside\n//m };
	}
}

sub put { my ($file, $text) = @_; open my $out, '>', "$work/$file" or die $!; print $out $text; close $out; return "$work/$file"; }

# output(PROGRAM...): what it prints and how it ends
sub output
{
	my @command = @_;
	my $pid = open my $pipe, '-|';
	if (!$pid) { open STDERR, '>', "$work/err"; exec @command or exit 127; }
	local $/ = undef;
	my $out = <$pipe> // '';
	close $pipe;
	return ($out, $? >> 8);
}

sub sql
{
	my ($database, @commands) = @_;
	my ($out, $rc) = output('psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $database, map { ('-c', $_) } @commands);
	return ($out, $rc);
}

# truth($case): what the server does.  A statement is "long" when it reads, rewrites or indexes a
# relation that has rows and was there before, under a lock that keeps writers out.
sub truth
{
	my ($case) = @_;
	sql('postgres', 'DROP DATABASE IF EXISTS truth', 'CREATE DATABASE truth TEMPLATE labelled');
	my $script = put('truth.sql', ($case->{outside} ? '' : "BEGIN;\n") . $case->{script} . ($case->{outside} ? '' : "\nCOMMIT;"));
	my (undef, $rc) = output('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'truth', '-c', q{LOAD 'safedeploy'},
		'-c', q{CREATE TABLE before AS SELECT format('%I.%I', nspname, relname) AS object FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE reltuples > 0 AND relkind IN ('r', 'm')}, '-c', 'SET safedeploy.trace = on',
		'-f', $script, '-c', 'SET safedeploy.trace = off',
		'-c', <<"SQL");
CREATE TABLE seen AS SELECT * FROM safedeploy.trace_effects() WITH NO DATA;
INSERT INTO seen SELECT * FROM safedeploy.trace_effects();
SQL
	return 'fails' if $rc != 0;
	my ($long) = sql('truth', <<"SQL");
WITH strong AS (SELECT statement, object FROM seen WHERE effect = 'lock' AND lock_mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')),
busy AS (SELECT statement, object FROM seen s WHERE effect IN ('rewrite', 'build', 'scan') AND NOT EXISTS (SELECT FROM seen n WHERE n.effect = 'new' AND n.object = s.object AND n.effect <> 'build'))
SELECT EXISTS (SELECT FROM busy b WHERE EXISTS (SELECT FROM strong s WHERE s.statement <= b.statement AND s.object IN (SELECT object FROM before)))
SQL
	return $long =~ /t/ ? 'long' : 'safe';
}

# Each returns whether the tool warns of the script; what it says of every script, such as that there
# is no lock_timeout, does not count, nor advice of style.
my %ask = (
	safedeploy => sub {
		my ($file, $case) = @_;
		my ($out) = sql('labelled', 'SELECT bool_or(severity IN (\'warning\', \'error\')) FROM safedeploy.analyze(pg_read_file(\'' . $file . '\'), ' . ($case->{outside} ? 'false' : 'true') . ')');
		return $out =~ /t/;
	},
	squawk => sub {
		my ($file, $case, $program) = @_;
		my ($out) = output($program, '--pg-version=15.0', $case->{outside} ? () : '--assume-in-transaction', '--reporter=json', $file);
		return scalar grep { $_->{rule_name} !~ /^(?:require-(?:lock|statement)-timeout|require-timeout-settings|prefer-.*|transaction-nesting|ban-char-field|require-table-schema)$/ } @{ decode_json($out || '[]') };
	},
	pgfence => sub {
		my ($file, $case, $program) = @_;
		my ($out) = output($program, 'analyze', '--output', 'json', '--format', 'sql', '--min-pg-version', '15', '--no-lock-timeout', '--no-statement-timeout', $file);
		my $report = eval { decode_json($out) } or return 0;
		return scalar grep { $_->{risk} =~ /^(?:MEDIUM|HIGH|CRITICAL)$/ && $_->{ruleId} !~ /^prefer-/ } map { @{ $_->{checks} } } @{ $report->{results} };
	},
	eugene => sub {
		my ($file, $case, $program) = @_;
		my ($out) = output($program, 'lint', '--format', 'json', $file);
		return scalar grep { $_ !~ /^(?:E9|W13)$/ } $out =~ /"id"\s*:\s*"([EW]\d+)"/g;
	});

sql('postgres', 'DROP DATABASE IF EXISTS labelled', 'CREATE DATABASE labelled');
my ($out, $rc) = output('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'labelled', '-f', put('schema.sql', "CREATE EXTENSION safedeploy;\n$schema"));
die "the schema cannot be made\n" if $rc != 0;
chmod 0755, "$work";

my $wrong = 0;
foreach my $case (@cases)
{
	my $truth = truth($case);
	$truth = 'loss' if $case->{label} eq 'loss' && $truth ne 'fails';
	next if $truth eq $case->{label};
	print "WRONG LABEL: $case->{name}: is $truth, not $case->{label}\n";
	$wrong++;
}
printf "%d scripts: %s\n\n%-12s %6s %7s %12s\n", scalar @cases, join(', ', map { my $l = $_; scalar(grep { $_->{label} eq $l } @cases) . " $l" } qw(long loss fails safe)), 'tool', 'right', 'missed', 'false alarm';
foreach my $tool ('safedeploy=', @tools)
{
	my ($who, $program) = split /=/, $tool, 2;
	my (@missed, @alarm);
	my $n = 0;
	foreach my $case (@cases)
	{
		my $file = put($n++ . '.sql', $case->{script});
		my $warns = $ask{$who}->($file, $case, $program);
		push @missed, $case->{name} if !$warns && $case->{label} ne 'safe';
		push @alarm,  $case->{name} if $warns  && $case->{label} eq 'safe';
	}
	printf "%-12s %6d %7d %12d\n", $who, @cases - @missed - @alarm, scalar @missed, scalar @alarm;
	print "  missed: $_\n" foreach @missed;
	print "  false alarm: $_\n" foreach @alarm;
	$wrong += @missed + @alarm if $who eq 'safedeploy';
}
exit($wrong > 0);
