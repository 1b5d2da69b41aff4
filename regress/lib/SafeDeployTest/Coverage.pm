package SafeDeployTest::Coverage;

=head1 NAME

SafeDeployTest::Coverage - what statements of the server in use no case has

=head1 SYNOPSIS

  SafeDeployTest::Coverage->new(psql => sub { ... })->check(@scripts);

The command tags, the statements of the grammar, the commands of ALTER TABLE and the kinds of
objects are read from the headers of the server in use, so that those of a new version are
missed until there is a case of them, or a reason here why there cannot be one.  C<psql> is
called with a database and a script, and returns what psql prints.

=cut

use strict;
use warnings;

use File::Basename qw(dirname);
use SafeDeployTest::Library;
use Test::More;

my %tags_left_out = (
	'no statement has that tag' => [
		'???', 'ALTER CAST', 'ALTER CONSTRAINT', 'ALTER TRANSFORM', 'ALTER ACCESS METHOD', 'CREATE CONSTRAINT', 'CREATE ROUTINE', 'DROP CONSTRAINT',
		'COPY FROM', 'DISCARD', 'CLOSE', 'LOGIN' ],
	'a SELECT before it is analysed' =>
		[ 'SELECT FOR KEY SHARE', 'SELECT FOR NO KEY UPDATE', 'SELECT FOR SHARE', 'SELECT FOR UPDATE', 'SELECT INTO' ],
	'switches the trace off' => ['DISCARD ALL'],
);

my %statements_left_out = (
	'a part of other statements, made by the parser or the planner' => [qw(RawStmt PlannedStmt SetOperationStmt)],
	'a part of ALTER TABLE'                                           => [qw(ReplicaIdentityStmt)],
	'of PL/pgSQL only'                                                => [qw(PLAssignStmt)],
);

# The commands that the server makes itself from those of the statement, while it runs.
my %commands_left_out = (
	'made from ADD COLUMN, and from CREATE OR REPLACE VIEW' => [qw(AddColumnRecurse AddColumnToView)],
	'made from ADD COLUMN of a table made by LIKE'          => [qw(CookedColumnDefault)],
	'made from SET NOT NULL and from ADD PRIMARY KEY'        => [qw(CheckNotNull SetAttNotNull)],
	'made from DROP COLUMN'                                  => [qw(DropColumnRecurse)],
	'made from ADD CONSTRAINT'                               => [qw(AddIndex AddConstraintRecurse AddIndexConstraint)],
	'made from ALTER COLUMN TYPE'                            => [qw(ReAddIndex ReAddConstraint ReAddDomainConstraint ReAddComment ReAddStatistics)],
	'made from VALIDATE CONSTRAINT'                          => [qw(ValidateConstraintRecurse)],
	'made from DROP CONSTRAINT'                              => [qw(DropConstraintRecurse)],
	'made from CREATE OR REPLACE VIEW'                       => [qw(ReplaceRelOptions)],
);

# The kinds of objects that the grammar takes in each statement that is for many kinds.
my @on_relations = qw(COLUMN FOREIGN_TABLE MATVIEW SEQUENCE TABLE VIEW);
my @of_schemas   = qw(AGGREGATE COLLATION DOMAIN FUNCTION OPCLASS OPFAMILY PROCEDURE ROUTINE TSCONFIGURATION TSDICTIONARY TYPE);
my @others       = qw(CONVERSION EVENT_TRIGGER FDW FOREIGN_SERVER LANGUAGE PUBLICATION SCHEMA STATISTIC_EXT);
my @on_tables    = qw(POLICY RULE TRIGGER);
my @text_search  = qw(TSPARSER TSTEMPLATE);
my @shared       = qw(DATABASE ROLE SUBSCRIPTION TABLESPACE);
my %kinds = (
	CommentStmt => [
		@on_relations, @of_schemas, @others, @on_tables, @text_search, @shared,
		qw(ACCESS_METHOD CAST DOMCONSTRAINT EXTENSION INDEX LARGEOBJECT OPERATOR TABCONSTRAINT TRANSFORM) ],
	SecLabelStmt => [
		@on_relations, @shared, qw(AGGREGATE DOMAIN EVENT_TRIGGER FUNCTION LANGUAGE LARGEOBJECT PROCEDURE PUBLICATION ROUTINE SCHEMA TYPE) ],
	RenameStmt => [ @on_relations, @of_schemas, @others, @on_tables, @text_search, @shared, qw(ATTRIBUTE DOMCONSTRAINT INDEX TABCONSTRAINT) ],
	AlterOwnerStmt          => [ @of_schemas, @others, qw(DATABASE LARGEOBJECT OPERATOR SUBSCRIPTION TABLESPACE) ],
	AlterObjectSchemaStmt   => [ grep({ $_ ne 'COLUMN' } @on_relations), @of_schemas, @text_search, qw(CONVERSION EXTENSION OPERATOR STATISTIC_EXT) ],
	AlterObjectDependsStmt  => [qw(FUNCTION INDEX MATVIEW PROCEDURE ROUTINE TRIGGER)],
	DropStmt => [
		grep({ $_ ne 'COLUMN' } @on_relations), @of_schemas, @others, @on_tables, @text_search,
		qw(ACCESS_METHOD CAST EXTENSION INDEX OPERATOR TRANSFORM) ],
	GrantStmt => [qw(DATABASE DOMAIN FDW FOREIGN_SERVER FUNCTION LANGUAGE LARGEOBJECT PROCEDURE ROUTINE SCHEMA SEQUENCE TABLE TABLESPACE TYPE)]);

# names_of_enum FILE, TYPE: the names of an enum's members, by number
sub names_of_enum
{
	my ($file, $type) = @_;
	open my $fh, '<', $file or die "$file: $!";
	my $text = do { local $/; <$fh> };
	close $fh;
	$text =~ s{/\*.*?\*/}{}gs;
	# from 16 on the members of NodeTag are in a file of their own, and numbered
	my ($members) = $text =~ /typedef enum $type\s*\{([^}]*)\}/ or die "$file: no enum $type";
	if ($members =~ /#include "([^"]+)"/)
	{
		open $fh, '<', dirname($file) . "/../$1" or die "$1: $!";
		my $included = do { local $/; <$fh> };
		close $fh;
		$included =~ s{/\*.*?\*/}{}gs;
		$members =~ s/#include "[^"]+"/$included/;
	}
	my ($number, %names) = (0);
	for my $member (split /,/, $members)
	{
		next unless $member =~ /(\w+)\s*(?:=\s*(\d+))?\s*$/;
		$number = $2 if defined $2;
		$names{ $number++ } = $1;
	}
	return %names;
}

sub new
{
	my ($class, %self) = @_;
	chomp(my $headers = `pg_config --includedir-server`);
	return bless { %self, headers => $headers }, $class;
}

# judge WHAT, ALL, SEEN, LEFT OUT: ALL and SEEN are hashes of names
sub judge
{
	my ($what, $all, $seen, $left_out) = @_;
	my %known    = map { $_ => 1 } map { @$_ } values %$left_out;
	my @missing  = grep { !$seen->{$_} && !$known{$_} } sort keys %$all;
	my @needless = grep { $seen->{$_} } sort keys %known;
	my $had      = grep { $seen->{$_} } keys %$all;
	my $out      = grep { $known{$_} } keys %$all;
	ok(keys %$all && !@missing, "every $what is in a case, or left out for a reason ($had in cases, $out left out)") or diag(join ', ', @missing);
	ok(!@needless, "no $what is left out that is in a case") or diag(join ', ', @needless);
	return;
}

sub check_tags
{
	my ($self, @scripts) = @_;
	my $file = "$self->{headers}/tcop/cmdtaglist.h";
	open my $list, '<', $file or die "$file: $!";
	my %tags  = map { /^PG_CMDTAG\(\w+, "([^"]*)"/ ? ($1 => 1) : () } <$list>;
	my $kinds = $self->{psql}->($self->{database}, join '', map { "SELECT kind FROM safedeploy.statements(\$sdcase\$$_\$sdcase\$);\n" } @scripts);
	judge('command tag', \%tags, { map { $_ => 1 } split /\n/, $kinds }, \%tags_left_out);
	return;
}

sub check
{
	my ($self, @scripts) = @_;
	$self->check_tags(@scripts);
	my $library = SafeDeployTest::Library->build('parse_nodes');
	my $out   = $self->{psql}->($self->{database},
		"CREATE FUNCTION pg_temp.parse_nodes(text) RETURNS SETOF text LANGUAGE c STRICT AS '@{[ $library->file ]}';\n"
			. join '', map { "SELECT * FROM pg_temp.parse_nodes(\$sdcase\$$_\$sdcase\$);\n" } @scripts);
	my %tag     = names_of_enum("$self->{headers}/nodes/nodes.h",      'NodeTag');
	my %command = names_of_enum("$self->{headers}/nodes/parsenodes.h", 'AlterTableType');
	my %object  = names_of_enum("$self->{headers}/nodes/parsenodes.h", 'ObjectType');
	my (%statements, %commands, %objects);
	for my $line (split /\n/, $out)
	{
		if ($line =~ /^statement (\d+)$/)
		{
			$statements{ $tag{$1} =~ s/^T_//r } = 1;
		}
		elsif ($line =~ /^command (\d+)$/)
		{
			$commands{ $command{$1} =~ s/^AT_//r } = 1;
		}
		elsif ($line =~ /^object (\d+) (\d+)$/)
		{
			my ($statement, $kind) = ($tag{$1}, $object{$2});
			$objects{ ($statement =~ s/^T_//r) . ' of ' . ($kind =~ s/^OBJECT_//r) } = 1;
		}
		elsif ($line =~ /ERROR|FATAL/)
		{
			fail("parses: $line");
		}
	}
	judge('statement of the grammar', { map { /^T_(\w+Stmt)$/ ? ($1 => 1) : () } values %tag }, \%statements, \%statements_left_out);
	judge('command of ALTER TABLE', { map { s/^AT_//r => 1 } values %command }, \%commands, \%commands_left_out);
	judge('kind of object', { map { my $statement = $_; map { ("$statement of $_" => 1) } @{ $kinds{$statement} } } keys %kinds }, \%objects, {});
	return;
}

1;
