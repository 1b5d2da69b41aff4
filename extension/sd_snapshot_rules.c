/*
 * sd_snapshot_rules.c
 *	  Rewrite rules: the queries of views, and rules proper.  Sequences too.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_sequence.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "sd_snapshot_int.h"

static bool
load_rule(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_rewrite form = (Form_pg_rewrite) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->ev_class);
	SdRule *rule;
	char *action;
	char *qual;

	if (rel == NULL || rel->member)
		return false;
	action = sd_attr_text(tuple, desc, Anum_pg_rewrite_ev_action);
	if (action == NULL)
		return false;
	/* the rule "_RETURN" of a view is the view */
	if (form->ev_type == '1')
	{
		rel->view = sd_deparse_view(snap, rel, action);
		sd_take_unread(snap, &rel->unread);
		pfree(action);
		return false;
	}
	rule = palloc0(sizeof(SdRule));
	rule->oid = form->oid;
	rule->name = pstrdup(NameStr(form->rulename));
	rule->enabled = form->ev_enabled;
	qual = sd_attr_text(tuple, desc, Anum_pg_rewrite_ev_qual);
	rule->definition = sd_deparse_rule(snap, rel, form, qual, action);
	sd_take_unread(snap, &rel->unread);
	rule->next = rel->rules;
	rel->rules = rule;
	pfree(action);
	return true;
}

void
sd_load_rules(SdSnap *snap)
{
	sd_scan(snap, RewriteRelationId, load_rule);
}

void
sd_doc_rules(SdSnap *snap, SdRel *rel, SdDoc *doc)
{
	for (SdRule *rule = rel->rules; rule != NULL; rule = rule->next)
	{
		SdNode *map = sd_node_map();

		sd_put_text(map, "definition", rule->definition);
		sd_put_text(map, "enabled", sd_enabled_name(rule->enabled));
		sd_put(sd_map_map(sd_doc_map(doc, SD_FACET_CORE), "rules"), rule->name, map);
		sd_doc_comment(snap, doc, "rules", rule->name, RewriteRelationId, rule->oid, 0);
		if (doc->phys != NULL)
			sd_put_int(sd_map_map(doc->phys, "rules"), rule->name, rule->oid);
	}
}

/* Column that owns a sequence; an identity column gets to know it. */
static void
find_owner(SdSnap *snap, SdSequence *seq)
{
	Relation depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(seq->rel->oid));
	scan = systable_beginscan(depend, DependDependerIndexId, true, snap->snapshot, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		SdRel *rel;

		if (form->refclassid != RelationRelationId || form->refobjsubid <= 0 ||
			(form->deptype != DEPENDENCY_AUTO && form->deptype != DEPENDENCY_INTERNAL))
			continue;
		rel = sd_rel(snap, form->refobjid);
		seq->identity = form->deptype == DEPENDENCY_INTERNAL;
		seq->owned_by =
			psprintf("%s.%s", sd_rel_name(snap, form->refobjid),
					 quote_identifier(sd_column_name(snap, form->refobjid, form->refobjsubid)));
		if (seq->identity && rel != NULL && rel->columns != NULL)
			rel->columns[form->refobjsubid].sequence = seq;
		if (seq->identity)
			sd_use_by(snap, RelationRelationId, form->refobjid, seq->rel->oid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

static bool
load_sequence(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_sequence form = (Form_pg_sequence) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->seqrelid);
	SdSequence *seq;

	if (rel == NULL || rel->member)
		return false;
	seq = palloc0(sizeof(SdSequence));
	seq->rel = rel;
	seq->type = form->seqtypid;
	seq->start = form->seqstart;
	seq->increment = form->seqincrement;
	seq->min = form->seqmin;
	seq->max = form->seqmax;
	seq->cache = form->seqcache;
	seq->cycle = form->seqcycle;
	rel->sequence = seq;
	find_owner(snap, seq);
	return true;
}

void
sd_load_sequences(SdSnap *snap)
{
	sd_scan(snap, SequenceRelationId, load_sequence);
}

void
sd_put_sequence(SdSnap *snap, SdNode *map, SdSequence *seq)
{
	sd_put_text(map, "type", sd_type_name(snap, seq->type, -1));
	sd_put_int_text(map, "start", seq->start);
	sd_put_int_text(map, "increment", seq->increment);
	sd_put_int_text(map, "min", seq->min);
	sd_put_int_text(map, "max", seq->max);
	sd_put_int_text(map, "cache", seq->cache);
	sd_put_true(map, "cycle", seq->cycle);
}
