/*
 * sd_trace_catalog.h
 *	  Relations as they were when a statement began, beside what they are now.
 */
#ifndef SD_TRACE_CATALOG_H
#define SD_TRACE_CATALOG_H

#include "catalog/objectaddress.h"

/* The catalog as it was: a snapshot that nobody has to know of. */
typedef struct SdBefore SdBefore;

/* What matters of a row of pg_class. */
typedef struct SdTraceRelation
{
	char relkind;
	Oid filenode;
	Oid tablespace;
	Oid namespace;
	char *name;
} SdTraceRelation;

/* sd_before_take keeps the catalog as it is now, in the current context. */
extern SdBefore *sd_before_take(void);

/* A relation as it was, or is; false when there was, or is, none. */
extern bool sd_relation_before(const SdBefore *before, Oid relation, SdTraceRelation *result);
extern bool sd_relation_now(Oid relation, SdTraceRelation *result);

/* sd_type_before tells whether a type was there. */
extern bool sd_type_before(const SdBefore *before, Oid type);

/* True for what a report leaves out: the server's own, toast, and the extension's tables. */
extern bool sd_trace_is_ours(Oid oid, const SdTraceRelation *relation);

/* Quoted name with schema, which may be gone by now; "before" may be NULL. */
extern char *sd_trace_relation_name(const SdBefore *before, const SdTraceRelation *relation);

#endif
