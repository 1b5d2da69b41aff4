/*
 * sd_effect_misc.c
 *	  Effects of what is left: renaming, moving, giving away, commenting,
 *	  domains, publications, VACUUM and ANALYZE, and statements that run others.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_type.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect_alter.h"
#include "sd_tree.h"

/* type_relation returns the relation that a composite type is kept as, or InvalidOid. */
static Oid
type_relation(SdEffectContext *context, Node *name)
{
	ObjectAddress type = sd_resolve(context, OBJECT_TYPE, name);

	return OidIsValid(type.objectId) ? get_typ_typrelid(type.objectId) : InvalidOid;
}

static void
rename_column(SdEffectContext *context, RenameStmt *stmt, const SdRelation *relation)
{
	ListCell *cell;

	foreach (cell, stmt->relation->inh ? sd_family_tree(context, relation->oid) :
										 list_make1_oid(relation->oid))
	{
		AttrNumber attnum = get_attnum(lfirst_oid(cell), stmt->subname);

		sd_locks(context, lfirst_oid(cell), AccessExclusiveLock);
		if (attnum != InvalidAttrNumber)
			sd_renames(context, RelationRelationId, lfirst_oid(cell), attnum, NULL, stmt->newname);
	}
}

/* rename_constraint goes on to what inherits a CHECK, and renames the index of a key. */
static void
rename_constraint(SdEffectContext *context, RenameStmt *stmt, const SdRelation *relation)
{
	Oid constraint = get_relation_constraint_oid(relation->oid, stmt->subname, true);
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (form->contype == CONSTRAINT_CHECK && !form->connoinherit && stmt->relation->inh)
		sd_locks_each(context, sd_family_tree(context, relation->oid), AccessExclusiveLock);
	if (form->contype == CONSTRAINT_PRIMARY || form->contype == CONSTRAINT_UNIQUE ||
		form->contype == CONSTRAINT_EXCLUSION)
		sd_locks(context, form->conindid, SD_RENAME_INDEX_LOCK);
	ReleaseSysCache(tuple);
}

static void
rename_type(SdEffectContext *context, RenameStmt *stmt)
{
	ObjectAddress type = sd_resolve(context, stmt->renameType, stmt->object);
	Oid relation = OidIsValid(type.objectId) ? get_typ_typrelid(type.objectId) : InvalidOid;
	const char *schema;

	if (!OidIsValid(type.objectId))
		return;
	schema = get_namespace_name_or_temp(get_object_namespace(&type));
	sd_locks(context, relation, AccessExclusiveLock);
	sd_renames(context, TypeRelationId, type.objectId, 0, schema, stmt->newname);
	if (OidIsValid(relation))
		sd_renames(context, RelationRelationId, relation, 0, schema, stmt->newname);
}

void
sd_effect_rename(SdEffectContext *context, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	LOCKMODE mode = AccessExclusiveLock;
	SdRelation relation;

	if (stmt->renameType == OBJECT_TYPE || stmt->renameType == OBJECT_DOMAIN)
	{
		rename_type(context, stmt);
		return;
	}
	if (stmt->relation == NULL)
		return;
	relation = sd_scope_relation(context->scope, stmt->relation);
	if (!sd_is_old(context, &relation))
		return;
	if (relation.relkind == RELKIND_INDEX || relation.relkind == RELKIND_PARTITIONED_INDEX)
		mode = stmt->renameType == OBJECT_INDEX ? SD_RENAME_INDEX_LOCK : AccessExclusiveLock;
	sd_locks(context, relation.oid, mode);
	switch (stmt->renameType)
	{
		case OBJECT_COLUMN:
		case OBJECT_ATTRIBUTE:
			rename_column(context, stmt, &relation);
			break;
		case OBJECT_TABCONSTRAINT:
			rename_constraint(context, stmt, &relation);
			break;
		case OBJECT_TRIGGER:
			/* 15 renames the copies of partitions too */
			if (PG_VERSION_NUM >= 150000 && relation.relkind == RELKIND_PARTITIONED_TABLE &&
				stmt->relation->inh)
				sd_locks_each(context, sd_family_tree(context, relation.oid), AccessExclusiveLock);
			break;
		case OBJECT_RULE:
		case OBJECT_POLICY:
			break;
		default:
			sd_renames(context, RelationRelationId, relation.oid, 0, relation.schema, stmt->newname);
			break;
	}
}

/* move takes an object out of the schema that it was in. */
static void
move(SdEffectContext *context, const ObjectAddress *object, const char *schema)
{
	ObjectAddress target;

	ObjectAddressSet(target, NamespaceRelationId, LookupNamespaceNoError(schema));
	sd_unties(context, object, NamespaceRelationId, InvalidOid);
	sd_ties(context, object, &target);
	if (OidIsValid(object->objectId))
		sd_moves(context, object, schema);
}

void
sd_effect_set_schema(SdEffectContext *context, Node *statement)
{
	AlterObjectSchemaStmt *stmt = (AlterObjectSchemaStmt *) statement;
	SdRelation relation;
	ObjectAddress object;
	List *sequences;
	ListCell *cell;

	if (stmt->relation == NULL)
	{
		object = sd_resolve(context, stmt->objectType, stmt->object);
		move(context, &object, stmt->newschema);
		return;
	}
	relation = sd_locks_name(context, stmt->relation, AccessExclusiveLock);
	if (!sd_is_old(context, &relation))
		return;
	sequences = sd_owned_sequences(context, relation.oid, 0);
	sd_locks_each(context, sequences, AccessExclusiveLock);
	foreach (cell, lcons_oid(relation.oid, sequences))
	{
		ObjectAddressSet(object, RelationRelationId, lfirst_oid(cell));
		move(context, &object, stmt->newschema);
	}
}

void
sd_effect_set_owner(SdEffectContext *context, Node *statement)
{
	AlterOwnerStmt *stmt = (AlterOwnerStmt *) statement;
	ObjectAddress object = sd_resolve(context, stmt->objectType, stmt->object);

	sd_gives_to(context, &object, get_rolespec_oid(stmt->newowner, true));
	if (stmt->objectType == OBJECT_TYPE)
		sd_locks(context, type_relation(context, stmt->object), AccessExclusiveLock);
}

/* lock_described locks what is commented on; a part of a relation only needs it to be there. */
static void
lock_described(SdEffectContext *context, ObjectType type, Node *object)
{
	bool part = type == OBJECT_TABCONSTRAINT || type == OBJECT_TRIGGER || type == OBJECT_RULE ||
				type == OBJECT_POLICY;

	sd_locks(context, sd_resolve_relation(context, type, object),
			 part ? AccessShareLock : ShareUpdateExclusiveLock);
	if (type == OBJECT_TYPE || type == OBJECT_DOMAIN)
	{
		ObjectAddress found = sd_resolve(context, type, object);

		if (!OidIsValid(get_typ_typrelid(found.objectId)))
			sd_locks_type(context, found.objectId, ShareUpdateExclusiveLock);
	}
}

void
sd_effect_comment(SdEffectContext *context, Node *statement)
{
	CommentStmt *stmt = (CommentStmt *) statement;

	lock_described(context, stmt->objtype, stmt->object);
}

void
sd_effect_security_label(SdEffectContext *context, Node *statement)
{
	SecLabelStmt *stmt = (SecLabelStmt *) statement;

	lock_described(context, stmt->objtype, stmt->object);
}

void
sd_effect_depends(SdEffectContext *context, Node *statement)
{
	AlterObjectDependsStmt *stmt = (AlterObjectDependsStmt *) statement;

	if (stmt->relation != NULL)
		(void) sd_locks_name(context, stmt->relation,
							 stmt->objectType == OBJECT_TRIGGER ? AccessShareLock :
																  AccessExclusiveLock);
}

void
sd_effect_extension_contents(SdEffectContext *context, Node *statement)
{
	AlterExtensionContentsStmt *stmt = (AlterExtensionContentsStmt *) statement;

	lock_described(context, stmt->objtype, stmt->object);
}

/* check_domain reads the tables that have columns of a domain. */
static void
check_domain(SdEffectContext *context, Oid domain)
{
	ListCell *cell;

	foreach (cell, sd_tables_of_type(context, domain))
	{
		if (!sd_has_rows(sd_relkind(lfirst_oid(cell))))
			continue;
		sd_locks(context, lfirst_oid(cell), ShareLock);
		sd_scans(context, lfirst_oid(cell));
	}
}

void
sd_effect_alter_domain(SdEffectContext *context, Node *statement)
{
	AlterDomainStmt *stmt = (AlterDomainStmt *) statement;
	Oid domain;
	bool checks = false;

	if (sd_scope_type(context->scope, stmt->typeName, &domain) != SD_EXISTS)
		return;
	switch (stmt->subtype)
	{
		case 'O':
			checks = !sd_domain_is_not_null(domain);
			break;
		case 'C':
			checks = !castNode(Constraint, stmt->def)->skip_validation;
			break;
		case 'V':
			checks = !sd_domain_constraint_is_valid(domain, stmt->name);
			break;
		case 'X':
			sd_effect_drop(context,
						   sd_address(NIL, ConstraintRelationId,
									  get_domain_constraint_oid(domain, stmt->name, true), 0));
			break;
		default:
			break;
	}
	if (checks)
		check_domain(context, domain);
}

void
sd_effect_alter_enum(SdEffectContext *context, Node *statement)
{
	AlterEnumStmt *stmt = (AlterEnumStmt *) statement;
	Oid type;

	if (sd_scope_type(context->scope, stmt->typeName, &type) == SD_EXISTS)
		sd_locks_type(context, type, ExclusiveLock);
}

/* analyze_table samples a table, its indexes and what inherits from it. */
static void
analyze_table(SdEffectContext *context, Oid table)
{
	ListCell *cell;
	bool partitioned = sd_relkind(table) == RELKIND_PARTITIONED_TABLE;

	sd_locks(context, table, ShareUpdateExclusiveLock);
	foreach (cell, sd_family_tree(context, table))
		sd_locks(context, lfirst_oid(cell),
				 partitioned ? ShareUpdateExclusiveLock : SD_ANALYZE_CHILD_LOCK);
}

/* vacuum_table cleans a table up, or writes it again. */
static void
vacuum_table(SdEffectContext *context, Oid table, bool full)
{
	ListCell *cell;

	foreach (cell, sd_relkind(table) == RELKIND_PARTITIONED_TABLE ? sd_family_tree(context, table) :
																	list_make1_oid(table))
	{
		if (!sd_has_rows(sd_relkind(lfirst_oid(cell))))
			continue;
		sd_locks(context, lfirst_oid(cell), full ? AccessExclusiveLock : ShareUpdateExclusiveLock);
		if (full)
			sd_rewrite_table(context, lfirst_oid(cell));
		else
			sd_locks_each(context, sd_indexes(context, lfirst_oid(cell)), RowExclusiveLock);
	}
}

void
sd_effect_vacuum(SdEffectContext *context, Node *statement)
{
	VacuumStmt *stmt = (VacuumStmt *) statement;
	bool full = sd_option_is_on(stmt->options, "full");
	List *tables = NIL;
	ListCell *cell;

	foreach (cell, stmt->rels)
	{
		VacuumRelation *target = lfirst_node(VacuumRelation, cell);
		SdRelation relation = sd_scope_relation(context->scope, target->relation);

		if (!sd_is_old(context, &relation))
			continue;
		/* 18 goes on to what inherits from a named table */
		tables = PG_VERSION_NUM >= 180000 && target->relation->inh ?
					 list_concat_unique_oid(tables, sd_family_tree(context, relation.oid)) :
					 lappend_oid(tables, relation.oid);
	}
	if (stmt->rels == NIL)
		tables = sd_relations_of_schema(InvalidOid);
	foreach (cell, tables)
	{
		char relkind = sd_relkind(lfirst_oid(cell));
		bool cleaned = sd_has_rows(relkind) || relkind == RELKIND_PARTITIONED_TABLE;
		/* a foreign table is sampled where it is named, and never cleaned up */
		bool sampled = cleaned || (relkind == RELKIND_FOREIGN_TABLE && stmt->rels != NIL);

		if (stmt->is_vacuumcmd && cleaned)
			vacuum_table(context, lfirst_oid(cell), full);
		if (stmt->is_vacuumcmd ? cleaned && sd_option_is_on(stmt->options, "analyze") : sampled)
			analyze_table(context, lfirst_oid(cell));
	}
}

void
sd_effect_move_all(SdEffectContext *context, Node *statement)
{
	AlterTableMoveAllStmt *stmt = (AlterTableMoveAllStmt *) statement;
	Oid from = get_tablespace_oid(stmt->orig_tablespacename, true);
	List *owners = NIL;
	ListCell *cell;

	if (from == get_tablespace_oid(stmt->new_tablespacename, true))
		return;
	if (from == MyDatabaseTableSpace)
		from = InvalidOid;
	foreach (cell, stmt->roles)
		owners = lappend_oid(owners, get_rolespec_oid(lfirst_node(RoleSpec, cell), true));
	foreach (cell, sd_relations_of_schema(InvalidOid))
	{
		Oid relation = lfirst_oid(cell);
		char relkind = sd_relkind(relation);
		bool wanted = stmt->objtype == OBJECT_INDEX	  ? relkind == RELKIND_INDEX :
					  stmt->objtype == OBJECT_MATVIEW ? relkind == RELKIND_MATVIEW :
														relkind == RELKIND_RELATION ||
															relkind == RELKIND_PARTITIONED_TABLE;

		if (!wanted || get_rel_tablespace(relation) != from ||
			(owners != NIL && !list_member_oid(owners, sd_owner(relation))))
			continue;
		sd_locks(context, relation, AccessExclusiveLock);
		if (relkind == RELKIND_INDEX)
			sd_builds(context, relation);
		else
			sd_rewrites(context, relation);
	}
}

void
sd_effect_explain(SdEffectContext *context, Node *statement)
{
	ExplainStmt *stmt = (ExplainStmt *) statement;
	Node *query = stmt->query;

	if (sd_option_is_on(stmt->options, "analyze"))
	{
		sd_effects_inner(context->effects, query);
		return;
	}
	if (IsA(query, CreateTableAsStmt))
		query = ((CreateTableAsStmt *) query)->query;
	if (IsA(query, DeclareCursorStmt))
		query = ((DeclareCursorStmt *) query)->query;
	if (IsA(query, ExecuteStmt))
		query = sd_prepared(context, ((ExecuteStmt *) query)->name);
	sd_effect_query(context, query, SD_QUERY_PLANNED);
}

void
sd_effect_prepare(SdEffectContext *context, Node *statement)
{
	PrepareStmt *stmt = (PrepareStmt *) statement;

	sd_remember_prepared(context, stmt->name, stmt->query);
	sd_effect_query(context, stmt->query, SD_QUERY_REWRITTEN);
}

void
sd_effect_execute(SdEffectContext *context, Node *statement)
{
	sd_effect_query(context, sd_prepared(context, ((ExecuteStmt *) statement)->name), SD_QUERY_RUN);
}

void
sd_effect_declare(SdEffectContext *context, Node *statement)
{
	sd_effect_query(context, ((DeclareCursorStmt *) statement)->query, SD_QUERY_PLANNED);
}

void
sd_effect_call(SdEffectContext *context, Node *statement)
{
	sd_effect_query(context, (Node *) ((CallStmt *) statement)->funccall, SD_QUERY_RUN);
}

/* The relations that a grant names are locked by newer servers. */
void
sd_effect_grant(SdEffectContext *context, Node *statement)
{
	GrantStmt *stmt = (GrantStmt *) statement;
	ListCell *cell;

	if (stmt->targtype != ACL_TARGET_OBJECT ||
		(stmt->objtype != OBJECT_TABLE && stmt->objtype != OBJECT_SEQUENCE))
		return;
	foreach (cell, stmt->objects)
		(void) sd_locks_name(context, lfirst_node(RangeVar, cell), SD_GRANT_LOCK);
}
