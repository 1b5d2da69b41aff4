/*
 * sd_failpoint.c
 *	  The list of points, and what a test lets happen there.
 */
#include "postgres.h"

#include "sd_failpoint.h"

#ifdef SD_FAILPOINTS

#include <fcntl.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "sd_compat.h"

#define PAUSE_POLL_MS 5

static const char *const points[] = {
	"lock.taken",	   /* try_lock: both tags are held, no token yet */
	"lock.issued",	   /* try_lock: the token is drawn, not yet on record */
	"lock.written",	   /* try_lock: it is on record, not yet committed */
	"unlock.released", /* unlock: the lock is free, the session does not know yet */
	"break.ended",	   /* break_lock: the holder is gone, not yet on record */
	"ledger.locked",   /* an append holds the chain */
	"ledger.before",   /* an event is about to be inserted */
	"ledger.after",	   /* an event is inserted, not yet committed */
	"fence.commit",	   /* a fenced transaction is about to commit */
	"fence.held",	   /* its token is current and stays so until its end */
	"permit.written",  /* a permit is about to be stored */
	"permit.use",	   /* the use of a permit, or a refusal, is about to be stored */
	"trace.store",	   /* a record of the trace is about to be stored */
	"drift.record",	   /* DDL outside of a run is about to be recorded */
	"snapshot.walk",   /* an attempt to read the schema begins */
	"snapshot.object", /* an object of a stored snapshot is about to be written */
	"snapshot.header", /* all objects are written, the snapshot itself not */
};

bool sd_failpoint_is_set = false;

static char *setting = NULL;
static int seen = 0;

/* The point that is named, with its count behind a colon; NULL when there is none. */
static const char *
find_point(const char *text, int *nth)
{
	for (int i = 0; i < lengthof(points); i++)
	{
		size_t len = strlen(points[i]);

		if (strncmp(text, points[i], len) != 0 || (text[len] != '=' && text[len] != ':'))
			continue;
		*nth = text[len] == ':' ? atoi(text + len + 1) : 1;
		return points[i];
	}
	return NULL;
}

static bool
is_action(const char *action)
{
	return strcmp(action, "error") == 0 || strcmp(action, "fatal") == 0 ||
		   strncmp(action, "pause:", 6) == 0;
}

static bool
check(char **newval, void **extra, GucSource source)
{
	const char *equals = strchr(*newval, '=');
	char list[1024];
	int nth;

	if ((*newval)[0] == '\0' ||
		(equals != NULL && find_point(*newval, &nth) != NULL && nth > 0 && is_action(equals + 1)))
		return true;
	list[0] = '\0';
	for (int i = 0; i < lengthof(points); i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i == 0 ? "" : " ",
				 points[i]);
	GUC_check_errdetail("It must be NAME[:NTH]=ACTION.");
	GUC_check_errhint("%s", list);
	return false;
}

static void
assign(const char *newval, void *extra)
{
	sd_failpoint_is_set = newval != NULL && newval[0] != '\0';
	seen = 0;
}

void
sd_failpoint_init(void)
{
	DefineCustomStringVariable("safedeploy.failpoint", "Lets a point of the module fail.", NULL,
							   &setting, "", PGC_SUSET, GUC_NOT_IN_SAMPLE, check, assign, NULL);
}

static void
hold_up(const char *path)
{
	int fd = OpenTransientFile(path, O_WRONLY | O_CREAT);

	if (fd < 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not create file \"%s\": %m", path)));
	CloseTransientFile(fd);
	while (access(path, F_OK) == 0)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, PAUSE_POLL_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
sd_failpoint_reached(const char *name)
{
	int nth;
	const char *wanted = find_point(setting, &nth);
	const char *action = strchr(setting, '=') + 1;

	if (wanted == NULL || strcmp(wanted, name) != 0 || ++seen != nth)
		return;
	if (strncmp(action, "pause:", 6) == 0)
		hold_up(action + 6);
	else
		ereport(strcmp(action, "fatal") == 0 ? FATAL : ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("failpoint \"%s\"", name)));
}

#endif
