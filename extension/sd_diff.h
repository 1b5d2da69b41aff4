/*
 * sd_diff.h
 *	  Difference of two schema snapshots: the data model and the steps.
 *
 * The steps run in this order, each in a file of its own:
 *
 *	  load    (sd_diff_load)	rows that may differ, with their definitions
 *	  match   (sd_diff_match)	old and new rows into pairs: by OID, else by key
 *	  walk    (sd_diff_walk)	descend into facets whose hashes differ
 *	  fold    (sd_diff_fold)	hang consequences under the change they follow from
 *	  order   (sd_diff_order)	what depends after what it depends on, roots before consequences
 *	  judge   (sd_diff_rules)	class, severity, data loss and sentence, from one table
 *
 * What lives as long as the diff is in SdDiff.context; what a step needs for one
 * object only is in a context that is reset after it.
 */
#ifndef SD_DIFF_H
#define SD_DIFF_H

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/palloc.h"

typedef enum SdDiffFacet
{
	SD_DIFF_CORE,
	SD_DIFF_SECURITY,
	SD_DIFF_OWNER,
	SD_DIFF_STORAGE,
	SD_DIFF_COMMENT,
	SD_DIFF_VERSION,
	SD_DIFF_ORDER,
	SD_DIFF_ENVIRONMENT,
	SD_DIFF_FACETS
} SdDiffFacet;

/* Bits, so that a rule can name several. */
typedef enum SdDiffOp
{
	SD_DIFF_ADD = 1 << 0,
	SD_DIFF_DROP = 1 << 1,
	SD_DIFF_ALTER = 1 << 2,
	SD_DIFF_RENAME = 1 << 3,
	SD_DIFF_MOVE = 1 << 4,
	SD_DIFF_RECREATE = 1 << 5,
	SD_DIFF_REWRITE = 1 << 6,
	SD_DIFF_REORDER = 1 << 7,
	SD_DIFF_UNREAD = 1 << 8 /* not in SD_DIFF_ANY_OP: nothing is known about it */
} SdDiffOp;

#define SD_DIFF_ANY_OP 0xff

/* Severities in rising order. */
typedef enum SdDiffSeverity
{
	SD_DIFF_INFO,
	SD_DIFF_ADDITIVE,
	SD_DIFF_CAUTION,
	SD_DIFF_LOCKING,
	SD_DIFF_BREAKING,
	SD_DIFF_SECURITY_RISK,
	SD_DIFF_DESTRUCTIVE
} SdDiffSeverity;

typedef enum SdDiffLoss
{
	SD_DIFF_NONE,
	SD_DIFF_POSSIBLE,
	SD_DIFF_CERTAIN
} SdDiffLoss;

typedef enum SdDiffClass
{
	SD_DIFF_REAL,
	SD_DIFF_COSMETIC,
	SD_DIFF_COLUMN_ORDER,
	SD_DIFF_PHYSICAL,
	SD_DIFF_SURROUNDINGS
} SdDiffClass;

/* How a text that differs says the same. */
typedef enum SdDiffFollows
{
	SD_DIFF_FOLLOWS_NOTHING, /* it says something else */
	SD_DIFF_FOLLOWS_NAME,	 /* equal but for names that were changed */
	SD_DIFF_FOLLOWS_TYPE	 /* equal but for casts to the new type of a column */
} SdDiffFollows;

/* One side of one object, as a snapshot holds it. */
typedef struct SdDiffObject
{
	const char *kind;
	const char *identity;
	Oid oid;					   /* InvalidOid when the snapshot has none */
	uint32 filenode;			   /* 0 when there is no storage */
	double rows;				   /* reltuples, -1 when unknown */
	Jsonb *phys;				   /* NULL when the snapshot has none */
	bytea *hash[SD_DIFF_FACETS];   /* NULL for an absent facet */
	bytea *def_hash;			   /* key of the definition, NULL on the live side */
	Jsonb *definition;			   /* NULL until needed */
	const char *unread;			   /* why the snapshot does not have it, NULL when it does */
	bool is_new;				   /* of the new side */
	bool populated;				   /* false for a materialized view without data */
	struct SdDiffObject *same_key; /* the other side's object of that key, or NULL */
	struct SdDiffPair *pair;
} SdDiffObject;

/* One entry of a member map: a sub-object whose name or number moved. */
typedef struct SdDiffMember
{
	const char *old_name; /* NULL when new */
	const char *new_name; /* NULL when gone */
	bool recreated;		  /* same name, other number */
} SdDiffMember;

/* Collections of sub-objects that a document can hold. */
typedef enum SdDiffCollection
{
	SD_DIFF_COLUMNS,
	SD_DIFF_ATTRIBUTES,
	SD_DIFF_LABELS,
	SD_DIFF_CONSTRAINTS,
	SD_DIFF_INDEXES,
	SD_DIFF_TRIGGERS,
	SD_DIFF_RULES,
	SD_DIFF_POLICIES,
	SD_DIFF_PRIVILEGES,
	SD_DIFF_COLLECTIONS
} SdDiffCollection;

/* What the same object was and is.  At least one side is there. */
typedef struct SdDiffPair
{
	SdDiffObject *old;
	SdDiffObject *new;
	const char *kind;
	const char *identity;				/* the new one, the old one when dropped */
	List *members[SD_DIFF_COLLECTIONS]; /* of SdDiffMember *, only those that moved */
	bool recreated;
	struct SdDiffChange *root; /* add, drop, rename, move or recreate of the whole */
	List *changes;			   /* of SdDiffChange *, this pair's share */
	int stamp;				   /* seq of the change whose hits list it already */
	int rank;				   /* place among the objects, by dependency; 0 before it is known */
} SdDiffPair;

typedef struct SdDiffChange
{
	SdDiffOp op;
	const char *kind;
	SdDiffPair *pair;
	SdDiffFacet facet;
	int depth;					 /* length of path, 0 for the whole object */
	const char **path;			 /* names below the facet */
	const char *member;			 /* name of the sub-object, NULL for none */
	SdDiffCollection collection; /* of the member */
	Jsonb *old;
	Jsonb *new;
	const char *granted; /* of a privilege: what was gained, NULL for nothing */
	const char *revoked; /* of a privilege: what was lost, NULL for nothing */
	struct SdDiffChange *cause;
	List *effects; /* of SdDiffChange *, those it is the cause of, once ordered */
	SdDiffFollows follows;
	bool to_superuser; /* of an owner: who owns it now may do everything, unlike before */

	/* filled by the judge */
	SdDiffClass class;
	SdDiffSeverity severity;
	SdDiffLoss loss;
	const char *summary;
	int seq;
} SdDiffChange;

/* Where and with what a side was taken. */
typedef struct SdDiffOrigin
{
	int version;
	char *system_identifier; /* NULL when unknown */
	Oid database;
	bool environment; /* was taken too */
} SdDiffOrigin;

/* What is compared with objects of another database, see sd_keep.h. */
typedef struct SdDiffOthers
{
	SdDiffOrigin origin;
	ArrayType *numbers;	   /* of the old objects that may differ */
	ArrayType *superusers; /* quoted names of those who are it there, NULL when that does not matter */
} SdDiffOthers;

typedef struct SdDiff
{
	bool same_lineage;			 /* both sides are states of one database */
	bool roles;					 /* the new side says which roles there are */
	bool facets[SD_DIFF_FACETS]; /* wanted ones */
	bool live;					 /* the new side is the database as it is now */
	bool kept;					 /* the old side is what the session keeps */
	SdDiffOthers *others;		 /* the new side is of another database, NULL when it is not */
	int64 old_id;
	int64 new_id;
	MemoryContext context; /* of all that lives as long as the diff */
	List *objects;		   /* of SdDiffObject *, both sides */
	List *pairs;		   /* of SdDiffPair * */
	List *changes;		   /* of SdDiffChange * */
	List *schema_renames;  /* of SdDiffChange *, also among the changes */
} SdDiff;

/*
 * sd_diff_load
 */

/* Reads both headers and every row that may differ; needs a connected SPI. */
extern void sd_diff_load(SdDiff *diff);
/* Marks the owners that are superusers now; needs to connect to SPI. */
extern void sd_diff_mark_superusers(SdDiff *diff);
/* An error that names every unread object, for what cannot be done without all of them. */
extern void sd_diff_refuse_unread(const SdDiff *diff);
/* NULL is a hash too: that of an absent facet. */
extern bool sd_diff_same_hash(const bytea *a, const bytea *b);
/* Name of a facet as the document and the tables write it. */
extern const char *sd_diff_facet_name(SdDiffFacet facet);

/*
 * sd_diff_match
 */

/* Pairs the objects; adds the changes of whole objects and of renamed members. */
extern void sd_diff_match(SdDiff *diff);
/* Adds the constraints, indexes, triggers, rules and policies of a pair that are the same but made anew. */
extern void sd_diff_emit_remade(SdDiff *diff, SdDiffPair *pair);
/* Name on the other side of a member, NULL when it is not there. */
extern const char *sd_diff_new_name(const SdDiffPair *pair, SdDiffCollection collection,
									const char *old_name);
extern const char *sd_diff_old_name(const SdDiffPair *pair, SdDiffCollection collection,
									const char *new_name);

/*
 * sd_diff_walk
 */

/* Adds the changes inside one pair whose both sides exist; leaves garbage in the current context. */
extern void sd_diff_walk(SdDiff *diff, SdDiffPair *pair);
/*
 * Appends a change of a part.  A collection other than SD_DIFF_COLLECTIONS says
 * that the part is a member, whose name is the second of the path.  All that the
 * change keeps is copied into the memory of the diff.
 */
extern SdDiffChange *sd_diff_emit(SdDiff *diff, SdDiffPair *pair, SdDiffOp op, SdDiffFacet facet,
								  const char *kind, SdDiffCollection collection, int depth,
								  const char *const *path);
/* Appends a change of the whole object. */
extern SdDiffChange *sd_diff_emit_whole(SdDiff *diff, SdDiffPair *pair, SdDiffOp op);

/* How a collection of sub-objects is written; a table of constants. */
typedef struct SdDiffCollectionInfo
{
	const char *key;	  /* in the document */
	const char *phys_key; /* in phys, NULL when its members have no number there */
	const char *kind;	  /* in the output */
	SdDiffFacet facet;	  /* the one whose map says that a member exists */
} SdDiffCollectionInfo;

extern const SdDiffCollectionInfo sd_diff_collections[SD_DIFF_COLLECTIONS];

/*
 * sd_diff_acl
 */

/* Adds the changes of one access list; a NULL list is the built-in default. */
extern void sd_diff_walk_acl(SdDiff *diff, SdDiffPair *pair, SdDiffFacet facet,
							 SdDiffCollection collection, int depth, const char *const *path,
							 JsonbContainer *old_acl, JsonbContainer *new_acl);

/*
 * sd_diff_fold
 */

struct SdDiffNames;

/* Sets cause on every change that follows from another one; resets scratch as it goes. */
extern void sd_diff_fold(SdDiff *diff, struct SdDiffNames *names, MemoryContext scratch);

/*
 * sd_diff_order
 */

/* Order of two cells of a list of changes; by dependency once that is known. */
extern int sd_diff_compare_changes(const ListCell *x, const ListCell *y);
/* Puts the changes in their final order and numbers them. */
extern void sd_diff_order(SdDiff *diff);

/*
 * sd_diff_lex
 */

typedef struct SdDiffToken
{
	const char *start;
	int length;
	char type; /* i identifier, s string, o anything else, 0 the end */
} SdDiffToken;

/* Next token of a text; type 0 at its end. */
extern SdDiffToken sd_diff_next_token(const char **text);
/* Splits "schema.name(arguments)" into its parts; schema is NULL without a dot. */
extern void sd_diff_split_identity(const char *identity, char **schema, char **name, char **rest);
/* Name as it stands in SQL text. */
extern const char *sd_diff_lexeme(const char *name);

/*
 * sd_diff_rules
 */

/* Fills class, severity, loss and summary of a change; the last in the current context. */
extern void sd_diff_judge(const SdDiff *diff, SdDiffChange *change);
/* Position of a kind in the order of the output. */
extern int sd_diff_kind_rank(const char *kind);

extern const char *sd_diff_op_name(SdDiffOp op);
extern const char *sd_diff_class_name(SdDiffClass class);
extern const char *sd_diff_severity_name(SdDiffSeverity severity);
extern const char *sd_diff_loss_name(SdDiffLoss loss);

/*
 * sd_diff_policy
 */

/* What a changed attribute of a policy means for what the policy lets through. */
typedef enum SdDiffDirection
{
	SD_DIFF_UNKNOWN,
	SD_DIFF_WIDER,
	SD_DIFF_NARROWER
} SdDiffDirection;

extern SdDiffDirection sd_diff_policy_direction(const SdDiffChange *change);

/*
 * sd_diff_text
 */

/* Text of a path: names joined by dots, quoted where a plain name is not enough. */
extern char *sd_diff_path_text(const SdDiffChange *change);
/* Expands a template of the rule table; see there for the placeholders. */
extern char *sd_diff_render(const SdDiffChange *change, const char *template);
/* Path below the facet, or below the member when there is one; "" for the whole. */
extern char *sd_diff_attribute(const SdDiffChange *change);

/* What a change of a column's type does to the values it holds. */
typedef enum SdDiffTypeChange
{
	SD_DIFF_TYPE_FREE,	  /* only the catalog changes */
	SD_DIFF_TYPE_REWRITE, /* every value is kept, the table is rewritten */
	SD_DIFF_TYPE_LOSSY	  /* some values of the old type have no place in the new one */
} SdDiffTypeChange;

extern SdDiffTypeChange sd_diff_type_change(const char *old_type, const char *new_type);

/*
 * sd_diff_json: small readers of jsonb
 */

/* Value under a key of an object; false when the container is no object or has no such key. */
extern bool sd_diff_get(JsonbContainer *container, const char *key, JsonbValue *value);
/* Text under a key, in the current context; NULL when there is none, or no string. */
extern char *sd_diff_get_string(JsonbContainer *container, const char *key);
/* Container under a path of keys, NULL when any is missing or no container. */
extern JsonbContainer *sd_diff_find(Jsonb *document, const char *first, const char *second);
/* These say false of a missing value, NULL. */
extern bool sd_diff_value_equal(const JsonbValue *a, const JsonbValue *b);
extern bool sd_diff_value_is_object(const JsonbValue *value);
extern bool sd_diff_value_is_array(const JsonbValue *value);
/* Text of a string value in the current context; NULL when it is no string. */
extern char *sd_diff_value_string(const JsonbValue *value);
extern char *sd_diff_jsonb_string(Jsonb *value);
extern Jsonb *sd_diff_string_jsonb(const char *text);

#endif
