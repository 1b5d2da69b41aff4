/*
 * sd_rules_view.c
 *	  Family "failure", the part about views that cannot be replaced.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "parser/parse_target.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* output_column returns the name of a column that a query puts out, or NULL when it is many or unknown. */
static const char *
output_column(const ResTarget *target)
{
	Node *value = target->val;

	if (IsA(value, ColumnRef) && IsA(llast(((ColumnRef *) value)->fields), A_Star))
		return NULL;
	return target->name != NULL ? target->name : FigureColname(value);
}

/*
 * output_type returns the type of a column that a query puts out, where the text
 * alone tells it: by a cast, or as a column of the only table that it reads.
 */
static Oid
output_type(SdAnalysis *analysis, const SelectStmt *select, const ResTarget *target, int32 *typmod)
{
	FormData_pg_attribute column;
	SdRelation relation;
	Node *value = target->val;

	if (IsA(value, TypeCast))
		return sd_lookup_type(((TypeCast *) value)->typeName, typmod);
	if (!IsA(value, ColumnRef) || !IsA(llast(((ColumnRef *) value)->fields), String) ||
		list_length(select->fromClause) != 1 || !IsA(linitial(select->fromClause), RangeVar))
		return InvalidOid;
	relation = sd_scope_relation(analysis->scope, linitial(select->fromClause));
	if (!sd_lookup_column(analysis, &relation, strVal(llast(((ColumnRef *) value)->fields)), &column))
		return InvalidOid;
	*typmod = column.atttypmod;
	return column.atttypid;
}

/* view_refusal says why CREATE OR REPLACE VIEW is refused, or NULL. */
static const char *
view_refusal(SdAnalysis *analysis, const ViewStmt *stmt, Oid view)
{
	const SelectStmt *select = (SelectStmt *) stmt->query;
	const SelectStmt *leftmost = select;
	int now = sd_lookup_columns(view);
	int n = 0;
	ListCell *cell;

	if (!IsA(select, SelectStmt))
		return NULL;
	while (leftmost->op != SETOP_NONE)
		leftmost = leftmost->larg;
	if (leftmost->targetList == NIL)
		return NULL;
	foreach (cell, leftmost->targetList)
	{
		const ResTarget *target = lfirst_node(ResTarget, cell);
		const char *name = output_column(target);
		HeapTuple tuple;
		FormData_pg_attribute column;
		int32 typmod = -1;
		Oid type;

		/* what a star stands for is not followed, nor is what comes after it */
		if (name == NULL)
			return NULL;
		if (n < list_length(stmt->aliases))
			name = strVal(list_nth(stmt->aliases, n));
		if (++n > now)
			continue;
		tuple = SearchSysCacheAttNum(view, n);
		if (!HeapTupleIsValid(tuple))
			return NULL;
		memcpy(&column, GETSTRUCT(tuple), sizeof(column));
		ReleaseSysCache(tuple);
		if (strcmp(NameStr(column.attname), name) != 0)
			return psprintf("Column %d is %s and cannot become %s.", n,
							quote_identifier(NameStr(column.attname)), quote_identifier(name));
		type = select->op == SETOP_NONE ? output_type(analysis, select, target, &typmod) : InvalidOid;
		if (OidIsValid(type) && (type != column.atttypid || typmod != column.atttypmod))
			return psprintf("Column %s is %s and cannot become %s.", quote_identifier(name),
							format_type_with_typemod(column.atttypid, column.atttypmod),
							format_type_with_typemod(type, typmod));
	}
	if (n < now)
		return psprintf("The view has %d columns, and %d of them would go.", now, now - n);
	return NULL;
}

static void
check_replace_view(SdAnalysis *analysis, Node *statement)
{
	ViewStmt *stmt = (ViewStmt *) statement;
	SdRelation view;
	SdFinding finding;
	const char *refusal;
	ObjectAddress address;

	if (!stmt->replace)
		return;
	view = sd_scope_relation(analysis->scope, stmt->view);
	if (view.presence != SD_EXISTS || view.relkind != RELKIND_VIEW)
		return;
	/* one that the script has replaced before is not the catalog's any more */
	ObjectAddressSet(address, RelationRelationId, view.oid);
	if (sd_track_was_changed(analysis, &address))
		return;
	refusal = view_refusal(analysis, stmt, view.oid);
	if (refusal == NULL)
		return;
	finding = sd_finding(analysis, SD_RULE_REPLACE_VIEW_COLUMNS, &view);
	finding.message = psprintf("CREATE OR REPLACE VIEW fails: %s has other columns", finding.object);
	finding.detail = refusal;
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_view[] = {
	{ T_ViewStmt, -1, check_replace_view },
	{ T_Invalid, 0, NULL },
};
