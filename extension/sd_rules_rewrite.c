/*
 * sd_rules_rewrite.c
 *	  Family "rewrite": the whole table is written again while nobody can use it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_predict.h"
#include "sd_rules.h"
#include "sd_tree.h"

/* join_names turns a list of String into text. */
static const char *
join_names(List *names)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, names)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", strVal(lfirst(cell)));
	return text.data;
}

/* report_rewrite reports ADD COLUMN under one rule. */
static void
report_rewrite(SdAnalysis *analysis, SdRuleId rule, const SdAlter *alter, const ColumnDef *column,
			   SdTruth rewrites, const char *why)
{
	SdFinding finding = sd_alter_finding(analysis, rule, alter, column->colname);
	bool serial = rule == SD_RULE_ADD_COLUMN_SERIAL;

	finding.names.type = sd_hint_type(column->typeName);
	finding.names.item =
		sd_hint_item(NULL, alter->relation.name, column->colname, serial ? "seq" : "check");
	finding.location = column->location;
	finding.rewrites = rewrites;
	finding.scans = rewrites;
	finding.message = psprintf("adding column %s %s %s (%s)", finding.object,
							   rewrites == SD_YES ? "rewrites" : "may rewrite",
							   sd_shown(&alter->relation), sd_size_text(finding.size));
	finding.detail = why;
	sd_report_blocking(analysis, &finding);
}

/* check_required reports a NOT NULL column that existing rows have no value for. */
static void
check_required(SdAnalysis *analysis, const SdAlter *alter, const ColumnDef *column,
			   const SdColumnPrediction *prediction)
{
	SdFinding finding;

	if (!prediction->not_null || prediction->has_default || prediction->is_serial ||
		prediction->is_identity || prediction->is_stored)
		return;
	finding = sd_alter_finding(analysis, SD_RULE_ADD_NOT_NULL_NO_DEFAULT, alter, column->colname);
	finding.names.type = sd_hint_type(column->typeName);
	finding.location = column->location;
	finding.scans = SD_YES;
	finding.message =
		psprintf("column %s is NOT NULL without a default, which fails when %s has rows (%s)",
				 finding.object, sd_shown(&alter->relation), sd_size_text(finding.size));
	sd_report_blocking(analysis, &finding);
}

static void
check_add_column(SdAnalysis *analysis, const SdAlter *alter)
{
	ColumnDef *column = castNode(ColumnDef, alter->cmd->def);
	SdColumnPrediction prediction;

	if (!sd_has_storage(&alter->relation))
		return;
	/* IF NOT EXISTS does nothing when it is there */
	if (alter->cmd->missing_ok && alter->relation.presence == SD_EXISTS &&
		SearchSysCacheExistsAttName(alter->relation.oid, column->colname))
		return;
	prediction = sd_predict_add_column(column);
	/* Such a type is not in the catalog yet, but it has no constraints, and a literal is no function. */
	if (sd_scope_made_plain_type(analysis->scope, column->typeName->names))
	{
		prediction.domain_rewrites = SD_NO;
		if (prediction.constant_default)
			prediction.default_rewrites = SD_NO;
	}
	if (prediction.is_serial)
		report_rewrite(analysis, SD_RULE_ADD_COLUMN_SERIAL, alter, column, SD_YES,
					   "Each row gets a number of the new sequence.");
	else if (prediction.is_identity)
		report_rewrite(analysis, SD_RULE_ADD_COLUMN_IDENTITY, alter, column, SD_YES,
					   "Each row gets a number of the new sequence.");
	else if (prediction.is_stored)
		report_rewrite(analysis, SD_RULE_ADD_COLUMN_GENERATED_STORED, alter, column, SD_YES,
					   "Each row gets its computed value.");
	else if (prediction.default_rewrites == SD_YES)
		report_rewrite(analysis, SD_RULE_ADD_COLUMN_VOLATILE_DEFAULT, alter, column, SD_YES,
					   "The default is volatile, so each row gets a value of its own.");
	else if (prediction.domain_rewrites == SD_YES)
		report_rewrite(analysis, SD_RULE_ADD_COLUMN_CONSTRAINED_DOMAIN, alter, column, SD_YES,
					   "The type is a domain with constraints, which are checked for each row.");
	else if (prediction.default_rewrites == SD_UNKNOWN)
		report_rewrite(analysis, SD_RULE_ADD_COLUMN_VOLATILE_DEFAULT, alter, column, SD_UNKNOWN,
					   psprintf("Whether the default is volatile cannot be told: %s.",
								prediction.error));
	else if (prediction.domain_rewrites == SD_UNKNOWN)
		report_rewrite(analysis, SD_RULE_ADD_COLUMN_CONSTRAINED_DOMAIN, alter, column, SD_UNKNOWN,
					   psprintf("What the type is cannot be told: %s.", prediction.error));
	check_required(analysis, alter, column, &prediction);
}

/* report_type_change turns a prediction into findings. */
static void
report_type_change(SdAnalysis *analysis, const SdAlter *alter, const ColumnDef *def,
				   const SdTypePrediction *prediction)
{
	const char *change = prediction->old_type == NULL ?
							 "to another type" :
							 psprintf("from %s to %s", prediction->old_type, prediction->new_type);
	SdFinding finding;

	if (prediction->narrows == SD_YES)
	{
		finding = sd_alter_finding(analysis, SD_RULE_ALTER_TYPE_NARROWING, alter, alter->cmd->name);
		finding.names.item = sd_hint_item(NULL, alter->relation.name, alter->cmd->name, "check");
		finding.location = def->location;
		finding.rewrites = prediction->rewrites;
		finding.scans = prediction->rewrites;
		finding.data_loss = finding.size.bytes == 0 ? SD_LOSS_NONE : SD_LOSS_POSSIBLE;
		finding.message =
			psprintf("changing %s %s can lose or refuse values", finding.object, change);
		finding.detail = prediction->narrowing;
		sd_report_blocking(analysis, &finding);
	}
	if (prediction->rewrites != SD_NO)
	{
		bool sure = prediction->rewrites == SD_YES;

		finding =
			sd_alter_finding(analysis, SD_RULE_ALTER_COLUMN_TYPE_REWRITE, alter, alter->cmd->name);
		finding.names.type = sd_hint_type(def->typeName);
		finding.names.new_name = sd_hint_item(NULL, alter->cmd->name, NULL, "new");
		finding.location = def->location;
		finding.rewrites = finding.scans = prediction->rewrites;
		finding.message = psprintf("changing %s %s %s %s (%s)", finding.object, change,
								   sure ? "rewrites" : "may rewrite", sd_shown(&alter->relation),
								   sd_size_text(finding.size));
		if (!sure && prediction->error != NULL)
			finding.detail = psprintf("It cannot be told: %s.", prediction->error);
		else if (prediction->foreign_keys != NIL)
			finding.detail = psprintf("Foreign keys are made and checked again, with locks on the "
									  "tables at their other ends: %s.",
									  join_names(prediction->foreign_keys));
		sd_report_blocking(analysis, &finding);
	}
	else if (prediction->checks != NIL || prediction->indexes != NIL)
	{
		finding = sd_alter_finding(analysis, SD_RULE_ALTER_TYPE_RECHECK, alter, alter->cmd->name);
		finding.names.item = quote_identifier(
			strVal(linitial(prediction->checks != NIL ? prediction->checks : prediction->indexes)));
		finding.location = def->location;
		finding.scans = SD_YES;
		finding.message =
			psprintf("changing %s %s rewrites nothing, but reads all of %s (%s)", finding.object,
					 change, sd_shown(&alter->relation), sd_size_text(finding.size));
		finding.detail =
			prediction->checks != NIL ?
				psprintf("CHECK constraints are verified again: %s.", join_names(prediction->checks)) :
				psprintf("Indexes are built again: %s.", join_names(prediction->indexes));
		sd_report_blocking(analysis, &finding);
	}
	if (prediction->blockers != NIL)
	{
		finding = sd_alter_finding(analysis, SD_RULE_ALTER_TYPE_DEPENDENCY, alter, alter->cmd->name);
		finding.location = def->location;
		finding.message = psprintf("changing %s %s fails", finding.object, change);
		finding.detail = psprintf("The reason: %s.", (char *) linitial(prediction->blockers));
		sd_report(analysis, &finding);
	}
}

static void
check_alter_type(SdAnalysis *analysis, const SdAlter *alter)
{
	ColumnDef *def = castNode(ColumnDef, alter->cmd->def);
	SdPart column = sd_scope_column(analysis->scope, &alter->relation, alter->cmd->name);
	SdTypePrediction prediction = { .error = "the column is not in the catalog" };

	if (!sd_has_storage(&alter->relation))
		return;
	if (alter->relation.presence == SD_EXISTS && column.presence == SD_EXISTS)
		prediction = sd_predict_alter_type(alter->relation.oid, column.old_name, def);
	report_type_change(analysis, alter, def, &prediction);
}

/* report_whole_table reports a command that rewrites a table for itself. */
static void
report_whole_table(SdAnalysis *analysis, SdRuleId rule, const SdRelation *relation, LOCKMODE lock,
				   const char *what)
{
	SdFinding finding = sd_finding(analysis, rule, relation);

	finding.lock = lock;
	finding.rewrites = finding.scans = SD_YES;
	finding.message =
		psprintf("%s rewrites %s (%s)", what, sd_shown(relation), sd_size_text(finding.size));
	sd_report_blocking(analysis, &finding);
}

static void
check_set_persistence(SdAnalysis *analysis, const SdAlter *alter)
{
	bool logged = alter->cmd->subtype == AT_SetLogged;
	char wanted = logged ? RELPERSISTENCE_PERMANENT : RELPERSISTENCE_UNLOGGED;

	if (alter->relation.presence == SD_EXISTS && alter->relation.persistence == wanted)
		return;
	report_whole_table(analysis, SD_RULE_SET_PERSISTENCE, &alter->relation, alter->lock,
					   logged ? "SET LOGGED" : "SET UNLOGGED");
}

static void
check_set_tablespace(SdAnalysis *analysis, const SdAlter *alter)
{
	Oid wanted = get_tablespace_oid(alter->cmd->name, true);

	/* a relation in the database's own tablespace has none of its own */
	if (wanted == MyDatabaseTableSpace)
		wanted = InvalidOid;
	if (alter->relation.presence == SD_EXISTS && get_rel_tablespace(alter->relation.oid) == wanted &&
		OidIsValid(get_tablespace_oid(alter->cmd->name, true)))
		return;
	report_whole_table(analysis, SD_RULE_SET_TABLESPACE, &alter->relation, alter->lock,
					   "SET TABLESPACE");
}

/* check_set_expression reports a new expression; a virtual column keeps nothing to rewrite. */
static void
check_set_expression(SdAnalysis *analysis, const SdAlter *alter)
{
	AttrNumber attnum = InvalidAttrNumber;
	SdFinding finding;

	if (alter->relation.presence == SD_EXISTS)
		attnum = get_attnum(alter->relation.oid, alter->cmd->name);
	if (attnum != InvalidAttrNumber &&
		get_attgenerated(alter->relation.oid, attnum) != ATTRIBUTE_GENERATED_STORED)
		return;
	finding =
		sd_alter_finding(analysis, SD_RULE_ADD_COLUMN_GENERATED_STORED, alter, alter->cmd->name);
	finding.rewrites = attnum != InvalidAttrNumber ? SD_YES : SD_UNKNOWN;
	finding.scans = finding.rewrites;
	finding.message = psprintf("a new expression for column %s %s %s (%s)", finding.object,
							   finding.rewrites == SD_YES ? "rewrites" : "may rewrite",
							   sd_shown(&alter->relation), sd_size_text(finding.size));
	finding.detail = "Each row gets its computed value.";
	sd_report_blocking(analysis, &finding);
}

static void
check_set_access_method(SdAnalysis *analysis, const SdAlter *alter)
{
	Oid wanted =
		get_table_am_oid(alter->cmd->name != NULL ? alter->cmd->name : default_table_access_method,
						 true);

	if (alter->relation.presence == SD_EXISTS && OidIsValid(wanted))
	{
		HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(alter->relation.oid));
		Oid now = InvalidOid;

		if (HeapTupleIsValid(tuple))
		{
			now = ((Form_pg_class) GETSTRUCT(tuple))->relam;
			ReleaseSysCache(tuple);
		}
		if (now == wanted)
			return;
	}
	report_whole_table(analysis, SD_RULE_SET_ACCESS_METHOD, &alter->relation, alter->lock,
					   "SET ACCESS METHOD");
}

static void
check_vacuum_full(SdAnalysis *analysis, Node *statement)
{
	VacuumStmt *stmt = (VacuumStmt *) statement;
	SdFinding finding;
	ListCell *cell;

	if (!stmt->is_vacuumcmd || !sd_option_is_on(stmt->options, "full"))
		return;
	foreach (cell, stmt->rels)
	{
		VacuumRelation *member = lfirst_node(VacuumRelation, cell);
		SdRelation relation;

		if (sd_target(analysis, member->relation, false, &relation))
			report_whole_table(analysis, SD_RULE_VACUUM_FULL, &relation, AccessExclusiveLock,
							   "VACUUM FULL");
	}
	if (stmt->rels == NIL)
	{
		finding = sd_finding(analysis, SD_RULE_VACUUM_FULL, NULL);
		finding.lock = AccessExclusiveLock;
		finding.rewrites = finding.scans = SD_YES;
		finding.message = "VACUUM FULL rewrites every table of the database";
		sd_report(analysis, &finding);
	}
}

static void
check_cluster(SdAnalysis *analysis, Node *statement)
{
	ClusterStmt *stmt = (ClusterStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (stmt->relation == NULL)
	{
		finding = sd_finding(analysis, SD_RULE_CLUSTER, NULL);
		finding.lock = AccessExclusiveLock;
		finding.rewrites = finding.scans = SD_YES;
		finding.message = "CLUSTER rewrites every table that was clustered before";
		sd_report(analysis, &finding);
	}
	else if (sd_target(analysis, stmt->relation, false, &relation))
		report_whole_table(analysis, SD_RULE_CLUSTER, &relation, AccessExclusiveLock, "CLUSTER");
}

static void
check_refresh(SdAnalysis *analysis, Node *statement)
{
	RefreshMatViewStmt *stmt = (RefreshMatViewStmt *) statement;
	SdRelation relation;

	if (stmt->concurrent || !sd_target(analysis, stmt->relation, false, &relation))
		return;
	report_whole_table(analysis, SD_RULE_REFRESH_MATVIEW, &relation, AccessExclusiveLock,
					   "REFRESH MATERIALIZED VIEW");
}

const SdCheck sd_checks_rewrite[] = {
	{ T_VacuumStmt, -1, check_vacuum_full },
	{ T_ClusterStmt, -1, check_cluster },
	{ T_RefreshMatViewStmt, -1, check_refresh },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_rewrite[] = {
	{ AT_AddColumn, check_add_column },
	{ AT_AlterColumnType, check_alter_type },
	{ AT_SetLogged, check_set_persistence },
	{ AT_SetUnLogged, check_set_persistence },
	{ AT_SetTableSpace, check_set_tablespace },
	{ SD_AT_SET_EXPRESSION, check_set_expression },
	{ SD_AT_SET_ACCESS_METHOD, check_set_access_method },
	{ 0, NULL },
};
