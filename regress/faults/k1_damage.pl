# Backups that are cut or changed in one byte: the trials of regress/t/352_backup_damage.pl, four kinds of backup and
# two of damage, a few of each, or 5,000 of them in the long tier.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
# here, because what it does at its start is too late in a file that is done
use SafeDeployTest;

my $file = abs_path(dirname(__FILE__) . '/../t/352_backup_damage.pl');
$ENV{SD_TRIALS} = ($ENV{SD_TRIALS} || 1) >= 20 ? 625 : 25 * ($ENV{SD_TRIALS} || 1);
do $file or die $@ || "could not read $file: $!";
