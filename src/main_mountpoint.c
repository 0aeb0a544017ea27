/* SPDX-License-Identifier: MIT */
/* Whether a path can be mounted on, or still has a dead mount; and the command that helps. */
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "main.h"
#include "pinefs/text.h"

static int refuse(int error, const char *path, const char *why, char *text, size_t size)
{
	char shown[400];

	(void)snprintf(text, size, "%s: %s", pfs_escape(path, shown, sizeof(shown)), why);
	return error;
}

#define COMMAND_WORD 400 /* bytes of a quoted path; there must be room for the rest of the line */

/* Append bytes, with `quote` for each single quote. */
static void add_quoted(struct pfs_buffer *word, const char *bytes, const char *quote)
{
	for (; *bytes; bytes++) {
		if (*bytes == '\'')
			(void)pfs_buffer_add_string(word, quote);
		else
			(void)pfs_buffer_add(word, bytes, 1);
	}
}

/* In single quotes; in $'', as bash and zsh have it, if a terminal can't show it otherwise. */
static void add_word(struct pfs_buffer *word, const char *path)
{
	struct pfs_buffer escaped = {0};
	size_t backslashes = 0;

	for (const char *byte = path; *byte; byte++)
		backslashes += *byte == '\\';
	(void)pfs_buffer_add_escaped(&escaped, path, strlen(path));
	if (escaped.error) {
		word->error = escaped.error;
	} else if (escaped.length == strlen(path) + backslashes) {
		(void)pfs_buffer_add_string(word, "'");
		add_quoted(word, path, "'\\''");
	} else {
		(void)pfs_buffer_add_string(word, "$'");
		add_quoted(word, escaped.bytes, "\\'");
	}
	(void)pfs_buffer_add_string(word, "'");
	pfs_buffer_finish(&escaped);
}

/* The path as one word of a command that can be pasted into a shell. */
static const char *quote(const char *path, char out[COMMAND_WORD + 1])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+:@%,=";
	struct pfs_buffer word = {.max = COMMAND_WORD};

	if (path[strspn(path, plain)])
		add_word(&word, path);
	else
		(void)pfs_buffer_add_string(&word, path);
	/* Half a path could be another one. */
	(void)snprintf(out, COMMAND_WORD + 1, "%s", word.error ? "MOUNTPOINT" : word.bytes);
	pfs_buffer_finish(&word);
	return out;
}

static int refuse_with_unmount(int error, const char *path, const char *why, char *text,
			       size_t size)
{
	char word[COMMAND_WORD + 1], help[COMMAND_WORD + 200];

	(void)snprintf(help, sizeof(help), "%s; unmount it with: %s %s", why,
		       geteuid() ? "fusermount3 -u" : "umount", quote(path, word));
	return refuse(error, path, help, text, size);
}

/*
 * Is something mounted at exactly this path? Writes its type to type. An automounter's trigger,
 * which is there to be mounted over, doesn't count.
 */
static bool is_mounted(const char *absolute, char *type, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char line[4096];
	bool found = false;

	while (mounts && getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (strcmp(entry.mnt_dir, absolute) != 0)
			continue;
		(void)pfs_escape(entry.mnt_type, type, size);
		found = strcmp(type, "autofs") != 0;
	}
	if (mounts)
		(void)endmntent(mounts);
	return found;
}

/* Advise to unmount only what is pinefs: the path could be "/". */
static int refuse_mounted(const char *path, const char *type, char *text, size_t size)
{
	bool is_ours = !strcmp(type, "fuse.pinefs");
	char why[160];

	(void)snprintf(why, sizeof(why), "something is mounted there already (%s)%s", type,
		       is_ours ? "" : "; choose another directory");
	return is_ours ? refuse_with_unmount(-EBUSY, path, why, text, size)
		       : refuse(-EBUSY, path, why, text, size);
}

static int explain(int error, const char *path, char *text, size_t size)
{
	char word[COMMAND_WORD + 1], help[COMMAND_WORD + 200];

	switch (error) {
	case ENOTCONN:
	case ECONNABORTED:
		return refuse_with_unmount(-error, path, "a dead mount is there, left by a crash",
					   text, size);
	case ENOENT:
		(void)snprintf(help, sizeof(help), "no such directory; make it with: mkdir -p %s",
			       quote(path, word));
		return refuse(-error, path, help, text, size);
	default:
		return refuse(-error, path, strerror(error), text, size);
	}
}

int mountpoint_check(const char *path, char **ret_absolute, char *text, size_t size)
{
	char type[64], *absolute;
	struct statvfs whole;
	struct stat stat_of;

	/* The kernel may still know a dead mount's root; but it never keeps statvfs. */
	if (stat(path, &stat_of) || statvfs(path, &whole))
		return explain(errno, path, text, size);
	if (!S_ISDIR(stat_of.st_mode))
		return refuse(-ENOTDIR, path, "not a directory", text, size);
	absolute = realpath(path, NULL);
	if (!absolute)
		return explain(errno, path, text, size);
	if (is_mounted(absolute, type, sizeof(type))) {
		free(absolute);
		return refuse_mounted(path, type, text, size);
	}
	*ret_absolute = absolute;
	return 0;
}

void mountpoint_explain_left(int error, const char *path, char *text, size_t size)
{
	static const char dead[] = "it is left there, dead";
	char why[200];

	if (!path)
		(void)snprintf(text, size, "can't tell which mount is this one's (%s): %s",
			       strerror(-error), dead);
	else if (error == -ENOTCONN)
		(void)refuse_with_unmount(
			error, path, "the kernel has cut this mount off, and left it there, dead",
			text, size);
	else if (error == -EBUSY)
		(void)refuse(error, path,
			     "not unmounted, since something else is mounted on it, in it or above "
			     "it; it is left there, dead",
			     text, size);
	else {
		(void)snprintf(why, sizeof(why), "can't be unmounted (%s); %s", strerror(-error),
			       dead);
		(void)refuse_with_unmount(error, path, why, text, size);
	}
}
