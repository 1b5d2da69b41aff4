/*
 * sd_size.h
 *	  How much a relation holds, looked up once for each.
 */
#ifndef SD_SIZE_H
#define SD_SIZE_H

#include "sd_rules.h"

typedef struct SdSizes SdSizes;

extern SdSizes *sd_sizes_create(void);

/*
 * sd_relation_size returns rows and bytes (TOAST included, indexes and maps
 * not) of a relation and of all its children.  It takes no lock.
 */
extern SdSize sd_relation_size(SdSizes *sizes, Oid relation);

/* sd_relation_own_size does that without the children, for statements that leave these alone. */
extern SdSize sd_relation_own_size(Oid relation);

#endif
