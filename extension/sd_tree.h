/*
 * sd_tree.h
 *	  Questions about raw parse trees that need no catalog.
 */
#ifndef SD_TREE_H
#define SD_TREE_H

#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"

/* The body of a routine or DO block that is text. */
typedef struct SdBodyText
{
	const char *language; /* lower case */
	char *text;
	int location; /* of the body's string token in the statement, -1 when unknown */
} SdBodyText;

/* What a statement contains below its top. */
typedef struct SdContents
{
	List *data_changes; /* InsertStmt, UpdateStmt, DeleteStmt, MergeStmt in WITH clauses */
	List *calls;		/* FuncCall */
	List *relations;	/* RangeVar */
	bool too_deep;		/* the tree could not be walked to its end */
} SdContents;

/* sd_created_relation returns the name that a CREATE statement makes, or NULL. */
extern RangeVar *sd_created_relation(Node *statement);

/* sd_select_into returns the INTO clause of a query, which sits in its leftmost branch. */
extern IntoClause *sd_select_into(SelectStmt *stmt);

/* sd_check_proves_not_null returns the column that a CHECK expression forbids to be null, or NULL. */
extern const char *sd_check_proves_not_null(Node *expr);

/* sd_always_true tells whether a WHERE clause excludes nothing, as far as its text shows. */
extern bool sd_always_true(Node *expr);

/* sd_function_body and sd_do_body find the body's text; false when there is none. */
extern bool sd_function_body(CreateFunctionStmt *stmt, SdBodyText *body);
extern bool sd_do_body(DoStmt *stmt, SdBodyText *body);

/* sd_statement_contents lists what a query or data change has inside. */
extern SdContents sd_statement_contents(Node *statement);

/*
 * sd_walk_tree calls a walker for a tree, and returns what it returns; false when the
 * tree is too deep to be walked to its end.
 */
extern bool sd_walk_tree(Node *tree, bool (*walker)(Node *node, void *context), void *context);

/* sd_command_name returns the command tag of a statement. */
extern const char *sd_command_name(Node *statement);

/* sd_inner_statement returns the statement that EXPLAIN ANALYZE, PREPARE and the like run, or NULL. */
extern Node *sd_inner_statement(Node *statement);

/* sd_option finds an option of a command by name, or NULL. */
extern DefElem *sd_option(List *options, const char *name);

/* sd_option_is_on reads a boolean option; one without a value is on. */
extern bool sd_option_is_on(List *options, const char *name);

/*
 * sd_is_concurrent tells whether it is several transactions by CONCURRENTLY; REFRESH ...
 * CONCURRENTLY is a single one, and holds up whoever writes.
 */
extern bool sd_is_concurrent(Node *statement);

/* sd_runs_in_transaction tells whether a statement may run inside a transaction block. */
extern bool sd_runs_in_transaction(Node *statement);

#endif
