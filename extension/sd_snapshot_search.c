/*
 * sd_snapshot_search.c
 *	  Text search: dictionaries, configurations, parsers and templates.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_config_map.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "utils/builtins.h"

#include "sd_snapshot_int.h"

static bool
emit_dictionary(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_ts_dict form = (Form_pg_ts_dict) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	if (!sd_schema_kept(snap, form->dictnamespace) ||
		sd_is_member(snap, TSDictionaryRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "text search dictionary",
					   sd_qualified(snap, form->dictnamespace, NameStr(form->dictname)));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_text(core, "template", sd_catalog_name(snap, TSTemplateRelationId, form->dicttemplate));
	sd_put_text(core, "options", sd_attr_text(tuple, desc, Anum_pg_ts_dict_dictinitoption));
	sd_doc_common(snap, doc, TSDictionaryRelationId, form->oid, form->dictowner,
				  OBJECT_TSDICTIONARY, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

typedef struct TsMapping
{
	Oid config;
	int32 token;
	int32 seqno;
	Oid dictionary;
} TsMapping;

static bool
load_mapping(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_ts_config_map form = (Form_pg_ts_config_map) GETSTRUCT(tuple);
	TsMapping *mapping;

	if (form->mapcfg < FirstNormalObjectId)
		return false;
	mapping = palloc(sizeof(TsMapping));
	mapping->config = form->mapcfg;
	mapping->token = form->maptokentype;
	mapping->seqno = form->mapseqno;
	mapping->dictionary = form->mapdict;
	snap->ts_mappings = lappend(snap->ts_mappings, mapping);
	return true;
}

static int
compare_mappings(const ListCell *a, const ListCell *b)
{
	return ((TsMapping *) lfirst(a))->seqno - ((TsMapping *) lfirst(b))->seqno;
}

static bool
emit_config(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_ts_config form = (Form_pg_ts_config) GETSTRUCT(tuple);
	LexDescr *tokens;
	SdDoc *doc;
	SdNode *core;

	if (!sd_schema_kept(snap, form->cfgnamespace) ||
		sd_is_member(snap, TSConfigRelationId, form->oid))
		return false;
	tokens = (LexDescr *) DatumGetPointer(
		OidFunctionCall1(lookup_ts_parser_cache(form->cfgparser)->lextypeOid, (Datum) 0));
	doc = sd_doc_begin(snap, "text search configuration",
					   sd_qualified(snap, form->cfgnamespace, NameStr(form->cfgname)));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_text(core, "parser", sd_catalog_name(snap, TSParserRelationId, form->cfgparser));
	for (LexDescr *token = tokens; token->lexid != 0; token++)
	{
		SdNode *list = sd_node_list();
		ListCell *lc;

		foreach (lc, snap->ts_mappings)
		{
			TsMapping *mapping = lfirst(lc);

			if (mapping->config == form->oid && mapping->token == token->lexid)
				sd_add_text(list, sd_catalog_name(snap, TSDictionaryRelationId, mapping->dictionary));
		}
		if (list->first != NULL)
			sd_put(sd_map_map(core, "mappings"), token->alias, list);
	}
	sd_doc_common(snap, doc, TSConfigRelationId, form->oid, form->cfgowner, OBJECT_TSCONFIGURATION,
				  NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_parser(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_ts_parser form = (Form_pg_ts_parser) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	if (!sd_schema_kept(snap, form->prsnamespace) ||
		sd_is_member(snap, TSParserRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "text search parser",
					   sd_qualified(snap, form->prsnamespace, NameStr(form->prsname)));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_proc(snap, core, "end", form->prsend);
	sd_put_proc(snap, core, "gettoken", form->prstoken);
	sd_put_proc(snap, core, "headline", form->prsheadline);
	sd_put_proc(snap, core, "lextypes", form->prslextype);
	sd_put_proc(snap, core, "start", form->prsstart);
	sd_doc_common(snap, doc, TSParserRelationId, form->oid, InvalidOid, OBJECT_TSPARSER, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_template(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_ts_template form = (Form_pg_ts_template) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	if (!sd_schema_kept(snap, form->tmplnamespace) ||
		sd_is_member(snap, TSTemplateRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "text search template",
					   sd_qualified(snap, form->tmplnamespace, NameStr(form->tmplname)));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_proc(snap, core, "init", form->tmplinit);
	sd_put_proc(snap, core, "lexize", form->tmpllexize);
	sd_doc_common(snap, doc, TSTemplateRelationId, form->oid, InvalidOid, OBJECT_TSTEMPLATE, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

void
sd_emit_search(SdSnap *snap)
{
	sd_scan(snap, TSParserRelationId, emit_parser);
	sd_scan(snap, TSTemplateRelationId, emit_template);
	sd_scan(snap, TSDictionaryRelationId, emit_dictionary);
	sd_scan(snap, TSConfigMapRelationId, load_mapping);
	list_sort(snap->ts_mappings, compare_mappings);
	sd_scan(snap, TSConfigRelationId, emit_config);
}
