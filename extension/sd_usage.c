/*
 * sd_usage.c
 *	  How much a relation is used, by the server's statistics.
 *
 * Rates are means since the counters began.  When that was is known for a database
 * whose statistics were ever reset; else it is the later of the making of the
 * database and of the loss of all statistics by a crash.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_guc.h"
#include "sd_usage.h"

/* Counters of less time than this say nothing of what is usual. */
#define SHORTEST_SECONDS 60.0

/* database_made returns when the directory of the database was made; 0 when that cannot be told. */
static TimestampTz
database_made(void)
{
	struct stat file;

	if (stat(psprintf("%s/PG_VERSION", DatabasePath), &file) < 0)
		return 0;
	return time_t_to_timestamptz((pg_time_t) file.st_mtime);
}

/* counting_since returns when the counters of this database began; 0 when that cannot be told. */
static TimestampTz
counting_since(const PgStat_StatDBEntry *database)
{
	if (database != NULL && database->stat_reset_timestamp != 0)
		return database->stat_reset_timestamp;
	/* counters of the whole server begin when it starts without any, as it does after a crash */
	return Max(database_made(),
			   Min(pgstat_fetch_stat_archiver()->stat_reset_timestamp, SD_STAT_SERVER_RESET()));
}

/* add_one adds the counters of one relation. */
static void
add_one(SdUsage *use, Oid relation, bool is_index)
{
	PgStat_StatTabEntry *entry = pgstat_fetch_stat_tabentry(relation);

	if (entry == NULL)
		return;
	use->reads += entry->numscans;
	use->last_read = Max(use->last_read, SD_STAT_LAST_SCAN(entry));
	if (is_index)
		return;
	use->inserts += entry->tuples_inserted;
	use->writes += entry->tuples_inserted + entry->tuples_updated + entry->tuples_deleted;
	if (SD_STAT_LIVE_ROWS(entry) > 0 || entry->tuples_inserted > 0)
		use->rows = Max(use->rows, 0) + SD_STAT_LIVE_ROWS(entry);
}

/* add_table adds the counters of a table and of its indexes. */
static void
add_table(SdAnalysis *analysis, SdUsage *use, Oid table)
{
	ListCell *cell;

	add_one(use, table, false);
	foreach (cell, sd_fact_indexes(analysis, table))
		add_one(use, ((SdIndexFacts *) lfirst(cell))->oid, true);
}

/* add_time tells since when, and from there how many transactions a second "most" may be. */
static void
add_time(SdUsage *use, int64 most)
{
	PgStat_StatDBEntry *database = pgstat_fetch_stat_dbentry(MyDatabaseId);

	use->since = counting_since(database);
	if (use->since == 0)
		return;
	use->known = true;
	use->seconds = Max((GetCurrentTimestamp() - use->since) / 1000000.0, SHORTEST_SECONDS);
	/* many rows that one transaction writes, or scans of one query, are one use */
	most = database == NULL ? 0 : Min(most, SD_STAT_TRANSACTIONS(database));
	use->transactions = most / use->seconds;
}

SdUsage
sd_usage(SdAnalysis *analysis, Oid relation)
{
	SdUsage use = { .rows = -1 };
	ListCell *cell;

	if (get_rel_relkind(relation) == RELKIND_INDEX)
		add_one(&use, relation, true);
	else
	{
		add_table(analysis, &use, relation);
		if (has_subclass(relation))
			foreach (cell, sd_fact_children(relation))
				add_table(analysis, &use, lfirst_oid(cell));
	}
	if (pgstat_track_counts && !sd_guc_sizes_unknown)
		/* what is updated or deleted was looked for by a scan */
		add_time(&use, use.reads + use.inserts);
	return use;
}

const SdUsage *
sd_usage_limit(SdAnalysis *analysis)
{
	if (analysis->usage_limit == NULL)
	{
		SdUsage *limit = MemoryContextAllocZero(analysis->context, sizeof(SdUsage));

		if (pgstat_track_counts && !sd_guc_sizes_unknown)
			add_time(limit, PG_INT64_MAX);
		analysis->usage_limit = limit;
	}
	return analysis->usage_limit;
}

const char *
sd_usage_last(const SdUsage *use)
{
	return use->last_read == 0 ? "" : psprintf(", last at %s", timestamptz_to_str(use->last_read));
}

bool
sd_usage_is_hot(const SdUsage *use)
{
	return use->known && sd_guc_hot_table > 0 && use->transactions >= sd_guc_hot_table;
}
