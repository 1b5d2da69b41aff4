/*
 * sd_names.c
 *	  Names of objects of the catalog, for messages.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_dependents.h"
#include "sd_effect_ask.h"
#include "sd_names.h"
#include "sd_size.h"
#include "sd_track.h"

/* How many names a message lists before it says "and N more". */
#define MAX_LISTED 5

void
sd_names_init(SdNames *names)
{
	initStringInfo(&names->text);
	names->count = 0;
}

void
sd_names_add(SdNames *names, const char *name)
{
	if (names->count++ < MAX_LISTED)
		appendStringInfo(&names->text, "%s%s", names->count > 1 ? ", " : "", name);
}

const char *
sd_names_text(SdNames *names)
{
	if (names->count > MAX_LISTED)
		appendStringInfo(&names->text, " and %d more", names->count - MAX_LISTED);
	return names->text.data;
}

const char *
sd_relation_name(Oid relation)
{
	const char *name = get_rel_name(relation);

	if (name == NULL)
		return psprintf("relation %u", relation);
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

const char *
sd_relkind_name(char relkind)
{
	switch (relkind)
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return "index";
		case RELKIND_SEQUENCE:
			return "sequence";
		case RELKIND_VIEW:
			return "view";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_COMPOSITE_TYPE:
			return "composite type";
		case RELKIND_FOREIGN_TABLE:
			return "foreign table";
		case RELKIND_TOASTVALUE:
			return "toast table";
		default:
			return "table";
	}
}

void
sd_type_columns(SdAnalysis *analysis, Oid type, SdNames *names, SdSize *size)
{
	Relation depends = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;
	ObjectAddress used;

	ObjectAddressSet(used, TypeRelationId, type);
	scan = sd_dependents_begin(depends, TypeRelationId, type, 0);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress user;
		char *column;
		SdSize one;

		ObjectAddressSubSet(user, form->classid, form->objid, form->objsubid);
		if (form->classid != RelationRelationId || form->objsubid <= 0 ||
			sd_track_was_dropped(analysis, &user) || sd_ask_untied(analysis, &user, &used))
			continue;
		column = get_attname(form->objid, form->objsubid, true);
		if (column == NULL)
			continue;
		sd_names_add(names,
					 psprintf("%s.%s", sd_relation_name(form->objid), quote_identifier(column)));
		one = sd_relation_size(analysis->sizes, form->objid);
		size->rows = Max(size->rows, one.rows);
		size->bytes = Max(size->bytes, one.bytes);
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
}
