# lint: where migrations come from: directories, globs, git, and the files of the tools.
use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('lint_sources', conf => 'track_counts = off');
$server->create_database('app');
$server->sql('app', <<'SQL');
CREATE TABLE t AS SELECT generate_series(1, 1000) AS id, 1 AS b;
CREATE TABLE tenant_orders AS SELECT 1 AS id;
ANALYZE;
SQL
my $dir = File::Temp->newdir;

sub file
{
	my ($name, $text) = @_;
	make_path(dirname("$dir/$name"));
	open my $handle, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle or die "could not write $name: $!";
	return;
}
sub lint { my ($arguments, %opt) = @_; return $server->migguard('app', [ 'lint', @$arguments ], cwd => "$dir", %opt); }

# look(\@arguments): what was found and which files there were, as JSON has it
sub look
{
	my ($arguments, %opt) = @_;
	my $run = lint([ '--format=json', @$arguments ], %opt);
	return JSON::PP->new->utf8->decode($run->stdout) if $run->stdout =~ /^\{/;
	return { findings => [], files => [], failed => $run->stderr };
}
sub files { my ($json) = @_; return join ' ', map { $_->{file} } @{ $json->{files} }; }

# found($json, $rule): "file:line:column" of its findings
sub found
{
	my ($json, $rule) = @_;
	return join ' ', map { "$_->{file}:$_->{line}:$_->{column}" } grep { $_->{rule} eq $rule } @{ $json->{findings} };
}
sub one { my ($json, $rule) = @_; return (grep { $_->{rule} eq $rule } @{ $json->{findings} })[0] || {}; }

subtest 'directories and globs' => sub {
	file("plain/$_.sql", "SELECT 1;\n") foreach qw(10_j 9_i 1_a notes sub/2_b);
	file('plain/.hidden/3_c.sql', "SELECT 1;\n");
	file('plain/readme.md', "no migration\n");
	is(files(look(['plain'])), 'plain/1_a.sql plain/9_i.sql plain/10_j.sql plain/notes.sql plain/sub/2_b.sql',
		'a directory is read with all below it, numbers as numbers');
	is(files(look(['plain/*.sql'])), 'plain/1_a.sql plain/9_i.sql plain/10_j.sql plain/notes.sql', 'a glob that no shell has seen');
	is(files(look(['**/[0-9]_*.sql'])), 'plain/1_a.sql plain/9_i.sql plain/sub/2_b.sql', '"**/" goes down');
	is(files(look([ 'plain/notes.sql', 'plain/1_a.sql' ])), 'plain/notes.sql plain/1_a.sql', 'names without numbers stay in the order given');
	is(files(look([ 'plain/1_a.sql', './plain', "$dir/plain/9_i.sql" ])), 'plain/1_a.sql plain/9_i.sql plain/10_j.sql plain/notes.sql plain/sub/2_b.sql',
		'a file that is named twice is looked at once');
	file('odd[1].sql', "DROP TABLE t;\n");
	is(found(look(['odd[1].sql']), 'drop-table'), 'odd[1].sql:1:1', 'a file that has such a name is no glob');
	my $run = lint(['plain/*.SQL']);
	exit_is($run, 65, 'a glob that nothing fits') or return;
	like($run->stderr, qr/no file fits/, 'says so');
	file("many/$_.sql", "DROP INDEX nowhere_$_;\n") foreach 1 .. 150;
	my $many = look(['many']);
	is(scalar @{ $many->{files} }, 150, 'many files');
	is(join(' ', map { $_->{file} =~ /(\d+)/ } grep { $_->{rule} eq 'missing-object' } @{ $many->{findings} }), join(' ', 1 .. 150), 'with all their findings, in order');
	make_path("$dir/empty");
	exit_is(lint(['empty']), 65, 'a directory without migrations');
};

subtest 'pairs' => sub {
	file('pairs/2_b.up.sql', "CREATE INDEX CONCURRENTLY i ON t (b);\n");
	file('pairs/2_b.down.sql', "SELECT 1;\n");
	file('pairs/10_c.up.sql', "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON t (b);\n");
	file('pairs/10_c.down.sql', "DROP TABLE t;\n");
	my $json = look(['pairs']);
	is(files($json), 'pairs/2_b.up.sql pairs/2_b.down.sql pairs/10_c.up.sql pairs/10_c.down.sql', 'each downgrade behind its upgrade');
	is(found($json, 'concurrently-in-transaction'), 'pairs/10_c.up.sql:2:1', 'one statement alone is in no transaction, several are in one');
	my $drop = one($json, 'drop-table');
	is($drop->{severity}, 'notice', 'what a downgrade loses is a notice');
	like($drop->{message}, qr/^in the downgrade: /, 'and says where it is');
	ok($drop->{downgrade}, 'in JSON as well');
	file('migguard.ini', "[rules]\ndrop-table = error\n");
	is(one(look(['pairs']), 'drop-table')->{severity}, 'error', 'unless a severity is set');
	unlink "$dir/migguard.ini";
};

subtest 'goose, dbmate, sql-migrate' => sub {
	file('goose/00001_a.sql', <<'SQL');
-- a comment
-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN; END $$;
-- +goose StatementEnd
  DROP TABLE t;
-- +goose Down
ALTER TABLE t DROP COLUMN b;
SQL
	my $json = look(['goose']);
	is(found($json, 'drop-table'), 'goose/00001_a.sql:6:3', 'the way up, at its place in the file');
	ok(!one($json, 'drop-table')->{downgrade}, 'is no downgrade');
	is(one($json, 'drop-table')->{severity}, 'error', 'and is judged in full');
	is(found($json, 'drop-column'), 'goose/00001_a.sql:8:1', 'the way down too');
	ok(one($json, 'drop-column')->{downgrade}, 'as a downgrade');
	my $index = "CREATE INDEX CONCURRENTLY i ON t (b);\n";
	file('tx/1_a.sql', "-- +goose Up\n$index");
	file('tx/2_b.sql', "-- +goose NO TRANSACTION\n-- +goose Up\n$index-- +goose Down\nDROP INDEX CONCURRENTLY i;\n");
	file('tx/3_c.sql', "-- migrate:up\n$index-- migrate:down\n");
	file('tx/4_d.sql', "-- migrate:up transaction:false\n$index-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY i;\n");
	file('tx/5_e.sql', "-- +migrate Up\n$index");
	file('tx/6_f.sql', "-- +migrate Up notransaction\n$index");
	is(found(look(['tx']), 'concurrently-in-transaction'), 'tx/1_a.sql:2:1 tx/3_c.sql:2:1 tx/5_e.sql:2:1', 'transactions by the comments of each tool');
	is(one(look(['-'], stdin => "-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE t;\n"), 'drop-table')->{line}, 4, 'from standard input');
};

subtest 'Flyway' => sub {
	file('fly/sql/V1__a.sql', "SELECT '\${Env} \${flyway:user}';\nDROP TABLE \${tenant}_orders; DROP TABLE t;\n");
	file('fly/sql/V1.10__c.sql', "SELECT 1;\n");
	file('fly/sql/V1.2__b.sql', "CREATE INDEX CONCURRENTLY i ON t (b);\n");
	file('fly/sql/U1.2__b.sql', "DROP INDEX i;\n");
	file('fly/sql/R__view.sql', "SELECT 1;\n");
	file('fly/flyway.toml', "[flyway.placeholders]\ntenant = \"tenant\"\n");
	my $json = look(['fly/sql'], env => { FLYWAY_PLACEHOLDERS_ENV => 'prod' });
	is(files($json), 'fly/sql/V1__a.sql fly/sql/V1.2__b.sql fly/sql/U1.2__b.sql fly/sql/V1.10__c.sql fly/sql/R__view.sql', "Flyway's order");
	is(found($json, 'drop-table'), 'fly/sql/V1__a.sql:2:1 fly/sql/V1__a.sql:2:30', 'places are those of the file, not of the text with values');
	is((grep { $_->{rule} eq 'drop-table' } @{ $json->{findings} })[0]{object}, 'public.tenant_orders', 'placeholders have their values');
	is(found($json, 'placeholder-unknown'), '', 'all of them');
	is(found($json, 'concurrently-in-transaction'), '', 'a statement that runs in no transaction gets none');
	$json = look(['fly/sql']);
	is(found($json, 'placeholder-unknown'), 'fly/sql/V1__a.sql:1:9', 'without the variable, its placeholder is found');
	is(one($json, 'placeholder-unknown')->{severity}, 'error', 'as an error');
	is(found($json, 'drop-table'), 'fly/sql/V1__a.sql:2:1 fly/sql/V1__a.sql:2:30', 'and the rest is looked at');
	file('fly/sql/V1.2__b.sql.conf', "executeInTransaction=true\n");
	is(found(look(['fly/sql']), 'concurrently-in-transaction'), 'fly/sql/V1.2__b.sql:1:1', "a script's own settings win");
	unlink "$dir/fly/flyway.toml";
	file('fly/flyway.conf', "flyway.placeholders.tenant=tenant\nflyway.placeholders.env=x\nflyway.placeholderPrefix=@[\nflyway.placeholderSuffix=]\n");
	like(files(look(['fly/sql'])), qr/V1__a/, 'flyway.conf');
	is(found(look(['fly/sql']), 'placeholder-unknown'), '', 'other marks of placeholders');
};

subtest 'Sqitch' => sub {
	file('sq/sqitch.plan', <<'PLAN');
%syntax-version=1.0.0
%project=app

zebra 2024-01-01T00:00:00Z A <a@example.org> # first
apple [zebra] 2024-01-02T00:00:00Z A <a@example.org> # second
@v1 2024-01-03T00:00:00Z A <a@example.org> # tag
zebra [zebra@v1] 2024-01-04T00:00:00Z A <a@example.org> # again
PLAN
	file("sq/deploy/$_.sql", "BEGIN;\nDROP TABLE t;\nCOMMIT;\nCREATE INDEX CONCURRENTLY i ON tenant_orders (id);\n") foreach 'zebra@v1', 'apple', 'zebra';
	file("sq/revert/$_.sql", "DROP TABLE t;\n") foreach 'zebra@v1', 'apple', 'zebra';
	file("sq/verify/$_.sql", "SELECT 1/count(*) FROM t;\n") foreach 'zebra@v1', 'apple', 'zebra';
	my $json = look(['sq']);
	is(files($json), join(' ', map { ("sq/deploy/$_.sql", "sq/revert/$_.sql") } 'zebra@v1', 'apple', 'zebra'), 'in the order of the plan, what verifies left out');
	is(found($json, 'concurrently-in-transaction'), '', 'scripts have transactions of their own');
	is(join(' ', map { $_->{downgrade} ? 'down' : 'up' } grep { $_->{rule} eq 'drop-table' } @{ $json->{findings} }), 'up down up down up down', 'a revert is a downgrade');
};

subtest 'Alembic' => sub {
	my $project = SafeDeployTest::Alembic->new(dir => "$dir/al", revisions => [
		{ id => 'b1', message => 'first', up => "op.execute('SELECT 1')\nop.drop_column('t', 'b')\nop.execute('DROP TABLE tenant_orders')", down => "op.add_column('t', sa.Column('b', sa.Integer()))" },
		{ id => 'a2', message => 'second', up => "if op.get_bind().execute(sa.text('SELECT 1')).scalar(): op.drop_table('t')", down => 'pass' },
		{ id => 'a3', message => 'third', up => "with op.get_context().autocommit_block(): op.create_index('i', 't', ['b'], postgresql_concurrently=True)", down => "op.drop_table('t')" } ]);
	my $json = look(['al/migrations'], env => { DATABASE_URL => $server->url('app') });
	my @files = map { $_->{file} =~ m{versions/(?:.*_)?(\w\d)}; $_->{file} } @{ $json->{files} };
	is(scalar @files, 3, 'revisions only, env.py is none') or diag($json->{failed} || files($json));
	like($files[0], qr/b1/, 'in the order of the revisions');
	my ($source) = do { local $/; open my $h, '<', "$dir/$files[0]"; my $t = <$h>; $t };
	my @lines = split /\n/, $source;
	my $drop  = one($json, 'drop-table');
	like($lines[ $drop->{line} - 1 ], qr/DROP TABLE tenant_orders/, 'SQL that the file has is found in it');
	my $column = one($json, 'drop-column');
	like($lines[ $column->{line} - 1 ], qr/^def upgrade/, 'what Alembic made stands at the function');
	my @opaque = grep { $_->{rule} eq 'migration-opaque' && $_->{file} eq $files[1] } @{ $json->{findings} };
	is(scalar @opaque, 1, 'a revision that asks the database is opaque') or diag(JSON::PP->new->pretty->encode($json));
	is($opaque[0]{severity}, 'error', 'which is an error');
	is(found($json, 'concurrently-in-transaction'), '', 'an autocommit block leaves the transaction');
	ok((grep { $_->{file} eq $files[2] && $_->{downgrade} && $_->{rule} eq 'drop-table' } @{ $json->{findings} }), 'the way down behind one that is opaque');
	rename "$dir/al/alembic.ini", "$dir/al/gone.ini";
	$json = look(['al/migrations']);
	is(scalar(grep { $_->{rule} eq 'migration-opaque' } @{ $json->{findings} }), 3, 'without Alembic\'s settings all are opaque');
};

subtest 'git' => sub {
	my $git = sub { return run_program([ 'git', '-C', "$dir/repo", '-c', 'user.name=T', '-c', 'user.email=t@example.org', @_ ]); };
	my $add = sub { file("repo/$_[0]", $_[1]); $git->('add', '-A'); };
	my $in  = sub { my ($where, @arguments) = @_; return look([@arguments], cwd => "$dir/repo/$where"); };
	make_path("$dir/repo");
	$git->('init', '-q', '-b', 'main');
	$add->("db/$_.sql", "SELECT '$_ is long enough to be known again when it is renamed';\n") foreach '1_a', '2_b', '3_c', '4_d', "5 o'e";
	$git->('commit', '-qm', 'start');
	$git->('checkout', '-qb', 'work');
	$add->('db/2_b.sql', "SELECT 'changed';\n");
	$git->('mv', 'db/3_c.sql', 'db/30_c.sql');
	$git->('mv', 'db/4_d.sql', 'moved.sql');
	make_path("$dir/repo/other");
	$git->('mv', "db/5 o'e.sql", "other/5 o'e.sql");
	$git->('rm', '-q', 'db/1_a.sql');
	$add->("db/6 \xc3\xa4.sql", "DROP TABLE t;\n");
	$add->('notes.txt', "no migration\n");
	$git->('commit', '-qm', 'work');
	$git->('checkout', '-q', 'main');
	$add->('db/9_main.sql', "SELECT 'of main alone';\n");
	$git->('commit', '-qm', 'main goes on');
	$git->('checkout', '-q', 'work');
	my $changed = "moved.sql db/2_b.sql db/6 \xc3\xa4.sql db/30_c.sql";
	utf8::decode($changed);
	is(files($in->('', '--git-range=main..HEAD')), $changed, 'what was added, changed or renamed since the branches parted');
	is(files($in->('', '--git-range=main..HEAD', 'db')), $changed =~ s/moved.sql //r, 'within a directory');
	is(files($in->('', '--git-range=main..HEAD', 'db/*_b.sql')), 'db/2_b.sql', 'or a glob');
	is(files($in->('db', '--git-range=main..HEAD', '.')), $changed =~ s{db/|moved.sql }{}gr, 'from a directory below');
	file('repo/db/2_b.sql', "DROP TABLE t;\n");
	file('repo/db/7_new.sql', "SELECT 1;\n");
	is(found($in->('', '--git-range=main..HEAD', 'db/2_b.sql'), 'drop-table'), '', 'a range is read at its end');
	is(found($in->('', '--changed-since=main', 'db/2_b.sql'), 'drop-table'), 'db/2_b.sql:1:1', '--changed-since reads the work tree');
	like(files($in->('', '--changed-since=main')), qr{db/7_new\.sql}, 'with files that git does not know yet');
	is(files($in->('', '--git-range=HEAD..HEAD')), '', 'nothing changed');
	exit_is(lint([ '--git-range=HEAD..HEAD' ], cwd => "$dir/repo"), 0, 'is no failure');
	is(files($in->('', '--git-range=main..HEAD', './/db/2_b.sql')), 'db/2_b.sql', 'a name that begins with "./"');
	$git->('checkout', '-q', '--orphan', 'strange');
	$add->("db/8_latin.sql", "SELECT '\xe4';\n");
	$git->('commit', '-qm', 'strange');
	$git->('checkout', '-qf', 'work');
	my $run = lint(['--git-range=work...strange'], cwd => "$dir/repo");
	exit_is($run, 65, 'two ends without a common history');
	like($run->stderr, qr/have no common history.*fetch the history first/s, 'which is said, with the usual cause');
	$git->('checkout', '-q', 'strange', '--', 'db/8_latin.sql');
	$git->('commit', '-qm', 'Latin-1');
	like(lint(['--git-range=HEAD~1..HEAD'], cwd => "$dir/repo")->stderr, qr/"db\/8_latin\.sql" is not a text in UTF-8/, 'a file that is no UTF-8');
	$git->('reset', '-q', '--hard', 'HEAD~1');
	foreach my $bad ('nowhere..HEAD', '--output=x..HEAD', 'main')
	{
		isnt(lint([ "--git-range=$bad" ], cwd => "$dir/repo")->exit_code, 0, "\"$bad\" is refused");
	}
	ok(!-e "$dir/repo/x", 'and is no option of git');
};

done_testing;
