/*
 * lint_rules.c
 *	  The table of rules: the server's, from the same source, and lint's own.
 */
#include "lint_rules.h"

#include <ctype.h>
#include <string.h>

#include "text.h"

static const char *const severity_names[] = { "off", "info", "notice", "warning", "error", "never" };

const char *
mg_severity_name(MgSeverity severity)
{
	return severity_names[severity];
}

bool
mg_severity_of(const char *name, MgSeverity *severity)
{
	for (int i = 0; i <= MG_SEVERITY_NEVER; i++)
		if (name != NULL && strcmp(name, severity_names[i]) == 0)
		{
			*severity = (MgSeverity) i;
			return true;
		}
	return false;
}

/* clang-format off */
const MgRule mg_rules[] = {
#define X(id, name, family, severity, applies, since, until, summary, hint, reference) \
	{ name, #family, MG_SEVERITY_##severity, summary, hint, applies, since, until, reference },
#include "sd_rule_list.h"
#undef X
	{ "allow-malformed", "SUPPRESSION", MG_SEVERITY_WARNING,
	  "a comment for safedeploy is not understood",
	  "Write \"-- safedeploy: allow RULE: reason\" or \"-- safedeploy: allow-file RULE: reason\".",
	  "comments", 0, 0, NULL },
	{ "allow-without-reason", "SUPPRESSION", MG_SEVERITY_WARNING,
	  "a hazard is allowed without saying why, so that it is not allowed",
	  "Write the reason behind a second colon: \"-- safedeploy: allow RULE: reason\".",
	  "comments", 0, 0, NULL },
	{ "allow-unknown-rule", "SUPPRESSION", MG_SEVERITY_WARNING,
	  "a rule is allowed that there is not",
	  "\"migguard rules\" lists the rules.",
	  "comments", 0, 0, NULL },
	{ "allow-unused", "SUPPRESSION", MG_SEVERITY_WARNING,
	  "a hazard is allowed that is not there",
	  "Remove the comment, or move it to the statement that it is meant for.",
	  "comments", 0, 0, NULL },
	{ NULL, NULL, MG_SEVERITY_OFF, NULL, NULL, NULL, 0, 0, NULL },
};
/* clang-format on */

char *
mg_rule_family(MgArena *arena, const MgRule *rule)
{
	char *name = mg_strdup(arena, rule->family);

	for (char *p = name; *p != '\0'; p++)
		*p = (char) tolower((unsigned char) *p);
	return name;
}

const MgRule *
mg_rule_find(const char *name)
{
	for (const MgRule *rule = mg_rules; rule->name != NULL; rule++)
		if (strcmp(rule->name, name) == 0)
			return rule;
	return NULL;
}

/* What stands in a hint for a name that is not known. */
static const char *
placeholder_word(char letter)
{
	switch (letter)
	{
#define X(letter, field, word) \
	case letter:               \
		return word;
#include "common/sd_hint_names.h"
#undef X
		default:
			return "?";
	}
}

const char *
mg_rule_hint(MgArena *arena, const MgRule *rule)
{
	const char *hint = rule->hint;
	const char *mark;
	MgBuf buf;

	mg_buf_init(&buf, arena);
	for (; (mark = strchr(hint, '%')) != NULL; hint = mark + 2)
	{
		mg_buf_addf(&buf, "%.*s", (int) (mark - hint), hint);
		mg_buf_add(&buf, placeholder_word(mark[1]));
	}
	mg_buf_add(&buf, hint);
	return buf.data;
}

const MgRule *
mg_rule_nearest(const char *name)
{
	const MgRule *best = NULL;
	/* more edits than a third of the word are another word */
	int distance = (int) strlen(name) / 3 + 2;

	for (const MgRule *rule = mg_rules; rule->name != NULL; rule++)
		if (mg_text_distance(name, rule->name) < distance)
		{
			distance = mg_text_distance(name, rule->name);
			best = rule;
		}
	return best;
}
