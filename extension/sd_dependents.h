/*
 * sd_dependents.h
 *	  What DROP takes along, and what stands in its way.
 *
 * The catalog's dependencies are followed the way the server follows them, with
 * no lock but those on pg_depend and the like.
 */
#ifndef SD_DEPENDENTS_H
#define SD_DEPENDENTS_H

#include "access/genam.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_depend.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

struct SdAnalysis;

typedef struct SdDependents
{
	List *taken;	/* ObjectAddress: goes without being asked for, the targets included */
	List *blockers; /* ObjectAddress: stays unless CASCADE takes it */
} SdDependents;

/*
 * sd_dependents follows the dependencies of targets (ObjectAddress), but for those that
 * the script of the analysis has ended.  With "cascade" what would be a blocker is taken,
 * with all that depends on it.
 */
extern SdDependents sd_dependents(struct SdAnalysis *analysis, List *targets, bool cascade);

/* sd_dependents_hosts lists what an object belongs to: the column of a default, the view of a rule. */
extern List *sd_dependents_hosts(const ObjectAddress *object);

/* sd_dependents_required_by lists what refuses to lose an object: its extension, or what it is a part of. */
extern List *sd_dependents_required_by(const ObjectAddress *object);

/*
 * sd_dependents_begin scans pg_depend, which is open, for what depends on an object
 * and on parts of it, or with a column on that alone.
 */
extern SysScanDesc sd_dependents_begin(Relation depends, Oid class, Oid object, int32 column);

/* sd_each_dependent hands out every dependency on an object and on parts of it. */
extern void sd_each_dependent(Oid class, Oid object, void (*take)(Form_pg_depend form, void *arg),
							  void *arg);

/* sd_dependents_uses lists what an object needs; sd_dependents_users what directly needs it. */
extern List *sd_dependents_uses(const ObjectAddress *object);
extern List *sd_dependents_users(const ObjectAddress *object);

/* sd_dependents_owned lists what a role owns in this database. */
extern List *sd_dependents_owned(Oid role);

/* sd_make_address makes an ObjectAddress in the current memory context. */
extern ObjectAddress *sd_make_address(Oid class, Oid object, int32 sub);

/* sd_address_in tells whether a list of ObjectAddress has an object, or the whole that it is a part of. */
extern bool sd_address_in(List *list, const ObjectAddress *object);

#endif
