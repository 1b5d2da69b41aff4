/*
 * sd_snapshot_triggers.c
 *	  Triggers and row security policies of relations.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "sd_snapshot_int.h"

const char *
sd_enabled_name(char enabled)
{
	switch (enabled)
	{
		case TRIGGER_FIRES_ON_ORIGIN:
			return "origin";
		case TRIGGER_FIRES_ON_REPLICA:
			return "replica";
		case TRIGGER_FIRES_ALWAYS:
			return "always";
		default:
			return "disabled";
	}
}

static void
append_events(SdSnap *snap, StringInfo buf, SdRel *rel, Form_pg_trigger form)
{
	static const struct
	{
		int bit;
		const char *name;
	} events[] = {
		{ TRIGGER_TYPE_INSERT, "INSERT" },
		{ TRIGGER_TYPE_DELETE, "DELETE" },
		{ TRIGGER_TYPE_UPDATE, "UPDATE" },
		{ TRIGGER_TYPE_TRUNCATE, "TRUNCATE" },
	};
	const char *sep = " ";

	for (int e = 0; e < lengthof(events); e++)
	{
		if ((form->tgtype & events[e].bit) == 0)
			continue;
		appendStringInfo(buf, "%s%s", sep, events[e].name);
		sep = " OR ";
		if (events[e].bit != TRIGGER_TYPE_UPDATE)
			continue;
		for (int i = 0; i < form->tgattr.dim1; i++)
			appendStringInfo(buf, "%s%s", i == 0 ? " OF " : ", ",
							 quote_identifier(sd_column_name(snap, rel->oid, form->tgattr.values[i])));
	}
}

/* Arguments are stored one after the other, each with a terminating zero. */
static void
append_arguments(StringInfo buf, HeapTuple tuple, TupleDesc desc, int count)
{
	bool isnull;
	Datum value = sd_attr(tuple, desc, Anum_pg_trigger_tgargs, &isnull);
	const char *arg;

	appendStringInfoChar(buf, '(');
	if (!isnull && count > 0)
	{
		arg = VARDATA(DatumGetByteaPCopy(value));
		for (int i = 0; i < count; i++)
		{
			appendStringInfo(buf, "%s%s", i > 0 ? ", " : "", quote_literal_cstr(arg));
			arg += strlen(arg) + 1;
		}
	}
	appendStringInfoChar(buf, ')');
}

static const char *
define(SdSnap *snap, SdRel *rel, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	StringInfoData buf;
	bool no_old;
	bool no_new;
	Datum old_table = sd_attr(tuple, desc, Anum_pg_trigger_tgoldtable, &no_old);
	Datum new_table = sd_attr(tuple, desc, Anum_pg_trigger_tgnewtable, &no_new);
	char *when = sd_attr_text(tuple, desc, Anum_pg_trigger_tgqual);

	initStringInfo(&buf);
	appendStringInfoString(&buf, TRIGGER_FOR_BEFORE(form->tgtype) ? "BEFORE" :
								 TRIGGER_FOR_AFTER(form->tgtype)  ? "AFTER" :
																	"INSTEAD OF");
	append_events(snap, &buf, rel, form);
	if (OidIsValid(form->tgconstrrelid))
		appendStringInfo(&buf, " FROM %s", sd_rel_name(snap, form->tgconstrrelid));
	if (!no_old || !no_new)
		appendStringInfoString(&buf, " REFERENCING");
	if (!no_old)
		appendStringInfo(&buf, " OLD TABLE AS %s",
						 quote_identifier(NameStr(*DatumGetName(old_table))));
	if (!no_new)
		appendStringInfo(&buf, " NEW TABLE AS %s",
						 quote_identifier(NameStr(*DatumGetName(new_table))));
	appendStringInfo(&buf, " FOR EACH %s", TRIGGER_FOR_ROW(form->tgtype) ? "ROW" : "STATEMENT");
	if (when != NULL)
		appendStringInfo(&buf, " WHEN (%s)", sd_deparse_when(snap, rel, when));
	appendStringInfo(&buf, " EXECUTE FUNCTION %s", sd_proc_name(snap, form->tgfoid));
	append_arguments(&buf, tuple, desc, form->tgnargs);
	return sd_trim(&buf);
}

/* Triggers of a foreign key show only when somebody has changed their state. */
static void
load_internal(SdSnap *snap, Form_pg_trigger form)
{
	SdConstraint *con;

	if (!OidIsValid(form->tgconstraint) || form->tgenabled == TRIGGER_FIRES_ON_ORIGIN)
		return;
	con = hash_search(snap->constraints, &form->tgconstraint, HASH_FIND, NULL);
	if (con == NULL)
		return;
	con->triggers_enabled = form->tgenabled;
	/* the trigger may be on the other table */
	sd_use_by(snap, RelationRelationId, con->relid, form->oid);
}

static bool
load_trigger(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	/* before 15 the clones on partitions are marked internal too */
	bool clone = OidIsValid(form->tgparentid) && !OidIsValid(form->tgconstraint);
	SdRel *rel;
	SdTrigger *trigger;

	if (form->tgisinternal && !clone)
	{
		load_internal(snap, form);
		return false;
	}
	rel = sd_rel(snap, form->tgrelid);
	if (rel == NULL || rel->member)
		return false;
	trigger = palloc0(sizeof(SdTrigger));
	trigger->oid = form->oid;
	trigger->name = pstrdup(NameStr(form->tgname));
	trigger->enabled = form->tgenabled;
	trigger->constraint = OidIsValid(form->tgconstraint);
	trigger->deferrable = form->tgdeferrable;
	trigger->deferred = form->tginitdeferred;
	trigger->inherited = OidIsValid(form->tgparentid);
	trigger->definition = define(snap, rel, tuple, desc);
	sd_take_unread(snap, &rel->unread);
	trigger->next = rel->triggers;
	rel->triggers = trigger;
	return true;
}

static bool
load_policy(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->polrelid);
	SdPolicy *policy;
	ArrayType *roles;

	if (rel == NULL || rel->member)
		return false;
	policy = palloc0(sizeof(SdPolicy));
	policy->oid = form->oid;
	policy->name = pstrdup(NameStr(form->polname));
	policy->command = form->polcmd;
	policy->permissive = form->polpermissive;
	roles = sd_attr_array(tuple, desc, Anum_pg_policy_polroles);
	if (roles != NULL && ARR_NDIM(roles) == 1)
	{
		policy->roles = (Oid *) ARR_DATA_PTR(roles);
		policy->nroles = ARR_DIMS(roles)[0];
	}
	policy->using = sd_deparse_column(snap, rel, sd_attr_text(tuple, desc, Anum_pg_policy_polqual));
	policy->with_check =
		sd_deparse_column(snap, rel, sd_attr_text(tuple, desc, Anum_pg_policy_polwithcheck));
	sd_take_unread(snap, &rel->unread);
	policy->next = rel->policies;
	rel->policies = policy;
	return true;
}

void
sd_load_triggers(SdSnap *snap)
{
	sd_scan(snap, TriggerRelationId, load_trigger);
	sd_scan(snap, PolicyRelationId, load_policy);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static SdNode *
policy_node(SdSnap *snap, SdPolicy *policy)
{
	static const char *const commands[][2] = {
		{ "*", "all" }, { "r", "select" }, { "a", "insert" }, { "w", "update" }, { "d", "delete" }
	};
	SdNode *map = sd_node_map();
	SdNode *list = sd_node_list();
	const char **names = palloc(sizeof(char *) * (policy->nroles + 1));

	for (int i = 0; i < lengthof(commands); i++)
		if (commands[i][0][0] == policy->command)
			sd_put_text(map, "command", commands[i][1]);
	sd_put_false(map, "permissive", policy->permissive);
	for (int i = 0; i < policy->nroles; i++)
		names[i] = sd_grantee_name(snap, policy->roles[i]);
	qsort(names, policy->nroles, sizeof(char *), compare_names);
	for (int i = 0; i < policy->nroles; i++)
		sd_add_text(list, names[i]);
	sd_put(map, "roles", list);
	sd_put_text(map, "using", policy->using);
	sd_put_text(map, "with_check", policy->with_check);
	return map;
}

static SdNode *
trigger_node(SdTrigger *trigger)
{
	SdNode *map = sd_node_map();

	sd_put_true(map, "constraint", trigger->constraint);
	sd_put_true(map, "deferrable", trigger->deferrable);
	sd_put_true(map, "deferred", trigger->deferred);
	sd_put_text(map, "definition", trigger->definition);
	sd_put_text(map, "enabled", sd_enabled_name(trigger->enabled));
	sd_put_true(map, "inherited", trigger->inherited);
	return map;
}

void
sd_doc_triggers(SdSnap *snap, SdRel *rel, SdDoc *doc)
{
	for (SdTrigger *trigger = rel->triggers; trigger != NULL; trigger = trigger->next)
	{
		sd_put(sd_map_map(sd_doc_map(doc, SD_FACET_CORE), "triggers"), trigger->name,
			   trigger_node(trigger));
		sd_doc_comment(snap, doc, "triggers", trigger->name, TriggerRelationId, trigger->oid, 0);
		if (doc->phys != NULL)
			sd_put_int(sd_map_map(doc->phys, "triggers"), trigger->name, trigger->oid);
	}
	for (SdPolicy *policy = rel->policies; policy != NULL; policy = policy->next)
	{
		sd_put(sd_map_map(sd_doc_map(doc, SD_FACET_SECURITY), "policies"), policy->name,
			   policy_node(snap, policy));
		sd_doc_comment(snap, doc, "policies", policy->name, PolicyRelationId, policy->oid, 0);
		if (doc->phys != NULL)
			sd_put_int(sd_map_map(doc->phys, "policies"), policy->name, policy->oid);
	}
}
