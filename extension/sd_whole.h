/*
 * sd_whole.h
 *	  What an object is a part of, or goes without saying.
 */
#ifndef SD_WHOLE_H
#define SD_WHOLE_H

#include "catalog/objectaddress.h"

/*
 * sd_whole_of finds the relation or extension that takes an object along when it is
 * dropped; false when there is none.  "hidden" is set for what nobody names: the types
 * of relations, array types, triggers and rules of the server's own, toast.
 */
extern bool sd_whole_of(const ObjectAddress *object, ObjectAddress *whole, bool *hidden);

/* The table of an index that there is, else InvalidOid. */
extern Oid sd_index_table(Oid index);

#endif
