package SafeDeployTest::Library;

=head1 NAME

SafeDeployTest::Library - libraries for the server that only tests need

=head1 SYNOPSIS

  my $library = SafeDeployTest::Library->build('label_provider');
  $library->file;    # path of the shared library, until $library is gone

Builds regress/lib/NAME.c with the headers of the pg_config in PATH.

=cut

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp;

sub build
{
	my ($class, $name) = @_;
	my $dir = File::Temp->newdir;
	chmod 0755, $dir;
	chomp(my $headers = `pg_config --includedir-server`);
	my $lib = dirname(__FILE__) . '/..';
	system('cc', '-shared', '-fPIC', '-O1', "-I$headers", "-I$lib/../../extension", '-o', "$dir/$name.so", "$lib/$name.c") == 0 or die "could not build $name";
	return bless { dir => $dir, file => "$dir/$name.so" }, $class;
}

sub file { return $_[0]{file}; }

1;
