# A downgrade that works on the clone and fails on the data: a person is needed, and is told so.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('stuck');
my $project = SafeDeployTest::Alembic->new(
	revisions => [
		{ id => 'a1', up_sql => ['CREATE TABLE account (id integer)'], down_sql => ['DROP TABLE account'] },
		{ id => 'b2', up_sql => ['CREATE TABLE extra (id integer)'],
			# fails where there are rows, and so not on a clone
			down_sql => [ 'DROP TABLE extra', 'SELECT 1 / (1 - count(*)) FROM account' ] },
	]);
$project->write('migguard.ini', "[backup]\npolicy = none\n[run]\nfail_on = never\n[verify.assertions]\nnot yet = SELECT to_regclass('extra') IS NULL\n");
my @up = ('run', '--', $project->alembic, 'upgrade');

$server->create_database('app');
exit_is($server->migguard('app', [ @up, 'a1' ], cwd => $project->dir), 0, 'the table is made');
$server->sql('app', 'INSERT INTO account VALUES (1)');

my $p = $server->migguard('app', [ @up, 'b2' ], cwd => $project->dir);
exit_is($p, 23, 'an upgrade whose downgrade fails on the real data ends with 23');
like($p->stderr, qr/the downgrade restores the schema|rehearse +ok/, 'although its rehearsal went well');
like($p->stderr, qr/a person is needed/, 'it calls for a person');
like($p->stderr, qr/division by zero/, 'and says what failed');
is($server->sql('app', 'SELECT version_num FROM alembic_version'), 'b2', 'the upgrade is still there');
my ($run) = grep { ($_->{exit_code} // 0) == 23 } $server->runs('app');
is($run->{result}, 'rollback_failed', 'the ledger says so');
is(scalar $server->faults('app'), 0, 'the ledger is intact');

is_deeply([ $server->scratch_databases ], [], 'no scratch database is left');

done_testing();
