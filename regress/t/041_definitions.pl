# The statements of definition_sql(), run in an empty database, make a schema with the same fingerprint.
use strict;
use warnings;

use FindBin;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('definitions', conf => "wal_level = logical\nmax_locks_per_transaction = 256");
my $template = q{TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'};

# What would act on what is made after it comes last; it stands alone, so that one round is enough.
my %last = map { $_ => 1 } ('default acl', 'event trigger');

# What no statement can make, by fixture: objects that are not there, and others that differ.
my %unmade = (exotic => ['subscription sub', 'user mapping for pg_monitor server srv']);

sub objects
{
	my ($database) = @_;
	return $server->json($database, 'SELECT kind, identity, definition::text, safedeploy.definition_sql(kind, identity, definition) AS statements FROM safedeploy.objects()');
}

# Runs statement by statement; what needs something that is not there yet succeeds in a later round.
sub run_scripts
{
	my ($database, @objects) = @_;
	my $file = $server->node->basedir . "/$database.sql";
	open my $fh, '>', $file or die "$file: $!";
	print $fh "SET check_function_bodies = off;\n", map { "-- $_->{kind} $_->{identity}\n$_->{statements}\n" } @objects;
	close $fh;
	return run_program([ 'psql', '-Xq', '-f', $file, $server->url($database) ]);
}

for my $name (qw(rich exotic))
{
	my $copy = "${name}_copy";
	$server->create_database($_, options => $template) for $name, $copy;
	exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$FindBin::Bin/../fixtures/snapshot/$name.sql", $server->url($name) ]), 0, "$name: the schema");
	$server->sql($copy, 'DROP SCHEMA public');

	my @objects = objects($name);
	my $print = $server->sql($name, 'SELECT safedeploy.fingerprint()');
	for my $round (1 .. 12)
	{
		my $before = $server->sql($copy, 'SELECT safedeploy.fingerprint()');
		run_scripts($copy, grep { !$last{ $_->{kind} } } @objects);
		last if $server->sql($copy, 'SELECT safedeploy.fingerprint()') eq $before;
	}
	my $result = run_scripts($copy, grep { $last{ $_->{kind} } } @objects);
	is($result->stderr, '', "$name: default privileges and event triggers");

	my %made = map { ("$_->{kind} $_->{identity}" => $_->{definition}) } objects($copy);
	my @different;
	for my $object (@objects)
	{
		my $key = "$object->{kind} $object->{identity}";
		my $made = delete $made{$key};
		next if defined $made && $made eq $object->{definition};
		push @different, $key;
		diag("$key\n  wanted: $object->{definition}\n  made: " . ($made || '-') . "\n  $object->{statements}") unless grep { $_ eq $key } @{ $unmade{$name} || [] };
	}
	is_deeply([ sort @different ], $unmade{$name} || [], "$name: every object is made again, but for what cannot be");
	is_deeply([ sort keys %made ], [], "$name: and nothing else");
	is($server->sql($copy, 'SELECT safedeploy.fingerprint()'), $print, "$name: the same fingerprint") unless $unmade{$name};
	like((grep { $_->{kind} eq 'subscription' } @objects)[0]{statements}, qr/^-- subscription .*made by hand/, 'a subscription says why it is not made') if $name eq 'exotic';
}

done_testing();
