# Turns docs/runbooks/NAME.md into rows of a table: name, title, the exit codes and the states of a run
# that it is for, text.  The second line of a page may be a comment such as
#   <!-- exit code: 24 -->   or   <!-- states: migrate verify -->
function quoted(text)
{
	gsub(/\\/, "&&", text)
	gsub(/"/, "\\\"", text)
	gsub(/\n/, "\\n\"\n\t  \"", text)
	return "\"" text "\""
}
function flush_page()
{
	if (name != "")
		printf "\t{ \"%s\", %s, %d, \" %s \",\n\t  %s },\n", name, quoted(title), exit_code, states, quoted(text)
}
BEGIN { print "/* generated from docs/runbooks, do not edit */\nstatic const MgRunbook mg_runbook_pages[] = {" }
FNR == 1 {
	flush_page()
	name = FILENAME
	sub(/^.*\//, "", name)
	sub(/\.md$/, "", name)
	title = $0
	sub(/^# /, "", title)
	text = ""
	states = ""
	exit_code = 0
}
FNR == 2 && /^<!-- exit code: / {
	exit_code = $4
	next
}
FNR == 2 && /^<!-- states: / {
	states = $0
	sub(/^<!-- states: /, "", states)
	sub(/ -->$/, "", states)
	next
}
{ text = text $0 "\n" }
END {
	flush_page()
	print "\t{ NULL, NULL, 0, NULL, NULL },\n};"
}
