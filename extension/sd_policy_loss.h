/*
 * sd_policy_loss.h
 *	  What a statement would take away, told before it does anything.
 *
 * No lock is taken and nothing waits, so that a refused statement holds up
 * nobody.  Everything lives in the context in which the loss was created.
 */
#ifndef SD_POLICY_LOSS_H
#define SD_POLICY_LOSS_H

#include "sd_closure.h"
#include "sd_policy_class.h"
#include "sd_size.h"

/* One thing that a permit has to name. */
typedef struct SdLossItem
{
	SdProtectClass class;
	const char *object; /* "table public.t", "rows of table public.t" */
	SdSize size;		/* -1 where it has none */
	bool cascaded;		/* it depends on what goes */
	bool empty;			/* nothing is lost as long as there are no rows */
	const char *how;	/* a sentence, or NULL */
} SdLossItem;

typedef struct SdLoss
{
	List *items;		/* of SdLossItem */
	List *cascaded;		/* names of what else CASCADE drops, unprotected */
	SdClosure *closure; /* all that is dropped, protected or not */
	List *truncated;	/* OIDs of the tables that are emptied */
	SdSizes *sizes;
	Oid database; /* to be dropped, or InvalidOid */
} SdLoss;

extern SdLoss *sd_loss_create(void);

/* False for statements that sd_loss_find() has nothing to say about. */
extern bool sd_loss_is_possible(Node *statement);

/* sd_loss_find adds what a utility statement takes away. */
extern void sd_loss_find(SdLoss *loss, Node *statement);

/* The same for one thing that is known already. */
extern void sd_loss_add_drop(SdLoss *loss, const ObjectAddress *object);
extern void sd_loss_add_rows(SdLoss *loss, Oid relation, SdProtectClass class);

/* sd_loss_keep_enforced removes what is on the list for a trace only. */
extern void sd_loss_keep_enforced(SdLoss *loss);

/* Names of the items, as a list of strings. */
extern List *sd_loss_objects(const SdLoss *loss);

#endif
