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

Returns one hash a revision: C<revision>; C<verdict>: exact, order, not, fails;
C<again> (the second upgrade compared to the first): the same words; C<changes>:
summaries of what the downgrade left or lost, or the error.  Each step is a
function of (database, index of the revision) that returns undef or an error.
Dies when an upgrade of the history itself fails.

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
	return (verdict => 'fails', again => '-', changes => [$error]) if defined $error;
	my ($verdict, @changes) = compare($server, $copy, $before);

	$error = $step{upgrade}->($copy, $n);
	my ($again) = defined $error ? ('fails') : compare($server, $copy, $after);
	return (verdict => $verdict, again => $again, changes => \@changes);
}

sub compare
{
	my ($server, $database, $snapshot) = @_;
	my @changes = $server->json($database,
		"SELECT class, summary, kind, op, identity, path, cause FROM safedeploy.diff($snapshot) ORDER BY seq");
	my $verdict = 'exact';
	foreach my $change (@changes)
	{
		if   ($change->{class} eq 'order') { $verdict = 'order' if $verdict eq 'exact'; }
		else                               { $verdict = 'not'; }
	}
	# What merely follows from another change and mere order say nothing new beside real ones.
	my @told = grep { $verdict eq 'order' || $_->{class} ne 'order' } grep { !defined $_->{cause} } @changes;
	return ($verdict, map { $_->{summary} } @told);
}

=head2 judgement_table(@rows)

The rows as a Markdown table.

=cut

my %words = (
	exact => 'restores exactly',
	order => 'order only',
	not   => 'does not restore',
	fails => 'fails',
	'-'   => '-');

sub judgement_table
{
	my (@rows) = @_;
	my $text = "| # | revision | downgrade | upgrade again | what differs |\n|---:|---|---|---|---|\n";
	my $n = 0;
	foreach my $row (@rows)
	{
		$n++;
		# Texts of errors end with details of the run.
		my @changes = map { (split /\n/, $_)[0] } @{ $row->{changes} };
		s/\|/\\|/g foreach @changes;
		$text .= "| $n | $row->{revision} | $words{$row->{verdict}} | $words{$row->{again}} | "
		  . join('; ', @changes) . " |\n";
	}
	return $text;
}

1;
