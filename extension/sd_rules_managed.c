/*
 * sd_rules_managed.c
 *	  Family "partition", the part about partitions that an extension manages.
 *
 * Extensions that make and drop partitions keep a table of what they manage; it is
 * read here as far as the caller may read it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_lookup.h"
#include "sd_rules.h"

/* Where an extension keeps what it manages. */
typedef struct Manager
{
	const char *extension;
	const char *schema; /* NULL: that of the extension */
	const char *relation;
	const char *table;		  /* column with the table: its OID, or its name */
	const char *table_schema; /* column with its schema; NULL: "table" has "schema.name" or an OID */
} Manager;

static const Manager managers[] = {
	{ "pg_partman", NULL, "part_config", "parent_table", NULL },
	{ "timescaledb", "_timescaledb_catalog", "hypertable", "table_name", "schema_name" },
	{ "citus", "pg_catalog", "pg_dist_partition", "logicalrelid", NULL },
};

static Oid
extension_schema(HeapTuple tuple)
{
	return ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
}

/* table_of finds the table of a manager; InvalidOid when the extension is not there. */
static Oid
table_of(const Manager *manager)
{
	Oid extension = get_extension_oid(manager->extension, true);
	Oid schema;

	if (!OidIsValid(extension))
		return InvalidOid;
	schema = manager->schema != NULL ?
				 get_namespace_oid(manager->schema, true) :
				 sd_lookup_row(ExtensionRelationId, ExtensionOidIndexId, Anum_pg_extension_oid,
							   extension, extension_schema);
	return get_relname_relid(manager->relation, schema);
}

/* value_of returns a column as text, NULL when there is none. */
static const char *
value_of(Relation relation, HeapTuple tuple, const char *column)
{
	AttrNumber number = get_attnum(RelationGetRelid(relation), column);
	Form_pg_attribute attribute;
	bool isnull = true;
	Datum value = (Datum) 0;

	if (number > 0)
		value = heap_getattr(tuple, number, RelationGetDescr(relation), &isnull);
	if (isnull)
		return NULL;
	attribute = TupleDescAttr(RelationGetDescr(relation), number - 1);
	switch (attribute->atttypid)
	{
		case TEXTOID:
			return TextDatumGetCString(value);
		case NAMEOID:
			return pstrdup(NameStr(*DatumGetName(value)));
		case REGCLASSOID:
			return psprintf("%u", DatumGetObjectId(value));
		default:
			return NULL;
	}
}

/* is_row_of tells whether a row is about a table. */
static bool
is_row_of(const Manager *manager, Relation relation, HeapTuple tuple, Oid table)
{
	const char *schema = get_namespace_name(get_rel_namespace(table));
	const char *name = get_rel_name(table);
	const char *of = value_of(relation, tuple, manager->table);
	const char *in;

	if (schema == NULL || name == NULL || of == NULL)
		return false;
	if (manager->table_schema == NULL)
		return strcmp(of, psprintf("%u", table)) == 0 ||
			   strcmp(of, psprintf("%s.%s", schema, name)) == 0;
	in = value_of(relation, tuple, manager->table_schema);
	return in != NULL && strcmp(of, name) == 0 && strcmp(in, schema) == 0;
}

/* manages tells whether a manager has a table; unknown when its record cannot be read. */
static SdTruth
manages(const Manager *manager, Oid table)
{
	Oid record = table_of(manager);
	SdTruth result = SD_NO;
	Relation relation;
	SysScanDesc scan;
	HeapTuple tuple;

	if (!OidIsValid(record))
		return SD_NO;
	if (pg_class_aclcheck(record, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
		!ConditionalLockRelationOid(record, AccessShareLock))
		return SD_UNKNOWN;
	relation = table_open(record, NoLock);
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (result == SD_NO && HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (is_row_of(manager, relation, tuple, table))
			result = SD_YES;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/* judge reports that partitions of a table are changed which an extension manages. */
static void
judge(SdAnalysis *analysis, const SdRelation *parent)
{
	if (parent->presence != SD_EXISTS)
		return;
	for (int i = 0; i < lengthof(managers); i++)
	{
		SdTruth answer = manages(&managers[i], parent->oid);
		SdFinding finding;

		if (answer == SD_NO)
			continue;
		finding = sd_finding(analysis, SD_RULE_MANAGED_PARTITIONS, parent);
		if (answer == SD_YES)
			finding.message = psprintf("partitions of %s are managed by extension %s",
									   finding.object, managers[i].extension);
		else
		{
			finding.severity = SD_NOTICE;
			finding.message = psprintf("partitions of %s may be managed by extension %s",
									   finding.object, managers[i].extension);
			finding.detail = "Its record cannot be read by this role, or not now.";
		}
		sd_report(analysis, &finding);
	}
}

/* relation_of describes a relation of the catalog by its OID. */
static SdRelation
relation_of(Oid oid)
{
	return (SdRelation){ .presence = SD_EXISTS,
						 .oid = oid,
						 .relkind = get_rel_relkind(oid),
						 .schema = get_namespace_name(get_rel_namespace(oid)),
						 .name = get_rel_name(oid) };
}

static void
check_create_table(SdAnalysis *analysis, Node *statement)
{
	ListCell *cell;

	foreach (cell, ((CreateStmt *) statement)->inhRelations)
	{
		SdRelation parent = sd_scope_relation(analysis->scope, lfirst_node(RangeVar, cell));

		judge(analysis, &parent);
	}
}

static void
check_drop_table(SdAnalysis *analysis, Node *statement)
{
	ListCell *cell;

	foreach (cell, ((DropStmt *) statement)->objects)
	{
		SdRelation table = sd_scope_relation_list(analysis->scope, lfirst(cell));
		Oid parent = table.presence == SD_EXISTS ? sd_fact_parent(table.oid, NULL) : InvalidOid;
		SdRelation relation;

		if (!OidIsValid(parent))
			continue;
		relation = relation_of(parent);
		judge(analysis, &relation);
	}
}

/* check_partition judges ATTACH and DETACH PARTITION, which are of the parent. */
static void
check_partition(SdAnalysis *analysis, const SdAlter *alter)
{
	judge(analysis, &alter->relation);
}

/* check_inherit judges INHERIT and NO INHERIT, which name the parent. */
static void
check_inherit(SdAnalysis *analysis, const SdAlter *alter)
{
	SdRelation parent = sd_scope_relation(analysis->scope, castNode(RangeVar, alter->cmd->def));

	judge(analysis, &parent);
}

const SdCheck sd_checks_managed[] = {
	{ T_CreateStmt, -1, check_create_table },
	{ T_DropStmt, OBJECT_TABLE, check_drop_table },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_managed[] = {
	{ AT_AttachPartition, check_partition },
	{ AT_DetachPartition, check_partition },
	{ AT_AddInherit, check_inherit },
	{ AT_DropInherit, check_inherit },
	{ 0, NULL },
};
