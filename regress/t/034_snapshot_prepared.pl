# COMMIT PREPARED makes its changes visible, then removes the files of dropped tables, and only then tells
# the other sessions to forget what they know.  A session that takes fingerprints all the while, with names
# of before in its caches, must not mix the two.
use strict;
use warnings;

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('prepared', conf => 'max_locks_per_transaction = 256');
$server->create_database('app');
$server->sql('app', <<'SQL');
CREATE SCHEMA s;
CREATE FUNCTION s.f(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE TABLE s.t (a integer CHECK (s.f(a)));
CREATE POLICY p ON s.t USING (s.f(a));
CREATE VIEW s.v AS SELECT a FROM s.t WHERE s.f(a);
-- takes fingerprints until somebody inserts a row, and a few more
CREATE TABLE public.over (a integer);
CREATE FUNCTION public.fingerprints() RETURNS TABLE (fingerprint text, n bigint) LANGUAGE plpgsql AS $$
DECLARE
	prints text[] := '{}';
	print text;
	rest integer := 5;
BEGIN
	WHILE rest > 0 LOOP
		IF EXISTS (SELECT FROM public.over) THEN
			rest := rest - 1;
		END IF;
		BEGIN
			print := safedeploy.fingerprint();
		EXCEPTION WHEN serialization_failure THEN
			print := '40001';
		END;
		IF print IS DISTINCT FROM prints[cardinality(prints)] THEN
			prints := prints || print;
		END IF;
	END LOOP;
	RETURN QUERY SELECT p, count(*) FROM unnest(prints) AS p GROUP BY 1;
END $$;
SQL

my (@torn, @stale);
my $rounds = 4;
foreach my $round (1 .. $rounds)
{
	my ($is, $to) = $round % 2 ? qw(f g) : qw(g f);
	$server->sql('app', q{TRUNCATE public.over; CREATE SCHEMA big; DO $$ BEGIN FOR i IN 1..350 LOOP EXECUTE format('CREATE TABLE big.t%s (a integer, b text)', i); END LOOP; END $$});
	$server->sql('app', "SET client_min_messages = error; BEGIN; ALTER FUNCTION s.$is(integer) RENAME TO $to; DROP SCHEMA big CASCADE; PREPARE TRANSACTION 'x'");
	my $before = $server->fingerprint('app');
	my $reader = start_program([ 'psql', '-XAtq', '-c', 'SELECT safedeploy.fingerprint() IS NULL', '-c', 'SELECT fingerprint FROM public.fingerprints()', $server->url('app') ]);
	wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%public.fingerprints()' AND state = 'active' AND query_start < clock_timestamp() - interval '100 ms'}) eq '1' }, 30, 'the reader');
	$server->sql('app', q{COMMIT PREPARED 'x'});
	my $after = $server->fingerprint('app');
	$server->sql('app', 'INSERT INTO public.over VALUES (1)');
	$reader->wait(60);
	my @seen = grep { /^[0-9a-f]{64}$/ } split /\n/, $reader->stdout;
	push @torn, "round $round" if grep { $_ ne $before && $_ ne $after } @seen;
	push @stale, "round $round" unless grep { $_ eq $after } @seen;
	isnt($before, $after, "round $round: the schema changed, " . scalar(@seen) . ' states were seen');
}
is("@torn", '', 'every fingerprint is the one before or the one after');
is("@stale", '', 'and the session comes to the one after');

done_testing();
