/*
 * sd_type_users.h
 *	  What depends on a column whose type changes.
 */
#ifndef SD_TYPE_USERS_H
#define SD_TYPE_USERS_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "catalog/pg_constraint.h"

#include "sd_predict.h"

/*
 * sd_type_users fills in the checks, foreign keys, indexes and blockers of a
 * prediction whose "rewrites" is decided.
 */
extern void sd_type_users(Oid relation, AttrNumber attnum, Oid old_type, Oid new_type,
						  bool collation_changes, SdTypePrediction *answer);

/* sd_constraint_is_not_null tells whether a constraint is a NOT NULL with a row of its own (18). */
extern bool sd_constraint_is_not_null(Form_pg_constraint form);

/* sd_constraint_has_key tells whether a column is among those of a constraint. */
extern bool sd_constraint_has_key(HeapTuple constraint, TupleDesc desc, AttrNumber attnum);

#endif
