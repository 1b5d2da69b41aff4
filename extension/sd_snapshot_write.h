/*
 * sd_snapshot_write.h
 *	  Writes the objects of a stored snapshot.
 */
#ifndef SD_SNAPSHOT_WRITE_H
#define SD_SNAPSHOT_WRITE_H

#include "sd_snapshot.h"

typedef struct SdWriter SdWriter;

/*
 * Opens the tables, for objects from number "first" on.  The writer lives in the
 * current context and belongs to the current subtransaction, and goes with it.
 * Waits for drop_snapshot(), which could not see that a definition is needed.
 */
extern SdWriter *sd_writer_open(int64 snapshot_id, int64 first);

/* Writes an object; nothing of the document is needed afterwards. */
extern void sd_writer_add(SdWriter *writer, SdDoc *doc, const SdHashes *hashes);

/* Writes what waits, and lets the following commands see all of it. */
extern void sd_writer_close(SdWriter *writer);

#endif
