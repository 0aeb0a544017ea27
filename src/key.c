/* SPDX-License-Identifier: MIT */
/*
 * The key is in three places while it is loaded: where it came from, a scratch buffer, and struct
 * pfs_key. The scratch buffers are wiped here on every path; the environment only on demand, since
 * main reads it before it forks and each process has its own copy of those bytes to wipe.
 */
#include "pinefs/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pinefs/text.h"

#define VARIABLE	"PINECONE_API_KEY"
#define CREDENTIAL_NAME "pinecone_api_key"

/* A key file is a key and some white space; one that is longer was named by mistake. */
#define FILE_MAX 4096

/* What can be done on a read-only mount. */
#define HAVE_IT_MOUNTED "its mount is read-only: have it mounted "
#define OR_CREDENTIAL                                                                              \
	", or let systemd hand it over (LoadCredential=" CREDENTIAL_NAME                           \
	":FILE), or copy it to " CREDENTIAL_NAME " in a private CREDENTIALS_DIRECTORY"

/* Where the sentence for the person goes. */
struct complaint {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int complain(const struct complaint *complaint,
							  int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pfs_escape_format(complaint->text, complaint->size, format, arguments);
	va_end(arguments);
	return error;
}

/* What a system call said about the file: error is -errno, and the result. */
static int complain_system(const struct complaint *complaint, int error, const char *path)
{
	return complain(complaint, error, "key file %s: %s", path, strerror(-error));
}

static bool is_space(char c)
{
	return c && strchr(" \t\r\n\v\f", c);
}

/* Without the white space around it; a negative length stays one. */
static const char *trim(const char *bytes, ssize_t *length)
{
	while (*length > 0 && is_space(bytes[*length - 1]))
		--*length;
	for (; *length > 0 && is_space(*bytes); bytes++)
		--*length;
	return bytes;
}

/*
 * Is it a line of a shell or of an environment file, NAME=value? (The "=" that may pad base64 has
 * nothing but others behind it.)
 */
static bool is_assignment(const char *bytes, size_t length)
{
	size_t i = 0;

	while (i < length && bytes[i] != '=')
		i++;
	while (i < length && bytes[i] == '=')
		i++;
	return i < length;
}

/* Can it stand in a header line, and in struct pfs_key? And does it look like a key? */
static bool is_key(const char *bytes, size_t length)
{
	if (length < 1 || length > PFS_KEY_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] <= ' ' || bytes[i] > '~' || strchr("\"'`", bytes[i]))
			return false;
	}
	return !is_assignment(bytes, length);
}

/* Does path name a file directly in systemd's directory? */
static bool is_credential(const char *path)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	size_t length = directory ? strlen(directory) : 0;

	return length && strncmp(path, directory, length) == 0 && path[length] == '/' &&
	       !strchr(path + length + 1, '/');
}

/* A secret of a container: neither its mode nor its owner can be changed where it is seen. */
static bool is_read_only(int fd)
{
	struct statvfs whole;

	return !fstatvfs(fd, &whole) && whole.f_flag & ST_RDONLY;
}

static int check_file(int fd, const char *path, const struct complaint *complaint)
{
	mode_t refused = is_credential(path) ? 0037 : 0077;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return complain_system(complaint, -errno, path);
	if (!S_ISREG(st.st_mode))
		return complain(complaint, -EINVAL, "key file %s: not a regular file", path);
	if (st.st_uid && st.st_uid != geteuid())
		return complain(complaint, -EACCES, "key file %s: belongs to another user (%u); %s",
				path, st.st_uid,
				is_read_only(fd) ? HAVE_IT_MOUNTED "as yours" OR_CREDENTIAL
						 : "chown it");
	if (st.st_mode & refused)
		return complain(complaint, -EACCES,
				"key file %s: others can get at it (mode %04o); %s", path,
				(unsigned int)(st.st_mode & 07777),
				is_read_only(fd) ? HAVE_IT_MOUNTED "with mode 0400" OR_CREDENTIAL
						 : "chmod 600 it");
	return 0;
}

/* All of a short file. Bytes read, or -errno; -EFBIG if it has more than size. */
static ssize_t read_all(int fd, char *bytes, size_t size)
{
	size_t length = 0;
	ssize_t count;
	char more;

	do {
		count = length < size ? read(fd, bytes + length, size - length)
				      : read(fd, &more, 1);
		if (count > 0 && length == size)
			return -EFBIG;
		if (count > 0)
			length += (size_t)count;
	} while (count > 0 || (count < 0 && errno == EINTR));
	return count < 0 ? -errno : (ssize_t)length;
}

static int take_from_file(int fd, const char *path, char value[PFS_KEY_MAX + 1],
			  const struct complaint *complaint)
{
	char scratch[FILE_MAX];
	const char *start = scratch;
	ssize_t length = read_all(fd, scratch, sizeof(scratch));
	int result = 0;

	if (length < 0 && length != -EFBIG) {
		result = complain_system(complaint, (int)length, path);
		goto wipe;
	}
	start = trim(start, &length);
	if (!length) {
		result = complain(complaint, -EINVAL,
				  "key file %s: is empty; put the API key there", path);
		goto wipe;
	}
	if (length < 0 || !is_key(start, (size_t)length)) {
		result = complain(complaint, -EINVAL,
				  "key file %s: must hold the API key alone (one line, no quotes, "
				  "no name in front)",
				  path);
		goto wipe;
	}
	memcpy(value, start, (size_t)length);
	value[length] = '\0';
wipe:
	explicit_bzero(scratch, sizeof(scratch));
	return result;
}

static int read_file(const char *path, char value[PFS_KEY_MAX + 1],
		     const struct complaint *complaint)
{
	/* O_NONBLOCK: a FIFO by that name is refused, not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int result;

	if (fd < 0)
		return complain_system(complaint, -errno, path);
	result = check_file(fd, path, complaint);
	if (!result)
		result = take_from_file(fd, path, value, complaint);
	close(fd);
	return result;
}

static int load_file(struct pfs_key *key, const char *path, const struct complaint *complaint)
{
	char value[PFS_KEY_MAX + 1] = {0};
	char *file = strdup(path);
	int result;

	if (!file)
		return complain_system(complaint, -ENOMEM, path);
	result = read_file(path, value, complaint);
	if (!result) {
		memcpy(key->value, value, sizeof(key->value));
		key->file = file;
	} else {
		free(file);
	}
	explicit_bzero(value, sizeof(value));
	return result;
}

static int load_variable(struct pfs_key *key, const char *value, const struct complaint *complaint)
{
	ssize_t length = (ssize_t)strlen(value);

	value = trim(value, &length);
	if (!is_key(value, (size_t)length))
		return complain(complaint, -EINVAL,
				"$" VARIABLE ": is no API key (1 to %d printable characters, "
				"no blanks or quotes, no name and '=' in front)",
				PFS_KEY_MAX);
	memcpy(key->value, value, (size_t)length);
	key->value[length] = '\0';
	key->file = NULL;
	return 0;
}

/* 0, the errors of pfs_key_load, or -ENOKEY without a complaint if there is no such file. */
static int load_credential(struct pfs_key *key, const struct complaint *complaint)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char *path;
	int result;

	if (!directory || directory[0] != '/')
		return -ENOKEY;
	if (asprintf(&path, "%s/" CREDENTIAL_NAME, directory) < 0)
		return complain_system(complaint, -ENOMEM, directory);
	result = load_file(key, path, complaint);
	free(path);
	return result == -ENOENT ? -ENOKEY : result;
}

int pfs_key_load(struct pfs_key *key, const char *file, char *text, size_t size)
{
	const struct complaint complaint = {text, size};
	const char *value = getenv(VARIABLE);
	int result;

	key->generation = 0;
	if (file)
		return load_file(key, file, &complaint);
	if (value && *value)
		return load_variable(key, value, &complaint);
	result = load_credential(key, &complaint);
	if (result == -ENOKEY)
		return complain(&complaint, -ENOKEY,
				"no API key: set $" VARIABLE " or give --api-key-file FILE "
				"(--demo needs none)");
	return result;
}

int pfs_key_reload(struct pfs_key *key)
{
	const struct complaint nobody = {NULL, 0};
	char value[PFS_KEY_MAX + 1] = {0};
	int result;

	if (!key->file)
		return 0;
	result = read_file(key->file, value, &nobody);
	if (!result && strcmp(value, key->value) != 0) {
		memcpy(key->value, value, sizeof(key->value));
		key->generation++;
		result = 1;
	}
	explicit_bzero(value, sizeof(value));
	return result;
}

static void clear_variable(const char *name)
{
	size_t length = strlen(name);

	/* A variable may stand there more than once; getenv(3) finds only the first. */
	for (char **entry = environ; entry && *entry; entry++) {
		if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
			explicit_bzero(*entry + length + 1, strlen(*entry + length + 1));
	}
	unsetenv(name);
}

void pfs_key_clear_environment(void)
{
	clear_variable(VARIABLE);
	clear_variable("PINECONE_ADDITIONAL_HEADERS");
}

void pfs_key_finish(struct pfs_key *key)
{
	if (!key)
		return;
	explicit_bzero(key->value, sizeof(key->value));
	free(key->file);
	key->file = NULL;
}
