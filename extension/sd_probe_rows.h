/*
 * sd_probe_rows.h
 *	  A question that is under way, for sd_probe_query.c and sd_probe_rows.c alone.
 */
#ifndef SD_PROBE_ROWS_H
#define SD_PROBE_ROWS_H

#include "storage/itemptr.h"

#include "sd_probe_int.h"

typedef struct SdAsking
{
	SdQuestion *question;
	SdProbe *probe;
	List *parts; /* SdProbePart */
	bool prepared;
	int64 left;		  /* rows that may still be looked at */
	double fraction;  /* of the rows that is read: below 1 for a sample */
	bool has_example; /* the fields below are set */
	Oid example_table;
	ItemPointerData example;
} SdAsking;

/*
 * sd_probe_guarded calls a function in a subtransaction, which is rolled back unless
 * "keep" says that one without an error stays.  The error is returned.
 */
extern ErrorData *sd_probe_guarded(void (*function)(void *arg), void *arg, bool keep);

/* sd_probe_ask_part counts the bad rows of one part. */
extern void sd_probe_ask_part(SdAsking *asking, const SdProbePart *part);

/* sd_probe_ask_index counts the bad rows of all parts by indexes, if there are such for all of them. */
extern bool sd_probe_ask_index(SdAsking *asking);

#endif
