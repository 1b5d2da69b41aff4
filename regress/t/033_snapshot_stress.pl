# Some sessions rename, create and drop all the time while others take snapshots: each snapshot is one of
# the states that the committed transactions led to, none waits, and the only error is the documented one.
use strict;
use warnings;

use JSON::PP;
use SafeDeployTest;
use Test::More;
use Time::HiRes qw(time);

my $server = SafeDeployTest->new('stress', conf => 'max_locks_per_transaction = 256');
my $seconds = 10;
$server->create_database('app');

# Whoever changes something changes everything of a group in one transaction: in one state all names
# and texts of group N have "alphaN" in them, in the other "betaN".  Group 3 is there or is not.
$server->sql('app', <<'SQL');
CREATE SCHEMA s;
CREATE FUNCTION s.f_alpha1(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE TYPE s.mood_alpha1 AS ENUM ('label_alpha1', 'other');
CREATE TABLE s.t_alpha1 (c_alpha1 integer CONSTRAINT k_alpha1 CHECK (s.f_alpha1(c_alpha1)), m s.mood_alpha1 DEFAULT 'label_alpha1', n integer);
CREATE INDEX i_alpha1 ON s.t_alpha1 (s.f_alpha1(c_alpha1)) WHERE s.f_alpha1(n);
CREATE VIEW s.v_alpha1 AS SELECT c_alpha1, m = 'label_alpha1' AS good FROM s.t_alpha1 WHERE s.f_alpha1(n);
CREATE POLICY p_alpha1 ON s.t_alpha1 USING (EXISTS (SELECT FROM s.v_alpha1 AS v WHERE v.c_alpha1 = t_alpha1.n AND s.f_alpha1(c_alpha1)));
CREATE FUNCTION s.body_alpha1() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM s.t_alpha1 WHERE s.f_alpha1(c_alpha1));
CREATE SCHEMA s_alpha2;
CREATE FUNCTION s_alpha2.f() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TABLE s_alpha2.t (a integer DEFAULT s_alpha2.f(), b integer GENERATED ALWAYS AS (a + s_alpha2.f()) STORED);
CREATE VIEW s_alpha2.v AS SELECT t.*, s_alpha2.f() AS f FROM s_alpha2.t;
COMMENT ON TABLE s_alpha2.t IS 'alpha2';
COMMENT ON VIEW s_alpha2.v IS 'alpha2';
DO $$ BEGIN FOR i IN 1..60 LOOP
	EXECUTE format('CREATE TABLE s.steady%s (a integer PRIMARY KEY, b text DEFAULT %L)', i, i);
	EXECUTE format('CREATE VIEW s.look%s AS SELECT a, b FROM s.steady%s', i, i);
END LOOP; END $$;
-- many in one session, whose caches grow old between them
CREATE FUNCTION public.fingerprints(n integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..n LOOP
		BEGIN
			RETURN NEXT safedeploy.fingerprint();
		EXCEPTION WHEN serialization_failure THEN
			RETURN NEXT '40001';
		END;
	END LOOP;
END $$;
SQL

# The statements that lead from one state of a group to the other, in one transaction.
my @swap = (
	sub {
		my ($is, $to) = @_ ? qw(beta1 alpha1) : qw(alpha1 beta1);
		return "ALTER FUNCTION s.f_$is(integer) RENAME TO f_$to; ALTER TYPE s.mood_$is RENAME VALUE 'label_$is' TO 'label_$to';"
		  . " ALTER TYPE s.mood_$is RENAME TO mood_$to; ALTER TABLE s.t_$is RENAME COLUMN c_$is TO c_$to; ALTER VIEW s.v_$is RENAME COLUMN c_$is TO c_$to;"
		  . " ALTER TABLE s.t_$is RENAME CONSTRAINT k_$is TO k_$to; ALTER POLICY p_$is ON s.t_$is RENAME TO p_$to; ALTER INDEX s.i_$is RENAME TO i_$to;"
		  . " ALTER TABLE s.t_$is RENAME TO t_$to; ALTER VIEW s.v_$is RENAME TO v_$to; ALTER FUNCTION s.body_$is() RENAME TO body_$to";
	},
	sub {
		my ($is, $to) = @_ ? qw(beta2 alpha2) : qw(alpha2 beta2);
		return "ALTER SCHEMA s_$is RENAME TO s_$to; COMMENT ON TABLE s_$to.t IS '$to'; COMMENT ON VIEW s_$to.v IS '$to'";
	},
	sub {
		return 'DROP VIEW s.gone_v; DROP TABLE s.gone_t; DROP FUNCTION s.gone_f(); DROP TYPE s.gone_type' if @_;
		return 'CREATE TYPE s.gone_type AS (a integer); CREATE FUNCTION s.gone_f() RETURNS s.gone_type LANGUAGE sql AS $$SELECT NULL::s.gone_type$$;'
		  . ' CREATE TABLE s.gone_t (a s.gone_type); CREATE VIEW s.gone_v AS SELECT a FROM s.gone_t; GRANT SELECT ON s.gone_v TO PUBLIC';
	});

# 1. All the states there are, one after the other; the last swap leads back to the first.
my (%state, @now);
foreach my $group (2, 1, 2, 0, 2, 1, 2, 0)
{
	$server->sql('app', 'BEGIN; ' . $swap[$group]->($now[$group] ? 'back' : ()) . '; COMMIT');
	$now[$group] = !$now[$group];
	$state{ $server->fingerprint('app') } = join ' ', map { $_ ? 1 : 0 } @now[ 0 .. 2 ];
}
is(scalar(keys %state), 8, 'eight states');

# 2. Each group changes to and fro in a session of its own; a fourth makes what is no schema.
my $dir = $server->node->basedir;
my @writers;
sub start_writer
{
	my ($name, @statements) = @_;
	open my $handle, '>', "$dir/$name.sql" or die "$dir/$name.sql: $!";
	print $handle join("SELECT pg_sleep(0.03);\n", map { "$_;\n" } @statements, '') x 3000;
	close $handle;
	push @writers, start_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/$name.sql", $server->url('app') ]);
	return;
}
foreach my $group (0 .. $#swap)
{
	start_writer("group$group", 'BEGIN; ' . $swap[$group]->() . '; COMMIT', 'BEGIN; ' . $swap[$group]->('back') . '; COMMIT');
}
start_writer('noise', 'CREATE TEMP TABLE tmp (a integer PRIMARY KEY); ANALYZE s.steady1; DROP TABLE tmp', 'BEGIN; ALTER TABLE s.steady1 ADD COLUMN never integer; ROLLBACK');

# 3. Snapshots of every kind meanwhile.
my (%count, @wrong, @errors, %seen);
my $longest = 0;

# What objects() returned: of each group one state, of the last one all or nothing.
sub is_torn
{
	my ($rows) = @_;
	my $text = join "\n", map { "$_->{kind} $_->{identity} $_->{definition}" } @$rows;
	return "names of two states of group $_" foreach grep { $text =~ /alpha$_/ && $text =~ /beta$_/ } 1, 2;
	my $gone = grep { $_->{identity} =~ /^s\.gone_/ } @$rows;
	return "$gone of four objects" if $gone != 0 && $gone != 4;
	return;
}

my %take = (
	'fingerprint()' => [ 'SELECT safedeploy.fingerprint()', sub { return $state{ $_[0] } ? do { $seen{ $state{ $_[0] } }++; undef } : 'a fingerprint of no state'; } ],
	'many fingerprints' => [
		'SELECT public.fingerprints(20)',
		sub {
			my $fault;
			foreach my $print (split /\n/, $_[0])
			{
				if ($state{$print}) { $seen{ $state{$print} }++; $count{'in one session'}++; }
				elsif ($print eq '40001') { $count{40001}++; }
				else { $fault = 'a fingerprint of no state'; }
			}
			return $fault;
		}
	],
	'take_snapshot()' => [
		"SELECT safedeploy.take_snapshot() AS id \\gset\nSELECT fingerprint FROM safedeploy.snapshot WHERE id = :id",
		sub { return $state{ $_[0] } ? do { $seen{ $state{ $_[0] } }++; undef } : "a stored fingerprint of no state: $_[0]"; }
	],
	'objects()' => [ q{SELECT json_agg(json_build_object('kind', kind, 'identity', identity, 'definition', definition::text)) FROM safedeploy.objects()}, sub { return is_torn(decode_json($_[0])); } ],
	'objects() in one transaction' => [
		q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM safedeploy.run LIMIT 0; SELECT json_agg(json_build_object('kind', kind, 'identity', identity, 'definition', definition::text)) FROM safedeploy.objects(); COMMIT},
		sub { return is_torn(decode_json($_[0])); }
	]);
my $until = time + $seconds;
while (time < $until)
{
	foreach my $name (sort keys %take)
	{
		my $start = time;
		my ($rc, $out, $err) = $server->try_sql('app', $take{$name}[0]);
		my $took = time - $start;
		$longest = $took if $took > $longest;
		if ($rc == 0 && $out ne '')
		{
			my $fault = $take{$name}[1]->($out);
			$count{$name}++;
			push @wrong, "$name: $fault" if $fault;
		}
		elsif ($err =~ /ERROR:  40001: schema kept changing while it was read/) { $count{40001}++; }
		else { push @errors, "$name: $err"; }
	}
}
is(scalar(grep { $_->running } @writers), scalar @writers, 'the schema changed all the time') or diag(map { $_->stderr } @writers);
$_->kill_group foreach @writers;
my $taken = 0;
$taken += $count{$_} || 0 foreach keys %take, 'in one session';
is("@wrong", '', 'no snapshot is torn');
is("@errors", '', 'no error but 40001');
cmp_ok($longest, '<', 5, sprintf('none hangs: the longest took %.2f s', $longest));
cmp_ok($count{$_} || 0, '>', 0, "$_: " . ($count{$_} || 0)) foreach sort keys %take;
cmp_ok(scalar(keys %seen), '>', 3, scalar(keys %seen) . ' different states were met');
note("$taken snapshots, " . ($count{40001} || 0) . ' times 40001');

done_testing();
