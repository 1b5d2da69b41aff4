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

/* Member of a map in a facet, without marking; NULL when anything is missing. */
extern SdNode *sd_ddl_peek(SdNode *side, const char *facet, const char *collection, const char *name);
/* "ALTER TABLE app.t": of the old side, or of the new one before names are changed. */
extern char *sd_ddl_alter_words(SdDdl *ddl);
/* Qualified name of an index of the relation. */
extern char *sd_ddl_index_name(SdDdl *ddl, const char *identity, const char *index);
/* A part goes or changes in a way that its users do not survive. */
extern void sd_ddl_disturb(SdDdl *ddl, const char *part);
extern char *sd_ddl_part(const char *collection, const char *name);

/* sd_ddl_table_column.c */
extern char *sd_ddl_column_list(SdDdl *ddl);
extern void sd_ddl_columns_after_create(SdDdl *ddl);
extern void sd_ddl_alter_columns(SdDdl *ddl);

extern SdNode *sd_ddl_not_null(SdNode *side, const char *column);

/* sd_ddl_table_type.c: a column's change of type */
extern bool sd_ddl_column_retyped(SdDdl *ddl, SdNode *old, SdNode *new);
extern void sd_ddl_alter_type(SdDdl *ddl, const char *column, SdNode *old, SdNode *new);

/* sd_ddl_table_part.c: constraints, indexes, triggers, rules, policies */
extern void sd_ddl_parts(SdDdl *ddl);

/* sd_ddl_table_storage.c: storage, row security, comments of parts */
extern void sd_ddl_storage(SdDdl *ddl);
extern void sd_ddl_row_security(SdDdl *ddl);
extern void sd_ddl_part_comments(SdDdl *ddl);
extern void sd_ddl_column_privileges(SdDdl *ddl);
/* " WITH (…) TABLESPACE …" for a creation. */
extern char *sd_ddl_storage_clauses(SdDdl *ddl);

/* sd_ddl_table_view.c */
extern void sd_ddl_create_view(SdDdl *ddl);
extern bool sd_ddl_alter_view(SdDdl *ddl);
extern void sd_ddl_create_matview(SdDdl *ddl);
extern bool sd_ddl_alter_matview(SdDdl *ddl);

#endif
