# A password is seen nowhere but where libpq and the driver need it.
use strict;
use warnings;

use File::Find;
use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $canary = 'c4nary-pa55word-' . $$;
my $server = SafeDeployTest->new('secrets', tcp => 1);
$server->sql('postgres', "CREATE ROLE app SUPERUSER LOGIN PASSWORD '$canary'");
my $hba = $server->node->data_dir . '/pg_hba.conf';
{
	my $text = SafeDeployTest::Process::slurp($hba);
	open my $handle, '>', $hba or die $!;
	print $handle "host all app 127.0.0.1/32 scram-sha-256\n$text";
	close $handle;
}
$server->node->reload;

my $project = SafeDeployTest::Alembic->new(revisions => [
	{ id => 'a1', up_sql => [ 'CREATE TABLE t (id integer)', 'SELECT pg_sleep(0.3)' ], down_sql => ['DROP TABLE t'] } ]);
my @upgrade = ('--', $project->alembic, 'upgrade', 'head');
my @outputs;

sub url { return $server->url($_[0], user => 'app', password => $_[1] || $canary, tcp => 1); }

# Runs migguard with the password in the URL, and keeps all that it says.
sub guard
{
	my ($database, $arguments, %opt) = @_;
	my $p = $server->migguard(undef, $arguments, cwd => $project->dir, env => { DATABASE_URL => url($database), %{ $opt{env} || {} } });
	push @outputs, $p->stdout, $p->stderr;
	return $p;
}

# Texts of all rows of the ledger and the snapshots.
sub ledger
{
	my ($database) = @_;
	return map { $server->sql($database, "SELECT coalesce(string_agg(t::text, chr(10)), '') FROM safedeploy.$_ t") }
	  qw(run event lock snapshot object_def);
}

sub has_canary { return scalar grep { index($_, $canary) >= 0 } @_; }

my $watcher = SafeDeployTest::watch_process_list($canary);
$server->create_database($_) foreach qw(app failing);

exit_is(guard('app', [ '--verbose', 'plan', @upgrade ]), 0, 'plan');
exit_is(guard('app', [ '--verbose', 'run', @upgrade ]), 0, 'run');
exit_is(guard('app', [ '--format', 'json', 'rollback', @upgrade ]), 0, 'rollback');

# a tool that tells its URL when it fails
my $env_py = SafeDeployTest::Process::slurp($project->dir . '/migrations/env.py');
$project->write('migrations/env.py', $env_py . qq{\nif "failing" in url: raise RuntimeError("could not talk to " + url + " as " + str(engine.url.password))\n});
my $p = guard('failing', [ '--verbose', 'run', '--no-rehearsal', @upgrade ]);
is($p->exit_code, 21, 'a tool that fails and tells its URL');
like($p->stderr, qr/could not talk to/, 'is heard');
$project->write('migrations/env.py', $env_py);

# a wrong password
$p = $server->migguard(undef, [ '--verbose', 'run', @upgrade ], cwd => $project->dir, env => { DATABASE_URL => url('app', "$canary-wrong") });
push @outputs, $p->stdout, $p->stderr;
exit_is($p, 69, 'a wrong password');
like($p->stderr, qr/password authentication failed/, 'is said');

# the password from a file, from the environment
my $passfile = File::Temp->new;
print $passfile "127.0.0.1:*:*:app:$canary\n";
close $passfile;
chmod 0600, "$passfile";
foreach my $env ({ PGPASSFILE => "$passfile" }, { PGPASSWORD => $canary })
{
	my $name = join '', keys %$env;
	$p = guard('app', [ 'status' ], env => { %$env, DATABASE_URL => $server->url('app', user => 'app', tcp => 1) });
	exit_is($p, 0, "status with $name");
}

# a migration that is killed: the keeper connects too
$project->add({ id => 'b2', up_sql => ['SELECT pg_sleep(60)'], down_sql => ['SELECT 1'] });
$p = $server->start_migguard(undef, [ 'run', '--no-rehearsal', @upgrade ], cwd => $project->dir, env => { DATABASE_URL => url('app') });
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()}) }, 60, 'the migration');
$p->signal('KILL');
$p->wait(10);
wait_until(sub { !$server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard%'}) }, 5, 'the end of its sessions');
push @outputs, $p->stdout, $p->stderr;
pass('the keeper has ended the sessions of a guard that logs in with a password');

my @seen = SafeDeployTest::stop_watching($watcher);
is_deeply(\@seen, [], 'the process list never had it');
is(has_canary(@outputs), 0, 'nor had any output');
is(has_canary(ledger('app'), ledger('failing')), 0, 'nor any row of ledger and snapshots');
my @files;
find({ no_chdir => 1, wanted => sub { push @files, $_ if -f } }, $project->dir);
cmp_ok(scalar(grep { m{/manifest\.json$} } @files), '>', 0, 'manifests of backups were among the files');
is(has_canary(map { SafeDeployTest::Process::slurp($_) } @files), 0, 'no file has it');
is(has_canary($server->sql('app', q{SELECT string_agg(application_name, ',') FROM pg_stat_activity})), 0, 'nor any application_name');

done_testing();
