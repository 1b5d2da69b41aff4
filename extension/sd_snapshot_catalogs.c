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

static const SdCatalog catalogs[] = {
	{ RelationRelationId, { { RelationRelationId, 0, Anum_pg_class_oid, ClassOidIndexId } } },
	{ AttributeRelationId,
	  { { RelationRelationId, 0, Anum_pg_attribute_attrelid, AttributeRelidNumIndexId } } },
	{ AttrDefaultRelationId,
	  { { RelationRelationId, 0, Anum_pg_attrdef_adrelid, AttrDefaultIndexId } } },
	{ IndexRelationId,
	  { { RelationRelationId, 0, Anum_pg_index_indexrelid, InvalidOid },
		{ RelationRelationId, 0, Anum_pg_index_indrelid, IndexIndrelidIndexId } } },
	{ ConstraintRelationId,
	  { { ConstraintRelationId, 0, Anum_pg_constraint_oid, InvalidOid },
		{ RelationRelationId, 0, Anum_pg_constraint_conrelid, ConstraintRelidTypidNameIndexId },
		{ TypeRelationId, 0, Anum_pg_constraint_contypid, ConstraintTypidIndexId } } },
	{ TriggerRelationId,
	  { { TriggerRelationId, 0, Anum_pg_trigger_oid, InvalidOid },
		{ ConstraintRelationId, 0, Anum_pg_trigger_tgconstraint, TriggerConstraintIndexId },
		{ RelationRelationId, 0, Anum_pg_trigger_tgrelid, TriggerRelidNameIndexId } } },
	{ RewriteRelationId,
	  { { RewriteRelationId, 0, Anum_pg_rewrite_oid, InvalidOid },
		{ RelationRelationId, 0, Anum_pg_rewrite_ev_class, RewriteRelRulenameIndexId } } },
	{ PolicyRelationId,
	  { { PolicyRelationId, 0, Anum_pg_policy_oid, InvalidOid },
		{ RelationRelationId, 0, Anum_pg_policy_polrelid, PolicyPolrelidPolnameIndexId } } },
	{ InheritsRelationId,
	  { { RelationRelationId, 0, Anum_pg_inherits_inhrelid, InheritsRelidSeqnoIndexId } } },
	{ SequenceRelationId,
	  { { RelationRelationId, 0, Anum_pg_sequence_seqrelid, SequenceRelidIndexId } } },
	{ ForeignTableRelationId,
	  { { RelationRelationId, 0, Anum_pg_foreign_table_ftrelid, ForeignTableRelidIndexId } } },
	{ PartitionedRelationId,
	  { { RelationRelationId, 0, Anum_pg_partitioned_table_partrelid, PartitionedRelidIndexId } } },
	{ StatisticExtRelationId,
	  { { StatisticExtRelationId, 0, Anum_pg_statistic_ext_oid, StatisticExtOidIndexId } } },
	{ TypeRelationId, { { TypeRelationId, 0, Anum_pg_type_oid, TypeOidIndexId } } },
	{ EnumRelationId, { { TypeRelationId, 0, Anum_pg_enum_enumtypid, EnumTypIdLabelIndexId } } },
	{ RangeRelationId, { { TypeRelationId, 0, Anum_pg_range_rngtypid, RangeTypidIndexId } } },
	{ ProcedureRelationId, { { ProcedureRelationId, 0, Anum_pg_proc_oid, ProcedureOidIndexId } } },
	{ DescriptionRelationId,
	  { { InvalidOid, Anum_pg_description_classoid, Anum_pg_description_objoid,
		  DescriptionObjIndexId } } },
	{ SecLabelRelationId,
	  { { InvalidOid, Anum_pg_seclabel_classoid, Anum_pg_seclabel_objoid, SecLabelObjectIndexId } } },
	/* never scanned, but looked at by key */
	{ DependRelationId,
	  { { InvalidOid, Anum_pg_depend_classid, Anum_pg_depend_objid, InvalidOid },
		{ InvalidOid, Anum_pg_depend_refclassid, Anum_pg_depend_refobjid, InvalidOid } } },
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

int
sd_row_keys(const SdCatalog *catalog, HeapTuple tuple, TupleDesc desc, SdKey *keys)
{
	int count = 0;

	if (catalog == NULL || reaches_far(catalog->catalog, tuple))
		return 0;
	for (int i = 0; i < SD_ROW_KEYS && catalog->keys[i].attnum != 0; i++)
	{
		const SdCatalogKey *key = &catalog->keys[i];
		bool isnull;
		Oid oid = DatumGetObjectId(heap_getattr(tuple, key->attnum, desc, &isnull));

		if (isnull || !OidIsValid(oid))
			continue;
		keys[count].oid = oid;
		keys[count].classid = key->classid;
		if (!OidIsValid(key->classid))
			keys[count].classid = DatumGetObjectId(heap_getattr(tuple, key->classnum, desc, &isnull));
		count++;
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

/* Most dependencies decide nothing but what may be dropped. */
static bool
dependency_matters(Form_pg_depend form)
{
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

bool
sd_row_matters(Oid catalog, HeapTuple tuple)
{
	switch (catalog)
	{
		case AttributeRelationId:
			return ((Form_pg_attribute) GETSTRUCT(tuple))->attnum > 0;
		case DependRelationId:
			return dependency_matters((Form_pg_depend) GETSTRUCT(tuple));
		default:
			return true;
	}
}
