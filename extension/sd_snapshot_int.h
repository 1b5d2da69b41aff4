/*
 * sd_snapshot_int.h
 *	  What the files of the catalog walk share.
 *
 * The walk reads each catalog once, in physical order, into the structures
 * below, which refer to each other by pointers and OID hash tables, and then
 * makes one document after the other.  All of it lives in "cxt" and dies with
 * the walk.
 */
#ifndef SD_SNAPSHOT_INT_H
#define SD_SNAPSHOT_INT_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/hsearch.h"
#include "utils/snapshot.h"

#include "sd_snapshot.h"

typedef struct SdColumn
{
	const char *name; /* NULL for a dropped column */
	Oid type;
	int32 typmod;
	Oid collation;
	int32 statistics; /* -1 for the default */
	int16 inhcount;
	bool not_null;
	bool is_local;
	char identity;
	char generated;
	char storage;
	char compression;
	const char *expr; /* default or generation expression */
	Acl *acl;
	ArrayType *options;
	ArrayType *fdw_options;
	struct SdSequence *sequence; /* of an identity column */
} SdColumn;

typedef struct SdIndex
{
	struct SdIndex *next;
	struct SdRel *rel; /* its own row of pg_class */
	struct SdRel *table;
	const char *name_of_constraint; /* NULL for an index of its own right */
	const char *definition;
	const char *include;   /* " INCLUDE (…)" or "" */
	const char *predicate; /* " WHERE (…)" or "" */
	const char **keys;	   /* only of an exclusion constraint */
	int nkeys;
	bool unique;
	bool nulls_not_distinct;
	bool valid;
	bool ready;
	bool clustered;
	bool replica_identity;
} SdIndex;

typedef struct SdConstraint
{
	Oid oid; /* hash key */
	struct SdConstraint *next;
	Oid parent;
	Oid relid;
	const char *name;
	const char *definition;
	SdIndex *index; /* of a key or an exclusion */
	Oid references;
	char type;
	char triggers_enabled; /* of an internal trigger, when not 'O' */
	bool deferrable;
	bool deferred;
	bool validated;
	bool enforced;
	bool no_inherit;
	bool inherited;
	bool local;
} SdConstraint;

typedef struct SdTrigger
{
	struct SdTrigger *next;
	Oid oid;
	const char *name;
	const char *definition;
	char enabled;
	bool constraint;
	bool deferrable;
	bool deferred;
	bool inherited;
} SdTrigger;

typedef struct SdPolicy
{
	struct SdPolicy *next;
	Oid oid;
	const char *name;
	const char *using;
	const char *with_check;
	Oid *roles;
	int nroles;
	char command;
	bool permissive;
} SdPolicy;

typedef struct SdRule
{
	struct SdRule *next;
	Oid oid;
	const char *name;
	const char *definition;
	char enabled;
} SdRule;

typedef struct SdSequence
{
	struct SdRel *rel;
	Oid type;
	int64 start;
	int64 increment;
	int64 min;
	int64 max;
	int64 cache;
	bool cycle;
	bool identity;
	const char *owned_by;
} SdSequence;

typedef struct SdRel
{
	Oid oid;
	Oid schema;
	Oid owner;
	Oid am;
	Oid tablespace;
	Oid filenode;
	Oid type;
	Oid of_type;
	Oid toast;
	const char *name;
	const char *qname; /* quoted and qualified */
	Acl *acl;
	ArrayType *options;
	const char *bound;
	const char *partition_key;
	const char *view; /* text of the query of a view */
	const char *server;
	ArrayType *fdw_options;
	SdColumn *columns; /* [1..natts] */
	SdIndex *index;	   /* of a relation that is an index */
	SdIndex *indexes;
	SdConstraint *constraints;
	SdTrigger *triggers;
	SdPolicy *policies;
	SdRule *rules;
	SdSequence *sequence;
	struct SdParent *parents;
	float4 reltuples;
	int16 natts;
	char kind;
	char persistence;
	char replica_identity;
	bool member; /* of an extension: known by name only, gets no document */
	bool partition;
	bool detach_pending;
	bool row_security;
	bool force_row_security;
	bool populated;
	SdUnread *unread; /* why it gets no definition, or NULL */
	bool commented;	  /* itself or a column of it */
} SdRel;

typedef struct SdDomain
{
	Oid oid; /* hash key */
	SdConstraint *constraints;
	SdUnread *unread;
} SdDomain;

typedef struct SdParent
{
	struct SdParent *next;
	int32 seqno;
	Oid oid;
} SdParent;

typedef struct SdSnap
{
	MemoryContext cxt;
	MemoryContext doc_cxt; /* of the document that is being built */
	MemoryContext row_cxt; /* for one row of a catalog, where that is worth while */
	MemoryContext tmp_cxt; /* for one expression */
	char *block;		   /* of sd_alloc0 */
	Size block_left;
	Snapshot snapshot;
	uint64 versions; /* sum over the versions of all rows of interest */
	SdSink *sink;
	SdSha256 *sha;
	StringInfoData scratch;
	SdEntries *entries;
	MemoryContext entries_cxt;

	HTAB *schemas;				  /* SdSchema by OID */
	struct SdSchema *last_schema; /* that was looked up */
	struct relmap_hash *rels;	  /* SdRel by OID */
	struct SdRel **last_rels;	  /* the part of them that was looked up last */
	Oid last_page;
	HTAB *names;						 /* memo of names, see sd_snapshot_names.c */
	struct NameEntry *recent_names[256]; /* of them */
	HTAB *comments;						 /* by class, object, sub-object */
	HTAB *members;						 /* of extensions: class and object */
	HTAB *exprs;						 /* memo of deparsed expressions by node text */
	HTAB *constraints;					 /* SdConstraint by OID */
	HTAB *domains;						 /* SdDomain by type OID */
	List *rel_order;					 /* SdRel that get a document */
	List *routines;						 /* copied rows of pg_proc */
	struct TypeState *types;
	struct Environment *environment;
	struct SdPrivileges *privileges;
	HTAB *labels;			   /* NULL while there is none */
	struct SdDepends *depends; /* NULL when nobody asks for physical things */
	List *family_members;	   /* of operator families, see sd_snapshot_other.c */
	List *ts_mappings;		   /* of text search configurations, likewise */
	List *publication_tables;
	List *publication_schemas;
	Oid last_oid; /* of the last row of pg_attribute, and its relation */
	SdRel *last_rel;

	SdRel *deparse_rel; /* whose context deparse_context is */
	List *deparse_context;
	MemoryContext deparse_cxt;

	const char *detach_prefix; /* of made-up names, see sd_snapshot_detach.c */
	List *detached;			   /* what they stand for in the text at hand */
	SdUnread *unread;		   /* note that nobody has taken yet */
	List *locked;			   /* SdUnread of each relation that was found locked */
	SdKey subject;			   /* whose document the row or document at hand is (part of) */
	struct SdUses *uses;	 /* what documents use, see sd_snapshot_uses.c; NULL when nobody asks */
	struct SdSubset *subset; /* objects to read; NULL for all of them */
} SdSnap;

/*
 * sd_snapshot_scan.c: one pass over a catalog, in the long-lived context: over all
 * of its rows or, when the walk reads a subset, over those of the subset.  The
 * function returns whether the row is of interest.
 */
typedef bool (*SdTupleFn)(SdSnap *snap, HeapTuple tuple, TupleDesc desc);
extern void sd_scan(SdSnap *snap, Oid catalog, SdTupleFn fn);
/* The same over all rows even then. */
extern void sd_scan_all(SdSnap *snap, Oid catalog, SdTupleFn fn);
/* Rows that an index finds by the values of its first columns, each an OID. */
extern void sd_scan_index(SdSnap *snap, Oid catalog, Oid index, int nkeys, const AttrNumber *attnums,
						  const Oid *values, void (*fn)(HeapTuple tuple, void *arg), void *arg);
/* The text of a buffer in a chunk of its own size; a buffer starts at a kilobyte. */
extern const char *sd_trim(StringInfo buf);
extern TupleDesc sd_catalog_desc(SdSnap *snap, Oid catalog);
extern SdDoc *sd_doc_begin(SdSnap *snap, const char *kind, const char *identity);
extern SdDoc *sd_doc_begin_environment(SdSnap *snap, const char *kind, const char *identity);
extern void sd_doc_emit(SdSnap *snap, SdDoc *doc);
extern HTAB *sd_hash(SdSnap *snap, const char *name, Size keysize, Size entrysize);

/* Says whose document is made next; sd_doc_emit ends that. */
extern void sd_subject(SdSnap *snap, Oid classid, Oid oid);

/*
 * sd_snapshot_uses.c: notes that the document of the subject says something that
 * it has from another object, so that it is made again when that one changes.
 * The functions of sd_snapshot_names.c and the deparsers see to it themselves;
 * whoever looks elsewhere has to say so.  Roles, schemas and other objects whose
 * catalogs sd_snapshot_catalogs.c does not list need no note.
 */
extern void sd_use(SdSnap *snap, Oid used);
extern void sd_use_by(SdSnap *snap, Oid classid, Oid oid, Oid used);
extern void sd_use_name(SdSnap *snap, Oid used, Oid classid, Oid oid, int32 sub, uint64 hash);
extern uint64 sd_name_hash(const char *name);
/* All objects that a stored expression names. */
extern void sd_use_node(SdSnap *snap, const char *node);
extern const Oid *sd_node_oids(SdSnap *snap, const char *node, int *count);
extern void sd_use_all(SdSnap *snap, const Oid *oids, int count);

/*
 * Zeroed memory and a copy of a text that live as long as the walk, packed without
 * a header for each: what there is many of, and what cannot be freed on its own.
 */
extern void *sd_alloc0(SdSnap *snap, Size size);
extern const char *sd_copy_text(SdSnap *snap, const char *text);

/* Attribute of a catalog row; NULL or a copy in the current context. */
extern char *sd_attr_text(HeapTuple tuple, TupleDesc desc, int attnum);
extern ArrayType *sd_attr_array(HeapTuple tuple, TupleDesc desc, int attnum);
extern Datum sd_attr(HeapTuple tuple, TupleDesc desc, int attnum, bool *isnull);

/* sd_snapshot_members.c */
extern void sd_load_members(SdSnap *snap);
/* Of an extension. */
extern bool sd_is_member(SdSnap *snap, Oid classid, Oid oid);
/* Made along with another object, as the cast of a range type. */
extern bool sd_is_internal(SdSnap *snap, Oid classid, Oid oid);

/* sd_snapshot_comments.c */
extern void sd_load_comments(SdSnap *snap);
extern void sd_load_shared_comments(SdSnap *snap);
/* NULL when there is none. */
extern const char *sd_comment(SdSnap *snap, Oid classid, Oid oid, int32 sub);
/* Puts it under its name into the comments of a document, or into a group of them. */
extern void sd_doc_comment(SdSnap *snap, SdDoc *doc, const char *group, const char *name,
						   Oid classid, Oid oid, int32 sub);

/*
 * sd_snapshot_names.c: names, quoted and qualified.  They live as long as the walk, but
 * for those of the first functions, which are in the current context.
 */
/* "a.b", or with another character between them. */
extern const char *sd_join(const char *a, char between, const char *b);
/* With its schema in any case. */
extern const char *sd_qualified(SdSnap *snap, Oid schema, const char *name);
/* The same of an object whose catalog the server knows by key, name and schema. */
extern const char *sd_catalog_name(SdSnap *snap, Oid classid, Oid oid);
extern void sd_load_schemas(SdSnap *snap);
extern bool sd_schema_kept(SdSnap *snap, Oid schema);
/* Of the server, with privileges that a dump keeps, unlike those in information_schema. */
extern bool sd_schema_of_server(SdSnap *snap, Oid schema);
extern const char *sd_schema_name(SdSnap *snap, Oid oid);
extern const char *sd_role_name(SdSnap *snap, Oid oid);
extern const char *sd_type_name(SdSnap *snap, Oid oid, int32 typmod);
extern char sd_type_storage(SdSnap *snap, Oid oid);
extern Oid sd_type_collation(SdSnap *snap, Oid oid);
extern const char *sd_proc_name(SdSnap *snap, Oid oid);
/* With the types of the arguments, where a name alone may mean several functions. */
extern const char *sd_proc_identity(SdSnap *snap, Oid oid);
extern const char *sd_routine_identity(SdSnap *snap, Form_pg_proc form);
extern const char *sd_collation_name(SdSnap *snap, Oid oid);
extern const char *sd_opclass_name(SdSnap *snap, Oid oid);
extern const char *sd_operator_name(SdSnap *snap, Oid oid);
extern const char *sd_am_name(SdSnap *snap, Oid oid);
extern const char *sd_tablespace_name(SdSnap *snap, Oid oid);
extern const char *sd_language_name(SdSnap *snap, Oid oid);
extern const char *sd_rel_name(SdSnap *snap, Oid oid);
extern const char *sd_column_name(SdSnap *snap, Oid relid, int attnum);
extern bool sd_opclass_is_default(SdSnap *snap, Oid opclass, Oid type);

/* sd_snapshot_acl.c: NULL when the list is the built-in default of the owner */
extern SdNode *sd_acl_node(SdSnap *snap, Acl *acl, ObjectType objtype, Oid owner);
extern const char *sd_grantee_name(SdSnap *snap, Oid grantee);
extern SdNode *sd_acl_all_node(SdSnap *snap, Acl *acl);
extern bool sd_acl_equal(Acl *a, Acl *b);

/*
 * sd_snapshot_privileges.c: whoever passes over an object of the server or a member of an
 * extension shows its row here.  The function tells the identity in the rare case that it
 * is needed.
 */
typedef const char *(*SdIdentityFn)(SdSnap *snap, HeapTuple tuple);
extern void sd_load_privileges(SdSnap *snap);
extern void sd_emit_privileges(SdSnap *snap);
extern void sd_note_privileges(SdSnap *snap, HeapTuple tuple, TupleDesc desc, int attnum, Oid classid,
							   Oid oid, ObjectType objtype, Oid owner, SdIdentityFn identity);
extern void sd_note_column_privileges(SdSnap *snap, HeapTuple tuple, TupleDesc desc);

/* sd_snapshot_labels.c: NULL when the object has none */
extern void sd_load_labels(SdSnap *snap);
extern void sd_load_shared_labels(SdSnap *snap);
extern SdNode *sd_labels_node(SdSnap *snap, Oid classid, Oid oid, int32 sub);

/* sd_snapshot_canon.c: node of its text in canonical form, canonical form of a text */
extern Node *sd_read_node(SdSnap *snap, const char *text);
extern const char *sd_canonical_query_text(const char *text);

/* sd_snapshot_detach.c: relations that the deparser opens all the same; the names put back */
extern void sd_detach_init(SdSnap *snap);
extern List *sd_detach(SdSnap *snap, Node *tree, SdRel *view, bool foreign);
extern const char *sd_attach(SdSnap *snap, const char *text);

/*
 * sd_snapshot_unread.c: what a lock of another session kept from being read.  A
 * deparser notes it in the walk and returns a text that stands for nothing; who
 * made it deparse takes the note for the object that will have no definition.
 */
#define SD_UNREAD_TEXT "(unread)"
extern void sd_note_unread(SdSnap *snap, Oid relid);
extern void sd_take_unread(SdSnap *snap, SdUnread **object);
extern void sd_explain_locked_catalog(ErrorData *error);
extern void sd_doc_unread(SdSnap *snap, SdDoc *doc, const SdUnread *cause);

/* sd_snapshot_deparse.c */
extern void sd_deparse_init(SdSnap *snap);
extern const char *sd_deparse_plain(SdSnap *snap, Node *node);
extern const char *sd_deparse_free(SdSnap *snap, const char *node);
extern const char *sd_deparse_column(SdSnap *snap, SdRel *rel, const char *node);
extern const char *sd_deparse_node(SdSnap *snap, SdRel *rel, Node *node);
extern const char *sd_deparse_when(SdSnap *snap, SdRel *rel, const char *node);
extern const char *sd_deparse_view(SdSnap *snap, SdRel *rel, const char *node);
extern const char *sd_deparse_rule(SdSnap *snap, SdRel *rel, Form_pg_rewrite rule, const char *qual,
								   const char *action);
extern const char *sd_deparse_body(SdSnap *snap, Oid proc, const char *node);
extern SdRel *sd_rel(SdSnap *snap, Oid oid);

/* text[] of name=value as a map, without pg_attver; NULL when empty */
extern SdNode *sd_options_node(SdSnap *snap, ArrayType *options);

/* One file a kind of objects: "load" fills the structures, "emit" makes documents. */
extern void sd_load_relations(SdSnap *snap);
extern void sd_load_columns(SdSnap *snap);
extern void sd_load_indexes(SdSnap *snap);
extern void sd_load_constraints(SdSnap *snap);
extern void sd_load_triggers(SdSnap *snap);
extern void sd_load_rules(SdSnap *snap);
extern void sd_load_sequences(SdSnap *snap);
extern void sd_emit_relations(SdSnap *snap);
extern void sd_emit_types(SdSnap *snap);
extern void sd_emit_routines(SdSnap *snap);
extern void sd_emit_schemas(SdSnap *snap);
extern void sd_emit_data(SdSnap *snap);
extern void sd_emit_other(SdSnap *snap);
extern void sd_emit_misc(SdSnap *snap);
extern void sd_emit_search(SdSnap *snap);
extern void sd_emit_environment(SdSnap *snap);

/* Parts of the document of a relation. */
extern void sd_doc_columns(SdSnap *snap, SdRel *rel, SdDoc *doc);
extern void sd_doc_indexes(SdSnap *snap, SdRel *rel, SdDoc *doc);
extern void sd_doc_constraints(SdSnap *snap, SdRel *rel, SdDoc *doc);
extern void sd_doc_triggers(SdSnap *snap, SdRel *rel, SdDoc *doc);
extern void sd_doc_rules(SdSnap *snap, SdRel *rel, SdDoc *doc);
extern SdNode *sd_constraint_node(SdSnap *snap, SdConstraint *con);
extern void sd_put_sequence(SdSnap *snap, SdNode *map, SdSequence *seq);

/* Texts in byte order, for lists whose order means nothing. */
extern SdNode *sd_sorted_list(Datum *texts, int count);

/*
 * sd_snapshot_reference.c: "kind identity" of an object, in the current context; NULL when
 * it has no document.
 */
extern const char *sd_object_reference(SdSnap *snap, Oid classid, Oid oid);

/* sd_snapshot_depends.c: what documents refer to, for phys */
typedef struct SdDepends SdDepends;
extern void sd_load_depends(SdSnap *snap);
extern void sd_doc_depends(SdSnap *snap, SdDoc *doc, Oid classid, Oid oid);

/* Owner and comment of an object as a whole; the security map when there is an ACL. */
extern void sd_doc_common(SdSnap *snap, SdDoc *doc, Oid classid, Oid oid, Oid owner,
						  ObjectType objtype, Acl *acl);
extern void sd_doc_phys_oid(SdSnap *snap, SdDoc *doc, Oid oid);
extern const char *sd_enabled_name(char enabled);
/* Name of a function, if there is one. */
extern void sd_put_proc(SdSnap *snap, SdNode *map, const char *key, Oid proc);

#endif
