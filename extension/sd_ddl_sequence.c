/*
 * sd_ddl_sequence.c
 *	  Sequences: those of their own, and the parameters of identity columns.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_table.h"

/* Parameters in the order in which they can stand in a statement. */
static const struct
{
	const char *key;
	const char *clause;
} parameters[] = {
	{ "type", "AS" },	   { "increment", "INCREMENT BY" }, { "min", "MINVALUE" },
	{ "max", "MAXVALUE" }, { "start", "START WITH" },		{ "cache", "CACHE" },
};

char *
sd_ddl_sequence_clauses(SdNode *old, SdNode *new, const char *set, bool with_type)
{
	StringInfoData buf;
	bool cycle = sd_ddl_true(old, "cycle");
	/* a new type brings new bounds, so they are said again */
	bool retyped = new != NULL && !sd_ddl_equal(sd_map_find(old, "type"), sd_map_find(new, "type"));

	initStringInfo(&buf);
	for (int i = 0; i < lengthof(parameters); i++)
	{
		const char *value = sd_ddl_text(old, parameters[i].key, NULL);
		SdNode *other = new ? sd_ddl_get(new, parameters[i].key) : NULL;
		bool is_type = i == 0;

		if (value == NULL || (is_type && !with_type) ||
			(sd_ddl_equal(sd_map_find(old, parameters[i].key), other) && !retyped && new != NULL))
			continue;
		appendStringInfo(&buf, " %s%s %s", set, parameters[i].clause, value);
	}
	if (new == NULL ? cycle : cycle != sd_ddl_true(new, "cycle"))
		appendStringInfo(&buf, " %s%s", set, cycle ? "CYCLE" : "NO CYCLE");
	return buf.data;
}

void
sd_ddl_create_sequence(SdDdl *ddl)
{
	SdNode *core = sd_ddl_get(ddl->old, "core");
	const char *persistence = sd_ddl_text(core, "persistence", NULL);
	const char *owned_by = sd_ddl_text(core, "owned_by", NULL);
	SdDdlStep *step;

	step = sd_ddl_step(ddl, "CREATE %s%sSEQUENCE %s%s", persistence ? persistence : "",
					   persistence ? " " : "", ddl->identity,
					   sd_ddl_sequence_clauses(core, NULL, "", true));
	sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_CERTAIN,
				 "the sequence starts anew, the value that it had reached is gone");
	if (owned_by != NULL)
	{
		ddl->part = "owned_by";
		sd_ddl_step(ddl, "ALTER SEQUENCE %s OWNED BY %s", ddl->identity, owned_by);
		ddl->part = NULL;
	}
}

bool
sd_ddl_alter_sequence(SdDdl *ddl)
{
	SdNode *old = sd_ddl_get(ddl->old, "core");
	SdNode *new = sd_ddl_get(ddl->new, "core");
	const char *clauses = sd_ddl_sequence_clauses(old, new, "", true);

	if (clauses[0] != '\0')
		sd_ddl_step(ddl, "ALTER SEQUENCE %s%s", ddl->identity, clauses);
	if (sd_ddl_changed(ddl, "core", "persistence"))
		sd_ddl_step(ddl, "ALTER SEQUENCE %s SET %s", ddl->identity,
					sd_ddl_old(ddl, "core", "persistence", NULL) ? "UNLOGGED" : "LOGGED");
	if (sd_ddl_changed(ddl, "core", "owned_by"))
	{
		const char *owner = sd_ddl_old(ddl, "core", "owned_by", NULL);

		ddl->part = "owned_by";
		/* an owner that is dropped must not take the sequence along */
		if (sd_ddl_new(ddl, "core", "owned_by", NULL) != NULL)
		{
			ddl->stage = SD_DDL_BEFORE;
			sd_ddl_step(ddl, "ALTER SEQUENCE %s OWNED BY NONE", ddl->new_identity);
			ddl->stage = SD_DDL_MAKE;
		}
		if (owner != NULL)
			sd_ddl_step(ddl, "ALTER SEQUENCE %s OWNED BY %s", ddl->identity, owner);
		ddl->part = NULL;
	}
	return true;
}
