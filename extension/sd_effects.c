/*
 * sd_effects.c
 *	  What a statement makes, drops and renames, recorded in the scope, so that
 *	  later statements of the script are judged by it.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "nodes/makefuncs.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_scope.h"
#include "sd_tree.h"

/*
 * make_relation records a CREATE.  Where the name is taken the server refuses,
 * or does nothing with IF NOT EXISTS: what is there stays what it was.
 */
static void
make_relation(SdScope *scope, const RangeVar *name, char relkind, bool conditional)
{
	const char *schema = sd_scope_creation_schema(scope, name);
	SdRelation now = sd_scope_relation_in(scope, schema, name->relname);

	/* pg_temp is searched first, but the name may be free there */
	if (now.presence == SD_EXISTS || now.presence == SD_MADE)
		return;
	sd_scope_make_relation(scope, schema, name->relname, relkind, conditional);
}

/* apply_create_schema records a schema and the objects that its command lists. */
static void
apply_create_schema(SdScope *scope, CreateSchemaStmt *stmt, bool conditional)
{
	const char *name = stmt->schemaname;
	ListCell *cell;

	if (name == NULL && stmt->authrole != NULL)
		name = stmt->authrole->rolename;
	if (name == NULL)
		return;
	if (sd_scope_schema(scope, name, NULL) != SD_EXISTS)
		sd_scope_make_schema(scope, name, conditional);
	foreach (cell, stmt->schemaElts)
	{
		RangeVar *target = sd_created_relation(lfirst(cell));

		/* an unqualified name goes into the new schema */
		if (target != NULL && target->schemaname == NULL)
			target->schemaname = pstrdup(name);
		sd_scope_apply(scope, lfirst(cell), conditional);
	}
}

static void
apply_drop(SdScope *scope, DropStmt *stmt, bool conditional)
{
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdRelation relation;

		switch (stmt->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_SEQUENCE:
			case OBJECT_INDEX:
			case OBJECT_FOREIGN_TABLE:
				relation = sd_scope_relation_list(scope, lfirst(cell));
				if (relation.presence == SD_EXISTS || relation.presence == SD_MADE)
					sd_scope_drop_relation(scope, &relation, conditional);
				break;
			case OBJECT_SCHEMA:
				sd_scope_drop_schema(scope, strVal(lfirst(cell)), conditional);
				break;
			case OBJECT_TYPE:
			case OBJECT_DOMAIN:
				sd_scope_drop_type(scope, lfirst_node(TypeName, cell)->names, conditional);
				break;
			default:
				break;
		}
	}
}

static void
apply_rename(SdScope *scope, RenameStmt *stmt, bool conditional)
{
	SdRelation relation;

	if (stmt->renameType == OBJECT_SCHEMA)
	{
		sd_scope_rename_schema(scope, stmt->subname, stmt->newname, conditional);
		return;
	}
	if (stmt->renameType == OBJECT_TYPE || stmt->renameType == OBJECT_DOMAIN)
		sd_scope_rename_type(scope, castNode(List, stmt->object), NULL, stmt->newname, conditional);
	if (stmt->relation == NULL)
		return;
	relation = sd_scope_relation(scope, stmt->relation);
	switch (stmt->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_FOREIGN_TABLE:
			sd_scope_rename_relation(scope, &relation, relation.schema, stmt->newname, conditional);
			break;
		case OBJECT_COLUMN:
			sd_scope_rename_column(scope, &relation, stmt->subname, stmt->newname, conditional);
			break;
		case OBJECT_TABCONSTRAINT:
			sd_scope_drop_constraint(scope, &relation, stmt->subname, conditional);
			break;
		default:
			break;
	}
}

/* make_column records ADD COLUMN of a name that is free. */
static void
make_column(SdScope *scope, const SdRelation *relation, const char *name, bool conditional)
{
	if (sd_scope_column(scope, relation, name).presence == SD_EXISTS &&
		relation->presence == SD_EXISTS && sd_scope_has_column(scope, relation, name))
		return;
	sd_scope_make_column(scope, relation, name, conditional);
}

/* make_constraint records ADD CONSTRAINT of a name that is free. */
static void
make_constraint(SdScope *scope, const SdRelation *relation, const Constraint *constraint,
				bool conditional)
{
	const char *name = constraint->conname;

	/* one without a name could not be followed to its DROP */
	if (name == NULL || (sd_scope_constraint(scope, relation, name).presence == SD_EXISTS &&
						 relation->presence == SD_EXISTS &&
						 OidIsValid(get_relation_constraint_oid(relation->oid, name, true))))
		return;
	sd_scope_make_constraint(scope, relation, name,
							 constraint->contype == CONSTR_CHECK ?
								 sd_check_proves_not_null(constraint->raw_expr) :
								 NULL,
							 !constraint->skip_validation && SD_CONSTRAINT_IS_ENFORCED(constraint),
							 conditional);
}

static void
apply_alter_table(SdScope *scope, AlterTableStmt *stmt, bool conditional)
{
	SdRelation relation = sd_scope_relation(scope, stmt->relation);
	ListCell *cell;

	if (relation.schema == NULL)
		return;
	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		switch (cmd->subtype)
		{
			case AT_AddColumn:
				make_column(scope, &relation, castNode(ColumnDef, cmd->def)->colname, conditional);
				break;
			case AT_DropColumn:
				sd_scope_drop_column(scope, &relation, cmd->name, conditional);
				break;
			case AT_AddConstraint:
				make_constraint(scope, &relation, castNode(Constraint, cmd->def), conditional);
				break;
			case AT_ValidateConstraint:
				sd_scope_validate_constraint(scope, &relation, cmd->name, conditional);
				break;
			case AT_DropConstraint:
				sd_scope_drop_constraint(scope, &relation, cmd->name, conditional);
				break;
			default:
				break;
		}
	}
}

/* apply_create_function keeps the body of a routine for the statement that calls it. */
static void
apply_create_function(SdScope *scope, CreateFunctionStmt *stmt)
{
	SdRoutine routine = { 0 };
	SdBodyText body;

	if (!sd_function_body(stmt, &body))
		return;
	routine.language = body.language;
	routine.body = body.text;
	sd_scope_make_routine(scope, strVal(llast(stmt->funcname)), &routine);
}

void
sd_scope_apply(SdScope *scope, Node *statement, bool conditional)
{
	switch (nodeTag(statement))
	{
		case T_CreateForeignTableStmt:
		case T_CreateStmt:
		{
			CreateStmt *stmt = (CreateStmt *) statement;

			make_relation(scope, stmt->relation,
						  IsA(statement, CreateForeignTableStmt) ? RELKIND_FOREIGN_TABLE :
						  stmt->partspec != NULL				 ? RELKIND_PARTITIONED_TABLE :
																   RELKIND_RELATION,
						  conditional);
			break;
		}
		case T_CreateTableAsStmt:
		{
			CreateTableAsStmt *stmt = (CreateTableAsStmt *) statement;

			make_relation(scope, stmt->into->rel,
						  SD_CTAS_OBJTYPE(stmt) == OBJECT_MATVIEW ? RELKIND_MATVIEW : RELKIND_RELATION,
						  conditional);
			break;
		}
		case T_SelectStmt:
		{
			IntoClause *into = sd_select_into((SelectStmt *) statement);

			if (into != NULL)
				make_relation(scope, into->rel, RELKIND_RELATION, conditional);
			break;
		}
		case T_ViewStmt:
			make_relation(scope, ((ViewStmt *) statement)->view, RELKIND_VIEW, conditional);
			break;
		case T_CreateSeqStmt:
			make_relation(scope, ((CreateSeqStmt *) statement)->sequence, RELKIND_SEQUENCE,
						  conditional);
			break;
		case T_IndexStmt:
		{
			IndexStmt *stmt = (IndexStmt *) statement;
			SdRelation table = sd_scope_relation(scope, stmt->relation);

			if (stmt->idxname != NULL && table.schema != NULL)
				make_relation(scope, makeRangeVar(pstrdup(table.schema), stmt->idxname, -1),
							  RELKIND_INDEX, conditional);
			break;
		}
		case T_CompositeTypeStmt:
		{
			RangeVar *name = ((CompositeTypeStmt *) statement)->typevar;
			List *names = list_make1(makeString(name->relname));

			if (name->schemaname != NULL)
				names = lcons(makeString(name->schemaname), names);
			sd_scope_make_type(scope, names, false, conditional);
			break;
		}
		case T_CreateEnumStmt:
			sd_scope_make_type(scope, ((CreateEnumStmt *) statement)->typeName, false, conditional);
			break;
		case T_CreateDomainStmt:
			sd_scope_make_type(scope, ((CreateDomainStmt *) statement)->domainname, true,
							   conditional);
			break;
		case T_CreateRangeStmt:
			sd_scope_make_type(scope, ((CreateRangeStmt *) statement)->typeName, false, conditional);
			break;
		case T_DefineStmt:
			if (((DefineStmt *) statement)->kind == OBJECT_TYPE)
				sd_scope_make_type(scope, ((DefineStmt *) statement)->defnames, false, conditional);
			break;
		case T_CreateSchemaStmt:
			apply_create_schema(scope, (CreateSchemaStmt *) statement, conditional);
			break;
		case T_DropStmt:
			apply_drop(scope, (DropStmt *) statement, conditional);
			break;
		case T_RenameStmt:
			apply_rename(scope, (RenameStmt *) statement, conditional);
			break;
		case T_AlterObjectSchemaStmt:
		{
			AlterObjectSchemaStmt *stmt = (AlterObjectSchemaStmt *) statement;

			if (stmt->relation != NULL)
			{
				SdRelation relation = sd_scope_relation(scope, stmt->relation);

				sd_scope_rename_relation(scope, &relation, stmt->newschema, relation.name,
										 conditional);
			}
			else if (stmt->objectType == OBJECT_TYPE || stmt->objectType == OBJECT_DOMAIN)
				sd_scope_rename_type(scope, castNode(List, stmt->object), stmt->newschema, NULL,
									 conditional);
			break;
		}
		case T_AlterTableStmt:
			apply_alter_table(scope, (AlterTableStmt *) statement, conditional);
			break;
		case T_CreateFunctionStmt:
			apply_create_function(scope, (CreateFunctionStmt *) statement);
			break;
		default:
			break;
	}
}
