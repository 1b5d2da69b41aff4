/*
 * fail_nth.c
 *	  Preloaded into migguard: makes the n-th call of one class of functions fail.
 *
 * FAIL_CLASS names the class, FAIL_AT the number of the call, from 1.  With FAIL_ON set, all
 * later calls of the class fail too, as on a disk that stays full.  FAIL_NOTE names a file
 * that gets a line when the first fails; without FAIL_CLASS it gets the number of calls of
 * each class at the end.
 * Only migguard itself fails, with what it forks, never a program that it executes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum
{
	MALLOC,
	CRYPTO,
	WRITE,
	FSYNC,
	RENAME,
	CONNECT,
	SEND,
	OPEN,
	FORK,
	CLASSES
};

static const char *const classes[CLASSES] = { "malloc",	 "crypto", "write", "fsync", "rename",
											  "connect", "send",   "open",	"fork" };
static int failing = CLASSES;
static long at;
static bool on;
static bool paused;
static pid_t self;
static long *calls; /* shared with what is forked, so that one call fails, not one in each */
static const char *note;
static const char *crypto_from; /* where libcrypto's code lies */
static const char *crypto_to;

/* Not by functions that this file replaces. */
static void
tell(const char *text)
{
	long fd = note == NULL ? -1 : syscall(SYS_open, note, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0)
		return;
	syscall(SYS_write, fd, text, strlen(text));
	syscall(SYS_close, fd);
}

static int
find_crypto(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void) size;
	(void) arg;
	if (strstr(info->dlpi_name, "/libcrypto.") == NULL)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0)
		{
			crypto_from = (const char *) info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			crypto_to = crypto_from + info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

static void __attribute__((constructor)) begin(void)
{
	const char *name = getenv("FAIL_CLASS");

	note = getenv("FAIL_NOTE");
	if (note == NULL || strcmp(program_invocation_short_name, "migguard") != 0)
		return;
	self = getpid();
	at = getenv("FAIL_AT") == NULL ? 0 : atol(getenv("FAIL_AT"));
	on = getenv("FAIL_ON") != NULL;
	for (int i = 0; name != NULL && i < CLASSES; i++)
		if (strcmp(name, classes[i]) == 0)
			failing = i;
	dl_iterate_phdr(find_crypto, NULL);
	calls = mmap(NULL, CLASSES * sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				 -1, 0);
	if (calls == MAP_FAILED)
		abort();
}

static void __attribute__((destructor)) end(void)
{
	char text[32];

	if (failing != CLASSES || getpid() != self)
		return;
	for (int i = 0; i < CLASSES; i++)
	{
		snprintf(text, sizeof text, "%s %ld\n", classes[i], calls[i]);
		tell(text);
	}
}

/*
 * The C library itself, of version 2.36, ends the program when there is no memory while it looks
 * up who we are, which libpq asks for.
 */
int
getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
	static int (*real)(uid_t, struct passwd *, char *, size_t, struct passwd **);
	bool before = paused;
	int result;

	if (real == NULL)
		*(void **) &real = dlsym(RTLD_NEXT, "getpwuid_r");
	paused = true;
	result = real(uid, entry, buffer, size, found);
	paused = before;
	return result;
}

/* Called by what writes the counters of lines, which is no part of migguard, and dies without memory. */
void
fail_nth_pause(bool pause)
{
	paused = pause;
}

static bool
fails(int class, int number)
{
	long call;

	if (calls == NULL || paused)
		return false;
	call = __atomic_add_fetch(&calls[class], 1, __ATOMIC_SEQ_CST);
	if (class != failing || (call != at && !(on && call > at)))
		return false;
	if (call == at)
		tell("failed\n");
	errno = number;
	return true;
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

/* The class of an allocation: those of libcrypto, thousands at its start, are one of their own. */
#define ALLOCATION                                                    \
	((const char *) __builtin_return_address(0) >= crypto_from &&     \
			 (const char *) __builtin_return_address(0) < crypto_to ? \
		 CRYPTO :                                                     \
		 MALLOC)

void *
malloc(size_t size)
{
	return fails(ALLOCATION, ENOMEM) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(ALLOCATION, ENOMEM) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails(ALLOCATION, ENOMEM) ? NULL : __libc_realloc(old, size);
}

ssize_t
write(int fd, const void *data, size_t size)
{
	return fails(WRITE, ENOSPC) ? -1 : syscall(SYS_write, fd, data, size);
}

int
fsync(int fd)
{
	return fails(FSYNC, EIO) ? -1 : (int) syscall(SYS_fsync, fd);
}

int
rename(const char *from, const char *to)
{
	return fails(RENAME, EIO) ? -1 : (int) syscall(SYS_rename, from, to);
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return fails(RENAME, EIO) ? -1 : (int) syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int
connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return fails(CONNECT, ECONNREFUSED) ? -1 : (int) syscall(SYS_connect, fd, address, size);
}

ssize_t
send(int fd, const void *data, size_t size, int flags)
{
	if (!fails(SEND, ECONNRESET))
		return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
	/* a connection that was reset brings nothing any more either */
	shutdown(fd, SHUT_RDWR);
	errno = ECONNRESET;
	return -1;
}

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if ((flags & (O_CREAT | O_TMPFILE)) != 0)
	{
		__builtin_va_list args;

		__builtin_va_start(args, flags);
		mode = __builtin_va_arg(args, mode_t);
		__builtin_va_end(args);
	}
	return fails(OPEN, EMFILE) ? -1 : (int) syscall(SYS_open, path, flags, mode);
}

pid_t
fork(void)
{
	static pid_t (*real)(void);

	if (real == NULL)
		*(void **) &real = dlsym(RTLD_NEXT, "fork");
	return fails(FORK, EAGAIN) ? -1 : real();
}
