/*
 * sd_rules_bodies.c
 *	  Family "application": texts of routines, which nothing follows when what
 *	  they use goes or gets another name.
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"

#include "sd_ahead.h"
#include "sd_bodies.h"
#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* report_bodies reports routines whose text uses what goes or gets another name. */
static void
report_bodies(SdAnalysis *analysis, const SdMention *mention, const SdRelation *relation,
			  const char *what)
{
	SdNames users;
	SdFinding finding;

	if (analysis->deferred)
		return;
	sd_names_init(&users);
	sd_bodies_mention(analysis, mention, &users);
	if (users.count == 0)
		return;
	finding = sd_finding(analysis, SD_RULE_PLPGSQL_BODY_BREAK, relation);
	finding.message = psprintf("the text of %s mentions %s, and fails when it runs next",
							   users.count == 1 ? "a routine" : "routines", what);
	finding.detail = psprintf("The server does not follow text: %s.", sd_names_text(&users));
	sd_report(analysis, &finding);
}

static void
check_drop_bodies(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		Node *object = lfirst(cell);
		SdMention mention = { 0 };
		SdRelation relation;

		if (IsA(object, ObjectWithArgs))
		{
			mention.name = strVal(llast(((ObjectWithArgs *) object)->objname));
			mention.call = true;
			/* another routine of that name may be the one that is called */
			if (OidIsValid(sd_lookup_routine(stmt->removeType, (ObjectWithArgs *) object)) &&
				sd_lookup_routine_count(mention.name) == 1)
				report_bodies(analysis, &mention, NULL,
							  psprintf("function %s", quote_identifier(mention.name)));
			continue;
		}
		relation = sd_scope_relation_list(analysis->scope, (List *) object);
		mention.name = relation.name;
		mention.schema = relation.schema;
		if (relation.presence == SD_EXISTS &&
			!sd_ahead(analysis, SD_AHEAD_RELATION, relation.name, NULL, true))
			report_bodies(analysis, &mention, &relation, sd_shown(&relation));
	}
}

static void
check_rename_bodies(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	SdMention mention = { 0 };
	SdRelation relation;

	if (stmt->relation == NULL)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS || relation.persistence == RELPERSISTENCE_TEMP)
		return;
	mention.name = relation.name;
	mention.schema = relation.schema;
	if (stmt->renameType == OBJECT_COLUMN)
	{
		mention.name = stmt->subname;
		mention.table = relation.name;
		mention.trigger_table = relation.oid;
		report_bodies(analysis, &mention, &relation,
					  psprintf("column %s of %s", quote_identifier(stmt->subname),
							   sd_shown(&relation)));
	}
	else if (!sd_ahead(analysis, SD_AHEAD_RELATION, relation.name, NULL, true))
		report_bodies(analysis, &mention, &relation, sd_shown(&relation));
}

static void
check_drop_column(SdAnalysis *analysis, const SdAlter *alter)
{
	SdMention mention = { .name = alter->cmd->name,
						  .schema = alter->relation.schema,
						  .table = alter->relation.name,
						  .trigger_table = alter->relation.oid };
	FormData_pg_attribute column;

	if (sd_lookup_column(analysis, &alter->relation, alter->cmd->name, &column))
		report_bodies(analysis, &mention, &alter->relation,
					  psprintf("column %s of %s", quote_identifier(alter->cmd->name),
							   sd_shown(&alter->relation)));
}

const SdCheck sd_checks_bodies[] = {
	{ T_RenameStmt, OBJECT_TABLE, check_rename_bodies },
	{ T_RenameStmt, OBJECT_VIEW, check_rename_bodies },
	{ T_RenameStmt, OBJECT_MATVIEW, check_rename_bodies },
	{ T_RenameStmt, OBJECT_SEQUENCE, check_rename_bodies },
	{ T_RenameStmt, OBJECT_COLUMN, check_rename_bodies },
	{ T_DropStmt, OBJECT_TABLE, check_drop_bodies },
	{ T_DropStmt, OBJECT_VIEW, check_drop_bodies },
	{ T_DropStmt, OBJECT_MATVIEW, check_drop_bodies },
	{ T_DropStmt, OBJECT_SEQUENCE, check_drop_bodies },
	{ T_DropStmt, OBJECT_FUNCTION, check_drop_bodies },
	{ T_DropStmt, OBJECT_PROCEDURE, check_drop_bodies },
	{ T_DropStmt, OBJECT_ROUTINE, check_drop_bodies },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_bodies[] = {
	{ AT_DropColumn, check_drop_column },
	{ 0, NULL },
};
