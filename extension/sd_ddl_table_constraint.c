/*
 * sd_ddl_table_constraint.c
 *	  Constraints of tables and foreign tables.
 */
#include "postgres.h"

#include "sd_ddl_part.h"

static bool
is_type(SdNode *part, const char *type)
{
	const char *text = sd_ddl_scalar(sd_map_find(part, "type"));

	return text != NULL && strcmp(text, type) == 0;
}

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
	if (sd_ddl_stays_child(ddl))
		return !becomes_local(ddl, part);
	return ddl->new == NULL && !partition;
}

static void
drop_constraint(SdDdl *ddl, const SdDdlPart *part)
{
	sd_ddl_step(ddl, "%s DROP CONSTRAINT %s", sd_ddl_alter_words(ddl), part->quoted);
}

/* State of the triggers that the server keeps for a foreign key; their names hold numbers. */
static void
set_internal_triggers(SdDdl *ddl, const SdDdlPart *part, const char *state)
{
	const char *query =
		psprintf("DO $$DECLARE t record; BEGIN FOR t IN SELECT tgname, tgrelid::pg_catalog.regclass AS rel"
				 " FROM pg_catalog.pg_trigger WHERE tgconstraint = (SELECT oid FROM pg_catalog.pg_constraint"
				 " WHERE conrelid = %s::pg_catalog.regclass AND conname = %s) LOOP"
				 " EXECUTE pg_catalog.format('ALTER TABLE %%s %s TRIGGER %%I', t.rel, t.tgname); END LOOP; END$$",
				 sd_ddl_literal(ddl->identity), sd_ddl_literal(part->name),
				 sd_ddl_enable_words(state));

	sd_ddl_step(ddl, "%s", query);
}

static void
create_constraint(SdDdl *ddl, const SdDdlPart *part)
{
	SdNode *con = part->old;
	const char *triggers = sd_ddl_text(con, "triggers", NULL);
	bool foreign = is_type(con, "foreign key");
	bool valid = sd_map_find(con, "validated") == NULL;
	bool enforced = sd_map_find(con, "enforced") == NULL;
	bool online = ddl->concurrently && (foreign || is_type(con, "check")) && valid && enforced &&
				  !sd_ddl_is_partitioned(ddl->old) && ddl->new != NULL;

	sd_ddl_step(ddl, "%s ADD CONSTRAINT %s %s%s%s%s%s%s", sd_ddl_alter_words(ddl), part->quoted,
				sd_ddl_text(con, "definition", ""),
				sd_ddl_true(con, "no_inherit") ? " NO INHERIT" : "",
				sd_ddl_true(con, "deferrable") ? " DEFERRABLE" : "",
				sd_ddl_true(con, "deferred") ? " INITIALLY DEFERRED" : "",
				enforced ? "" : " NOT ENFORCED", (!valid && enforced) || online ? " NOT VALID" : "");
	if (online)
		sd_ddl_step(ddl, "%s VALIDATE CONSTRAINT %s", sd_ddl_alter_words(ddl), part->quoted);
	if (triggers != NULL && foreign)
		set_internal_triggers(ddl, part, triggers);
	sd_ddl_mark(con);
}

static bool
alter_constraint(SdDdl *ddl, const SdDdlPart *part)
{
	static const char *const keys[] = { "validated", "deferrable", "deferred", "triggers",
										"enforced",	 "inherited",  "local" };
	bool foreign = is_type(part->old, "foreign key");
	bool timing = sd_ddl_key_differs(part, "deferrable") || sd_ddl_key_differs(part, "deferred");

	if (!sd_ddl_differs_only_in(ddl, part, keys, lengthof(keys)) || (timing && !foreign) ||
		(sd_ddl_key_differs(part, "enforced") && !foreign) ||
		(sd_ddl_key_differs(part, "validated") && sd_map_find(part->old, "validated") != NULL))
		return false;
	if (sd_ddl_key_differs(part, "enforced"))
		sd_ddl_step(ddl, "%s ALTER CONSTRAINT %s %s", sd_ddl_alter_words(ddl), part->quoted,
					sd_map_find(part->old, "enforced") ? "NOT ENFORCED" : "ENFORCED");
	else if (sd_ddl_key_differs(part, "validated"))
		sd_ddl_step(ddl, "%s VALIDATE CONSTRAINT %s", sd_ddl_alter_words(ddl), part->quoted);
	if (timing)
		sd_ddl_step(ddl, "%s ALTER CONSTRAINT %s %s", sd_ddl_alter_words(ddl), part->quoted,
					sd_map_find(part->old, "deferred")	 ? "DEFERRABLE INITIALLY DEFERRED" :
					sd_map_find(part->old, "deferrable") ? "DEFERRABLE INITIALLY IMMEDIATE" :
														   "NOT DEFERRABLE");
	/* otherwise it goes with the inheritance */
	if (sd_ddl_key_differs(part, "local") && !sd_ddl_key_differs(part, "inherited"))
		sd_ddl_impossible(ddl,
						  "constraint %s is inherited, and whether it is local too cannot be set",
						  part->name);
	if (sd_ddl_key_differs(part, "triggers"))
		set_internal_triggers(ddl, part, sd_ddl_text(part->old, "triggers", "origin"));
	return true;
}

/*
 * A constraint that keeps nulls out goes with its column, or when the column takes
 * nulls; and not before the column's identity, which needs it.
 */
static bool
drop_not_null(SdDdl *ddl, const SdDdlPart *part)
{
	SdNode *columns;

	if (!is_type(part->new, "not null"))
		return false;
	columns = sd_ddl_peek(ddl->old, "core", "columns", NULL);
	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
	{
		const char *name = sd_ddl_key(column);
		SdNode *con = sd_ddl_not_null(ddl->new, sd_ddl_name_now(ddl, SD_DIFF_COLUMNS, name));

		if (sd_ddl_peek(ddl->new, "core", "columns", name) != NULL && con == part->new)
			sd_ddl_step(ddl, "%s DROP CONSTRAINT IF EXISTS %s", sd_ddl_alter_words(ddl),
						part->quoted);
	}
	return true;
}

/* Whether a constraint is the table's own besides being inherited. */
static bool
is_own(SdNode *con)
{
	return sd_map_find(con, "inherited") == NULL || sd_map_find(con, "local") != NULL;
}

/* What an inherited constraint is besides cannot be set by a statement. */
static void
note_lineage(SdDdl *ddl, const SdDdlPart *part)
{
	if (part->old == NULL || part->new == NULL || is_own(part->old) == is_own(part->new) ||
		sd_ddl_peek(ddl->old, "core", "partition_of", NULL) != NULL ||
		sd_ddl_peek(ddl->new, "core", "partition_of", NULL) != NULL)
		return;
	sd_ddl_impossible(ddl,
					  "constraint %s %s a constraint of the table itself, which no statement "
					  "can undo",
					  part->quoted, is_own(part->new) ? "has become" : "is no longer");
}

const SdDdlPartKind sd_ddl_constraints = {
	.number = SD_DIFF_CONSTRAINTS,
	.collection = "constraints",
	.facet = "core",
	.create = create_constraint,
	.alter = alter_constraint,
	.drop = drop_constraint,
	.drop_later = drop_not_null,
	.follows = constraint_follows,
	.note = note_lineage,
};
