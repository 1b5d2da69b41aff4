package SafeDeployTest::Properties;

=head1 NAME

SafeDeployTest::Properties - one property is edited, one change is seen

=head1 SYNOPSIS

  use SafeDeployTest::Properties;
  my $properties = SafeDeployTest::Properties->new;   # connection from PGHOST, PGPORT, PGUSER
  $properties->run(@areas);                           # all of them without a name
  done_testing();

Needs no more than psql, perl as it comes, what built the extension, and a
superuser's connection to a server that has it installed, so that it runs on every
major version.

=head1 FIXTURES

A file F<regress/fixtures/properties/AREA.sql> is a list of sections, each begun
by a comment that says which.  Its statements run in a database of its own, with
an empty schema C<fix> as the search_path, and roles C<regress_app> and
C<regress_owner>.

  -- setup [since N] [until N]
  what all cases start from
  -- case: NAME
  -- since: N                       only on these major versions
  -- until: N
  -- alone                          each statement is a transaction of its own
  -- expect: op|kind|identity|path|facet|class[|severity|data_loss]
  -- follows: the same              a consequence of the expected change
  -- lost in a dump: REASON         pg_dump does not keep it
  -- revert: structural REASON      what revert_sql() cannot bring back
  -- revert: none REASON            why revert_sql() has no way back
  -- edit
  statements
  -- undo
  statements; without this section the edit is rolled back

  -- teardown
  what outlives the database of the area: roles, tablespaces

A path that is not there is written "-".  A case has one "expect" line; an edit
that cannot help but change two things has two.  A case without one must change
nothing at all.  "follows" lines are all consequences, in order.  Either may be
limited to versions: "-- follows since 18: ...".

=cut

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp;
use JSON::PP ();
use SafeDeployTest::Library;
use Test::More;

my $directory = dirname(__FILE__) . '/../../fixtures/properties';
my $json      = JSON::PP->new->utf8;

sub new
{
	my ($class, %opt) = @_;
	my $self = bless { totals => {}, %opt }, $class;
	my ($out, $err) = $self->psql('postgres', <<'SQL');
SELECT current_setting('server_version_num')::integer / 10000;
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'safedeploy');
SQL
	($self->{major}, my $available) = split /\n/, $out;
	die "no connection, or the extension is not installed: $err" unless ($available || '') eq 't';
	$self->{provider} = SafeDeployTest::Library->build('label_provider');
	return $self;
}

# psql DATABASE, SQL: (stdout, stderr) of one session
sub psql
{
	my ($self, $database, $sql) = @_;
	my $script = File::Temp->new;
	my $errors = File::Temp->new;
	print $script $sql;
	close $script;
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	open my $psql, '-|', "psql -XAtq -d '$database' -f '$script' 2>'$errors'" or die "psql: $!";
	my $out = do { local $/; <$psql> };
	close $psql;
	open my $fh, '<', $errors or die "$errors: $!";
	my $err = do { local $/; <$fh> };
	return (defined $out ? $out : '', defined $err ? $err : '');
}

sub areas
{
	return sort map { m{([^/]+)\.sql$} } glob "$directory/*.sql";
}

sub applies
{
	my ($self, $what) = @_;
	return $self->{major} >= ($what->{since} || 0) && $self->{major} <= ($what->{until} || 999);
}

# read_area NAME: (setup for this server, teardown, list of its cases)
sub read_area
{
	my ($self, $area) = @_;
	my $file = "$directory/$area.sql";
	my ($setup, $teardown, @cases, $into) = ('', '');
	open my $fh, '<', $file or die "$file: $!";
	while (my $line = <$fh>)
	{
		if ($line =~ /^-- setup(?: since (\d+))?(?: until (\d+))?$/)
		{
			my $ignored = '';
			$into = $self->applies({ since => $1, until => $2 }) ? \$setup : \$ignored;
		}
		elsif ($line =~ /^-- case: (.+)$/)
		{
			push @cases, { name => $1, area => $area, line => $., expect => [], follows => [], edit => '' };
			$into = undef;
		}
		elsif (@cases && $line =~ /^-- (since|until): (\d+)$/)    { $cases[-1]{$1} = $2; }
		elsif (@cases && $line =~ /^-- (expect|follows)(?: since (\d+))?(?: until (\d+))?: (.+)$/)
		{
			push @{ $cases[-1]{$1} }, $4 if $self->applies({ since => $2, until => $3 });
		}
		elsif (@cases && $line =~ /^-- lost in a dump: (.+)$/)     { $cases[-1]{lost} = $1; }
		elsif (@cases && $line =~ /^-- alone$/)                   { $cases[-1]{alone} = 1; }
		elsif (@cases && $line =~ /^-- revert: (structural|none) (.+)$/)
		{
			@{ $cases[-1] }{qw(revert reason)} = ($1, $2);
		}
		elsif (@cases && $line =~ /^-- (edit|undo)$/) { $cases[-1]{$1} = ''; $into = \$cases[-1]{$1}; }
		elsif ($line =~ /^-- teardown$/)               { $into = \$teardown; }
		elsif ($into) { $$into .= $line; }
		elsif ($line !~ /^(--.*)?$/) { die "$file:$.: text before the first section"; }
	}
	my %seen;
	$_->{edit} =~ /\S/ && !$seen{ $_->{name} }++ or die "$file:$_->{line}: no edit, or a second case of that name" for @cases;
	return ($setup, $teardown, grep { $self->applies($_) } @cases);
}

# What is printed about the changes since a stored snapshot; temporary, so that no snapshot sees it.
my $helpers = <<'SQL';
CREATE FUNCTION pg_temp.changes(old bigint, new bigint DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_agg(to_jsonb(c) - '{old,new}'::text[] ORDER BY seq), '[]') FROM safedeploy.diff(old, new) AS c
$$;
CREATE FUNCTION pg_temp.all_of(old bigint, new bigint) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY seq), '[]') FROM safedeploy.diff(old, new) AS c
$$;
-- Two databases that keep their objects and exchange what differs find what is found of stored
-- snapshots, to the letter; "after" is the live schema too.
CREATE FUNCTION pg_temp.exchanged(before bigint, after bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	h safedeploy.snapshot := (SELECT s FROM safedeploy.snapshot AS s WHERE id = after);
	-- the snapshots say who is one
	superusers text[] := (SELECT array_agg(quote_ident(rolname)) FROM pg_roles WHERE rolsuper);
	was integer[];
	now integer[];
	expected jsonb;
	got jsonb;
	found text[] := '{}';
BEGIN
	-- nobody but a snapshot has an environment
	IF EXISTS (SELECT FROM safedeploy.diff(before, after) WHERE class = 'environment') THEN
		RETURN found;
	END IF;
	SELECT coalesce(array_agg(o.n), '{}') INTO was FROM safedeploy.snapshot_object AS o
	 WHERE o.snapshot_id = before AND NOT EXISTS (SELECT FROM safedeploy.snapshot_object AS n
		WHERE n.snapshot_id = after AND n.kind = o.kind AND n.identity = o.identity AND n.def_hash = o.def_hash AND n.phys = o.phys);
	SELECT coalesce(array_agg(k.number), '{}') INTO now FROM safedeploy.keep_objects(physical => true) AS k
	 WHERE NOT EXISTS (SELECT FROM safedeploy.snapshot_object AS o WHERE o.snapshot_id = before AND o.kind = k.kind AND o.identity = k.identity AND o.n <> ALL (was));
	PERFORM safedeploy.keep_others((SELECT array_agg(o) FROM safedeploy.kept_objects(now) AS o));
	SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY seq), '[]') INTO got
	  FROM safedeploy.diff_others(before, was, h.server_version_num, h.system_identifier, h.database_oid, NULL, superusers) AS c;
	expected := pg_temp.all_of(before, after);
	IF got <> expected THEN
		found := found || ('exchanged: ' || got::text || ' instead of ' || expected::text);
	END IF;
	PERFORM FROM safedeploy.keep_objects();
	PERFORM safedeploy.keep_others((SELECT array_agg(ROW(o.kind, o.identity, d.definition, o.core, o.security, o.owner, o.storage, o.comment, o.version, o."order", NULL, o.phys)::safedeploy.object)
	   FROM safedeploy.snapshot_object AS o JOIN safedeploy.object_def AS d ON d.hash = o.def_hash WHERE o.snapshot_id = before AND o.environment IS NULL AND o.n = ANY (was)));
	SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY seq), '[]') INTO got
	  FROM safedeploy.diff_others(NULL, now, h.server_version_num, h.system_identifier, h.database_oid, NULL, superusers) AS c;
	expected := pg_temp.all_of(after, before);
	IF got <> expected THEN
		found := found || ('exchanged backwards: ' || got::text || ' instead of ' || expected::text);
	END IF;
	RETURN found;
END
$$;
-- What must hold whatever was edited; a fault is a text.
CREATE FUNCTION pg_temp.faults(before bigint, after bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	live jsonb := pg_temp.changes(before);
	stored jsonb := pg_temp.changes(before, after);
	backwards jsonb := pg_temp.changes(after, before);
	by_name jsonb;
	found text[] := '{}';
BEGIN
	IF live <> stored THEN
		found := found || ('the stored snapshot differs otherwise: ' || stored::text);
	END IF;
	-- read a part at a time, after what was read before
	IF safedeploy.fingerprint() <> (SELECT fingerprint FROM safedeploy.snapshot WHERE id = after) THEN
		found := found || 'the fingerprint of a part is not that of the whole'::text;
	END IF;
	IF EXISTS (SELECT FROM jsonb_array_elements(stored) AS c WHERE c ->> 'summary' !~ '^[A-Z].*\.$' OR c -> 'cause' = c -> 'seq'
		OR c ->> 'cause' IS NOT NULL AND NOT stored @> jsonb_build_array(jsonb_build_object('seq', c -> 'cause'))) THEN
		found := found || 'a summary that is no sentence, or a cause that is not there'::text;
	END IF;
	IF (SELECT count(DISTINCT fingerprint) > 1 FROM safedeploy.snapshot WHERE id IN (before, after))
		<> EXISTS (SELECT FROM jsonb_array_elements(stored) AS c WHERE c ->> 'class' IN ('real', 'cosmetic')) THEN
		found := found || 'the fingerprint does not agree with the changes'::text;
	END IF;
	-- an add one way is a drop the other way
	IF jsonb_array_length(stored) > 0 AND NOT EXISTS (SELECT FROM jsonb_array_elements(stored) AS c WHERE c ->> 'op' IN ('rename', 'move'))
		AND EXISTS ((SELECT replace(replace(replace(c ->> 'op', 'add', 'x'), 'drop', 'add'), 'x', 'drop'), c ->> 'kind', c ->> 'path' FROM jsonb_array_elements(stored) AS c)
			EXCEPT ALL (SELECT c ->> 'op', c ->> 'kind', c ->> 'path' FROM jsonb_array_elements(backwards) AS c)) THEN
		found := found || ('backwards: ' || backwards::text);
	END IF;
	found := found || pg_temp.exchanged(before, after);
	-- as if of another database: by names alone the edit is still seen
	UPDATE safedeploy.snapshot SET database_oid = 1 WHERE id = after;
	by_name := pg_temp.changes(before, after);
	IF jsonb_path_exists(by_name, '$[*] ? (@.confidence != "textual" || @.op == "rename" || @.op == "move" || @.op == "recreate" || @.op == "rewrite")') THEN
		found := found || ('by name: ' || by_name::text);
	END IF;
	IF by_name = '[]' AND jsonb_path_exists(stored, '$[*] ? (@.class == "real" || @.class == "cosmetic")') THEN
		found := found || 'by name nothing is seen'::text;
	END IF;
	found := found || pg_temp.exchanged(before, after);
	PERFORM safedeploy.drop_snapshot(after);
	RETURN to_jsonb(found);
END
$$;
SQL

# One case as a script.  Each line that it prints begins with "@@" and says what it is.
sub case_script
{
	my ($self, $case, $n) = @_;
	my $revert = '';
	my $alone  = $case->{alone};
	my ($begin, $commit) = $alone ? ('', '') : ("BEGIN;\n", "COMMIT;\n");
	if ($self->{reverts})
	{
		# in a transaction of its own when that can be, which is then rolled back, so that undo follows on the edit
		my ($open, $close) = defined $case->{undo}
		  ? ("\\if :together\nBEGIN;\n\\endif\n", "\\if :together\nROLLBACK;\n\\endif\n")
		  : ('', '');
		$revert = <<"SQL";
SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY seq), '[]') AS steps, coalesce(bool_and(transactional OR sql IS NULL), true) AS together FROM safedeploy.revert_sql(:before) AS r \\gset
\\echo \@\@steps :steps
\\warn \@\@revert $n
${open}SELECT s ->> 'sql' FROM jsonb_array_elements(:'steps') AS s WHERE s ->> 'sql' IS NOT NULL \\gexec
SELECT '\@\@left ' || pg_temp.changes(:before)::text;
$close
SQL
	}
	my $script = <<"SQL";
\\echo \@\@case $n
\\warn \@\@case $n
\\set steps '[]'
\\set together true
SELECT safedeploy.take_snapshot('before'$self->{environment}) AS before \\gset
$begin$case->{edit}
SELECT '\@\@changes ' || pg_temp.changes(:before)::text;
SQL
	if (defined $case->{undo})
	{
		$script .= <<"SQL";
$commit
SELECT safedeploy.take_snapshot('after'$self->{environment}) AS after \\gset
SELECT '\@\@faults ' || pg_temp.faults(:before, :after)::text;
$revert
\\warn \@\@undo $n
\\if :together
$begin$case->{undo}
$commit\\endif
SQL
	}
	else
	{
		$script .= <<"SQL";
SELECT safedeploy.take_snapshot('after'$self->{environment}) AS after \\gset
SELECT '\@\@faults ' || pg_temp.faults(:before, :after)::text;
$revert
\\warn \@\@undo $n
ROLLBACK;
SQL
	}
	return $script . <<'SQL';
SELECT '@@undone ' || pg_temp.changes(:before)::text, safedeploy.fingerprint() = fingerprint FROM safedeploy.snapshot WHERE id = :before;
SELECT safedeploy.drop_snapshot(:before);
SQL
}

sub line_of
{
	my ($change, $fields) = @_;
	my @columns = qw(op kind identity path facet class severity data_loss);
	return join '|', map { defined $change->{$_} ? $change->{$_} : '-' } @columns[ 0 .. $fields - 1 ];
}

# same_changes WHAT, EXPECTED, GOT: what is wrong, if anything
sub same_changes
{
	my ($what, $expected, $got) = @_;
	my @got = @$got;
	my $wrong = @$expected != @got;
	for my $i (0 .. $#$expected)
	{
		$wrong ||= !defined $got[$i] || ($expected->[$i] ne line_of($got[$i], 6) && $expected->[$i] ne line_of($got[$i], 8));
	}
	return () unless $wrong;
	return map({ "  $what expected: $_" } @$expected), map { "  $what found:    " . line_of($_, 8) . ($_->{class} eq 'physical' ? '' : "   $_->{summary}") } @got;
}

# Changes that are left and must not be.
sub left_over
{
	my ($changes, @classes) = @_;
	my %counts = map { $_ => 1 } @classes;
	return map { '  left: ' . line_of($_, 8) } grep { $counts{ $_->{class} } } @$changes;
}

sub judge_edit
{
	my ($case, $result) = @_;
	my @faults;
	for my $part (qw(case undo))
	{
		push @faults, map { "  $part: $_" } split /\n/, $result->{errors}{$part} || '';
	}
	return (@faults, '  no result') unless $result->{changes} && $result->{undone} && $result->{faults};
	my $changes = $result->{changes};
	push @faults, same_changes('change', $case->{expect}, [ grep { !defined $_->{cause} } @$changes ]);
	push @faults, same_changes('consequence', $case->{follows}, [ grep { defined $_->{cause} } @$changes ]);
	push @faults, map { "  $_" } @{ $result->{faults} };
	push @faults, map { "  after undo$_" } left_over($result->{undone}, qw(real cosmetic environment));
	push @faults, '  after undo the fingerprint is another one' unless $result->{same_print};
	return @faults;
}

# judge_revert CASE, RESULT: (full, structural or none; faults)
sub judge_revert
{
	my ($case, $result) = @_;
	my $steps = $result->{steps} or return ('none', '  no result');
	my @missing = grep { !defined $_->{sql} } @$steps;
	my $level = @missing ? 'none' : grep({ $_->{level} eq 'structural' } @$steps) ? 'structural' : 'full';
	my @faults = map { "  revert: $_" } split /\n/, $result->{errors}{revert} || '';
	my @left = @{ $result->{left} || [] };
	my $loses = grep { $_->{data_loss} ne 'none' } @{ $result->{changes} };

	if ($level eq 'none')
	{
		# what can be done was tried all the same, but need not have come to an end
		return ($level) if ($case->{revert} || '') eq 'none';
		push @faults, map { "  no way back: $_->{reason}" } @missing;
		return ($level, @faults);
	}
	push @faults, '  there is a way back after all' if ($case->{revert} || '') eq 'none';
	push @faults, '  no result' unless $result->{left};
	push @faults, '  data is not brought back, though the edit lost none'
	  if $level eq 'structural' && !$loses && ($case->{revert} || '') ne 'structural';
	push @faults, left_over(\@left, qw(real cosmetic environment), $level eq 'full' ? 'order' : ());
	push @faults, map { '  left: ' . line_of($_, 8) } grep { $_->{data_loss} ne 'none' && $_->{class} !~ /real|cosmetic/ } @left if $level eq 'full';
	push @faults, map { "  step: $_->{sql}" } @$steps if @faults;
	return ($level, @faults);
}

# parse OUT, ERR: results by the number of their case, and what went wrong before the first
sub parse
{
	my ($out, $err) = @_;
	my (%results, $n, $part);
	for my $line (split /\n/, $out)
	{
		if ($line =~ /^\@\@case (\d+)$/) { $n = $1; }
		elsif ($line =~ /^\@\@undone (.*)\|([tf])$/)
		{
			$results{$n}{undone}     = $json->decode($1);
			$results{$n}{same_print} = $2 eq 't';
		}
		elsif ($line =~ /^\@\@(changes|faults|steps|left) (.*)$/) { $results{$n}{$1} = $json->decode($2); }
	}
	my $before = '';
	undef $n;
	for my $line (split /\n/, $err)
	{
		if ($line =~ /^\@\@(case|undo|revert) (\d+)$/) { ($part, $n) = ($1, $2); }
		elsif (defined $n) { $results{$n}{errors}{$part} .= $line =~ s/^psql:[^ ]+ //r . "\n"; }
		else               { $before .= "$line\n"; }
	}
	return ($before, \%results);
}

sub create_area
{
	my ($self, $area) = @_;
	my $database = "properties_$area";
	$self->psql('postgres', <<"SQL");
DROP DATABASE IF EXISTS $database;
CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
SQL
	my ($out) = $self->psql($database, <<'SQL');
CREATE EXTENSION safedeploy;
CREATE ROLE regress_app;
CREATE ROLE regress_owner;
CREATE SCHEMA fix;
SELECT count(*) FROM pg_proc WHERE pronamespace = 'safedeploy'::regnamespace AND proname = 'revert_sql';
SELECT count(*) FROM pg_proc WHERE pronamespace = 'safedeploy'::regnamespace AND proname = 'take_snapshot' AND 'environment' = ANY (proargnames);
SQL
	($self->{reverts}, my $environment) = split /\n/, $out;
	$self->{environment} = $environment ? ', environment => true' : '';
	return $database;
}

# A database with a subscription cannot be dropped.
sub drop_subscriptions
{
	my ($self, $database) = @_;
	return "SELECT format('DROP SUBSCRIPTION %I', subname) FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = '$database') \\gexec\n";
}

my $session = "SET search_path = fix, pg_catalog;\nSET allow_system_table_mods = on;\n";

sub run_area
{
	my ($self, $area) = @_;
	my ($setup, $teardown, @cases) = $self->read_area($area);
	my $database = $self->create_area($area);
	my $n        = 0;
	my ($out, $err) = $self->psql($database, "$helpers\nLOAD '@{[ $self->{provider}->file ]}';\n$session$setup"
		  . join('', map { $self->case_script($_, $n++) } @cases)
		  . $self->drop_subscriptions($database));
	my ($before, $results) = parse($out, $err);
	is($before, '', "$area: setup");
	for my $i (0 .. $#cases)
	{
		my ($case, $result) = ($cases[$i], $results->{$i} || {});
		my @faults = judge_edit($case, $result);
		$self->{totals}{cases}++;
		$self->{totals}{single}++ if @{ $case->{expect} } == 1;
		ok(!@faults, "$area: $case->{name}") or diag(join "\n", "$area.sql:$case->{line}", @faults);
		next unless $self->{reverts} && @{ $case->{expect} };
		my ($level, @wrong) = judge_revert($case, $result);
		$self->{totals}{$level}++;
		ok(!@wrong, "$area: $case->{name}: way back ($level)") or diag(join "\n", "$area.sql:$case->{line}", @wrong);
	}
	(undef, $err) = $self->psql('postgres', "DROP DATABASE $database;\nDROP ROLE regress_app, regress_owner;\n$teardown");
	is($err, '', "$area: teardown");
	return;
}

# One area with all of its edits one after the other, as far as they bear each other, dumped and restored.
sub dump_area
{
	my ($self, $area) = @_;
	my ($setup, $teardown, @cases) = $self->read_area($area);
	my $database = $self->create_area($area);
	my $copy     = "${database}_restored";
	my $dump     = File::Temp->new;
	my ($tried, $applied, $edits) = (0, 0, '');
	local $ENV{PGOPTIONS} = "-c client_min_messages=error -c session_preload_libraries=@{[ $self->{provider}->file ]}";
	for my $case (@cases)
	{
		# a dump cannot keep what no statement could have made, and what others need stays
		next if $case->{lost} || $case->{edit} =~ /\b(UPDATE|INSERT INTO) pg_/ || grep { /^(drop|rename|move)\|/ } @{ $case->{expect} };
		$tried++;
		$edits .= $case->{alone} ? $case->{edit} : "BEGIN;\n$case->{edit}SELECT '\@\@applied';\nCOMMIT;\n";
	}
	# a restore makes extensions in their default version
	my ($out) = $self->psql($database, "$session$setup$edits\nSELECT format('ALTER EXTENSION %I UPDATE', extname) FROM pg_extension \\gexec\n");
	$applied++ while $out =~ /^\@\@applied$/mg;
	cmp_ok($applied, '>=', $tried / 2, "$area: most edits bear each other");
	$self->psql('postgres', "DROP DATABASE IF EXISTS $copy; CREATE DATABASE $copy TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';");
	is(system("pg_dump -s -d '$database' -f '$dump'"), 0, "$area: dumped");
	my (undef, $err) = $self->psql($copy, "\\i $dump\n");
	is(join("\n", grep { /ERROR|FATAL/ } split /\n/, $err), '', "$area: restored");
	my @sides = map { ($self->psql($_, "SELECT safedeploy.fingerprint();\nSELECT kind || ' ' || identity || ' ' || definition::text FROM safedeploy.objects() ORDER BY 1;\n" . $self->drop_subscriptions($_)))[0] } $database, $copy;
	my %there = map { $_ => 1 } split /\n/, $sides[1];
	my %here  = map { $_ => 1 } split /\n/, $sides[0];
	is((split /\n/, $sides[1])[0], (split /\n/, $sides[0])[0], "$area: same fingerprint")
	  or diag(join "\n", (map { "- $_" } grep { !$there{$_} } split /\n/, $sides[0]), (map { "+ $_" } grep { !$here{$_} } split /\n/, $sides[1]));
	$self->psql('postgres', "DROP DATABASE $copy;\nDROP DATABASE $database;\nDROP OWNED BY regress_app, regress_owner;\nDROP ROLE regress_app, regress_owner;\n$teardown");
	return;
}

sub run
{
	my ($self, @areas) = @_;
	$self->run_area($_) for @areas ? @areas : areas();
	my $totals = $self->{totals};
	note(sprintf '%d cases, %d of a single property', map { $totals->{$_} || 0 } qw(cases single));
	note(sprintf 'ways back: %d full, %d structural, %d none', map { $totals->{$_} || 0 } qw(full structural none)) if $self->{reverts};
	return $totals;
}

1;
