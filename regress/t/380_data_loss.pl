# A schema that came back is not data that came back, and both are said.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('loss');
my $project = SafeDeployTest::Alembic->new(
	revisions => [
		{ id => 'a1', up_sql => [ 'CREATE TABLE account (id integer PRIMARY KEY, name text, email text)', 'CREATE TABLE note (id integer)' ],
			down_sql => [ 'DROP TABLE account', 'DROP TABLE note' ] },
		{ id => 'b2', up_sql => [ 'ALTER TABLE account DROP COLUMN email', 'DROP TABLE note' ],
			down_sql => [ 'ALTER TABLE account ADD COLUMN email text', 'CREATE TABLE note (id integer)' ] },
	]);
$project->write('migguard.ini',
	"[backup]\npolicy = none\n[run]\nfail_on = never\n[verify.assertions]\nkeeps mails = SELECT 'a1' = (SELECT version_num FROM alembic_version)\n");

$server->create_database('app');
my $up = $server->migguard('app', [ 'run', '--', $project->alembic, 'upgrade', 'a1' ], cwd => $project->dir);
exit_is($up, 0, 'the tables are made');
$server->sql('app', q{INSERT INTO account VALUES (1, 'Ada', 'ada@example.org'); INSERT INTO note VALUES (1)});

my $p = $server->migguard('app', [ 'run', '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir);
exit_is($p, 21, 'an upgrade that drops a column and a table is brought back, the schema proved');
like($p->stderr, qr/the downgrade restores the schema, but not the data: [^\n]*email/, 'the rehearsal says what the downgrade does not restore');
like($p->stderr, qr/data did not come back: [^\n]*email/, 'the rollback says that the column is another one');
like($p->stderr, qr/data did not come back: [^\n]*note/, 'and the table');
like($p->stderr, qr/schema equal to before, but data is lost/, 'in its verdict too');
is($server->sql('app', 'SELECT count(*) FROM account WHERE email IS NOT NULL'), 0, 'and indeed it is gone');
my ($loss) = grep { $_ } split /\n/, $server->sql('app',
	q{SELECT jsonb_array_length(detail->'data_lost') FROM safedeploy.event WHERE state = 'rollback' AND detail ? 'data_lost'});
is($loss, 2, 'the ledger has both');

# Nothing of the kind is said where nothing was lost.
my $harmless = SafeDeployTest::Alembic->new(
	revisions => [ { id => 'c1', up_sql => ['CREATE TABLE extra (id integer)'], down_sql => ['DROP TABLE extra'] } ]);
$harmless->write('migguard.ini', "[backup]\npolicy = none\n[verify.assertions]\nnever = SELECT false\n");
$server->create_database('harmless');
$p = $server->migguard('harmless', [ 'run', '--', $harmless->alembic, 'upgrade', 'head' ], cwd => $harmless->dir);
exit_is($p, 21, 'an upgrade that only adds is brought back');
unlike($p->stderr, qr/lost|did not come back/, 'without a word on data');

is_deeply([ $server->scratch_databases ], [], 'no scratch database is left');

done_testing();
