/*
 * provider_test.c
 *	  What WAL-G 3.0.5 says of its backups, as it was printed for a cluster; the others run in regress/t.
 */
#include "unit.h"

#include "backup_provider.h"

#define CLUSTER "7710781320433015154"
#define BACKUP(name, finished, identifier)                                                         \
	"{\"backup_name\":\"" name "\",\"time\":\"2026-11-22T00:09:42.199215341Z\","                   \
	"\"wal_file_name\":\"000000010000000000000002\",\"storage_name\":\"default\","                 \
	"\"start_time\":\"2026-11-22T00:09:41.068082Z\",\"finish_time\":\"" finished "\","             \
	"\"date_fmt\":\"%Y-%m-%dT%H:%M:%S.%fZ\",\"hostname\":\"db1\",\"data_dir\":\"/var/lib/pg\","    \
	"\"pg_version\":150020,\"start_lsn\":33554472,\"finish_lsn\":33554688,\"is_permanent\":false," \
	"\"system_identifier\":" identifier                                                            \
	",\"uncompressed_size\":23403992,\"compressed_size\":4346869}"

static MgArena *arena;

static MgProvided
read_of(const char *provider, const char *text)
{
	cJSON *json = cJSON_Parse(text);
	MgProvided found = { 0 };

	unit_ok(json != NULL, "it is JSON");
	mg_provider(provider)->read(arena, json, CLUSTER, &found);
	cJSON_Delete(json);
	return found;
}

static MgProvided
read_list(const char *text)
{
	return read_of("wal-g", text);
}

/* What no backup that a test makes says. */
static void
test_bad_ones(void)
{
	MgProvided found =
		read_of("pgbackrest", "[{\"db\":[{\"id\":1,\"system-id\":" CLUSTER
							  "}],\"backup\":[{\"database\":{\"id\":1},\"label\":\"F\",\"error\":true,"
							  "\"timestamp\":{\"stop\":1795306182}}]}]");

	unit_ok(found.label == NULL, "pgBackRest: one with broken pages does not count");
	unit_is(found.why_not, "it found errors in pages of the database", "and this is why");
	found = read_of("barman", "{\"servers\":{\"main\":{\"backups\":{\"1\":{\"status\":\"FAILED\","
							  "\"systemid\":\"" CLUSTER "\"}}}}}");
	unit_ok(found.label == NULL, "Barman: one that failed does not count");
	unit_is(found.why_not, "it is not done", "and this is why");
}

int
main(void)
{
	MgProvided found;

	arena = mg_arena_new();
	found = read_list("[" BACKUP("base_1", "2026-11-22T00:09:42.204057Z",
								 CLUSTER) "," BACKUP("base_2", "2026-11-23T00:09:42Z",
													 CLUSTER) "," BACKUP("base_0",
																		 "2026-11-21T00:09:42Z",
																		 CLUSTER) "]");
	unit_is(found.label, "base_2", "the newest counts");
	unit_is_int(found.finished, 1795392582, "and when it was finished");
	found = read_list("[" BACKUP("base_1", "2026-11-22T02:09:42+02:00", CLUSTER) "]");
	unit_is_int(found.finished, 1795306182, "a time with an offset");
	found = read_list("[" BACKUP("base_1", "2026-11-22T00:09:42Z", "7710774481160965950") "]");
	unit_ok(found.label == NULL, "one of another cluster does not count");
	unit_is(found.why_not, "it is of another cluster", "and this is why");
	found = read_list("[" BACKUP("base_1", "yesterday", CLUSTER) "]");
	unit_ok(found.label == NULL, "one that was finished at no time does not count");
	found = read_list("[]");
	unit_ok(found.label == NULL && found.why_not == NULL, "none at all");
	test_bad_ones();
	mg_arena_free(arena);
	return unit_done();
}
