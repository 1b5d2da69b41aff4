package SafeDeployTest::Reverts;

=head1 NAME

SafeDeployTest::Reverts - takes back every upgrade of a history by safedeploy.revert_sql()

=head1 SYNOPSIS

  my @rows = revert_history($server, 'history', \@revisions,
	upgrade => sub { my ($database, $n) = @_; ...; return $error },
	rewind  => sub { my ($database, $n) = @_; ... });
  print revert_table(@rows);

=head1 DESCRIPTION

The database goes from empty to the head, one revision at a time.  Each upgrade is
taken back by revert_sql() in one transaction and made once more, on which the next
one builds.  Nothing of the tool's own downgrade is used; "rewind" tells its
bookkeeping that the revision is not there.

=cut

use strict;
use warnings;

use Exporter 'import';
use SafeDeployTest;

our @EXPORT = qw(revert_history revert_table);

=head2 revert_history($server, $database, \@revisions, %steps)

Returns one hash a revision: C<revision>; C<level>: full, structural or none, the
lowest of the steps; C<left>: summaries of what still differs from the schema
before, or the error; C<again>: whether a second upgrade leads to the schema that
the first one led to; C<reasons>: what the steps say does not come back, with how
often.  Dies when an upgrade of the history itself fails.

=cut

sub revert_history
{
	my ($server, $database, $revisions, %step) = @_;
	return map { { revision => $revisions->[$_], take_back($server, $database, $_, %step) } } 0 .. $#$revisions;
}

sub take_back
{
	my ($server, $database, $n, %step) = @_;
	my $before = $server->sql($database, 'SELECT safedeploy.take_snapshot()');
	my $error  = $step{upgrade}->($database, $n);
	die "upgrade fails: $error\n" if defined $error;
	my ($found) = $server->json($database, <<SQL);
SELECT ARRAY(SELECT row_to_json(s) FROM safedeploy.revert_sql($before) AS s ORDER BY seq) AS steps, safedeploy.fingerprint() AS after
SQL
	my @steps = @{ $found->{steps} };
	my %reasons;
	$reasons{ $_->{reason} }++ foreach grep { $_->{level} ne 'full' && defined $_->{reason} } @steps;
	my %row = (
		level   => (sort { rank($a) <=> rank($b) } 'full', map { $_->{level} } @steps)[-1],
		reasons => \%reasons,
		again   => '-',
		steps   => [ map { $_->{sql} } grep { defined $_->{sql} } @steps ]);
	my $p = run_program([ qw(psql -Xq1 -v ON_ERROR_STOP=1 -f -), $server->url($database) ],
		stdin => join '', map { "$_;\n" } @{ $row{steps} });
	return (%row, left => [ $p->stderr ]) if $p->exit_code != 0;

	$row{left} = [ map { $_->{summary} } $server->json($database,
			"SELECT summary FROM safedeploy.diff($before) WHERE class IN ('real', 'cosmetic') ORDER BY seq") ];
	$step{rewind}->($database, $n);
	$error = $step{upgrade}->($database, $n);
	die "upgrade fails after the way back: $error\n" if defined $error;
	$row{again} = $server->sql($database, <<SQL) eq $found->{after} ? 'the same' : 'different';
SELECT safedeploy.fingerprint() FROM (SELECT safedeploy.drop_snapshot($before)) AS dropped
SQL
	return %row;
}

sub rank
{
	return { full => 0, structural => 1, none => 2 }->{ $_[0] };
}

=head2 revert_table(@rows)

The rows that are not reverted in full as a Markdown table.

=cut

sub revert_table
{
	my (@rows) = @_;
	my $text = "| # | revision | level | what does not come back |\n|---:|---|---|---|\n";
	foreach my $n (0 .. $#rows)
	{
		my $row = $rows[$n];
		next if $row->{level} eq 'full' && !@{ $row->{left} };
		my @told = map { ($row->{reasons}{$_} > 1 ? "$row->{reasons}{$_} times: " : '') . $_ } sort keys %{ $row->{reasons} };
		push @told, map { (split /\n/)[0] } @{ $row->{left} };
		s/\|/\\|/g foreach @told;
		$text .= '| ' . ($n + 1) . " | $row->{revision} | $row->{level} | " . join('; ', @told) . " |\n";
	}
	return $text;
}

1;
