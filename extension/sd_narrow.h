/*
 * sd_narrow.h
 *	  Whether a change of type can lose or refuse values.
 */
#ifndef SD_NARROW_H
#define SD_NARROW_H

#include "sd_rules.h"

/*
 * sd_type_narrows compares an old type with a new one.  With "explicit_cast" a
 * USING clause converts, which cuts strings where an assignment fails.
 * "how" gets a sentence when the answer is SD_YES.
 */
extern SdTruth sd_type_narrows(Oid old_type, int32 old_typmod, Oid new_type, int32 new_typmod,
							   bool explicit_cast, const char **how);

#endif
