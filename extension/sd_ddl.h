/*
 * sd_ddl.h
 *	  DDL that makes, changes and removes one object, from its definition.
 *
 * A writer is a row of functions for one kind of object (SdDdlKind).  It gets the
 * definition that has to be there in the end ("old", for the reverse of a change
 * leads back) and the one that is there now ("new"), and appends statements.
 *
 * Nothing may be missed silently.  So every reader of a definition marks what it
 * has read, and what no writer has asked for becomes a step without a statement
 * and with a reason: in "create" every key of the old definition, in "alter"
 * every key that differs.
 *
 *		if (sd_ddl_changed(ddl, "core", "volatility"))
 *			sd_ddl_step(ddl, "ALTER FUNCTION %s %s", ddl->identity,
 *						sd_ddl_old(ddl, "core", "volatility", "volatile"));
 *
 * Everything is allocated in the current context.
 */
#ifndef SD_DDL_H
#define SD_DDL_H

#include "nodes/pg_list.h"

#include "sd_diff.h"
#include "sd_snapshot_doc.h"

typedef enum SdDdlLevel
{
	SD_DDL_FULL,	   /* definition and data come back */
	SD_DDL_STRUCTURAL, /* the definition comes back, what was in it does not */
	SD_DDL_NONE		   /* there is no statement that leads back */
} SdDdlLevel;

/*
 * When a statement runs.  Within a stage objects are ordered by what they depend
 * on: dropped before it, made after it.  Names are those of the new side in the
 * first stages and those of the old side from SD_DDL_MAKE on.
 */
typedef enum SdDdlStage
{
	SD_DDL_BEFORE, /* what must go before anything that it uses is dropped or changed */
	SD_DDL_RENAME, /* renames and moves, all at once, so that no two names meet */
	SD_DDL_MAKE,   /* creations and changes; the stage that writers start in */
	SD_DDL_REMOVE, /* what could not go as long as something used it: types, schemas */
	SD_DDL_AFTER   /* what needs all the rest, such as a switched-on event trigger */
} SdDdlStage;

typedef struct SdDdlStep
{
	char *sql; /* NULL with SD_DDL_NONE */
	const char *reason;
	const char *part; /* "constraints.t_fk", NULL for the object as a whole */
	SdDdlLevel level;
	SdDiffLoss loss;
	SdDdlStage stage;
	bool outside; /* cannot run in a transaction block */
	/* of the planner */
	const char *kind;
	const char *identity;
	int rank;
} SdDdlStep;

/* What a writer works on. */
typedef struct SdDdl
{
	const struct SdDdlKind *writer;
	const char *kind;
	const char *identity;	  /* of the old side; of the new side in a drop */
	const char *new_identity; /* NULL when it is not there now */
	SdNode *old;			  /* definition by facets; NULL in a drop */
	SdNode *new;			  /* NULL in a creation */
	SdDdlStage stage;		  /* of the steps that follow */
	const char *part;		  /* likewise */
	bool concurrently;		  /* forms that lock less are asked for */
	List *default_grantees;	  /* char *: roles that default privileges may give something */
	void *extra;			  /* of the writer's own family */
	List *forced;			  /* char *: parts to make anew, because of what they use */
	List *disturbed;  /* char *: parts that go or change, so that their users must go first */
	List *retyped;	  /* char *: types that are made anew, as columns name them */
	SdDiffPair *pair; /* NULL when one definition is all there is */
	struct SdDiffNames *names; /* likewise; to know what differs by changed names alone */
	List *steps;			   /* of SdDdlStep * */
} SdDdl;

/*
 * One row a kind.  "create" writes what is special to the kind; owner, privileges
 * and the comment of the object follow by themselves, unless plain is set.
 *
 * "alter" leads from new to old, both there, under the identity of the old side:
 * names have been changed by then.  It returns false when no statement can do that
 * and the object has to be dropped and made anew with all that depends on it;
 * what it has appended is dropped then.  Owner, privileges and comment follow by
 * themselves here too.  A NULL alter is one that always returns false for a change
 * of the facets core, security (apart from acl), storage or version.
 *
 * "drop" may be NULL: DROP keyword identity.
 */
typedef struct SdDdlKind
{
	const char *kind;		 /* as in the documents */
	const char *keyword;	 /* after CREATE, ALTER, DROP and COMMENT ON */
	const char *acl_keyword; /* after GRANT ... ON; NULL when it has no privileges */
	ObjectType acl_type;	 /* for the built-in default of its privileges */
	bool has_owner;
	bool has_comment;
	bool can_rename;  /* ALTER keyword identity RENAME TO name */
	bool can_move;	  /* ALTER keyword identity SET SCHEMA schema */
	bool is_type;	  /* columns may be of it; see SD_DDL_REMOVE */
	bool plain;		  /* create and alter write owner, privileges and comment too */
	bool late;		  /* made and changed in SD_DDL_AFTER */
	SdDiffLoss loss;  /* of a drop */
	const char *lost; /* what is lost: "rows of the table" */
	void (*create)(SdDdl *ddl);
	bool (*alter)(SdDdl *ddl);
	void (*drop)(SdDdl *ddl);
	/* identity as it stands after the keyword, when that is not the identity itself */
	char *(*address)(const char *identity);
} SdDdlKind;

/* The writer of a kind; NULL when there is none. */
extern const SdDdlKind *sd_ddl_kind(const char *kind);

/* Families of kinds; each ends with a row whose kind is NULL. */
extern const SdDdlKind sd_ddl_table_kinds[];
extern const SdDdlKind sd_ddl_misc_kinds[];
extern const SdDdlKind sd_ddl_type_kinds[];
extern const SdDdlKind sd_ddl_routine_kinds[];
extern const SdDdlKind sd_ddl_operator_kinds[];
extern const SdDdlKind sd_ddl_text_search_kinds[];
extern const SdDdlKind sd_ddl_foreign_kinds[];
extern const SdDdlKind sd_ddl_replication_kinds[];
extern const SdDdlKind sd_ddl_privilege_kinds[];
extern const SdDdlKind sd_ddl_environment_kinds[];

/*
 * Statements.  The text has no semicolon at its end.
 */
extern SdDdlStep *sd_ddl_step(SdDdl *ddl, const char *format, ...) pg_attribute_printf(2, 3);
/* A step that no statement stands for. */
extern SdDdlStep *sd_ddl_impossible(SdDdl *ddl, const char *format, ...) pg_attribute_printf(2, 3);
/* As psprintf, for functions that take a format themselves. */
extern char *sd_ddl_format(const char *format, va_list *args) pg_attribute_printf(1, 0);
/* Marks a step as one that loses data, or that does not bring lost data back. */
extern void sd_ddl_loses(SdDdlStep *step, SdDdlLevel level, SdDiffLoss loss, const char *reason);

/*
 * Readers.  Each takes a path of up to three keys below the definition, the last
 * ones NULL, marks what it finds on both sides as dealt with, and gives NULL (or
 * the default) for what is not there.
 */
extern SdNode *sd_ddl_node(SdDdl *ddl, SdNode *side, const char *facet, const char *key,
						   const char *member);
/* Text of a string, number or boolean ("true", "false"). */
extern const char *sd_ddl_old(SdDdl *ddl, const char *facet, const char *key, const char *otherwise);
extern const char *sd_ddl_new(SdDdl *ddl, const char *facet, const char *key, const char *otherwise);
/*
 * Whether the sides differ there; a side that is missing as a whole has nothing.
 * What differs by names alone that are changed back does not count, except in a
 * body that is mere text.
 */
extern bool sd_ddl_changed(SdDdl *ddl, const char *facet, const char *key);

/* The same for a map at hand; these mark one side only. */
extern SdNode *sd_ddl_get(SdNode *map, const char *key);
extern const char *sd_ddl_text(SdNode *map, const char *key, const char *otherwise);
extern bool sd_ddl_true(SdNode *map, const char *key);
extern void sd_ddl_mark(SdNode *node);
/* Text of a scalar node; NULL for NULL. */
extern const char *sd_ddl_scalar(SdNode *node);
extern char *sd_ddl_key(SdNode *node);
extern bool sd_ddl_equal(SdNode *a, SdNode *b);
/* The same, apart from names that are changed back. */
extern bool sd_ddl_same(SdDdl *ddl, SdNode *old, SdNode *new);
/* A list of texts has that one. */
extern bool sd_ddl_listed(List *texts, const char *text);

/*
 * Names of members.  The new definition has the names that its members get back;
 * a member that has to go and whose name another one gets back is displaced, which
 * the first byte of its key says.  Statements before the renames need the name
 * that a member has by now, and NULL says that it is not there.
 */
#define SD_DDL_DISPLACED '\2'
extern const char *sd_ddl_name_now(SdDdl *ddl, SdDiffCollection collection, const char *name);
extern const char *sd_ddl_part_now(SdDdl *ddl, const char *part);
/* The same the other way: a part by its old name. */
extern const char *sd_ddl_part_then(const SdDiffPair *pair, const char *part);

/*
 * Whole runs of a writer, with the common facets and the leftovers.  alter returns
 * false, without steps, when the object has to be made anew.
 */
extern SdDdl *sd_ddl_begin(const char *kind, const char *identity, const char *new_identity,
						   Jsonb *old, Jsonb *new);
extern void sd_ddl_run_create(SdDdl *ddl);
extern bool sd_ddl_run_alter(SdDdl *ddl);
extern void sd_ddl_run_drop(SdDdl *ddl);

/* Keyword and identity: "TABLE app.t". */
extern char *sd_ddl_address(const SdDdlKind *writer, const char *identity);
/* 'text' with quotes doubled, E'' where a backslash asks for it. */
extern const char *sd_ddl_literal(const char *text);
/* Elements of a list of strings, joined; quoted as identifiers when asked. */
extern char *sd_ddl_join(SdNode *list, const char *separator, bool quote);
/* Options of a map as name=value pairs: "fillfactor=70, autovacuum_enabled=false". */
extern char *sd_ddl_options(SdNode *map);

/*
 * sd_ddl_common.c: the facets that are the same for all kinds.
 */
extern void sd_ddl_owner(SdDdl *ddl);
/* Owner, privileges, comment and security labels of the object as a whole. */
extern void sd_ddl_common(SdDdl *ddl);
/* {provider: label} of something: target is what follows ON. */
extern void sd_ddl_labels(SdDdl *ddl, const char *target, SdNode *old, SdNode *new);
/* Comment of something: target is what follows COMMENT ON. */
extern void sd_ddl_comment(SdDdl *ddl, const char *target, SdNode *old, SdNode *new);
/*
 * sd_ddl_privileges.c: privileges.  "on" is what follows ON: "TABLE app.t"; "columns" is "(c)" for
 * those of a column, else NULL.  A NULL list is the built-in default of the type
 * for the owner, who is a role by its plain name.
 */
extern void sd_ddl_privileges(SdDdl *ddl, const char *on, const char *columns, ObjectType type,
							  SdNode *old, SdNode *new, const char *old_owner, const char *new_owner);

#endif
