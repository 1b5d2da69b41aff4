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
	/* without a row there is nothing that could make it fail; one is enough, so that size says no more */
	if (finding.size.bytes == 0)
		finding.severity = SD_NOTICE;
	finding.message =
		psprintf("column %s is NOT NULL without a default, which fails when %s has rows (%s)",
				 finding.object, sd_shown(&alter->relation), sd_size_text(finding.size));
	sd_report(analysis, &finding);
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
		sd_scope_has_column(analysis->scope, &alter->relation, column->colname))
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

/* check_move_all reports a move of all tables, indexes or views of a tablespace. */
static void
check_move_all(SdAnalysis *analysis, Node *statement)
{
	AlterTableMoveAllStmt *stmt = (AlterTableMoveAllStmt *) statement;
	SdFinding finding;

	if (get_tablespace_oid(stmt->orig_tablespacename, true) ==
		get_tablespace_oid(stmt->new_tablespacename, true))
		return;
	finding = sd_finding(analysis, SD_RULE_SET_TABLESPACE, NULL);
	finding.object = quote_identifier(stmt->orig_tablespacename);
	finding.names.table = "them";
	finding.lock = AccessExclusiveLock;
	finding.rewrites = finding.scans = SD_YES;
	finding.message = psprintf("copies all that this database has in tablespace %s to %s",
							   finding.object, quote_identifier(stmt->new_tablespacename));
	sd_report(analysis, &finding);
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
	finding = sd_alter_finding(analysis, SD_RULE_SET_EXPRESSION_STORED, alter, alter->cmd->name);
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
		finding.hint = "Use plain VACUUM, or a tool that repacks a table on line: VACUUM (ANALYZE);";
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
	SdFinding finding;

	if (!sd_target(analysis, stmt->relation, false, &relation))
		return;
	if (stmt->concurrent)
	{
		finding = sd_finding(analysis, SD_RULE_REFRESH_MATVIEW_CONCURRENT, &relation);
		finding.lock = ExclusiveLock;
		finding.scans = SD_YES;
		finding.message = psprintf("refreshing %s (%s) beside its readers compares all rows, and no "
								   "other refresh of it can run meanwhile",
								   finding.object, sd_size_text(finding.size));
		sd_report_blocking(analysis, &finding);
		return;
	}
	report_whole_table(analysis, SD_RULE_REFRESH_MATVIEW, &relation, AccessExclusiveLock,
					   "REFRESH MATERIALIZED VIEW");
}

const SdCheck sd_checks_rewrite[] = {
	{ T_AlterTableMoveAllStmt, -1, check_move_all },
	{ T_VacuumStmt, -1, check_vacuum_full },
	{ T_ClusterStmt, -1, check_cluster },
	{ T_RefreshMatViewStmt, -1, check_refresh },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_rewrite[] = {
	{ AT_AddColumn, check_add_column },
	{ AT_SetLogged, check_set_persistence },
	{ AT_SetUnLogged, check_set_persistence },
	{ AT_SetTableSpace, check_set_tablespace },
	{ SD_AT_SET_EXPRESSION, check_set_expression },
	{ SD_AT_SET_ACCESS_METHOD, check_set_access_method },
	{ 0, NULL },
};
