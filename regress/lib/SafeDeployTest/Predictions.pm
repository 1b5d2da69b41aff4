package SafeDeployTest::Predictions;

=head1 NAME

SafeDeployTest::Predictions - predicted effects of statements beside observed ones

=head1 SYNOPSIS

  my $totals = SafeDeployTest::Predictions->new->run(@files);

Needs a server that runs (PGHOST, PGPORT, PGUSER), psql and core Perl.  A case is
predicted by safedeploy.predict(), run, and told by safedeploy.trace_effects() what it
really did.  It runs in a transaction that is rolled back; what cannot, alone in a schema
made for it.

=head1 FIXTURES

  -- setup                           what is there before; run in schema "fix"
  -- case [OPTION...]: label         one or more statements; each ends with ";" at a line's end

  -- made: 2 drop function fix.f()   in a case: statement 2 did this to what the case itself made;
                                     known without saying of relations

Options: C<since N>, C<until N> (majors); C<alone>: each statement is a transaction of its
own; C<opaque>: the prediction must say that it does not see everything, and may then
have missed something.

What is predicted as uncertain, because it depends on rows or on the plan of a query, need not
be observed; these are counted apart.

Also the cases of regress/fixtures/rules that are marked C<run>.

=cut

use strict;
use warnings;

use FindBin;
use SafeDeployTest::Coverage;
use SafeDeployTest::Library;
use Test::More;

my $database = 'predictions';

my $rank     = 0;
my %strength = map { $_ . 'Lock' => $rank++ } qw(AccessShare RowShare RowExclusive ShareUpdateExclusive Share ShareRowExclusive Exclusive AccessExclusive);

# What the trace has of a case, by the numbers of the case's statements: behind each of them runs a
# marker.  A statement may leave several records, when rules add to it, or none, when they replace
# it; what its analysis locked is then on the marker's.  Records inside of others are in those already.
my $observed = <<'SQL';
WITH record AS (
	SELECT seq, count(*) FILTER (WHERE statement LIKE 'SELECT ''@@piece %%''')
		OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS piece
	FROM safedeploy.trace_report() WHERE nesting = 0
		AND seq >= (SELECT max(seq) FROM safedeploy.trace_report() WHERE statement = 'SELECT ''@@piece %d.0'''))
SELECT '@@observed', piece, effect, kind, object, lock_mode
FROM record JOIN safedeploy.trace_effects() ON statement = seq
WHERE object !~ '^safedeploy\.' AND piece > 0 ORDER BY seq;
SQL

sub new
{
	my ($class, %opt) = @_;
	my $self = bless { verbose => $opt{verbose}, provider => SafeDeployTest::Library->build('label_provider') }, $class;
	# a database with subscriptions of an earlier run cannot be dropped
	$self->psql($database, "SELECT format('DROP SUBSCRIPTION %I', subname) FROM pg_subscription\n\\gexec\n");
	$self->psql('postgres', "DROP DATABASE IF EXISTS $database;\nCREATE DATABASE $database;\n");
	my $out = $self->psql($database, "SET client_min_messages = error;\nCREATE EXTENSION safedeploy;\nSELECT current_setting('server_version_num');\n");
	($self->{major}) = $out =~ /^(\d\d)\d{4}$/m or die "the extension could not be made:\n$out";
	die $out if $out =~ /ERROR/;
	return $self;
}

# psql DATABASE, SCRIPT: what psql prints, errors among it
sub psql
{
	my ($self, $db, $script) = @_;
	my $file = ($ENV{TMPDIR} || '/tmp') . "/predictions.$$.sql";
	open my $out, '>', $file or die "$file: $!";
	print $out $script;
	close $out or die "$file: $!";
	my $pid = open my $in, '-|';
	die "could not fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		open STDERR, '>&', \*STDOUT;
		exec 'psql', '-X', '-q', '-A', '-t', '-d', $db, '-f', $file or exit 127;
	}
	local $/;
	my $text = <$in>;
	close $in;
	unlink $file;
	return defined $text ? $text : '';
}

# is_for MAJOR, OPTIONS: whether a section is for this server; the versions are taken off the options
sub is_for
{
	my ($major) = @_;
	my $is = 1;
	$is &&= $major >= $1 if $_[1] =~ s/\bsince[ =](\d+)//;
	$is &&= $major <= $1 if $_[1] =~ s/\buntil[ =](\d+)//;
	return $is;
}

# read_fixture FILE, MAJOR: (setup, list of cases for that version)
sub read_fixture
{
	my ($file, $major) = @_;
	open my $fh, '<', $file or die "$file: $!";
	my ($setup, @cases, $into) = ('');
	while (my $line = <$fh>)
	{
		my $unused = '';
		if ($line =~ /^-- setup\b(.*)$/)
		{
			my $options = $1;
			$into = is_for($major, $options) ? \$setup : \$unused;
		}
		elsif ($line =~ /^-- (case|fires|quiet)\b([^:]*): (.*)$/)
		{
			my ($kind, $options, $label) = ($1, $2, $3);
			my %case = (label => $kind eq 'case' ? $label : "$kind: $label", sql => '');
			my $runs = is_for($major, $options);
			if ($kind eq 'case')
			{
				$case{opaque} = 1 if $options =~ s/\bopaque\b//;
				$case{alone}  = 1 if $options =~ s/\balone\b//;
				die "$file: unknown options \"$options\" of case \"$label\"" if $options =~ /\S/;
			}
			else
			{
				# the others need not succeed
				$runs &&= $options =~ /\brun\b/;
				$case{alone} = $options =~ /\bautocommit\b/;
			}
			push @cases, \%case if $runs;
			$into = $runs ? \$cases[-1]{sql} : \$unused;
		}
		else
		{
			die "$file: text before the first section" unless $into;
			$$into .= $line;
		}
	}
	return ($setup, @cases);
}

# pieces SQL: its statements
sub pieces
{
	my ($sql) = @_;
	my (@pieces, $now);
	for my $line (split /^/, $sql)
	{
		next if !defined $now && $line =~ /^\s*(--.*)?$/;
		$now = '' unless defined $now;
		$now .= $line;
		my $quotes = () = $now =~ /\$\w*\$/g;
		next unless $line =~ /;\s*$/ && $quotes % 2 == 0;
		next if $now =~ /\bBEGIN ATOMIC\b/i && $now !~ /\bEND;\s*$/;
		push @pieces, $now;
		undef $now;
	}
	push @pieces, $now if defined $now && $now =~ /\S/;
	return @pieces;
}

# case_script CASE, N, FRESH: runs a case; FRESH makes what is there before
sub case_script
{
	my ($case, $n, $fresh) = @_;
	my $transaction = $case->{alone} ? 'false' : 'true';
	my $number      = 0;
	my $script      = "SELECT '\@\@case $n';\n" . ($case->{alone} ? $fresh : "BEGIN;\n");
	$script .= "SELECT '\@\@predicted', statement, effect, kind, object, lock_mode, certain, detail FROM safedeploy.predict(\$sdcase\$$case->{sql}\$sdcase\$, $transaction)"
		. " WHERE object IS NULL OR object !~ '^safedeploy\\.';\n"
		. "SET safedeploy.trace = on;\nSELECT '\@\@piece $n.0';\n";
	for my $piece (pieces($case->{sql}))
	{
		$number++;
		$piece =~ s/\s*\z//;
		$piece .= ';' unless $piece =~ /;\z/;
		$script .= "\\o /dev/null\n$piece\n\\o\nSELECT '\@\@piece $n.$number';\n";
	}
	return $script . "SET safedeploy.trace = off;\n" . sprintf($observed, $n) . "SELECT '\@\@done';\n" . ($case->{alone} ? '' : "ROLLBACK;\n");
}

# compare CASE, TEXT: notes differences in the case
sub compare
{
	my ($case, $text) = @_;
	my (%predicted, %observed, %locks, %opaque, %uncertain, %made);
	my %own = map { $_ => 1 } $case->{sql} =~ /^-- made: (.*)$/mg;
	for my $line (split /\n/, $text)
	{
		my ($mark, $number, $effect, $kind, $object, $mode, $certain, $detail) = split /\|/, $line;
		next unless defined $mark && ($mark eq '@@predicted' || $mark eq '@@observed');
		my $key = join ' ', $number, $effect, $kind, $object, (defined $mode && $mode ne '' ? $mode : ());
		if ($mark eq '@@predicted')
		{
			if ($effect eq 'opaque')
			{
				$opaque{$number} = $detail;
				next;
			}
			$predicted{$key} = 1;
			$uncertain{$key} = 1 if $certain ne 't';
		}
		else
		{
			# what the case made itself is nobody's loss
			$made{"$kind $object"} = $number if $effect eq 'new' && !$made{"$kind $object"};
			next if $own{$key} || ($made{"$kind $object"} || $number) < $number;
			# of two records of one statement the stronger lock
			if ($effect eq 'lock')
			{
				my $before = $locks{"$number $kind $object"};
				next if defined $before && $strength{$before} >= $strength{$mode};
				delete $observed{"$number lock $kind $object $before"} if defined $before;
				$locks{"$number $kind $object"} = $mode;
			}
			$observed{$key} = 1;
		}
	}
	$case->{effects} = keys %observed;
	$case->{under}   = [ grep { !$predicted{$_} } sort keys %observed ];
	$case->{over}    = [ grep { !$observed{$_} && !$uncertain{$_} } sort keys %predicted ];
	# what was only said to be possible
	$case->{possible} = grep { !$observed{$_} && $uncertain{$_} } keys %predicted;
	$case->{opaque_detail} = \%opaque;
	return;
}

# run_file FILE: runs its cases and reports them
sub run_file
{
	my ($self, $file, $totals) = @_;
	my ($setup, @cases) = read_fixture($file, $self->{major});
	return unless @cases;
	# the others need what is there before as it is
	@cases = sort { !!$a->{alone} <=> !!$b->{alone} } @cases;
	my $n     = 0;
	my $fresh = "DROP SCHEMA IF EXISTS fix CASCADE;\nCREATE SCHEMA fix;\nSET search_path = fix, public;\n$setup\nSET search_path = fix, public;\n";
	my $script = "SET client_min_messages = error;\n\\set VERBOSITY verbose\nLOAD 'safedeploy';\nLOAD '@{[ $self->{provider}->file ]}';\n$fresh"
		. "SELECT '\@\@setup done';\n" . join('', map { case_script($_, $n++, $fresh) } @cases);
	my $out = $self->psql($database, $script);
	my ($before, @results) = split /^\@\@case \d+\n/m, $out;
	my ($name) = $file =~ m{([^/]+/[^/]+)\.sql$};
	if ($before =~ /ERROR|FATAL/)
	{
		fail("$name: setup");
		diag($before);
	}
	for my $case (@cases)
	{
		my $text = shift @results;
		$text = '' unless defined $text;
		my $label = "$name: $case->{label}";
		$totals->{cases}++;
		if ($text !~ /^\@\@done/m || $text =~ /ERROR|FATAL|PANIC/)
		{
			my ($error) = $text =~ /^(.*(?:ERROR|FATAL|PANIC).*)$/m;
			fail("$label: runs");
			diag($error || $text || 'no output');
			next;
		}
		compare($case, $text);
		$totals->{effects}  += $case->{effects};
		$totals->{possible} += $case->{possible};
		my @under = @{ $case->{under} };
		my @over  = @{ $case->{over} };
		my $opaque = join '; ', values %{ $case->{opaque_detail} };
		if ($case->{opaque})
		{
			ok($opaque, "$label: is said to be opaque");
			@under = ();
		}
		elsif ($opaque)
		{
			fail("$label: is not opaque");
			diag($opaque);
			next;
		}
		ok(!@under, "$label: nothing more than predicted") or diag(map { "not predicted: $_\n" } @under);
		if (@over)
		{
			$totals->{over}++;
			note("$label: over-stated\n", map { "not observed: $_\n" } @over);
			diag("$label: over-stated\n", map { "not observed: $_\n" } @over) if $self->{verbose};
		}
	}
	return;
}

# run FILES...: all fixtures without any; returns totals
sub run
{
	my ($self, @files) = @_;
	my %totals = (cases => 0, over => 0, effects => 0, possible => 0);
	my $dir = "$FindBin::Bin/fixtures";
	$dir = "$FindBin::Bin/../fixtures" unless -d $dir;
	@files = map { -e $_ ? $_ : "$dir/statements/$_.sql" } @files;
	if (!@files)
	{
		@files = sort(glob("$dir/statements/*.sql"));
		my @scripts = map { my (undef, @cases) = read_fixture($_, $self->{major}); map { $_->{sql} } @cases } @files;
		SafeDeployTest::Coverage->new(database => $database, psql => sub { $self->psql(@_) })->check(@scripts);
		push @files, sort(glob("$dir/rules/*.sql"));
	}
	$self->run_file($_, \%totals) for @files;
	cmp_ok($totals{over}, '<=', $totals{cases} * 0.05, "at most 5 % of $totals{cases} cases are over-stated ($totals{over})");
	note("$totals{possible} effects that were said to be possible did not happen");
	return \%totals;
}

1;
