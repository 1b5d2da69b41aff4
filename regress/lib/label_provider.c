/*
 * label_provider.c
 *	  Provider "dummy" of security labels, which takes every label.
 *
 * The server takes labels only for a provider that a library registers, and none
 * comes with it.  The tests of single properties build and load this one.
 */
#include "postgres.h"

#include "commands/seclabel.h"
#include "fmgr.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

static void
take_any_label(const ObjectAddress *object, const char *label)
{
}

void
_PG_init(void)
{
	register_label_provider("dummy", take_any_label);
}
