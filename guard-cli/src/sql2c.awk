# Turns src/sql/NAME.sql into: static const char mg_sql_NAME[] = "...";
# A leading block of "--" lines is the statement's documentation and is left out.
function flush_file()
{
	if (open)
		printf "\t;\n\n"
	open = 0
}
BEGIN { print "/* generated from src/sql, do not edit */" }
FNR == 1 {
	flush_file()
	name = FILENAME
	sub(/^.*\//, "", name)
	sub(/\.sql$/, "", name)
	printf "static const char mg_sql_%s[] __attribute__((unused)) =\n", name
	open = 1
	head = 1
}
head && /^--/ { next }
{
	head = 0
	line = $0
	gsub(/\\/, "&&", line)
	gsub(/"/, "\\\"", line)
	printf "\t\"%s\\n\"\n", line
}
END { flush_file() }
