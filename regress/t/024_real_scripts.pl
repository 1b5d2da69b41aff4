# Scripts that people wrote, not we: every migration of the real histories is cut into statements as
# psql cuts it, and analyze() reads them and PostgreSQL's own regression tests, all of them, at
# a second a megabyte or faster, and says of everything that it could not read that it could not.
use strict;
use warnings;

use File::Basename qw(basename);
use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Psql;
use SafeDeployTest::Real;
use Test::More;

my $server = SafeDeployTest->new('scripts');
my $work   = File::Temp->newdir;
$server->create_database('judge');

my %files = (
	authelia  => [ map { glob fetched('authelia') . "/$_" } '*.up.sql', '*.down.sql' ],
	openfga   => [ map { glob fetched('openfga') . "/$_" } '*.up.sql', '*.down.sql' ],
	conductor => [ glob fetched('conductor') . '/V*.sql' ],
	hawkbit   => [ glob fetched('hawkbit') . '/V*.sql' ]);
my $equal = 0;
foreach my $name (sort keys %files)
{
	$server->create_database($name, extension => 0);
	# up in the order of the versions, down in the other
	my $version = sub { my ($n) = basename($_[0]) =~ /(\d[\d_]*)/; return sprintf '%05d' x 4, split(/_/, $n), 0, 0, 0, 0 };
	my @up   = sort { $version->($a) cmp $version->($b) } grep { !/\.down\.sql\z/ } @{ $files{$name} };
	my @down = sort { $version->($b) cmp $version->($a) } grep { /\.down\.sql\z/ } @{ $files{$name} };
	my @differ;
	foreach my $file (@up, @down)
	{
		my $seen = same_as_psql($server, 'judge', $file, psql_log($server->url($name), $file, "$work/log"));
		push @differ, map { basename($file) . ": $_" } @{ $seen->{differ} };
		$equal += $seen->{equal};
	}
	is(join("\n", @differ), '', "$name: " . @up . ' files up and ' . @down . ' down, as psql reads them');
}
cmp_ok($equal, '>', 600, "$equal statements are equal in text and position");

# analyze(): what it could not read is a finding; it never fails, whatever the text
my $tests = fetched('pg_regress');
my %all = (%files, pg_regress => [ glob "$tests/sql/*.sql" ]);
cmp_ok(scalar @{ $all{pg_regress} }, '>', 200, "the regression tests are @{[ scalar @{ $all{pg_regress} } ]} files");
foreach my $name (sort keys %all)
{
	my (@failed, @silent, @slow);
	my ($bytes, $seconds, $statements, $findings) = (0, 0, 0, 0);
	foreach my $file (@{ $all{$name} })
	{
		my $path = quote_literal($file);
		# the clock is that of the backend, and the best of two, since other work may stop it
		my ($rc, $out, $err) = $server->try_sql('judge', <<"SQL");
SET statement_timeout = '60s';
CREATE TEMP TABLE script AS SELECT convert_from(pg_read_binary_file($path), CASE WHEN $path ~ 'euc_kr|latin' THEN 'LATIN1' ELSE 'UTF8' END) AS sql;
CREATE TEMP TABLE found AS SELECT f.* FROM script, safedeploy.analyze(sql) f LIMIT 0;
CREATE TEMP TABLE took (seconds float);
DO \$\$
DECLARE started timestamptz;
BEGIN
	FOR i IN 1 .. 2 LOOP
		TRUNCATE found;
		started := clock_timestamp();
		INSERT INTO found SELECT f.* FROM script, safedeploy.analyze(sql) f;
		INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - started));
	END LOOP;
END \$\$;
SELECT octet_length(convert_to(sql, 'UTF8')), (SELECT min(seconds) FROM took), (SELECT count(*) FROM safedeploy.statements(sql)), (SELECT count(*) FROM found),
	(SELECT count(*) FROM safedeploy.statements(sql) s WHERE kind IN ('SYNTAX ERROR', 'META COMMAND', 'COPY DATA') AND NOT EXISTS (SELECT FROM found f WHERE f.statement = s.number AND rule IN ('syntax-error', 'unanalysable')))
FROM script;
SQL
		if ($rc != 0) { push @failed, basename($file) . ": $err"; next; }
		my @n = split /\|/, $out;
		push @silent, basename($file) . ": $n[4]" if $n[4] > 0;
		# small files are dominated by what any call costs
		push @slow, sprintf '%s: %.3f s for %d bytes', basename($file), $n[1], $n[0] if $n[1] > 0.05 + $n[0] / 1e6;
		$bytes += $n[0]; $seconds += $n[1]; $statements += $n[2]; $findings += $n[3];
	}
	is("@failed", '', "$name: analyze() reads every file");
	is("@silent", '', "$name: and what it cannot read is a finding");
	is("@slow", '', sprintf '%s: %d statements, %d findings, %.0f kB at %.2f s a megabyte', $name, $statements, $findings, $bytes / 1e3, $seconds * 1e6 / ($bytes || 1));
}
done_testing();
