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
typedef struct SdMade
{
	struct SdMade *before; /* made before */
	const char *schema;	   /* of the relation; NULL for a prepared statement */
	const char *relation;
	const char *name;
	Node *node;
} Made;

/* newest returns what was made last. */
static Made *
newest(SdEffectContext *context)
{
	MemoryContext memory;

	return *sd_effects_made(context->effects, &memory);
}

/* remember keeps a piece of a parse tree; "copy" makes what is kept of it. */
static void
remember(SdEffects *effects, const char *schema, const char *relation, const char *name,
		 const void *node, Node *(*copy)(const void *) )
{
	MemoryContext memory;
	Made **last = sd_effects_made(effects, &memory);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Made *made = palloc0(sizeof(Made));

	made->schema = schema == NULL ? NULL : pstrdup(schema);
	made->relation = relation == NULL ? NULL : pstrdup(relation);
	made->name = name == NULL ? NULL : pstrdup(name);
	made->node = copy(node);
	made->before = *last;
	*last = made;
	MemoryContextSwitchTo(old);
}

/* copy_all keeps all of it. */
static Node *
copy_all(const void *node)
{
	return copyObject((Node *) node);
}

/* copy_index keeps what sd_made_index() looks at; of a partial index no columns, which are like no other's. */
static Node *
copy_index(const void *node)
{
	const IndexStmt *index = node;
	IndexStmt *copy = makeNode(IndexStmt);
	ListCell *cell;

	copy->unique = index->unique;
	copy->isconstraint = index->isconstraint;
	foreach (cell, index->whereClause == NULL ? index->indexParams : NIL)
	{
		const char *name = lfirst_node(IndexElem, cell)->name;
		IndexElem *element = makeNode(IndexElem);

		element->name = name == NULL ? NULL : pstrdup(name);
		copy->indexParams = lappend(copy->indexParams, element);
	}
	return (Node *) copy;
}

void
sd_remember_constraint(SdEffectContext *context, const SdRelation *relation,
					   const Constraint *constraint)
{
	if (relation->schema != NULL)
		remember(context->effects, relation->schema, relation->name, constraint->conname,
				 constraint, copy_all);
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
	for (const Made *made = newest(context); made != NULL; made = made->before)
	{
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

	for (const Made *made = newest(context); made != NULL; made = made->before)
	{
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

	for (const Made *made = newest(context); made != NULL; made = made->before)
	{
		if (is_of(made, relation) && IsA(made->node, Constraint) &&
			((Constraint *) made->node)->contype == CONSTR_FOREIGN)
			result = lappend(result, ((Constraint *) made->node)->pktable);
	}
	return result;
}

void
sd_remember_prepared(SdEffectContext *context, const char *name, Node *query)
{
	remember(context->effects, NULL, NULL, name, query, copy_all);
}

void
sd_effect_create_event_trigger(SdEffectContext *context, Node *statement)
{
	remember(context->effects, NULL, NULL, ((CreateEventTrigStmt *) statement)->trigname, statement,
			 copy_all);
}

List *
sd_made_event_triggers(SdEffectContext *context)
{
	List *result = NIL;

	for (const Made *made = newest(context); made != NULL; made = made->before)
	{
		if (IsA(made->node, CreateEventTrigStmt))
			result = lappend(result, made->node);
	}
	return result;
}

Node *
sd_prepared(SdEffectContext *context, const char *name)
{
	for (const Made *made = newest(context); made != NULL; made = made->before)
	{
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
		remember(context->effects, relation->schema, relation->name, name, index, copy_index);
}

Oid
sd_table_of_made_index(SdEffectContext *context, const SdRelation *index)
{
	if (index->presence != SD_MADE)
		return InvalidOid;
	for (const Made *made = newest(context); made != NULL; made = made->before)
	{
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
	for (const Made *made = newest(context); made != NULL; made = made->before)
	{
		IndexStmt *own = (IndexStmt *) made->node;

		if (is_of(made, relation) && IsA(own, IndexStmt) && own->unique == index->unique &&
			index->whereClause == NULL && (own->isconstraint || !index->isconstraint) &&
			same_columns(own->indexParams, index->indexParams))
			return true;
	}
	return false;
}
