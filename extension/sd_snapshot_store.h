/*
 * sd_snapshot_store.h
 *	  Header of a stored snapshot.
 */
#ifndef SD_SNAPSHOT_STORE_H
#define SD_SNAPSHOT_STORE_H

#include "sd_snapshot.h"

/*
 * {facet: hex} of all roots of the entries, that of the environment only when it was read, and 
 * their fingerprint over the default facets.
 */
extern Jsonb *sd_entries_facets(SdEntries *entries, char **fingerprint);

#endif
