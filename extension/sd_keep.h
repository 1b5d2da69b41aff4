/*
 * sd_keep.h
 *	  Objects that a session keeps to the end of its transaction, so that two
 *	  databases can be compared without storing anything in either.
 */
#ifndef SD_KEEP_H
#define SD_KEEP_H

/* Lets go of what is kept, at the end of a transaction. */
extern void sd_keep_at_commit(void);
extern void sd_keep_at_abort(void);

/* An error unless what is kept is whole, and when "own" objects are asked for, there are some. */
extern void sd_keep_require(bool own);

#endif
