/*
 * lint_allow.c
 *	  Comments that allow a hazard: "-- safedeploy: allow RULE[, RULE]: reason".
 *
 * A comment is for the statement that it is in or behind on its line, and one
 * that begins its line for the next statement; "allow-file" is for the file.
 * Where comments and statements are is said by the server.
 */
#include <string.h>
#include <strings.h>

#include "hash.h"
#include "lint_internal.h"
#include "log.h"
#include "pg_catalog_lint.h"

#define MG_BLANKS " \t\r\n\f\v"
#define MG_BOM	  "\xEF\xBB\xBF"

/* What a comment says, without its marks and with single blanks. */
static char *
text_of(MgArena *arena, const char *comment)
{
	size_t len = strlen(comment);
	MgBuf buf;

	if (strncmp(comment, "--", 2) == 0)
		comment += 2, len -= 2;
	else
	{
		comment += 2, len -= 2;
		if (len >= 2 && strcmp(comment + len - 2, "*/") == 0)
			len -= 2;
	}
	comment = mg_strndup(arena, comment, len);
	mg_buf_init(&buf, arena);
	while (*(comment += strspn(comment, MG_BLANKS)) != '\0')
	{
		len = strcspn(comment, MG_BLANKS);
		mg_buf_addf(&buf, "%s%.*s", buf.len > 0 ? " " : "", (int) len, comment);
		comment += len;
	}
	return buf.data;
}

/* A finding about a comment. */
static MgLintFinding
about(MgLintRead *read, const char *rule, const char *comment, const MgLintPlace *place)
{
	const MgRule *known = mg_rule_find(rule);
	MgLintFinding finding = { .place = *place, .rule = rule, .script = read->lint->scripts };

	finding.severity = mg_lint_severity(read->lint, place->file, rule, known->severity);
	finding.message = known->summary;
	finding.hint = known->hint;
	finding.statement = mg_hash_sha256(read->lint->arena, comment, strlen(comment));
	return finding;
}

static void
report(MgLintRead *read, const MgLintFinding *finding)
{
	if (finding->severity != MG_SEVERITY_OFF)
		mg_lint_add(read->lint, finding);
}

static void
report_unknown(MgLintRead *read, const char *rule, const char *comment, const MgLintPlace *place)
{
	MgLintFinding finding = about(read, "allow-unknown-rule", comment, place);
	const MgRule *near = mg_rule_nearest(rule);

	finding.object = rule;
	finding.message = mg_printf(read->lint->arena, "there is no rule \"%s\"", rule);
	if (near != NULL)
		finding.hint = mg_printf(read->lint->arena, "Did you mean \"%s\"?", near->name);
	report(read, &finding);
}

/* The statements that a comment is for: first > last when there is none. */
static void
find_statements(const MgLintRead *read, size_t start, int *first, int *last)
{
	const char *text = read->script->text;
	size_t line = start;
	bool begins_line;
	int next = 0; /* the first statement that begins behind the comment */

	while (line > 0 && text[line - 1] != '\n')
		line--;
	if (strncmp(text + line, MG_BOM, strlen(MG_BOM)) == 0)
		line += strlen(MG_BOM);
	begins_line = line + strspn(text + line, MG_BLANKS) >= start;
	for (int low = 0, high = read->count; low < high;)
	{
		int middle = low + (high - low) / 2;

		if (read->statements[middle].start < start)
			next = low = middle + 1;
		else
			high = middle;
	}
	*first = *last = next;
	if (next > 0 && read->statements[next - 1].end > start)
		*first = *last = next - 1;
	else if (!begins_line)
	{
		/* all that stand or end on the line before it; the last of them at the least */
		*last = next - 1;
		for (*first = next - 1; *first > 0 && read->statements[*first - 1].end > line; (*first)--)
			;
	}
	if (*first >= read->count)
		*last = *first - 1;
}

static void
add_allow(MgLintRead *read, const MgLintAllow *allow)
{
	MgLintAllow *copy = mg_alloc(read->lint->arena, sizeof *copy);

	*copy = *allow;
	copy->next = read->lint->allows;
	read->lint->allows = copy;
}

/* "RULE, RULE: reason" */
static void
take_rules(MgLintRead *read, const char *rules, const char *comment, const MgLintPlace *place,
		   MgLintAllow *allow)
{
	MgArena *arena = read->lint->arena;
	size_t len = strcspn(rules, ":");
	const char *reason = rules + len + strspn(rules + len, ": ");
	char *list = mg_strndup(arena, rules, len);
	char *rest = NULL;
	int count = 0;

	allow->reason = mg_log_redact(arena, reason);
	for (char *name = strtok_r(list, ", ", &rest); name != NULL; name = strtok_r(NULL, ", ", &rest))
	{
		MgLintFinding finding = about(read, "allow-without-reason", comment, place);

		count++;
		if (mg_rule_find(name) == NULL)
			report_unknown(read, name, comment, place);
		else if (reason[0] == '\0')
		{
			finding.object = name;
			finding.message = mg_printf(arena, "\"%s\" is allowed without a reason", name);
			report(read, &finding);
		}
		else
		{
			allow->rule = name;
			allow->unused = about(read, "allow-unused", comment, place);
			allow->unused.object = name;
			allow->unused.message =
				mg_printf(arena, "nothing is found here that \"%s\" would have to be allowed for",
						  name);
			add_allow(read, allow);
		}
	}
	if (count == 0)
	{
		MgLintFinding finding = about(read, "allow-malformed", comment, place);

		finding.message = "no rule is named that is to be allowed";
		report(read, &finding);
	}
}

static void
take_comment(MgLintRead *read, const char *comment, size_t start, size_t end)
{
	static const char *const verbs[] = { "allow-file", "allow" };
	const char *text = text_of(read->lint->arena, comment);
	MgLintPlace place;
	MgLintFinding finding;

	if (strncasecmp(text, "safedeploy:", 11) != 0)
		return;
	place = mg_lint_place(read, start, end);
	text += 11 + strspn(text + 11, " ");
	for (int v = 0; v < 2; v++)
	{
		size_t len = strlen(verbs[v]);
		MgLintAllow allow = { .whole_file = v == 0, .script = read->lint->scripts };

		if (strncasecmp(text, verbs[v], len) != 0 || (text[len] != ' ' && text[len] != '\0'))
			continue;
		find_statements(read, start, &allow.first, &allow.last);
		/* numbers begin at 1 */
		allow.first++, allow.last++;
		take_rules(read, text + len, comment, &place, &allow);
		return;
	}
	finding = about(read, "allow-malformed", comment, &place);
	report(read, &finding);
}

bool
mg_lint_read_allows(MgLintRead *read, MgError *err)
{
	MgScriptPart *parts;
	int count;

	if (!mg_catalog_script_comments(read->pg, read->script->text, &parts, &count, err))
		return false;
	for (int i = 0; i < count; i++)
	{
		size_t start;

		mg_cursor_to_position(&read->cursor, parts[i].position);
		start = read->cursor.offset;
		mg_cursor_to_position(&read->cursor, parts[i].position + parts[i].length);
		take_comment(read, parts[i].text, start, read->cursor.offset);
	}
	return true;
}

static bool
is_for(const MgLintAllow *allow, const MgLintFinding *finding)
{
	if (strcmp(allow->rule, finding->rule) != 0)
		return false;
	if (allow->whole_file)
		return allow->unused.place.file == finding->place.file;
	return allow->script == finding->script && finding->number >= allow->first &&
		   finding->number <= allow->last;
}

void
mg_lint_apply_allows(MgLint *lint)
{
	for (int i = 0; i < lint->count; i++)
	{
		MgLintFinding *finding = &lint->findings[i];

		/* what is wrong with a comment is not allowed by another */
		if (strcmp(mg_rule_find(finding->rule) != NULL ? mg_rule_find(finding->rule)->family : "",
				   "SUPPRESSION") == 0)
			continue;
		for (MgLintAllow *allow = lint->allows; allow != NULL; allow = allow->next)
			if (is_for(allow, finding))
			{
				allow->used = true;
				finding->state = MG_LINT_ALLOWED;
				finding->reason = allow->reason;
				finding->reason_line = allow->unused.place.line;
			}
	}
	for (MgLintAllow *allow = lint->allows; allow != NULL; allow = allow->next)
	{
		const MgLintFile *file = allow->unused.place.file;

		/* nothing can be found by a rule that is off */
		if (!allow->used && allow->unused.severity != MG_SEVERITY_OFF &&
			mg_lint_severity(lint, file, allow->rule, MG_SEVERITY_ERROR) != MG_SEVERITY_OFF)
			mg_lint_add(lint, &allow->unused);
	}
}
