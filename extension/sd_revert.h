/*
 * sd_revert.h
 *	  Plan of the statements that lead from one snapshot back to another.
 *
 *	  load    (sd_revert_load)	who uses what, and objects that did not change
 *	  plan    (sd_revert_plan)	what to do with each object, until nothing changes any more
 *	  rename  (sd_revert_rename)	statements that give names back
 *	  order   (sd_revert_order)	all statements in an order that runs
 */
#ifndef SD_REVERT_H
#define SD_REVERT_H

#include "sd_ddl.h"
#include "sd_diff_names.h"

/* One use: a part of an object (or "" for the whole) needs another object, or a part of it. */
typedef struct SdRevertUse
{
	const char *user; /* "kind identity" */
	const char *user_part;
	const char *used;
	const char *used_part;
} SdRevertUse;

/* An object that has something to do. */
typedef struct SdRevertObject
{
	const char *new_key; /* "kind identity" on the new side, NULL when it is not there */
	const char *old_key;
	SdDiffPair *pair;
	SdDdl *ddl;		/* the latest run of the writer */
	List *uses;		/* of SdRevertUse *, of the old side */
	List *forced;	/* char *: parts to make anew */
	List *retyped;	/* char *: types of columns that are made anew */
	bool replaced;	/* dropped and made anew */
	bool set_aside; /* a type: renamed, made anew, dropped when nothing uses it any more */
	bool waiting;	/* has to be written again */
	List *steps;	/* of SdDdlStep * */
} SdRevertObject;

typedef struct SdRevert
{
	SdDiff *diff;
	SdDiffNames names;
	bool concurrently;
	HTAB *objects;		   /* SdRevertObject by key of either side */
	List *list;			   /* of SdRevertObject * */
	HTAB *users;		   /* SdRevertUse of the new side by the object that is used */
	List *default_holders; /* char *: roles that default privileges name */
	List *renames;		   /* of SdDdlStep * */
	int temporary;		   /* counts temporary names */
} SdRevert;

/*
 * sd_revert_load
 */

/* Who uses what on the new side; makes revert->users. */
extern void sd_revert_load_users(SdRevert *revert);
/* Appends the uses that part_depends of one object lists. */
extern List *sd_revert_read_uses(const char *user, JsonbContainer *parts, List *uses);
/* Definition and numbers of an object from the old snapshot; NULL when it is not there. */
extern SdDiffObject *sd_revert_fetch(SdRevert *revert, const char *kind, const char *identity);
/* Roles that default privileges name: a new object may start with grants to them. */
extern void sd_revert_find_default_holders(SdRevert *revert);

/*
 * sd_revert_plan
 */

/* Reads both sides and decides; needs a connected SPI. */
extern void sd_revert_plan(SdRevert *revert);
/* The object of that key, on the new side or the old one; NULL when it has nothing to do. */
extern SdRevertObject *sd_revert_find(SdRevert *revert, const char *key, bool new_side);
/* Uses, by the new side, of an object. */
extern List *sd_revert_users(SdRevert *revert, const char *key);

/* Adds the statements that give names back; changes the new definitions accordingly. */
extern void sd_revert_rename(SdRevert *revert);
/* Gives the members of a new definition the names that they get back. */
extern void sd_revert_rename_members(SdDdl *ddl);
/* A name for something that is about to go. */
extern char *sd_revert_temporary_name(SdRevert *revert);

/* All steps in order. */
extern List *sd_revert_order(SdRevert *revert);

#endif
