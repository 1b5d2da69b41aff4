# Damaged backups: cut at any length or changed in any byte, each is refused; so are swapped and completed ones.
use strict;
use warnings;

use Digest::SHA ();
use File::Copy qw(copy);
use File::Find qw(find);
use File::Path qw(make_path remove_tree);
use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use SafeDeployTest::Faults ();
use Test::More;

SafeDeployTest::Faults::promise('K1', 'a backup that is cut anywhere is refused');
SafeDeployTest::Faults::promise('K2', 'a backup of which one byte is changed is refused');
my $trials = $ENV{SD_TRIALS} || 200;
my $batch  = 200;
my $seed   = $ENV{SD_SEED} || time;
srand $seed;
note("seed $seed, $trials trials each");

my $server = SafeDeployTest->new('damage');
my $dir = File::Temp->newdir;
$server->create_database('app');
$server->sql('app', q{CREATE TABLE kept (id integer PRIMARY KEY, v text); INSERT INTO kept SELECT g, md5(g::text) FROM generate_series(1, 2000) g});

sub backup
{
	my (@options) = @_;
	my $p = $server->migguard('app', [ '--format', 'json', 'backup', 'create', @options ],
		cwd => "$dir", env => { MIGGUARD_BACKUP_DIRECTORY => "$dir/backups" });
	exit_is($p, 0, "a backup: @options");
	return JSON::PP->new->decode($p->stdout)->{backups}[0]{path};
}

my %kinds = (
	'uncompressed' => backup(qw(--kind full --compress 0)),
	'compressed'   => backup(qw(--kind full --compress 5)),
	'directory'    => backup(qw(--kind full --backup-format directory --compress 5)),
	'targeted'     => backup(qw(--table kept --compress 5)));

sub files_of
{
	my ($path) = @_;
	my @files;
	find({ no_chdir => 1, wanted => sub { push @files, substr $_, length($path) + 1 if -f } }, $path);
	return sort @files;
}

sub duplicate
{
	my ($from, $to) = @_;
	foreach my $file (files_of($from))
	{
		make_path("$to/$file" =~ s{/[^/]*$}{}r);
		copy("$from/$file", "$to/$file") or die "could not copy $file: $!";
	}
	return $to;
}

# Verdicts of many backups by one process.
sub verdicts
{
	my ($exit, @paths) = @_;
	my $p = $server->migguard('app', [ '--format', 'json', 'backup', 'verify', @paths ], timeout => 300);
	exit_is($p, $exit, 'verify ends as it should') if !defined $p->exit_code || $p->exit_code != $exit;
	return @{ JSON::PP->new->decode($p->stdout)->{backups} };
}

sub slurp_file
{
	my ($path) = @_;
	open my $handle, '<:raw', $path or die "could not read $path: $!";
	local $/;
	return <$handle>;
}

my %damages = (
	cut => sub { my ($text) = @_; return substr $text, 0, int rand length $text; },
	flip => sub { my ($text) = @_; my $at = int rand length $text; substr($text, $at, 1) = chr(ord(substr $text, $at, 1) ^ (1 + int rand 255)); return $text; });

foreach my $kind (sort keys %kinds)
{
	is((grep { $_->{good} } verdicts(0, $kinds{$kind})), 1, "$kind: as it was written it is good");
	foreach my $damage (sort keys %damages)
	{
		my ($refused, $made, @believed) = (0, 0);
		while ($made < $trials)
		{
			my @paths;
			while (@paths < $batch && $made < $trials)
			{
				my $path = duplicate($kinds{$kind}, "$dir/damaged/$made");
				my @files = grep { -s "$path/$_" } files_of($path);
				my $file = $files[ int rand @files ];
				write_file("$path/$file", $damages{$damage}->(slurp_file("$path/$file")));
				push @paths, $path;
				$made++;
			}
			foreach my $verdict (verdicts(10, @paths))
			{
				$refused++ unless $verdict->{good};
				push @believed, $verdict->{path} if $verdict->{good};
			}
			diag("$kind, $damage, believed: @believed") if @believed;
			remove_tree("$dir/damaged");
		}
		is($refused, $trials, "$kind, $damage: $refused of $trials refused");
		SafeDeployTest::Faults::tally($damage eq 'cut' ? 'K1' : 'K2', $trials, $trials - $refused);
	}
}

is((verdicts(0, "$kinds{directory}//"))[0]{good}, JSON::PP::true, 'a slash at the end of the name says nothing');

# swapped, completed, linked
my $other = backup(qw(--kind full --compress 5));
my $mixed = duplicate($kinds{compressed}, "$dir/mixed");
copy("$other/database.dump", "$mixed/database.dump");
is((verdicts(10, $mixed))[0]{good}, JSON::PP::false, 'the dump of another backup is refused');
$mixed = duplicate($kinds{compressed}, "$dir/mixed2");
copy("$other/manifest.json", "$mixed/manifest.json");
is((verdicts(10, $mixed))[0]{good}, JSON::PP::false, 'and so is its manifest');
$mixed = duplicate($kinds{directory}, "$dir/more");
write_file("$mixed/dump/9999.dat.gz", 'x');
like((verdicts(10, $mixed))[0]{problem}, qr/does not name/, 'a file that nobody wrote is refused');
$mixed = duplicate($kinds{compressed}, "$dir/less");
unlink "$mixed/database.dump";
is((verdicts(10, $mixed))[0]{good}, JSON::PP::false, 'a file that is gone is missed');
$mixed = duplicate($kinds{compressed}, "$dir/linked");
rename "$mixed/database.dump", "$dir/away";
symlink "$dir/away", "$mixed/database.dump";
is((verdicts(10, $mixed))[0]{good}, JSON::PP::false, 'a link is not followed');

# a manifest made right again by somebody who knows how is still not what the server had: restored and compared
my $p = $server->migguard('app', [ 'backup', 'verify', '--restore', $kinds{compressed}, $kinds{directory}, $kinds{targeted} ]);
exit_is($p, 0, 'all kinds can be restored, with the same schema and rows');
$mixed = duplicate($kinds{compressed}, "$dir/forged");
my $text = slurp_file("$mixed/manifest.json");
$text =~ s/("name":\s*"public.kept",\s*"condition":\s*"",\s*"rows":\s*)2000/${1}2001/ or die "no count in $text";
$text =~ s/,\n\t"manifest_sha256".*//s;
write_file("$mixed/manifest.json", $text . ",\n\t\"manifest_sha256\":\t\"" . Digest::SHA::sha256_hex($text) . "\"\n}\n");
is((verdicts(0, $mixed))[0]{good}, JSON::PP::true, 'what is consistent in itself is believed');
$p = $server->migguard('app', [ 'backup', 'verify', '--restore', $mixed ]);
exit_is($p, 10, 'but not once it is restored');
like($p->stderr, qr/public.kept has 2000 rows, not 2001/, 'and told why');
is($server->sql('postgres', q{SELECT count(*) FROM pg_database WHERE datname LIKE 'migguard\_%'}), 0, 'no scratch database is left');

done_testing();
