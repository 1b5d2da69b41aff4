package SafeDeployTest::Predictions;

=head1 NAME

SafeDeployTest::Predictions - predicted effects of statements beside observed ones

=head1 SYNOPSIS

  my $totals = SafeDeployTest::Predictions->new->run(@files);

Needs a server that runs (PGHOST, PGPORT, PGUSER), psql and core Perl.  A case is
predicted by safedeploy.predict(), run in a transaction, and rolled back; after each
of its statements the locks of the session, the files of relations, the scans counted
for this transaction and what a sql_drop event trigger saw say what it really did.

=head1 FIXTURES

  -- setup                           what is there before; run in schema "fix"
  -- case [OPTION...]: label         one or more statements; each ends with ";" at a line's end

Options: C<since N>, C<until N> (majors); C<opaque>: the prediction must say that
it does not see everything, and may then have missed something.

What is predicted as uncertain, because it depends on rows or on the plan of a query, need not
be observed; these are counted apart.

Also the cases of regress/fixtures/rules that are marked C<run>.

=cut

use strict;
use warnings;

use FindBin;
use Test::More;

my $database = 'predictions';

# Objects of the observer, and what it leaves out: toast, and what is always dropped together with
# something else that is reported.
my $observer = <<'SQL';
CREATE SCHEMA observe;
GRANT USAGE ON SCHEMA observe TO PUBLIC;
CREATE TABLE observe.base (rel oid PRIMARY KEY);
CREATE TABLE observe.newest (oid oid);
CREATE TABLE observe.rel (rel oid PRIMARY KEY, relkind "char", filenode oid, kind text, identity text, scans bigint, held integer, indrelid oid);
CREATE TABLE observe.later (LIKE observe.rel INCLUDING ALL);
CREATE TABLE observe.boring (class oid, object oid, PRIMARY KEY (class, object));
CREATE TABLE observe.cols (rel oid, col integer, PRIMARY KEY (rel, col));
CREATE TABLE observe.dropped (kind text, identity text);

-- so that a publication of all tables does not stop the observer
ALTER TABLE observe.rel REPLICA IDENTITY FULL;
ALTER TABLE observe.later REPLICA IDENTITY FULL;
ALTER TABLE observe.dropped REPLICA IDENTITY FULL;

CREATE FUNCTION observe.look(target regclass) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	EXECUTE format('DELETE FROM %s', target);
	EXECUTE format($q$
	WITH held AS MATERIALIZED (SELECT l.relation, max(m.strength) AS held
		FROM pg_locks l JOIN unnest(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']) WITH ORDINALITY AS m(mode, strength) USING (mode)
		WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
			AND l.database = (SELECT d.oid FROM pg_database d WHERE datname = current_database())
		GROUP BY 1)
	INSERT INTO %s
	SELECT c.oid, c.relkind, CASE WHEN c.relkind IN ('r', 'm', 'i') THEN pg_relation_filenode(c.oid) END, o.type, o.identity, pg_stat_get_xact_numscans(c.oid),
		h.held, i.indrelid
	FROM pg_class c CROSS JOIN LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) o LEFT JOIN pg_index i ON i.indexrelid = c.oid
		LEFT JOIN held h ON h.relation = c.oid
	WHERE c.oid >= 16384 AND c.relkind <> 't' AND c.relnamespace NOT IN ('pg_toast'::regnamespace, 'observe'::regnamespace)
	$q$, target);
END $$;

CREATE FUNCTION observe.start() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	PERFORM observe.look('observe.rel');
	INSERT INTO observe.base SELECT rel FROM observe.rel;
	INSERT INTO observe.newest SELECT greatest((SELECT max(oid::bigint) FROM pg_class), (SELECT max(oid::bigint) FROM pg_type), (SELECT max(oid::bigint) FROM pg_constraint), (SELECT max(oid::bigint) FROM pg_proc), (SELECT max(oid::bigint) FROM pg_trigger), (SELECT max(oid::bigint) FROM pg_rewrite), (SELECT max(oid::bigint) FROM pg_attrdef), (SELECT max(oid::bigint) FROM pg_policy))::oid;
	INSERT INTO observe.cols SELECT attrelid, attnum FROM pg_attribute WHERE attrelid IN (SELECT rel FROM observe.base);
	INSERT INTO observe.boring
	SELECT 'pg_type'::regclass, t.oid FROM pg_type t WHERE EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
		OR t.typrelid IN (SELECT oid FROM pg_class WHERE relkind <> 'c')
	UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE tgisinternal
	UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite WHERE rulename = '_RETURN'
	UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 'pg_toast'::regnamespace;
END $$;

CREATE FUNCTION observe.note_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	INSERT INTO observe.dropped
	SELECT object_type, object_identity FROM pg_event_trigger_dropped_objects()
	WHERE (classid, objid) NOT IN (SELECT class, object FROM observe.boring) AND objid <= (SELECT oid FROM observe.newest)
		AND (objsubid = 0 OR (objid, objsubid) IN (SELECT rel, col FROM observe.cols));
END $$;
CREATE EVENT TRIGGER observe_drop ON sql_drop EXECUTE FUNCTION observe.note_drop();

-- what has happened since it was looked at last
CREATE FUNCTION observe.effects(OUT effect text, OUT kind text, OUT object text, OUT lock_mode text) RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	PERFORM observe.look('observe.later');
	RETURN QUERY
	WITH held AS (SELECT l.relation, max(m.strength) AS held FROM pg_locks l JOIN unnest(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']) WITH ORDINALITY AS m(mode, strength) USING (mode)
			WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
			AND l.database = (SELECT d.oid FROM pg_database d WHERE datname = current_database()) GROUP BY 1)
	-- a relation that is gone still has its lock
	SELECT 'lock', b.kind, b.identity,
		(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'])[h.held]
	FROM held h JOIN observe.base ON base.rel = h.relation JOIN observe.rel b ON b.rel = h.relation
	WHERE h.held > coalesce(b.held, 0) AND NOT (h.held = 1 AND b.relkind IN ('i', 'I'))
	UNION ALL
	SELECT CASE a.relkind WHEN 'i' THEN 'build' ELSE 'rewrite' END, b.kind, b.identity, NULL
	FROM observe.later a JOIN observe.rel b USING (rel) JOIN observe.base USING (rel)
	WHERE a.filenode <> b.filenode
	UNION ALL
	SELECT 'scan', b.kind, b.identity, NULL FROM observe.later a JOIN observe.rel b USING (rel) JOIN observe.base USING (rel)
	-- of an index these are look-ups
	WHERE a.scans > coalesce(b.scans, 0) AND a.relkind IN ('r', 'm')
	UNION ALL
	-- an index that is made again in place of one of the same name
	SELECT 'build', b.kind, b.identity, NULL FROM observe.later a JOIN observe.rel b USING (identity)
	WHERE a.rel <> b.rel AND a.relkind = 'i' AND b.relkind = 'i' AND a.filenode <> b.filenode AND b.rel IN (SELECT rel FROM observe.base)
	UNION ALL
	SELECT 'new', a.kind, a.identity, NULL FROM observe.later a
	WHERE a.rel NOT IN (SELECT rel FROM observe.rel) AND NOT EXISTS (SELECT FROM observe.rel b WHERE a.relkind IN ('i', 'I') AND b.relkind = a.relkind AND b.identity = a.identity)
	UNION ALL
	SELECT 'build', a.kind, a.identity, NULL FROM observe.later a
	WHERE a.rel NOT IN (SELECT rel FROM observe.rel) AND a.relkind = 'i' AND a.indrelid IN (SELECT rel FROM observe.base)
		AND NOT EXISTS (SELECT FROM observe.rel b WHERE b.relkind = 'i' AND (b.identity = a.identity OR b.filenode = a.filenode))
	UNION ALL
	-- what the server drops for itself fires no event trigger
	SELECT 'drop', b.kind, b.identity, NULL FROM observe.rel b JOIN observe.base USING (rel)
	WHERE b.rel NOT IN (SELECT rel FROM observe.later) AND (b.kind, b.identity) NOT IN (SELECT d.kind, d.identity FROM observe.dropped d)
		AND (b.kind, b.identity) NOT IN (SELECT a.kind, a.identity FROM observe.later a)
	UNION ALL
	SELECT DISTINCT 'drop', d.kind, d.identity, NULL FROM observe.dropped d
		-- made again by the same statement
		WHERE d.kind <> 'index' OR d.identity NOT IN (SELECT a.identity FROM observe.later a);
	DELETE FROM observe.dropped;
	DELETE FROM observe.rel;
	INSERT INTO observe.rel SELECT * FROM observe.later;
END $$;
SQL

sub new
{
	my ($class, %opt) = @_;
	my $self = bless { verbose => $opt{verbose} }, $class;
	$self->psql('postgres', "DROP DATABASE IF EXISTS $database;\nCREATE DATABASE $database;\n");
	my $out = $self->psql($database, "SET client_min_messages = error;\nCREATE EXTENSION safedeploy;\n$observer\nSELECT current_setting('server_version_num');\n");
	($self->{major}) = $out =~ /^(\d\d)\d{4}$/m or die "the observer could not be made:\n$out";
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
				die "$file: unknown options \"$options\" of case \"$label\"" if $options =~ /\S/;
			}
			else
			{
				# the rules' own test runs the others too, but does not say that they succeed
				$runs &&= $options =~ /\brun\b/ && $options !~ /\bautocommit\b/;
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

sub case_script
{
	my ($case, $n) = @_;
	my @pieces = pieces($case->{sql});
	my $number = 0;
	my $script = "SET search_path = fix, public;\nBEGIN;\nSELECT '\@\@case $n';\n"
		. "SELECT '\@\@predicted', statement, effect, kind, object, lock_mode, certain, detail FROM safedeploy.predict(\$sdcase\$$case->{sql}\$sdcase\$) WHERE object IS NULL OR object !~ '^(observe|safedeploy)\\.' OR effect = 'opaque';\n"
		. "SELECT observe.start();\n";
	for my $piece (@pieces)
	{
		$number++;
		$piece =~ s/\s*\z//;
		$piece .= ';' unless $piece =~ /;\z/;
		$script .= "\\o /dev/null\n$piece\n\\o\n";
		$script .= "SELECT '\@\@observed', $number, effect, kind, object, lock_mode FROM observe.effects() WHERE object !~ '^(observe|safedeploy)\\.';\n";
	}
	return $script . "SELECT '\@\@done';\nROLLBACK;\n";
}

# compare CASE, TEXT: notes differences in the case
sub compare
{
	my ($case, $text) = @_;
	my (%predicted, %observed, %opaque, %uncertain);
	my @pieces = pieces($case->{sql});
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
			# an empty table is not read or written again in a way that matters
			next if $effect =~ /^(rewrite|build|scan)$/ && $pieces[ $number - 1 ] =~ /^\s*TRUNCATE/i;
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
	my $n      = 0;
	my $script = "SET client_min_messages = error;\n\\set VERBOSITY verbose\nDROP SCHEMA IF EXISTS fix CASCADE;\nCREATE SCHEMA fix;\nSET search_path = fix, public;\n$setup\n"
		. "SELECT '\@\@setup done';\n" . join('', map { case_script($_, $n++) } @cases);
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
	@files = (sort(glob("$dir/statements/*.sql")), sort(glob("$dir/rules/*.sql"))) unless @files;
	$self->run_file($_, \%totals) for @files;
	cmp_ok($totals{over}, '<=', $totals{cases} * 0.05, "at most 5 % of $totals{cases} cases are over-stated ($totals{over})");
	note("$totals{possible} effects that were said to be possible did not happen");
	return \%totals;
}

1;
