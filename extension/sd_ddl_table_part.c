/*
 * sd_ddl_table_part.c
 *	  Parts of relations: constraints, indexes, triggers, rules and policies.
 *
 * A part is dropped before anything else happens and made when all is there that
 * it uses.  One that can be changed in place is, unless something that it uses
 * goes meanwhile.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/formatting.h"

#include "sd_ddl_table.h"

typedef struct Part
{
	const char *name;
	const char *quoted;
	SdNode *old; /* NULL when it was not there */
	SdNode *new; /* NULL when it is not there now */
} Part;

typedef struct PartKind
{
	SdDiffCollection number;
	const char *collection;
	const char *facet;
	void (*create)(SdDdl *ddl, const Part *part);
	/* false when it has to be made anew; NULL when that is so for every change */
	bool (*alter)(SdDdl *ddl, const Part *part);
	void (*drop)(SdDdl *ddl, const Part *part);
	/* whether it is made and dropped with another table's */
	bool (*follows)(SdDdl *ddl, SdNode *part);
} PartKind;

static const char *
here(SdDdl *ddl)
{
	return ddl->stage == SD_DDL_BEFORE ? ddl->new_identity : ddl->identity;
}

/* Whether the table hangs under its parents all the while. */
static bool
stays_child(SdDdl *ddl)
{
	static const char *const keys[] = { "partition_of", "bound", "inherits" };

	if (ddl->old == NULL || ddl->new == NULL)
		return false;
	for (int i = 0; i < lengthof(keys); i++)
		if (!sd_ddl_same(ddl, sd_ddl_peek(ddl->old, "core", keys[i], NULL),
						 sd_ddl_peek(ddl->new, "core", keys[i], NULL)))
			return false;
	return true;
}

static bool
is_type(SdNode *part, const char *type)
{
	const char *text = sd_ddl_scalar(sd_map_find(part, "type"));

	return text != NULL && strcmp(text, type) == 0;
}

/*
 * Constraints
 */

/* Whether it is of the table itself as well differs, while it stays inherited. */
static bool
becomes_local(SdDdl *ddl, SdNode *part)
{
	SdNode *old = sd_ddl_peek(ddl->old, "core", "constraints", sd_ddl_key(part));
	SdNode *new = sd_ddl_peek(ddl->new, "core", "constraints", sd_ddl_key(part));

	return old != NULL && new != NULL &&
		   !sd_ddl_equal(sd_map_find(old, "local"), sd_map_find(new, "local"));
}

/* A child that was made with INHERITS has its checks from there. */
static bool
constraint_follows(SdDdl *ddl, SdNode *part)
{
	bool partition = sd_ddl_peek(ddl->old, "core", "partition_of", NULL) != NULL;

	if (sd_map_find(part, "inherited") == NULL)
		return false;
	if (stays_child(ddl))
		return !becomes_local(ddl, part);
	return ddl->new == NULL && !partition;
}

/* That a column takes no nulls ends with the column, or is ended where the column is written. */
static bool
ends_with_column(SdDdl *ddl, SdNode *con)
{
	const char *definition = sd_ddl_text(con, "definition", "");
	SdNode *columns = sd_ddl_peek(ddl->old, "core", "columns", NULL);

	if (!is_type(con, "not null"))
		return false;
	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
		if (sd_map_find(column, "not_null") != NULL &&
			strcmp(definition + strlen("NOT NULL "), quote_identifier(sd_ddl_key(column))) == 0)
			return false;
	return true;
}

static void
drop_constraint(SdDdl *ddl, const Part *part)
{
	if (part->new != NULL && ends_with_column(ddl, part->new))
		return;
	sd_ddl_step(ddl, "%s DROP CONSTRAINT %s", sd_ddl_alter_words(ddl), part->quoted);
}

/* State of the triggers that the server keeps for a foreign key; their names hold numbers. */
static void
set_internal_triggers(SdDdl *ddl, const Part *part, const char *state)
{
	const char *words = strcmp(state, "disabled") == 0 ? "DISABLE TRIGGER" :
						strcmp(state, "replica") == 0  ? "ENABLE REPLICA TRIGGER" :
						strcmp(state, "always") == 0   ? "ENABLE ALWAYS TRIGGER" :
														 "ENABLE TRIGGER";
	const char *query =
		psprintf("DO $$DECLARE t record; BEGIN FOR t IN SELECT tgname, tgrelid::pg_catalog.regclass AS rel"
				 " FROM pg_catalog.pg_trigger WHERE tgconstraint = (SELECT oid FROM pg_catalog.pg_constraint"
				 " WHERE conrelid = %s::pg_catalog.regclass AND conname = %s) LOOP"
				 " EXECUTE pg_catalog.format('ALTER TABLE %%s %s %%I', t.rel, t.tgname); END LOOP; END$$",
				 sd_ddl_literal(ddl->identity), sd_ddl_literal(part->name), words);

	sd_ddl_step(ddl, "%s", query);
}

static void
create_constraint(SdDdl *ddl, const Part *part)
{
	SdNode *con = part->old;
	const char *type = sd_ddl_text(con, "type", "");
	const char *triggers = sd_ddl_text(con, "triggers", NULL);
	bool checks = is_type(con, "check") || is_type(con, "foreign key");
	bool valid = sd_map_find(con, "validated") == NULL;
	bool enforced = sd_map_find(con, "enforced") == NULL;
	bool online = ddl->concurrently && checks && valid && enforced &&
				  ddl->new != NULL &&sd_ddl_peek(ddl->old, "core", "partition_key", NULL) == NULL;

	sd_ddl_step(ddl, "%s ADD CONSTRAINT %s %s%s%s%s%s%s", sd_ddl_alter_words(ddl), part->quoted,
				sd_ddl_text(con, "definition", ""),
				sd_ddl_true(con, "no_inherit") ? " NO INHERIT" : "",
				sd_ddl_true(con, "deferrable") ? " DEFERRABLE" : "",
				sd_ddl_true(con, "deferred") ? " INITIALLY DEFERRED" : "",
				enforced ? "" : " NOT ENFORCED", (!valid && enforced) || online ? " NOT VALID" : "");
	if (online)
		sd_ddl_step(ddl, "%s VALIDATE CONSTRAINT %s", sd_ddl_alter_words(ddl), part->quoted);
	if (triggers != NULL && strcmp(type, "foreign key") == 0)
		set_internal_triggers(ddl, part, triggers);
	sd_ddl_mark(con);
}

/* Keys whose values differ, when they are among those given; otherwise it is more than that. */
static bool
differs_in(SdDdl *ddl, const Part *part, const char *const *keys, int count)
{
	SdNode *sides[2] = { part->old, part->new };

	for (int side = 0; side < 2; side++)
		for (SdNode *node = sides[side]->first; node != NULL; node = node->next)
		{
			const char *key = sd_ddl_key(node);
			bool allowed = false;

			for (int i = 0; i < count; i++)
				allowed |= strcmp(keys[i], key) == 0;
			if (!allowed &&
				!sd_ddl_same(ddl, sd_map_find(part->old, key), sd_map_find(part->new, key)))
				return false;
		}
	return true;
}

static bool
key_differs(const Part *part, const char *key)
{
	return !sd_ddl_equal(sd_map_find(part->old, key), sd_map_find(part->new, key));
}

static bool
alter_constraint(SdDdl *ddl, const Part *part)
{
	static const char *const keys[] = { "validated", "deferrable", "deferred", "triggers",
										"enforced",	 "inherited",  "local" };
	bool foreign = is_type(part->old, "foreign key");
	bool timing = key_differs(part, "deferrable") || key_differs(part, "deferred");

	if (!differs_in(ddl, part, keys, lengthof(keys)) || (timing && !foreign) ||
		(key_differs(part, "enforced") && !foreign) ||
		(key_differs(part, "validated") && sd_map_find(part->old, "validated") != NULL))
		return false;
	if (key_differs(part, "enforced"))
		sd_ddl_step(ddl, "%s ALTER CONSTRAINT %s %s", sd_ddl_alter_words(ddl), part->quoted,
					sd_map_find(part->old, "enforced") ? "NOT ENFORCED" : "ENFORCED");
	else if (key_differs(part, "validated"))
		sd_ddl_step(ddl, "%s VALIDATE CONSTRAINT %s", sd_ddl_alter_words(ddl), part->quoted);
	if (timing)
		sd_ddl_step(ddl, "%s ALTER CONSTRAINT %s %s", sd_ddl_alter_words(ddl), part->quoted,
					sd_map_find(part->old, "deferred")	 ? "DEFERRABLE INITIALLY DEFERRED" :
					sd_map_find(part->old, "deferrable") ? "DEFERRABLE INITIALLY IMMEDIATE" :
														   "NOT DEFERRABLE");
	/* otherwise it goes with the inheritance */
	if (key_differs(part, "local") && !key_differs(part, "inherited"))
		sd_ddl_impossible(ddl,
						  "constraint %s is inherited, and whether it is local too cannot be set",
						  part->name);
	if (key_differs(part, "triggers"))
		set_internal_triggers(ddl, part, sd_ddl_text(part->old, "triggers", "origin"));
	return true;
}

/*
 * Indexes
 */

static bool
index_follows(SdDdl *ddl, SdNode *part)
{
	/* one of its own that is on a partition is attached when its parent is made */
	return false;
}

static bool
is_partitioned(SdNode *side)
{
	return sd_ddl_peek(side, "core", "partition_key", NULL) != NULL;
}

/* Made and dropped without keeping writers out, where that can be done at all. */
static bool
without_lock(SdDdl *ddl)
{
	return ddl->concurrently && ddl->old != NULL && ddl->new != NULL && !is_partitioned(ddl->old);
}

static void
create_index(SdDdl *ddl, const Part *part)
{
	SdNode *index = part->old;
	bool whole = is_partitioned(ddl->old);
	bool invalid = sd_map_find(index, "valid") != NULL || sd_map_find(index, "ready") != NULL;
	bool outside = without_lock(ddl);
	SdDdlStep *step;

	if (invalid && !whole)
		sd_ddl_impossible(ddl,
						  "index %s was not valid, which no statement can make it again: the step "
						  "before makes a good one",
						  part->quoted);
	step = sd_ddl_step(ddl, "CREATE %sINDEX %s%s ON %s%s %s",
					   sd_ddl_true(index, "unique") ? "UNIQUE " : "", outside ? "CONCURRENTLY " : "",
					   part->quoted, invalid && whole ? "ONLY " : "", ddl->identity,
					   sd_ddl_text(index, "definition", ""));
	step->outside = outside;
	sd_ddl_mark(index);
}

static void
drop_index(SdDdl *ddl, const Part *part)
{
	const char *name = sd_ddl_index_name(ddl, here(ddl), part->name);
	SdDdlStep *step;

	/* goes with the one of the partitioned table */
	if (stays_child(ddl) && sd_map_find(part->new, "partition_of") != NULL)
		return;
	if (without_lock(ddl) && part->old == NULL)
	{
		step = sd_ddl_step(ddl, "DROP INDEX CONCURRENTLY IF EXISTS %s", name);
		step->outside = true;
	}
	else
		sd_ddl_step(ddl, "DROP INDEX %s", name);
}

static bool
alter_index(SdDdl *ddl, const Part *part)
{
	static const char *const keys[] = { "partition_of", "valid", "ready" };
	const char *parent = sd_ddl_text(part->old, "partition_of", NULL);

	if (!differs_in(ddl, part, keys, lengthof(keys)))
		return false;
	if (key_differs(part, "valid") || key_differs(part, "ready"))
	{
		bool now_bad =
			sd_map_find(part->new, "valid") != NULL || sd_map_find(part->new, "ready") != NULL;

		if (now_bad || is_partitioned(ddl->old))
			return false;
		sd_ddl_impossible(ddl, "index %s was not valid and is now, which no statement can undo",
						  part->quoted);
	}
	if (!sd_ddl_same(ddl, sd_map_find(part->old, "partition_of"),
					 sd_map_find(part->new, "partition_of")))
	{
		if (parent == NULL && stays_child(ddl))
			return false;
		if (parent != NULL && stays_child(ddl))
		{
			SdDdlStep *step = sd_ddl_step(ddl, "ALTER INDEX %s ATTACH PARTITION %s", parent,
										  sd_ddl_index_name(ddl, ddl->identity, part->name));

			step->stage = SD_DDL_AFTER;
		}
	}
	return true;
}

/*
 * Triggers, rules and policies
 */

static bool
trigger_follows(SdDdl *ddl, SdNode *part)
{
	return sd_map_find(part, "inherited") != NULL;
}

static const char *
enable_words(const char *state)
{
	return strcmp(state, "disabled") == 0 ? "DISABLE" :
		   strcmp(state, "replica") == 0  ? "ENABLE REPLICA" :
		   strcmp(state, "always") == 0	  ? "ENABLE ALWAYS" :
											"ENABLE";
}

static void
set_enabled(SdDdl *ddl, const char *what, const Part *part)
{
	/* a view's rules and triggers are switched like a table's */
	sd_ddl_step(ddl, "ALTER TABLE %s %s %s %s", ddl->identity,
				enable_words(sd_ddl_text(part->old, "enabled", "origin")), what, part->quoted);
}

static void
create_trigger(SdDdl *ddl, const Part *part)
{
	const char *definition = sd_ddl_text(part->old, "definition", "");
	bool constraint = sd_ddl_true(part->old, "constraint");
	const char *timing = sd_ddl_true(part->old, "deferred")	  ? " DEFERRABLE INITIALLY DEFERRED" :
						 sd_ddl_true(part->old, "deferrable") ? " DEFERRABLE" :
																"";
	/* the table comes after the events, what follows starts with one of these words */
	static const char *const words[] = { " FROM ", " REFERENCING ", " FOR EACH " };
	const char *rest = NULL;

	for (int i = 0; i < lengthof(words); i++)
	{
		const char *found = strstr(definition, words[i]);

		if (found != NULL && (rest == NULL || found < rest))
			rest = found;
	}
	/* FROM another table stands before the timing, all else after it */
	if (rest != NULL && timing[0] != '\0' && strncmp(rest, " FROM ", 6) == 0)
	{
		const char *each = strstr(rest, " FOR EACH ");

		sd_ddl_step(ddl, "CREATE CONSTRAINT TRIGGER %s %.*s ON %s%.*s%s%s", part->quoted,
					(int) (rest - definition), definition, ddl->identity, (int) (each - rest), rest,
					timing, each);
	}
	else
		sd_ddl_step(ddl, "CREATE %sTRIGGER %s %.*s ON %s%s%s", constraint ? "CONSTRAINT " : "",
					part->quoted, (int) (rest - definition), definition, ddl->identity, timing, rest);
	if (strcmp(sd_ddl_text(part->old, "enabled", "origin"), "origin") != 0)
		set_enabled(ddl, "TRIGGER", part);
	sd_ddl_mark(part->old);
}

static bool
alter_trigger(SdDdl *ddl, const Part *part)
{
	static const char *const keys[] = { "enabled" };

	if (!differs_in(ddl, part, keys, lengthof(keys)))
		return false;
	if (key_differs(part, "enabled"))
		set_enabled(ddl, "TRIGGER", part);
	return true;
}

static void
drop_trigger(SdDdl *ddl, const Part *part)
{
	sd_ddl_step(ddl, "DROP TRIGGER %s ON %s", part->quoted, here(ddl));
}

static void
create_rule(SdDdl *ddl, const Part *part)
{
	sd_ddl_step(ddl, "CREATE RULE %s AS %s", part->quoted, sd_ddl_text(part->old, "definition", ""));
	if (strcmp(sd_ddl_text(part->old, "enabled", "origin"), "origin") != 0)
		set_enabled(ddl, "RULE", part);
	sd_ddl_mark(part->old);
}

static bool
alter_rule(SdDdl *ddl, const Part *part)
{
	static const char *const keys[] = { "enabled" };

	if (!differs_in(ddl, part, keys, lengthof(keys)))
		return false;
	if (key_differs(part, "enabled"))
		set_enabled(ddl, "RULE", part);
	return true;
}

static void
drop_rule(SdDdl *ddl, const Part *part)
{
	sd_ddl_step(ddl, "DROP RULE %s ON %s", part->quoted, here(ddl));
}

static char *
roles_sql(SdNode *roles)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (SdNode *role = roles ? roles->first : NULL; role != NULL; role = role->next)
	{
		const char *name = sd_ddl_scalar(role);

		appendStringInfo(&sql, "%s%s", role == roles->first ? "" : ", ",
						 strcmp(name, "PUBLIC") == 0 || name[0] == '"' ? name :
																		 quote_identifier(name));
	}
	return sql.data;
}

static char *
policy_clauses(SdNode *policy)
{
	const char *using = sd_ddl_text(policy, "using", NULL);
	const char *check = sd_ddl_text(policy, "with_check", NULL);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, " TO %s", roles_sql(sd_ddl_get(policy, "roles")));
	if (using != NULL)
		appendStringInfo(&sql, " USING (%s)", using);
	if (check != NULL)
		appendStringInfo(&sql, " WITH CHECK (%s)", check);
	return sql.data;
}

static void
create_policy(SdDdl *ddl, const Part *part)
{
	sd_ddl_step(ddl, "CREATE POLICY %s ON %s%s FOR %s%s", part->quoted, ddl->identity,
				sd_map_find(part->old, "permissive") ? " AS RESTRICTIVE" : "",
				asc_toupper(sd_ddl_text(part->old, "command", "all"),
							strlen(sd_ddl_text(part->old, "command", "all"))),
				policy_clauses(part->old));
	sd_ddl_mark(part->old);
}

static bool
alter_policy(SdDdl *ddl, const Part *part)
{
	static const char *const keys[] = { "roles", "using", "with_check" };
	bool lost = false;

	if (!differs_in(ddl, part, keys, lengthof(keys)))
		return false;
	/* an expression can be changed in place, but not taken away */
	for (int i = 1; i < lengthof(keys); i++)
		lost |= sd_map_find(part->old, keys[i]) == NULL && sd_map_find(part->new, keys[i]) != NULL;
	if (lost)
		return false;
	if (!sd_ddl_same(ddl, part->old, part->new))
		sd_ddl_step(ddl, "ALTER POLICY %s ON %s%s", part->quoted, ddl->identity,
					policy_clauses(part->old));
	return true;
}

static void
drop_policy(SdDdl *ddl, const Part *part)
{
	sd_ddl_step(ddl, "DROP POLICY %s ON %s", part->quoted, here(ddl));
}

/* In the order in which they are made, where nothing else decides. */
static const PartKind part_kinds[] = {
	{ SD_DIFF_CONSTRAINTS, "constraints", "core", create_constraint, alter_constraint,
	  drop_constraint, constraint_follows },
	{ SD_DIFF_INDEXES, "indexes", "core", create_index, alter_index, drop_index, index_follows },
	{ SD_DIFF_RULES, "rules", "core", create_rule, alter_rule, drop_rule, NULL },
	{ SD_DIFF_TRIGGERS, "triggers", "core", create_trigger, alter_trigger, drop_trigger,
	  trigger_follows },
	{ SD_DIFF_POLICIES, "policies", "security", create_policy, alter_policy, drop_policy, NULL },
};

static void
drop_part_first(SdDdl *ddl, const PartKind *kind, const Part *part)
{
	Part now = *part;

	now.name = sd_ddl_name_now(ddl, kind->number, part->name);
	now.quoted = quote_identifier(now.name);
	ddl->stage = SD_DDL_BEFORE;
	kind->drop(ddl, &now);
	ddl->stage = SD_DDL_MAKE;
	sd_ddl_disturb(ddl, ddl->part);
}

/*
 * A constraint that keeps nulls out goes with its column, or when the column takes
 * nulls; and not before the column's identity, which needs it.
 */
static void
drop_not_null(SdDdl *ddl, const Part *part)
{
	SdNode *columns = sd_ddl_peek(ddl->old, "core", "columns", NULL);

	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
	{
		const char *name = sd_ddl_key(column);

		if (sd_ddl_not_null(ddl->new, sd_ddl_name_now(ddl, SD_DIFF_COLUMNS, name)) ==
			part->new &&sd_ddl_peek(ddl->new, "core", "columns", name) != NULL)
			sd_ddl_step(ddl, "%s DROP CONSTRAINT IF EXISTS %s", sd_ddl_alter_words(ddl),
						part->quoted);
	}
}

static void
drop_part(SdDdl *ddl, const PartKind *kind, const Part *part)
{
	if (is_type(part->new, "not null"))
	{
		drop_not_null(ddl, part);
		return;
	}
	drop_part_first(ddl, kind, part);
}

/* Whether a constraint is the table's own besides being inherited. */
static bool
is_own(SdNode *con)
{
	return sd_map_find(con, "inherited") == NULL || sd_map_find(con, "local") != NULL;
}

static void
note_lineage(SdDdl *ddl, const PartKind *kind, const Part *part)
{
	if (kind->number == SD_DIFF_CONSTRAINTS && part->old != NULL &&
		part->new != NULL &&sd_ddl_peek(ddl->old, "core", "partition_of", NULL) ==
			NULL &&sd_ddl_peek(ddl->new, "core", "partition_of", NULL) ==
			NULL &&is_own(part->old) != is_own(part->new))
		sd_ddl_impossible(ddl,
						  "constraint %s %s a constraint of the table itself, which no statement "
						  "can undo",
						  part->quoted, is_own(part->new) ? "has become" : "is no longer");
}

static void
write_part(SdDdl *ddl, const PartKind *kind, const Part *part)
{
	bool forced = sd_ddl_listed(ddl->forced, ddl->part);
	List *before = ddl->steps;
	int count = list_length(before);
	SdNode *any = part->old ? part->old : part->new;

	/* made along with its column */
	if (part->old != NULL && part->old->used)
		return;
	if (kind->follows != NULL && kind->follows(ddl, any))
	{
		/* its state may be its own */
		if (part->old != NULL && part->new != NULL &&
			kind->alter == alter_trigger &&key_differs(part, "enabled"))
			set_enabled(ddl, "TRIGGER", part);
		else if (part->old != NULL && part->new == NULL &&
				 kind->create ==
					 create_trigger &&strcmp(sd_ddl_text(part->old, "enabled", "origin"), "origin") !=
					 0)
		{
			ddl->stage = SD_DDL_AFTER;
			set_enabled(ddl, "TRIGGER", part);
			ddl->stage = SD_DDL_MAKE;
		}
	}
	else if (part->old == NULL)
		drop_part(ddl, kind, part);
	else if (part->new == NULL)
		kind->create(ddl, part);
	else if (forced || !kind->alter(ddl, part))
	{
		ddl->steps = list_truncate(ddl->steps, count);
		drop_part(ddl, kind, part);
		kind->create(ddl, part);
	}
	note_lineage(ddl, kind, part);
	sd_ddl_mark(part->old);
	sd_ddl_mark(part->new);
}

/* A constraint that is an index has its own name for it. */
void
sd_ddl_parts(SdDdl *ddl)
{
	for (int k = 0; k < lengthof(part_kinds); k++)
	{
		const PartKind *kind = &part_kinds[k];
		SdNode *old = sd_ddl_peek(ddl->old, kind->facet, kind->collection, NULL);
		SdNode *new = sd_ddl_peek(ddl->new, kind->facet, kind->collection, NULL);

		for (int side = 0; side < 2; side++)
			for (SdNode *node = (side == 0 ? new : old) ? (side == 0 ? new : old)->first : NULL;
				 node != NULL; node = node->next)
			{
				Part part = { .name = sd_ddl_key(node) };

				part.quoted = quote_identifier(part.name);
				part.old = old ? sd_map_find(old, part.name) : NULL;
				part.new = new ? sd_map_find(new, part.name) : NULL;
				if (side == 1 && part.new != NULL)
					continue;
				ddl->part = sd_ddl_part(kind->collection, part.name);
				write_part(ddl, kind, &part);
				ddl->part = NULL;
			}
	}
}
