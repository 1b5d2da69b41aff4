/*
 * backup_provider.h
 *	  Programs that keep backups of whole clusters, and how each tells of its own.
 */
#ifndef MG_BACKUP_PROVIDER_H
#define MG_BACKUP_PROVIDER_H

#include <cjson/cJSON.h>

#include "arena.h"

/* The newest backup that is whole and of this cluster. */
typedef struct MgProvided
{
	const char *label;	 /* NULL: none */
	long long finished;	 /* seconds since 1970 */
	const char *why_not; /* what was wrong with those that do not count, or NULL */
} MgProvided;

typedef struct MgProvider
{
	const char *name;	 /* as [backup] external has it */
	const char *command; /* without a setting; NULL: it must be set */
	/* from its output, for the cluster with that system identifier; NULL: its exit code says it all */
	void (*read)(MgArena *arena, const cJSON *json, const char *identifier, MgProvided *found);
} MgProvider;

/* The one of that name, which must be one of the setting's choices. */
extern const MgProvider *mg_provider(const char *name);

#endif
