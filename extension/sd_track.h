/*
 * sd_track.h
 *	  What an analysis remembers of the statements so far: the locks that the open
 *	  transaction holds, settings in force, and what was dropped or changed.
 *
 * sd_scope.h knows what names mean; this knows what happened to the objects of
 * the catalog.  Statements of a routine that is only made leave nothing here.
 */
#ifndef SD_TRACK_H
#define SD_TRACK_H

#include "catalog/objectaddress.h"

#include "sd_rules.h"

/* Settings that are followed through SET, RESET and the ends of transactions. */
typedef enum SdSetting
{
	SD_SETTING_LOCK_TIMEOUT,
	SD_SETTING_STATEMENT_TIMEOUT,
	SD_SETTING_IDLE_TIMEOUT,
	SD_SETTING_TRANSACTION_TIMEOUT,
	SD_SETTING_ROLE, /* OID; 0 when not known */
	SD_SETTING_COUNT
} SdSetting;

/* A time-out whose value cannot be told. */
#define SD_TIMEOUT_UNKNOWN (-1)

typedef struct SdSettingValues
{
	int64 callers; /* what RESET goes back to */
	int64 session; /* after COMMIT */
	int64 begin;   /* after ROLLBACK */
	int64 now;
	bool by_script; /* the script has set it */
	bool asked;		/* else all are 0: what the session's role has was not looked up yet */
} SdSettingValues;

/* What happened to a relation of the catalog in the open transaction. */
typedef struct SdHeld
{
	Oid relation;		/* a table for the lock of its index; the hash key */
	int transaction;	/* what follows is of this one, and nothing of the one before counts */
	LOCKMODE mode;		/* the strongest lock that stops its users */
	int statements;		/* ALTER TABLE */
	int reads;			/* statements of these that read or write all of it */
	bool counted;		/* its locks are counted */
	bool plan_reported; /* of the whole script: that prepared statements fail */
	bool nameless;		/* of the whole script: it has constraints whose names are not known */
} SdHeld;

/* A lock that the current statement takes. */
typedef struct SdLock
{
	Oid relation;
	LOCKMODE mode;
} SdLock;

/* What the findings of the current statement say about it. */
typedef struct SdNow
{
	List *locked;		  /* SdLock */
	Oid reads;			  /* relation that it reads or writes as a whole under a lock */
	Oid rewrites;		  /* relation that it copies */
	bool same_validation; /* reported as not-valid-validate-same-tx */
} SdNow;

typedef struct SdTrack
{
	SdSettingValues settings[SD_SETTING_COUNT];
	SdNow now;

	/* The open transaction. */
	struct HTAB *tables;	 /* SdHeld, of every transaction; NULL before the first */
	SdHeld *last_table;		 /* that was asked for */
	int transaction;		 /* its number */
	List *held;				 /* SdHeld with a lock */
	int tables_closed;		 /* tables among them that nobody else can read */
	struct HTAB *new_labels; /* of enums, by text: see sd_rules_enum.c; NULL for none */
	int savepoints;
	int64 locks;		 /* relations that its statements lock, as far as counted */
	bool after_reported; /* that a table is read under an earlier lock */
	bool many_reported;	 /* that several tables are locked */
	bool idle_reported;	 /* that an idle transaction is not ended */
	bool locks_reported; /* that the lock table may be too small */
	double held_seconds; /* for which its locks are held, by a guess */
	int long_statements; /* that it is added up of */
	bool budget_reported;
	bool savepoints_reported;

	/* The whole script. */
	struct HTAB *dropped;	   /* ObjectAddress: gone, with all that belongs to them */
	struct HTAB *changed;	   /* ObjectAddress: views, routines and columns made anew */
	List *required_columns;	   /* SdRequired: added NOT NULL with a default */
	List *inserted;			   /* OIDs of tables whose INSERTs were judged */
	struct HTAB *insert_names; /* names of tables whose INSERTs were judged */
	struct HTAB *cleared;	   /* names that DROP IF EXISTS has made free */
	List *with_policy;		   /* OIDs of tables that got a permissive policy */
	List *refreshed;		   /* OIDs of materialized views that were filled */
	List *made_unique;		   /* OIDs of materialized views that got a unique index */
	int labels;				   /* labels that it adds to enums */
	bool lock_timeout_reported;
	bool statement_timeout_reported;
	bool application_name_set;
	bool application_name_reported;
	/* Of logical replication: 0 not looked yet, 1 none, 2 there are some. */
	int publications;
	int subscriptions;
	struct SdAhead *ahead;
	struct SdBodies *bodies;
} SdTrack;

/* A label that the open transaction added to an enum. */
typedef struct SdNewLabel
{
	int number; /* of all that the script adds */
	const char *label;
	const char *type; /* its last name */
	Oid oid;		  /* invalid when the script made the type */
} SdNewLabel;

/* A column that the script added NOT NULL and with a default. */
typedef struct SdRequired
{
	Oid relation;
	const char *column;
} SdRequired;

extern SdTrack *sd_track_create(void);

/* sd_track_finding follows what a finding says of locks and reads. */
extern void sd_track_finding(SdAnalysis *analysis, const SdFinding *finding);

/* sd_track_table returns what is known of a relation in the open transaction; it is made if need be. */
extern SdHeld *sd_track_table(SdAnalysis *analysis, Oid relation);

/* sd_track_hold adds what the current statement locked to what the transaction holds. */
extern void sd_track_hold(SdAnalysis *analysis);

/* sd_track_follows tells whether a setting is one that is followed. */
extern bool sd_track_follows(const char *name);

/* sd_track_setting_values returns the values of a setting where the statement stands. */
extern const SdSettingValues *sd_track_setting_values(SdAnalysis *analysis, SdSetting setting);

/* sd_track_setting follows SET; value NULL is RESET. */
extern void sd_track_setting(SdAnalysis *analysis, const char *name, const char *value, bool local);

/* sd_track_begin and sd_track_end follow the bounds of transactions. */
extern void sd_track_begin(SdAnalysis *analysis);
extern void sd_track_end(SdAnalysis *analysis, bool committed);

/* sd_track_statement follows a statement after it was judged. */
extern void sd_track_statement(SdAnalysis *analysis, Node *statement);

/* sd_track_parse_timeout reads milliseconds; SD_TIMEOUT_UNKNOWN when the server would refuse it. */
extern int64 sd_track_parse_timeout(const char *value);

/* sd_track_was_dropped and sd_track_was_changed ask about objects, columns by objectSubId. */
extern bool sd_track_was_dropped(SdAnalysis *analysis, const ObjectAddress *object);
extern bool sd_track_was_changed(SdAnalysis *analysis, const ObjectAddress *object);

/* sd_track_first_insert tells whether a table's name is seen for the first time. */
extern bool sd_track_first_insert(SdAnalysis *analysis, const char *name);

/* sd_track_cleared tells whether DROP IF EXISTS has made sure that a name is free. */
extern bool sd_track_cleared(SdAnalysis *analysis, const char *name);

#endif
