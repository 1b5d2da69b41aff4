/*
 * sd_closure.h
 *	  What the server would drop along with an object.
 *
 * The dependencies are read as the server reads them, but without any lock, so
 * the answer is there before anything waits, and may be outdated by the time
 * that the server drops.  Everything lives in the context in which the closure
 * was created.
 */
#ifndef SD_CLOSURE_H
#define SD_CLOSURE_H

#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

typedef enum SdDropReason
{
	SD_DROP_NAMED,	 /* the statement names it */
	SD_DROP_PART,	 /* it is a part of something else that goes */
	SD_DROP_CASCADED /* it depends on something that goes */
} SdDropReason;

typedef struct SdDropped
{
	ObjectAddress object; /* the key of the table of them */
	SdDropReason reason;
	bool cascade; /* with CASCADE */
} SdDropped;

typedef struct SdClosure SdClosure;

extern SdClosure *sd_closure_create(void);

/* sd_closure_add adds an object and all that goes with it. */
extern void sd_closure_add(SdClosure *closure, const ObjectAddress *object, SdDropReason reason,
						   bool cascade);

/* True when the object, or the whole of which it is a column, is in the closure. */
extern bool sd_closure_has(const SdClosure *closure, const ObjectAddress *object);

/* The objects in the order in which they were found, as a list of SdDropped. */
extern List *sd_closure_objects(const SdClosure *closure);

#endif
