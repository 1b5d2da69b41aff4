/*
 * sd_known.h
 *	  Relations of the catalog, kept from the first time that a script names
 *	  them, and the names that none has.
 *
 * It answers as the server's own look-ups do, and saves most of their time: a
 * script names the same tables again and again, and the names that it gives to
 * new ones are free.
 */
#ifndef SD_KNOWN_H
#define SD_KNOWN_H

typedef struct SdKnownRelation
{
	Oid oid;
	Oid namespace; /* InvalidOid for what an unqualified name means */
	const char *schema;
	const char *name;
	char relkind;
	char persistence;
	bool is_partition;
	const char *shown; /* qualified and quoted */
	int missed;		   /* columns that were looked for in vain */
	uint32 *columns;   /* hashes of the names of all, NULL when they were not read */
	int ncolumns;
} SdKnownRelation;

typedef struct SdKnown SdKnown;

/* sd_known_create makes an empty one in the current memory context. */
extern SdKnown *sd_known_create(void);

/*
 * sd_known_relation returns the relation of a name in a schema, or with
 * InvalidOid the one that the name alone means under the search_path; NULL when
 * there is none.
 */
extern SdKnownRelation *sd_known_relation(SdKnown *known, Oid namespace, const char *name);

/* sd_known_column tells whether the catalog has a column of a relation. */
extern bool sd_known_column(SdKnown *known, SdKnownRelation *relation, const char *name);

/* sd_known_schema returns the OID of a schema, or InvalidOid. */
extern Oid sd_known_schema(SdKnown *known, const char *name);

#endif
