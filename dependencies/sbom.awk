# Writes the bill of materials, CycloneDX 1.5, of runtime.list: what is linked and what is run, with the
# versions that are here.  It has no time and no random number, so that it is the same for the same build.
#   awk -v version=0.1 -v pg_config=/usr/bin/pg_config -f sbom.awk runtime.list
BEGIN {
	FS = " *[|] *"
	("'" pg_config "' --libdir") | getline libdir
}
function quoted(text)
{
	gsub(/\\/, "&&", text)
	gsub(/"/, "\\\"", text)
	return "\"" text "\""
}
# The version of a dependency that is here, or nothing.
function version_of(from, command, line)
{
	if (from == "")
		return ""
	command = "PKG_CONFIG_PATH='" libdir "/pkgconfig':\"$PKG_CONFIG_PATH\" pkg-config --modversion " from
	if (from == "pg_config")
		command = "'" pg_config "' --version"
	if (from == "getconf")
		command = "getconf GNU_LIBC_VERSION"
	(command " 2>/dev/null") | getline line
	close(command " 2>/dev/null")
	return match(line, /[0-9]+([.][0-9]+)*/) ? substr(line, RSTART, RLENGTH) : ""
}
function component(type, name, found, licence, text)
{
	return "{ \"type\": " quoted(type) ", \"bom-ref\": " quoted(name) ", \"name\": " quoted(name) \
		(found == "" ? "" : ", \"version\": " quoted(found)) ", \"description\": " quoted(text) \
		", \"licenses\": [ { \"license\": { \"id\": " quoted(licence) " } } ]"
}
/^#/ || NF != 7 || $2 == "other" { next }
{
	rows[++count] = component($2 == "library" ? "library" : "application", $1, version_of($4), $6, $7) \
		", \"scope\": \"" ($2 == "program" ? "optional" : "required") "\"" \
		($5 == "" ? "" : ", \"properties\": [ { \"name\": \"elf:needed\", \"value\": " quoted($5) " } ]") " }"
	if ($3 != "module")
		migguard = migguard (migguard == "" ? "" : ", ") quoted($1)
	if ($3 != "migguard")
		module = module (module == "" ? "" : ", ") quoted($1)
}
END {
	print "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.5\",\n  \"version\": 1,\n  \"metadata\": {"
	print "    \"authors\": [ { \"name\": \"The safedeploy contributors\" } ],"
	print "    \"component\": " component("application", "safedeploy", version, "PostgreSQL", "Safe schema deployments") ","
	print "      \"components\": ["
	print "        " component("library", "safedeploy.so", version, "PostgreSQL", "server module and SQL objects of the extension") " },"
	print "        " component("application", "migguard", version, "PostgreSQL", "command line") " }"
	print "      ] }\n  },\n  \"components\": ["
	for (i = 1; i <= count; i++)
		print "    " rows[i] (i < count ? "," : "")
	print "  ],\n  \"dependencies\": ["
	print "    { \"ref\": \"safedeploy\", \"dependsOn\": [ \"safedeploy.so\", \"migguard\" ] },"
	print "    { \"ref\": \"safedeploy.so\", \"dependsOn\": [ " module " ] },"
	print "    { \"ref\": \"migguard\", \"dependsOn\": [ " migguard ", \"safedeploy.so\" ] }"
	print "  ]\n}"
}
