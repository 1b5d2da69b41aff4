/*
 * secret.c
 *	  Secrets among the arguments, the environment and section [env].
 *
 * Whatever prints its environment or its command line when it fails is no reason for a
 * secret to be in a log.
 */
#include "secret.h"

#include <string.h>
#include <strings.h>

#include "log.h"
#include "mask.h"
#include "target.h"

/* A variable named so may as well hold "on" or the name of a store of secrets. */
#define SECRET_MIN 8

extern char **environ;

/* How the name of what holds a secret ends; NAME_FILE and the like hold none. */
static const char *const endings[] = {
	"password",	   "passwd",  "passphrase", "passcode",	  "passwort",	"passkey",
	"secret",	   "token",	  "api_key",	"apikey",	  "access_key", "secret_key",
	"private_key", "api-key", "access-key", "secret-key",
};

bool
mg_secret_name(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
	{
		size_t ending = strlen(endings[i]);

		if (len >= ending && strncasecmp(name + len - ending, endings[i], ending) == 0)
			return true;
	}
	return false;
}

/* The password of a URL, which may follow other words: -x, url=postgresql://... */
static void
learn_url(const char *value)
{
	const char *url = strstr(value, "postgres");
	MgArena *arena;
	MgTarget target;
	MgError ignored;

	if (url == NULL || strstr(url, "://") == NULL || !mg_target_holds_password(url))
		return;
	arena = mg_arena_new();
	mg_err_init(&ignored, arena);
	/* to parse is to make known */
	mg_target_parse(arena, url, &target, &ignored);
	mg_arena_free(arena);
}

void
mg_secret_variable(const char *name, const char *value)
{
	/* a word of small letters would be taken out of every text that has it */
	bool word = value[strspn(value, "abcdefghijklmnopqrstuvwxyz")] == '\0';

	if (mg_secret_name(name, strlen(name)) && strlen(value) >= SECRET_MIN && !word)
		mg_log_secret(value);
	learn_url(value);
}

void
mg_secret_environment(void)
{
	MgArena *arena = mg_arena_new();

	for (char **entry = environ; *entry != NULL; entry++)
	{
		size_t len = strcspn(*entry, "=");

		if ((*entry)[len] == '=')
			mg_secret_variable(mg_strndup(arena, *entry, len), *entry + len + 1);
	}
	mg_arena_free(arena);
}

/* Puts what may be seen in the place of the argument, which keeps its length. */
static void
overwrite(char *argument, const char *shown)
{
	size_t room = strlen(argument);
	size_t len = strlen(shown);

	memset(argument, '*', room);
	memcpy(argument, shown, len < room ? len : room);
}

static void
hide(MgArena *arena, char *argument)
{
	size_t name = strcspn(argument, "=");
	char *value = argument[name] == '=' ? argument + name + 1 : NULL;

	if (value != NULL && mg_secret_name(argument, name))
	{
		mg_log_secret(value);
		overwrite(value, "***");
		return;
	}
	learn_url(argument);
	overwrite(argument, mg_mask(arena, argument, false));
}

char **
mg_secret_arguments(MgArena *arena, int argc, char **argv)
{
	char **copy = mg_alloc(arena, (size_t) (argc + 1) * sizeof(char *));

	for (int i = 0; i < argc; i++)
	{
		copy[i] = mg_strdup(arena, argv[i]);
		hide(arena, argv[i]);
	}
	return copy;
}
