/*
 * sd_effect_create.c
 *	  Effects of making tables, views, sequences, triggers, rules, policies,
 *	  routines: what they are made of and for.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/policy.h"
#include "rewrite/rewriteSupport.h"
#include "rewrite/rewriteDefine.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect_alter.h"
#include "sd_parse.h"
#include "sd_predict.h"
#include "sd_tree.h"

void
sd_makes_named(SdEffectContext *context, const RangeVar *name, char relkind)
{
	const char *schema = sd_scope_creation_schema(context->scope, name);

	if (schema != NULL)
		sd_makes(context, schema, name->relname, relkind);
}

/* is_taken tells whether a name that CREATE makes is there already. */
static bool
is_taken(SdEffectContext *context, const RangeVar *name)
{
	const char *schema = sd_scope_creation_schema(context->scope, name);
	SdRelation relation;

	if (schema == NULL)
		return false;
	relation = sd_scope_relation_in(context->scope, schema, name->relname);
	return relation.presence == SD_MADE || sd_is_old(context, &relation);
}

/* A table that is being made. */
typedef struct NewTable
{
	SdEffectContext *context;
	SdRelation relation;
} NewTable;

/* new_constraint records what a constraint of a new table touches. */
static void
new_constraint(NewTable *table, const Constraint *constraint, const char *column)
{
	if (constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE)
	{
		Constraint *copy = copyObject((Constraint *) constraint);

		if (column != NULL)
			copy->keys = list_make1(makeString(pstrdup(column)));
		sd_remember_constraint(table->context, &table->relation, copy);
	}
	switch (constraint->contype)
	{
		case CONSTR_DEFAULT:
		case CONSTR_CHECK:
			sd_effect_query(table->context, constraint->raw_expr, SD_QUERY_ANALYZED);
			break;
		case CONSTR_FOREIGN:
			sd_foreign_key_to(table->context, constraint->pktable, InvalidOid, false);
			sd_remember_constraint(table->context, &table->relation, constraint);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			sd_constraint_index(table->context, &table->relation, InvalidOid, constraint, column);
			break;
		case CONSTR_IDENTITY:
			sd_makes(table->context, table->relation.schema,
					 sd_choose_name(table->context, table->relation.schema, table->relation.name,
									column, "seq"),
					 RELKIND_SEQUENCE);
			break;
		default:
			break;
	}
}

static void
new_column(NewTable *table, ColumnDef *column)
{
	ListCell *cell;

	sd_uses_type(table->context, column->typeName, SD_COLUMN_TYPE_LOCK);
	if (sd_is_serial(column->typeName))
		sd_makes(table->context, table->relation.schema,
				 sd_choose_name(table->context, table->relation.schema, table->relation.name,
								column->colname, "seq"),
				 RELKIND_SEQUENCE);
	foreach (cell, column->constraints)
		new_constraint(table, lfirst_node(Constraint, cell), column->colname);
}

/* like_table records LIKE: its model is read, and its indexes are made again for the new table. */
static void
like_table(NewTable *table, TableLikeClause *like)
{
	SdEffectContext *context = table->context;
	SdRelation model = sd_locks_name(context, like->relation, AccessShareLock);
	ListCell *cell;

	if (!sd_is_old(context, &model))
		return;
	if (like->options & CREATE_TABLE_LIKE_DEFAULTS)
	{
		foreach (cell, sd_default_sequences(context, model.oid))
			if (!sd_is_identity(model.oid, ((SdDefaultSequence *) lfirst(cell))->attnum))
				sd_locks(context, ((SdDefaultSequence *) lfirst(cell))->oid, SD_STORED_SEQUENCE_LOCK);
	}
	if (like->options & CREATE_TABLE_LIKE_IDENTITY)
	{
		foreach (cell, sd_identity_columns(model.oid))
			sd_makes(context, table->relation.schema,
					 sd_choose_name(context, table->relation.schema, table->relation.name,
									strVal(lfirst(cell)), "seq"),
					 RELKIND_SEQUENCE);
	}
	if (like->options & CREATE_TABLE_LIKE_INDEXES)
	{
		foreach (cell, sd_indexes(context, model.oid))
		{
			IndexStmt *copy = sd_copy_of_index(lfirst_oid(cell));

			if (copy != NULL)
				sd_new_index(context, &table->relation, InvalidOid, copy, NoLock);
		}
	}
}

/* copy_made_keys gives a partition the keys of a table that the script made. */
static void
copy_made_keys(NewTable *table, const SdRelation *parent)
{
	ListCell *cell;

	foreach (cell, sd_made_keys(table->context, parent))
	{
		Constraint *copy = copyObject(lfirst_node(Constraint, cell));

		copy->conname = NULL;
		sd_constraint_index(table->context, &table->relation, InvalidOid, copy, NULL);
	}
}

/* new_parents records what a new table inherits from, or is a partition of. */
static void
new_parents(NewTable *table, CreateStmt *stmt)
{
	SdEffectContext *context = table->context;
	ListCell *cell;

	foreach (cell, stmt->inhRelations)
	{
		SdRelation parent =
			sd_locks_name(context, lfirst_node(RangeVar, cell),
						  stmt->partbound != NULL ? AccessExclusiveLock : ShareUpdateExclusiveLock);

		if (stmt->partbound != NULL && parent.presence == SD_MADE)
			copy_made_keys(table, &parent);
		if (stmt->partbound == NULL || !sd_is_old(context, &parent))
			continue;
		if (!stmt->partbound->is_default)
			sd_locks(context, sd_default_partition(context, parent.oid), AccessExclusiveLock);
		sd_new_partition(context, parent.oid, &table->relation, InvalidOid, stmt->partbound);
	}
}

void
sd_effect_create_table(SdEffectContext *context, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	NewTable table = { context };
	ListCell *cell;

	if (is_taken(context, stmt->relation))
		return;
	table.relation.presence = SD_MADE;
	table.relation.schema = sd_scope_creation_schema(context->scope, stmt->relation);
	table.relation.name = stmt->relation->relname;
	table.relation.relkind = IsA(statement, CreateForeignTableStmt) ? RELKIND_FOREIGN_TABLE :
							 stmt->partspec != NULL					? RELKIND_PARTITIONED_TABLE :
																	  RELKIND_RELATION;
	if (table.relation.schema == NULL)
		return;
	sd_makes(context, table.relation.schema, table.relation.name, table.relation.relkind);
	sd_uses_type(context, stmt->ofTypename, AccessShareLock);
	foreach (cell, stmt->tableElts)
	{
		Node *element = lfirst(cell);

		if (IsA(element, ColumnDef))
			new_column(&table, (ColumnDef *) element);
		else if (IsA(element, Constraint))
			new_constraint(&table, (Constraint *) element, NULL);
		else if (IsA(element, TableLikeClause))
			like_table(&table, (TableLikeClause *) element);
	}
	foreach (cell, stmt->constraints)
		new_constraint(&table, lfirst_node(Constraint, cell), NULL);
	new_parents(&table, stmt);
}

void
sd_effect_create_table_as(SdEffectContext *context, Node *statement)
{
	CreateTableAsStmt *stmt = (CreateTableAsStmt *) statement;
	bool matview = SD_CTAS_OBJTYPE(stmt) == OBJECT_MATVIEW;

	if (stmt->if_not_exists && is_taken(context, stmt->into->rel))
	{
		sd_effect_query(context, stmt->query, SD_QUERY_ANALYZED);
		return;
	}
	sd_makes_named(context, stmt->into->rel, matview ? RELKIND_MATVIEW : RELKIND_RELATION);
	if (IsA(stmt->query, ExecuteStmt))
		sd_effect_execute(context, stmt->query);
	else
		sd_effect_query(context, stmt->query,
						stmt->into->skipData ? SD_QUERY_ANALYZED : SD_QUERY_RUN);
}

void
sd_effect_create_view(SdEffectContext *context, Node *statement)
{
	ViewStmt *stmt = (ViewStmt *) statement;

	if (stmt->replace && is_taken(context, stmt->view))
	{
		SdRelation view = sd_scope_relation_in(context->scope,
											   sd_scope_creation_schema(context->scope, stmt->view),
											   stmt->view->relname);

		if (sd_is_old(context, &view))
		{
			ObjectAddress rule;

			sd_locks(context, view.oid, AccessExclusiveLock);
			ObjectAddressSet(rule, RewriteRelationId,
							 get_rewrite_oid(view.oid, ViewSelectRuleName, true));
			sd_unsettles(context, &rule);
		}
	}
	else
		sd_makes_named(context, stmt->view, RELKIND_VIEW);
	sd_effect_query(context, stmt->query, SD_QUERY_ANALYZED);
}

/* owned_by records the table whose column is to own a sequence; "sequence" is NULL for a new one. */
static void
owned_by(SdEffectContext *context, List *options, const SdRelation *sequence)
{
	DefElem *option = sd_option(options, "owned_by");
	List *names;
	SdRelation table;
	const char *column;
	ObjectAddress object = InvalidObjectAddress;

	if (sequence != NULL && sd_is_old(context, sequence))
		ObjectAddressSet(object, RelationRelationId, sequence->oid);
	if (option == NULL || option->arg == NULL)
		return;
	/* what it belonged to does not take it along any more */
	sd_unties(context, &object, RelationRelationId, InvalidOid);
	if (list_length((List *) option->arg) < 2)
		return;
	names = list_copy((List *) option->arg);
	column = strVal(llast(names));
	table = sd_scope_relation_list(context->scope, list_truncate(names, list_length(names) - 1));
	if (sd_is_old(context, &table))
	{
		ObjectAddress owner;

		sd_locks(context, table.oid, AccessShareLock);
		ObjectAddressSubSet(owner, RelationRelationId, table.oid, get_attnum(table.oid, column));
		sd_ties(context, &object, &owner);
	}
}

void
sd_effect_create_sequence(SdEffectContext *context, Node *statement)
{
	CreateSeqStmt *stmt = (CreateSeqStmt *) statement;

	if (is_taken(context, stmt->sequence))
		return;
	sd_makes_named(context, stmt->sequence, RELKIND_SEQUENCE);
	owned_by(context, stmt->options, NULL);
}

void
sd_effect_alter_sequence(SdEffectContext *context, Node *statement)
{
	AlterSeqStmt *stmt = (AlterSeqStmt *) statement;
	SdRelation sequence = sd_locks_name(context, stmt->sequence, ShareRowExclusiveLock);

	owned_by(context, stmt->options, &sequence);
}

void
sd_effect_create_composite(SdEffectContext *context, Node *statement)
{
	RangeVar *name = ((CompositeTypeStmt *) statement)->typevar;

	if (!is_taken(context, name))
		sd_makes_named(context, name, RELKIND_COMPOSITE_TYPE);
}

void
sd_effect_create_trigger(SdEffectContext *context, Node *statement)
{
	CreateTrigStmt *stmt = (CreateTrigStmt *) statement;
	SdRelation relation = sd_locks_name(context, stmt->relation, ShareRowExclusiveLock);

	if (stmt->constrrel != NULL)
		(void) sd_locks_name(context, stmt->constrrel, AccessShareLock);
	/* a row trigger is copied to the partitions */
	if (sd_is_old(context, &relation) && stmt->row && relation.relkind == RELKIND_PARTITIONED_TABLE)
		sd_locks_each(context, sd_family_tree(context, relation.oid), ShareRowExclusiveLock);
}

void
sd_effect_create_rule(SdEffectContext *context, Node *statement)
{
	RuleStmt *stmt = (RuleStmt *) statement;
	ListCell *cell;

	(void) sd_locks_name(context, stmt->relation, AccessExclusiveLock);
	foreach (cell, stmt->actions)
		sd_effect_query(context, lfirst(cell), SD_QUERY_ANALYZED);
}

void
sd_effect_create_policy(SdEffectContext *context, Node *statement)
{
	CreatePolicyStmt *stmt = (CreatePolicyStmt *) statement;

	SdRelation table = sd_locks_name(context, stmt->table, AccessExclusiveLock);

	sd_effect_query(context, stmt->qual, SD_QUERY_ANALYZED);
	sd_effect_query(context, stmt->with_check, SD_QUERY_ANALYZED);
	if (sd_is_old(context, &table) && (stmt->qual != NULL || stmt->with_check != NULL))
	{
		ObjectAddress policy;

		ObjectAddressSet(policy, PolicyRelationId,
						 get_relation_policy_oid(table.oid, stmt->policy_name, true));
		sd_unsettles(context, &policy);
	}
}

void
sd_effect_alter_policy(SdEffectContext *context, Node *statement)
{
	AlterPolicyStmt *stmt = (AlterPolicyStmt *) statement;
	SdRelation table = sd_locks_name(context, stmt->table, AccessExclusiveLock);

	sd_effect_query(context, stmt->qual, SD_QUERY_ANALYZED);
	sd_effect_query(context, stmt->with_check, SD_QUERY_ANALYZED);
	if (sd_is_old(context, &table) && (stmt->qual != NULL || stmt->with_check != NULL))
	{
		ObjectAddress policy;

		ObjectAddressSet(policy, PolicyRelationId,
						 get_relation_policy_oid(table.oid, stmt->policy_name, true));
		sd_unsettles(context, &policy);
	}
}

void
sd_effect_create_statistics(SdEffectContext *context, Node *statement)
{
	CreateStatsStmt *stmt = (CreateStatsStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->relations)
		if (IsA(lfirst(cell), RangeVar))
			(void) sd_locks_name(context, lfirst(cell), ShareUpdateExclusiveLock);
}

/*
 * sd_effect_create_function records what checking the body of an SQL function
 * locks; those of other languages are not looked up.
 */
void
sd_effect_create_function(SdEffectContext *context, Node *statement)
{
	CreateFunctionStmt *stmt = (CreateFunctionStmt *) statement;
	SdBodyText body;
	List *statements;
	ListCell *cell;
	char *error;

#if PG_VERSION_NUM >= 140000
	if (stmt->sql_body != NULL)
	{
		sd_effect_query(context, stmt->sql_body,
						check_function_bodies ? SD_QUERY_REWRITTEN : SD_QUERY_ANALYZED);
		return;
	}
#endif
	if (!check_function_bodies || !sd_function_body(stmt, &body) ||
		strcmp(body.language, "sql") != 0 || !sd_parse_text(body.text, &statements, &error))
		return;
	foreach (cell, statements)
		sd_effect_query(context, lfirst_node(RawStmt, cell)->stmt, SD_QUERY_REWRITTEN);
}

void
sd_effect_create_schema(SdEffectContext *context, Node *statement)
{
	CreateSchemaStmt *stmt = (CreateSchemaStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->schemaElts)
	{
		RangeVar *target = sd_created_relation(lfirst(cell));

		/* an unqualified name goes into the new schema */
		if (target != NULL && target->schemaname == NULL && stmt->schemaname != NULL)
			target->schemaname = pstrdup(stmt->schemaname);
		sd_effects_inner(context->effects, lfirst(cell));
	}
}

void
sd_effect_refresh(SdEffectContext *context, Node *statement)
{
	RefreshMatViewStmt *stmt = (RefreshMatViewStmt *) statement;
	SdRelation view = sd_locks_name(context, stmt->relation,
									stmt->concurrent ? ExclusiveLock : AccessExclusiveLock);

	if (!sd_is_old(context, &view))
		return;
	if (!stmt->skipData)
		sd_effect_view_query(context, view.oid);
	if (stmt->concurrent)
	{
		/* the new rows are compared with all of the old ones, and differences are written */
		bool before = sd_effect_certain(context, false);

		sd_scans(context, view.oid);
		sd_locks_each(context, sd_indexes(context, view.oid), RowExclusiveLock);
		sd_effect_certain(context, before);
		return;
	}
	sd_rewrites(context, view.oid);
	if (sd_indexes(context, view.oid) != NIL)
		sd_rewrite_table(context, view.oid);
}
