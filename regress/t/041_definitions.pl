# A schema is made again in an empty database: from its definitions one by one, and by revert_sql().
use strict;
use warnings;

use FindBin;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('definitions', conf => "wal_level = logical\nmax_locks_per_transaction = 256");
my $template = q{TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'};

# What would act on whatever is made after it comes last.
my %last = map { $_ => 1 } ('default acl', 'event trigger');

# What no statement can make: a snapshot does not keep the connection string nor the option's value.
my %unmade = (exotic => ['subscription sub', 'user mapping for pg_monitor server srv']);

# What single definitions cannot say: that the index without partitions was made after these.
my %needs_order = (exotic => [ 'table x.rt', 'table x.rt1', 'table x.rt2' ]);

sub fingerprint { return $server->sql($_[0], 'SELECT safedeploy.fingerprint()'); }

sub objects
{
	my ($database) = @_;
	return $server->json($database, 'SELECT kind, identity, definition::text, safedeploy.definition_sql(kind, identity, definition) AS statements FROM safedeploy.objects()');
}

sub run_script
{
	my ($database, $script, @options) = @_;
	my $file = $server->node->basedir . "/$database.sql";
	open my $fh, '>', $file or die "$file: $!";
	print $fh $script;
	close $fh;
	return run_program([ 'psql', '-Xq', @options, '-f', $file, $server->url($database) ]);
}

# Objects that are missing or otherwise, and what is there besides.
sub compare
{
	my ($name, $copy, $expected, @objects) = @_;
	my %made = map { ("$_->{kind} $_->{identity}" => $_->{definition}) } objects($copy);
	my @different;
	for my $object (@objects)
	{
		my $key = "$object->{kind} $object->{identity}";
		my $made = delete $made{$key};
		next if defined $made && $made eq $object->{definition};
		push @different, $key;
		diag("$key\n  wanted: $object->{definition}\n  made: " . ($made || '-')) unless grep { $_ eq $key } @$expected;
	}
	is_deeply([ sort @different ], [ sort @$expected ], "$copy: every object is as it was, but for what cannot be");
	is_deeply([ sort keys %made ], [], "$copy: and there is nothing else");
	is(fingerprint($copy), fingerprint($name), "$copy: the same fingerprint") unless @$expected;
}

for my $name (qw(rich exotic))
{
	my ($apart, $together) = map { "${name}_$_" } qw(apart together);
	$server->create_database($_, options => $template) for $name, $apart, $together;
	$server->sql($_, 'DROP SCHEMA public') for $apart, $together;
	exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$FindBin::Bin/../fixtures/snapshot/$name.sql", $server->url($name) ]), 0, "$name: the schema");
	my @objects = objects($name);

	# 1. Definition by definition, each statement alone: what needs something that is not there yet
	#    succeeds in a later round.
	my $script = "SET check_function_bodies = off;\n";
	$script .= "-- $_->{kind} $_->{identity}\n$_->{statements}\n" for grep { !$last{ $_->{kind} } } @objects;
	for my $round (1 .. 12)
	{
		my $before = fingerprint($apart);
		run_script($apart, $script);
		last if fingerprint($apart) eq $before;
	}
	my $result = run_script($apart, join "\n", map { $_->{statements} } grep { $last{ $_->{kind} } } @objects);
	is($result->stderr, '', "$apart: default privileges and event triggers");
	compare($name, $apart, [ @{ $unmade{$name} || [] }, @{ $needs_order{$name} || [] } ], @objects);

	# 2. The way from nothing back to a snapshot, in its own order and in one transaction.
	my $lines = $server->node->basedir . "/$name.lines";
	my $id = $server->sql($name, 'SELECT safedeploy.take_snapshot()');
	$server->sql($name, "COPY (SELECT l FROM safedeploy.export_snapshot($id) AS l) TO '$lines'");
	$server->sql($together, "CREATE TABLE safedeploy.lines (n serial, l jsonb); COPY safedeploy.lines (l) FROM '$lines'");
	my $imported = $server->sql($together, 'SELECT safedeploy.import_snapshot(array_agg(l ORDER BY n)) FROM safedeploy.lines; DROP TABLE safedeploy.lines');
	my @steps = $server->json($together, "SELECT sql, reason, level, transactional FROM safedeploy.revert_sql($imported) ORDER BY seq");
	is(scalar(grep { !defined $_->{sql} } @steps), $name eq 'exotic' ? 3 : 0, "$together: steps that no statement stands for");
	ok(!(grep { !defined $_->{sql} && ($_->{level} ne 'none' || !$_->{reason}) } @steps), "$together: each with its reason");
	exit_is(run_script($together, join('', map { "$_->{sql};\n" } grep { defined $_->{sql} } @steps), '-1', '-v', 'ON_ERROR_STOP=1'), 0, "$together: all the others run");
	compare($name, $together, $unmade{$name} || [], @objects);
}
done_testing();
