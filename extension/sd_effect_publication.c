/*
 * sd_effect_publication.c
 *	  Effects of publications, which lock their tables, and of extensions, whose
 *	  scripts are not read.
 */
#include "postgres.h"

#include "catalog/pg_class.h"

#include "sd_compat.h"
#include "sd_effect.h"

/* lock_published records the tables of a publication; those that inherit are published too. */
static void
lock_published(SdEffectContext *context, const RangeVar *name)
{
	SdRelation relation = sd_locks_name(context, name, ShareUpdateExclusiveLock);

	/* partitions follow their parent without being named */
	if (sd_is_old(context, &relation) && name->inh && relation.relkind != RELKIND_PARTITIONED_TABLE)
		sd_locks_each(context, sd_family_tree(context, relation.oid), ShareUpdateExclusiveLock);
}

/* lock_objects records the tables that a list of a publication's objects names. */
static void
lock_objects(SdEffectContext *context, List *objects)
{
	ListCell *cell;

	foreach (cell, objects)
	{
#if PG_VERSION_NUM >= 150000
		PublicationObjSpec *object = lfirst_node(PublicationObjSpec, cell);

		if (object->pubobjtype == PUBLICATIONOBJ_TABLE ||
			(object->pubobjtype == PUBLICATIONOBJ_CONTINUATION && object->pubtable != NULL))
			lock_published(context, object->pubtable->relation);
#else
		lock_published(context, lfirst_node(RangeVar, cell));
#endif
	}
}

void
sd_effect_create_publication(SdEffectContext *context, Node *statement)
{
#if PG_VERSION_NUM >= 150000
	lock_objects(context, ((CreatePublicationStmt *) statement)->pubobjects);
#else
	lock_objects(context, ((CreatePublicationStmt *) statement)->tables);
#endif
}

void
sd_effect_alter_publication(SdEffectContext *context, Node *statement)
{
#if PG_VERSION_NUM >= 150000
	lock_objects(context, ((AlterPublicationStmt *) statement)->pubobjects);
#else
	lock_objects(context, ((AlterPublicationStmt *) statement)->tables);
#endif
}

void
sd_effect_create_extension(SdEffectContext *context, Node *statement)
{
	sd_effects_opaque(context->effects, psprintf("the script of extension %s is not read",
												 ((CreateExtensionStmt *) statement)->extname));
}

void
sd_effect_alter_extension(SdEffectContext *context, Node *statement)
{
	sd_effects_opaque(context->effects, psprintf("the update scripts of extension %s are not read",
												 ((AlterExtensionStmt *) statement)->extname));
}
