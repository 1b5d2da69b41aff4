# The splitter against psql itself: psql runs each script with \timing, which prints one line for
# each query it sends, and statements() must count the same.
use strict;
use warnings;

use File::Temp;
use IPC::Run ();
use Test::More;

use SafeDeployTest;

my $server = SafeDeployTest->new('split');
$server->create_database('split', options => "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
$server->sql('split', 'CREATE TABLE t (a text); GRANT ALL ON SCHEMA public TO PUBLIC');

my @scripts = (
	[ 'plain',                          "SELECT 1; SELECT 2;\nSELECT 3" ],
	[ 'no last newline',                "SELECT 1;\nSELECT 2;" ],
	[ 'comments',                       "SELECT 1; -- ; \n/* ; */ SELECT 2; /* a /* nested ; */ ; */ SELECT 3;\n" ],
	[ 'comment that is almost closed',  "SELECT 1 /*/ ; */; SELECT 2 /* * / ; */;\n" ],
	[ 'comment at the end',             "SELECT 1;\n-- SELECT 2;" ],
	[ 'carriage return ends a comment', "SELECT 1 -- c\r; SELECT 2;\n" ],
	[ 'CRLF',                           "SELECT 1;\r\nSELECT\r\n2;\r\n" ],
	[ 'byte order mark',                "\xEF\xBB\xBFSELECT 1;\nSELECT 2;\n" ],
	[ 'quotes',                         "SELECT 'a;b', 'it''s;', \"c;d\".e FROM (SELECT 1) AS \"c;d\"(e); SELECT ';';\n" ],
	[ 'doubled quoted names',           "SELECT 1 AS \"a\"\";\"; SELECT 2;\n" ],
	[ 'backslash in a plain string',    "SELECT 'a\\'; SELECT 'b';\n" ],
	[ 'backslash in an E string',       "SELECT E'a\\';'; SELECT e'\\\\'; SELECT E'''';\n" ],
	[ 'E string over two lines',        "SELECT E'a'\n'b\\';'; SELECT E'a' -- c\n 'b\\';';\n" ],
	[ 'E string and no line break',     "SELECT E'a' 'b\\'; SELECT 2;\n" ],
	[ 'a word that ends in e',          "SELECT 1 AS type'a\\'; SELECT 2;\n" ],
	[ 'Unicode escapes',                "SELECT U&'a;\\0041', u&\";\" FROM (SELECT 1) AS x(\";\"); SELECT N';', B'1', X'F';\n" ],
	[ 'dollar quotes',                  "SELECT \$\$;\$\$, \$a\$ ; \$\$ ; \$b\$ ; \$a\$; SELECT \$ä1\$;\$ä1\$;\n" ],
	[ 'dollar inside a word',           "SELECT 1 AS a\$\$; SELECT 2 AS b\$\$;\n" ],
	[ 'dollar after a parameter',       "PREPARE p AS SELECT \$1||\$\$;\$\$; SELECT 2;\n" ],
	[ 'dollar after a number',          "SELECT 1\$\$;\$\$; SELECT 2;\n" ],
	[ 'tag that begins with a digit',   "SELECT \$1a\$; SELECT 2;\n" ],
	[ 'operators that hold comments',   "SELECT 1 +-- ;\n 2; SELECT 3 */* ; */ 4; SELECT 5 - -1;\n" ],
	[ 'parentheses',                    "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); SELECT 3;\n" ],
	[ 'too many closing ones',          "SELECT 1); SELECT 2;\n" ],
	[ 'unclosed parenthesis',           "SELECT (1; SELECT 2;\nSELECT 3" ],
	[ 'unclosed quote',                 "SELECT 1; SELECT 'a; SELECT 2;\n" ],
	[ 'unclosed dollar quote',          "SELECT 1; SELECT \$a\$; SELECT 2; \$\$\n" ],
	[ 'unclosed comment',               "SELECT 1; SELECT 2 /* ; SELECT 3;\n" ],
	[ 'BEGIN ATOMIC',
		"CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a = 1 THEN 2 END; END; SELECT 2;\n"
	],
	[ 'BEGIN ATOMIC of a procedure',
		"CREATE OR REPLACE PROCEDURE q() LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES ('x'); END; CALL q();\n"
	],
	[ 'BEGIN of a transaction',         "BEGIN; SELECT 1; END; BEGIN; COMMIT;\n" ],
	[ 'BEGIN in a dollar quote',        "CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN NULL; END \$\$; SELECT g();\n" ],
	[ 'a function named begin',         "CREATE FUNCTION \"begin\"() RETURNS integer LANGUAGE sql AS 'SELECT 1;'; SELECT 2;\n" ],
	[ 'COPY data',                      "COPY t FROM stdin;\n'; SELECT 1;\n\\.\nSELECT 2;\n" ],
	[ 'COPY data with options',         "COPY public.t (a) FROM STDIN WITH (FORMAT csv);\n\"a;\n\"\n\\.\nSELECT 2;\n" ],
	[ 'COPY data, CRLF',                "COPY t FROM stdin;\r\nx;\r\n\\.\r\nSELECT 2;\r\n" ],
	[ 'COPY without data',              "COPY t FROM stdin;\n\\.\nSELECT 2;\n" ],
	[ 'COPY to a client',               "COPY t TO stdout; SELECT 2;\n" ],
	[ 'meta commands',                  "\\set x 1\nSELECT 1;\n\\echo SELECT 2;\nSELECT 3;\n" ],
	[ 'meta command behind a query',    "SELECT 1; \\echo a; b\nSELECT 2;\n" ],
	[ 'meta command that sends',        "SELECT 1 \\g\nSELECT 2;\n" ],
	[ 'SQL behind a meta command',      "\\echo a \\\\ SELECT 1; SELECT 2;\n" ],
	[ 'quotes in a meta command',       "\\echo 'a \\\\ SELECT 1;'\nSELECT 2;\n" ],
	[ 'COPY data behind a comment',      "COPY t FROM stdin; -- '\n'; SELECT 1;\n\\.\nSELECT 2;\n" ],
	[ 'a command inside a statement',    "SELECT 1\n\\echo ;\n, 2;\nSELECT 3;\n" ],
	[ 'a statement taken back',          "SELECT 'a\n;' ** b\n\\r\nSELECT 2;\n" ],
	[ 'CREATE of a thing named function', "CREATE TABLE function (a integer); BEGIN; SELECT 1; END;\n" ],
	[ 'colons',                         "SELECT 1::text, 'a:b', (ARRAY[1,2,3])[1:2]; SELECT ':x';\n" ],
	[ 'words that are not ASCII',       "SELECT 1 AS größe; SELECT 'é;', \"ü;\" FROM (SELECT 1) AS x(\"ü;\");\n" ],
);

for my $case (@scripts)
{
	my ($label, $script) = @$case;
	my $file = File::Temp->new;
	binmode $file;
	print $file $script;
	close $file;
	my ($out, $err) = ('', '');
	IPC::Run::run(
		[ 'psql', '-X', '-q', '-d', $server->node->connstr('split'), '-c', '\timing on', '-f', "$file" ],
		'<', \'', '>', \$out, '2>', \$err);
	my $sent = () = $out =~ /^Time: /mg;
	cmp_ok($sent, '>', 0, "$label: psql sends something") or diag("$out$err");

	my $quoted = quote_literal($script);
	$quoted = "E$quoted" if $quoted =~ s/\\/\\\\/g;
	my $counted = $server->sql('split',
		"SELECT count(*) FROM safedeploy.statements($quoted) WHERE kind NOT IN ('META COMMAND', 'COPY DATA')");
	is($counted, $sent, "$label: as many statements as psql sends")
		or diag($server->sql('split', "SELECT number, kind, text FROM safedeploy.statements($quoted)"));
}

# Where psql goes on reading data to the end of the file, the text is taken for SQL: nothing hides there.
is($server->sql('split', q{SELECT string_agg(kind, ',') FROM safedeploy.statements(E'COPY t FROM stdin;\nDROP TABLE t;\n')}),
	'COPY,DROP TABLE', 'COPY data without an end hides nothing');
is($server->sql('split', q{SELECT string_agg(kind, ',') FROM safedeploy.statements(E'COPY t FROM stdin; DROP TABLE t;\n\\\\.\n')}),
	'COPY,DROP TABLE,META COMMAND', 'neither does the rest of the line of COPY');
is($server->sql('split', q{SELECT string_agg(kind, ',') FROM safedeploy.statements(E'SELECT 1\\\\; DROP TABLE t;')}),
	'SELECT,DROP TABLE', 'nor two commands in one query');
is($server->sql('split', q{SELECT string_agg(kind, ',') FROM safedeploy.statements(E'-- c\rDROP TABLE t;')}),
	'DROP TABLE', 'nor a comment that a carriage return ends');
is($server->sql('split', q{SELECT string_agg(kind, ',') FROM safedeploy.statements(E'\\\\echo "\\\\\\\\ DROP TABLE t;')}),
	'META COMMAND,DROP TABLE', 'nor a quote that a psql command does not close');

is($server->sql('split', q{SELECT string_agg(kind, ',') FROM safedeploy.statements(E'\\\\copy t from stdin\n1; SELECT 1;\n\\\\.\nSELECT 2;')}),
	'META COMMAND,COPY DATA,SELECT', 'the data of \\copy is data');

done_testing();
