package SafeDeployTest::Page;

=head1 NAME

SafeDeployTest::Page - tables in docs/ that tests make again

=head1 SYNOPSIS

  use SafeDeployTest::Page;

  my $page = SafeDeployTest::Page->new('revert.md');
  my $text = $page->table('prefect');
  $page->agrees('prefect', $got, 'what does not come back');

A table stands between C<< <!-- begin NAME --> >> and C<< <!-- end NAME --> >>.

=cut

use strict;
use warnings;

use Carp;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

use SafeDeployTest;

sub new
{
	my ($class, $file) = @_;
	my $text = SafeDeployTest::Process::slurp(abs_path(dirname(__FILE__) . '/../../../docs') . "/$file");
	return bless { file => $file, text => $text }, $class;
}

=head2 table($name)

Text of a table; a page without it is an error.

=cut

sub table
{
	my ($self, $name) = @_;
	my ($table) = $self->{text} =~ /<!-- begin $name -->\n(.*?)<!-- end $name -->/s
	  or croak "no table $name in docs/$self->{file}";
	return $table;
}

=head2 agrees($name, $got, $what)

One test: the table is the one that was made now.  Otherwise it shows the lines
that differ, and leaves the table in the log directory, to be put into the page.

=cut

sub agrees
{
	my ($self, $name, $got, $what) = @_;
	my $want = $self->table($name);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return if ok($got eq $want, "$name: $what is what docs/$self->{file} says");
	my %want = map { $_ => 1 } split /\n/, $want;
	my %got  = map { $_ => 1 } split /\n/, $got;
	diag(map { "- $_\n" } grep { !$got{$_} } split /\n/, $want);
	diag(map { "+ $_\n" } grep { !$want{$_} } split /\n/, $got);
	my $file = ($ENV{TESTLOGDIR} || '.') . "/$name-$self->{file}";
	open my $handle, '>', $file or croak "could not write $file: $!";
	print $handle $got;
	close $handle or croak "could not write $file: $!";
	diag("all of it is in $file");
	return;
}

1;
