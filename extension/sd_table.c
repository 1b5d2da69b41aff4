/*
 * sd_table.c
 *	  The module's own tables, read and written as rows of named columns.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/generic_xlog.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "sd_table.h"

#define SD_NAME "safedeploy"

struct SdScan
{
	Snapshot snapshot;
	Relation index;
	SysScanDesc scan;
	bool backward;
};

Oid
sd_table_oid(const char *name)
{
	Oid extension = get_extension_oid(SD_NAME, true);
	Oid nspid = get_namespace_oid(SD_NAME, true);
	Oid relid;

	if (!OidIsValid(extension) || !OidIsValid(nspid))
		return InvalidOid;
	relid = get_relname_relid(name, nspid);
	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_INDEX)
		return relid;
	if (getExtensionOfObject(RelationRelationId, relid) != extension)
		return InvalidOid;
	return relid;
}

Relation
sd_table_open_if_exists(const char *name, LOCKMODE lockmode)
{
	Oid relid = sd_table_oid(name);

	return OidIsValid(relid) ? table_open(relid, lockmode) : NULL;
}

Relation
sd_table_open(const char *name, LOCKMODE lockmode)
{
	Relation rel = sd_table_open_if_exists(name, lockmode);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s.%s\" of extension \"%s\" does not exist", SD_NAME, name, SD_NAME),
				 errhint("Create the extension in this database with CREATE EXTENSION %s.", SD_NAME)));
	return rel;
}

int64
sd_table_next_id(const char *sequence)
{
	Relation rel;
	Buffer buffer;
	GenericXLogState *log;
	Form_pg_sequence_data form;
	HeapTupleHeader tuple;
	Page page;
	int64 id;

	PreventCommandIfReadOnly("nextval()");
	PreventCommandIfParallelMode("nextval()");
	PreventCommandDuringRecovery("nextval()");
	rel = sd_table_open(sequence, RowExclusiveLock);
	buffer = ReadBuffer(rel, 0);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	log = GenericXLogStart(rel);
	page = GenericXLogRegisterBuffer(log, buffer, 0);
	tuple = (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, FirstOffsetNumber));
	form = (Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff);
	id = form->is_called ? form->last_value + 1 : form->last_value;
	form->last_value = id;
	form->is_called = true;
	/* so that the next nextval() writes to the log whatever it thinks is there already */
	form->log_cnt = 0;
	(void) GenericXLogFinish(log);
	UnlockReleaseBuffer(buffer);
	relation_close(rel, NoLock);
	return id;
}

/* Attribute number of a column; an error when there is none. */
static AttrNumber
column_number(Relation rel, const char *column)
{
	TupleDesc desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), column) == 0)
			return att->attnum;
	}
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of table \"%s.%s\" does not exist", column, SD_NAME,
						   RelationGetRelationName(rel)),
					errhint("Bring the extension to the version of its library with ALTER "
							"EXTENSION %s UPDATE.",
							SD_NAME)));
}

SdScan *
sd_scan_begin(Relation rel, const char *index, const char *column, RegProcedure eq, Datum key,
			  bool backward)
{
	SdScan *scan = palloc0(sizeof(SdScan));
	ScanKeyData skey;
	int nkeys = 0;

	/* Not the transaction's snapshot: under REPEATABLE READ that one is old. */
	scan->snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan->backward = backward;
	if (column != NULL)
	{
		ScanKeyInit(&skey, column_number(rel, column), BTEqualStrategyNumber, eq, key);
		nkeys = 1;
	}
	if (index == NULL)
		scan->scan = systable_beginscan(rel, InvalidOid, false, scan->snapshot, nkeys, &skey);
	else
	{
		Oid indexid = sd_table_oid(index);

		if (!OidIsValid(indexid))
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
							errmsg("index \"%s.%s\" does not exist", SD_NAME, index),
							errhint("Somebody has changed the extension's tables; see "
									"safedeploy.verify_ledger().")));
		scan->index = index_open(indexid, AccessShareLock);
		scan->scan = systable_beginscan_ordered(rel, scan->index, scan->snapshot, nkeys, &skey);
	}
	return scan;
}

HeapTuple
sd_scan_next(SdScan *scan)
{
	if (scan->index == NULL)
		return systable_getnext(scan->scan);
	return systable_getnext_ordered(scan->scan,
									scan->backward ? BackwardScanDirection : ForwardScanDirection);
}

void
sd_scan_end(SdScan *scan)
{
	if (scan->index == NULL)
		systable_endscan(scan->scan);
	else
	{
		systable_endscan_ordered(scan->scan);
		index_close(scan->index, AccessShareLock);
	}
	UnregisterSnapshot(scan->snapshot);
	pfree(scan);
}

SdRow *
sd_row_new(Relation rel)
{
	int natts = RelationGetDescr(rel)->natts;
	SdRow *row = palloc(sizeof(SdRow));

	row->rel = rel;
	row->values = palloc0(natts * sizeof(Datum));
	row->nulls = palloc(natts * sizeof(bool));
	memset(row->nulls, true, natts * sizeof(bool));
	return row;
}

SdRow *
sd_row_load(Relation rel, HeapTuple tuple)
{
	SdRow *row = sd_row_new(rel);

	/* The copy outlives the scan's buffer. */
	heap_deform_tuple(heap_copytuple(tuple), RelationGetDescr(rel), row->values, row->nulls);
	return row;
}

Datum
sd_row_get(const SdRow *row, const char *column, bool *isnull)
{
	int i = column_number(row->rel, column) - 1;

	*isnull = row->nulls[i];
	return row->values[i];
}

char *
sd_row_get_text(const SdRow *row, const char *column)
{
	bool isnull;
	Datum value = sd_row_get(row, column, &isnull);
	Oid output;
	bool varlena;

	if (isnull)
		return NULL;
	getTypeOutputInfo(TupleDescAttr(RelationGetDescr(row->rel), column_number(row->rel, column) - 1)
						  ->atttypid,
					  &output, &varlena);
	return OidOutputFunctionCall(output, value);
}

void
sd_row_set_nullable(SdRow *row, const char *column, Datum value, bool isnull)
{
	int i = column_number(row->rel, column) - 1;

	row->values[i] = isnull ? (Datum) 0 : value;
	row->nulls[i] = isnull;
}

void
sd_row_set(SdRow *row, const char *column, Datum value)
{
	sd_row_set_nullable(row, column, value, false);
}

void
sd_row_set_text(SdRow *row, const char *column, const char *value)
{
	sd_row_set_nullable(row, column, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

Datum
sd_text_array(List *strings)
{
	Datum *items = palloc(sizeof(Datum) * Max(list_length(strings), 1));
	ListCell *cell;
	int n = 0;

	foreach (cell, strings)
		items[n++] = CStringGetTextDatum((char *) lfirst(cell));
	return PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT));
}

void
sd_row_insert(SdRow *row)
{
	CatalogTupleInsert(row->rel,
					   heap_form_tuple(RelationGetDescr(row->rel), row->values, row->nulls));
	/* The next scan of this very statement must see the row. */
	CommandCounterIncrement();
}

void
sd_row_update(SdRow *row, ItemPointer tid)
{
	CatalogTupleUpdate(row->rel, tid,
					   heap_form_tuple(RelationGetDescr(row->rel), row->values, row->nulls));
	CommandCounterIncrement();
}
