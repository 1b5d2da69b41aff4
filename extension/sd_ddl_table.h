/*
 * sd_ddl_table.h
 *	  What the writers of relations and enums share.
 */
#ifndef SD_DDL_TABLE_H
#define SD_DDL_TABLE_H

#include "sd_ddl.h"

/* sd_ddl_enum.c */
extern void sd_ddl_create_enum(SdDdl *ddl);
extern bool sd_ddl_alter_enum(SdDdl *ddl);

/* sd_ddl_sequence.c */
extern void sd_ddl_create_sequence(SdDdl *ddl);
extern bool sd_ddl_alter_sequence(SdDdl *ddl);
/*
 * Parameters of a sequence as clauses with a blank in front, each after "set";
 * those that differ when there is a new side.
 */
extern char *sd_ddl_sequence_clauses(SdNode *old, SdNode *new, const char *set, bool with_type);

#endif
