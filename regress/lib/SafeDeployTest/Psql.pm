package SafeDeployTest::Psql;

=head1 NAME

SafeDeployTest::Psql - what psql sends of a script, beside what statements() says

=head1 SYNOPSIS

  use SafeDeployTest::Psql;

  my $log  = psql_log($server->url('scratch'), $file);
  my $seen = same_as_psql($server, 'judge', $file, $log);
  is(scalar @{ $seen->{differ} }, 0, "$file: $seen->{equal} statements");

psql writes each query into its log file (option -L) just before it sends it.
The script is really run, because what psql reads of it depends on that.

=cut

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();

use SafeDeployTest;

our @EXPORT = qw(psql_log logging_psql same_as_psql);

my $quoted   = qr{(?<!\w)[Ee]'(?:[^'\\]++|\\.|'')*+' | '[^']*+' | "[^"]*+" | (?<!\w)(\$(?:[^\W\d]\w*)?\$).*?\g{-1}}sx;
my $variable = qr/(?<!:):(?:['"]?\w|\{\?)/;

# bare($text): without comments, and with single blanks; psql leaves comments of one line out
sub bare
{
	my ($text) = @_;
	my $bare = '';
	while ($text !~ /\G\z/gc)
	{
		if    ($text =~ /\G$quoted/gc)                 { $bare .= $&; }
		elsif ($text =~ /\G(?:\s++|--[^\n\r]*+)++/gc)  { $bare .= ' '; }
		elsif ($text =~ m{\G/\*}gc)
		{
			for (my $depth = 1; $depth > 0 && $text =~ m{\G.*?(/\*|\*/)}gcs;) { $depth += $1 eq '/*' ? 1 : -1; }
			$bare .= ' ';
		}
		elsif ($text =~ /\G(?:\w+|.)/gcs) { $bare .= $&; }
	}
	return $bare =~ s/  +/ /gr =~ s/\A | \z//gr;
}

=head2 psql_log($url, $file)

Runs a file through psql and returns the name of the log, which lies beside it.

=cut

sub psql_log
{
	my ($url, $file, $log) = @_;
	unlink $log;
	run_program([ 'psql', '-Xq', '-L', $log, '-d', $url, '-f', $file ], timeout => 300);
	return $log;
}

=head2 logging_psql($dir, $psql)

Makes a program "psql" in a directory which logs below it the queries of each
file that it is given as its standard input; for pg_regress --bindir.

=cut

sub logging_psql
{
	my ($dir, $psql) = @_;
	mkdir $_ foreach $dir, "$dir/log";
	open my $out, '>', "$dir/psql" or die "$dir/psql: $!";
	print $out <<"SH";
#!/bin/sh
name=\$(basename "\$(readlink /proc/self/fd/0)" .sql)
exec "$psql" -L "$dir/log/\$name" "\$@"
SH
	close $out or die "$dir/psql: $!";
	chmod 0755, "$dir/psql";
	return $dir;
}

# sent($log): the queries, in order
sub sent
{
	my ($log) = @_;
	my $text = slurp($log);
	return $text =~ /^\*{9} QUERY \*{10}\n(.*?)\n\*{26}\n/smg;
}

sub slurp
{
	my ($name) = @_;
	open my $in, '<:raw', $name or die "$name: $!";
	local $/ = undef;
	return scalar <$in>;
}

=head2 same_as_psql($server, $database, $file, $log)

Compares, statement by statement and in order, what statements() finds in a file
with what psql has sent of it: the text, and that it begins at the position named.
Returns counts: "equal"; "variables", where psql put the value of a variable, which
may be several statements, into the text; "skipped" in a branch of \if that was not
taken; "made" by \gexec, \copy and the like; "swallowed" by a COPY from standard input
whose data has no end, so that psql reads the rest of the file as data and we as SQL;
"unquoted", while standard_conforming_strings was off; and "differ", descriptions of
what does not agree.

=cut

sub same_as_psql
{
	my ($server, $database, $file, $log) = @_;
	my $script = slurp($file);
	my %seen = (map({ $_ => 0 } qw(equal variables skipped made swallowed unquoted)), differ => []);
	my $branches = $script =~ /\\(?:if|elif|else|q)\b/;
	my $made     = $script =~ /\\(?:gexec|watch|crosstabview|copy)\b/;
	my @ours     = statements($server, $database, $file, 0);
	my $last     = '';
	my @sent     = grep { $_ ne '' } map { s/\A[ ;]+//r } map { bare($_) } sent($log);

	# $next_is->($i): whether the query that is sent next is, or begins with, that statement of ours
	my $next_is = sub { my ($i) = @_; return $ours[$i] && index($sent[0], $ours[$i]{bare}) == 0; };
	while (@sent)
	{
		my $statement = $ours[0] // { bare => '', text => 'nothing' };
		if (!@ours && !$made)
		{
			push @{ $seen{differ} }, 'psql sends more: ' . shift @sent;
		}
		elsif ($next_is->(0))
		{
			my $found = substr $script, $statement->{offset}, length $statement->{text};
			push @{ $seen{differ} }, "at $statement->{offset} stands not: $statement->{text}"
			  if $found ne $statement->{text} && $found !~ /\\/;
			# "\;" sends several at once
			$sent[0] = substr $sent[0], length $statement->{bare};
			$sent[0] =~ s/\A[ ;]+//;
			shift @sent if $sent[0] eq '';
			shift @ours;
			$last = $statement->{bare};
			$seen{equal}++;
			if ($statement->{bare} =~ /\Aset standard_conforming_strings (?:=|to) off\z/i)
			{
				my $on = qr/\Aset standard_conforming_strings (?:=|to) on;?\z/i;
				while (@sent && $sent[0] !~ $on) { shift @sent; $seen{unquoted}++; }
				my $rest = substr $script, $statement->{offset};
				@ours = $rest =~ /^set standard_conforming_strings (?:=|to) on;/mi ? statements($server, $database, $file, $statement->{offset} + $-[0]) : ();
			}
		}
		elsif ($statement->{bare} =~ $variable)
		{
			shift @ours;
			do { shift @sent; $seen{variables}++; }
			  while (@sent && @ours && !$next_is->(0) && $ours[0]{bare} !~ $variable);
		}
		elsif ($branches && grep { $next_is->($_) } 0 .. $#ours)
		{
			shift @ours;
			$seen{skipped}++;
		}
		elsif ($made)
		{
			shift @sent;
			$seen{made}++;
		}
		else
		{
			push @{ $seen{differ} }, "psql sends: $sent[0]\nwe read: $statement->{text}";
			shift @sent;
			shift @ours;
		}
	}
	if    ($branches)                              { $seen{skipped} += @ours; }
	elsif ($last =~ /\ACOPY\b.*\bFROM stdin\b/is) { $seen{swallowed} += @ours; }
	else             { push @{ $seen{differ} }, "psql does not send: $_->{text}" foreach @ours; }
	return \%seen;
}

# statements($server, $database, $file, $from): those of the bytes from that offset on
sub statements
{
	my ($server, $database, $file, $from) = @_;
	my $size = -s $file;
	my $name = quote_literal($file);
	my $rows = JSON::PP->new->decode($server->sql($database, <<"SQL"));
WITH script AS (SELECT convert_from(pg_read_binary_file($name, $from, $size - $from), getdatabaseencoding()) AS sql)
SELECT coalesce(json_agg(json_build_array(
	$from + length(convert_to(left(sql, position - 1), getdatabaseencoding())), kind, convert_to(text, getdatabaseencoding())) ORDER BY number), '[]')
FROM script, safedeploy.statements(sql)
SQL
	return map {
		my $text = pack 'H*', substr $_->[2], 2;
		{ offset => $_->[0], text => $text, bare => bare($text) }
	} grep { $_->[1] ne 'META COMMAND' && $_->[1] ne 'COPY DATA' } @$rows;
}

1;
