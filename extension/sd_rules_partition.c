/*
 * sd_rules_partition.c
 *	  Family "partition": partitioned tables, their partitions, and inheritance.
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_keys.h"
#include "sd_names.h"
#include "sd_predict.h"
#include "sd_rules.h"
#include "sd_size.h"

/* default_partition returns that of an existing partitioned table, or InvalidOid. */
static Oid
default_partition(const SdRelation *parent)
{
	if (parent->presence != SD_EXISTS || parent->relkind != RELKIND_PARTITIONED_TABLE)
		return InvalidOid;
	return get_default_partition_oid(parent->oid);
}

/* default_scans tells whether the default partition is read for rows of a new one. */
static SdTruth
default_scans(SdAnalysis *analysis, Oid partition, Oid parent, PartitionBoundSpec *bound)
{
	SdRelation relation =
		sd_scope_relation_in(analysis->scope, get_namespace_name(get_rel_namespace(partition)),
							 get_rel_name(partition));
	List *dropped;
	List *validated;

	/* its constraints may have changed since */
	if (relation.presence != SD_EXISTS || relation.oid != partition)
		return SD_YES;
	sd_scope_changed_constraints(analysis->scope, &relation, &dropped, &validated);
	return sd_predict_default(partition, parent, bound, dropped, validated);
}

/*
 * report_default_scan reports that a new partition has the rows of the default
 * partition read, since none of them may belong into the new one.
 */
static void
report_default_scan(SdAnalysis *analysis, const SdRelation *parent, PartitionBoundSpec *bound)
{
	Oid partition = default_partition(parent);
	SdFinding finding;

	if (!OidIsValid(partition) || bound == NULL || bound->is_default)
		return;
	finding = sd_finding(analysis, SD_RULE_ATTACH_PARTITION_DEFAULT_SCAN, NULL);
	finding.about = partition;
	finding.object = finding.names.table = sd_relation_name(partition);
	finding.names.other = sd_shown(parent);
	finding.names.item = sd_hint_item(NULL, get_rel_name(partition), NULL, "bounds");
	finding.size = sd_relation_size(analysis->sizes, partition);
	finding.lock = AccessExclusiveLock;
	finding.scans = default_scans(analysis, partition, parent->oid, bound);
	if (finding.scans == SD_NO)
	{
		finding.severity = SD_NOTICE;
		finding.message = psprintf("the default partition %s of %s is locked against everything",
								   finding.object, sd_shown(parent));
		finding.detail = "It is not read: its constraints prove that it has no row of the new one.";
	}
	else
	{
		finding.message = psprintf("the default partition %s (%s) of %s is locked and searched for "
								   "rows of the new one",
								   finding.object, sd_size_text(finding.size), sd_shown(parent));
		finding.detail = "One such row makes the statement fail.";
	}
	sd_report_blocking(analysis, &finding);
}

/* report_default_made reports a default partition, which each later one has to look into. */
static void
report_default_made(SdAnalysis *analysis, const SdRelation *parent, const PartitionBoundSpec *bound)
{
	SdFinding finding;

	if (bound == NULL || !bound->is_default)
		return;
	finding = sd_finding(analysis, SD_RULE_DEFAULT_PARTITION, parent);
	finding.location = bound->location;
	finding.message = psprintf("%s gets a default partition", finding.object);
	finding.detail = "Each partition that is attached later has it locked and searched, and DETACH "
					 "PARTITION CONCURRENTLY is refused.";
	sd_report(analysis, &finding);
}

/* same_columns tells whether two indexes of different tables have columns of the same names. */
static bool
same_columns(const SdIndexFacts *a, const SdIndexFacts *b)
{
	if (a->nkeys != b->nkeys)
		return false;
	for (int i = 0; i < a->nkeys; i++)
	{
		char *name = a->columns[i] == 0 ? NULL : get_attname(a->table, a->columns[i], true);
		char *other = b->columns[i] == 0 ? NULL : get_attname(b->table, b->columns[i], true);

		if ((name == NULL) != (other == NULL) || (name != NULL && strcmp(name, other) != 0))
			return false;
	}
	return true;
}

/* index_key_text lists the columns of an index for a statement; NULL when one is an expression. */
static const char *
index_key_text(const SdIndexFacts *index)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < index->nkeys; i++)
	{
		char *name =
			index->columns[i] == 0 ? NULL : get_attname(index->table, index->columns[i], true);

		if (name == NULL)
			return NULL;
		appendStringInfo(&text, "%s%s", i == 0 ? "" : ", ", quote_identifier(name));
	}
	return text.data;
}

/* has_index tells whether a table has what an index of its parent-to-be can take over. */
static bool
has_index(SdAnalysis *analysis, Oid table, const SdIndexFacts *wanted, bool of_constraint)
{
	List *constraints = sd_fact_constraints(analysis, table);
	ListCell *cell;

	foreach (cell, sd_fact_indexes(analysis, table))
	{
		const SdIndexFacts *index = lfirst(cell);

		/* expressions and conditions are not compared: the same is assumed */
		if (index->unique == wanted->unique && index->method == wanted->method &&
			index->partial == wanted->partial &&
			index->has_expressions == wanted->has_expressions && same_columns(index, wanted) &&
			(!of_constraint || sd_fact_backs_constraint(constraints, index->oid)))
			return true;
	}
	return false;
}

/* report_builds reports the indexes that a table lacks, since they are built while it is attached. */
static void
report_builds(SdAnalysis *analysis, const SdAlter *alter, const RangeVar *name)
{
	SdRelation child = sd_scope_relation(analysis->scope, name);
	List *constraints;
	ListCell *cell;

	/* what the script has built is not known by its columns here */
	if (child.presence != SD_EXISTS || alter->relation.presence != SD_EXISTS ||
		alter->relation.relkind != RELKIND_PARTITIONED_TABLE || sd_keys_has_index(analysis, &child))
		return;
	constraints = sd_fact_constraints(analysis, alter->relation.oid);
	foreach (cell, sd_fact_indexes(analysis, alter->relation.oid))
	{
		const SdIndexFacts *index = lfirst(cell);
		bool of_constraint = sd_fact_backs_constraint(constraints, index->oid);
		SdFinding finding;

		if (has_index(analysis, child.oid, index, of_constraint) ||
			!sd_fact_is_still_there(analysis, index->oid))
			continue;
		finding = sd_finding(analysis, SD_RULE_ATTACH_PARTITION_BUILDS, &child);
		finding.names.item = quote_identifier(psprintf("%s_%s", child.name, "idx"));
		finding.names.other = sd_shown(&alter->relation);
		finding.names.unique = index->unique ? "UNIQUE " : "";
		finding.names.columns = index_key_text(index);
		finding.lock = AccessExclusiveLock;
		finding.scans = SD_YES;
		finding.message =
			psprintf("attaching %s (%s) builds an index on it while nobody can read or "
					 "write it, as it has none like %s of %s",
					 finding.object, sd_size_text(finding.size),
					 quote_identifier(get_rel_name(index->oid)), sd_shown(&alter->relation));
		if (of_constraint)
			finding.detail =
				"That is the index of a constraint, and only one of a constraint will do.";
		sd_report_blocking(analysis, &finding);
	}
}

static void
check_attach(SdAnalysis *analysis, const SdAlter *alter)
{
	PartitionCmd *cmd = castNode(PartitionCmd, alter->cmd->def);

	report_builds(analysis, alter, cmd->name);

	report_default_scan(analysis, &alter->relation, cmd->bound);
	report_default_made(analysis, &alter->relation, cmd->bound);
}

static void
check_create_partition(SdAnalysis *analysis, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	SdRelation parent;

	if (stmt->partbound == NULL || stmt->inhRelations == NIL)
		return;
	parent = sd_scope_relation(analysis->scope, linitial_node(RangeVar, stmt->inhRelations));
	report_default_scan(analysis, &parent, stmt->partbound);
	report_default_made(analysis, &parent, stmt->partbound);
}

/* report_detach_fails reports DETACH PARTITION that the server refuses. */
static void
report_detach_fails(SdAnalysis *analysis, const SdAlter *alter, const RangeVar *name,
					const char *hint, const char *why)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_DETACH_CONCURRENTLY_FAILS, &alter->relation);

	finding.names.other = finding.object;
	finding.names.table = sd_hint_range(name);
	finding.hint = hint;
	finding.message =
		psprintf("DETACH PARTITION %s of %s fails", finding.names.table, finding.object);
	finding.detail = why;
	sd_report(analysis, &finding);
}

static void
check_detach(SdAnalysis *analysis, const SdAlter *alter)
{
	PartitionCmd *cmd = castNode(PartitionCmd, alter->cmd->def);
	Oid held = default_partition(&alter->relation);
	SdRelation partition = sd_scope_relation(analysis->scope, cmd->name);
	bool pending = false;

	if (partition.presence == SD_EXISTS && partition.is_partition)
		(void) sd_fact_parent(partition.oid, &pending);
	if (pending)
		report_detach_fails(analysis, alter, cmd->name,
							"ALTER TABLE %r DETACH PARTITION %t FINALIZE;",
							"An earlier DETACH CONCURRENTLY of it was not ended.");
	else if (SD_PARTITION_CMD_CONCURRENT(cmd) && OidIsValid(held))
		report_detach_fails(analysis, alter, cmd->name, NULL,
							psprintf("There is a default partition, %s.", sd_relation_name(held)));
}

/* check_fanout reports a strong lock of a partitioned table, which all partitions share. */
static void
check_fanout(SdAnalysis *analysis, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	LOCKMODE lock = AlterTableGetLockLevel(stmt->cmds);
	SdRelation relation;
	SdFinding finding;
	List *children;
	AlterTableType first = linitial_node(AlterTableCmd, stmt->cmds)->subtype;

	/* these are about one partition, and VALIDATE has a lock that stops nobody's reading or writing */
	if (!stmt->relation->inh || lock < ShareLock || first == AT_AttachPartition ||
		first == AT_DetachPartition)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS || relation.relkind != RELKIND_PARTITIONED_TABLE)
		return;
	children = sd_fact_children(relation.oid);
	if (children == NIL)
		return;
	finding = sd_finding(analysis, SD_RULE_PARTITIONED_ALTER_FANOUT, &relation);
	finding.lock = lock;
	finding.message =
		psprintf("the lock of %s is taken of its %d partition%s too, one after the other",
				 finding.object, list_length(children), list_length(children) == 1 ? "" : "s");
	finding.detail = "A long query on any of them makes the statement wait, with all the others "
					 "locked already.";
	sd_report(analysis, &finding);
}

/* covers_key tells whether the columns of a unique key contain a partition key of the catalog. */
static bool
covers_key(List *partition_key, List *columns)
{
	ListCell *cell;

	foreach (cell, partition_key)
		if (lfirst_int(cell) == 0 || !list_member_int(columns, lfirst_int(cell)))
			return false;
	return true;
}

/* report_incomplete_key reports a unique key that the server refuses. */
static void
report_incomplete_key(SdAnalysis *analysis, const char *table, int location, const char *what)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_PARTITION_KEY_NOT_IN_UNIQUE, NULL);

	finding.object = finding.names.table = table;
	finding.location = location;
	finding.message =
		psprintf("%s of partitioned table %s fails: it lacks columns of the partition key", what,
				 table);
	sd_report(analysis, &finding);
}

/* check_key judges the columns of a unique key (String) against a table of the catalog. */
static void
check_key(SdAnalysis *analysis, const SdRelation *relation, List *names, int location,
		  const char *what)
{
	List *columns;

	if (relation->presence != SD_EXISTS || relation->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	columns = sd_fact_columns(analysis, relation, names);
	/* a column that is not in the catalog is a new one, and so in no partition key */
	if (columns == NIL && list_length(names) != 1)
		return;
	if (!covers_key(sd_fact_partition_key(relation->oid), columns))
		report_incomplete_key(analysis, sd_shown(relation), location, what);
}

static const char *
constraint_word(const Constraint *constraint)
{
	return constraint->contype == CONSTR_PRIMARY ? "PRIMARY KEY" : "UNIQUE";
}

static void
check_add_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	Constraint *constraint = castNode(Constraint, alter->cmd->def);
	SdFinding finding;

	if ((constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE) &&
		constraint->keys != NIL)
		check_key(analysis, &alter->relation, constraint->keys, constraint->location,
				  constraint_word(constraint));
#if PG_VERSION_NUM < 180000
	if (constraint->contype == CONSTR_FOREIGN && constraint->skip_validation &&
		alter->relation.relkind == RELKIND_PARTITIONED_TABLE)
	{
		finding = sd_finding(analysis, SD_RULE_FK_NOT_VALID_PARTITIONED, &alter->relation);
		finding.location = constraint->location;
		finding.names.columns = sd_hint_columns(constraint->fk_attrs);
		finding.names.other = sd_hint_referenced(constraint);
		finding.names.item = sd_hint_item(constraint->conname, alter->relation.name, NULL, "fkey");
		finding.message = psprintf("a NOT VALID foreign key of partitioned table %s fails",
								   sd_shown(&alter->relation));
		sd_report(analysis, &finding);
	}
#else
	(void) finding;
#endif
}

/* column_key judges UNIQUE and PRIMARY KEY inside ADD COLUMN. */
static void
check_add_column(SdAnalysis *analysis, const SdAlter *alter)
{
	ColumnDef *column = castNode(ColumnDef, alter->cmd->def);
	ListCell *cell;

	foreach (cell, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, cell);

		if (constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE)
			check_key(analysis, &alter->relation, list_make1(makeString(column->colname)),
					  constraint->location, constraint_word(constraint));
	}
}

static void
check_create_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	SdRelation relation;
	List *names = NIL;
	ListCell *cell;

	if (!stmt->unique)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	foreach (cell, stmt->indexParams)
		if (lfirst_node(IndexElem, cell)->name != NULL)
			names = lappend(names, makeString(lfirst_node(IndexElem, cell)->name));
	if (names != NIL)
		check_key(analysis, &relation, names, -1, "UNIQUE INDEX");
}

/* names_column tells whether a list of String has a name. */
static bool
names_column(List *names, const char *name)
{
	ListCell *cell;

	foreach (cell, names)
		if (strcmp(strVal(lfirst(cell)), name) == 0)
			return true;
	return false;
}

/* spec_in_keys tells whether all columns of PARTITION BY are among the keys of a constraint. */
static bool
spec_in_keys(const PartitionSpec *spec, List *keys)
{
	ListCell *cell;

	foreach (cell, spec->partParams)
	{
		const char *name = lfirst_node(PartitionElem, cell)->name;

		if (name == NULL || !names_column(keys, name))
			return false;
	}
	return true;
}

/* check_new_keys judges the keys of a partitioned table that is made. */
static void
check_new_keys(SdAnalysis *analysis, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	ListCell *cell;

	if (stmt->partspec == NULL)
		return;
	foreach (cell, list_concat_copy(stmt->tableElts, stmt->constraints))
	{
		List *constraints = list_make1(lfirst(cell));
		List *keys = NIL;
		ListCell *inner;

		if (IsA(lfirst(cell), ColumnDef))
		{
			constraints = lfirst_node(ColumnDef, cell)->constraints;
			keys = list_make1(makeString(lfirst_node(ColumnDef, cell)->colname));
		}
		foreach (inner, constraints)
		{
			Constraint *constraint = lfirst(inner);

			if (IsA(constraint, Constraint) &&
				(constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE) &&
				!spec_in_keys(stmt->partspec, constraint->keys != NIL ? constraint->keys : keys))
				report_incomplete_key(analysis, sd_hint_range(stmt->relation), constraint->location,
									  constraint_word(constraint));
		}
	}
}

/* check_inherit reports a change of what a table inherits from. */
static void
check_inherit(SdAnalysis *analysis, const SdAlter *alter)
{
	bool adds = alter->cmd->subtype == AT_AddInherit;
	SdFinding finding = sd_finding(analysis, SD_RULE_INHERIT_CHANGE, &alter->relation);
	const char *parent = sd_hint_range(castNode(RangeVar, alter->cmd->def));

	finding.lock = alter->lock;
	finding.message =
		psprintf("%s %s inherit from %s: queries of the parent %s its rows", finding.object,
				 adds ? "begins to" : "ceases to", parent, adds ? "get" : "lose");
	finding.detail = "Nobody can read or write it until the transaction ends.";
	sd_report(analysis, &finding);
}

static void
check_drop_partition(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));
		SdFinding finding;
		Oid parent;

		if (relation.presence != SD_EXISTS || !relation.is_partition)
			continue;
		parent = sd_fact_parent(relation.oid, NULL);
		if (!OidIsValid(parent))
			continue;
		finding = sd_finding(analysis, SD_RULE_DROP_PARTITION, NULL);
		finding.object = finding.names.other = sd_relation_name(parent);
		finding.names.table = sd_shown(&relation);
		finding.lock = AccessExclusiveLock;
		finding.message =
			psprintf("dropping partition %s locks the partitioned table %s against reading and writing",
					 finding.names.table, finding.object);
		sd_report(analysis, &finding);
	}
}

const SdCheck sd_checks_partition[] = {
	{ T_CreateStmt, -1, check_create_partition },
	{ T_CreateStmt, -1, check_new_keys },
	{ T_AlterTableStmt, -1, check_fanout },
	{ T_IndexStmt, -1, check_create_index },
	{ T_DropStmt, OBJECT_TABLE, check_drop_partition },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_partition[] = {
	{ AT_AttachPartition, check_attach },
	{ AT_DetachPartition, check_detach },
	{ AT_AddConstraint, check_add_constraint },
	{ AT_AddColumn, check_add_column },
	{ AT_AddInherit, check_inherit },
	{ AT_DropInherit, check_inherit },
	{ 0, NULL },
};
