/*
 * sd_rules_drop.c
 *	  Family "drop": objects go, with what they hold and what depends on them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_constraint.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_dependents.h"
#include "sd_effect_ask.h"
#include "sd_facts.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_track.h"

/*
 * drop_one_table reports the drop of one table.  A table without a page of
 * data loses nothing but itself.
 */
static void
drop_one_table(SdAnalysis *analysis, const SdRelation *relation)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_DROP_TABLE, relation);

	finding.names.new_name = quote_identifier(psprintf("%s_unused", relation->name));
	finding.lock = AccessExclusiveLock;
	finding.data_loss = sd_loss_of(finding.size);
	if (finding.data_loss == SD_LOSS_NONE)
		finding.severity = SD_WARNING;
	finding.message = psprintf("drops table %s (%s)", sd_shown(relation), sd_size_text(finding.size));
	sd_report(analysis, &finding);
}

static void
check_drop_table(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));

		if (sd_is_target(analysis, &relation, stmt->missing_ok))
			drop_one_table(analysis, &relation);
	}
}

/* schema_contents counts the relations of a schema and adds up their sizes. */
static int
schema_contents(SdAnalysis *analysis, Oid schema, SdSize *size, SdNames *names)
{
	Relation classes = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	List *tables = NIL;
	ListCell *cell;
	ObjectAddress whole;

	ObjectAddressSet(whole, NamespaceRelationId, schema);
	/* no index leads from a schema to its relations alone */
	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(classes, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		ObjectAddress table;

		ObjectAddressSet(table, RelationRelationId, form->oid);
		if ((form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW) &&
			!sd_track_was_dropped(analysis, &table) && !sd_ask_untied(analysis, &table, &whole))
			tables = lappend_oid(tables, form->oid);
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);

	size->rows = size->bytes = 0;
	foreach (cell, tables)
	{
		SdSize one = sd_relation_size(analysis->sizes, lfirst_oid(cell));

		size->rows = size->rows < 0 || one.rows < 0 ? -1 : size->rows + one.rows;
		size->bytes = size->bytes < 0 || one.bytes < 0 ? -1 : size->bytes + one.bytes;
		sd_names_add(names, sd_relation_name(lfirst_oid(cell)));
	}
	return list_length(tables);
}

static void
check_drop_schema(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		const char *name = strVal(lfirst(cell));
		Oid schema;
		SdPresence presence = sd_scope_schema(analysis->scope, name, &schema);
		SdFinding finding = sd_finding(analysis, SD_RULE_DROP_SCHEMA, NULL);
		SdNames tables;

		if (presence == SD_MADE || (presence != SD_EXISTS && stmt->missing_ok))
			continue;
		sd_names_init(&tables);
		finding.object = quote_identifier(name);
		finding.lock = AccessExclusiveLock;
		finding.data_loss = SD_LOSS_POSSIBLE;
		finding.message = psprintf("drops schema %s", finding.object);
		if (presence == SD_EXISTS)
		{
			schema_contents(analysis, schema, &finding.size, &tables);
			finding.data_loss = finding.size.bytes == 0 ? SD_LOSS_NONE : SD_LOSS_CERTAIN;
			finding.message = psprintf("drops schema %s with %d table%s", finding.object,
									   tables.count, tables.count == 1 ? "" : "s");
			if (tables.count == 0)
				finding.severity = SD_NOTICE;
			else
				finding.detail = psprintf("In it are %s (%s).", sd_names_text(&tables),
										  sd_size_text(finding.size));
		}
		sd_report(analysis, &finding);
	}
}

static void
check_drop_type(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	/* without CASCADE the server refuses to drop a type that is used */
	if (stmt->behavior != DROP_CASCADE)
		return;
	foreach (cell, stmt->objects)
	{
		TypeName *name = lfirst_node(TypeName, cell);
		Oid type;
		SdPresence presence = sd_scope_type(analysis->scope, name->names, &type);
		SdFinding finding = sd_finding(analysis, SD_RULE_DROP_TYPE_CASCADE, NULL);
		SdNames columns;

		if (presence == SD_MADE || (presence != SD_EXISTS && stmt->missing_ok))
			continue;
		sd_names_init(&columns);
		finding.object = finding.names.type = NameListToQuotedString(name->names);
		finding.lock = AccessExclusiveLock;
		finding.data_loss = SD_LOSS_POSSIBLE;
		finding.message = psprintf("drops type %s and whatever uses it", finding.object);
		if (presence == SD_EXISTS)
		{
			sd_type_columns(analysis, type, &columns, &finding.size);
			if (columns.count > 0)
			{
				finding.data_loss = SD_LOSS_CERTAIN;
				finding.message = psprintf("drops type %s and with it %d column%s", finding.object,
										   columns.count, columns.count == 1 ? "" : "s");
				finding.detail = psprintf("The columns are %s.", sd_names_text(&columns));
			}
			else
				finding.severity = SD_WARNING;
		}
		sd_report(analysis, &finding);
	}
}

static void
check_drop_column(SdAnalysis *analysis, const SdAlter *alter)
{
	SdPart column = sd_scope_column(analysis->scope, &alter->relation, alter->cmd->name);
	SdFinding finding;

	if (column.presence == SD_MADE)
		return;
	if (alter->relation.presence == SD_EXISTS && column.presence == SD_EXISTS &&
		!sd_scope_has_column(analysis->scope, &alter->relation, column.old_name))
	{
		if (alter->cmd->missing_ok)
			return;
		finding = sd_finding(analysis, SD_RULE_MISSING_OBJECT, &alter->relation);
		finding.message =
			psprintf("column %s of %s does not exist, nor does the script make it before",
					 quote_identifier(alter->cmd->name), sd_shown(&alter->relation));
		sd_report(analysis, &finding);
	}
	finding = sd_alter_finding(analysis, SD_RULE_DROP_COLUMN, alter, alter->cmd->name);
	finding.data_loss = sd_loss_of(finding.size);
	if (finding.data_loss == SD_LOSS_NONE)
		finding.severity = SD_WARNING;
	finding.message =
		psprintf("drops column %s (table is %s)", finding.object, sd_size_text(finding.size));
	sd_report(analysis, &finding);
}

/* check_drop_stored reports sequences and materialized views. */
static void
check_drop_stored(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	bool sequence = stmt->removeType == OBJECT_SEQUENCE;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));
		SdFinding finding;

		if (!sd_is_target(analysis, &relation, stmt->missing_ok))
			continue;
		finding =
			sd_finding(analysis, sequence ? SD_RULE_DROP_SEQUENCE : SD_RULE_DROP_MATVIEW, &relation);
		finding.lock = AccessExclusiveLock;
		finding.data_loss = SD_LOSS_POSSIBLE;
		finding.message = sequence ? psprintf("drops sequence %s", sd_shown(&relation)) :
									 psprintf("drops materialized view %s (%s)",
											  sd_shown(&relation), sd_size_text(finding.size));
		sd_report(analysis, &finding);
	}
}

static void
check_drop_database(SdAnalysis *analysis, Node *statement)
{
	DropdbStmt *stmt = (DropdbStmt *) statement;
	SdFinding finding;

	if (stmt->missing_ok && !OidIsValid(get_database_oid(stmt->dbname, true)))
		return;
	finding = sd_finding(analysis, SD_RULE_DROP_DATABASE, NULL);
	finding.object = quote_identifier(stmt->dbname);
	finding.data_loss = SD_LOSS_CERTAIN;
	finding.message = psprintf("drops database %s", finding.object);
	sd_report(analysis, &finding);
}

/* add_owned lists the tables that a role owns in this database, and counts all else that it owns. */
static int
add_owned(SdAnalysis *analysis, Oid role, SdNames *tables, SdSize *size)
{
	int others = 0;
	ListCell *cell;

	foreach (cell, sd_ask_owned(analysis, role))
	{
		const ObjectAddress *object = lfirst(cell);
		char relkind =
			object->classId == RelationRelationId ? get_rel_relkind(object->objectId) : '\0';

		if (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
			relkind == RELKIND_MATVIEW)
		{
			SdSize one = sd_relation_size(analysis->sizes, object->objectId);

			sd_names_add(tables, sd_relation_name(object->objectId));
			size->rows = Max(size->rows, one.rows);
			size->bytes = Max(size->bytes, one.bytes);
		}
		else
			others++;
	}
	return others;
}

static void
check_drop_owned(SdAnalysis *analysis, Node *statement)
{
	ListCell *cell;

	foreach (cell, ((DropOwnedStmt *) statement)->roles)
	{
		RoleSpec *name = lfirst_node(RoleSpec, cell);
		/* PUBLIC owns nothing, and the server refuses it */
		Oid role = name->roletype == ROLESPEC_PUBLIC ? InvalidOid : get_rolespec_oid(name, true);
		SdFinding finding = sd_finding(analysis, SD_RULE_DROP_OWNED, NULL);
		SdNames tables;
		int others;

		sd_names_init(&tables);
		finding.lock = AccessExclusiveLock;
		finding.data_loss = SD_LOSS_POSSIBLE;
		finding.message = "drops every object that the role owns in this database";
		if (OidIsValid(role) && role < FirstNormalObjectId)
		{
			finding.object = quote_identifier(GetUserNameFromId(role, false));
			finding.data_loss = SD_LOSS_NONE;
			finding.message =
				psprintf("DROP OWNED fails: the server itself needs what %s owns", finding.object);
		}
		else if (OidIsValid(role))
		{
			others = add_owned(analysis, role, &tables, &finding.size);
			finding.object = quote_identifier(GetUserNameFromId(role, false));
			finding.message = psprintf("drops %d table%s and %d other object%s that %s owns",
									   tables.count, tables.count == 1 ? "" : "s", others,
									   others == 1 ? "" : "s", finding.object);
			if (tables.count > 0)
				finding.detail = psprintf("The tables are %s (the largest: %s).",
										  sd_names_text(&tables), sd_size_text(finding.size));
			else
				finding.severity = others > 0 ? SD_WARNING : SD_NOTICE;
		}
		sd_report(analysis, &finding);
	}
}

/* describe_constraint says what holds no more. */
static void
describe_constraint(const SdConstraintFacts *constraint, SdFinding *finding)
{
	switch (constraint->type)
	{
		case CONSTRAINT_PRIMARY:
			finding->severity = SD_WARNING;
			finding->detail = "It is the primary key: its index goes too, and logical replication "
							  "cannot find rows without it.";
			break;
		case CONSTRAINT_UNIQUE:
			finding->severity = SD_WARNING;
			finding->detail = "It is UNIQUE: its index goes too, which queries may use.";
			break;
		case CONSTRAINT_FOREIGN:
			finding->detail = psprintf("It is a foreign key: %s is locked against reading and "
									   "writing too.",
									   sd_relation_name(constraint->other));
			break;
		case CONSTRAINT_CHECK:
			finding->detail = "It is a CHECK.";
			break;
		default:
			break;
	}
}

static void
check_drop_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	SdPart part = sd_scope_constraint(analysis->scope, &alter->relation, alter->cmd->name);
	SdConstraintFacts *constraint = NULL;
	SdFinding finding;

	if (part.presence == SD_MADE)
		return;
	if (alter->cmd->missing_ok && alter->relation.presence == SD_EXISTS &&
		!OidIsValid(get_relation_constraint_oid(alter->relation.oid, alter->cmd->name, true)))
		return;
	finding = sd_alter_finding(analysis, SD_RULE_DROP_CONSTRAINT, alter, NULL);
	finding.names.item = quote_identifier(alter->cmd->name);
	finding.message =
		psprintf("drops constraint %s of %s", finding.names.item, sd_shown(&alter->relation));
	if (alter->relation.presence == SD_EXISTS)
		constraint = sd_fact_constraint(analysis, alter->relation.oid, alter->cmd->name);
	if (constraint != NULL)
		describe_constraint(constraint, &finding);
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_drop[] = {
	{ T_DropStmt, OBJECT_SEQUENCE, check_drop_stored },
	{ T_DropStmt, OBJECT_MATVIEW, check_drop_stored },
	{ T_DropdbStmt, -1, check_drop_database },
	{ T_DropOwnedStmt, -1, check_drop_owned },
	{ T_DropStmt, OBJECT_TABLE, check_drop_table },
	{ T_DropStmt, OBJECT_SCHEMA, check_drop_schema },
	{ T_DropStmt, OBJECT_TYPE, check_drop_type },
	{ T_DropStmt, OBJECT_DOMAIN, check_drop_type },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_drop[] = {
	{ AT_DropColumn, check_drop_column },
	{ AT_DropConstraint, check_drop_constraint },
	{ 0, NULL },
};
