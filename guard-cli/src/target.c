/*
 * target.c
 *	  Connection strings: libpq reads them, so everything libpq knows works.
 */
#include "target.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text.h"

/* NAMEDATALEN of PostgreSQL less its end */
#define MOST_NAME_BYTES 63

static void
set_option(PQconninfoOption *options, const char *keyword, const char *value)
{
	for (PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0)
		{
			PQfreemem(o->val);
			/* left out, it would mean whatever the environment says */
			o->val = mg_must(strdup(value));
		}
}

/* libpq's messages quote the text they cannot read, and that may hold the password. */
static char *
without_quoted(MgArena *arena, const char *message)
{
	MgBuf buf;
	bool inside = false;

	mg_buf_init(&buf, arena);
	for (; *message != '\0' && *message != '\n'; message++)
		if (*message == '"')
		{
			mg_buf_add(&buf, inside ? "\"" : "\"...");
			inside = !inside;
		}
		else if (!inside)
			mg_buf_add_bytes(&buf, message, 1);
	return buf.data;
}

/*
 * Splits "scheme+driver://rest" for libpq, which knows no drivers.  Any other
 * text is a conninfo string, whose values may hold anything.
 */
static bool
normalise(MgArena *arena, const char *text, const char **scheme, const char **plain, MgError *err)
{
	const char *end = strstr(text, "://");
	size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+._-");

	*scheme = "postgresql";
	*plain = text;
	if (strncmp(text, "jdbc:", 5) == 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "the database URL is a JDBC URL");
		return mg_err_hint(err, "Write it as postgresql://user@host:port/database.");
	}
	if (end == NULL || (size_t) (end - text) != name)
		return true;
	*scheme = mg_strndup(arena, text, name);
	if (strcmp(*scheme, "postgres") != 0 && strncmp(*scheme, "postgresql", 10) != 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "the database URL has scheme \"%s\"", *scheme);
		return mg_err_hint(err,
						   "migguard works with PostgreSQL: postgresql://user@host:port/database.");
	}
	*plain = mg_printf(arena, "postgresql%s", end);
	return true;
}

/*
 * An "@" or "/" of a password that is not written as %40 or %2F makes a host, a port or a
 * database of the rest of it, and those are shown.
 */
static bool
is_split_password(const char *url)
{
	const char *rest = strstr(url, "://");
	const char *path;
	const char *end;
	const char *at;

	if (rest == NULL)
		return false;
	rest += 3;
	path = rest + strcspn(rest, "/?");
	end = rest + strcspn(rest, "?");
	at = memchr(rest, '@', (size_t) (end - rest));
	return at != NULL && (at > path || memchr(at + 1, '@', (size_t) (end - at - 1)) != NULL);
}

static bool
check_port(const char *port, MgError *err)
{
	if (port[strspn(port, "0123456789,")] == '\0')
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "the port of the database is no number");
	return mg_err_hint(err, "Within a name or a password @ is written as %%40, and / as %%2F.");
}

/* What the environment says.  libpq leaves out a service that it cannot find, so NULL is want of memory. */
static PQconninfoOption *
defaults_of_libpq(void)
{
	return mg_must(PQconndefaults());
}

/* What the environment and the service file say, with the service that the text names. */
static PQconninfoOption *
defaults_for(const PQconninfoOption *given)
{
	const char *service = NULL;
	char *old = NULL;
	PQconninfoOption *defaults;

	for (const PQconninfoOption *o = given; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, "service") == 0)
			service = o->val;
	if (service == NULL)
		return defaults_of_libpq();
	if (getenv("PGSERVICE") != NULL)
		old = mg_must(strdup(getenv("PGSERVICE")));
	if (setenv("PGSERVICE", service, 1) != 0)
		mg_out_of_memory();
	defaults = defaults_of_libpq();
	if (old == NULL)
		unsetenv("PGSERVICE");
	else if (setenv("PGSERVICE", old, 1) != 0)
		mg_out_of_memory();
	free(old);
	return defaults;
}

static void
fill(MgArena *arena, const PQconninfoOption *options, MgTarget *target)
{
	int count = 0;

	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		count++;
	target->keywords = mg_alloc(arena, (size_t) (count + 1) * sizeof(char *));
	target->values = mg_alloc(arena, (size_t) (count + 1) * sizeof(char *));
	target->host = target->port = target->database = target->user = target->password = "";
	count = 0;
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
	{
		const char *value;

		if (o->val == NULL || o->val[0] == '\0')
			continue;
		value = mg_strdup(arena, o->val);
		target->keywords[count] = mg_strdup(arena, o->keyword);
		target->values[count++] = value;
		if (o->dispchar[0] == '*')
			mg_log_secret(value);
		if (strcmp(o->keyword, "host") == 0)
			target->host = value;
		else if (strcmp(o->keyword, "port") == 0)
			target->port = value;
		else if (strcmp(o->keyword, "dbname") == 0)
			target->database = value;
		else if (strcmp(o->keyword, "user") == 0)
			target->user = value;
		else if (strcmp(o->keyword, "password") == 0)
			target->password = value;
	}
}

/* What the server could only take for another name, or not say at all */
static bool
check_name(const char *what, const char *name, MgError *err)
{
	if (!mg_text_is_utf8(name, strlen(name)))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "the name of the %s is not UTF-8: \"%s\"", what, name);
		return mg_err_hint(err, "Rename it; migguard's records are UTF-8.");
	}
	if (strlen(name) <= MOST_NAME_BYTES)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "the name of the %s has %zu bytes: \"%s\"", what, strlen(name),
			   name);
	return mg_err_hint(err, "Names have up to %d; the server would cut it off, and find another one.",
					   MOST_NAME_BYTES);
}

bool
mg_target_parse(MgArena *arena, const char *text, MgTarget *target, MgError *err)
{
	PQconninfoOption *given = NULL;
	PQconninfoOption *options = NULL;
	const char *plain = NULL;
	char *message = NULL;
	bool ok = false;

	memset(target, 0, sizeof *target);
	target->scheme = "postgresql";
	if (text != NULL)
	{
		if (!normalise(arena, text, &target->scheme, &plain, err))
			return false;
		/* A bare name would be refused with a message about "="; it is a database. */
		if (plain[0] != '\0' && strstr(plain, "://") == NULL && strchr(plain, '=') == NULL)
		{
			mg_err_set(err, MG_EXIT_CONFIG,
					   "the database URL is neither a URL nor a conninfo string");
			return mg_err_hint(err,
							   "Write postgresql://user@host:port/database or \"host=... dbname=...\".");
		}
		given = is_split_password(plain) ? NULL : PQconninfoParse(plain, &message);
		if (given == NULL && is_split_password(plain))
		{
			mg_err_set(err, MG_EXIT_CONFIG, "the database URL has an \"@\" too many");
			mg_err_hint(err, "Within a name or a password @ is written as %%40, and / as %%2F.");
			goto done;
		}
		if (given == NULL)
		{
			if (message == NULL || strstr(message, "out of memory") != NULL)
				mg_out_of_memory();
			mg_err_set(err, MG_EXIT_CONFIG, "the database URL cannot be understood");
			mg_err_detail(err, "libpq says: %s.", without_quoted(arena, message));
			mg_err_hint(err, "Special characters in a URL are written as %%XX, such as %%40 for @.");
			goto done;
		}
	}
	options = defaults_for(given);
	for (const PQconninfoOption *o = given; o != NULL && o->keyword != NULL; o++)
		if (o->val != NULL)
			set_option(options, o->keyword, o->val);
	fill(arena, options, target);
	/* libpq's own last resort, said aloud so that tools that do not know it get it too */
	if (target->database[0] == '\0' && target->user[0] != '\0')
	{
		set_option(options, "dbname", target->user);
		fill(arena, options, target);
	}
	ok = check_name("database", target->database, err) && check_name("user", target->user, err) &&
		 check_port(target->port, err);
done:
	PQfreemem(message);
	PQconninfoFree(given);
	PQconninfoFree(options);
	return ok;
}

bool
mg_target_holds_password(const char *text)
{
	MgArena *arena = mg_arena_new();
	PQconninfoOption *given = NULL;
	const char *scheme;
	const char *plain;
	MgError ignored;
	bool holds = false;

	mg_err_init(&ignored, arena);
	if (normalise(arena, text, &scheme, &plain, &ignored))
		given = PQconninfoParse(plain, NULL);
	for (const PQconninfoOption *o = given; o != NULL && o->keyword != NULL; o++)
		holds |= o->dispchar[0] == '*' && o->val != NULL && o->val[0] != '\0';
	PQconninfoFree(given);
	mg_arena_free(arena);
	return holds;
}

/* A copy in which one keyword has another value. */
static MgTarget *
with_keyword(MgArena *arena, const MgTarget *target, const char *keyword, const char *value)
{
	MgTarget *copy = mg_alloc(arena, sizeof *copy);
	int count = 0;
	bool found = false;

	*copy = *target;
	while (target->keywords[count] != NULL)
		count++;
	copy->keywords = mg_alloc(arena, (size_t) (count + 2) * sizeof(char *));
	copy->values = mg_alloc(arena, (size_t) (count + 2) * sizeof(char *));
	for (int i = 0; i < count; i++)
	{
		bool is_it = strcmp(target->keywords[i], keyword) == 0;

		copy->keywords[i] = target->keywords[i];
		copy->values[i] = is_it ? value : target->values[i];
		found |= is_it;
	}
	if (!found)
	{
		copy->keywords[count] = keyword;
		copy->values[count] = value;
	}
	return copy;
}

const MgTarget *
mg_target_with_database(MgArena *arena, const MgTarget *target, const char *database)
{
	const char *name = mg_strdup(arena, database);
	MgTarget *copy = with_keyword(arena, target, "dbname", name);

	copy->database = name;
	return copy;
}

const MgTarget *
mg_target_with_option(MgArena *arena, const MgTarget *target, const char *option)
{
	const char *options = option;

	for (int i = 0; target->keywords[i] != NULL; i++)
		if (strcmp(target->keywords[i], "options") == 0)
			options = mg_printf(arena, "%s %s", target->values[i], option);
	return with_keyword(arena, target, "options", options);
}

/* Parameters that a URL has no place for. */
static bool
in_authority(const char *keyword)
{
	static const char *const names[] = { "host", "port", "dbname", "user", "password" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(keyword, names[i]) == 0)
			return true;
	return false;
}

/* Defaults of libpq say nothing and are not what other drivers know. */
static bool
is_default(const PQconninfoOption *defaults, const char *keyword, const char *value)
{
	for (const PQconninfoOption *o = defaults; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->compiled != NULL && strcmp(o->compiled, value) == 0;
	return false;
}

static bool
is_secret(const PQconninfoOption *defaults, const char *keyword)
{
	for (const PQconninfoOption *o = defaults; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->dispchar[0] == '*';
	return false;
}

char *
mg_target_url(MgArena *arena, const MgTarget *target, const char *scheme, bool with_password)
{
	PQconninfoOption *defaults = defaults_of_libpq();
	MgBuf url;
	/* A directory of sockets, or several hosts, cannot be the authority of a URL. */
	bool plain_host = target->host[0] != '\0' && strpbrk(target->host, "/,@") == NULL;
	const char *separator = "?";

	mg_buf_init(&url, arena);
	mg_buf_addf(&url, "%s://", scheme != NULL ? scheme : target->scheme);
	if (target->user[0] != '\0')
	{
		mg_buf_add(&url, mg_text_percent(arena, target->user));
		if (with_password && target->password[0] != '\0')
			mg_buf_addf(&url, ":%s", mg_text_percent(arena, target->password));
		mg_buf_add(&url, "@");
	}
	if (plain_host)
	{
		bool v6 = strchr(target->host, ':') != NULL;

		mg_buf_addf(&url, v6 ? "[%s]" : "%s", target->host);
		if (target->port[0] != '\0')
			mg_buf_addf(&url, ":%s", target->port);
	}
	mg_buf_addf(&url, "/%s", mg_text_percent(arena, target->database));
	for (int i = 0; target->keywords[i] != NULL; i++)
	{
		const char *keyword = target->keywords[i];
		bool address = strcmp(keyword, "host") == 0 || strcmp(keyword, "port") == 0;

		if (in_authority(keyword) && (!address || plain_host))
			continue;
		/* What it stands for is said in full. */
		if (strcmp(keyword, "service") == 0)
			continue;
		if (!address && is_default(defaults, keyword, target->values[i]))
			continue;
		if (!with_password && is_secret(defaults, keyword))
			continue;
		mg_buf_addf(&url, "%s%s=%s", separator, keyword, mg_text_percent(arena, target->values[i]));
		separator = "&";
	}
	PQconninfoFree(defaults);
	return url.data;
}

char *
mg_target_jdbc_url(MgArena *arena, const MgTarget *target, const char *options,
				   const char *application_name)
{
	/* The driver's names for what libpq calls the same or otherwise */
	static const char *const names[][2] = { { "sslmode", "sslmode" },
											{ "sslcert", "sslcert" },
											{ "sslkey", "sslkey" },
											{ "sslrootcert", "sslrootcert" },
											{ "target_session_attrs", "targetServerType" } };
	PQconninfoOption *defaults = defaults_of_libpq();
	MgBuf url;
	bool socket = target->host[0] == '\0' || target->host[0] == '/';
	const char *separator = "?";

	mg_buf_init(&url, arena);
	/* The driver has no Unix sockets of its own; the same server is asked at localhost. */
	mg_buf_addf(&url, "jdbc:postgresql://%s", socket ? "localhost" : target->host);
	if (target->port[0] != '\0')
		mg_buf_addf(&url, ":%s", target->port);
	mg_buf_addf(&url, "/%s", mg_text_percent(arena, target->database));
	for (int i = 0; target->keywords[i] != NULL; i++)
		for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
			if (strcmp(target->keywords[i], names[j][0]) == 0 &&
				!is_default(defaults, target->keywords[i], target->values[i]))
			{
				mg_buf_addf(&url, "%s%s=%s", separator, names[j][1],
							mg_text_percent(arena, target->values[i]));
				separator = "&";
			}
	if (options != NULL && options[0] != '\0')
	{
		mg_buf_addf(&url, "%soptions=%s", separator, mg_text_percent(arena, options));
		separator = "&";
	}
	if (application_name != NULL && application_name[0] != '\0')
		mg_buf_addf(&url, "%sApplicationName=%s", separator,
					mg_text_percent(arena, application_name));
	PQconninfoFree(defaults);
	return url.data;
}

char *
mg_target_display(MgArena *arena, const MgTarget *target)
{
	return mg_printf(arena, "%s:%s/%s as %s", target->host[0] != '\0' ? target->host : "local socket",
					 target->port[0] != '\0' ? target->port : "5432", target->database,
					 target->user[0] != '\0' ? target->user : "?");
}

static void
unset(MgStrings *environment, const char *name)
{
	size_t len = strlen(name);
	int kept = 0;

	for (int i = 0; i < environment->count; i++)
		if (strncmp(environment->items[i], name, len) != 0 || environment->items[i][len] != '=')
			environment->items[kept++] = environment->items[i];
	environment->count = kept;
	environment->items[kept] = NULL;
}

void
mg_target_setenv(const MgTarget *target, MgStrings *environment)
{
	PQconninfoOption *defaults = defaults_of_libpq();

	for (const PQconninfoOption *o = defaults; o != NULL && o->keyword != NULL; o++)
	{
		const char *value = NULL;

		if (o->envvar == NULL)
			continue;
		/* A service is expanded already, and must not win over what was set since. */
		for (int i = 0; target->keywords[i] != NULL; i++)
			if (strcmp(target->keywords[i], o->keyword) == 0 && strcmp(o->keyword, "service") != 0)
				value = target->values[i];
		/* What the target does not say must not come from our environment either. */
		if (value != NULL)
			mg_strings_setenv(environment, o->envvar, value);
		else
			unset(environment, o->envvar);
	}
	PQconninfoFree(defaults);
}
