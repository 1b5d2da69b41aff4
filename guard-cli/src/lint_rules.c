/*
 * lint_rules.c
 *	  The table of rules: the server's, from the same source, and lint's own.
 */
#include "lint_rules.h"

#include <ctype.h>
#include <string.h>

#include "mg_rule_examples.h"
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
	{ "observed-differs", "OBSERVED", MG_SEVERITY_WARNING,
	  "a statement did in the rehearsal what was not predicted, or not what was",
	  "Judge the statement by what was observed; a prediction that is wrong is a fault of the analysis, worth a report.",
	  "any statement of a rehearsal", 0, 0, NULL },
	{ "observed-drop", "OBSERVED", MG_SEVERITY_ERROR,
	  "the rehearsal of a migration that could not be predicted drops something",
	  "Let the application forget the object first; a backup is the only way back for what it holds.",
	  "any statement of a rehearsal", 0, 0, NULL },
	{ "observed-lock", "OBSERVED", MG_SEVERITY_INFO,
	  "the rehearsal of a migration that could not be predicted locks a table against all others",
	  "Keep lock_timeout short, and the transaction too.",
	  "any statement of a rehearsal", 0, 0, NULL },
	{ "observed-opaque", "OBSERVED", MG_SEVERITY_WARNING,
	  "what a statement did in the rehearsal is not all on record",
	  "Read the migration; what was not seen is not safe.",
	  "any statement of a rehearsal", 0, 0, NULL },
	{ "observed-rewrite", "OBSERVED", MG_SEVERITY_WARNING,
	  "the rehearsal of a migration that could not be predicted rewrites a table",
	  "Look for the statement that does it in the plan, and for its safer way by \"migguard explain\".",
	  "any statement of a rehearsal", 0, 0, NULL },
	{ "observed-scan", "OBSERVED", MG_SEVERITY_WARNING,
	  "the rehearsal of a migration that could not be predicted reads all of a table while nobody can write to it",
	  "Look for the statement that does it in the plan, and for its safer way by \"migguard explain\".",
	  "any statement of a rehearsal", 0, 0, NULL },
	{ "migration-opaque", "OPAQUE", MG_SEVERITY_ERROR,
	  "the SQL of a migration cannot be told without running it",
	  "Write the migration so that \"alembic upgrade --sql\" prints it, or rehearse it: migguard plan.",
	  "revisions of Alembic's", 0, 0, NULL },
	{ "placeholder-unknown", "FAILURE", MG_SEVERITY_ERROR,
	  "a placeholder of a migration has no value",
	  "Set it in flyway.toml, flyway.conf or the environment.",
	  "migrations of Flyway's", 0, 0, NULL },
	{ "migration-fails", "FAILURE", MG_SEVERITY_ERROR,
	  "a migration fails where the schema before it has been loaded",
	  "Change the migration, or the schema that it is tried on.",
	  "migrations, where lint has a server of its own", 0, 0, NULL },
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

const MgRuleExample *
mg_rule_example(const MgRule *rule)
{
	for (const MgRuleExample *example = mg_rule_examples; example->rule != NULL; example++)
		if (strcmp(example->rule, rule->name) == 0)
			return example;
	return NULL;
}

/* clang-format off */
static const char *const reasons[][2] = {
	{ "DROP", "What is dropped is gone with what it holds, for running code at once and for a downgrade for "
	  "good: only a backup brings the rows back." },
	{ "REWRITE", "The server copies the whole table and builds its indexes anew under ACCESS EXCLUSIVE: "
	  "nobody reads or writes it meanwhile, and it needs the space twice." },
	{ "SCAN", "The server reads the whole table, or builds an index from it, while others wait. On a small "
	  "table nobody notices; the time grows with the table." },
	{ "LOCK", "A strong lock waits for every transaction that uses the table, and all who come later wait "
	  "behind it. One long query is enough to stop the application." },
	{ "RENAME", "Code that is running, and code that is rolled back to, uses the old name. The change and "
	  "the deploy of the code cannot happen in the same moment." },
	{ "DATA", "Rows are lost, changed beyond what was meant, or make the statement fail; a downgrade cannot "
	  "bring back what is not there." },
	{ "TRANSACTION", "The statement does not fit the transaction that it is run in: it fails, commits what "
	  "was to be rolled back, or holds locks for longer than it looks." },
	{ "OPAQUE", "What cannot be analysed may do anything, and is therefore never taken for safe." },
	{ "PARTITION", "Changes of a partitioned table reach all of its partitions, with their locks and their "
	  "data, and some are refused or kept apart by the server." },
	{ "FAILURE", "The statement is refused by the server in this state of the database, and the migration "
	  "stops there." },
	{ "APPLICATION", "The schema stays valid, but code that is running now, or rolled back to, may fail or "
	  "behave in another way." },
	{ "TIMEOUT", "Without limits a statement waits and works as long as it takes, and stops everyone who "
	  "needs what it has locked." },
	{ "WORKLOAD", "The work itself is what hurts: WAL, replication lag, bloat and cache, even where no lock "
	  "is in the way." },
	{ "STYLE", "Nothing breaks today; it makes later changes harder or errors likelier." },
	{ "SECURITY", "Somebody may do more, or see more, than was meant." },
	{ "OBSERVED", "The server has recorded what the migration did to the clone. Whatever language it is written in, the "
	  "real database will see the same." },
	{ "SUPPRESSION", "A comment that allows a hazard is a decision, which others must be able to follow: it "
	  "says why, it names a rule that there is, and it goes when the hazard goes." },
};
/* clang-format on */

const char *
mg_rule_why(const MgRule *rule)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (strcmp(reasons[i][0], rule->family) == 0)
			return reasons[i][1];
	return "";
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
