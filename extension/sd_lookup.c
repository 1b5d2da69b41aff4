/*
 * sd_lookup.c
 *	  Look-ups in the catalog that several rules share.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "foreign/foreign.h"
#include "parser/parse_func.h"
#include "parser/parse_node.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_lookup.h"
#include "sd_track.h"
#include "sd_try.h"

bool
sd_lookup_column(SdAnalysis *analysis, const SdRelation *relation, const char *name,
				 FormData_pg_attribute *column)
{
	SdPart part;
	HeapTuple tuple;

	if (relation->presence != SD_EXISTS)
		return false;
	part = sd_scope_column(analysis->scope, relation, name);
	if (part.presence != SD_EXISTS)
		return false;
	if (!sd_scope_has_column(analysis->scope, relation, part.old_name))
		return false;
	tuple = SearchSysCacheAttName(relation->oid, part.old_name);
	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(column, GETSTRUCT(tuple), sizeof(*column));
	ReleaseSysCache(tuple);
	return true;
}

Node *
sd_lookup_default(Oid relation, AttrNumber column)
{
	Relation defaults = table_open(AttrDefaultRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	Node *result = NULL;

	ScanKeyInit(&keys[0], Anum_pg_attrdef_adrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	ScanKeyInit(&keys[1], Anum_pg_attrdef_adnum, BTEqualStrategyNumber, F_INT2EQ,
				Int16GetDatum(column));
	scan = systable_beginscan(defaults, AttrDefaultIndexId, true, NULL, 2, keys);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		Datum tree = heap_getattr(tuple, Anum_pg_attrdef_adbin, RelationGetDescr(defaults), &isnull);

		if (!isnull)
			result = stringToNode(TextDatumGetCString(tree));
	}
	systable_endscan(scan);
	table_close(defaults, AccessShareLock);
	return result;
}

bool
sd_lookup_leads_index(Oid table, AttrNumber column)
{
	Relation indexes = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool result = false;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(indexes, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		result = form->indisvalid && form->indkey.values[0] == column;
	}
	systable_endscan(scan);
	table_close(indexes, AccessShareLock);
	return result;
}

bool
sd_lookup_index_taken(SdAnalysis *analysis, const IndexStmt *stmt, SdRelation *table,
					  SdRelation *taken)
{
	if (stmt->idxname == NULL)
		return false;
	*table = sd_scope_relation(analysis->scope, stmt->relation);
	if (table->schema == NULL)
		return false;
	*taken = sd_scope_relation_in(analysis->scope, table->schema, stmt->idxname);
	return taken->presence == SD_EXISTS;
}

Oid
sd_lookup_index_table(Oid index)
{
	return IndexGetRelation(index, true);
}

bool
sd_lookup_is_table(Oid relation)
{
	char kind = get_rel_relkind(relation);

	return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
}

/* A default to be compared with the one that a column has. */
typedef struct DefaultQuestion
{
	const FormData_pg_attribute *column;
	Oid relation;
	Node *raw;
	bool same;
} DefaultQuestion;

static void
ask_default(void *arg)
{
	DefaultQuestion *question = arg;
	ParseState *pstate = make_parsestate(NULL);
	Node *wanted = cookDefault(pstate, question->raw, question->column->atttypid,
							   question->column->atttypmod, NameStr(question->column->attname), '\0');

	question->same = equal(wanted, sd_lookup_default(question->relation, question->column->attnum));
	free_parsestate(pstate);
}

bool
sd_lookup_same_default(Oid relation, const FormData_pg_attribute *column, Node *raw)
{
	DefaultQuestion question = { column, relation, raw, false };

	if (!column->atthasdef || column->attgenerated != '\0' || raw == NULL)
		return !column->atthasdef && raw == NULL;
	(void) sd_try(ask_default, &question, NULL);
	return question.same;
}

int
sd_lookup_columns(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	int result;

	if (!HeapTupleIsValid(tuple))
		return 0;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return result;
}

bool
sd_lookup_has_type(Oid relation, Oid type)
{
	int columns = sd_lookup_columns(relation);

	for (int i = 1; i <= columns; i++)
	{
		HeapTuple tuple = SearchSysCacheAttNum(relation, i);
		Oid now;

		if (!HeapTupleIsValid(tuple))
			continue;
		now = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid;
		ReleaseSysCache(tuple);
		if (now == type || get_element_type(now) == type)
			return true;
	}
	return false;
}

void
sd_lookup_index_use(Oid index, bool *primary, bool *identity)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));

	*primary = *identity = false;
	if (!HeapTupleIsValid(tuple))
		return;
	*primary = ((Form_pg_index) GETSTRUCT(tuple))->indisprimary;
	*identity = ((Form_pg_index) GETSTRUCT(tuple))->indisreplident;
	ReleaseSysCache(tuple);
}

typedef struct TypeQuestion
{
	const TypeName *name;
	Oid oid;
	int32 typmod;
} TypeQuestion;

static void
ask_type(void *arg)
{
	TypeQuestion *question = arg;

	typenameTypeIdAndMod(NULL, question->name, &question->oid, &question->typmod);
}

Oid
sd_lookup_type(const TypeName *name, int32 *typmod)
{
	TypeQuestion question = { name, InvalidOid, -1 };

	if (!sd_try(ask_type, &question, NULL))
		return InvalidOid;
	*typmod = question.typmod;
	return question.oid;
}

typedef struct RoutineQuestion
{
	ObjectType kind;
	ObjectWithArgs *name;
	Oid oid;
} RoutineQuestion;

static void
ask_routine(void *arg)
{
	RoutineQuestion *question = arg;

	question->oid = LookupFuncWithArgs(question->kind, question->name, true);
}

Oid
sd_lookup_routine(ObjectType kind, ObjectWithArgs *name)
{
	RoutineQuestion question = { kind, name, InvalidOid };

	return sd_try(ask_routine, &question, NULL) ? question.oid : InvalidOid;
}

int
sd_lookup_routine_count(const char *name)
{
	CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	int result = list->n_members;

	ReleaseSysCacheList(list);
	return result;
}

/* part_of_table returns the trigger, policy or rule that the last of "names" is, on the table of the others. */
static ObjectAddress *
part_of_table(SdAnalysis *analysis, ObjectType kind, List *names)
{
	const char *name = strVal(llast(names));
	SdRelation relation;
	Oid part;

	if (list_length(names) < 2)
		return NULL;
	relation = sd_scope_relation_list(analysis->scope,
									  list_truncate(list_copy(names), list_length(names) - 1));
	if (relation.presence != SD_EXISTS)
		return NULL;
	part = kind == OBJECT_TRIGGER ? get_trigger_oid(relation.oid, name, true) :
		   kind == OBJECT_POLICY  ? get_relation_policy_oid(relation.oid, name, true) :
									get_rewrite_oid(relation.oid, name, true);
	if (!OidIsValid(part))
		return NULL;
	return sd_make_address(kind == OBJECT_TRIGGER ? TriggerRelationId :
						   kind == OBJECT_POLICY  ? PolicyRelationId :
													RewriteRelationId,
						   part, 0);
}

/* drop_target resolves one object of a DROP; NULL when it is not one of the catalog. */
static ObjectAddress *
drop_target(SdAnalysis *analysis, ObjectType kind, Node *object)
{
	SdRelation relation;
	Oid oid;

	switch (kind)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_FOREIGN_TABLE:
			relation = sd_scope_relation_list(analysis->scope, castNode(List, object));
			return relation.presence == SD_EXISTS ?
					   sd_make_address(RelationRelationId, relation.oid, 0) :
					   NULL;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			if (sd_scope_type(analysis->scope, castNode(TypeName, object)->names, &oid) != SD_EXISTS)
				return NULL;
			return sd_make_address(TypeRelationId, oid, 0);
		case OBJECT_SCHEMA:
			if (sd_scope_schema(analysis->scope, strVal(object), &oid) != SD_EXISTS)
				return NULL;
			return sd_make_address(NamespaceRelationId, oid, 0);
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			oid = sd_lookup_routine(kind, castNode(ObjectWithArgs, object));
			return OidIsValid(oid) ? sd_make_address(ProcedureRelationId, oid, 0) : NULL;
		case OBJECT_FOREIGN_SERVER:
			oid = get_foreign_server_oid(strVal(object), true);
			return OidIsValid(oid) ? sd_make_address(ForeignServerRelationId, oid, 0) : NULL;
		case OBJECT_FDW:
			oid = get_foreign_data_wrapper_oid(strVal(object), true);
			return OidIsValid(oid) ? sd_make_address(ForeignDataWrapperRelationId, oid, 0) : NULL;
		case OBJECT_EXTENSION:
			oid = get_extension_oid(strVal(object), true);
			return OidIsValid(oid) ? sd_make_address(ExtensionRelationId, oid, 0) : NULL;
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			return part_of_table(analysis, kind, castNode(List, object));
		default:
			return NULL;
	}
}

List *
sd_lookup_drop_targets(SdAnalysis *analysis, DropStmt *stmt)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		ObjectAddress *target = drop_target(analysis, stmt->removeType, lfirst(cell));

		if (target != NULL)
			result = lappend(result, target);
	}
	return result;
}

/* has_rows tells whether a catalog has a row, by an index key or at all. */
static bool
has_rows(Oid catalog, Oid index, AttrNumber attribute, Oid key)
{
	Relation relation = table_open(catalog, AccessShareLock);
	ScanKeyData keys[1];
	SysScanDesc scan;
	bool result;

	if (OidIsValid(index))
		ScanKeyInit(&keys[0], attribute, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(key));
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, OidIsValid(index) ? 1 : 0,
							  keys);
	result = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/* add_publications takes in what a list of publications does. */
static void
add_publications(SdPublished *published, List **seen, List *publications)
{
	ListCell *cell;

	foreach (cell, publications)
	{
		Publication *publication;

		if (list_member_oid(*seen, lfirst_oid(cell)))
			continue;
		*seen = lappend_oid(*seen, lfirst_oid(cell));
		publication = GetPublication(lfirst_oid(cell));
		published->name = publication->name;
		published->names = lappend(published->names, publication->name);
		published->updates |= publication->pubactions.pubupdate || publication->pubactions.pubdelete;
	}
}

SdPublished
sd_lookup_published(SdAnalysis *analysis, Oid relation)
{
	SdPublished published = { 0 };
	List *relations = list_make1_oid(relation);
	List *seen = NIL;
	ListCell *cell;

	/* most databases have none, which is asked once */
	if (analysis->track->publications == 0)
		analysis->track->publications = has_rows(PublicationRelationId, InvalidOid, 0, 0) ? 2 : 1;
	if (analysis->track->publications == 1)
		return published;
	if (get_rel_relispartition(relation))
		relations = list_concat(relations, get_partition_ancestors(relation));
	foreach (cell, relations)
	{
		add_publications(&published, &seen, GetRelationPublications(lfirst_oid(cell)));
		add_publications(&published, &seen,
						 sd_schema_publications(get_rel_namespace(lfirst_oid(cell))));
	}
	add_publications(&published, &seen, GetAllTablesPublications());
	return published;
}

Oid
sd_lookup_row(Oid catalog, Oid index, AttrNumber key_column, Oid object, Oid (*value)(HeapTuple))
{
	Relation relation = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid result = InvalidOid;

	ScanKeyInit(&key, key_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(relation, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		result = value(tuple);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

bool
sd_lookup_subscribed(SdAnalysis *analysis, Oid relation)
{
	if (analysis->track->subscriptions == 0)
		analysis->track->subscriptions =
			has_rows(SubscriptionRelRelationId, InvalidOid, 0, 0) ? 2 : 1;
	return analysis->track->subscriptions == 2 &&
		   has_rows(SubscriptionRelRelationId, SubscriptionRelSrrelidSrsubidIndexId,
					Anum_pg_subscription_rel_srrelid, relation);
}
