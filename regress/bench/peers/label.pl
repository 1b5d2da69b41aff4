#!/usr/bin/perl
# What linters say of labelled statements, beside what the statements do.
#   label.pl LABELLED.sql TOOL=PROGRAM...
# Runs every script of LABELLED.sql on the server of the environment to check its label, then asks
# safedeploy and each tool, and prints a line for each that is right, missed or a false alarm.
# Ends non-zero when a label is wrong, or safedeploy is and the case is not marked as misjudged.
use strict;
use warnings;

use File::Temp;
use JSON::PP qw(decode_json);

my ($name, @tools) = @ARGV;
my $work = File::Temp->newdir;
open my $in, '<', $name or die "$name: $!";
my ($schema, @application, @cases);
{
	local $/ = undef;
	my ($first, @rest) = split /^-- case: /m, <$in>;
	($schema, my $application) = $first =~ /^-- schema\n(.*)^-- application\n(.*)/ms or die "no schema or application\n";
	@application = split /\n/, $application =~ s/\s+\z//r;
	foreach my $text (@rest)
	{
		my ($case, $label, $script) = $text =~ /\A(.+) \| (\w+)\n(.*)\z/s or die "case: $text";
		push @cases, { name => $case, label => $label, script => $script, outside => scalar $script =~ s/^-- outside\n//m,
			known => scalar $script =~ s/^-- misjudged\n//m };
	}
}

sub put { my ($file, $text) = @_; open my $out, '>', "$work/$file" or die $!; print $out $text; close $out; return "$work/$file"; }

# output(PROGRAM...): what it prints, how it ends, and what it prints as an error
sub output
{
	my @command = @_;
	my $pid = open my $pipe, '-|';
	if (!$pid) { open STDERR, '>', "$work/err"; exec @command or exit 127; }
	local $/ = undef;
	my $out = <$pipe> // '';
	close $pipe;
	my $rc = $? >> 8;
	open my $err, '<', "$work/err" or die $!;
	return ($out, $rc, <$err> // '');
}

sub sql
{
	my ($database, @commands) = @_;
	my ($out, $rc) = output('psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $database, map { ('-c', $_) } @commands);
	return ($out, $rc);
}

# truth($case): what the server does.  A statement is "long" when it reads, rewrites or indexes a
# relation that has rows and was there before, while its transaction holds a lock that keeps writers
# out of such a relation, or readers out of a materialized view, which nobody writes.
sub truth
{
	my ($case) = @_;
	sql('postgres', 'DROP DATABASE IF EXISTS truth', 'CREATE DATABASE truth TEMPLATE labelled');
	my $script = put('truth.sql', ($case->{outside} ? '' : "BEGIN;\n") . $case->{script} . ($case->{outside} ? '' : "\nCOMMIT;"));
	my (undef, $rc) = output('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'truth', '-c', q{LOAD 'safedeploy'},
		'-c', <<'SQL', '-c', 'SET safedeploy.trace = on', '-f', $script, '-c', 'SET safedeploy.trace = off', '-c', 'RESET search_path', '-c', <<'SQL');
CREATE TABLE public.before AS
	SELECT format('%I.%I', nspname, relname) AS object, relkind FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
	WHERE reltuples > 0 AND relkind IN ('r', 'm')
SQL
CREATE TABLE seen AS SELECT e.*, 0 AS transaction FROM safedeploy.trace_effects() e WITH NO DATA;
INSERT INTO seen SELECT e.*, transaction FROM safedeploy.trace_effects() e JOIN safedeploy.trace_report() ON seq = e.statement;
SQL
	return 'fails' if $rc != 0;
	my ($long) = sql('truth', <<'SQL');
WITH strong AS (
	SELECT statement, transaction FROM seen JOIN before USING (object)
	WHERE effect = 'lock' AND lock_mode = ANY (CASE relkind WHEN 'm' THEN '{AccessExclusiveLock}' ELSE '{ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}' END::text[])),
built AS (
	SELECT statement, transaction, format('%I.%I', nspname, relname) AS object
	FROM seen JOIN pg_index ON indexrelid = to_regclass(object) JOIN pg_class c ON c.oid = indrelid JOIN pg_namespace n ON n.oid = relnamespace
	WHERE effect = 'build'),
busy AS (
	SELECT statement, transaction FROM seen JOIN before USING (object) WHERE effect IN ('rewrite', 'scan', 'build')
	UNION ALL SELECT statement, transaction FROM built JOIN before USING (object))
SELECT EXISTS (SELECT FROM busy b JOIN strong s ON s.transaction = b.transaction AND s.statement <= b.statement)
SQL
	return 'long' if $long =~ /t/;
	my (undef, undef, $said) = output('psql', '-Xq', '-d', 'truth', map { ('-c', "BEGIN; $_; ROLLBACK") } @application);
	return $said =~ /ERROR:/ ? 'breaks' : 'safe';
}

# Eugene's rules but those of style and E15, which is about the whole schema; a script that it cannot
# read or run has its warning, too.
sub eugene_warns
{
	my ($out, $said) = @_;
	return $said =~ /^Error: (?!Some checks failed)/m || scalar grep { !/^(?:E9|E15|W12|W13)$/ } $out =~ /"id"\s*:\s*"([EW]\d+)"/g;
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
		my ($out, undef, $said) = output($program, 'lint', '--format', 'json', $file);
		return eugene_warns($out, $said);
	},
	# it runs the script, on a copy
	'eugene-trace' => sub {
		my ($file, $case, $program) = @_;
		sql('postgres', 'DROP DATABASE IF EXISTS truth', 'CREATE DATABASE truth TEMPLATE labelled');
		local $ENV{PGPASS} = 'none';
		my ($out, undef, $said) = output($program, 'trace', '--disable-temporary', '--commit', '--host', $ENV{PGHOST}, '--user', 'postgres', '--database', 'truth', '--format', 'json', $file);
		return eugene_warns($out, $said);
	},
	'diesel-guard' => sub {
		my ($file, $case, $program) = @_;
		# whether there is a transaction stands in a file beside the script
		mkdir "$work/diesel";
		rename $file, "$work/diesel/up.sql" or die $!;
		put('diesel/metadata.toml', 'run_in_transaction = ' . ($case->{outside} ? 'false' : 'true') . "\n");
		my ($out, $rc) = output($program, 'check', '--format', 'json', "$work/diesel/up.sql");
		my $report = eval { decode_json($out) } or return $rc != 0;
		return scalar grep { $_->{check_name} !~ /^(?:Idempotency|CharType|TimestampType|CreateTableSerial|CreateTableWithoutPk|ShortInteger|UnnamedConstraint|WideIndex)/ } map { @{ $_->{violations} } } @$report;
	},
	# it looks at the catalog and the sizes of the database once, and at scripts by that
	'safe-migrate' => sub {
		my ($file, $case, $program) = @_;
		local $ENV{DATABASE_URL} = "postgresql://postgres@/labelled?host=$ENV{PGHOST}";
		chdir $work or die $!;
		output($program, 'sync', '--out', "$work/baseline", '--schemas', 'public,other') if !-e "$work/baseline";
		my ($out, $rc) = output($program, 'lint', '--file', $file, '--cache', "$work/baseline", '--json');
		my $report = eval { decode_json($out) } or return $rc != 0;
		return scalar grep { $_->{rule_id} !~ /^(?:missing-idempotency|require-(?:lock|statement)-timeout)$/ } @{ $report->{violations} };
	},
	pgls => sub {
		my ($file, $case, $program) = @_;
		put('postgres-language-server.jsonc', '{"linter": {"rules": {"safety": {"all": true}}}, "db": {"disableConnection": true}}');
		my ($out) = output($program, 'check', "--config-path=$work", '--reporter=json', '--max-diagnostics=none', $file);
		my $report = eval { decode_json($out) } or return 0;
		return scalar grep { $_->{category} =~ m{^(?:lint/safety/(?!prefer|lockTimeoutWarning|require\w+Timeout|banCharField|creatingEnum|transactionNesting)|syntax)} } @{ $report->{diagnostics} };
	});

sql('postgres', 'DROP DATABASE IF EXISTS labelled', 'CREATE DATABASE labelled');
my (undef, $rc, $said) = output('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'labelled', '-f', put('schema.sql', "CREATE EXTENSION safedeploy;\n$schema"));
die "the schema cannot be made: $said" if $rc != 0;
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
printf "%d scripts: %s\n\n%-13s %6s %7s %12s\n", scalar @cases, join(', ', map { my $l = $_; scalar(grep { $_->{label} eq $l } @cases) . " $l" } qw(long loss breaks fails safe)), 'tool', 'right', 'missed', 'false alarm';
foreach my $tool ('safedeploy=', @tools)
{
	my ($who, $program) = split /=/, $tool, 2;
	my (@missed, @alarm);
	my ($n, $new) = (0, 0);
	foreach my $case (@cases)
	{
		my $file = put($n++ . '.sql', $case->{script});
		my $warns = $ask{$who}->($file, $case, $program);
		push @missed, $case->{name} if !$warns && $case->{label} ne 'safe';
		push @alarm,  $case->{name} if $warns  && $case->{label} eq 'safe';
		# one that is known to be misjudged, and is not, has a mark that is out of date
		$new++ if (!$warns != ($case->{label} eq 'safe')) != $case->{known};
	}
	printf "%-13s %6d %7d %12d\n", $who, @cases - @missed - @alarm, scalar @missed, scalar @alarm;
	print "  missed: $_\n" foreach @missed;
	print "  false alarm: $_\n" foreach @alarm;
	$wrong += $new if $who eq 'safedeploy';
}
# the directory goes at exit, and not under anybody's feet
chdir '/';
exit($wrong > 0);
