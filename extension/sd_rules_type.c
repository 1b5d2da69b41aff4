/*
 * sd_rules_type.c
 *	  Changes of a column's type: what is rewritten, checked again, lost or refused.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_names.h"
#include "sd_predict.h"
#include "sd_rules.h"
#include "sd_size.h"

/* A change of type that is judged. */
typedef struct TypeChange
{
	SdAnalysis *analysis;
	const SdAlter *alter;
	const ColumnDef *def;
	const SdTypePrediction *prediction;
	const char *change; /* "from a to b" */
} TypeChange;

/* change_finding starts a finding of a rule about the change. */
static SdFinding
change_finding(const TypeChange *change, SdRuleId rule)
{
	SdFinding finding =
		sd_alter_finding(change->analysis, rule, change->alter, change->alter->cmd->name);

	finding.location = change->def->location;
	finding.names.type = sd_hint_type(change->def->typeName);
	return finding;
}

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

/* report_loss reports values that are lost, cut, refused, or mean something else. */
static void
report_loss(const TypeChange *change)
{
	const SdTypePrediction *prediction = change->prediction;
	SdFinding finding;

	if (prediction->loses_all)
	{
		finding = change_finding(change, SD_RULE_ALTER_TYPE_LOSSY_USING);
		finding.names.new_name = sd_hint_item(NULL, change->alter->cmd->name, NULL, "new");
		finding.rewrites = finding.scans = prediction->rewrites;
		finding.data_loss = sd_loss_of(finding.size);
		finding.message =
			psprintf("USING does not read %s, so that all its values are lost", finding.object);
		sd_report_blocking(change->analysis, &finding);
	}
	else if (prediction->narrows == SD_YES)
	{
		finding = change_finding(change, SD_RULE_ALTER_TYPE_NARROWING);
		finding.names.item =
			sd_hint_item(NULL, change->alter->relation.name, change->alter->cmd->name, "check");
		finding.rewrites = finding.scans = prediction->rewrites;
		finding.data_loss = finding.size.bytes == 0 ? SD_LOSS_NONE : SD_LOSS_POSSIBLE;
		finding.message =
			psprintf("changing %s %s can lose or refuse values", finding.object, change->change);
		finding.detail = prediction->narrowing;
		sd_report_blocking(change->analysis, &finding);
	}
	if (prediction->uses_time_zone)
	{
		finding = change_finding(change, SD_RULE_ALTER_TYPE_TIMEZONE_DEPENDENT);
		finding.rewrites = finding.scans = prediction->rewrites;
		finding.message =
			psprintf("what the values of %s mean after the change %s depends on the TimeZone of "
					 "the session that runs it",
					 finding.object, change->change);
		finding.detail = psprintf("Here it is %s%s.", GetConfigOption("timezone", false, false),
								  prediction->rewrites == SD_NO ?
									  ", where no row is rewritten; in most others each is" :
									  "");
		sd_report_blocking(change->analysis, &finding);
	}
}

/* report_rewrite reports that the table is rewritten, or only read. */
static void
report_rewrite(const TypeChange *change)
{
	const SdTypePrediction *prediction = change->prediction;
	bool sure = prediction->rewrites == SD_YES;
	SdFinding finding;

	if (prediction->rewrites != SD_NO)
	{
		finding = change_finding(change, SD_RULE_ALTER_COLUMN_TYPE_REWRITE);
		finding.names.new_name = sd_hint_item(NULL, change->alter->cmd->name, NULL, "new");
		finding.rewrites = finding.scans = prediction->rewrites;
		finding.message = psprintf("changing %s %s %s %s (%s)", finding.object, change->change,
								   sure ? "rewrites" : "may rewrite", finding.names.table,
								   sd_size_text(finding.size));
		if (!sure && prediction->error != NULL)
			finding.detail = psprintf("It cannot be told: %s.", prediction->error);
		sd_report_blocking(change->analysis, &finding);
		return;
	}
	if (prediction->checks != NIL || prediction->indexes != NIL)
	{
		List *first = prediction->checks != NIL ? prediction->checks : prediction->indexes;

		finding = change_finding(change, SD_RULE_ALTER_TYPE_RECHECK);
		finding.names.item = quote_identifier(strVal(linitial(first)));
		finding.scans = SD_YES;
		finding.message =
			psprintf("changing %s %s rewrites nothing, but reads all of %s (%s)", finding.object,
					 change->change, finding.names.table, sd_size_text(finding.size));
		finding.detail =
			psprintf("%s%s%s%s%s%s",
					 prediction->checks != NIL ? "CHECK constraints are verified again: " : "",
					 join_names(prediction->checks), prediction->checks != NIL ? "." : "",
					 prediction->indexes == NIL ? "" :
					 prediction->checks != NIL	? " Indexes are built again: " :
												  "Indexes are built again: ",
					 join_names(prediction->indexes), prediction->indexes != NIL ? "." : "");
		sd_report_blocking(change->analysis, &finding);
	}
}

/* report_foreign_keys reports the tables at the other ends of foreign keys that are made again. */
static void
report_foreign_keys(const TypeChange *change)
{
	Oid table = change->alter->relation.oid;
	ListCell *cell;

	foreach (cell, change->prediction->foreign_keys)
	{
		HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(cell)));
		FormData_pg_constraint form;
		SdFinding finding;
		bool sure = change->prediction->rewrites == SD_YES;

		if (!HeapTupleIsValid(tuple))
			continue;
		memcpy(&form, GETSTRUCT(tuple), sizeof(form));
		ReleaseSysCache(tuple);
		finding = sd_finding(change->analysis, SD_RULE_ALTER_TYPE_FK_REVALIDATE, NULL);
		finding.about = form.conrelid == table ? form.confrelid : form.conrelid;
		finding.object = finding.names.other = sd_relation_name(finding.about);
		finding.names.table = sd_relation_name(form.conrelid);
		finding.names.item = quote_identifier(NameStr(form.conname));
		finding.location = change->def->location;
		finding.size = sd_relation_size(change->analysis->sizes, form.conrelid);
		finding.lock = AccessExclusiveLock;
		/* without a rewrite the old check may be good enough */
		finding.scans = sure ? SD_YES : SD_UNKNOWN;
		if (!sure)
			finding.severity = SD_NOTICE;
		finding.message =
			psprintf("foreign key %s of %s (%s) is made again%s, with %s locked against reading and writing",
					 finding.names.item, finding.names.table, sd_size_text(finding.size),
					 sure ? " and checked for each row" : "", finding.object);
		sd_report_blocking(change->analysis, &finding);
	}
}

/* report_blockers reports that the server refuses the change. */
static void
report_blockers(const TypeChange *change)
{
	SdFinding finding;

	if (change->prediction->blockers == NIL)
		return;
	finding = change_finding(change, SD_RULE_ALTER_TYPE_DEPENDENCY);
	finding.message = psprintf("changing %s %s fails", finding.object, change->change);
	finding.detail = psprintf("The reason: %s.", (char *) linitial(change->prediction->blockers));
	sd_report(change->analysis, &finding);
}

static void
check_alter_type(SdAnalysis *analysis, const SdAlter *alter)
{
	SdPart column = sd_scope_column(analysis->scope, &alter->relation, alter->cmd->name);
	bool in_catalog = alter->relation.presence == SD_EXISTS && column.presence == SD_EXISTS;
	SdTypePrediction prediction = { .error = "the column is not in the catalog" };
	TypeChange change = { analysis, alter, castNode(ColumnDef, alter->cmd->def), &prediction };
	AttrNumber attnum;

	if (!sd_has_storage(&alter->relation))
		return;
	if (in_catalog)
		prediction = sd_predict_alter_type(alter->relation.oid, column.old_name,
										   castNode(ColumnDef, alter->cmd->def));
	change.change = prediction.old_type == NULL ?
						"to another type" :
						psprintf("from %s to %s", prediction.old_type, prediction.new_type);
	report_loss(&change);
	report_rewrite(&change);
	report_foreign_keys(&change);
	report_blockers(&change);
	attnum = sd_fact_column(analysis, &alter->relation, alter->cmd->name);
	if (attnum != InvalidAttrNumber && sd_fact_stats(alter->relation.oid, attnum).known)
	{
		SdFinding finding = change_finding(&change, SD_RULE_ALTER_TYPE_STATS_LOST);

		finding.message =
			psprintf("what ANALYZE knows of %s is forgotten: plans are guesses until the next one",
					 finding.object);
		sd_report(analysis, &finding);
	}
}

const SdAlterCheck sd_alter_checks_type[] = {
	{ AT_AlterColumnType, check_alter_type },
	{ 0, NULL },
};
