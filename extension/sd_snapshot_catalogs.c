/*
 * sd_snapshot_catalogs.c
 *	  The catalogs whose rows are read by the object that they belong to.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_description.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_largeobject_metadata.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_replication_origin.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"

#include "sd_snapshot_reuse.h"

/* A column of the part of a row that every row has, by number and place. */
#define COLUMN(catalog, name) Anum_##catalog##_##name, offsetof(FormData_##catalog, name)

#define REL(catalog, name, index)                           \
	{                                                       \
		RelationRelationId, 0, COLUMN(catalog, name), index \
	}
#define TYPE(catalog, name, index)                      \
	{                                                   \
		TypeRelationId, 0, COLUMN(catalog, name), index \
	}
#define SELF(classid, catalog)                       \
	{                                                \
		classid, 0, COLUMN(catalog, oid), InvalidOid \
	}
#define ANY(catalog, classname, name, index)                                              \
	{                                                                                     \
		InvalidOid, offsetof(FormData_##catalog, classname), COLUMN(catalog, name), index \
	}

static const SdCatalog catalogs[] = {
	{ RelationRelationId, { REL(pg_class, oid, ClassOidIndexId) } },
	{ AttributeRelationId, { REL(pg_attribute, attrelid, AttributeRelidNumIndexId) } },
	{ AttrDefaultRelationId, { REL(pg_attrdef, adrelid, AttrDefaultIndexId) } },
	{ IndexRelationId,
	  { REL(pg_index, indexrelid, InvalidOid), REL(pg_index, indrelid, IndexIndrelidIndexId) } },
	{ ConstraintRelationId,
	  { SELF(ConstraintRelationId, pg_constraint),
		REL(pg_constraint, conrelid, ConstraintRelidTypidNameIndexId),
		TYPE(pg_constraint, contypid, ConstraintTypidIndexId) } },
	{ TriggerRelationId,
	  { SELF(TriggerRelationId, pg_trigger),
		{ ConstraintRelationId, 0, COLUMN(pg_trigger, tgconstraint), TriggerConstraintIndexId },
		REL(pg_trigger, tgrelid, TriggerRelidNameIndexId) } },
	{ RewriteRelationId,
	  { SELF(RewriteRelationId, pg_rewrite), REL(pg_rewrite, ev_class, RewriteRelRulenameIndexId) } },
	{ PolicyRelationId,
	  { SELF(PolicyRelationId, pg_policy), REL(pg_policy, polrelid, PolicyPolrelidPolnameIndexId) } },
	{ InheritsRelationId, { REL(pg_inherits, inhrelid, InheritsRelidSeqnoIndexId) } },
	{ SequenceRelationId, { REL(pg_sequence, seqrelid, SequenceRelidIndexId) } },
	{ ForeignTableRelationId, { REL(pg_foreign_table, ftrelid, ForeignTableRelidIndexId) } },
	{ PartitionedRelationId, { REL(pg_partitioned_table, partrelid, PartitionedRelidIndexId) } },
	{ StatisticExtRelationId,
	  { { StatisticExtRelationId, 0, COLUMN(pg_statistic_ext, oid), StatisticExtOidIndexId } } },
	{ TypeRelationId, { TYPE(pg_type, oid, TypeOidIndexId) } },
	{ EnumRelationId, { TYPE(pg_enum, enumtypid, EnumTypIdLabelIndexId) } },
	{ RangeRelationId, { TYPE(pg_range, rngtypid, RangeTypidIndexId) } },
	{ ProcedureRelationId, { { ProcedureRelationId, 0, COLUMN(pg_proc, oid), ProcedureOidIndexId } } },
	{ DescriptionRelationId, { ANY(pg_description, classoid, objoid, DescriptionObjIndexId) } },
	{ SecLabelRelationId, { ANY(pg_seclabel, classoid, objoid, SecLabelObjectIndexId) } },
	/* never scanned, but looked at by key */
	{ DependRelationId,
	  { ANY(pg_depend, classid, objid, InvalidOid),
		ANY(pg_depend, refclassid, refobjid, InvalidOid) } },
};

const SdCatalog *
sd_catalog(Oid catalog)
{
	for (int i = 0; i < lengthof(catalogs); i++)
		if (catalogs[i].catalog == catalog)
			return &catalogs[i];
	return NULL;
}

/*
 * Rows that reach further than the objects that use them.  Whatever stands in
 * pg_catalog takes part in the search for names, and functions in C may be what
 * prints a type.
 */
static bool
reaches_far(Oid catalog, HeapTuple tuple)
{
	switch (catalog)
	{
		case RelationRelationId:
		{
			Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

			return form->relnamespace == PG_CATALOG_NAMESPACE && form->oid >= FirstNormalObjectId;
		}
		case TypeRelationId:
		{
			Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

			return form->typnamespace == PG_CATALOG_NAMESPACE;
		}
		case ProcedureRelationId:
		{
			Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

			return form->pronamespace == PG_CATALOG_NAMESPACE || form->prolang == ClanguageId ||
				   form->prolang == INTERNALlanguageId;
		}
		default:
			return false;
	}
}

Oid
sd_row_oid(HeapTuple tuple, int place)
{
	return *(const Oid *) ((const char *) GETSTRUCT(tuple) + place);
}

int
sd_row_keys(const SdCatalog *catalog, HeapTuple tuple, SdKey *keys, int most)
{
	int count = 0;

	if (catalog == NULL || reaches_far(catalog->catalog, tuple))
		return 0;
	for (int i = 0; i < SD_ROW_KEYS && catalog->keys[i].attnum != 0 && count < most; i++)
	{
		const SdCatalogKey *key = &catalog->keys[i];
		Oid oid = sd_row_oid(tuple, key->place);

		if (!OidIsValid(oid))
			continue;
		keys[count].oid = oid;
		keys[count++].classid =
			OidIsValid(key->classid) ? key->classid : sd_row_oid(tuple, key->classplace);
	}
	return count;
}

/* Contents of tables and states of replication, which change all the time; large objects. */
bool
sd_catalog_is_ignored(Oid catalog)
{
	switch (catalog)
	{
		case StatisticRelationId:
		case StatisticExtDataRelationId:
		case LargeObjectRelationId:
		case LargeObjectMetadataRelationId:
		case SharedDependRelationId:
		case ReplicationOriginRelationId:
		case SubscriptionRelRelationId:
			return true;
		default:
			return false;
	}
}

/* Columns of the system are the same in each table. */
static bool
attribute_matters(HeapTuple tuple)
{
	return ((Form_pg_attribute) GETSTRUCT(tuple))->attnum > 0;
}

/* Most dependencies decide nothing but what may be dropped. */
static bool
dependency_matters(HeapTuple tuple)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

	switch (form->deptype)
	{
		case DEPENDENCY_NORMAL:
			/* tells whether an operator class has it or its family */
			return form->classid == AccessMethodOperatorRelationId ||
				   form->classid == AccessMethodProcedureRelationId;
		case DEPENDENCY_AUTO:
		case DEPENDENCY_INTERNAL:
			return form->classid != TypeRelationId && form->classid != ConstraintRelationId &&
				   form->classid != TriggerRelationId && form->classid != AttrDefaultRelationId &&
				   form->classid != RewriteRelationId && form->classid != PolicyRelationId;
		default:
			return true;
	}
}

SdRowFilter
sd_row_filter(Oid catalog)
{
	switch (catalog)
	{
		case AttributeRelationId:
			return attribute_matters;
		case DependRelationId:
			return dependency_matters;
		default:
			return NULL;
	}
}
