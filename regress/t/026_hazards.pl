# Every hazard of regress/fixtures/hazards.list by an example of its own: analyze() must report the
# rules that the list names, with the severity, the lock and the object that the example states.
#
# regress/fixtures/hazards has a database (setup.sql, run in schema "fix") and the examples by group:
#   -- hazard NAME [autocommit] [since=N] [until=N]: label
#   -- before: SQL                      a setting of the session
#   -- finds: RULE [SEVERITY [LOCK] [on OBJECT]]
# Each finding of a rule that the list names must be stated, and each that is stated be found.
use strict;
use warnings;

use FindBin;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $dir = "$FindBin::Bin/../fixtures";

sub slurp
{
	my ($file) = @_;
	open my $fh, '<', $file or die "$file: $!";
	local $/;
	return scalar <$fh>;
}

# read_examples FILE: hashes with hazard, options, label, before, finds, sql
sub read_examples
{
	my ($file) = @_;
	my @examples;
	for my $line (split /^/, slurp($file))
	{
		if ($line =~ /^-- hazard (\S+)((?: autocommit| since=\d+| until=\d+)*): (.*)$/)
		{
			push @examples, { hazard => $1, options => $2, label => "$1: $3", before => '', finds => [], sql => '' };
		}
		elsif ($line =~ /^-- before: (.*)$/) { $examples[-1]{before} .= "$1\n"; }
		elsif ($line =~ /^-- finds: (.*)$/)  { push @{ $examples[-1]{finds} }, $1; }
		elsif ($line =~ /^--/)               { die "$file: $line"; }
		else                                 { $examples[-1]{sql} .= $line; }
	}
	return @examples;
}

my (%rules, %left_out);
for (split /\n/, slurp("$dir/hazards.list"))
{
	next if /^(#|$)/;
	my ($hazard, $by) = /^(\S+) \| (.*)$/ or die "hazards.list: $_";
	if ($by =~ /^left out: ./) { $left_out{$hazard} = 1; }
	else                       { $rules{$hazard} = { map { $_ => 1 } split / /, $by }; }
}
my @examples = map { read_examples($_) } sort(glob("$dir/hazards/[0-9]*.sql"));
my %has      = map { $_->{hazard} => 1 } @examples;
is_deeply([ sort keys %has ], [ sort keys %rules ], 'each hazard with a rule has an example (' . keys(%rules) . ', and ' . keys(%left_out) . ' are left out)');
is(keys(%rules) + keys(%left_out), 186, 'no hazard is forgotten');

my $server = SafeDeployTest->new('hazards', conf => "max_locks_per_transaction = 16");
$server->create_database('hazards');
my $major = int($server->sql('hazards', 'SHOW server_version_num') / 10000);
my $script = "SET client_min_messages = error;\nSET safedeploy.rules_on = 'all';\nCREATE SCHEMA fix;\nSET search_path = fix;\n" . slurp("$dir/hazards/setup.sql");
$script .= "SELECT pg_stat_force_next_flush();\nSELECT 1;\n" if $major >= 15;
my @run = grep { ($_->{options} !~ /since=(\d+)/ || $major >= $1) && ($_->{options} !~ /until=(\d+)/ || $major <= $1) } @examples;
for my $example (@run)
{
	my $transaction = $example->{options} =~ /autocommit/ ? 'false' : 'true';
	$script .= "BEGIN;\n$example->{before}SELECT '\@\@' || coalesce(jsonb_agg(to_jsonb(f) ORDER BY statement)::text, '[]') FROM safedeploy.analyze(\$sdcase\$$example->{sql}\$sdcase\$, $transaction) AS f;\nROLLBACK;\n";
}
my ($rc, $out, $err) = $server->try_sql('hazards', $script);
is($rc, 0, 'ran') or diag($err);
my @results = map { JSON::PP->new->decode($_) } $out =~ /^\@\@(.*)$/mg;
is(scalar @results, scalar @run, 'as many results as examples (' . @run . ')');

my %fired;
for my $example (@run)
{
	my $result = shift @results;
	my $wanted = $rules{ $example->{hazard} };
	my (%found, @all);
	for my $finding (@{ $result || [] })
	{
		my $line = join ' ', grep { defined } @$finding{qw(rule severity lock_mode)}, defined $finding->{object} ? "on $finding->{object}" : undef;
		push @all, $line;
		next unless $wanted->{ $finding->{rule} };
		$found{$line} = 1;
		$fired{ $example->{hazard} }{ $finding->{rule} } = 1;
		ok(defined $finding->{hint} && $finding->{hint} !~ /\b(?:table_name|column_name|type_name|new_name|other_table)\b/, "$example->{label}: $finding->{rule} has a hint with its names")
			or diag($finding->{hint});
	}
	my @missing = grep { my $finds = $_; !grep { index("$_ ", "$finds ") == 0 } keys %found } @{ $example->{finds} };
	my @more    = grep { my $line = $_; !grep { index("$line ", "$_ ") == 0 } @{ $example->{finds} } } sort keys %found;
	ok(@{ $example->{finds} } && !@missing && !@more, "$example->{label}: as stated")
		or diag("missing: " . join('; ', @missing) . "\nnot stated: " . join('; ', @more) . "\nall:\n" . join("\n", @all));
}
my %run    = map { $_->{hazard} => 1 } @run;
my @silent = map { my $hazard = $_; map { $run{$hazard} && !$fired{$hazard}{$_} ? "$hazard: $_" : () } sort keys %{ $rules{$hazard} } } sort keys %rules;
is(join("\n", @silent), '', 'each rule that the list names for a hazard reports an example of it');
done_testing();
