# A password is in no output, ledger row, file, server log or process list, whatever is done; and
# a role that is no superuser can do all of it.
use strict;
use warnings;

use File::Find;
use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('canary', tcp => 1, conf => "log_statement = 'all'\nlog_connections = on\nlog_min_messages = info");
my $canary = q{cAn@ry "pass'word\\ 77%41};
my $percent = SafeDeployTest::percent($canary);
# Forms in which it could show up: as it is, in a URL, in JSON, in a conninfo string.
(my $json     = $canary) =~ s/(["\\])/\\$1/g;
(my $conninfo = $canary) =~ s/(['\\])/\\$1/g;
my $leak = join '|', map { quotemeta } $canary, $percent, $json, $conninfo, lc $percent;

$server->sql('postgres', "SET log_statement = 'none'; SET password_encryption = 'scram-sha-256'; CREATE ROLE deployer LOGIN CREATEDB PASSWORD " . quote_literal($canary));
$server->create_database('app', extension => 0, options => 'OWNER deployer');
exit_is($server->migguard('app', [ 'init', '--no-config', '--deployer', 'deployer', '--rehearsal-template', 'rehearsal' ]),
	0, 'a superuser prepares the database');
{
	my $hba = $server->node->data_dir . '/pg_hba.conf';
	open my $in, '<', $hba or die $!;
	local $/;
	my $old = <$in>;
	close $in;
	open my $out, '>', $hba or die $!;
	print $out "host all deployer 127.0.0.1/32 scram-sha-256\n$old";
	close $out;
}
$server->node->reload;

my $dir = File::Temp->newdir;
sub save
{
	my ($name, $text) = @_;
	open my $handle, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle;
	return;
}
my @watchers = map { SafeDeployTest::watch_process_list($_) } 'cAn@ry', 'cAn%40ry';
my $url = $server->url('app', user => 'deployer', password => $canary, tcp => 1);
my $output = '';
sub guard
{
	my ($code, $name, $arguments, %opt) = @_;
	my $run = $server->migguard(undef, $arguments, cwd => "$dir", %opt, env => { DATABASE_URL => $url, %{ $opt{env} || {} } });
	exit_is($run, $code, $name);
	$output .= "## $name\n" . $run->stdout . $run->stderr;
	return $run;
}

mkdir "$dir/migrations";
save('migguard.ini', "[tool]\nname = sql\ndirectory = migrations\n[preflight]\ngit_clean = off\n[rehearse]\ntemplate = rehearsal\n");
save('migrations/1_first.up.sql', "CREATE TABLE one (id integer);\nDO \$\$ BEGIN RAISE NOTICE 'it is %', convert_from(decode('"
	  . unpack('H*', $canary) . "', 'hex'), 'UTF8'); END \$\$;\n");
save('migrations/1_first.down.sql', 'DROP TABLE one;');
guard(0, 'doctor', ['doctor']);
guard(0, 'doctor as JSON', [ 'doctor', '--format=json', '-v' ]);
guard(0, 'plan', [ 'plan', '-v' ]);
guard(0, 'run', [ 'run', '-v' ]);
guard(0, 'status', ['status']);
guard(0, 'history', ['history']);
my ($run_id) = map { $_->{run_id} } $server->runs('app');
guard(0, 'show', [ 'show', $run_id ]);
guard(0, 'snapshot', ['snapshot']);
guard(0, 'diff', [ 'diff', '1', '1' ]);
guard(0, 'lint', [ 'lint', 'migrations/1_first.down.sql', '--fail-on=never' ]);
guard(0, 'lock', ['lock']);

# A migration whose error message has it
save('migrations/2_second.up.sql', "DO \$\$ BEGIN RAISE EXCEPTION 'it is %', convert_from(decode('"
	  . unpack('H*', $canary) . "', 'hex'), 'UTF8'); END \$\$;\n");
save('migrations/2_second.down.sql', 'SELECT 1;');
guard(12, 'run with an error that tells it', [ 'run', '-v' ]);
like($output, qr/it is \*\*\*/, 'it is replaced in what the tool says');
guard(20, 'and without a rehearsal', [ 'run', '-v', '--no-rehearsal' ]);
unlink "$dir/migrations/2_second.up.sql", "$dir/migrations/2_second.down.sql";
guard(0, 'rollback', [ 'rollback', '-v' ]);

# Password from PGPASSWORD, from a password file, from a named variable
my $bare = $server->url('app', user => 'deployer', tcp => 1);
guard(0, 'PGPASSWORD', [ 'run', '-v' ], env => { DATABASE_URL => $bare, PGPASSWORD => $canary });
(my $escaped = $canary) =~ s/([\\:])/\\$1/g;
my $pgpass = File::Temp->new;
print $pgpass "127.0.0.1:*:*:deployer:$escaped\n";
close $pgpass;
chmod 0600, $pgpass->filename;
guard(0, 'password file', [ 'rollback', '-v' ], env => { DATABASE_URL => $bare, PGPASSFILE => $pgpass->filename });
save('env.ini', "[database]\nurl = env:MY_URL\n[tool]\nname = sql\ndirectory = migrations\n[preflight]\ngit_clean = off\n[rehearse]\ntemplate = rehearsal\n");
guard(0, 'env:NAME', [ 'run', '-v', '-c', 'env.ini' ], env => { DATABASE_URL => undef, MY_URL => $url });

# Alembic takes it by the URL in the environment.
my $project = SafeDeployTest::Alembic->new(git => 1,
	revisions => [ { id => 'a1', up_sql => ['CREATE TABLE al (id integer)'], down_sql => ['DROP TABLE al'] } ]);
guard(0, 'Alembic', [ 'run', '-v', '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir, env => { MIGGUARD_REHEARSE_TEMPLATE => 'rehearsal' });
guard(65, 'a wrong URL', ['history'], env => { DATABASE_URL => "postgresql://u:$percent%@/x" });
guard(69, 'a wrong password', ['history'], env => { DATABASE_URL => $server->url('app', user => 'deployer', password => "$canary wrong", tcp => 1) });

is_deeply([ map { SafeDeployTest::stop_watching($_) } @watchers ], [], 'it was in no process list');
foreach my $line (split /\n/, $output) { fail("output has it: $line") if $line =~ /$leak/; }
unlike($output, qr/$leak/, 'it is in no output');
like($output, qr/migrate +ok/, 'of which there was some');

my $rows = $server->sql('app', 'SELECT to_jsonb(r)::text FROM safedeploy.run r') . "\n" . $server->sql('app', 'SELECT to_jsonb(e)::text FROM safedeploy.event e');
unlike($rows, qr/$leak/, 'in no row of the ledger');
unlike($server->sql('app', 'SELECT r::text FROM safedeploy.run r UNION ALL SELECT e::text FROM safedeploy.event e'), qr/$leak/, 'in whatever form');
my ($files, @found) = (0);
find({ no_chdir => 1, wanted => sub {
	return unless -f $_;
	open my $handle, '<:raw', $_ or return;
	local $/;
	my $text = <$handle>;
	$files++;
	push @found, $_ if defined $text && $text =~ /$leak/;
} }, "$dir", $project->dir);
ok($files > 3, 'files were written');
is_deeply(\@found, [], 'it is in none of them');
my $log = do { open my $handle, '<:raw', $server->node->logfile or die $!; local $/; <$handle> };
like($log, qr/connection authorized: user=deployer/, 'the server log has the connections');
my @logged = grep { /$leak/ && !/RAISE|PL\/pgSQL|it is / } split /\n/, $log;
is_deeply(\@logged, [], 'but not the password, unless a migration told it');

done_testing();
