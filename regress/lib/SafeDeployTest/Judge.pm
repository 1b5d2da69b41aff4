package SafeDeployTest::Judge;

=head1 NAME

SafeDeployTest::Judge - tells for each revision of a history whether its downgrade restores the schema

=head1 SYNOPSIS

  my @rows = judge_history($server, 'history', \@revisions,
	upgrade   => sub { my ($database, $n) = @_; ...; return $error },
	downgrade => sub { my ($database, $n) = @_; ...; return $error });

=head1 DESCRIPTION

The database goes from empty to the head, one revision at a time.  Before each
step a copy of it is rehearsed: up, down, up.  So every revision is judged on the
schema that the history really has there, whatever an earlier downgrade left
behind.  All comparisons are C<safedeploy.diff()> against a snapshot.

=cut

use strict;
use warnings;

use Exporter 'import';
use SafeDeployTest;

our @EXPORT = qw(judge_history judgement_table);

=head2 judge_history($server, $database, \@revisions, %steps)

Returns one hash a revision: C<revision>; C<verdict>, about the schema: exact,
order, not, fails; C<again> (the second upgrade compared to the first): the same
words; C<changes>: summaries of what the downgrade left or lost, or the error;
C<data>: kinds of the things (table, column) that are the same but were made anew,
so that what was in them is gone; C<repaired>, where the downgrade fails or does not
restore: undef when what revert_sql() adds to it restores the schema, else the reason.  Each step is a function of (database, index of the
revision) that returns undef or an error.  Dies when an upgrade of the history
itself fails.

=cut

sub judge_history
{
	my ($server, $database, $revisions, %step) = @_;
	my $copy = "${database}_copy";
	my @rows;
	foreach my $n (0 .. $#$revisions)
	{
		$server->create_database($copy, extension => 0,
			options => 'TEMPLATE ' . quote_ident($database));
		push @rows, { revision => $revisions->[$n], rehearse($server, $copy, $n, %step) };
		$server->drop_database($copy);

		my $error = $step{upgrade}->($database, $n);
		die "upgrade to $revisions->[$n] fails: $error\n" if defined $error;
	}
	return @rows;
}

sub rehearse
{
	my ($server, $copy, $n, %step) = @_;
	my $before = $server->sql($copy, 'SELECT safedeploy.take_snapshot()');
	my $error  = $step{upgrade}->($copy, $n);
	die "upgrade fails on a copy: $error\n" if defined $error;
	my $after = $server->sql($copy, 'SELECT safedeploy.take_snapshot()');

	$error = $step{downgrade}->($copy, $n);
	my %row = defined $error ? (verdict => 'fails', changes => [$error], data => []) : compare($server, $copy, $before);
	$row{repaired} = repair($server, $copy, $before) if $row{verdict} =~ /not|fails/;
	return (%row, again => '-') if defined $error;

	$error = $step{upgrade}->($copy, $n);
	my %again = defined $error ? (verdict => 'fails') : compare($server, $copy, $after);
	return (%row, again => $again{verdict});
}

# repair($server, $database, $snapshot): runs what revert_sql() proposes; undef when nothing real is left
# then, else the reason
sub repair
{
	my ($server, $database, $snapshot) = @_;
	my @steps  = $server->json($database, "SELECT * FROM safedeploy.revert_sql($snapshot)");
	my $script = join '', map { "$_->{sql};\n" } grep { defined $_->{sql} } @steps;
	my ($rc, undef, $error) = $server->try_sql($database, "BEGIN;\n${script}COMMIT;\n");
	return $error =~ /ERROR:\s+\w+:\s+(.*)/ ? $1 : $error if $rc != 0;
	my %left = compare($server, $database, $snapshot);
	return if $left{verdict} ne 'not';
	my @reasons = map { $_->{reason} } grep { !defined $_->{sql} } @steps;
	return @reasons ? join '; ', @reasons : "@{$left{changes}}";
}

sub compare
{
	my ($server, $database, $snapshot) = @_;
	my ($found) = $server->json($database, <<SQL);
SELECT (SELECT fingerprint = safedeploy.fingerprint() FROM safedeploy.snapshot WHERE id = $snapshot) AS same,
       ARRAY(SELECT row_to_json(d) FROM safedeploy.diff($snapshot) AS d ORDER BY seq) AS changes
SQL
	my @changes = @{ $found->{changes} };
	my %of = map { my $class = $_; $class => [ grep { $_->{class} eq $class } @changes ] } qw(real cosmetic order physical);
	my @alien = grep { !$of{ $_->{class} } } @changes;
	die "class $alien[0]{class} is unknown\n" if @alien;

	my @tell = (@{ $of{real} }, @{ $of{cosmetic} });
	my $verdict = @tell ? 'not' : @{ $of{order} } ? 'order' : 'exact';
	# The hash knows nothing of the diff, and has no place for the order of columns.
	die "fingerprint and diff do not agree on $database\n" if ($verdict eq 'not') == !!$found->{same};
	@tell = @{ $of{order} } unless @tell;
	# What merely follows from another change says nothing new.
	my @roots = grep { !defined $_->{cause} } @tell;
	my @lost  = grep { $_->{data_loss} ne 'none' && $_->{op} eq 'recreate' } @{ $of{physical} };
	return (
		verdict => $verdict,
		changes => [ map { $_->{summary} } @roots ? @roots : @tell ],
		data    => [ map { $_->{kind} } @lost ]);
}

=head2 judgement_table(@rows)

The rows as a Markdown table.

=cut

my %words = (
	exact => 'restores exactly',
	order => 'order only',
	not   => 'does not restore',
	fails => 'fails');
my %again_words = (
	exact => 'the same',
	order => 'in another order',
	not   => 'different',
	fails => 'fails',
	'-'   => '-');

sub judgement_table
{
	my (@rows) = @_;
	my $text = "| # | revision | schema after downgrade | data lost | upgrade again | with repair | what differs |\n|---:|---|---|---|---|---|---|\n";
	my $n = 0;
	foreach my $row (@rows)
	{
		$n++;
		# Texts of errors end with details of the run.
		my @changes = map { (split /\n/, $_)[0] } @{ $row->{changes} };
		s/\|/\\|/g foreach @changes;
		my %lost;
		$lost{$_}++ foreach @{ $row->{data} };
		my $lost = join ', ', map { "$lost{$_} $_" . ($lost{$_} == 1 ? '' : 's') } sort keys %lost;
		my $repaired = !exists $row->{repaired} ? '-' : !defined $row->{repaired} ? 'restores' : $row->{repaired};
		$text .= "| $n | $row->{revision} | $words{$row->{verdict}} | " . ($lost || '-') . " | $again_words{$row->{again}} | $repaired | "
		  . join(' ', @changes) . " |\n";
	}
	return $text;
}

1;
