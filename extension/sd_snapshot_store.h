/*
 * sd_snapshot_store.h
 *	  Rows of a stored snapshot, written in batches.
 */
#ifndef SD_SNAPSHOT_STORE_H
#define SD_SNAPSHOT_STORE_H

#include "sd_snapshot.h"

/* Documents wait in "cxt" until a batch is written. */
typedef struct SdBatch
{
	MemoryContext cxt;
	SdSha256 *sha;
	int64 snapshot_id;
	int64 written; /* rows of this snapshot that are there already */
	int count;	   /* documents that wait */
	SdDoc **docs;
	SdHashes *hashes;
} SdBatch;

/* The batch lives in the current context. */
extern SdBatch *sd_batch_create(int64 snapshot_id);

/* Takes a document whose content is in batch->cxt; writes the batch when it is full. */
extern void sd_batch_add(SdBatch *batch, SdDoc *doc, const SdHashes *hashes);

/* Writes what waits and empties batch->cxt. */
extern void sd_batch_flush(SdBatch *batch);

extern void sd_batch_free(SdBatch *batch);

/* Next id of safedeploy.snapshot; needs an SPI connection. */
extern int64 sd_snapshot_next_id(void);

/*
 * {facet: hex} of all roots of the entries, that of the environment only when it was read, and 
 * their fingerprint over the default facets.
 */
extern Jsonb *sd_entries_facets(SdEntries *entries, char **fingerprint);

#endif
