/*
 * sd_ddl_table_storage.c
 *	  How relations are stored, row security, and comments and privileges of parts.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_table.h"

static SdNode *
storage(SdNode *side, const char *key)
{
	return sd_ddl_peek(side, "storage", key, NULL);
}

/* "a=1, toast.b=2" */
static char *
prefixed_options(SdNode *options, const char *prefix, bool values)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (SdNode *option = options ? options->first : NULL; option != NULL; option = option->next)
	{
		appendStringInfo(&sql, "%s%s%s", option == options->first ? "" : ", ", prefix,
						 quote_identifier(sd_ddl_key(option)));
		if (values)
			appendStringInfo(&sql, "=%s", sd_ddl_literal(sd_ddl_scalar(option)));
	}
	return sql.data;
}

char *
sd_ddl_storage_clauses(SdDdl *ddl)
{
	const char *options = prefixed_options(storage(ddl->old, "options"), "", true);
	const char *toast = prefixed_options(storage(ddl->old, "toast_options"), "toast.", true);
	const char *method = sd_ddl_scalar(storage(ddl->old, "access_method"));
	const char *tablespace = sd_ddl_scalar(storage(ddl->old, "tablespace"));
	static const char *const keys[] = { "options", "toast_options", "access_method", "tablespace" };
	StringInfoData sql;

	initStringInfo(&sql);
	if (method != NULL)
		appendStringInfo(&sql, " USING %s", method);
	if (options[0] != '\0' || toast[0] != '\0')
		appendStringInfo(&sql, " WITH (%s%s%s)", options,
						 options[0] != '\0' && toast[0] != '\0' ? ", " : "", toast);
	if (tablespace != NULL)
		appendStringInfo(&sql, " TABLESPACE %s", quote_identifier(tablespace));
	for (int i = 0; i < lengthof(keys); i++)
		sd_ddl_mark(storage(ddl->old, keys[i]));
	return sql.data;
}

/* SET and RESET of the options that differ. */
static void
write_options(SdDdl *ddl, const char *words, SdNode *old, SdNode *new, const char *prefix)
{
	SdNode *set = sd_node_map();
	SdNode *reset = sd_node_map();

	for (SdNode *option = old ? old->first : NULL; option != NULL; option = option->next)
		if (!sd_ddl_equal(option, new ? sd_map_find(new, sd_ddl_key(option)) : NULL))
			sd_put_text(set, sd_ddl_key(option), sd_ddl_scalar(option));
	for (SdNode *option = new ? new->first : NULL; option != NULL; option = option->next)
		if (old == NULL || sd_map_find(old, sd_ddl_key(option)) == NULL)
			sd_put_text(reset, sd_ddl_key(option), "");
	sd_ddl_mark(old);
	sd_ddl_mark(new);
	if (set->first != NULL)
		sd_ddl_step(ddl, "%s SET (%s)", words, prefixed_options(set, prefix, true));
	if (reset->first != NULL)
		sd_ddl_step(ddl, "%s RESET (%s)", words, prefixed_options(reset, prefix, false));
}

static void
column_storage(SdDdl *ddl)
{
	SdNode *old = storage(ddl->old, "columns");
	SdNode *new = storage(ddl->new, "columns");
	SdNode *columns = sd_ddl_peek(ddl->old, "core", "columns", NULL);

	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
	{
		const char *name = sd_ddl_key(column);
		SdNode *before = old ? sd_map_find(old, name) : NULL;
		/* a column that is made anew has nothing yet */
		bool anew = sd_ddl_peek(ddl->new, "core", "columns", name) == NULL ||
					sd_ddl_peek(ddl->new, "core", "columns", name)->used;
		SdNode *after = new ? sd_map_find(new, name) : NULL;
		const char *words =
			psprintf("%s ALTER COLUMN %s", sd_ddl_alter_words(ddl), quote_identifier(name));
		const char *value;

		if (anew)
		{
			sd_ddl_mark(after);
			after = NULL;
		}
		/* a change of type resets the storage, and the setting has to be said again */
		value = sd_ddl_text(before, "storage", NULL);
		if (value != NULL || sd_ddl_get(after, "storage") != NULL)
		{
			bool retyped = sd_ddl_listed(ddl->disturbed, sd_ddl_part("columns", name));

			if (value == NULL && !retyped)
				sd_ddl_step(ddl,
							"DO $$BEGIN EXECUTE pg_catalog.format('%%s SET STORAGE %%s', %s, (SELECT"
							" CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'"
							" WHEN 'm' THEN 'main' ELSE 'extended' END FROM pg_catalog.pg_type t"
							" JOIN pg_catalog.pg_attribute a ON a.atttypid = t.oid WHERE"
							" a.attrelid = %s::pg_catalog.regclass AND a.attname = %s)); END$$",
							sd_ddl_literal(words), sd_ddl_literal(ddl->identity),
							sd_ddl_literal(name));
			else if (value != NULL &&
					 (retyped || !sd_ddl_equal(sd_map_find(before, "storage"),
											   after ? sd_map_find(after, "storage") : NULL)))
				sd_ddl_step(ddl, "%s SET STORAGE %s", words, value);
		}
		if (!sd_ddl_equal(sd_ddl_get(before, "compression"), sd_ddl_get(after, "compression")))
			sd_ddl_step(ddl, "%s SET COMPRESSION %s", words,
						sd_ddl_text(before, "compression", "default"));
		if (!sd_ddl_equal(sd_ddl_get(before, "statistics"), sd_ddl_get(after, "statistics")))
			sd_ddl_step(ddl, "%s SET STATISTICS %s", words, sd_ddl_text(before, "statistics", "-1"));
		write_options(ddl, words, before ? sd_map_find(before, "options") : NULL,
					  after ? sd_map_find(after, "options") : NULL, "");
	}
	/* what is stored of a column that goes needs nothing */
	for (SdNode *column = new ? new->first : NULL; column != NULL; column = column->next)
		if (sd_map_find(columns, sd_ddl_key(column)) == NULL)
			sd_ddl_mark(column);
}

/* Whether an index is dropped, or made in this run, so that it starts without anything. */
static bool
index_is_gone(SdDdl *ddl, const char *name)
{
	SdNode *there = sd_ddl_peek(ddl->new, "core", "indexes", name);

	if (there == NULL)
		there = sd_ddl_peek(ddl->new, "core", "constraints", name);
	return there == NULL || sd_ddl_listed(ddl->disturbed, sd_ddl_part("indexes", name)) ||
		   sd_ddl_listed(ddl->disturbed, sd_ddl_part("constraints", name));
}

static bool
index_was_there(SdDdl *ddl, const char *name)
{
	return sd_ddl_peek(ddl->old, "core", "indexes", name) != NULL ||
		   sd_ddl_peek(ddl->old, "core", "constraints", name) != NULL;
}

static void
one_index_storage(SdDdl *ddl, const char *name, SdNode *before, SdNode *after)
{
	const char *words = psprintf("ALTER INDEX %s", sd_ddl_index_name(ddl, ddl->identity, name));
	SdNode *targets[2];
	const char *tablespace = sd_ddl_text(before, "tablespace", NULL);

	ddl->part =
		sd_ddl_part(sd_ddl_peek(ddl->old, "core", "constraints", name) ? "constraints" : "indexes",
					name);
	write_options(ddl, words, before ? sd_map_find(before, "options") : NULL,
				  after ? sd_map_find(after, "options") : NULL, "");
	if (!sd_ddl_equal(sd_ddl_get(before, "tablespace"), sd_ddl_get(after, "tablespace")))
		sd_ddl_step(ddl, "%s SET TABLESPACE %s", words,
					tablespace ? quote_identifier(tablespace) : "pg_default");
	targets[0] = before ? sd_map_find(before, "statistics") : NULL;
	targets[1] = after ? sd_map_find(after, "statistics") : NULL;
	for (SdNode *target = targets[0] ? targets[0]->first : NULL; target != NULL; target = target->next)
		if (!sd_ddl_equal(target, targets[1] ? sd_map_find(targets[1], sd_ddl_key(target)) : NULL))
			sd_ddl_step(ddl, "%s ALTER COLUMN %s SET STATISTICS %s", words, sd_ddl_key(target),
						sd_ddl_scalar(target));
	for (SdNode *target = targets[1] ? targets[1]->first : NULL; target != NULL; target = target->next)
		if (targets[0] == NULL || sd_map_find(targets[0], sd_ddl_key(target)) == NULL)
			sd_ddl_step(ddl, "%s ALTER COLUMN %s SET STATISTICS -1", words, sd_ddl_key(target));
	sd_ddl_mark(targets[0]);
	sd_ddl_mark(targets[1]);
	ddl->part = NULL;
}

static void
index_storage(SdDdl *ddl)
{
	SdNode *old = storage(ddl->old, "indexes");
	SdNode *new = storage(ddl->new, "indexes");

	for (SdNode *index = old ? old->first : NULL; index != NULL; index = index->next)
	{
		const char *name = sd_ddl_key(index);
		SdNode *after = new ? sd_map_find(new, name) : NULL;

		if (index_is_gone(ddl, name))
		{
			sd_ddl_mark(after);
			after = NULL;
		}
		one_index_storage(ddl, name, index, after);
	}
	for (SdNode *index = new ? new->first : NULL; index != NULL; index = index->next)
	{
		const char *name = sd_ddl_key(index);

		if (old != NULL && sd_map_find(old, name) != NULL)
			continue;
		if (index_was_there(ddl, name) && !index_is_gone(ddl, name))
			one_index_storage(ddl, name, NULL, index);
		else
			sd_ddl_mark(index);
	}
}

/* Marks that name an index, which has to be there by then. */
static void
index_marks(SdDdl *ddl)
{
	const char *identity = sd_ddl_scalar(storage(ddl->old, "replica_identity"));
	const char *cluster = sd_ddl_scalar(storage(ddl->old, "cluster"));
	const char *words;
	bool remade = cluster != NULL && index_is_gone(ddl, cluster);

	ddl->stage = SD_DDL_AFTER;
	words = sd_ddl_alter_words(ddl);
	if (sd_ddl_changed(ddl, "storage", "replica_identity") ||
		(identity != NULL && strncmp(identity, "index ", 6) == 0 && ddl->disturbed != NIL))
	{
		if (identity != NULL && strncmp(identity, "index ", 6) == 0)
			sd_ddl_step(ddl, "%s REPLICA IDENTITY USING INDEX %s", words, identity + 6);
		else
			sd_ddl_step(ddl, "%s REPLICA IDENTITY %s", words,
						identity == NULL			  ? "DEFAULT" :
						strcmp(identity, "full") == 0 ? "FULL" :
														"NOTHING");
	}
	if (sd_ddl_changed(ddl, "storage", "cluster") || remade)
	{
		if (cluster != NULL)
			sd_ddl_step(ddl, "%s CLUSTER ON %s", words, quote_identifier(cluster));
		else
			sd_ddl_step(ddl, "%s SET WITHOUT CLUSTER", words);
	}
	ddl->stage = SD_DDL_MAKE;
}

void
sd_ddl_storage(SdDdl *ddl)
{
	const char *words = sd_ddl_alter_words(ddl);
	const char *tablespace = sd_ddl_scalar(storage(ddl->old, "tablespace"));
	const char *method = sd_ddl_scalar(storage(ddl->old, "access_method"));

	if (ddl->new != NULL)
	{
		write_options(ddl, words, storage(ddl->old, "options"), storage(ddl->new, "options"), "");
		write_options(ddl, words, storage(ddl->old, "toast_options"),
					  storage(ddl->new, "toast_options"), "toast.");
		if (sd_ddl_changed(ddl, "storage", "tablespace"))
			sd_ddl_step(ddl, "%s SET TABLESPACE %s", words,
						tablespace ? quote_identifier(tablespace) : "pg_default");
		if (sd_ddl_changed(ddl, "storage", "access_method"))
		{
#if PG_VERSION_NUM >= 150000
			sd_ddl_step(ddl, "%s SET ACCESS METHOD %s", words, method ? method : "heap");
#else
			sd_ddl_impossible(ddl,
							  "the access method of a table cannot be changed to %s before "
							  "PostgreSQL 15",
							  method ? method : "heap");
#endif
		}
	}
	column_storage(ddl);
	index_storage(ddl);
	index_marks(ddl);
}

void
sd_ddl_column_privileges(SdDdl *ddl)
{
	SdNode *columns = sd_ddl_peek(ddl->old, "core", "columns", NULL);
	const char *owners[2] = { sd_ddl_scalar(sd_ddl_peek(ddl->old, "owner", "name", NULL)),
							  sd_ddl_scalar(sd_ddl_peek(ddl->new, "owner", "name", NULL)) };
	SdNode *gone = sd_ddl_peek(ddl->new, "security", "columns", NULL);

	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
	{
		const char *name = sd_ddl_key(column);
		SdNode *old = sd_ddl_peek(ddl->old, "security", "columns", name);
		SdNode *new = sd_ddl_peek(ddl->new, "security", "columns", name);
		SdNode *there = sd_ddl_peek(ddl->new, "core", "columns", name);
		SdNode *identity = sd_map_find(column, "identity");

		sd_ddl_mark(old);
		sd_ddl_mark(new);
		/* what was granted on a column goes with it */
		if (there == NULL ||
			(there->used && sd_ddl_listed(ddl->disturbed, sd_ddl_part("columns", name))))
			new = NULL;
		if (old == NULL && new == NULL)
			continue;
		sd_ddl_privileges(ddl, psprintf("TABLE %s", ddl->identity),
						  psprintf("(%s)", quote_identifier(name)), OBJECT_COLUMN,
						  old ? sd_map_find(old, "acl") : NULL,
						  new ? sd_map_find(new, "acl") : NULL, owners[0], owners[1]);
		if (identity != NULL)
			sd_ddl_privileges(ddl,
							  psprintf("SEQUENCE %s",
									   sd_ddl_scalar(sd_map_find(identity, "sequence"))),
							  NULL, OBJECT_SEQUENCE, old ? sd_map_find(old, "sequence_acl") : NULL,
							  new ? sd_map_find(new, "sequence_acl") : NULL, owners[0], owners[1]);
		sd_ddl_labels(ddl, psprintf("COLUMN %s.%s", ddl->identity, quote_identifier(name)),
					  old ? sd_map_find(old, "security_labels") : NULL,
					  new ? sd_map_find(new, "security_labels") : NULL);
		if (identity != NULL)
			sd_ddl_labels(ddl,
						  psprintf("SEQUENCE %s", sd_ddl_scalar(sd_map_find(identity, "sequence"))),
						  old ? sd_map_find(old, "sequence_labels") : NULL,
						  new ? sd_map_find(new, "sequence_labels") : NULL);
	}
	for (SdNode *column = gone ? gone->first : NULL; column != NULL; column = column->next)
		sd_ddl_mark(column);
}

void
sd_ddl_row_security(SdDdl *ddl)
{
	const char *words = sd_ddl_alter_words(ddl);

	if (sd_ddl_changed(ddl, "security", "rls"))
		sd_ddl_step(ddl, "%s %s ROW LEVEL SECURITY", words,
					sd_ddl_peek(ddl->old, "security", "rls", NULL) ? "ENABLE" : "DISABLE");
	if (sd_ddl_changed(ddl, "security", "force_rls"))
		sd_ddl_step(ddl, "%s %s ROW LEVEL SECURITY", words,
					sd_ddl_peek(ddl->old, "security", "force_rls", NULL) ? "FORCE" : "NO FORCE");
	sd_ddl_column_privileges(ddl);
}

/* How a comment on a part names it. */
static char *
comment_target(SdDdl *ddl, const char *collection, const char *name)
{
	const char *quoted = quote_identifier(name);

	if (strcmp(collection, "columns") == 0)
		return psprintf("COLUMN %s.%s", ddl->identity, quoted);
	if (strcmp(collection, "indexes") == 0)
		return psprintf("INDEX %s", sd_ddl_index_name(ddl, ddl->identity, name));
	if (strcmp(collection, "sequences") == 0)
	{
		SdNode *column = sd_ddl_peek(ddl->old, "core", "columns", name);
		SdNode *identity = column ? sd_map_find(column, "identity") : NULL;

		return identity ? psprintf("SEQUENCE %s", sd_ddl_scalar(sd_map_find(identity, "sequence"))) :
						  NULL;
	}
	return psprintf("%s %s ON %s",
					strcmp(collection, "constraints") == 0 ? "CONSTRAINT" :
					strcmp(collection, "triggers") == 0	   ? "TRIGGER" :
					strcmp(collection, "rules") == 0	   ? "RULE" :
															 "POLICY",
					quoted, ddl->identity);
}

/* Whether the part is there all the while, so that its comment is too. */
static bool
part_stays(SdDdl *ddl, const char *collection, const char *name)
{
	const char *facet = strcmp(collection, "policies") == 0 ? "security" : "core";
	SdNode *there;

	if (strcmp(collection, "indexes") == 0)
		return !index_is_gone(ddl, name);
	if (strcmp(collection, "sequences") == 0)
	{
		there = sd_ddl_peek(ddl->new, "core", "columns", name);
		return there != NULL && sd_map_find(there, "identity") != NULL;
	}
	there = sd_ddl_peek(ddl->new, facet, collection, name);
	if (strcmp(collection, "columns") == 0)
		return there != NULL && !there->used;
	return there != NULL && !sd_ddl_listed(ddl->disturbed, sd_ddl_part(collection, name));
}

static bool
part_was_there(SdDdl *ddl, const char *collection, const char *name)
{
	const char *facet = strcmp(collection, "policies") == 0 ? "security" : "core";

	if (strcmp(collection, "indexes") == 0)
		return index_was_there(ddl, name);
	if (strcmp(collection, "sequences") == 0)
		return comment_target(ddl, collection, name) != NULL;
	return sd_ddl_peek(ddl->old, facet, collection, name) != NULL;
}

/* Comments come last, when all parts are there. */
void
sd_ddl_part_comments(SdDdl *ddl)
{
	static const char *const collections[] = { "columns",  "sequences", "constraints", "indexes",
											   "triggers", "rules",		"policies" };

	ddl->stage = SD_DDL_AFTER;
	for (int c = 0; c < lengthof(collections); c++)
	{
		SdNode *old = sd_ddl_peek(ddl->old, "comment", collections[c], NULL);
		SdNode *new = sd_ddl_peek(ddl->new, "comment", collections[c], NULL);

		for (SdNode *comment = old ? old->first : NULL; comment != NULL; comment = comment->next)
		{
			const char *name = sd_ddl_key(comment);
			SdNode *now = new ? sd_map_find(new, name) : NULL;

			if (now != NULL && !part_stays(ddl, collections[c], name))
				now = NULL;
			sd_ddl_comment(ddl, comment_target(ddl, collections[c], name), comment, now);
		}
		for (SdNode *comment = new ? new->first : NULL; comment != NULL; comment = comment->next)
		{
			const char *name = sd_ddl_key(comment);

			if ((old == NULL || sd_map_find(old, name) == NULL) &&
				part_stays(ddl, collections[c], name) && part_was_there(ddl, collections[c], name))
				sd_ddl_comment(ddl, comment_target(ddl, collections[c], name), NULL, comment);
		}
		sd_ddl_mark(old);
		sd_ddl_mark(new);
	}
	ddl->stage = SD_DDL_MAKE;
}
