/* SPDX-License-Identifier: MIT */
/*
 * The kernel's table, and which mount a walk to a path would reach. The walk happens in the table
 * alone: it starts at the root, and at each directory of the path goes on to the mount that is on
 * top there. So it sees that a mount, or a directory above it, is mounted over, and asks no
 * filesystem.
 */
#include "mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* A space, tab, newline or backslash is written as a backslash and three octal digits. */
static void decode_path(char *path)
{
	char *out = path;

	for (const char *in = path; *in; in++) {
		if (*in == '\\' && is_octal(in[1]) && is_octal(in[2]) && is_octal(in[3])) {
			*out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

/*
 * "36 35 0:52 / /mnt rw,nosuid master:1 - fuse.pinefs pinecone rw,user_id=0": the mount, the one
 * below it, device, root and path, options; and behind the dash what kind of filesystem it is.
 * Changes the line. A line that isn't one is passed over: false.
 */
static bool parse_line(char *line, struct mounts_entry *entry)
{
	const char *type = strstr(line, " - ");
	unsigned major_number, minor_number;
	int root = 0, path = 0, end = 0;

	if (!type ||
	    sscanf(line, "%u %u %u:%u %n%*s %n%*s%n", &entry->id, &entry->parent, &major_number,
		   &minor_number, &root, &path, &end) != 4 ||
	    !end)
		return false;
	entry->device = makedev(major_number, minor_number);
	entry->is_whole = line[root] == '/' && line[root + 1] == ' ';
	entry->is_fuse = !strncmp(type, " - fuse", 7) && (type[7] == ' ' || type[7] == '.');
	line[end] = '\0';
	decode_path(line + path);
	entry->path = line + path;
	return true;
}

static int add_entry(struct mounts_table *table, const struct mounts_entry *entry)
{
	struct mounts_entry *longer =
		reallocarray(table->entries, table->count + 1, sizeof(*longer));

	if (!longer)
		return -ENOMEM;
	table->entries = longer;
	longer[table->count] = *entry;
	longer[table->count].path = strdup(entry->path);
	if (!longer[table->count].path)
		return -ENOMEM;
	table->count++;
	return 0;
}

int mounts_read(FILE *file, struct mounts_table *ret_table)
{
	struct mounts_table table = {0};
	struct mounts_entry entry;
	char *line = NULL;
	size_t size = 0;
	int error = 0;

	errno = 0;
	while (!error && getline(&line, &size, file) > 0) {
		if (parse_line(line, &entry))
			error = add_entry(&table, &entry);
	}
	if (!error && !feof(file))
		error = errno ? -errno : -EIO;
	free(line);
	if (error)
		mounts_finish(&table);
	else
		*ret_table = table;
	return error;
}

void mounts_finish(struct mounts_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->entries[i].path);
	free(table->entries);
	*table = (struct mounts_table){0};
}

bool mounts_is_parent(const struct mounts_table *table, const struct mounts_entry *entry)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->entries[i].parent == entry->id && table->entries[i].id != entry->id)
			return true;
	}
	return false;
}

static bool is_listed(const struct mounts_table *table, unsigned id)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->entries[i].id == id)
			return true;
	}
	return false;
}

/* The mount that a walk begins on: below all others; its parent isn't listed, or is itself. */
static unsigned first_of(const struct mounts_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct mounts_entry *entry = &table->entries[i];

		if (entry->parent == entry->id || !is_listed(table, entry->parent))
			return entry->parent;
	}
	return 0;
}

/* Go from the mount "at" to the one that is mounted on it here, and so on to the top. */
static unsigned climb(const struct mounts_table *table, unsigned at, const char *path,
		      size_t length)
{
	/* Each step goes to another entry, or the table is no tree. */
	for (size_t steps = 0, i = 0; i < table->count && steps < table->count; i++) {
		const struct mounts_entry *entry = &table->entries[i];

		if (entry->parent != at || entry->id == at || strlen(entry->path) != length ||
		    strncmp(entry->path, path, length) != 0)
			continue;
		at = entry->id;
		steps++;
		i = (size_t)-1; /* it may be listed before the one that it lies on */
	}
	return at;
}

bool mounts_is_reached(const struct mounts_table *table, const struct mounts_entry *entry)
{
	const char *path = entry->path;
	unsigned at = climb(table, first_of(table), "/", 1);

	for (size_t length = 1; path[0] && path[1] && length <= strlen(path); length++) {
		if (!path[length] || (length > 1 && path[length] == '/'))
			at = climb(table, at, path, length);
	}
	return at == entry->id;
}
