/*
 * sd_ddl_table_index.c
 *	  Indexes, but for those that are constraints.
 */
#include "postgres.h"

#include "sd_ddl_part.h"

/* Made and dropped without keeping writers out, where that can be done at all. */
static bool
without_lock(SdDdl *ddl)
{
	return ddl->concurrently && ddl->old != NULL && ddl->new != NULL &&
		   !sd_ddl_is_partitioned(ddl->old);
}

static void
create_index(SdDdl *ddl, const SdDdlPart *part)
{
	SdNode *index = part->old;
	bool whole = sd_ddl_is_partitioned(ddl->old);
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
drop_index(SdDdl *ddl, const SdDdlPart *part)
{
	const char *name = sd_ddl_index_name(ddl, sd_ddl_here(ddl), part->name);
	SdDdlStep *step;

	/* goes with the one of the partitioned table */
	if (sd_ddl_stays_child(ddl) && sd_map_find(part->new, "partition_of") != NULL)
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
alter_index(SdDdl *ddl, const SdDdlPart *part)
{
	static const char *const keys[] = { "partition_of", "valid", "ready" };
	const char *parent = sd_ddl_text(part->old, "partition_of", NULL);

	if (!sd_ddl_differs_only_in(ddl, part, keys, lengthof(keys)))
		return false;
	if (sd_ddl_key_differs(part, "valid") || sd_ddl_key_differs(part, "ready"))
	{
		bool now_bad =
			sd_map_find(part->new, "valid") != NULL || sd_map_find(part->new, "ready") != NULL;

		if (now_bad || sd_ddl_is_partitioned(ddl->old))
			return false;
		sd_ddl_impossible(ddl, "index %s was not valid and is now, which no statement can undo",
						  part->quoted);
	}
	if (!sd_ddl_same(ddl, sd_map_find(part->old, "partition_of"),
					 sd_map_find(part->new, "partition_of")))
	{
		if (parent == NULL && sd_ddl_stays_child(ddl))
			return false;
		if (parent != NULL && sd_ddl_stays_child(ddl))
		{
			SdDdlStep *step = sd_ddl_step(ddl, "ALTER INDEX %s ATTACH PARTITION %s", parent,
										  sd_ddl_index_name(ddl, ddl->identity, part->name));

			step->stage = SD_DDL_AFTER;
		}
	}
	return true;
}

/* An index of a partition that is made with the parent's is written all the same: it is attached later. */
const SdDdlPartKind sd_ddl_indexes = {
	.number = SD_DIFF_INDEXES,
	.collection = "indexes",
	.facet = "core",
	.create = create_index,
	.alter = alter_index,
	.drop = drop_index,
};
