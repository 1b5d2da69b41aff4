/*
 * sd_probe_int.h
 *	  What the modules of the probes share: questions as queries, expressions as
 *	  text, and what the script has done to the rows.
 *
 * For sd_probe*.c alone.
 */
#ifndef SD_PROBE_INT_H
#define SD_PROBE_INT_H

#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "utils/relcache.h"

#include "sd_compat.h"
#include "sd_probe.h"

/* ---- sd_probe_query.c ---- */

/* The name that texts of expressions give to the row that is looked at. */
#define SD_PROBE_ROW "a"

/*
 * Rows of one table.  Texts are SQL that means the same under any search_path.
 * A row is bad when "bad" is true, or when one of the texts cannot be
 * evaluated.  With "keys" rows are compared with each other instead.
 */
typedef struct SdProbePart
{
	Oid table;
	const char *bad;	/* condition, or NULL */
	const char *value;	/* evaluated for its errors, or NULL */
	List *keys;			/* texts of the values that must not repeat */
	bool nulls_differ;	/* keys with NULL never repeat */
	const char *filter; /* of the rows that are compared, or NULL */
} SdProbePart;

/*
 * A question that is yet to be put: "prepare" makes the parts inside the
 * subtransaction of the probe, where it may open relations and fail.
 */
typedef struct SdQuestion
{
	struct SdProbeContext *context;
	SdProbe *probe;
	List *(*prepare)(struct SdQuestion *question);

	SdRelation relation; /* that the statement names */
	Oid table;			 /* of it */

	/* For prepare; what is used depends on the kind. */
	bool children; /* what inherits from the table is asked too */
	const char *column;
	const Constraint *constraint;
	const IndexStmt *index;
	const ColumnDef *def;
	PartitionBoundSpec *bound;
	Oid other;
	Oid domain;
	Oid catalog;   /* constraint or index of the catalog */
	List *columns; /* attribute numbers */
	List *others;  /* of "other" */
	char match;
} SdQuestion;

/* sd_question_ask puts a question, within the bounds, and fills in the probe. */
extern void sd_question_ask(SdQuestion *question);

/* sd_question_refuse says, from inside of prepare, why a question is not put. */
pg_noreturn extern void sd_question_refuse(const char *reason);

/* sd_probe_tables lists a table, or what holds its rows: partitions, and with "children" all that inherits. */
extern List *sd_probe_tables(Oid table, bool children);

/* sd_probe_table_text returns the qualified name of a relation. */
extern const char *sd_probe_table_text(Oid table);

/* ---- sd_probe_expr.c ---- */

/*
 * sd_probe_cook gives a raw expression the meaning that it has for a table, and
 * refuses the question when it is volatile.
 */
extern Node *sd_probe_cook(Relation relation, Node *raw, ParseExprKind kind, bool condition);

/* sd_probe_text writes an expression over a table for "alias". */
extern const char *sd_probe_text(Relation relation, Node *expr, const char *alias);

/* sd_probe_refuse_volatile refuses the question for an expression that must not be run. */
extern void sd_probe_refuse_volatile(Node *expr);

/* sd_probe_column_text writes a column for "alias". */
extern const char *sd_probe_column_text(const char *alias, const char *column);

/* sd_probe_operator_text writes an operator with its schema. */
extern const char *sd_probe_operator_text(Oid operator);

/* sd_probe_collation_text writes a collation with its schema. */
extern const char *sd_probe_collation_text(Oid collation);

/* sd_probe_collation returns the collation of a column. */
extern Oid sd_probe_collation(Oid table, AttrNumber column);

/* ---- sd_probe_script.c ---- */

typedef struct SdProbeScript SdProbeScript;

extern SdProbeScript *sd_probe_script_create(SdAnalysis *analysis);

extern void sd_probe_script_follow(SdProbeScript *script, Node *statement);
extern void sd_probe_script_opaque(SdProbeScript *script);

/*
 * sd_probe_script_reason says why rows of a table are not those that a
 * statement will meet, or returns NULL.  With "expression" also what may change
 * the meaning of expressions counts.
 */
extern const char *sd_probe_script_reason(SdProbeScript *script, Oid table, bool expression);

/* sd_probe_script_constraint finds a constraint that the script made without checking it. */
extern const Constraint *sd_probe_script_constraint(SdProbeScript *script,
													const SdRelation *relation, const char *name);

/* ---- the families: each puts the questions of a statement ---- */

typedef struct SdProbeContext
{
	SdProbes *probes;
	SdAnalysis *analysis;
	SdProbeScript *script;
} SdProbeContext;

/* sd_question begins a question with its probe. */
extern SdQuestion sd_question(SdProbeContext *context, SdProbeKind kind, const SdRelation *relation,
							  const char *column, int location,
							  List *(*prepare)(SdQuestion *question));

/* sd_probe_put asks the question, unless what the script did before speaks against it. */
extern void sd_probe_put(SdProbeContext *context, SdQuestion *question);

/* What a probe of an ALTER TABLE subcommand gets. */
typedef struct SdProbeStep
{
	SdProbeContext *context;
	AlterTableStmt *stmt;
	AlterTableCmd *cmd;
	SdRelation relation; /* SD_EXISTS */
	bool children;		 /* not ONLY */
} SdProbeStep;

extern void sd_probe_not_null(const SdProbeStep *step, const char *column, int location);
extern void sd_probe_add_column(const SdProbeStep *step);
extern void sd_probe_check(const SdProbeStep *step, const Constraint *constraint);
extern void sd_probe_unique(const SdProbeStep *step, const Constraint *constraint);
extern void sd_probe_index(SdProbeContext *context, IndexStmt *stmt);
extern void sd_probe_exclude(const SdProbeStep *step, const Constraint *constraint);
extern void sd_probe_foreign_key(const SdProbeStep *step, const Constraint *constraint);
extern void sd_probe_validate(const SdProbeStep *step, const char *name);
extern void sd_probe_validate_foreign_key(const SdProbeStep *step, Oid constraint);

/* sd_probe_step_reason says why an expression of a subcommand is not asked, or returns NULL. */
extern const char *sd_probe_step_reason(const SdProbeStep *step);

extern void sd_probe_alter_type(const SdProbeStep *step);
extern void sd_probe_attach(const SdProbeStep *step);
extern void sd_probe_create_partition(SdProbeContext *context, CreateStmt *stmt);
extern void sd_probe_domain(SdProbeContext *context, AlterDomainStmt *stmt);

#endif
