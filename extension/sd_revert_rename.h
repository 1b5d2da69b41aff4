/*
 * sd_revert_rename.h
 *	  What those share who give names back.
 *
 *	  schemas, objects	(sd_revert_rename)	and the order of all renames
 *	  members			(sd_revert_members)
 *	  what goes last	(sd_revert_aside)	and needs another name until then
 */
#ifndef SD_REVERT_RENAME_H
#define SD_REVERT_RENAME_H

#include "sd_revert.h"

/*
 * sd_revert_rename
 */

/* Appends a statement about names to the plan. */
extern void sd_revert_add_step(SdRevert *revert, SdRevertObject *object, const char *format, ...)
	pg_attribute_printf(3, 4);
/*
 * Appends a name that has to change to a list.  Names meet only within one space; \1 and \2
 * in the format of the statement stand for both names.
 */
extern List *sd_revert_add_rename(List *renames, SdRevertObject *object, const char *space,
								  const char *from, const char *to, const char *format);
/* The schema of the new side by the name that it has when schemas have theirs back. */
extern const char *sd_revert_old_schema(SdRevert *revert, const char *schema);
/* Whether it is there before and after, and is not made anew. */
extern bool sd_revert_keeps_itself(const SdRevertObject *object);
/* The same text for all kinds whose names meet. */
extern const char *sd_revert_name_space(const char *kind);

/*
 * sd_revert_members
 */

/* The members that get other names, as a list of sd_revert_add_rename. */
extern List *sd_revert_member_renames(SdRevert *revert);

/*
 * sd_revert_aside
 */

/* Drops that wait for the end, under the name that the object has by then. */
extern void sd_revert_put_drops_last(SdRevert *revert);

#endif
