/*
 * sd_effect_alter.h
 *	  Effects of one subcommand of ALTER TABLE, for the files that divide them up.
 */
#ifndef SD_EFFECT_ALTER_H
#define SD_EFFECT_ALTER_H

#include "sd_effect.h"

/* A subcommand, and the table that it is applied to. */
typedef struct SdStep
{
	SdEffectContext *context;
	AlterTableStmt *stmt;
	AlterTableCmd *cmd;
	LOCKMODE lock;		 /* of the whole command */
	SdRelation relation; /* what the command names */
	Oid table;			 /* that, or one that inherits from it; InvalidOid for the script's own */
} SdStep;

typedef void (*SdStepFunction)(const SdStep *step);

/* sd_rewrite_table records that a table and its indexes are written again. */
extern void sd_rewrite_table(SdEffectContext *context, Oid table);

/* Columns: sd_effect_column.c */
extern void sd_step_add_column(const SdStep *step);
extern void sd_step_drop_column(const SdStep *step);
extern void sd_step_alter_type(const SdStep *step);
extern void sd_step_set_not_null(const SdStep *step);
extern void sd_step_set_expression(const SdStep *step);
extern void sd_step_drop_not_null(const SdStep *step);
extern void sd_step_drop_default(const SdStep *step);
extern void sd_step_add_identity(const SdStep *step);
extern void sd_step_set_identity(const SdStep *step);
extern void sd_step_drop_identity(const SdStep *step);

/* Constraints: sd_effect_constraint.c */
extern void sd_step_add_constraint(const SdStep *step);
extern void sd_step_drop_constraint(const SdStep *step);
extern void sd_step_validate(const SdStep *step);
extern void sd_step_alter_constraint(const SdStep *step);

/* sd_foreign_key_to records the locks of making a foreign key, and its check. */
extern void sd_foreign_key_to(SdEffectContext *context, const RangeVar *target, Oid from,
							  bool checked);

/* sd_checks_foreign_key records that all rows of a table are looked up in another. */
extern void sd_checks_foreign_key(SdEffectContext *context, Oid from, Oid to);

/* sd_constraint_index records the index of UNIQUE, PRIMARY KEY or EXCLUDE. */
extern void sd_constraint_index(SdEffectContext *context, const SdRelation *relation, Oid table,
								const Constraint *constraint, const char *column);

/* Partitions: sd_effect_partition.c */
extern void sd_step_attach(const SdStep *step);
extern void sd_step_detach(const SdStep *step);
extern void sd_step_detach_finalize(const SdStep *step);
extern void sd_step_inherit(const SdStep *step);
extern void sd_step_no_inherit(const SdStep *step);

/* sd_new_partition records what a new partition touches; "table" is InvalidOid for a new table. */
extern void sd_new_partition(SdEffectContext *context, Oid parent, const SdRelation *partition,
							 Oid table, const PartitionBoundSpec *bound);

#endif
