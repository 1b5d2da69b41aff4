/*
 * sd_compat_catalog.h
 *	  The part of sd_compat.h that is about catalogs and deparsing.
 *
 * It stands apart because it needs the headers of many catalogs.
 */
#ifndef SD_COMPAT_CATALOG_H
#define SD_COMPAT_CATALOG_H

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#endif

/*
 * Text of a view's query, of a rule's action (before 15, of the whole rule) and
 * of a function's SQL-standard body.  15 exports the deparser of queries, which
 * takes the tree that the caller made canonical; before that the server reads its
 * own copy, with all the locks that this needs.
 */
#define SD_DEPARSES_OWN_TREES (PG_VERSION_NUM < 150000)

static inline const char *
sd_compat_querydef(Query *query, Oid view)
{
#if PG_VERSION_NUM >= 150000
	return pg_get_querydef(query, false);
#else
	return TextDatumGetCString(DirectFunctionCall1(pg_get_viewdef, ObjectIdGetDatum(view)));
#endif
}

/* Where the server reads its own copy, the whole rule is all that it prints. */
static inline const char *
sd_compat_actiondef(Query *query)
{
#if PG_VERSION_NUM >= 150000
	return pg_get_querydef(query, false);
#else
	return NULL;
#endif
}

/* Everything after the name of the rule: "CREATE RULE name AS\n    ON ...;". */
static inline const char *
sd_compat_ruledef(Oid rule, const char *name)
{
	char *def = TextDatumGetCString(DirectFunctionCall1(pg_get_ruledef, ObjectIdGetDatum(rule)));
	char *end;

	def += strlen("CREATE RULE ") + strlen(quote_identifier(name)) + strlen(" AS");
	def += strspn(def, " \n");
	end = strrchr(def, ';');
	if (end != NULL)
		*end = '\0';
	return def;
}

static inline const char *
sd_compat_sqlbody(Node *body, Oid proc)
{
#if PG_VERSION_NUM >= 150000
	StringInfoData buf;
	ListCell *lc;

	if (IsA(body, Query))
	{
		char *text = pg_get_querydef((Query *) body, false);

		return text[0] == ' ' ? text + 1 : text;
	}
	initStringInfo(&buf);
	appendStringInfoString(&buf, "BEGIN ATOMIC\n");
	foreach (lc, linitial_node(List, castNode(List, body)))
		appendStringInfo(&buf, "%s;\n", pg_get_querydef(lfirst_node(Query, lc), false));
	appendStringInfoString(&buf, "END");
	return buf.data;
#elif PG_VERSION_NUM >= 140000
	return TextDatumGetCString(DirectFunctionCall1(pg_get_function_sqlbody, ObjectIdGetDatum(proc)));
#else
	elog(ERROR, "function %u has a body of a newer server", proc);
#endif
}

/* Identity and type of an object in words; 14 can be told that it may be missing. */
#include "catalog/objectaddress.h"

static inline char *
sd_compat_object_identity(const ObjectAddress *address)
{
#if PG_VERSION_NUM >= 140000
	return getObjectIdentity(address, true);
#else
	return getObjectIdentity(address);
#endif
}

static inline char *
sd_compat_object_type(const ObjectAddress *address)
{
#if PG_VERSION_NUM >= 140000
	return getObjectTypeDescription(address, true);
#else
	return getObjectTypeDescription(address);
#endif
}

/* 17 made an unset statistics target NULL where it was -1. */

static inline int32
sd_compat_statistics_target(HeapTuple tuple, TupleDesc desc)
{
#if PG_VERSION_NUM >= 170000
	bool isnull;
	Datum value = heap_getattr(tuple, Anum_pg_attribute_attstattarget, desc, &isnull);

	return isnull ? -1 : DatumGetInt16(value);
#else
	return ((Form_pg_attribute) GETSTRUCT(tuple))->attstattarget;
#endif
}

/* 16 gave the identity of a relation's file another name; 18 counts all-frozen pages. */

#if PG_VERSION_NUM >= 160000
#define SdRelFile				 RelFileLocator
#define SD_REL_FILE(rel)		 ((rel)->rd_locator)
#define SD_REL_FILE_EQUALS(a, b) RelFileLocatorEquals(a, b)
#else
#define SdRelFile				 RelFileNode
#define SD_REL_FILE(rel)		 ((rel)->rd_node)
#define SD_REL_FILE_EQUALS(a, b) RelFileNodeEquals(a, b)
#endif

static inline void
sd_compat_mask_allfrozen(Form_pg_class form)
{
#if PG_VERSION_NUM >= 180000
	form->relallfrozen = 0;
#endif
}

/* 14 can detach a partition in two steps. */
#include "catalog/pg_inherits.h"

static inline bool
sd_compat_detach_pending(Form_pg_inherits form)
{
#if PG_VERSION_NUM >= 140000
	return form->inhdetachpending;
#else
	return false;
#endif
}

/* 14 added compression methods of columns. */
static inline char
sd_compat_compression(Form_pg_attribute form)
{
#if PG_VERSION_NUM >= 140000
	return form->attcompression;
#else
	return '\0';
#endif
}

/* 15 added NULLS NOT DISTINCT and the columns of ON DELETE SET; 18 NOT ENFORCED and PERIOD. */

static inline bool
sd_compat_nulls_not_distinct(Form_pg_index form)
{
#if PG_VERSION_NUM >= 150000
	return form->indnullsnotdistinct;
#else
	return false;
#endif
}

static inline bool
sd_compat_enforced(Form_pg_constraint form)
{
#if PG_VERSION_NUM >= 180000
	return form->conenforced;
#else
	return true;
#endif
}

static inline bool
sd_compat_period(Form_pg_constraint form)
{
#if PG_VERSION_NUM >= 180000
	return form->conperiod;
#else
	return false;
#endif
}

#if PG_VERSION_NUM >= 150000
#define SD_ANUM_CONFDELSETCOLS Anum_pg_constraint_confdelsetcols
#else
#define SD_ANUM_CONFDELSETCOLS 0
#endif

/* 14 added multiranges and subscripting functions of types, and SQL-standard bodies. */

static inline Oid
sd_compat_multirange(Form_pg_range form)
{
#if PG_VERSION_NUM >= 140000
	return form->rngmultitypid;
#else
	return InvalidOid;
#endif
}

/* The range type that a multirange is of. */
static inline Oid
sd_compat_range_of(Oid multirange)
{
#if PG_VERSION_NUM >= 140000
	return get_multirange_range(multirange);
#else
	return InvalidOid;
#endif
}

static inline Oid
sd_compat_typsubscript(Form_pg_type form)
{
#if PG_VERSION_NUM >= 140000
	return form->typsubscript;
#else
	return InvalidOid;
#endif
}

#if PG_VERSION_NUM >= 140000
#define SD_ANUM_PROSQLBODY Anum_pg_proc_prosqlbody
#else
#define SD_ANUM_PROSQLBODY 0
#endif

/* Locale of a collation: names before 15, text and NULL since; its ICU locale was renamed in 17. */

static inline const char *
sd_compat_collation_attr(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool isnull;
	Datum value = heap_getattr(tuple, attnum, desc, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

#if PG_VERSION_NUM >= 150000
#define sd_compat_collcollate(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_collation_collcollate)
#define sd_compat_collctype(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_collation_collctype)
#else
#define sd_compat_collcollate(tuple, desc) \
	pstrdup(NameStr(((Form_pg_collation) GETSTRUCT(tuple))->collcollate))
#define sd_compat_collctype(tuple, desc) \
	pstrdup(NameStr(((Form_pg_collation) GETSTRUCT(tuple))->collctype))
#endif
#if PG_VERSION_NUM >= 170000
#define sd_compat_colllocale(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_collation_colllocale)
#elif PG_VERSION_NUM >= 150000
#define sd_compat_colllocale(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_collation_colliculocale)
#else
#define sd_compat_colllocale(tuple, desc) NULL
#endif

/* 16 added rules of a collation's own. */
#if PG_VERSION_NUM >= 160000
#define sd_compat_collrules(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_collation_collicurules)
#else
#define sd_compat_collrules(tuple, desc) NULL
#endif

/*
 * 14 added expressions of extended statistics, 17 made their unset target NULL; 15 added
 * publications of schemas, of some columns and of some rows.
 */
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_statistic_ext.h"
#if PG_VERSION_NUM >= 150000
#include "catalog/pg_publication_namespace.h"
#endif

static inline int32
sd_compat_stxstattarget(HeapTuple tuple, TupleDesc desc)
{
#if PG_VERSION_NUM >= 170000
	bool isnull;
	Datum value = heap_getattr(tuple, Anum_pg_statistic_ext_stxstattarget, desc, &isnull);

	return isnull ? -1 : DatumGetInt16(value);
#else
	return ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxstattarget;
#endif
}

#if PG_VERSION_NUM >= 140000
#define SD_ANUM_STXEXPRS Anum_pg_statistic_ext_stxexprs
#else
#define SD_ANUM_STXEXPRS 0
#endif

#if PG_VERSION_NUM >= 150000
#define SD_ANUM_PRQUAL			 Anum_pg_publication_rel_prqual
#define SD_ANUM_PRATTRS			 Anum_pg_publication_rel_prattrs
#define SD_PUBLICATION_NAMESPACE PublicationNamespaceRelationId
#else
#define SD_ANUM_PRQUAL			 0
#define SD_ANUM_PRATTRS			 0
#define SD_PUBLICATION_NAMESPACE InvalidOid
#endif

/* 18 lets a publication choose whether stored generated columns are published. */
static inline bool
sd_compat_publishes_generated(Form_pg_publication form)
{
#if PG_VERSION_NUM >= 180000
	return form->pubgencols == PUBLISH_GENCOLS_STORED;
#else
	return false;
#endif
}

/*
 * 15 gave databases a provider and a version of their locale, whose name 17 changed, and
 * privileges to parameters; 16 gave them ICU rules and memberships two more options.
 */
#include "catalog/pg_auth_members.h"
#include "catalog/pg_database.h"
#if PG_VERSION_NUM >= 150000
#include "catalog/pg_parameter_acl.h"
#define sd_compat_datcollate(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_database_datcollate)
#define sd_compat_datctype(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_database_datctype)
#define sd_compat_datcollversion(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_database_datcollversion)
#else
#define sd_compat_datcollate(tuple, desc) \
	pstrdup(NameStr(((Form_pg_database) GETSTRUCT(tuple))->datcollate))
#define sd_compat_datctype(tuple, desc) \
	pstrdup(NameStr(((Form_pg_database) GETSTRUCT(tuple))->datctype))
#define sd_compat_datcollversion(tuple, desc) NULL
#endif
#if PG_VERSION_NUM >= 170000
#define sd_compat_datlocale(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_database_datlocale)
#elif PG_VERSION_NUM >= 150000
#define sd_compat_datlocale(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_database_daticulocale)
#else
#define sd_compat_datlocale(tuple, desc) NULL
#endif
#if PG_VERSION_NUM >= 160000
#define sd_compat_daticurules(tuple, desc) \
	sd_compat_collation_attr(tuple, desc, Anum_pg_database_daticurules)
#else
#define sd_compat_daticurules(tuple, desc) NULL
#endif

static inline const char *
sd_compat_datlocprovider(Form_pg_database form)
{
#if PG_VERSION_NUM >= 150000
	return form->datlocprovider == COLLPROVIDER_ICU	 ? "icu" :
		   form->datlocprovider == COLLPROVIDER_LIBC ? "libc" :
													   "builtin";
#else
	return NULL;
#endif
}

/* "chosen" says whether the last two can be chosen at all. */
typedef struct SdMemberOptions
{
	bool admin;
	bool inherit;
	bool set;
	bool chosen;
} SdMemberOptions;

static inline SdMemberOptions
sd_compat_member_options(Form_pg_auth_members form)
{
	SdMemberOptions options = { .admin = form->admin_option };

#if PG_VERSION_NUM >= 160000
	options.inherit = form->inherit_option;
	options.set = form->set_option;
	options.chosen = true;
#endif
	return options;
}

/*
 * Options of subscriptions that came with 14 (binary, streaming), 15 (two_phase,
 * disable_on_error), 16 (password_required, run_as_owner, origin, parallel streaming) and
 * 17 (failover).  One that a server lacks stands at the value that it works by.
 */
#include "catalog/pg_subscription.h"

typedef struct SdSubscriptionOptions
{
	const char *streaming; /* NULL where it cannot be chosen */
	const char *origin;	   /* NULL for any */
	bool binary;
	bool two_phase;
	bool disable_on_error;
	bool password_required;
	bool run_as_owner;
	bool failover;
} SdSubscriptionOptions;

static inline SdSubscriptionOptions
sd_compat_subscription_options(HeapTuple tuple, TupleDesc desc)
{
	SdSubscriptionOptions options = { .password_required = true };
#if PG_VERSION_NUM >= 140000
	Form_pg_subscription form = (Form_pg_subscription) GETSTRUCT(tuple);

	options.binary = form->subbinary;
#if PG_VERSION_NUM >= 160000
	options.streaming = form->substream == LOGICALREP_STREAM_PARALLEL ? "parallel" :
						form->substream == LOGICALREP_STREAM_ON		  ? "on" :
																		"off";
#else
	options.streaming = form->substream ? "on" : "off";
#endif
#endif
#if PG_VERSION_NUM >= 150000
	options.two_phase = form->subtwophasestate != LOGICALREP_TWOPHASE_STATE_DISABLED;
	options.disable_on_error = form->subdisableonerr;
#endif
#if PG_VERSION_NUM >= 160000
	{
		bool isnull;
		Datum origin = heap_getattr(tuple, Anum_pg_subscription_suborigin, desc, &isnull);

		options.password_required = form->subpasswordrequired;
		options.run_as_owner = form->subrunasowner;
		if (!isnull && strcmp(TextDatumGetCString(origin), LOGICALREP_ORIGIN_ANY) != 0)
			options.origin = TextDatumGetCString(origin);
	}
#endif
#if PG_VERSION_NUM >= 170000
	options.failover = form->subfailover;
#endif
	return options;
}

/*
 * 17 keeps the NOT NULL of domains as constraints, 18 that of tables as well, and only 18 dumps
 * their names.
 */
#define SD_NOT_NULL_HAS_NAME (PG_VERSION_NUM >= 180000)
#if PG_VERSION_NUM >= 170000
#define SD_IS_NOT_NULL(contype) ((contype) == CONSTRAINT_NOTNULL)
#else
#define SD_IS_NOT_NULL(contype) (false)
#endif

static inline void
sd_compat_publication_namespace(HeapTuple tuple, Oid *publication, Oid *schema)
{
#if PG_VERSION_NUM >= 150000
	Form_pg_publication_namespace form = (Form_pg_publication_namespace) GETSTRUCT(tuple);

	*publication = form->pnpubid;
	*schema = form->pnnspid;
#else
	elog(ERROR, "publications of schemas are of a newer server");
#endif
}

/* 15 made privileges on parameters; before, no document has any. */
#if PG_VERSION_NUM >= 150000
#define SD_OBJECT_PARAMETER OBJECT_PARAMETER_ACL
#else
#define SD_OBJECT_PARAMETER OBJECT_DATABASE
#endif

/* OID of a type by its name, InvalidOid when there is none; 16 made errors an argument. */
static inline Oid
sd_compat_parse_type(const char *name)
{
	Oid type = InvalidOid;
	int32 typmod;
#if PG_VERSION_NUM >= 160000
	ErrorSaveContext context = { T_ErrorSaveContext };

	if (!parseTypeString(name, &type, &typmod, (Node *) &context))
		return InvalidOid;
#else
	parseTypeString(name, &type, &typmod, true);
#endif
	return type;
}

/* 14 lets an object be missing. */
#include "catalog/objectaddress.h"

static inline void
sd_compat_identity_parts(const ObjectAddress *address, List **names, List **arguments)
{
#if PG_VERSION_NUM >= 140000
	(void) getObjectIdentityParts(address, names, arguments, false);
#else
	(void) getObjectIdentityParts(address, names, arguments);
#endif
}

/* 14 made multiranges. */
#if PG_VERSION_NUM >= 140000
#define SD_TYPTYPE_MULTIRANGE TYPTYPE_MULTIRANGE
#else
#define SD_TYPTYPE_MULTIRANGE '\0'
#endif

/* 14 names the numbers of functions by their arguments. */
#if PG_VERSION_NUM < 140000
#define F_SETVAL_REGCLASS_INT8		F_SETVAL_OID
#define F_SETVAL_REGCLASS_INT8_BOOL F_SETVAL3_OID
#endif

#endif
