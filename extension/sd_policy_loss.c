/*
 * sd_policy_loss.c
 *	  What a statement would take away, told before it does anything.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_database.h"
#include "catalog/pg_inherits.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_policy_loss.h"
#include "sd_predict.h"

SdLoss *
sd_loss_create(void)
{
	SdLoss *loss = palloc0(sizeof(SdLoss));

	loss->closure = sd_closure_create();
	loss->sizes = sd_sizes_create();
	return loss;
}

static SdLossItem *
add_item(SdLoss *loss, SdProtectClass class, const char *object, SdSize size, const char *how)
{
	SdLossItem *item = palloc0(sizeof(SdLossItem));

	item->class = class;
	item->object = object;
	item->size = size;
	item->how = how;
	loss->items = lappend(loss->items, item);
	return item;
}

static SdSize
no_size(void)
{
	SdSize size = { -1, -1 };

	return size;
}

/* The size of what holds rows; -1 for the rest. */
static SdSize
size_of(SdLoss *loss, SdProtectClass class, Oid relation)
{
	switch (class)
	{
		case SD_PROTECT_TABLE:
		case SD_PROTECT_MATVIEW:
		case SD_PROTECT_COLUMN:
		case SD_PROTECT_TRUNCATE:
		case SD_PROTECT_NARROWING:
		case SD_PROTECT_DELETE:
		case SD_PROTECT_UPDATE:
			return sd_relation_size(loss->sizes, relation);
		default:
			return no_size();
	}
}

static SdLossItem *
add_drop(SdLoss *loss, const ObjectAddress *object)
{
	SdProtectClass class = sd_protect_class_of(object);

	return add_item(loss, class, sd_protect_object_name(object),
					size_of(loss, class, object->objectId), NULL);
}

void
sd_loss_add_drop(SdLoss *loss, const ObjectAddress *object)
{
	(void) add_drop(loss, object);
}

void
sd_loss_add_rows(SdLoss *loss, Oid relation, SdProtectClass class)
{
	ObjectAddress object;

	ObjectAddressSet(object, RelationRelationId, relation);
	add_item(loss, class, psprintf("rows of %s", sd_protect_object_name(&object)),
			 size_of(loss, class, relation), NULL);
}

/* is_listed tells whether a permit has to name an object that is dropped. */
static bool
is_listed(const SdLoss *loss, const SdDropped *dropped, SdProtectClass class)
{
	ObjectAddress whole = dropped->object;

	if (!sd_protects(class) || sd_protect_is_own(&dropped->object))
		return false;
	whole.objectSubId = 0;
	if (class == SD_PROTECT_COLUMN && sd_closure_has(loss->closure, &whole))
		return false;
	/* partitions, and tables of an extension, hold rows of their own */
	return dropped->reason != SD_DROP_PART || class == SD_PROTECT_TABLE ||
		   class == SD_PROTECT_MATVIEW || class == SD_PROTECT_FOREIGN_TABLE;
}

/* list_dropped turns the closure into items. */
static void
list_dropped(SdLoss *loss)
{
	ListCell *cell;

	foreach (cell, sd_closure_objects(loss->closure))
	{
		SdDropped *dropped = lfirst(cell);

		if (is_listed(loss, dropped, sd_protect_class_of(&dropped->object)))
			add_drop(loss, &dropped->object)->cascaded = dropped->reason == SD_DROP_CASCADED;
		else if (dropped->reason == SD_DROP_CASCADED && !sd_protect_is_own(&dropped->object))
			loss->cascaded = lappend(loss->cascaded, sd_protect_object_name(&dropped->object));
	}
}

static bool
is_relation_type(ObjectType type)
{
	return type == OBJECT_TABLE || type == OBJECT_VIEW || type == OBJECT_MATVIEW ||
		   type == OBJECT_SEQUENCE || type == OBJECT_INDEX || type == OBJECT_FOREIGN_TABLE;
}

/* find_drop: names that lead nowhere are the server's to complain of. */
static void
find_drop(SdLoss *loss, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	/* parts of a table that hold nothing, and that nothing depends on */
	if (stmt->removeType == OBJECT_RULE || stmt->removeType == OBJECT_TRIGGER ||
		stmt->removeType == OBJECT_POLICY)
		return;
	foreach (cell, stmt->objects)
	{
		ObjectAddress object;
		Relation relation = NULL;

		if (is_relation_type(stmt->removeType))
			ObjectAddressSet(object, RelationRelationId,
							 RangeVarGetRelid(makeRangeVarFromNameList((List *) lfirst(cell)),
											  NoLock, true));
		else
			object = get_object_address(stmt->removeType, (Node *) lfirst(cell), &relation,
										AccessShareLock, true);
		if (relation != NULL)
			table_close(relation, AccessShareLock);
		if (OidIsValid(object.objectId))
			sd_closure_add(loss->closure, &object, SD_DROP_NAMED, stmt->behavior == DROP_CASCADE);
	}
	list_dropped(loss);
}

/* find_drop_owned adds what a role owns in this database. */
static void
find_drop_owned(SdLoss *loss, Node *statement)
{
	DropOwnedStmt *stmt = (DropOwnedStmt *) statement;
	ListCell *cell;
	ListCell *owned;

	foreach (cell, stmt->roles)
	{
		Oid role = get_rolespec_oid(lfirst(cell), true);

		if (!OidIsValid(role))
			continue;
		foreach (owned, sd_dependents_owned(role))
			sd_closure_add(loss->closure, lfirst(owned), SD_DROP_NAMED,
						   stmt->behavior == DROP_CASCADE);
	}
	list_dropped(loss);
}

static void
find_drop_database(SdLoss *loss, Node *statement)
{
	DropdbStmt *stmt = (DropdbStmt *) statement;
	Oid database = get_database_oid(stmt->dbname, true);
	ObjectAddress object;
	const char *how = NULL;

	if (!OidIsValid(database))
		return;
	ObjectAddressSet(object, DatabaseRelationId, database);
	loss->database = database;
	sd_closure_add(loss->closure, &object, SD_DROP_NAMED, false);
	if (!sd_protects(SD_PROTECT_DATABASE) || sd_protect_is_own(&object))
		return;
	/* others may not be allowed to know */
	if (superuser())
		how = psprintf("It holds %s.",
					   TextDatumGetCString(
						   DirectFunctionCall1(pg_size_pretty,
											   DirectFunctionCall1(pg_database_size_oid,
																   ObjectIdGetDatum(database)))));
	add_item(loss, SD_PROTECT_DATABASE, sd_protect_object_name(&object), no_size(), how);
}

/*
 * reason_for_children: what goes from the children along with their parent is a
 * part of it, unless the session made the parent only to reach them.
 */
static SdDropReason
reason_for_children(const ObjectAddress *parent)
{
	return sd_protect_is_own(parent) ? SD_DROP_CASCADED : SD_DROP_PART;
}

static bool
column_of(Oid relation, const char *name, ObjectAddress *object)
{
	AttrNumber attnum = get_attnum(relation, name);

	ObjectAddressSubSet(*object, RelationRelationId, relation, attnum);
	return attnum > 0;
}

static bool
constraint_of(Oid relation, const char *name, ObjectAddress *object)
{
	ObjectAddressSet(*object, ConstraintRelationId,
					 get_relation_constraint_oid(relation, name, true));
	return OidIsValid(object->objectId);
}

/* find_drop_part adds a column or constraint, and those of the children that go with it. */
static void
find_drop_part(SdLoss *loss, Oid relation, const AlterTableCmd *cmd, bool recurse,
			   bool (*part_of)(Oid relation, const char *name, ObjectAddress *object))
{
	bool cascade = cmd->behavior == DROP_CASCADE;
	ObjectAddress object;
	SdDropReason reason;
	ListCell *cell;

	if (!part_of(relation, cmd->name, &object))
		return;
	sd_closure_add(loss->closure, &object, SD_DROP_NAMED, cascade);
	if (!recurse || !has_subclass(relation))
		return;
	reason = reason_for_children(&object);
	foreach (cell, find_all_inheritors(relation, NoLock, NULL))
		if (lfirst_oid(cell) != relation && part_of(lfirst_oid(cell), cmd->name, &object))
			sd_closure_add(loss->closure, &object, reason, cascade);
}

/* narrow_one: what cannot be told counts as a loss, unless there is no row to lose. */
static void
narrow_one(SdLoss *loss, const ObjectAddress *object, const AlterTableCmd *cmd)
{
	SdSize size = size_of(loss, SD_PROTECT_NARROWING, object->objectId);
	SdTypePrediction prediction;
	SdLossItem *item;

	/* a rehearsal has no rows, but what it is for has */
	if (size.bytes == 0 && sd_protect_watched == 0)
		return;
	prediction =
		sd_predict_alter_type(object->objectId, cmd->name, (ColumnDef *) copyObjectImpl(cmd->def));
	/* what the server refuses by itself loses nothing */
	if (prediction.narrows == SD_NO || prediction.blockers != NIL)
		return;
	item = add_item(loss, SD_PROTECT_NARROWING,
					psprintf("values of %s", sd_protect_object_name(object)), size,
					prediction.narrows == SD_YES ? prediction.narrowing :
												   "Whether values fit the new type cannot be told.");
	item->empty = size.bytes == 0;
}

static void
find_narrowing(SdLoss *loss, Oid relation, const AlterTableCmd *cmd)
{
	ObjectAddress object;
	ListCell *cell;

	if (!sd_protects(SD_PROTECT_NARROWING) || !column_of(relation, cmd->name, &object))
		return;
	if (!sd_protect_is_own(&object))
		narrow_one(loss, &object, cmd);
	else if (has_subclass(relation))
		foreach (cell, find_all_inheritors(relation, NoLock, NULL))
			if (column_of(lfirst_oid(cell), cmd->name, &object) && !sd_protect_is_own(&object))
				narrow_one(loss, &object, cmd);
}

static void
find_alter_table(SdLoss *loss, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	Oid relation = InvalidOid;
	ListCell *cell;

	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype != AT_DropColumn && cmd->subtype != AT_DropConstraint &&
			cmd->subtype != AT_AlterColumnType)
			continue;
		if (!OidIsValid(relation))
			relation = RangeVarGetRelid(stmt->relation, NoLock, true);
		if (!OidIsValid(relation))
			return;
		if (cmd->subtype == AT_DropColumn)
			find_drop_part(loss, relation, cmd, stmt->relation->inh, column_of);
		else if (cmd->subtype == AT_DropConstraint)
			find_drop_part(loss, relation, cmd, stmt->relation->inh, constraint_of);
		else
			find_narrowing(loss, relation, cmd);
	}
	list_dropped(loss);
}

/* list_truncated lists a table that a permit has to name. */
static bool
list_truncated(SdLoss *loss, Oid relation)
{
	ObjectAddress object;

	ObjectAddressSet(object, RelationRelationId, relation);
	if (sd_protect_is_own(&object))
		return false;
	if (sd_protects(SD_PROTECT_TRUNCATE))
		sd_loss_add_rows(loss, relation, SD_PROTECT_TRUNCATE);
	return true;
}

/* add_truncated adds a table and, when they go too, its children, which are a part of it. */
static void
add_truncated(SdLoss *loss, Oid relation, bool children)
{
	bool listed;
	ListCell *cell;

	if (list_member_oid(loss->truncated, relation))
		return;
	listed = list_truncated(loss, relation);
	loss->truncated = lappend_oid(loss->truncated, relation);
	if (!children || !has_subclass(relation))
		return;
	foreach (cell, find_all_inheritors(relation, NoLock, NULL))
	{
		if (list_member_oid(loss->truncated, lfirst_oid(cell)))
			continue;
		if (!listed)
			(void) list_truncated(loss, lfirst_oid(cell));
		loss->truncated = lappend_oid(loss->truncated, lfirst_oid(cell));
	}
}

static void
find_truncate(SdLoss *loss, Node *statement)
{
	TruncateStmt *stmt = (TruncateStmt *) statement;
	ListCell *cell;
	List *more;

	foreach (cell, stmt->relations)
	{
		RangeVar *name = lfirst_node(RangeVar, cell);
		Oid relation = RangeVarGetRelid(name, NoLock, true);

		if (OidIsValid(relation))
			add_truncated(loss, relation, name->inh);
	}
	while (stmt->behavior == DROP_CASCADE && (more = heap_truncate_find_FKs(loss->truncated)) != NIL)
		foreach (cell, more)
			add_truncated(loss, lfirst_oid(cell), false);
}

static const struct
{
	NodeTag tag;
	void (*find)(SdLoss *loss, Node *statement);
} finders[] = {
	{ T_DropStmt, find_drop },
	{ T_AlterTableStmt, find_alter_table },
	{ T_TruncateStmt, find_truncate },
	{ T_DropOwnedStmt, find_drop_owned },
	{ T_DropdbStmt, find_drop_database },
};

bool
sd_loss_is_possible(Node *statement)
{
	for (int i = 0; i < lengthof(finders); i++)
		if (finders[i].tag == nodeTag(statement))
			return true;
	return false;
}

void
sd_loss_find(SdLoss *loss, Node *statement)
{
	for (int i = 0; i < lengthof(finders); i++)
		if (finders[i].tag == nodeTag(statement))
			finders[i].find(loss, statement);
}

void
sd_loss_keep_enforced(SdLoss *loss)
{
	List *enforced = NIL;
	ListCell *cell;

	foreach (cell, loss->items)
	{
		SdLossItem *item = lfirst(cell);

		if (sd_protect_is_enforced(item->class) && !item->empty)
			enforced = lappend(enforced, item);
		else if (item->cascaded)
			loss->cascaded = lappend(loss->cascaded, unconstify(char *, item->object));
	}
	loss->items = enforced;
}

List *
sd_loss_objects(const SdLoss *loss)
{
	List *objects = NIL;
	ListCell *cell;

	foreach (cell, loss->items)
		objects = lappend(objects, unconstify(char *, ((SdLossItem *) lfirst(cell))->object));
	return objects;
}
