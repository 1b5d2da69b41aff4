# Databases, schemas, tables and lock names may be called anything: the whole run works for
# each, and none of them is taken for anything but a name.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use Test::More;

my %names = (
	'a blank'            => 'two words',
	'a double quote'     => 'quo"te',
	'an apostrophe'      => q{apo'strophe},
	'a backslash'        => 'back\\slash',
	'a newline'          => "new\nline",
	'other scripts'      => 'größe_имя_名',
	'SQL'                => 'x; DROP TABLE canary; --',
	'marks of formats'   => '%s%n $x `id` ${HOME}',
	'a conninfo string'  => 'dbname=postgres host=nowhere',
	'the look of an option' => '--help',
);

my $server = SafeDeployTest->new('odd');

foreach my $what (sort keys %names)
{
	my $name  = $names{$what};
	my $ident = quote_ident($name);
	$server->create_database($name);
	$server->sql($name, 'CREATE TABLE canary (i integer)');
	my $dir = File::Temp->newdir;
	my %files = (
		'1_first.up.sql'    => "CREATE SCHEMA $ident;\nCREATE TABLE $ident.$ident ($ident integer PRIMARY KEY);\n",
		'1_first.down.sql'  => "DROP TABLE $ident.$ident;\nDROP SCHEMA $ident;\n",
		'2_second.up.sql'   => "CREATE VIEW $ident.v AS SELECT $ident FROM $ident.$ident;\nCOMMENT ON VIEW $ident.v IS 'of it';\n",
		'2_second.down.sql' => "DROP VIEW $ident.v;\n");
	foreach my $file (keys %files)
	{
		open my $handle, '>', "$dir/$file" or die "could not write $file: $!";
		print $handle $files{$file};
		close $handle or die "could not write $file: $!";
	}
	my $before = $server->fingerprint($name);
	my %env = (MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$dir", MIGGUARD_LOCK_NAME => $name,
		MIGGUARD_BACKUP_DIRECTORY => "$dir/backups", MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off');
	exit_is($server->migguard($name, ['run'], env => \%env), 0, "$what: a run with backup and rehearsal");
	is($server->sql($name, "SELECT count(*) FROM $ident.v"), 0, "$what: has deployed");
	is($server->sql($name, 'SELECT database = current_database() AND lock_name = ' . quote_literal($name) . ' FROM safedeploy.run'),
		't', "$what: the ledger has the names as they are");
	exit_is($server->migguard($name, [ 'rollback', '--to', 'base' ], env => \%env), 0, "$what: a rollback");
	is($server->fingerprint($name), $before, "$what: brings the schema back, the canary with it");
	is(scalar $server->faults($name), 0, "$what: the ledger is intact");
}
is_deeply([ $server->scratch_databases ], [], 'no scratch database is left');

done_testing();
