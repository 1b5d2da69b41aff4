/*
 * sd_snapshot_routines.c
 *	  Functions, procedures and aggregates.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

void
sd_put_proc(SdSnap *snap, SdNode *map, const char *key, Oid proc)
{
	if (OidIsValid(proc))
		sd_put_text(map, key, sd_proc_name(snap, proc));
}

static const char *
privileges_identity(SdSnap *snap, HeapTuple tuple)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

	return psprintf("on routine %s%s",
					form->pronamespace == PG_CATALOG_NAMESPACE ? "pg_catalog." : "",
					sd_routine_identity(snap, form));
}

static bool
load_routine(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

	bool member = sd_is_member(snap, ProcedureRelationId, form->oid);

	if (member || !sd_schema_kept(snap, form->pronamespace))
	{
		if (member ? sd_schema_kept(snap, form->pronamespace) :
					 sd_schema_of_server(snap, form->pronamespace))
			sd_note_privileges(snap, tuple, desc, Anum_pg_proc_proacl, ProcedureRelationId,
							   form->oid, OBJECT_FUNCTION, form->proowner, privileges_identity);
		return false;
	}
	/* range types come with constructors, which are internal to them */
	if (form->prolang == INTERNALlanguageId && sd_is_internal(snap, ProcedureRelationId, form->oid))
		return false;
	snap->routines = lappend(snap->routines, heap_copytuple(tuple));
	return true;
}

static const char *
mode_name(char mode)
{
	switch (mode)
	{
		case PROARGMODE_OUT:
			return "out";
		case PROARGMODE_INOUT:
			return "inout";
		case PROARGMODE_VARIADIC:
			return "variadic";
		case PROARGMODE_TABLE:
			return "table";
		default:
			return "in";
	}
}

/* Arguments in order; the last input arguments have the defaults. */
static void
doc_arguments(SdSnap *snap, SdNode *core, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	Oid *types;
	char **names;
	char *modes;
	int count = get_func_arg_info(tuple, &types, &names, &modes);
	char *node = sd_attr_text(tuple, desc, Anum_pg_proc_proargdefaults);
	List *defaults = node ? castNode(List, sd_read_node(snap, node)) : NIL;
	int first_default = form->pronargs - list_length(defaults);
	SdNode *list = sd_node_list();
	int input = 0;

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		SdNode *map = sd_node_map();
		char mode = modes ? modes[i] : PROARGMODE_IN;

		if (mode != PROARGMODE_OUT && mode != PROARGMODE_TABLE)
		{
			if (input >= first_default)
				sd_put_text(map, "default",
							sd_deparse_plain(snap, list_nth(defaults, input - first_default)));
			input++;
		}
		sd_put_text(map, "mode", mode_name(mode));
		if (names != NULL && names[i] != NULL && names[i][0] != '\0')
			sd_put_text(map, "name", names[i]);
		sd_put_text(map, "type", sd_type_name(snap, types[i], -1));
		sd_add(list, map);
	}
	sd_put(core, "arguments", list);
}

static const char *
parallel_name(char parallel)
{
	return parallel == PROPARALLEL_SAFE		  ? "safe" :
		   parallel == PROPARALLEL_RESTRICTED ? "restricted" :
												"unsafe";
}

/* Cost and rows as they would be without a word about them are left out. */
static void
doc_estimates(SdSnap *snap, SdNode *core, Form_pg_proc form)
{
	float4 cost = form->prolang == INTERNALlanguageId || form->prolang == ClanguageId ? 1 : 100;

	if (form->procost != cost)
		sd_put_text(core, "cost", psprintf("%g", form->procost));
	if (form->proretset && form->prorows != 1000)
		sd_put_text(core, "rows", psprintf("%g", form->prorows));
	if (OidIsValid(form->prosupport))
		sd_put_text(core, "support", sd_proc_name(snap, form->prosupport));
}

static void
doc_transforms(SdSnap *snap, SdNode *core, HeapTuple tuple, TupleDesc desc)
{
	ArrayType *types = sd_attr_array(tuple, desc, Anum_pg_proc_protrftypes);
	SdNode *list;

	if (types == NULL || ARR_NDIM(types) != 1)
		return;
	list = sd_node_list();
	for (int i = 0; i < ARR_DIMS(types)[0]; i++)
		sd_add_text(list, sd_type_name(snap, ((Oid *) ARR_DATA_PTR(types))[i], -1));
	sd_put(core, "transforms", list);
}

static void
doc_body(SdSnap *snap, SdDoc *doc, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	SdNode *core = sd_doc_map(doc, SD_FACET_CORE);
	char *node = sd_attr_text(tuple, desc, SD_ANUM_PROSQLBODY);

	if (node != NULL)
	{
		sd_put_text(core, "body", sd_deparse_body(snap, form->oid, node));
		sd_put_bool(core, "sql_body", true);
	}
	else
		sd_put_text(core, "body", sd_attr_text(tuple, desc, Anum_pg_proc_prosrc));
	sd_put_text(core, "library", sd_attr_text(tuple, desc, Anum_pg_proc_probin));
}

static void
doc_function(SdSnap *snap, SdDoc *doc, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	SdNode *core = sd_doc_map(doc, SD_FACET_CORE);
	SdNode *config = sd_options_node(snap, sd_attr_array(tuple, desc, Anum_pg_proc_proconfig));

	doc_body(snap, doc, tuple, desc);
	if (config != NULL)
		sd_put(core, "config", config);
	sd_put_text(core, "language", quote_identifier(sd_language_name(snap, form->prolang)));
	if (form->prokind != PROKIND_PROCEDURE)
	{
		const char *type = sd_type_name(snap, form->prorettype, -1);

		sd_put_text(core, "returns", form->proretset ? psprintf("SETOF %s", type) : type);
		sd_put_text(core, "volatility",
					form->provolatile == PROVOLATILE_IMMUTABLE ? "immutable" :
					form->provolatile == PROVOLATILE_STABLE	   ? "stable" :
																 "volatile");
		sd_put_text(core, "parallel", parallel_name(form->proparallel));
		sd_put_true(core, "strict", form->proisstrict);
		sd_put_true(core, "window", form->prokind == PROKIND_WINDOW);
		doc_estimates(snap, core, form);
	}
	doc_transforms(snap, core, tuple, desc);
	if (form->prosecdef)
		sd_put_bool(sd_doc_map(doc, SD_FACET_SECURITY), "security_definer", true);
	if (form->proleakproof)
		sd_put_bool(sd_doc_map(doc, SD_FACET_SECURITY), "leakproof", true);
}

static void
put_proc(SdSnap *snap, SdNode *map, const char *key, Oid proc)
{
	if (OidIsValid(proc))
		sd_put_text(map, key, sd_proc_name(snap, proc));
}

static const char *
modify_name(char modify)
{
	return modify == AGGMODIFY_READ_ONLY ? "read only" :
		   modify == AGGMODIFY_SHAREABLE ? "shareable" :
										   "read write";
}

static void
doc_moving(SdSnap *snap, SdNode *core, Form_pg_aggregate agg)
{
	if (!OidIsValid(agg->aggmtranstype))
		return;
	put_proc(snap, core, "moving_transition_function", agg->aggmtransfn);
	put_proc(snap, core, "moving_inverse_function", agg->aggminvtransfn);
	put_proc(snap, core, "moving_final_function", agg->aggmfinalfn);
	sd_put_text(core, "moving_state_type", sd_type_name(snap, agg->aggmtranstype, -1));
	sd_put_true(core, "moving_final_extra", agg->aggmfinalextra);
	sd_put_text(core, "moving_final_modify", modify_name(agg->aggmfinalmodify));
	if (agg->aggmtransspace != 0)
		sd_put_int_text(core, "moving_state_space", agg->aggmtransspace);
}

static void
doc_aggregate(SdSnap *snap, SdDoc *doc, Form_pg_proc proc)
{
	SdNode *core = sd_doc_map(doc, SD_FACET_CORE);
	HeapTuple tuple = SearchSysCacheCopy1(AGGFNOID, ObjectIdGetDatum(proc->oid));
	Form_pg_aggregate agg;
	bool isnull;
	Datum value;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", proc->oid);
	agg = (Form_pg_aggregate) GETSTRUCT(tuple);
	sd_put_text(core, "returns", sd_type_name(snap, proc->prorettype, -1));
	sd_put_text(core, "parallel", parallel_name(proc->proparallel));
	if (agg->aggkind != AGGKIND_NORMAL)
	{
		sd_put_text(core, "kind",
					agg->aggkind == AGGKIND_ORDERED_SET ? "ordered-set" : "hypothetical");
		sd_put_int_text(core, "direct_arguments", agg->aggnumdirectargs);
	}
	put_proc(snap, core, "transition_function", agg->aggtransfn);
	sd_put_text(core, "state_type", sd_type_name(snap, agg->aggtranstype, -1));
	if (agg->aggtransspace != 0)
		sd_put_int_text(core, "state_space", agg->aggtransspace);
	put_proc(snap, core, "final_function", agg->aggfinalfn);
	sd_put_true(core, "final_extra", agg->aggfinalextra);
	sd_put_text(core, "final_modify", modify_name(agg->aggfinalmodify));
	put_proc(snap, core, "combine_function", agg->aggcombinefn);
	put_proc(snap, core, "serial_function", agg->aggserialfn);
	put_proc(snap, core, "deserial_function", agg->aggdeserialfn);
	if (OidIsValid(agg->aggsortop))
		sd_put_text(core, "sort_operator", sd_operator_name(snap, agg->aggsortop));
	doc_moving(snap, core, agg);
	value = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &isnull);
	if (!isnull)
		sd_put_text(core, "initial", TextDatumGetCString(value));
	value = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_aggminitval, &isnull);
	if (!isnull)
		sd_put_text(core, "moving_initial", TextDatumGetCString(value));
}

static void
emit_routine(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	const char *kind = form->prokind == PROKIND_AGGREGATE ? "aggregate" :
					   form->prokind == PROKIND_PROCEDURE ? "procedure" :
															"function";
	SdDoc *doc = sd_doc_begin(snap, kind, NULL);

	doc->identity = sd_routine_identity(snap, form);
	doc_arguments(snap, sd_doc_map(doc, SD_FACET_CORE), tuple, desc);
	if (form->prokind == PROKIND_AGGREGATE)
		doc_aggregate(snap, doc, form);
	else
		doc_function(snap, doc, tuple, desc);
	sd_doc_common(snap, doc, ProcedureRelationId, form->oid, form->proowner, OBJECT_FUNCTION,
				  (Acl *) sd_attr_array(tuple, desc, Anum_pg_proc_proacl));
	sd_doc_emit(snap, doc);
}

void
sd_emit_routines(SdSnap *snap)
{
	TupleDesc desc;
	ListCell *lc;

	sd_scan(snap, ProcedureRelationId, load_routine);
	desc = sd_catalog_desc(snap, ProcedureRelationId);
	foreach (lc, snap->routines)
	{
		HeapTuple tuple = lfirst(lc);

		sd_subject(snap, ProcedureRelationId, ((Form_pg_proc) GETSTRUCT(tuple))->oid);
		emit_routine(snap, tuple, desc);
	}
}
