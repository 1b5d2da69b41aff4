/*
 * sd_rules.h
 *	  The table of hazards, and what a check of one of them may use.
 *
 * A rule is a row of sd_rule_list.h.  A check is a C function in one of the
 * family files sd_rules_*.c; it is called for the statements that its row in
 * the family's table names, and reports findings under one or more rules.
 */
#ifndef SD_RULES_H
#define SD_RULES_H

#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"
#include "utils/tuplestore.h"

#include "sd_hint.h"
#include "sd_parse.h"
#include "sd_scope.h"

typedef enum SdFamily
{
	SD_FAMILY_DROP,
	SD_FAMILY_REWRITE,
	SD_FAMILY_SCAN,
	SD_FAMILY_LOCK,
	SD_FAMILY_RENAME,
	SD_FAMILY_DATA,
	SD_FAMILY_TRANSACTION,
	SD_FAMILY_OPAQUE,
	SD_FAMILY_PARTITION,
	SD_FAMILY_WORKLOAD,
	SD_FAMILY_FAILURE,
	SD_FAMILY_APPLICATION,
	SD_FAMILY_TIMEOUT,
	SD_FAMILY_STYLE,
	SD_FAMILY_SECURITY,
	SD_FAMILY_COUNT
} SdFamily;

typedef enum SdSeverity
{
	SD_OFF, /* usual severity only: nothing is reported unless the rule is switched on */
	SD_INFO,
	SD_NOTICE,
	SD_WARNING,
	SD_ERROR
} SdSeverity;

typedef enum SdDataLoss
{
	SD_LOSS_NONE,
	SD_LOSS_POSSIBLE,
	SD_LOSS_CERTAIN
} SdDataLoss;

/* A truth that may not be known. */
typedef enum SdTruth
{
	SD_UNKNOWN,
	SD_NO,
	SD_YES
} SdTruth;

typedef enum SdRuleId
{
#define X(id, name, family, severity, applies, since, until, summary, hint, reference) SD_RULE_##id,
#include "sd_rule_list.h"
#undef X
	SD_RULE_COUNT
} SdRuleId;

typedef struct SdRule
{
	const char *name;
	SdFamily family;
	SdSeverity severity; /* the usual one; a finding may have another */
	const char *applies; /* statements */
	int since;			 /* first and last major version, 0 without a bound */
	int until;
	const char *summary;
	const char *hint;	   /* with placeholders, see sd_hint.h */
	const char *reference; /* page of the server's documentation */
} SdRule;

extern const SdRule sd_rules[SD_RULE_COUNT];

extern const char *sd_family_name(SdFamily family);
extern const char *sd_severity_name(SdSeverity severity);

/*
 * sd_rule_is_on tells whether a rule may report: those whose usual severity is
 * "off" only when safedeploy.rules_on names them or their family.
 */
extern bool sd_rule_is_on(SdRuleId rule);

/* sd_rules_are_switched_on tells whether safedeploy.rules_on names any. */
extern bool sd_rules_are_switched_on(void);

/* Sizes of a relation; -1 when not known. */
typedef struct SdSize
{
	int64 rows;
	int64 bytes;
} SdSize;

typedef struct SdFinding
{
	SdRuleId rule;
	Oid target;		/* the relation in the catalog; invalid when it is not there */
	bool is_index;	/* it is an index */
	Oid about;		/* the relation whose context it has; invalid for none */
	bool only_time; /* its only harm is the time that a lock is held */
	SdSeverity severity;
	int location;		/* in the statement's text, -1 for its start */
	const char *object; /* NULL when there is none */
	const char *schema; /* names of the relation that it is about, NULL when there is none */
	const char *relation;
	LOCKMODE lock; /* NoLock when not known */
	SdTruth rewrites;
	SdTruth scans;
	SdSize size;
	SdDataLoss data_loss;
	const char *message;
	const char *detail; /* NULL for none */
	const char *hint;	/* NULL for the rule's own; has placeholders too */
	SdHintNames names;
	const SdPlace *place;		 /* NULL for location */
	const struct SdProbe *probe; /* that it comes from, NULL for none */
} SdFinding;

/* One run of analyze(). */
typedef struct SdAnalysis
{
	SdScript *script;
	SdScope *scope;
	struct SdSizes *sizes;
	struct SdTrack *track;
	bool predicts;			   /* effects are asked for, and findings are not */
	struct SdEffects *effects; /* of the statement that is looked at; NULL until somebody asks */
	struct SdProbes *probes;   /* rows are looked at; see sd_probe.h */
	Tuplestorestate *store;
	int64 findings; /* in the store */
	TupleDesc desc;
	bool wrapped;			 /* whoever runs the script wraps it in a transaction */
	bool runner_transaction; /* and that one is still open */
	bool in_transaction;	 /* a transaction block is open here */
	SdTruth long_names;		 /* some name of the script may be too long */

	/* The statement that is looked at. */
	Node *statement; /* NULL between statements */
	bool asked;		 /* its effects are known */
	int number;
	int start;				/* its byte offset in the script */
	int origin;				/* script offset of the text that locations count from, -1 for none */
	int calls;				/* SdPiece.calls, or -1 when not counted */
	bool flat;				/* its text, outside bodies, is short and without a parenthesis */
	bool reported;			/* it has a finding */
	LOCKMODE lock_reported; /* the strongest lock that a finding names */
	bool large_reported;	/* that it takes long because of a table's size */
	const char *inside;		/* what it is part of, such as "function f", or NULL */
	bool conditional;		/* it may not be reached */
	bool deferred;			/* it runs later, when the routine is called */
	int depth;				/* bodies that we are in */

	/* Routines that were looked into already: once for each is enough. */
	List *seen_routines; /* OIDs */
	List *seen_bodies;	 /* SdRoutine */

	struct SdKeys *keys; /* see sd_keys.h; NULL when there are none */
	struct HTAB *facts;	 /* see sd_facts.c; NULL before the first */
	void *last_facts;	 /* see sd_facts.c */
	List *classes;		 /* see sd_facts.c */

	/* See sd_context.h; NULL before the first. */
	struct HTAB *contexts;
	struct SdContext *last_context; /* asked for */
	struct SdStatements *statements;
	struct SdFacts *server_facts;
	struct SdUsage *usage_limit; /* see sd_usage.h */

	/* search_path: the caller's, the session's now, and that when the transaction began */
	const char *callers_path;
	const char *session_path;
	const char *begin_path;
	const char *callers_timezone;
	MemoryContext context; /* lives as long as this */

	struct Texts *texts; /* see sd_rules.c; NULL before the first finding */
} SdAnalysis;

/*
 * sd_finding starts a finding of a rule; "relation" may be NULL, and gives
 * object, size and the table's name for the hint.
 */
extern SdFinding sd_finding(SdAnalysis *analysis, SdRuleId rule, const SdRelation *relation);

/* sd_loss_of tells what is lost when all that a relation holds goes. */
extern SdDataLoss sd_loss_of(SdSize size);

/* sd_place finds the place of something in the statement's text, -1 for the statement. */
extern SdPlace sd_place(SdAnalysis *analysis, int location);

/* sd_report hands a finding out. */
extern void sd_report(SdAnalysis *analysis, SdFinding *finding);

/*
 * sd_report_blocking is sd_report for a finding whose only harm is the time
 * that a lock is held; see sd_severity.c for what that means.
 */
extern void sd_report_blocking(SdAnalysis *analysis, SdFinding *finding);

/*
 * sd_target resolves the target of a statement.  It returns false when there
 * is no hazard in touching it, because the script made it itself or because it
 * is not there and need not be; one that is missing is reported here.
 */
extern bool sd_target(SdAnalysis *analysis, const RangeVar *name, bool missing_ok,
					  SdRelation *relation);

/* sd_is_target is sd_target for a relation that is resolved already. */
extern bool sd_is_target(SdAnalysis *analysis, const SdRelation *relation, bool missing_ok);

/* sd_size_text says "about 1200 rows, 96 kB", or that the size is not known. */
extern const char *sd_size_text(SdSize size);

/* Tables of checks.  The last row of each has a NULL function. */
typedef struct SdCheck
{
	NodeTag tag;
	int kind; /* ObjectType of DROP and RENAME; -1 for any */
	void (*check)(SdAnalysis *analysis, Node *statement);
} SdCheck;

/* What a check of an ALTER TABLE subcommand gets. */
typedef struct SdAlter
{
	AlterTableStmt *stmt;
	AlterTableCmd *cmd;
	SdRelation relation;
	LOCKMODE lock; /* of the whole command */
} SdAlter;

typedef struct SdAlterCheck
{
	AlterTableType kind;
	void (*check)(SdAnalysis *analysis, const SdAlter *alter);
} SdAlterCheck;

/* sd_alter_finding is sd_finding for a subcommand: with its lock, and its table's name and size. */
extern SdFinding sd_alter_finding(SdAnalysis *analysis, SdRuleId rule, const SdAlter *alter,
								  const char *column);

/* sd_has_storage tells whether a relation holds rows that can be scanned or rewritten. */
extern bool sd_has_storage(const SdRelation *relation);

extern const SdCheck sd_checks_drop[];
extern const SdCheck sd_checks_rewrite[];
extern const SdCheck sd_checks_scan[];
extern const SdCheck sd_checks_lock[];
extern const SdCheck sd_checks_rename[];
extern const SdCheck sd_checks_data[];
extern const SdCheck sd_checks_transaction[];
extern const SdCheck sd_checks_opaque[];
extern const SdCheck sd_checks_cascade[];
extern const SdCheck sd_checks_partition[];
extern const SdCheck sd_checks_drop_part[];
extern const SdCheck sd_checks_key[];
extern const SdCheck sd_checks_workload[];
extern const SdCheck sd_checks_failure[];
extern const SdCheck sd_checks_shape[];
extern const SdCheck sd_checks_view[];
extern const SdCheck sd_checks_index[];
extern const SdCheck sd_checks_routine[];
extern const SdCheck sd_checks_immutable[];
extern const SdCheck sd_checks_enum[];
extern const SdCheck sd_checks_application[];
extern const SdCheck sd_checks_sequence[];
extern const SdCheck sd_checks_bodies[];
extern const SdCheck sd_checks_grant[];
extern const SdCheck sd_checks_replication[];
extern const SdCheck sd_checks_timeout[];
extern const SdCheck sd_checks_order[];
extern const SdCheck sd_checks_settings[];
extern const SdCheck sd_checks_security[];
extern const SdCheck sd_checks_style[];
extern const SdCheck sd_checks_managed[];
extern const SdAlterCheck sd_alter_checks_drop[];
extern const SdAlterCheck sd_alter_checks_rewrite[];
extern const SdAlterCheck sd_alter_checks_scan[];
extern const SdAlterCheck sd_alter_checks_lock[];
extern const SdAlterCheck sd_alter_checks_refused[];
extern const SdAlterCheck sd_alter_checks_cascade[];
extern const SdAlterCheck sd_alter_checks_data[];
extern const SdAlterCheck sd_alter_checks_partition[];
extern const SdAlterCheck sd_alter_checks_drop_part[];
extern const SdAlterCheck sd_alter_checks_key[];
extern const SdAlterCheck sd_alter_checks_type[];
extern const SdAlterCheck sd_alter_checks_transaction[];
extern const SdAlterCheck sd_alter_checks_failure[];
extern const SdAlterCheck sd_alter_checks_shape[];
extern const SdAlterCheck sd_alter_checks_immutable[];
extern const SdAlterCheck sd_alter_checks_application[];
extern const SdAlterCheck sd_alter_checks_sequence[];
extern const SdAlterCheck sd_alter_checks_bodies[];
extern const SdAlterCheck sd_alter_checks_replication[];
extern const SdAlterCheck sd_alter_checks_settings[];
extern const SdAlterCheck sd_alter_checks_security[];
extern const SdAlterCheck sd_alter_checks_managed[];

/* sd_check_call looks into the routine that a query calls; see sd_rules_opaque.c. */
extern void sd_check_call(SdAnalysis *analysis, FuncCall *call);

/* sd_check_routine looks into a routine of the catalog that a statement runs, such as a trigger's. */
extern void sd_check_routine(SdAnalysis *analysis, Oid routine);

/* sd_report_dynamic reports an EXECUTE of PL/pgSQL with the expression that it runs. */
extern void sd_report_dynamic(SdAnalysis *analysis, const char *text);

/* sd_set_value returns the value of SET as text; NULL when the server would refuse it. */
extern const char *sd_set_value(VariableSetStmt *stmt);

/* sd_end_transaction_path puts the search_path back to what it is after COMMIT or ROLLBACK. */
extern void sd_end_transaction_path(SdAnalysis *analysis, bool committed);

/* sd_check_outside reports a statement that refuses to run in a transaction block. */
extern void sd_check_outside(SdAnalysis *analysis, Node *statement);

/* sd_report_conforming_strings reports that strings are read in another way from here on. */
extern void sd_report_conforming_strings(SdAnalysis *analysis);

/* sd_check_attach reports ATTACH PARTITION; the parent may be the script's own. */
extern void sd_check_attach(SdAnalysis *analysis, const SdAlter *alter);

/* sd_check_locks reports the lock of a statement that no rule has reported; see sd_rules_lock.c. */
extern void sd_check_locks(SdAnalysis *analysis, Node *statement);

/*
 * sd_check_order judges a statement by what came before it in its transaction,
 * after all checks of its own; sd_check_timeouts is the part about time-outs.
 */
extern void sd_check_order(SdAnalysis *analysis, Node *statement);
extern void sd_check_timeouts(SdAnalysis *analysis, Node *statement);

/* sd_check_hot reports that a statement stops the users of a table that is in constant use. */
extern void sd_check_hot(SdAnalysis *analysis, Node *statement);

/* sd_check_lock_budget adds up how long the locks of the transaction are held. */
extern void sd_check_lock_budget(SdAnalysis *analysis);

/* sd_check_new_labels reports the use of labels that the transaction has added to an enum. */
extern void sd_check_new_labels(SdAnalysis *analysis, Node *statement);

/* sd_check_rerun reports a statement that fails when the script is run again. */
extern void sd_check_rerun(SdAnalysis *analysis, Node *statement);

/* sd_check_room judges whether there is room for what a statement needs. */
extern void sd_check_room(SdAnalysis *analysis, Node *statement);

/* sd_check_long_names looks for names that are cut off in a range of the script. */
extern void sd_check_long_names(SdAnalysis *analysis, int from, int to);

/* sd_check_script_end judges what is left open at the end of the script. */
extern void sd_check_script_end(SdAnalysis *analysis);

#endif
