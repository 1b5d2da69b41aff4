/*
 * sd_entries.h
 *	  What a script has made, dropped and renamed so far, as it is stored.
 *
 * For sd_scope.c and sd_entries.c alone; everybody else uses sd_scope.h.
 */
#ifndef SD_ENTRIES_H
#define SD_ENTRIES_H

#include "sd_known.h"
#include "sd_scope.h"

#define SD_TEMP_SCHEMA "pg_temp"

typedef enum SdEntryKind
{
	SD_ENTRY_RELATION,
	SD_ENTRY_COLUMN,
	SD_ENTRY_CONSTRAINT,
	SD_ENTRY_SCHEMA,
	SD_ENTRY_TYPE,
	SD_ENTRY_ROUTINE,
	SD_ENTRY_SAVEPOINT,
	SD_ENTRY_KINDS,
	SD_ENTRY_PARTS = SD_ENTRY_KINDS /* + COLUMN or CONSTRAINT: a slot for all of a table */
} SdEntryKind;

/* What an entry is for; a name that does not matter is "". */
typedef struct SdEntryKey
{
	int kind;
	const char *schema;
	const char *name;
	const char *part; /* column or constraint */
} SdEntryKey;

typedef struct SdEntry
{
	SdEntryKey key;
	uint64 hash;	  /* of the key */
	int before;		  /* older entry of the same hash, or -1 */
	int sibling;	  /* column or constraint: older entry for one of the same table, or -1 */
	bool conditional; /* counts only when the catalog has no such name */
	SdPresence presence;
	char relkind;
	Oid oid;			  /* relation: the one of the catalog that has this name now */
	const char *old_name; /* column: name in the catalog */
	const char *not_null; /* constraint: the column it proves to be not null */
	bool valid;			  /* constraint */
	bool is_domain;		  /* type */
	bool dropped;		  /* relation or column: it was the catalog's, and DROP took it */
	SdRoutine *routine;	  /* routine */
} SdEntry;

/* A slot of the hash table: one for each hash that was ever added. */
typedef struct SdSlot
{
	uint64 hash;
	int newest; /* entry, or -1 when all were taken back */
	bool used;
} SdSlot;

/* One schema of the search_path. */
typedef struct SdPathMember
{
	const char *name;
	Oid oid;	  /* in the catalog, or InvalidOid */
	bool touched; /* there may be entries for relations in it */
} SdPathMember;

struct SdScope
{
	MemoryContext context;
	SdKnown *known; /* of the catalog */
	SdEntry *entries;
	int count;
	int allocated;
	bool has[SD_ENTRY_KINDS]; /* there were ever entries of a kind */
	int committed;			  /* entries before this one cannot be rolled back */
	int relations;			  /* number of entries of kind SD_ENTRY_RELATION and SD_ENTRY_SCHEMA */
	int schemas;			  /* number of entries of kind SD_ENTRY_SCHEMA */
	SdSlot *slots;			  /* open addressing; NULL before the first entry */
	int nslots;				  /* a power of 2 */
	int nused;
	const char *kept_schema; /* schema of the last entry: they repeat */
	char *path_text;		 /* search_path that "path" was made of */
	List *path;				 /* SdPathMember, implicit ones included */
	int implicit;			 /* how many of these the setting does not name */

	/*
	 * The names that were resolved last, a table and its index or two tables: a
	 * statement is judged by several rules.
	 */
	int nlast;
	int next_last;				/* the slot that is taken next */
	const char *last_schema[2]; /* as asked for */
	SdRelation last[2];
};

/* sd_entry_find returns the newest entry for a key, or NULL. */
extern SdEntry *sd_entry_find(SdScope *scope, SdEntryKind kind, const char *schema,
							  const char *name, const char *part);

/* sd_entry_add appends an entry; the pointer is good until the next one is added. */
extern SdEntry *sd_entry_add(SdScope *scope, SdEntryKind kind, const char *schema, const char *name,
							 const char *part, SdPresence presence, bool conditional);

/* sd_entry_part returns the newest entry for some column, or some constraint, of a table, or NULL. */
extern SdEntry *sd_entry_part(SdScope *scope, SdEntryKind kind, const SdRelation *relation);

/* sd_entry_next_part returns the one before it. */
extern SdEntry *sd_entry_next_part(SdScope *scope, const SdRelation *relation, const SdEntry *entry);

/* sd_entry_keep_name copies a name into the scope's memory. */
extern const char *sd_entry_keep_name(SdScope *scope, const char *name);

/* ---- of sd_scope.c, for sd_scope_change.c ---- */

/* sd_scope_search_path returns the schemas that are searched, in order. */
extern List *sd_scope_search_path(SdScope *scope);

/* sd_scope_part_entry finds the newest entry for a part, unless the table itself is newer. */
extern SdEntry *sd_scope_part_entry(SdScope *scope, SdEntryKind kind, const SdRelation *relation,
									const char *part);

/* sd_scope_type_in_schema is sd_scope_type for one schema. */
extern SdPresence sd_scope_type_in_schema(SdScope *scope, const char *schema, const char *name,
										  Oid *oid);

#endif
