/*
 * lint_server.c
 *	  A PostgreSQL server of lint's own, for as long as it looks at migrations.
 */
#include "lint_server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "keeper.h"
#include "lint_server_files.h"
#include "log.h"
#include "pg_catalog_extension.h"
#include "pg_catalog_server.h"
#include "signals.h"

#define MG_SERVER_USER "postgres"
#define MG_START_MS	   60000
#define MG_STOP_MS	   10000
#define MG_RUN_MS	   600000
#define MG_POLL_MS	   5
#define MG_ROLES	   100 /* that a script may name before it is given up */

extern char **environ;

struct MgLintServer
{
	MgArena *arena;
	const char *bindir;
	MgLintPlaceOfServer place;
	const struct passwd *user; /* NULL: our own */
	pid_t pid;				   /* 0: not running */
	MgTarget target;
};

/* Our environment without what would lead the programs elsewhere. */
static MgStrings
own_environment(MgArena *arena)
{
	MgStrings list;

	mg_strings_init(&list, arena);
	for (char **entry = environ; *entry != NULL; entry++)
		if (strncmp(*entry, "PG", 2) != 0 && strncmp(*entry, "LC_", 3) != 0)
			mg_strings_add(&list, *entry);
	mg_strings_setenv(&list, "LC_ALL", "C");
	return list;
}

/* In the child: what the program may have, and that it ends with its parent. */
static void
become(const MgLintServer *server, char *const *argv, char *const *env, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);
	int log = open(server->place.log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);

	if (server->user != NULL &&
		(initgroups(server->user->pw_name, server->user->pw_gid) != 0 ||
		 setgid(server->user->pw_gid) != 0 || setuid(server->user->pw_uid) != 0))
		_exit(126);
	setpgid(0, 0);
	/* SIGQUIT ends the server at once, with all its processes */
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (getppid() != parent || null < 0 || log < 0 || chdir(server->place.directory) != 0)
		_exit(126);
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	/* held by every process of the server: the directory is in use as long as one lives */
	fcntl(server->place.lock, F_SETFD, 0);
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			signal(number, SIG_DFL);
	execve(argv[0], argv, env);
	_exit(127);
}

static bool
launch(MgLintServer *server, char *const *argv, pid_t *pid, MgError *err)
{
	MgStrings env = own_environment(server->arena);
	pid_t parent = getpid();

	*pid = fork();
	if (*pid < 0)
		return mg_err_set(err, MG_EXIT_INTERNAL, "could not start \"%s\": %s", argv[0],
						  strerror(errno));
	if (*pid == 0)
		become(server, argv, env.items, parent);
	return true;
}

/* A short rest, ended by a signal; false when one is pending. */
static bool
rest(MgError *err)
{
	struct pollfd fd = { .fd = mg_signals_fd(), .events = POLLIN };

	if (mg_signals_pending() == 0)
		poll(&fd, 1, MG_POLL_MS);
	if (mg_signals_pending() == 0)
		return true;
	return mg_err_set(err, MG_EXIT_INTERRUPTED, "interrupted by signal %d (%s)",
					  mg_signals_pending(), strsignal(mg_signals_pending()));
}

/* The last line of what the programs said. */
static bool
failed(MgLintServer *server, const char *what, MgError *err)
{
	MgError ignored;
	const char *text = NULL;
	size_t len = 0;
	size_t end;

	mg_err_set(err, MG_EXIT_UNAVAILABLE, "lint's own server %s", what);
	mg_err_init(&ignored, server->arena);
	mg_file_read(server->arena, server->place.log, &text, &len, &ignored);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	for (end = len; len > 0 && text[len - 1] != '\n'; len--)
		;
	if (end > len)
		mg_err_detail(err, "It said: %.*s", (int) (end - len), text + len);
	return mg_err_hint(err,
					   "Its programs are in %s; [lint] server_bindir names others, and "
					   "--database-url a server that runs already.",
					   server->bindir);
}

static bool
make_cluster(MgLintServer *server, MgError *err)
{
	char *argv[] = { mg_file_join(server->arena, server->bindir, "initdb"),
					 (char *) "--pgdata",
					 (char *) server->place.data,
					 (char *) "--username=" MG_SERVER_USER,
					 (char *) "--auth-local=trust",
					 (char *) "--auth-host=reject",
					 (char *) "--encoding=UTF8",
					 (char *) "--locale=C",
					 (char *) "--no-sync",
					 (char *) "--no-instructions",
					 NULL };
	long long until = mg_clock_ms() + MG_START_MS;
	pid_t pid;
	int status;

	if (!launch(server, argv, &pid, err))
		return false;
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (mg_clock_ms() > until || !rest(err))
		{
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return err->set ? false : failed(server, "could not be made in time", err);
		}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return failed(server, "could not be made", err);
}

/* The server says in this file that it takes connections. */
static bool
is_ready(const MgLintServer *server)
{
	MgError ignored;
	const char *text = NULL;
	size_t len;

	mg_err_init(&ignored, server->arena);
	return mg_file_read(server->arena,
						mg_file_join(server->arena, server->place.data, "postmaster.pid"), &text,
						&len, &ignored) &&
		   strstr(text, "\nready") != NULL;
}

static bool
start_server(MgLintServer *server, MgError *err)
{
	/* nothing of it has to outlive a crash */
	char *argv[] = { mg_file_join(server->arena, server->bindir, "postgres"),
					 (char *) "-D",
					 (char *) server->place.data,
					 (char *) "-k",
					 (char *) server->place.directory,
					 (char *) "-F",
					 (char *) "-clisten_addresses=",
					 (char *) "-cport=5432",
					 (char *) "-cunix_socket_permissions=0700",
					 (char *) "-cfull_page_writes=off",
					 (char *) "-csynchronous_commit=off",
					 (char *) "-cautovacuum=off",
					 (char *) "-ctrack_counts=off",
					 (char *) "-cmax_prepared_transactions=4",
					 (char *) "-clogging_collector=off",
					 (char *) "-cshared_buffers=32MB",
					 NULL };
	long long until = mg_clock_ms() + MG_START_MS;

	if (!launch(server, argv, &server->pid, err))
		return false;
	/* psql and others end with all that is left of them; not so the server */
	mg_spare_process(server->pid);
	while (!is_ready(server))
	{
		int status;

		if (waitpid(server->pid, &status, WNOHANG) != 0)
		{
			server->pid = 0;
			return failed(server, "did not start", err);
		}
		if (mg_clock_ms() > until)
			return failed(server, "did not start in time", err);
		if (!rest(err))
			return false;
	}
	return mg_target_parse(server->arena,
						   mg_printf(server->arena,
									 "host=%s port=5432 user=" MG_SERVER_USER " dbname=postgres "
									 "sslmode=disable gssencmode=disable "
									 "options='-c client_min_messages=warning "
									 "-c safedeploy.sizes_unknown=on'",
									 server->place.directory),
						   &server->target, err);
}

/* The user to run as: the server refuses root. */
static bool
choose_user(MgLintServer *server, const MgConfig *config, MgError *err)
{
	const char *name = mg_config_string(config, MG_SET_LINT_SERVER_USER);

	if (geteuid() != 0)
		return true;
	if (name == NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "root cannot run lint's own server");
		mg_err_detail(err, "PostgreSQL refuses to run as root.");
		return mg_err_hint(err, "Run lint as another user, name one by [lint] server_user, or name a "
								"database by --database-url.");
	}
	errno = 0;
	server->user = getpwnam(name);
	if (server->user != NULL && server->user->pw_uid != 0)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG,
			   server->user == NULL ? "there is no user \"%s\"" : "\"%s\" is root", name);
	return mg_err_hint(err, "It is named by %s.", mg_config_source(config, MG_SET_LINT_SERVER_USER));
}

bool
mg_lint_server_start(MgArena *arena, const MgConfig *config, MgLintServer **server, MgError *err)
{
	MgLintServer *made = mg_alloc(arena, sizeof *made);
	long long start = mg_clock_ms();

	*server = made;
	made->arena = arena;
	made->place.lock = -1;
	/* it must be stopped however this ends */
	mg_signals_catch();
	if (!choose_user(made, config, err) || !mg_lint_server_find(arena, config, &made->bindir, err))
		return false;
	mg_lint_server_clean(arena, made->user != NULL ? made->user->pw_uid : geteuid());
	if (!mg_lint_server_make_place(arena, made->user, &made->place, err) ||
		!make_cluster(made, err) || !start_server(made, err))
		return false;
	mg_log_verbose("lint's own server runs in %s, after %lld ms", made->place.directory,
				   mg_clock_ms() - start);
	return true;
}

void
mg_lint_server_stop(MgLintServer *server)
{
	long long until = mg_clock_ms() + MG_STOP_MS;
	struct timespec pause = { .tv_nsec = 2 * 1000 * 1000 };

	if (server == NULL)
		return;
	if (server->pid > 0)
	{
		kill(server->pid, SIGQUIT);
		while (waitpid(server->pid, NULL, WNOHANG) == 0)
		{
			if (mg_clock_ms() > until)
				kill(-server->pid, SIGKILL);
			nanosleep(&pause, NULL);
		}
		server->pid = 0;
		mg_spare_process(0);
	}
	mg_lint_server_remove_place(&server->place);
}

const MgTarget *
mg_lint_server_target(const MgLintServer *server)
{
	return &server->target;
}

bool
mg_lint_server_extension(MgLintServer *server, MgError *err)
{
	const char *changed;
	MgExtension extension;
	MgPg *pg = NULL;
	bool ok;

	if (!mg_pg_open(server->arena, &server->target, "migguard:lint", &pg, err))
		return false;
	ok = mg_extension_read(pg, &extension, err);
	if (ok && extension.available == NULL)
	{
		ok = mg_err_set(err, MG_EXIT_UNAVAILABLE,
						"extension \"safedeploy\" is not installed for the server in %s",
						server->bindir);
		mg_err_hint(err, "Install it there: make install PG_CONFIG=%s.",
					mg_file_join(server->arena, server->bindir, "pg_config"));
	}
	ok = ok && mg_extension_create(pg, &changed, err);
	mg_pg_close(pg);
	return ok;
}

/* psql of that server, else the one on the path. */
static const char *
psql_of(const MgLintServer *server)
{
	char *own = mg_file_join(server->arena, server->bindir, "psql");

	return access(own, X_OK) == 0 ? own : "psql";
}

/* psql:<stdin>:12: ERROR:  relation "x" does not exist */
static void
read_failure(MgArena *arena, const MgChildResult *result, MgLintApplied *applied)
{
	const char *at = strstr(result->err, "ERROR:  ");
	const char *place = strstr(result->err, "<stdin>:");

	if (place != NULL && (at == NULL || place < at))
		applied->line = atoi(place + strlen("<stdin>:"));
	if (at == NULL)
		applied->message = mg_child_tail(arena, result, 1);
	else
	{
		at += strlen("ERROR:  ");
		applied->message = mg_strndup(arena, at, strcspn(at, "\n"));
	}
}

/* role "x" does not exist: x. */
static char *
missing_role(MgArena *arena, const char *message)
{
	static const char end[] = "\" does not exist";
	size_t len = strlen(message);

	if (strncmp(message, "role \"", 6) != 0 || len < 6 + sizeof end ||
		strcmp(message + len - (sizeof end - 1), end) != 0)
		return NULL;
	return mg_strndup(arena, message + 6, len - 6 - (sizeof end - 1));
}

static bool
make_role(MgLintServer *server, const char *name, MgError *err)
{
	MgPg *pg = NULL;
	bool ok;

	mg_log_verbose("lint's own server has no role \"%s\": made", name);
	ok = mg_pg_open(server->arena, &server->target, "migguard:lint", &pg, err) &&
		 mg_server_create_role(pg, name, err);
	mg_pg_close(pg);
	return ok;
}

bool
mg_lint_server_run(MgLintServer *server, const char *text, bool in_transaction,
				   MgLintApplied *applied, MgError *err)
{
	MgStrings env = own_environment(server->arena);
	MgChildSpec spec = { .input = text, .timeout_ms = MG_RUN_MS, .stop_on_signal = true };
	MgStrings argv;

	mg_strings_init(&argv, server->arena);
	mg_strings_add(&argv, psql_of(server));
	mg_strings_add(&argv, "-Xq");
	mg_strings_add(&argv, "-vON_ERROR_STOP=1");
	if (in_transaction)
		mg_strings_add(&argv, "-1");
	mg_strings_add(&argv, "-f");
	mg_strings_add(&argv, "-");
	mg_target_setenv(&server->target, &env);
	spec.argv = argv.items;
	spec.env = env.items;
	for (int roles = 0;; roles++)
	{
		MgChildResult result;
		char *role;

		*applied = (MgLintApplied){ .ok = true };
		if (!mg_child_run(server->arena, &spec, &result, err))
			return false;
		if (mg_child_succeeded(&result))
			return true;
		if (result.interrupted)
			return mg_err_set(err, MG_EXIT_INTERRUPTED, "interrupted by a signal");
		applied->ok = false;
		read_failure(server->arena, &result, applied);
		role = missing_role(server->arena, applied->message);
		if (role == NULL || roles == MG_ROLES)
			return true;
		if (!make_role(server, role, err))
			return false;
	}
}
