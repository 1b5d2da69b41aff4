# Turns regress/fixtures/rules/NAME.sql into rows of a table: what is there before, the first
# case that the rule fires for, and the first near miss.
function quoted(text)
{
	sub(/\n+$/, "", text)
	gsub(/\\/, "&&", text)
	gsub(/"/, "\\\"", text)
	gsub(/\n/, "\\n\"\n\t  \"", text)
	return "\"" text "\""
}
function flush_rule()
{
	if (name != "")
		printf "\t{ \"%s\",\n\t  %s,\n\t  %s,\n\t  %s,\n\t  %s,\n\t  %s },\n", name, quoted(text["setup"]),
			quoted(label["fires"]), quoted(text["fires"]), quoted(label["quiet"]), quoted(text["quiet"])
	split("", text)
	split("", label)
	into = ""
}
BEGIN { print "/* generated from regress/fixtures/rules, do not edit */\nstatic const MgRuleExample mg_rule_examples[] = {" }
FNR == 1 {
	flush_rule()
	name = FILENAME
	sub(/^.*\//, "", name)
	sub(/\.sql$/, "", name)
}
/^-- setup/ {
	into = "setup"
	next
}
/^-- (fires|quiet)[^:]*: / {
	into = $2
	sub(/:$/, "", into)
	if (into in label)
		into = "more"
	else
	{
		label[into] = $0
		sub(/^[^:]*: /, "", label[into])
	}
	next
}
{ text[into] = text[into] $0 "\n" }
END {
	flush_rule()
	print "\t{ NULL, NULL, NULL, NULL, NULL, NULL },\n};"
}
