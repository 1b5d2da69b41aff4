/*
 * sd_effect_ask.c
 *	  The effects of the statement that is looked at, for the findings about it.
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sd_dependents.h"
#include "sd_effect_ask.h"
#include "sd_effect_int.h"

/* changes_names recognises statements after which later ones mean, find, or take along something else. */
static bool
changes_names(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
		case T_DropOwnedStmt:
		case T_RenameStmt:
		case T_AlterObjectSchemaStmt:
		case T_AlterTableStmt:
		case T_AlterOwnerStmt:
		case T_AlterPolicyStmt:
		case T_AlterSeqStmt:
		case T_ReassignOwnedStmt:
		case T_PrepareStmt:
		case T_TransactionStmt:
			return true;
		case T_ViewStmt:
			return ((ViewStmt *) statement)->replace;
		default:
			return false;
	}
}

/* relation_of resolves the relation that a statement is about, for the statements that are about one. */
static SdRelation
relation_of(SdAnalysis *analysis, Node *statement)
{
	static const SdRelation none = { .presence = SD_MISSING };
	const RangeVar *name = NULL;

	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			name = ((AlterTableStmt *) statement)->relation;
			break;
		case T_IndexStmt:
			name = ((IndexStmt *) statement)->relation;
			break;
		case T_CreateTrigStmt:
			name = ((CreateTrigStmt *) statement)->relation;
			break;
		case T_AlterSeqStmt:
			name = ((AlterSeqStmt *) statement)->sequence;
			break;
		case T_CommentStmt:
			if (((CommentStmt *) statement)->objtype == OBJECT_TABLE)
				return sd_scope_relation_list(analysis->scope,
											  castNode(List, ((CommentStmt *) statement)->object));
			if (((CommentStmt *) statement)->objtype == OBJECT_COLUMN)
			{
				List *names = list_copy(castNode(List, ((CommentStmt *) statement)->object));

				if (list_length(names) > 1)
					return sd_scope_relation_list(analysis->scope,
												  list_truncate(names, list_length(names) - 1));
			}
			return none;
		default:
			return none;
	}
	return sd_scope_relation(analysis->scope, name);
}

/* ask predicts the statement, once. */
static void
ask(SdAnalysis *analysis)
{
	MemoryContext old;

	if (analysis->asked)
		return;
	analysis->asked = true;
	if (analysis->effects == NULL)
	{
		old = MemoryContextSwitchTo(analysis->context);
		analysis->effects = sd_effects_create(analysis);
		MemoryContextSwitchTo(old);
	}
	sd_effects_statement(analysis->effects, analysis->statement);
}

SdAsk
sd_ask_begin(SdAnalysis *analysis, Node *statement)
{
	SdEffects *effects = analysis->effects;
	SdAsk outer = { analysis->statement, analysis->asked };

	if (analysis->predicts)
	{
		sd_effects_statement(effects, statement);
		return outer;
	}
	analysis->statement = statement;
	analysis->asked = false;
	if (effects != NULL)
	{
		outer.list = effects->list;
		outer.known = effects->known;
		effects->list = NIL;
		effects->known = NULL;
	}
	return outer;
}

void
sd_ask_end(SdAnalysis *analysis, const SdAsk *outer)
{
	SdEffects *effects;

	if (analysis->predicts)
		return;
	if (changes_names(analysis->statement) &&
		!(analysis->effects == NULL && IsA(analysis->statement, TransactionStmt)))
		ask(analysis);
	analysis->statement = outer->statement;
	analysis->asked = outer->asked;
	effects = analysis->effects;
	if (effects == NULL)
		return;
	effects->list = outer->list;
	effects->known = outer->known;
	if (outer->statement != NULL)
		return;
	MemoryContextReset(effects->rows);
	/* outside a transaction each statement is one */
	if (!analysis->in_transaction)
		sd_effects_end_transaction(effects, true);
}

/* effect_on finds an effect of the statement on a relation; NULL when there is none. */
static const SdEffect *
effect_on(const SdEffects *effects, SdEffectKind kind, Oid relation)
{
	return sd_effects_find(effects, kind, RelationRelationId, relation, 0);
}

/* is_done tells whether something is done to one of some relations. */
static SdTruth
is_done(const SdEffects *effects, SdEffectKind kind, const List *relations, bool opaque)
{
	SdTruth result = opaque ? SD_UNKNOWN : SD_NO;
	ListCell *cell;

	foreach (cell, relations)
	{
		const SdEffect *effect = effect_on(effects, kind, lfirst_oid(cell));

		if (effect != NULL && effect->certain)
			return SD_YES;
		if (effect != NULL)
			result = SD_UNKNOWN;
	}
	return result;
}

static bool
is_opaque(const SdEffects *effects)
{
	ListCell *cell;

	foreach (cell, effects->list)
		if (((const SdEffect *) lfirst(cell))->key.kind == SD_EFFECT_OPAQUE)
			return true;
	return false;
}

void
sd_ask_for_finding(SdAnalysis *analysis, SdFinding *finding)
{
	Oid relation = OidIsValid(finding->target) ? finding->target : finding->about;
	const SdEffect *lock;
	List *storage;
	bool opaque;
	char relkind;

	/* what is only made here, or found at the end, is no deed of this statement */
	if (analysis->statement == NULL || analysis->deferred || !OidIsValid(relation))
		return;
	ask(analysis);
	if (analysis->effects == NULL)
		return;
	opaque = is_opaque(analysis->effects);
	lock = effect_on(analysis->effects, SD_EFFECT_LOCK, relation);
	if (lock != NULL || !opaque)
		finding->lock = lock != NULL ? lock->mode : NoLock;
	/* of an index it is its table that is read; a partitioned table is its partitions */
	relkind = sd_effects_class(analysis->effects, relation)->relkind;
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		storage = list_make1_oid(IndexGetRelation(relation, true));
	else if (relkind == RELKIND_PARTITIONED_TABLE)
		storage = sd_family_tree(&analysis->effects->context, relation);
	else
		storage = list_make1_oid(relation);
	finding->rewrites = is_done(analysis->effects, SD_EFFECT_REWRITE, storage, opaque);
	finding->scans = is_done(analysis->effects, SD_EFFECT_SCAN, storage, opaque);
}

/* may_lock leaves out statements that need not be asked about: rules of their own know what they lock. */
static bool
may_lock(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			return ((CreateStmt *) statement)->inhRelations != NIL &&
				   ((CreateStmt *) statement)->partbound == NULL;
		case T_CreateSchemaStmt:
			return ((CreateSchemaStmt *) statement)->schemaElts != NIL;
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_CopyStmt:
		case T_DoStmt:
		case T_CallStmt:
		case T_ExplainStmt:
		case T_PrepareStmt:
		case T_ExecuteStmt:
		case T_DeclareCursorStmt:
		case T_TransactionStmt:
		case T_VariableSetStmt:
		case T_CreateFunctionStmt:
		case T_CreateSeqStmt:
		case T_CreateEnumStmt:
		case T_CreateDomainStmt:
		case T_GrantStmt:
			return false;
		default:
			return true;
	}
}

LOCKMODE
sd_ask_strongest_lock(SdAnalysis *analysis, LOCKMODE above, SdRelation *relation, const char **shown)
{
	const SdEffect *strongest = NULL;
	SdRelation named;
	bool of_index = false;
	ListCell *cell;

	if (analysis->deferred || !may_lock(analysis->statement))
		return NoLock;
	/* nobody uses what the script made: there is nothing to be asked of it any more */
	named = relation_of(analysis, analysis->statement);
	if (!analysis->asked && named.presence == SD_MADE)
		analysis->asked = true;
	ask(analysis);
	if (analysis->effects == NULL)
		return NoLock;
	foreach (cell, analysis->effects->list)
	{
		SdEffect *effect = lfirst(cell);
		const SdClass *class;

		if (effect->key.kind != SD_EFFECT_LOCK || effect->mode <= above ||
			effect->key.class != RelationRelationId)
			continue;
		class = sd_effects_class(analysis->effects, effect->key.object);
		if (class->persistence == RELPERSISTENCE_TEMP)
			continue;
		/* the table, rather than its index */
		if (strongest != NULL &&
			(effect->mode < strongest->mode || (effect->mode == strongest->mode && !of_index)))
			continue;
		strongest = effect;
		of_index = class->relkind == RELKIND_INDEX || class->relkind == RELKIND_PARTITIONED_INDEX;
	}
	if (strongest == NULL)
		return NoLock;
	/* what the catalog knows by the name that the statement says has that name still */
	if (named.known != NULL && named.oid == strongest->key.object)
	{
		*relation = named;
		*shown = sd_shown(&named);
		return strongest->mode;
	}
	memset(relation, 0, sizeof(*relation));
	relation->presence = SD_EXISTS;
	relation->oid = strongest->key.object;
	relation->relkind = sd_relkind(relation->oid);
	relation->name = get_rel_name(relation->oid);
	relation->schema = get_namespace_name(get_rel_namespace(relation->oid));
	sd_effect_identify(analysis->effects, (SdEffect *) strongest);
	*shown = strongest->name;
	return strongest->mode;
}

bool
sd_ask_untied(SdAnalysis *analysis, const ObjectAddress *object, const ObjectAddress *referenced)
{
	return analysis->effects != NULL && sd_is_untied(&analysis->effects->context, object, referenced);
}

List *
sd_ask_owned(SdAnalysis *analysis, Oid role)
{
	return analysis->effects != NULL ? sd_owned_now(&analysis->effects->context, role) :
									   sd_dependents_owned(role);
}
