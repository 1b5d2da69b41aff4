/*
 * sd_snapshot_detach.c
 *	  Takes the tables out of a stored query before it is deparsed.
 *
 * The deparser opens, and so waits for, every table that a query names, only to
 * learn the present names of its columns.  The walk knows those.  So a table in
 * a range table is exchanged for what the deparser prints by name alone, a WITH
 * query whose columns are those of the table, under a name that no text can hold
 * by chance; afterwards that name is replaced by the name of the table.  What
 * this cannot do exactly is left alone, and its tables are named to the caller,
 * who must lock them: the target of an INSERT, UPDATE or DELETE, TABLESAMPLE, a
 * table of a JOIN whose names became ambiguous, system columns, and row types.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "common/string.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

/* What a made-up name stands for. */
typedef struct Detached
{
	const char *name;  /* as FROM has it */
	const char *alias; /* printed only because the made-up name is another, or NULL */
} Detached;

typedef struct Detach
{
	SdSnap *snap;
	SdRel *view;  /* the view whose query it is, or NULL */
	bool foreign; /* the deparser reads a tree of its own, not this one */
	bool keep;	  /* leave all tables alone */
	List *opened; /* OIDs of relations that the deparser opens all the same */
} Detach;

/* What of a query decides how far its tables can be exchanged. */
typedef struct Level
{
	Query *query;
	Oid target;		 /* of a data-modifying query */
	bool has_values; /* printed in a special way when it stands alone */
	bool has_joins;
	bool names_joins;  /* by an alias that may rename columns */
	bool merges_oddly; /* a column of USING that is not just one of the two */
	List *usings;	   /* names of the columns of all USING */
} Level;

static bool
has_system_column(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno < 0;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_system_column, context, 0);
	return expression_tree_walker(node, has_system_column, context);
}

static Level
survey(Query *query)
{
	Level level = { .query = query };
	ListCell *lc;

	if (query->resultRelation > 0)
		level.target = rt_fetch(query->resultRelation, query->rtable)->relid;
	foreach (lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_VALUES)
			level.has_values = true;
		if (rte->rtekind != RTE_JOIN)
			continue;
		level.has_joins = true;
		if (rte->alias != NULL)
			level.names_joins = true;
		for (int i = 0; i < rte->joinmergedcols; i++)
		{
			level.usings = lappend(level.usings, list_nth(rte->eref->colnames, i));
			if (!IsA(list_nth(rte->joinaliasvars, i), Var))
				level.merges_oddly = true;
		}
	}
	return level;
}

/* A join lists the columns of its inputs, also such as were dropped since. */
static void
forget_dropped_columns(Query *query)
{
	ListCell *lc;
	ListCell *item;

	foreach (lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind != RTE_JOIN)
			continue;
		foreach (item, rte->joinaliasvars)
		{
			Var *var = (Var *) strip_implicit_coercions(lfirst(item));

			if (var != NULL && IsA(var, Var) &&
				get_rte_attribute_is_dropped(rt_fetch(var->varno, query->rtable), var->varattno))
				lfirst(item) = NULL;
		}
	}
}

/* The user's names of columns, when they say anything else than the table does. */
static bool
renames_columns(RangeTblEntry *rte, SdRel *rel)
{
	ListCell *lc;
	int i = 1;

	if (rte->alias == NULL)
		return false;
	foreach (lc, rte->alias->colnames)
	{
		const char *name = i <= rel->natts ? rel->columns[i].name : NULL;

		if (name != NULL && strcmp(name, strVal(lfirst(lc))) != 0)
			return true;
		i++;
	}
	return false;
}

static bool
is_using(const Level *level, const char *name)
{
	ListCell *lc;

	foreach (lc, level->usings)
		if (strcmp(name, strVal(lfirst(lc))) == 0)
			return true;
	return false;
}

/*
 * Whether columns that came after the query was parsed can be left out: they change
 * its text only where a name becomes ambiguous, or where a list of all names is
 * printed, because a column of USING was renamed.
 */
static bool
may_leave_out(const Level *level, RangeTblEntry *rte, SdRel *rel)
{
	int old = list_length(rte->eref->colnames);

	if (level->names_joins || level->merges_oddly)
		return false;
	for (int i = 1; i <= rel->natts; i++)
	{
		const char *name = rel->columns[i].name;
		const char *was = i <= old ? strVal(list_nth(rte->eref->colnames, i - 1)) : NULL;

		if (name != NULL && (was == NULL || strcmp(name, was) != 0) &&
			(is_using(level, name) || (was != NULL && is_using(level, was))))
			return false;
	}
	return true;
}

/* How many columns the deparser may be told of, or -1 when that cannot be said. */
static int
known_columns(const Level *level, RangeTblEntry *rte, SdRel *rel)
{
	bool renames = renames_columns(rte, rel);
	int old = list_length(rte->eref->colnames);

	if (renames && (level->names_joins || level->usings != NIL))
		return -1;
	if (rel->natts <= old || !level->has_joins)
		return rel->natts;
	return !renames && may_leave_out(level, rte, rel) ? old : -1;
}

static void
exchange(SdSnap *snap, RangeTblEntry *rte, SdRel *rel, int count)
{
	Detached *detached = palloc(sizeof(Detached));
	List *columns = NIL;

	for (int i = 1; i <= count; i++)
		columns =
			lappend(columns, makeString(pstrdup(rel->columns[i].name ? rel->columns[i].name : "")));
	detached->name = rte->inh ? rel->qname : psprintf("ONLY %s", rel->qname);
	detached->alias = rte->alias ? NULL : quote_identifier(rel->name);
	if (rte->alias != NULL && !renames_columns(rte, rel))
		rte->alias->colnames = NIL;
	rte->eref = makeAlias(rte->alias ? rte->alias->aliasname : rel->name, columns);
	rte->rtekind = RTE_CTE;
	rte->ctename = psprintf("%s%d", snap->detach_prefix, list_length(snap->detached));
	rte->relid = InvalidOid;
	snap->detached = lappend(snap->detached, detached);
}

static void
detach_relation(Detach *detach, const Level *level, RangeTblEntry *rte)
{
	SdRel *rel = sd_rel(detach->snap, rte->relid);
	int count;

	/* OLD and NEW of a view mean nothing; what they stand for does not matter */
	if (detach->view != NULL && rel == detach->view && !rte->inFromCl && !detach->foreign)
	{
		rte->relid = RelationRelationId;
		return;
	}
	if (detach->keep || rel == NULL || rel->columns == NULL || rte->relid == level->target ||
		rte->tablesample != NULL || (!rte->inFromCl && level->has_values) ||
		(count = known_columns(level, rte, rel)) < 0)
		detach->opened = list_append_unique_oid(detach->opened, rte->relid);
	else
		exchange(detach->snap, rte, rel, count);
}

static void
detach_query(Detach *detach, Query *query)
{
	Level level = survey(query);
	ListCell *lc;

	if (level.has_joins)
		forget_dropped_columns(query);
	foreach (lc, query->rtable)
		if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_RELATION)
			detach_relation(detach, &level, lfirst(lc));
}

/* Tables whose row type a value of that type may hold, itself and inside. */
static void
open_row_types(Detach *detach, Oid type)
{
	Oid element;
	Oid relid;
	SdRel *rel;

	/* the types of the system stay as they are */
	if (type < FirstNormalObjectId)
		return;
	type = getBaseType(type);
	element = get_element_type(type);
	relid = get_typ_typrelid(OidIsValid(element) ? getBaseType(element) : type);
	if (!OidIsValid(relid) || list_member_oid(detach->opened, relid))
		return;
	detach->opened = lappend_oid(detach->opened, relid);
	rel = sd_rel(detach->snap, relid);
	for (int i = 1; rel != NULL && rel->columns != NULL && i <= rel->natts; i++)
		if (rel->columns[i].name != NULL)
			open_row_types(detach, rel->columns[i].type);
}

static bool
detach_walker(Node *node, Detach *detach)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			detach_query(detach, (Query *) node);
			return query_tree_walker((Query *) node, detach_walker, detach, 0);
		case T_RangeTblFunction:
			open_row_types(detach, exprType(((RangeTblFunction *) node)->funcexpr));
			break;
		case T_Const:
			if (!((Const *) node)->constisnull)
				open_row_types(detach, ((Const *) node)->consttype);
			return false;
		case T_RowExpr:
			open_row_types(detach, ((RowExpr *) node)->row_typeid);
			break;
		case T_FieldSelect:
			open_row_types(detach, exprType((Node *) ((FieldSelect *) node)->arg));
			break;
		default:
			break;
	}
	return expression_tree_walker(node, detach_walker, detach);
}

/* "foreign" says that the deparser reads a tree of its own: all tables stay as they are. */
List *
sd_detach(SdSnap *snap, Node *tree, SdRel *view, bool foreign)
{
	Detach detach = { .snap = snap, .view = view, .foreign = foreign };

	snap->detached = NIL;
	/* not every version can walk a partition's bound, which has constants only */
	if (IsA(tree, PartitionBoundSpec))
		tree = (Node *) ((PartitionBoundSpec *) tree)->listdatums;
	detach.keep = foreign || has_system_column(tree, NULL);
	(void) detach_walker(tree, &detach);
	return detach.opened;
}

/* Whether an identifier that was compared up to here goes on. */
static bool
goes_on(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || c == '"' || IS_HIGHBIT_SET(c);
}

/* Leaves out an alias that says nothing, unless names of columns follow it. */
static const char *
skip_alias(const char *text, const char *alias)
{
	size_t length;

	if (alias == NULL || *text != ' ')
		return text;
	length = strlen(alias);
	if (strncmp(text + 1, alias, length) != 0 || text[1 + length] == '(' || goes_on(text[1 + length]))
		return text;
	return text + 1 + length;
}

const char *
sd_attach(SdSnap *snap, const char *text)
{
	size_t length = strlen(snap->detach_prefix);
	StringInfoData buf;
	const char *place;

	if (snap->detached == NIL)
		return text;
	initStringInfo(&buf);
	while ((place = strstr(text, snap->detach_prefix)) != NULL)
	{
		char *end;
		int n = strtoint(place + length, &end, 10);
		Detached *detached = list_nth(snap->detached, n);

		appendBinaryStringInfo(&buf, text, place - text);
		appendStringInfoString(&buf, detached->name);
		text = skip_alias(end, detached->alias);
	}
	appendStringInfoString(&buf, text);
	return buf.data;
}

void
sd_detach_init(SdSnap *snap)
{
	uint64 number;

	if (!pg_strong_random(&number, sizeof(number)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random number")));
	snap->detach_prefix = psprintf("sd" UINT64_FORMAT "_", number);
}
