/*
 * sd_severity.c
 *	  Severity by the facts.
 *
 * What raises may be likely; what lowers has to be certain in the database that is
 * meant: a size that is not known is never small, and a table that is busy is never
 * harmless, however small it is.
 */
#include "postgres.h"

#include "sd_context.h"
#include "sd_guc.h"
#include "sd_severity.h"

/* A table of so many bytes at most is read or copied in no time. */
#define SMALL_BYTES (8 * BLCKSZ)

/* Users of a table that come more rarely, a second, will hardly meet a short lock. */
#define IDLE_PER_SECOND 1.0

/* What is judged. */
typedef struct Weighed
{
	SdAnalysis *analysis;
	const SdFinding *finding;
	bool stops; /* it is about time, and its lock stops others from writing or from everything */
	bool lasts; /* it reads or writes all of the table meanwhile, as far as is known */
	bool waits; /* its harm is the time for which others wait, and nothing else */
} Weighed;

static bool
is_hot(const Weighed *w)
{
	return OidIsValid(w->finding->about) &&
		   sd_context_is_hot(w->analysis, sd_context_of(w->analysis, w->finding->about));
}

/* is_use_known tells whether there is a table whose use is known. */
static bool
is_use_known(const Weighed *w)
{
	return OidIsValid(w->finding->about) && sd_usage_limit(w->analysis)->known;
}

bool
sd_is_large(SdSize size)
{
	return sd_guc_large_table > 0 && size.bytes / 1024 >= sd_guc_large_table;
}

static bool
lasts_on_large(const Weighed *w)
{
	return w->stops && w->lasts && sd_is_large(w->finding->size);
}

static bool
lasts_on_hot(const Weighed *w)
{
	return w->stops && w->lasts && w->finding->size.bytes != 0 && is_hot(w);
}

static bool
is_short_on_hot(const Weighed *w)
{
	return w->stops && !w->lasts && is_hot(w);
}

static bool
is_empty(const Weighed *w)
{
	return w->waits && w->finding->size.bytes == 0 && !is_hot(w);
}

static bool
lasts_on_small(const Weighed *w)
{
	return w->waits && w->lasts && w->finding->size.bytes > 0 &&
		   w->finding->size.bytes <= SMALL_BYTES && is_use_known(w) && !is_hot(w);
}

static bool
is_short_on_idle(const Weighed *w)
{
	return w->waits && !w->lasts && w->finding->size.bytes >= 0 &&
		   w->finding->size.bytes <= SMALL_BYTES && is_use_known(w) &&
		   !sd_context_may_reach(w->analysis, sd_context_of(w->analysis, w->finding->about),
								 IDLE_PER_SECOND);
}

/* The first one that holds decides. */
static const struct
{
	bool (*holds)(const Weighed *);
	int by;
	SdSeverity limit; /* no further than that */
	const char *because;
} steps[] = {
	{ lasts_on_large, 1, SD_ERROR, "it is large" },
	{ lasts_on_hot, 1, SD_ERROR, "it is in constant use" },
	{ is_short_on_hot, 1, SD_WARNING, "it is in constant use" },
	{ is_empty, -1, SD_NOTICE, "it is empty" },
	{ lasts_on_small, -1, SD_NOTICE, "it is small" },
	{ is_short_on_idle, -1, SD_NOTICE, "it is small and hardly used" },
};

/* is_about_time tells whether findings of a rule are about how long others wait. */
static bool
is_about_time(SdRuleId rule)
{
	switch (sd_rules[rule].family)
	{
		case SD_FAMILY_REWRITE:
		case SD_FAMILY_SCAN:
		case SD_FAMILY_LOCK:
		case SD_FAMILY_PARTITION:
		case SD_FAMILY_TIMEOUT:
			return true;
		default:
			return false;
	}
}

/* weigh collects what the steps look at. */
static Weighed
weigh(SdAnalysis *analysis, const SdFinding *finding)
{
	SdFamily family = sd_rules[finding->rule].family;
	Weighed w = { .analysis = analysis, .finding = finding };

	w.stops = finding->lock >= ShareLock && (finding->only_time || is_about_time(finding->rule));
	/* what is not known may be */
	w.lasts = finding->rewrites != SD_NO || finding->scans != SD_NO;
	w.waits = finding->only_time ||
			  (family == SD_FAMILY_LOCK && w.stops && finding->data_loss == SD_LOSS_NONE);
	return w;
}

/* reason_of says why; what raises comes with all that is known. */
static const char *
reason_of(SdAnalysis *analysis, const SdFinding *finding, int by, const char *because)
{
	if (by < 0)
		return psprintf("This weighs less than usual, because %s.", because);
	return psprintf("This weighs more than usual, because %s: %s.", because,
					OidIsValid(finding->about) ?
						sd_context_facts(analysis, sd_context_of(analysis, finding->about)) :
						sd_size_text(finding->size));
}

void
sd_severity_by_facts(SdAnalysis *analysis, SdFinding *finding)
{
	Weighed w = weigh(analysis, finding);
	SdSeverity usual = finding->severity;

	if (!w.stops && !w.waits)
		return;
	for (int i = 0; i < lengthof(steps); i++)
	{
		if (!steps[i].holds(&w))
			continue;
		if (steps[i].by > 0 && usual < steps[i].limit)
			finding->severity = usual + steps[i].by;
		else if (steps[i].by < 0 && usual > steps[i].limit)
			finding->severity = usual + steps[i].by;
		if (finding->severity != usual)
		{
			const char *reason = reason_of(analysis, finding, steps[i].by, steps[i].because);

			finding->detail =
				finding->detail == NULL ? reason : psprintf("%s %s", finding->detail, reason);
		}
		return;
	}
}
