/*
 * sd_rules_enum.c
 *	  Labels of enums: used too early, or put at the end.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_rules.h"
#include "sd_text_table.h"
#include "sd_track.h"
#include "sd_tree.h"

/* New labels of one text. */
typedef struct Labels
{
	const char *text; /* the key */
	List *labels;	  /* SdNewLabel */
} Labels;

/* keep_label remembers a label in the current memory context. */
static void
keep_label(SdTrack *track, SdNewLabel *label)
{
	bool found;
	Labels *entry;

	if (track->new_labels == NULL)
		track->new_labels = sd_text_table("safedeploy labels", sizeof(Labels));
	entry = sd_text_search(track->new_labels, label->label, HASH_ENTER, &found);
	if (!found)
		entry->labels = NIL;
	entry->labels = lappend(entry->labels, label);
}

static void
check_add_value(SdAnalysis *analysis, Node *statement)
{
	AlterEnumStmt *stmt = (AlterEnumStmt *) statement;
	SdPresence presence;
	SdNewLabel *label;
	SdFinding finding;
	MemoryContext old;
	Oid type;

	if (stmt->oldVal != NULL || analysis->deferred)
		return;
	presence = sd_scope_type(analysis->scope, stmt->typeName, &type);
	if (stmt->newValNeighbor == NULL && presence == SD_EXISTS)
	{
		finding = sd_finding(analysis, SD_RULE_ENUM_ORDERING, NULL);
		finding.object = finding.names.type = NameListToQuotedString(stmt->typeName);
		finding.names.item = quote_literal_cstr(stmt->newVal);
		finding.message =
			psprintf("label %s sorts after all others of %s", finding.names.item, finding.object);
		sd_report(analysis, &finding);
	}
	if ((!analysis->in_transaction && analysis->inside == NULL) ||
		(presence == SD_MADE && SD_NEW_ENUM_TAKES_LABELS))
		return;
	old = MemoryContextSwitchTo(analysis->context);
	label = palloc(sizeof(SdNewLabel));
	label->number = ++analysis->track->labels;
	label->label = pstrdup(stmt->newVal);
	label->type = pstrdup(strVal(llast(stmt->typeName)));
	label->oid = presence == SD_EXISTS ? type : InvalidOid;
	keep_label(analysis->track, label);
	MemoryContextSwitchTo(old);
}

/* Looks for a use of a new label; or, without one, for all constants. */
typedef struct LabelSearch
{
	const SdNewLabel *label;
	List *constants; /* const char * */
	bool constant;	 /* there is a constant of that text */
	bool cast;		 /* and it is cast to the type */
	List *relations; /* RangeVar that the statement names */
} LabelSearch;

/* names_type tells whether a type name may mean the type of a label. */
static bool
names_type(const TypeName *name, const SdNewLabel *label)
{
	return name != NULL && name->names != NIL && strcmp(strVal(llast(name->names)), label->type) == 0;
}

/* text_of returns the text of a string constant; NULL when a node is none. */
static const char *
text_of(Node *node)
{
	if (node == NULL || !IsA(node, A_Const) || SD_CONSTANT_IS_NULL((A_Const *) node))
		return NULL;
	return SD_CONSTANT_STRING((A_Const *) node);
}

static bool
is_label(Node *node, const SdNewLabel *label)
{
	const char *text = label == NULL ? NULL : text_of(node);

	return text != NULL && strcmp(text, label->label) == 0;
}

static bool
search_label(Node *node, void *context)
{
	LabelSearch *search = context;

	if (node == NULL)
		return false;
	if (search->label == NULL)
	{
		if (text_of(node) != NULL)
			search->constants = lappend(search->constants, (void *) text_of(node));
	}
	else if (is_label(node, search->label))
		search->constant = true;
	else if (IsA(node, TypeCast))
		search->cast |= is_label(((TypeCast *) node)->arg, search->label) &&
						names_type(((TypeCast *) node)->typeName, search->label);
	else if (IsA(node, RangeVar))
		search->relations = lappend(search->relations, node);
	return raw_expression_tree_walker(node, search_label, context);
}

/* search_columns looks at the defaults and checks of column definitions. */
static void
search_columns(List *elements, LabelSearch *search)
{
	ListCell *cell;
	ListCell *inner;

	foreach (cell, elements)
	{
		if (IsA(lfirst(cell), Constraint))
			sd_walk_tree(lfirst_node(Constraint, cell)->raw_expr, search_label, search);
		if (!IsA(lfirst(cell), ColumnDef))
			continue;
		foreach (inner, lfirst_node(ColumnDef, cell)->constraints)
		{
			Node *expr = lfirst_node(Constraint, inner)->raw_expr;

			sd_walk_tree(expr, search_label, search);
			search->cast |= is_label(expr, search->label) &&
							names_type(lfirst_node(ColumnDef, cell)->typeName, search->label);
		}
	}
}

/* search_part looks at the expressions of what belongs to a table. */
static void
search_part(Node *statement, LabelSearch *search)
{
	switch (nodeTag(statement))
	{
		case T_CreatePolicyStmt:
			search->relations = list_make1(((CreatePolicyStmt *) statement)->table);
			sd_walk_tree(((CreatePolicyStmt *) statement)->qual, search_label, search);
			sd_walk_tree(((CreatePolicyStmt *) statement)->with_check, search_label, search);
			break;
		case T_AlterPolicyStmt:
			search->relations = list_make1(((AlterPolicyStmt *) statement)->table);
			sd_walk_tree(((AlterPolicyStmt *) statement)->qual, search_label, search);
			sd_walk_tree(((AlterPolicyStmt *) statement)->with_check, search_label, search);
			break;
		case T_RuleStmt:
			search->relations = list_make1(((RuleStmt *) statement)->relation);
			sd_walk_tree(((RuleStmt *) statement)->whereClause, search_label, search);
			sd_walk_tree((Node *) ((RuleStmt *) statement)->actions, search_label, search);
			break;
		case T_CreateTrigStmt:
			search->relations = list_make1(((CreateTrigStmt *) statement)->relation);
			sd_walk_tree(((CreateTrigStmt *) statement)->whenClause, search_label, search);
			break;
		default:
			break;
	}
}

/* search_statement looks at the expressions of a statement. */
static void
search_statement(Node *statement, LabelSearch *search)
{
	ListCell *cell;

	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
			sd_walk_tree(statement, search_label, search);
			break;
		case T_CreateStmt:
			search_columns(((CreateStmt *) statement)->tableElts, search);
			break;
		case T_AlterTableStmt:
			search->relations = list_make1(((AlterTableStmt *) statement)->relation);
			foreach (cell, ((AlterTableStmt *) statement)->cmds)
			{
				AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

				if (cmd->subtype == AT_AddColumn || cmd->subtype == AT_AddConstraint)
					search_columns(list_make1(cmd->def), search);
				else if (cmd->subtype == AT_ColumnDefault)
					sd_walk_tree(cmd->def, search_label, search);
			}
			break;
		case T_ViewStmt:
			sd_walk_tree(((ViewStmt *) statement)->query, search_label, search);
			break;
		case T_CreateTableAsStmt:
			sd_walk_tree(((CreateTableAsStmt *) statement)->query, search_label, search);
			break;
		case T_IndexStmt:
			search->relations = list_make1(((IndexStmt *) statement)->relation);
			sd_walk_tree((Node *) ((IndexStmt *) statement)->indexParams, search_label, search);
			sd_walk_tree(((IndexStmt *) statement)->whereClause, search_label, search);
			break;
		case T_CreateDomainStmt:
			search_columns(((CreateDomainStmt *) statement)->constraints, search);
			search->cast |= search->constant &&
							names_type(((CreateDomainStmt *) statement)->typeName, search->label);
			break;
		default:
			search_part(statement, search);
			break;
	}
}

/* has_column_of_type tells whether one of the relations has a column of the label's type. */
static bool
has_column_of_type(SdAnalysis *analysis, List *relations, Oid type)
{
	ListCell *cell;

	foreach (cell, relations)
	{
		SdRelation relation = sd_scope_relation(analysis->scope, lfirst_node(RangeVar, cell));

		/* columns of the script's own tables are not followed: the text is the same, so it is likely */
		if (relation.presence == SD_MADE)
			return true;
		if (relation.presence == SD_EXISTS && OidIsValid(type) &&
			sd_lookup_has_type(relation.oid, type))
			return true;
	}
	return false;
}

/* by_number sorts labels as the script adds them. */
static int
by_number(const ListCell *a, const ListCell *b)
{
	return ((const SdNewLabel *) lfirst(a))->number - ((const SdNewLabel *) lfirst(b))->number;
}

/* labels_in lists the new labels whose text is a constant of a statement. */
static List *
labels_in(SdAnalysis *analysis, Node *statement)
{
	LabelSearch search = { 0 };
	List *result = NIL;
	ListCell *cell;

	search_statement(statement, &search);
	foreach (cell, search.constants)
	{
		Labels *entry = sd_text_search(analysis->track->new_labels, lfirst(cell), HASH_FIND, NULL);

		if (entry != NULL)
			result = list_concat_unique_ptr(result, entry->labels);
	}
	list_sort(result, by_number);
	return result;
}

void
sd_check_new_labels(SdAnalysis *analysis, Node *statement)
{
	ListCell *cell;

	foreach (cell, labels_in(analysis, statement))
	{
		LabelSearch search = { .label = lfirst(cell) };
		SdFinding finding;

		search_statement(statement, &search);
		if (!search.cast &&
			!(search.constant && has_column_of_type(analysis, search.relations, search.label->oid)))
			continue;
		finding = sd_finding(analysis, SD_RULE_ENUM_VALUE_SAME_TX, NULL);
		finding.object = finding.names.type = quote_identifier(search.label->type);
		finding.message = psprintf("%s fails: label %s of %s was added by the same transaction",
								   sd_command_name(statement),
								   quote_literal_cstr(search.label->label), finding.object);
		sd_report(analysis, &finding);
	}
}

const SdCheck sd_checks_enum[] = {
	{ T_AlterEnumStmt, -1, check_add_value },
	{ T_Invalid, 0, NULL },
};
