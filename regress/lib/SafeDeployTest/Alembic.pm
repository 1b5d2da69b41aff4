package SafeDeployTest::Alembic;

=head1 NAME

SafeDeployTest::Alembic - writes small real Alembic projects

=head1 SYNOPSIS

  my $project = SafeDeployTest::Alembic->new(
	revisions => [
		{ id => 'a1', up_sql => ['CREATE TABLE t (id integer)'], down_sql => ['DROP TABLE t'] },
		{ id => 'b2', up => "op.add_column('t', sa.Column('c', sa.Text()))", down => 'pass' },
	]);
  $node->migguard('db', [ 'run', '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir);

The project reads its URL from DATABASE_URL, as real ones do.

=cut

use strict;
use warnings;

use Carp;
use File::Path qw(make_path);
use File::Temp;
use JSON::PP ();

my $env_py = <<'PYTHON';
import os

from alembic import context
from sqlalchemy import create_engine, pool

url = os.environ["DATABASE_URL"]
options = dict(@OPTIONS@)

if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"}, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
PYTHON

=head2 new(%options)

C<revisions>: see add().  C<dir>: where (default a temporary directory).
C<alembic>: the program (default Debian's).  C<configure>: Python keyword
arguments for context.configure, such as C<transaction_per_migration=True>.
C<git>: true makes the directory a git work tree with everything committed.

=cut

sub new
{
	my ($class, %opt) = @_;
	my $self = bless {
		alembic => $opt{alembic} || '/usr/bin/alembic',
		last    => undef,
		count   => 0,
	}, $class;
	if   (defined $opt{dir}) { $self->{dir}  = $opt{dir}; }
	else                     { $self->{temp} = File::Temp->newdir; $self->{dir} = $self->{temp}->dirname; }

	make_path("$self->{dir}/migrations/versions");
	# An ini reads % as the start of a reference.
	(my $location = "$self->{dir}/migrations") =~ s/%/%%/g;
	$self->write('alembic.ini', "[alembic]\nscript_location = $location\n");
	(my $text = $env_py) =~ s/\@OPTIONS\@/$opt{configure} || ''/e;
	$self->write('migrations/env.py', $text);
	$self->add($_) foreach @{ $opt{revisions} || [] };
	$self->commit_all('Start') if $opt{git};
	return $self;
}

sub dir     { return $_[0]{dir}; }
sub alembic { return $_[0]{alembic}; }
sub head    { return $_[0]{last}; }

=head2 add(\%revision)

Adds one revision on top of the last.  C<id>; C<parent> (default the last one
added; a list for a merge; undef for a new base); C<up>, C<down>: Python code;
C<up_sql>, C<down_sql>: lists of SQL statements instead; C<message>.

=cut

sub add
{
	my ($self, $r) = @_;
	my $parent = exists $r->{parent} ? $r->{parent} : $self->{last};
	my $number = ++$self->{count};
	$self->{last} = $r->{id};
	my $text = join '',
	  '"""', ($r->{message} || "revision $r->{id}"), "\"\"\"\n",
	  "import sqlalchemy as sa\nfrom alembic import op\n\n",
	  'revision = ',        python_literal($r->{id}),  "\n",
	  'down_revision = ',   python_literal($parent),   "\n",
	  "branch_labels = None\ndepends_on = None\n\n\n",
	  "def upgrade():\n",   python_body($r->{up}, $r->{up_sql}),
	  "\n\ndef downgrade():\n", python_body($r->{down}, $r->{down_sql});
	$self->write(sprintf('migrations/versions/%03d_%s.py', $number, file_part($r->{id})), $text);
	return $self;
}

=head2 remove($id), commit_all($message)

=cut

sub remove
{
	my ($self, $id) = @_;
	my @files = glob "'$self->{dir}/migrations/versions/'*_" . file_part($id) . '.py';
	croak "no revision $id" unless @files == 1;
	unlink @files or croak "could not remove @files: $!";
	return $self;
}

sub commit_all
{
	my ($self, $message) = @_;
	my @git = ('git', '-C', $self->{dir}, '-c', 'user.name=Test', '-c', 'user.email=test@example.org');
	unless (-d "$self->{dir}/.git")
	{
		system(@git, 'init', '-q') == 0 or croak 'git init failed';
		$self->write('.gitignore', "__pycache__/\n");
	}
	system(@git, 'add', '-A') == 0 && system(@git, 'commit', '-q', '-m', $message) == 0
	  or croak 'git commit failed';
	return $self;
}

sub write
{
	my ($self, $name, $text) = @_;
	utf8::encode($text) if utf8::is_utf8($text);
	open my $handle, '>:raw', "$self->{dir}/$name" or croak "could not write $self->{dir}/$name: $!";
	print $handle $text;
	close $handle or croak "could not write $self->{dir}/$name: $!";
	return;
}

sub file_part { my ($id) = @_; $id =~ s/[^A-Za-z0-9_]/_/g; return $id; }

# JSON strings, numbers and lists are Python literals as well.
sub python_literal
{
	my ($value) = @_;
	return 'None' unless defined $value;
	return '(' . join('', map { python_literal($_) . ', ' } @$value) . ')' if ref $value;
	my $literal = JSON::PP->new->allow_nonref->encode($value);
	return $literal;
}

sub python_body
{
	my ($code, $sql) = @_;
	my @lines;
	if (defined $code)
	{
		@lines = split /\n/, $code;
	}
	foreach my $statement (@{ $sql || [] })
	{
		# Alembic reads ":name" as a bind parameter.
		(my $text = $statement) =~ s/(?<!:):(?=[A-Za-z_])/\\:/g;
		push @lines, 'op.execute(' . python_literal($text) . ')';
	}
	@lines = ('pass') unless @lines;
	return join '', map { /\S/ ? "    $_\n" : "\n" } @lines;
}

1;
