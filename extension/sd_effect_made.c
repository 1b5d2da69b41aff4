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
#include "sd_text_table.h"

/* Something that the script has made, and that a later statement uses by its name. */
typedef struct Made
{
	const struct Made *before; /* made before, under the same key */
	const char *relation;	   /* of a relation's */
	const char *name;
	Node *node;
} Made;

/* All that was made under a key. */
typedef struct Chain
{
	const char *key; /* see key_of() */
	const Made *newest;
} Chain;

/* What a key is of. */
typedef enum KeyKind
{
	KEY_RELATION, /* constraints and indexes of a relation */
	KEY_INDEX,	  /* an index by its name */
	KEY_PREPARED, /* a prepared statement */
	KEY_TRIGGERS  /* event triggers, without a name */
} KeyKind;

/* key_of makes a key; the length keeps a blank in a schema's name apart from the one behind it. */
static const char *
key_of(KeyKind kind, const char *schema, const char *name)
{
	return psprintf("%d %zu %s %s", kind, strlen(schema), schema, name);
}

/* newest returns what was made last under a key. */
static const Made *
newest(SdEffectContext *context, KeyKind kind, const char *schema, const char *name)
{
	MemoryContext memory;
	HTAB *table = *sd_effects_made(context->effects, &memory);
	const Chain *chain;

	if (table == NULL || schema == NULL)
		return NULL;
	chain = sd_text_search(table, key_of(kind, schema, name), HASH_FIND, NULL);
	return chain == NULL ? NULL : chain->newest;
}

/* of_relation returns what was made last of a relation's constraints and indexes. */
static const Made *
of_relation(SdEffectContext *context, const SdRelation *relation)
{
	return newest(context, KEY_RELATION, relation->schema, relation->name);
}

/* remember keeps something under a key. */
static void
remember(SdEffects *effects, KeyKind kind, const char *schema, const char *key_name, const Made *what)
{
	MemoryContext memory;
	HTAB **table = sd_effects_made(effects, &memory);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Made *made = palloc(sizeof(Made));
	Chain *chain;
	bool found;

	if (*table == NULL)
		*table = sd_text_table("safedeploy made", sizeof(Chain));
	chain = sd_text_search(*table, key_of(kind, schema, key_name), HASH_ENTER, &found);
	*made = *what;
	made->before = found ? chain->newest : NULL;
	chain->newest = made;
	MemoryContextSwitchTo(old);
}

/* keep makes a copy of a piece of a parse tree, and of the names that it goes by, that lasts. */
static Made
keep(SdEffects *effects, const char *relation, const char *name, const void *node,
	 Node *(*copy)(const void *) )
{
	MemoryContext memory;
	MemoryContext old;
	Made made = { 0 };

	(void) sd_effects_made(effects, &memory);
	old = MemoryContextSwitchTo(memory);
	made.relation = relation == NULL ? NULL : pstrdup(relation);
	made.name = name == NULL ? NULL : pstrdup(name);
	made.node = copy(node);
	MemoryContextSwitchTo(old);
	return made;
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
	Made made;

	if (relation->schema == NULL)
		return;
	made = keep(context->effects, relation->name, constraint->conname, constraint, copy_all);
	remember(context->effects, KEY_RELATION, relation->schema, relation->name, &made);
}

const Constraint *
sd_made_constraint(SdEffectContext *context, const SdRelation *relation, const char *name)
{
	for (const Made *made = of_relation(context, relation); made != NULL; made = made->before)
	{
		if (IsA(made->node, Constraint) && made->name != NULL && strcmp(made->name, name) == 0)
			return (const Constraint *) made->node;
	}
	return NULL;
}

List *
sd_made_keys(SdEffectContext *context, const SdRelation *relation)
{
	List *result = NIL;

	for (const Made *made = of_relation(context, relation); made != NULL; made = made->before)
	{
		Constraint *constraint = (Constraint *) made->node;

		if (IsA(made->node, Constraint) &&
			(constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE))
			result = lcons(constraint, result);
	}
	return result;
}

List *
sd_made_references(SdEffectContext *context, const SdRelation *relation)
{
	List *result = NIL;

	for (const Made *made = of_relation(context, relation); made != NULL; made = made->before)
	{
		if (IsA(made->node, Constraint) && ((Constraint *) made->node)->contype == CONSTR_FOREIGN)
			result = lappend(result, ((Constraint *) made->node)->pktable);
	}
	return result;
}

void
sd_remember_prepared(SdEffectContext *context, const char *name, Node *query)
{
	Made made = keep(context->effects, NULL, name, query, copy_all);

	remember(context->effects, KEY_PREPARED, "", name, &made);
}

void
sd_effect_create_event_trigger(SdEffectContext *context, Node *statement)
{
	Made made = keep(context->effects, NULL, NULL, statement, copy_all);

	remember(context->effects, KEY_TRIGGERS, "", "", &made);
}

List *
sd_made_event_triggers(SdEffectContext *context)
{
	List *result = NIL;

	for (const Made *made = newest(context, KEY_TRIGGERS, "", ""); made != NULL; made = made->before)
		result = lappend(result, made->node);
	return result;
}

Node *
sd_prepared(SdEffectContext *context, const char *name)
{
	const Made *made = newest(context, KEY_PREPARED, "", name);

	return made == NULL ? NULL : made->node;
}

void
sd_remember_index(SdEffectContext *context, const SdRelation *relation, const char *name,
				  const IndexStmt *index)
{
	Made made;

	if (relation->schema == NULL)
		return;
	made = keep(context->effects, relation->name, name, index, copy_index);
	remember(context->effects, KEY_RELATION, relation->schema, relation->name, &made);
	if (name != NULL)
		remember(context->effects, KEY_INDEX, relation->schema, name, &made);
}

Oid
sd_table_of_made_index(SdEffectContext *context, const SdRelation *index)
{
	const Made *made;
	SdRelation table;

	if (index->presence != SD_MADE)
		return InvalidOid;
	made = newest(context, KEY_INDEX, index->schema, index->name);
	if (made == NULL)
		return InvalidOid;
	table = sd_scope_relation_in(context->scope, index->schema, made->relation);
	return sd_is_old(context, &table) ? table.oid : InvalidOid;
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
	for (const Made *made = of_relation(context, relation); made != NULL; made = made->before)
	{
		IndexStmt *own = (IndexStmt *) made->node;

		if (IsA(own, IndexStmt) && own->unique == index->unique && index->whereClause == NULL &&
			(own->isconstraint || !index->isconstraint) &&
			same_columns(own->indexParams, index->indexParams))
			return true;
	}
	return false;
}
