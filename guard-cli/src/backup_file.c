/*
 * backup_file.c
 *	  Files of backups: written once, hashed on their way, private, on disk when closed.
 */
#include "backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"

#define CHUNK_BYTES (1 << 18)
#define GZIP_WINDOW (15 + 16) /* of zlib: the largest window, in gzip's format */

bool
mg_backup_file_error(const char *what, const char *path, int number, MgError *err)
{
	return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "could not %s \"%s\": %s", what, path,
					  strerror(number));
}

bool
mg_writer_open(MgWriter *writer, const char *path, int level, MgError *err)
{
	memset(writer, 0, sizeof *writer);
	writer->path = path;
	writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (writer->fd < 0)
		return mg_backup_file_error("create", path, errno, err);
	writer->hash = mg_hash_new();
	if (level == 0)
		return true;
	writer->content_hash = mg_hash_new();
	if (deflateInit2(&writer->deflate, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		mg_out_of_memory();
	return true;
}

static bool
write_bytes(MgWriter *writer, const char *data, size_t len)
{
	EVP_DigestUpdate(writer->hash, data, len);
	writer->size += (long long) len;
	while (len > 0)
	{
		ssize_t n = write(writer->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			writer->failed = n < 0 ? errno : ENOSPC;
			return false;
		}
		data += n;
		len -= (size_t) n;
	}
	return true;
}

static bool
compress_bytes(MgWriter *writer, const char *data, size_t len, int flush)
{
	char out[65536];

	writer->deflate.next_in = (Bytef *) data;
	writer->deflate.avail_in = (uInt) len;
	do
	{
		writer->deflate.next_out = (Bytef *) out;
		writer->deflate.avail_out = sizeof out;
		deflate(&writer->deflate, flush);
		if (!write_bytes(writer, out, sizeof out - writer->deflate.avail_out))
			return false;
	} while (writer->deflate.avail_out == 0);
	return true;
}

bool
mg_writer_add(void *arg, const char *data, size_t len)
{
	MgWriter *writer = arg;

	if (writer->failed != 0)
		return false;
	if (writer->content_hash == NULL)
		return write_bytes(writer, data, len);
	EVP_DigestUpdate(writer->content_hash, data, len);
	return compress_bytes(writer, data, len, Z_NO_FLUSH);
}

void
mg_writer_drop(MgWriter *writer)
{
	if (writer->content_hash != NULL)
		deflateEnd(&writer->deflate);
	EVP_MD_CTX_free(writer->hash);
	EVP_MD_CTX_free(writer->content_hash);
	if (writer->fd >= 0)
		close(writer->fd);
	*writer = (MgWriter){ .fd = -1 };
}

bool
mg_writer_close(MgWriter *writer, MgArena *arena, MgBackup *backup, const char *name, MgError *err)
{
	MgBackupFile file = { .name = name };
	bool ok = writer->failed == 0 &&
			  (writer->content_hash == NULL || compress_bytes(writer, "", 0, Z_FINISH));

	if (!ok)
		mg_backup_file_error("write to", writer->path, writer->failed, err);
	else if (fsync(writer->fd) != 0)
		ok = mg_backup_file_error("sync", writer->path, errno, err);
	if (ok)
	{
		file.size = writer->size;
		file.sha256 = mg_hash_hex(arena, writer->hash);
		if (writer->content_hash != NULL)
			file.content_sha256 = mg_hash_hex(arena, writer->content_hash);
		mg_backup_add_file(arena, backup, &file);
		ok = close(writer->fd) == 0 || mg_backup_file_error("close", writer->path, errno, err);
		writer->fd = -1;
	}
	mg_writer_drop(writer);
	return ok;
}

static bool
gzip_error(const char *path, MgError *err)
{
	return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "\"%s\" is damaged: it cannot be unpacked",
					  path);
}

/* Unpacks what is in one piece of the file; *ended once the end of the content was met. */
static bool
unpack_piece(z_stream *z, bool (*take)(void *, const char *, size_t), void *arg, bool *ended,
			 const char *path, MgError *err)
{
	static char out[CHUNK_BYTES];

	do
	{
		int rc;

		z->next_out = (Bytef *) out;
		z->avail_out = sizeof out;
		rc = inflate(z, Z_NO_FLUSH);
		if (rc == Z_MEM_ERROR)
			mg_out_of_memory();
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return gzip_error(path, err);
		if (!take(arg, out, sizeof out - z->avail_out))
			return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "\"%s\" could not be taken", path);
		*ended = rc == Z_STREAM_END;
	} while (!*ended && z->avail_out == 0);
	return z->avail_in == 0 || gzip_error(path, err);
}

bool
mg_gzip_read(const char *path, bool (*take)(void *arg, const char *data, size_t len), void *arg,
			 MgError *err)
{
	static char in[CHUNK_BYTES];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	z_stream z = { 0 };
	bool ended = false;
	bool ok = true;
	ssize_t n = 0;

	if (fd < 0)
		return mg_backup_file_error("open", path, errno, err);
	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		mg_out_of_memory();
	while (ok && (n = read(fd, in, sizeof in)) > 0)
	{
		z.next_in = (Bytef *) in;
		z.avail_in = (uInt) n;
		/* nothing follows the end */
		ok = ended ? gzip_error(path, err) : unpack_piece(&z, take, arg, &ended, path, err);
	}
	if (ok && n < 0)
		ok = mg_backup_file_error("read", path, errno, err);
	if (ok && !ended)
		ok = gzip_error(path, err);
	inflateEnd(&z);
	close(fd);
	return ok;
}

void
mg_backup_add_file(MgArena *arena, MgBackup *backup, const MgBackupFile *file)
{
	/* room is doubled whenever the count is a power of two */
	if ((backup->file_count & (backup->file_count - 1)) == 0)
	{
		MgBackupFile *files =
			mg_alloc(arena, (size_t) (backup->file_count * 2 + 1) * sizeof(MgBackupFile));

		if (backup->file_count > 0)
			memcpy(files, backup->files, (size_t) backup->file_count * sizeof(MgBackupFile));
		backup->files = files;
	}
	backup->files[backup->file_count++] = *file;
	backup->size += file->size;
}

bool
mg_backup_hash_file(MgArena *arena, const char *path, char **sha256, long long *size, MgError *err)
{
	static char buffer[CHUNK_BYTES];
	EVP_MD_CTX *hash = mg_hash_new();
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = -1;

	*size = 0;
	if (fd >= 0)
	{
		/* from the disk, not from what the kernel still remembers of the writing */
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		while ((n = read(fd, buffer, sizeof buffer)) > 0)
		{
			EVP_DigestUpdate(hash, buffer, (size_t) n);
			*size += n;
		}
	}
	if (n < 0)
		mg_backup_file_error("read", path, errno, err);
	else
		*sha256 = mg_hash_hex(arena, hash);
	EVP_MD_CTX_free(hash);
	if (fd >= 0)
		close(fd);
	return n == 0;
}
