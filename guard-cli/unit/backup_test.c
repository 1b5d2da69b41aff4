/*
 * backup_test.c
 *	  A backup is believed only as it was written: cut, changed or swapped ones are refused.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "file.h"

static MgArena *arena;
static char *directory;

static char *
path_of(const char *name)
{
	return mg_printf(arena, "%s/%s", directory, name);
}

static void
write_file(const char *name, const char *text, size_t len)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	unit_ok(fd >= 0 && write(fd, text, len) == (ssize_t) len, name);
	close(fd);
}

static bool
verifies(const char *program, const char **why)
{
	MgBackup backup;
	MgError err;
	bool ok;

	mg_err_init(&err, arena);
	ok = mg_backup_read_manifest(arena, path_of("b.dump.json"), &backup, &err) &&
		 mg_backup_verify(arena, program, &backup, &err);
	*why = ok ? "" : err.message;
	return ok;
}

/* Anything that pg_restore accepts is fine here: the program "true" stands in for it, because what is tested
 * is what is found before it is asked. */
int
main(void)
{
	static char text[5000];
	char name[] = "/tmp/backup-test-XXXXXX";
	const char *why;
	char *manifest;

	arena = mg_arena_new();
	directory = mkdtemp(name);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char) (i * 7);
	write_file("b.dump", text, sizeof text);
	manifest = mg_printf(arena, "{\"file\": \"../x/b.dump\", \"size\": %zu, \"sha256\": \"%s\"}",
						 sizeof text, mg_file_sha256(arena, text, sizeof text));
	write_file("b.dump.json", manifest, strlen(manifest));
	unit_ok(verifies("true", &why),
			"what was written is believed, and looked for beside its manifest");
	unit_ok(!verifies("false", &why), "but not when pg_restore cannot unpack it");
	unit_contains(why, "cannot be unpacked", "which is said");

	for (size_t cut = 0; cut < sizeof text; cut += 1249)
	{
		write_file("b.dump", text, cut);
		unit_ok(!verifies("true", &why), "a cut file is refused");
	}
	for (size_t at = 0; at < sizeof text; at += 1249)
	{
		text[at] ^= 1;
		write_file("b.dump", text, sizeof text);
		unit_ok(!verifies("true", &why), "a changed bit is refused");
		text[at] ^= 1;
	}
	unit_contains(why, "is not what was written", "which is said");
	write_file("b.dump", text, sizeof text);
	unit_ok(verifies("true", &why), "put right again it is believed");

	unit_ok(rename(path_of("b.dump"), path_of("c.dump")) == 0 &&
				symlink("c.dump", path_of("b.dump")) == 0,
			"a link in its place");
	unit_ok(!verifies("true", &why), "is not followed");
	write_file("b.dump.json", "{}", 2);
	unit_ok(!verifies("true", &why), "a manifest that says nothing is refused");
	unlink(path_of("b.dump"));
	unlink(path_of("c.dump"));
	unlink(path_of("b.dump.json"));
	rmdir(directory);
	mg_arena_free(arena);
	return unit_done();
}
