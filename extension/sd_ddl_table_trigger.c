/*
 * sd_ddl_table_trigger.c
 *	  Triggers and rules: what is done when a statement comes to a relation.
 */
#include "postgres.h"

#include "sd_ddl_part.h"

static bool
trigger_follows(SdDdl *ddl, SdNode *part)
{
	return sd_map_find(part, "inherited") != NULL;
}

const char *
sd_ddl_enable_words(const char *state)
{
	return strcmp(state, "disabled") == 0 ? "DISABLE" :
		   strcmp(state, "replica") == 0  ? "ENABLE REPLICA" :
		   strcmp(state, "always") == 0	  ? "ENABLE ALWAYS" :
											"ENABLE";
}

/* Whether it is not on as a new one is. */
static bool
is_switched(SdNode *part)
{
	return strcmp(sd_ddl_text(part, "enabled", "origin"), "origin") != 0;
}

/* A view's rules and triggers are switched like a table's. */
static void
set_enabled(SdDdl *ddl, const char *what, const SdDdlPart *part)
{
	sd_ddl_step(ddl, "ALTER TABLE %s %s %s %s", ddl->identity,
				sd_ddl_enable_words(sd_ddl_text(part->old, "enabled", "origin")), what, part->quoted);
}

static bool
alter_enabled(SdDdl *ddl, const char *what, const SdDdlPart *part)
{
	static const char *const keys[] = { "enabled" };

	if (!sd_ddl_differs_only_in(ddl, part, keys, lengthof(keys)))
		return false;
	if (sd_ddl_key_differs(part, "enabled"))
		set_enabled(ddl, what, part);
	return true;
}

static void
create_trigger(SdDdl *ddl, const SdDdlPart *part)
{
	const char *definition = sd_ddl_text(part->old, "definition", "");
	bool constraint = sd_ddl_true(part->old, "constraint");
	const char *timing = sd_ddl_true(part->old, "deferred")	  ? " DEFERRABLE INITIALLY DEFERRED" :
						 sd_ddl_true(part->old, "deferrable") ? " DEFERRABLE" :
																"";
	/* the table comes after the events, what follows starts with one of these words */
	static const char *const words[] = { " FROM ", " REFERENCING ", " FOR EACH " };
	const char *rest = definition + strlen(definition);

	for (int i = 0; i < lengthof(words); i++)
	{
		const char *found = strstr(definition, words[i]);

		if (found != NULL && found < rest)
			rest = found;
	}
	/* FROM another table stands before the timing, all else after it */
	if (timing[0] != '\0' && strncmp(rest, " FROM ", 6) == 0)
	{
		const char *each = strstr(rest, " FOR EACH ");

		sd_ddl_step(ddl, "CREATE CONSTRAINT TRIGGER %s %.*s ON %s%.*s%s%s", part->quoted,
					(int) (rest - definition), definition, ddl->identity, (int) (each - rest), rest,
					timing, each);
	}
	else
		sd_ddl_step(ddl, "CREATE %sTRIGGER %s %.*s ON %s%s%s", constraint ? "CONSTRAINT " : "",
					part->quoted, (int) (rest - definition), definition, ddl->identity, timing, rest);
	if (is_switched(part->old))
		set_enabled(ddl, "TRIGGER", part);
	sd_ddl_mark(part->old);
}

static bool
alter_trigger(SdDdl *ddl, const SdDdlPart *part)
{
	return alter_enabled(ddl, "TRIGGER", part);
}

static void
drop_trigger(SdDdl *ddl, const SdDdlPart *part)
{
	sd_ddl_step(ddl, "DROP TRIGGER %s ON %s", part->quoted, sd_ddl_here(ddl));
}

/* One that comes with the trigger of the parent may be switched on and off by itself. */
static void
follow_trigger(SdDdl *ddl, const SdDdlPart *part)
{
	if (part->old == NULL)
		return;
	if (part->new != NULL)
	{
		if (sd_ddl_key_differs(part, "enabled"))
			set_enabled(ddl, "TRIGGER", part);
	}
	else if (is_switched(part->old))
	{
		ddl->stage = SD_DDL_AFTER;
		set_enabled(ddl, "TRIGGER", part);
		ddl->stage = SD_DDL_MAKE;
	}
}

static void
create_rule(SdDdl *ddl, const SdDdlPart *part)
{
	sd_ddl_step(ddl, "CREATE RULE %s AS %s", part->quoted, sd_ddl_text(part->old, "definition", ""));
	if (is_switched(part->old))
		set_enabled(ddl, "RULE", part);
	sd_ddl_mark(part->old);
}

static bool
alter_rule(SdDdl *ddl, const SdDdlPart *part)
{
	return alter_enabled(ddl, "RULE", part);
}

static void
drop_rule(SdDdl *ddl, const SdDdlPart *part)
{
	sd_ddl_step(ddl, "DROP RULE %s ON %s", part->quoted, sd_ddl_here(ddl));
}

const SdDdlPartKind sd_ddl_triggers = {
	.number = SD_DIFF_TRIGGERS,
	.collection = "triggers",
	.facet = "core",
	.create = create_trigger,
	.alter = alter_trigger,
	.drop = drop_trigger,
	.follows = trigger_follows,
	.follow = follow_trigger,
};

const SdDdlPartKind sd_ddl_rules = {
	.number = SD_DIFF_RULES,
	.collection = "rules",
	.facet = "core",
	.create = create_rule,
	.alter = alter_rule,
	.drop = drop_rule,
};
