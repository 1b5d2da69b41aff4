/*
 * sd_effect_ask.h
 *	  The effects of the statement that is looked at, for the findings about it.
 *
 * analyze() says of locks, rewrites and full reads what predict() says, because it
 * asks the same engine.  A statement is predicted when the first finding about a
 * relation asks; most statements of a large script are never asked about.
 */
#ifndef SD_EFFECT_ASK_H
#define SD_EFFECT_ASK_H

#include "sd_effect.h"

/* What sd_ask_begin puts aside: the statement around the one that begins. */
typedef struct SdAsk
{
	Node *statement;
	bool asked;
	List *list;
	struct HTAB *known;
} SdAsk;

/* Around the checks of a statement; both know whether effects are asked for instead. */
extern SdAsk sd_ask_begin(SdAnalysis *analysis, Node *statement);
extern void sd_ask_end(SdAnalysis *analysis, const SdAsk *outer);

/* sd_ask_for_finding puts into a finding what the statement does to its relation. */
extern void sd_ask_for_finding(SdAnalysis *analysis, SdFinding *finding);

/*
 * sd_ask_strongest_lock returns the strongest lock on a relation that is not temporary,
 * with its relation and what that is called now; NoLock when none is stronger than "above".
 */
extern LOCKMODE sd_ask_strongest_lock(SdAnalysis *analysis, LOCKMODE above, SdRelation *relation,
									  const char **shown);

/* sd_ask_untied tells whether the script ended what the catalog says of an object and what it depends on. */
extern bool sd_ask_untied(SdAnalysis *analysis, const ObjectAddress *object,
						  const ObjectAddress *referenced);

/* sd_ask_owned lists what a role owns at this point of the script (ObjectAddress). */
extern List *sd_ask_owned(SdAnalysis *analysis, Oid role);

#endif
