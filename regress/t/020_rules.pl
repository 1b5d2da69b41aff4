# Every rule against its fixtures in regress/fixtures/rules: cases that must fire and near misses
# that must not.  Cases marked "run" are run too, and what the server really locked, rewrote and
# read is compared with what was predicted.
#
# A fixture is a SQL file of sections, each begun by a comment:
#   -- setup                           what is there before; run in schema "fix"
#   -- fires [autocommit] [run]: ...   the rule must be among the findings
#   -- quiet [autocommit] [run]: ...   it must not
# Any of them may say since=N or until=N, the first or last major version that it is for.
# Predictions are compared for the table "t", and findings with what predict() says.  Rules that are off by default are switched on here.
use strict;
use warnings;

use FindBin;
use Test::More;

use SafeDeployTest;

my $dir    = "$FindBin::Bin/../fixtures/rules";
my $server = SafeDeployTest->new('rules', conf => 'max_locks_per_transaction = 16');
$server->create_database('rules');
my $major = int($server->sql('rules', 'SHOW server_version_num') / 10000);

# for_server OPTIONS: whether a section is for this server
sub for_server
{
	my ($options) = @_;
	return ($options !~ /since=(\d+)/ || $major >= $1) && ($options !~ /until=(\d+)/ || $major <= $1);
}

# read_fixture FILE: (setup, list of cases)
sub read_fixture
{
	my ($file) = @_;
	open my $fh, '<', $file or die "$file: $!";
	my ($setup, @cases, $into) = ('');
	while (my $line = <$fh>)
	{
		if ($line =~ /^-- setup((?: (?:since|until)=\d+)*)$/)
		{
			my $ignored;
			$into = for_server($1) ? \$setup : \$ignored;
		}
		elsif ($line =~ /^-- (fires|quiet)((?: autocommit| run| (?:since|until)=\d+)*): (.*)$/)
		{
			my ($kind, $options, $label) = ($1, $2, $3);
			push @cases,
				{ kind => $kind, label => $label, sql => '', run => scalar($options =~ /run/), here => for_server($options),
				  transaction => $options =~ /autocommit/ ? 'false' : 'true' };
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

# What the server holds and did of table t in this transaction, weak locks left out.
my $observe = <<'SQL';
SELECT '@@observed ' || json_build_object(
	'lock', (SELECT mode FROM pg_locks l JOIN unnest(ARRAY['ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']) WITH ORDINALITY AS m(mode, strength) USING (mode)
		WHERE pid = pg_backend_pid() AND relation = b.oid ORDER BY strength DESC LIMIT 1),
	'rewrites', pg_relation_filenode(b.oid) IS DISTINCT FROM b.filenode,
	'scans', pg_stat_get_xact_numscans(b.oid) > b.scans)
FROM pg_temp.before b;
SQL

my $predict = <<'SQL';
SELECT '@@predicted ' || json_build_object(
	'lock', (SELECT lock_mode FROM pg_temp.found f JOIN unnest(ARRAY['ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']) WITH ORDINALITY AS m(mode, strength) ON mode = lock_mode ORDER BY strength DESC LIMIT 1),
	'rewrites', CASE WHEN bool_or(rewrites) THEN true WHEN bool_or(rewrites IS NULL) THEN NULL ELSE false END,
	'scans', CASE WHEN bool_or(scans) THEN true WHEN bool_or(scans IS NULL) THEN NULL ELSE false END)
FROM pg_temp.found;
SQL

# Findings that say of a relation something else than predict() does.  A statement inside of another
# does a part of what that does; a lock that is held already is predicted no more; what a routine
# that is only made would do is predicted by nobody, and two rules judge a key rather than a statement.
my $disagree = <<'SQL';
WITH strength AS (SELECT mode, strength FROM unnest(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']) WITH ORDINALITY AS m(mode, strength)),
found AS (
	SELECT f.*, coalesce((SELECT strength FROM strength WHERE mode = f.lock_mode), 0) AS lock, f.message ~ '^in ' AS inside, c.oid AS relation, c.relkind
	FROM pg_temp.found f JOIN pg_class c ON c.oid = to_regclass(CASE WHEN f.object ~ '^("[^"]*"|[^."]*)\.("[^"]*"|[^."]*)$' THEN f.object END)
	WHERE f.message !~ '^in the body of ' AND f.rule NOT IN ('fk-missing-index', 'partition-key-not-in-unique')),
predicted AS (
	SELECT p.statement, p.effect, p.object, p.certain, coalesce((SELECT strength FROM strength WHERE mode = p.lock_mode), 0) AS lock FROM pg_temp.predicted p),
both_of AS (
	SELECT f.*, coalesce((SELECT max(lock) FROM predicted p WHERE p.object = f.object AND p.statement = f.statement), 0) AS lock_now,
		coalesce((SELECT max(lock) FROM predicted p WHERE p.object = f.object AND p.statement <= f.statement), 0) AS lock_until,
		(SELECT bool_or(certain) FROM predicted p WHERE p.object = f.object AND p.statement = f.statement AND p.effect = 'rewrite') AS rewrite,
		(SELECT bool_or(certain) FROM predicted p WHERE p.object = f.object AND p.statement = f.statement AND p.effect = 'scan') AS scan,
		EXISTS (SELECT FROM predicted p WHERE p.statement = f.statement AND p.effect = 'opaque') AS opaque
	FROM found f)
SELECT '@@disagrees ' || format('statement %s, %s of %s: %s %s %s, predicted %s %s %s', statement, rule, object, lock, rewrites, scans, lock_now, rewrite, scan)
FROM both_of
WHERE CASE WHEN inside OR lock_now = 0 THEN lock > lock_until ELSE lock <> lock_now END
	OR relkind NOT IN ('i', 'I', 'p') AND NOT inside AND (
		rewrites IS DISTINCT FROM CASE WHEN rewrite THEN true WHEN rewrite IS NOT NULL OR opaque THEN NULL ELSE false END
		OR scans IS DISTINCT FROM CASE WHEN scan THEN true WHEN scan IS NOT NULL OR opaque THEN NULL ELSE false END);
SQL

# case_sql CASE, N: SQL that prints what was found, and for a "run" case what was predicted and observed
sub case_sql
{
	my ($case, $n) = @_;
	my $sql = "SET search_path = fix;\nBEGIN;\n"
		. "CREATE TEMPORARY TABLE found ON COMMIT DROP AS SELECT * FROM safedeploy.analyze(\$sdcase\$$case->{sql}\$sdcase\$, $case->{transaction});\n"
		. "CREATE TEMPORARY TABLE predicted ON COMMIT DROP AS SELECT * FROM safedeploy.predict(\$sdcase\$$case->{sql}\$sdcase\$, $case->{transaction});\n"
		. "SELECT '\@\@found $n ' || coalesce((SELECT json_agg(f) FROM (SELECT rule, severity, message, detail, hint FROM pg_temp.found) f), '[]');\n"
		. "SELECT '\@\@locks ' || count(*) FROM pg_locks l JOIN pg_class c ON c.oid = relation WHERE pid = pg_backend_pid() AND relnamespace = 'fix'::regnamespace;\n"
		. $disagree;
	if ($case->{run})
	{
		$sql .= "CREATE TEMPORARY TABLE before ON COMMIT DROP AS SELECT oid, pg_relation_filenode(oid) AS filenode, pg_stat_get_xact_numscans(oid) AS scans FROM pg_class WHERE oid = 'fix.t'::regclass;\n"
			. "$predict$case->{sql};\n$observe";
	}
	return $sql . "ROLLBACK;\n";
}

my @rules = split /\n/, $server->sql('rules', 'SELECT rule FROM safedeploy.rules ORDER BY rule');
cmp_ok(scalar @rules, '>=', 20, 'there are rules');
my %files = map { m{([^/]+)\.sql$} ? ($1 => $_) : () } glob("$dir/*.sql");
is_deeply([ sort keys %files ], [ sort @rules ], 'each rule has a fixture, and each fixture a rule');

my %hints;    # hint => rule and case
for my $rule (sort keys %files)
{
	subtest $rule => sub {
		my ($setup, @cases) = read_fixture($files{$rule});
		my %kinds;
		$kinds{ $_->{kind} }++ for @cases;
		ok($kinds{fires}, 'has a case that fires');
		ok($kinds{quiet}, 'has a near miss');
		my $n      = 0;
		my $script = "SET client_min_messages = error;\nSET safedeploy.rules_on = 'all';\nDROP SCHEMA IF EXISTS fix CASCADE;\nCREATE SCHEMA fix;\nSET search_path = fix;\n$setup"
			. join('', map { case_sql($_, $n++) } grep { $_->{here} } @cases);
		my ($rc, $out, $err) = $server->try_sql('rules', $script);
		is($rc, 0, 'ran') or diag($err);
		my @results = split /^\@\@found \d+ /m, $out;
		shift @results;
		for my $case (@cases)
		{
		  SKIP:
			{
				skip "$case->{label}: not for this server", 1 unless $case->{here};
			}
			next unless $case->{here};
			my $result = shift @results;
			if (!defined $result)
			{
				fail("$case->{label}: no result");
				next;
			}
			my ($found) = $result =~ /\A(.*?)\n\@\@locks/s;
			my @found = @{ JSON::PP->new->decode($found) };
			my $fired = grep { $_->{rule} eq $rule } @found;
			$hints{ $_->{hint} } = "$_->{rule} in $rule: $case->{label}" foreach grep { defined $_->{hint} } @found;
			my $shown = join "\n", map { "$_->{rule} ($_->{severity}): $_->{message}" . ($_->{detail} ? " ($_->{detail})" : '') } @found;
			if ($case->{kind} eq 'fires')
			{
				ok($fired, "fires: $case->{label}") or diag("found:\n$shown");
			}
			else
			{
				ok(!$fired, "quiet: $case->{label}") or diag("found:\n$shown");
				# a near miss that nobody could read would be quiet for the wrong reason
				ok(!grep({ $_->{rule} =~ /^(syntax-error|missing-object)$/ && $_->{rule} ne $rule } @found), "  is read: $case->{label}")
					or diag("found:\n$shown");
			}
			like($result, qr/^\@\@locks 0$/m, "  takes no lock that stays");
			my @disagrees = $result =~ /^\@\@disagrees (.*)$/mg;
			ok(!@disagrees, "  findings say what predict() says: $case->{label}") or diag(join "\n", @disagrees);
			if ($case->{run})
			{
				my ($predicted, $observed) = map { JSON::PP->new->decode($result =~ /^\@\@$_ (.*)$/m ? $1 : '{}') } qw(predicted observed);
				# what depends on rows or on a plan is not known
				defined $predicted->{$_} or $predicted->{$_} = $observed->{$_} foreach qw(rewrites scans);
				is_deeply($predicted, $observed, "  predicted as observed: $case->{label}") or diag("found:\n$shown");
			}
		}
	};
}

# A hint has the statement's own names, and what of it can be run as it stands is SQL.
subtest 'hints' => sub {
	my (@unfilled, %statements);
	foreach my $hint (sort keys %hints)
	{
		push @unfilled, "$hints{$hint}: $hint" if $hint =~ /%[a-z]\b|\b(?:table_name|column_name|type_name|new_name|other_table)\b|\b(?:INDEX|CONSTRAINT|CONCURRENTLY) name\b/;
		# those with "..." are to be completed
		$statements{$1} = $hints{$hint} while $hint =~ /(?:^|(?<=[:;] ))((?:ALTER|ANALYZE|BEGIN|CLUSTER|COMMENT ON|CREATE|DELETE|DROP|GRANT|INSERT|LOCK|REFRESH|REINDEX|RESET|REVOKE|SET(?= (?:LOCAL )?\w+ = )|SELECT|UPDATE|VACUUM|VALUES)\b(?:[^;.]|\.(?!\.))*;)/g;
	}
	is(join("\n", @unfilled), '', 'all names are filled in');
	cmp_ok(scalar keys %statements, '>', 100, 'statements of hints');
	my $list = JSON::PP->new->encode([ sort keys %statements ]);
	my $bad  = $server->sql('rules', <<"SQL");
SELECT DISTINCT text FROM json_array_elements_text(\$sdhints\$$list\$sdhints\$) AS text, safedeploy.analyze(text) WHERE rule = 'syntax-error' ORDER BY 1
SQL
	is(join("\n", map { "$statements{$_}: $_" } split /\n/, $bad), '', 'the server reads them');
};

# What is off by default is silent until the setting names it, its family, or all.
my $off = $server->sql('rules', "SELECT count(*) FROM safedeploy.rules WHERE severity = 'off'");
my $silent = $server->sql('rules', <<'SQL');
SELECT count(*) FROM safedeploy.rules r JOIN safedeploy.analyze('CREATE TABLE style (id serial, name varchar(10), at timestamp)') f USING (rule) WHERE r.severity = 'off'
SQL
cmp_ok($off, '>', 0, 'some rules are off by default');
is($silent, 0, 'they report nothing');
my $heard = $server->sql('rules', "SELECT safedeploy.statements(''); SET safedeploy.rules_on = 'style'; SELECT count(*) > 0 FROM safedeploy.rules r JOIN safedeploy.analyze('CREATE TABLE style (id serial, name varchar(10), at timestamp)') f USING (rule) WHERE r.severity = 'off'");
is($heard, 't', 'until their family is switched on');
my (undef, undef, $err) = $server->try_sql('rules', "SELECT safedeploy.statements(''); SET safedeploy.rules_on = 'drop-table, nonsense'");
like($err, qr/invalid value for parameter "safedeploy.rules_on".*There is no rule or family of rules "nonsense"/s, 'a name that means nothing is refused');
is($server->sql('rules', "SELECT count(*) FROM safedeploy.statements(''); SET safedeploy.rules_on = 'drop-table, rename'; SHOW safedeploy.rules_on"), "0\ndrop-table, rename", 'names of rules and families are taken');
done_testing();
