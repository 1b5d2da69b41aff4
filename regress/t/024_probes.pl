# Every case of regress/fixtures/probes: what the rows say to a statement, and what the server does
# with it.  "will fail" is right when the server refuses it with that SQLSTATE, and as many rows are
# bad as the case says; "holds" when it succeeds.
#
# A fixture is a SQL file of sections, each begun by a comment:
#   -- setup                                   what is there before; run in schema "fix"
#   -- fails [since=N] SQLSTATE [bad=N]: ...   the statement is refused, and a probe must say so
#   -- holds: ...                              it succeeds, and all probes must say so
#   -- nothing: ...                            it succeeds, and asks nothing of rows
#   -- unknown: ...                            it cannot be told, and no probe may say that it can
use strict;
use warnings;

use FindBin;
use JSON::PP ();
use Test::More;

use SafeDeployTest;

my $dir    = $ENV{SD_PROBES} // "$FindBin::Bin/../fixtures/probes";
my $server = SafeDeployTest->new('probes');
$server->create_database('probes', options => q{ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
my $major = int($server->sql('probes', 'SHOW server_version_num') / 10000);

# read_fixture FILE: (setup, list of cases)
sub read_fixture
{
	my ($file) = @_;
	open my $fh, '<', $file or die "$file: $!";
	my ($setup, @cases, $into) = ('');
	while (my $line = <$fh>)
	{
		if ($line =~ /^-- setup$/)
		{
			$into = \$setup;
		}
		elsif ($line =~ /^-- (fails|holds|nothing|unknown)(?: since=(\d+))?(?: ([0-9A-Z]{5}))?(?: bad=(\d+))?: (.*)$/)
		{
			push @cases, { kind => $1, here => $major >= ($2 // 0), state => $3 // '00000', bad => $4, label => $5, sql => '' };
			$into = \$cases[-1]{sql};
		}
		else
		{
			die "$file: text before the first section" unless $into;
			$$into .= $line;
		}
	}
	return ($setup, @cases);
}

# case_sql CASE: SQL that prints what the probes say, and the SQLSTATE of the statement
sub case_sql
{
	my ($case) = @_;
	return "BEGIN;\n"
		. "SELECT '\@\@probes ' || coalesce((SELECT json_agg(p) FROM (SELECT * FROM safedeploy.probe(\$sdcase\$$case->{sql}\$sdcase\$)) p), '[]');\n"
		. "SELECT '\@\@locks ' || count(*) FROM pg_locks l JOIN pg_class c ON c.oid = relation WHERE pid = pg_backend_pid() AND relnamespace = 'fix'::regnamespace;\n"
		. "$case->{sql};\n\\echo \@\@state :SQLSTATE\nROLLBACK;\n";
}

my $told = 0;
for my $file (sort glob("$dir/*.sql"))
{
	my ($name) = $file =~ m{([^/]+)\.sql$};
	subtest $name => sub {
		my ($setup, @cases) = read_fixture($file);
		@cases = grep { $_->{here} } @cases;
		my (undef, $out, $err) = $server->try_sql('probes',
			"SET client_min_messages = error;\nDROP SCHEMA IF EXISTS fix CASCADE;\nCREATE SCHEMA fix;\nSET search_path = fix;\n"
			. "\\set ON_ERROR_STOP on\n$setup\n\\set ON_ERROR_STOP off\n" . join('', map { case_sql($_) } @cases));
		my @results = split /^\@\@probes /m, $out;
		shift @results;
		is(scalar @results, scalar @cases, 'all cases have a result') or diag($err);
		for my $case (@cases)
		{
			my ($json, $locks, $state) = (shift @results // '') =~ /\A(.*?)\n\@\@locks (\d+)\n.*\@\@state (\w+)/s;
			my @probes = @{ JSON::PP->new->decode($json // '[]') };
			my $shown  = join "\n", map { "$_->{kind} of $_->{object}: $_->{verdict}: $_->{detail}" } @probes;
			my %says;
			$says{ $_->{verdict} }++ for @probes;
			my $bad = 0;
			$bad += $_->{rows_bad} // 0 for @probes;
			my $label = "$case->{kind}: $case->{label}";
			is($locks, 0, "$label: no lock stays");
			is($state, $case->{state}, "$label: what the server does") unless $case->{kind} eq 'unknown';
			if ($case->{kind} eq 'fails')
			{
				$told += ok($says{'will fail'}, "$label: is foreseen") || (diag("probes:\n$shown"), 0)[1];
				is($bad, $case->{bad}, "$label: number of rows") || diag("probes:\n$shown") if defined $case->{bad};
			}
			elsif ($case->{kind} eq 'holds')
			{
				$told += ok($says{holds} && keys %says == 1, "$label: is foreseen") || (diag("probes:\n$shown"), 0)[1];
			}
			elsif ($case->{kind} eq 'nothing')
			{
				is(scalar @probes, 0, "$label: nothing is asked") or diag("probes:\n$shown");
			}
			else
			{
				ok(@probes && !$says{'will fail'} && $says{unknown}, "$label: is not told") or diag("probes:\n$shown");
			}
		}
	};
}
cmp_ok($told, '>=', 80, 'enough cases are foreseen');
done_testing();
