/*
 * sd_effect_made.c
 *	  What a script has made, and what its later statements use by name:
 *	  constraints, indexes, prepared statements.
 *
 * A rollback does not take these back.  Whoever asks for one has found its
 * relation in the scope, which knows what is there.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_effect.h"

/* Something that the script has made, and that a later statement uses by its name. */
typedef struct Made
{
	const char *schema; /* of the relation; NULL for a prepared statement */
	const char *relation;
	const char *name;
	Node *node;
} Made;

static List *
all(SdEffectContext *context)
{
	MemoryContext memory;

	return *sd_effects_made(context->effects, &memory);
}

/* remember keeps a copy of a piece of a parse tree. */
static void
remember(SdEffects *effects, const char *schema, const char *relation, const char *name,
		 const void *node)
{
	MemoryContext memory;
	List **list = sd_effects_made(effects, &memory);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Made *made = palloc0(sizeof(Made));

	made->schema = schema == NULL ? NULL : pstrdup(schema);
	made->relation = relation == NULL ? NULL : pstrdup(relation);
	made->name = name == NULL ? NULL : pstrdup(name);
	made->node = copyObject((void *) node);
	*list = lcons(made, *list);
	MemoryContextSwitchTo(old);
}

void
sd_remember_constraint(SdEffectContext *context, const SdRelation *relation,
					   const Constraint *constraint)
{
	if (relation->schema != NULL)
		remember(context->effects, relation->schema, relation->name, constraint->conname, constraint);
}

/* is_of tells whether a thing that was made belongs to a relation. */
static bool
is_of(const Made *made, const SdRelation *relation)
{
	return made->schema != NULL && relation->schema != NULL &&
		   strcmp(made->schema, relation->schema) == 0 &&
		   strcmp(made->relation, relation->name) == 0;
}

const Constraint *
sd_made_constraint(SdEffectContext *context, const SdRelation *relation, const char *name)
{
	ListCell *cell;

	foreach (cell, all(context))
	{
		Made *made = lfirst(cell);

		if (is_of(made, relation) && IsA(made->node, Constraint) && made->name != NULL &&
			strcmp(made->name, name) == 0)
			return (const Constraint *) made->node;
	}
	return NULL;
}

List *
sd_made_keys(SdEffectContext *context, const SdRelation *relation)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, all(context))
	{
		Made *made = lfirst(cell);
		Constraint *constraint = (Constraint *) made->node;

		if (is_of(made, relation) && IsA(made->node, Constraint) &&
			(constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE))
			result = lcons(constraint, result);
	}
	return result;
}

List *
sd_made_references(SdEffectContext *context, const SdRelation *relation)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, all(context))
	{
		Made *made = lfirst(cell);

		if (is_of(made, relation) && IsA(made->node, Constraint) &&
			((Constraint *) made->node)->contype == CONSTR_FOREIGN)
			result = lappend(result, ((Constraint *) made->node)->pktable);
	}
	return result;
}

void
sd_remember_prepared(SdEffectContext *context, const char *name, Node *query)
{
	remember(context->effects, NULL, NULL, name, query);
}

void
sd_effect_create_event_trigger(SdEffectContext *context, Node *statement)
{
	remember(context->effects, NULL, NULL, ((CreateEventTrigStmt *) statement)->trigname, statement);
}

List *
sd_made_event_triggers(SdEffectContext *context)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, all(context))
	{
		Made *made = lfirst(cell);

		if (IsA(made->node, CreateEventTrigStmt))
			result = lappend(result, made->node);
	}
	return result;
}

Node *
sd_prepared(SdEffectContext *context, const char *name)
{
	ListCell *cell;

	foreach (cell, all(context))
	{
		Made *made = lfirst(cell);

		if (made->schema == NULL && !IsA(made->node, CreateEventTrigStmt) &&
			strcmp(made->name, name) == 0)
			return made->node;
	}
	return NULL;
}

void
sd_remember_index(SdEffectContext *context, const SdRelation *relation, const char *name,
				  const IndexStmt *index)
{
	if (relation->schema != NULL)
		remember(context->effects, relation->schema, relation->name, name, index);
}

Oid
sd_table_of_made_index(SdEffectContext *context, const SdRelation *index)
{
	ListCell *cell;

	foreach (cell, index->presence == SD_MADE ? all(context) : NIL)
	{
		Made *made = lfirst(cell);

		if (IsA(made->node, IndexStmt) && made->name != NULL && index->schema != NULL &&
			strcmp(made->schema, index->schema) == 0 && strcmp(made->name, index->name) == 0)
		{
			SdRelation table = sd_scope_relation_in(context->scope, made->schema, made->relation);

			return sd_is_old(context, &table) ? table.oid : InvalidOid;
		}
	}
	return InvalidOid;
}

/* same_columns tells whether two indexes are of the same columns, without expressions. */
static bool
same_columns(const List *one, const List *other)
{
	ListCell *a;
	ListCell *b;

	if (list_length(one) != list_length(other))
		return false;
	forboth (a, one, b, other)
	{
		const IndexElem *left = lfirst_node(IndexElem, a);
		const IndexElem *right = lfirst_node(IndexElem, b);

		if (left->name == NULL || right->name == NULL || strcmp(left->name, right->name) != 0)
			return false;
	}
	return true;
}

bool
sd_made_index(SdEffectContext *context, const SdRelation *relation, const IndexStmt *index)
{
	ListCell *cell;

	foreach (cell, all(context))
	{
		Made *made = lfirst(cell);
		IndexStmt *own = (IndexStmt *) made->node;

		if (is_of(made, relation) && IsA(own, IndexStmt) && own->unique == index->unique &&
			own->whereClause == NULL && index->whereClause == NULL &&
			(own->isconstraint || !index->isconstraint) &&
			same_columns(own->indexParams, index->indexParams))
			return true;
	}
	return false;
}
