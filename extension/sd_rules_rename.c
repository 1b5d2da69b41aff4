/*
 * sd_rules_rename.c
 *	  Family "rename": nothing is lost, but code that runs now uses the old name.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_ahead.h"
#include "sd_lookup.h"
#include "sd_rules.h"

static void
check_rename_table(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (!sd_target(analysis, stmt->relation, stmt->missing_ok, &relation))
		return;
	/* a view that takes over the old name in the same transaction keeps running code going */
	if (sd_ahead(analysis, SD_AHEAD_RELATION, relation.name, NULL, true))
		return;
	finding = sd_finding(analysis, SD_RULE_RENAME_TABLE, &relation);
	finding.lock = AccessExclusiveLock;
	finding.names.new_name = relation.schema != NULL ?
								 quote_qualified_identifier(relation.schema, stmt->newname) :
								 quote_identifier(stmt->newname);
	finding.message =
		psprintf("renames %s to %s", sd_shown(&relation), quote_identifier(stmt->newname));
	sd_report(analysis, &finding);
}

/*
 * is_given_back tells whether running code finds a column's old name all the
 * same: added again, or in a view that takes over the old name of its table.
 */
static bool
is_given_back(SdAnalysis *analysis, const SdRelation *relation, const char *column)
{
	const char *old_name;

	if (sd_ahead(analysis, SD_AHEAD_COLUMN, relation->name, column, true))
		return true;
	old_name = relation->presence == SD_EXISTS ? get_rel_name(relation->oid) : NULL;
	return old_name != NULL && strcmp(old_name, relation->name) != 0 &&
		   sd_ahead(analysis, SD_AHEAD_RELATION, old_name, NULL, true);
}

static void
check_rename_column(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (stmt->relation == NULL || !sd_target(analysis, stmt->relation, stmt->missing_ok, &relation))
		return;
	if (sd_scope_column(analysis->scope, &relation, stmt->subname).presence == SD_MADE ||
		is_given_back(analysis, &relation, stmt->subname))
		return;
	finding = sd_finding(analysis, SD_RULE_RENAME_COLUMN, &relation);
	finding.names.column = quote_identifier(stmt->subname);
	finding.names.new_name = quote_identifier(stmt->newname);
	finding.object = psprintf("%s.%s", sd_shown(&relation), finding.names.column);
	finding.lock = AccessExclusiveLock;
	finding.message = psprintf("renames column %s to %s", finding.object, finding.names.new_name);
	finding.detail = "Views follow the new name; the text of PL/pgSQL functions does not.";
	sd_report(analysis, &finding);
}

static void
check_rename_schema(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	SdFinding finding;

	if (sd_scope_schema(analysis->scope, stmt->subname, NULL) == SD_MADE)
		return;
	finding = sd_finding(analysis, SD_RULE_RENAME_SCHEMA, NULL);
	finding.object = quote_identifier(stmt->subname);
	finding.message =
		psprintf("renames schema %s to %s", finding.object, quote_identifier(stmt->newname));
	sd_report(analysis, &finding);
}

static void
check_set_schema(SdAnalysis *analysis, Node *statement)
{
	AlterObjectSchemaStmt *stmt = (AlterObjectSchemaStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (stmt->relation == NULL || !sd_target(analysis, stmt->relation, stmt->missing_ok, &relation))
		return;
	finding = sd_finding(analysis, SD_RULE_RENAME_SCHEMA, &relation);
	finding.lock = AccessExclusiveLock;
	finding.message =
		psprintf("moves %s to schema %s", sd_shown(&relation), quote_identifier(stmt->newschema));
	sd_report(analysis, &finding);
}

static void
check_rename_enum_value(SdAnalysis *analysis, Node *statement)
{
	AlterEnumStmt *stmt = (AlterEnumStmt *) statement;
	SdFinding finding;
	Oid type;

	if (stmt->oldVal == NULL || sd_scope_type(analysis->scope, stmt->typeName, &type) == SD_MADE)
		return;
	finding = sd_finding(analysis, SD_RULE_RENAME_ENUM_VALUE, NULL);
	finding.object = finding.names.type = NameListToQuotedString(stmt->typeName);
	finding.names.new_name = quote_literal_cstr(stmt->newVal);
	finding.message = psprintf("renames label %s of %s to %s", quote_literal_cstr(stmt->oldVal),
							   finding.object, finding.names.new_name);
	sd_report(analysis, &finding);
}

/* is_known tells whether the catalog has what ALTER ... RENAME TO is about; *name becomes its name, *about the relation. */
static bool
is_known(SdAnalysis *analysis, RenameStmt *stmt, const char **name, Oid *about)
{
	SdRelation relation;
	List *names;
	Oid type;

	switch (stmt->renameType)
	{
		case OBJECT_SEQUENCE:
			if (!sd_target(analysis, stmt->relation, stmt->missing_ok, &relation))
				return false;
			*name = sd_shown(&relation);
			*about = relation.oid;
			return true;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			names = castNode(List, stmt->object);
			*name = NameListToQuotedString(names);
			return sd_scope_type(analysis->scope, names, &type) == SD_EXISTS;
		default:
			*name = NameListToQuotedString(castNode(ObjectWithArgs, stmt->object)->objname);
			return OidIsValid(
				sd_lookup_routine(stmt->renameType, castNode(ObjectWithArgs, stmt->object)));
	}
}

static void
check_rename_other(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	SdFinding finding;
	const char *name;
	Oid about = InvalidOid;

	if (!is_known(analysis, stmt, &name, &about))
		return;
	finding = sd_finding(analysis, SD_RULE_RENAME_OTHER, NULL);
	finding.about = about;
	finding.object = name;
	finding.names.new_name = quote_identifier(stmt->newname);
	finding.message = psprintf("renames %s to %s", name, finding.names.new_name);
	finding.detail = "Views, defaults and constraints follow the new name; text that is resolved "
					 "when it runs, such as that of PL/pgSQL functions and of clients, does not.";
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_rename[] = {
	{ T_RenameStmt, OBJECT_SCHEMA, check_rename_schema },
	{ T_AlterObjectSchemaStmt, -1, check_set_schema },
	{ T_AlterEnumStmt, -1, check_rename_enum_value },
	{ T_RenameStmt, OBJECT_TABLE, check_rename_table },
	{ T_RenameStmt, OBJECT_FOREIGN_TABLE, check_rename_table },
	{ T_RenameStmt, OBJECT_VIEW, check_rename_table },
	{ T_RenameStmt, OBJECT_MATVIEW, check_rename_table },
	{ T_RenameStmt, OBJECT_COLUMN, check_rename_column },
	{ T_RenameStmt, OBJECT_SEQUENCE, check_rename_other },
	{ T_RenameStmt, OBJECT_TYPE, check_rename_other },
	{ T_RenameStmt, OBJECT_DOMAIN, check_rename_other },
	{ T_RenameStmt, OBJECT_FUNCTION, check_rename_other },
	{ T_RenameStmt, OBJECT_PROCEDURE, check_rename_other },
	{ T_RenameStmt, OBJECT_ROUTINE, check_rename_other },
	{ T_RenameStmt, OBJECT_AGGREGATE, check_rename_other },
	{ T_Invalid, 0, NULL },
};
