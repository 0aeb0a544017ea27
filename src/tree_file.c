/* SPDX-License-Identifier: MIT */
/* The files of an object: which there are, what they are called, what is in them. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/json.h"

static const struct {
	const char *name;
	unsigned index;
} fixed[] = {
	{"raw.json", FILE_RAW},
	{"done", FILE_DONE},
	{"events", FILE_EVENTS},
	{"wait", FILE_WAIT},
};

#define FIXED_COUNT  (sizeof(fixed) / sizeof(fixed[0]))
#define NAME_LONGEST 255

static struct extras *extras_of(const struct pfs_tree *tree, const struct pfs_kind *kind)
{
	return &tree->extras[kind - pfs_kinds];
}

static unsigned field_count(const struct pfs_kind *kind)
{
	unsigned count = 0;

	while (kind->fields[count])
		count++;
	return count;
}

static unsigned field_by_name(const struct pfs_kind *kind, const char *name)
{
	for (unsigned i = 0; kind->fields[i]; i++) {
		if (!strcmp(kind->fields[i], name))
			return FILE_FIELD + i;
	}
	return 0;
}

unsigned pfs_file_by_name(struct pfs_tree *tree, const struct pfs_kind *kind, const char *name)
{
	const struct extras *extras = extras_of(tree, kind);
	unsigned index = field_by_name(kind, name);

	for (size_t i = 0; !index && i < FIXED_COUNT; i++) {
		if (!strcmp(fixed[i].name, name))
			return fixed[i].index;
	}
	for (size_t i = 0; !index && i < extras->count; i++) {
		if (!strcmp(extras->all[i].name, name))
			index = FILE_EXTRA + (unsigned)i;
	}
	return index;
}

const char *pfs_file_name(struct pfs_tree *tree, const struct pfs_kind *kind, unsigned index)
{
	if (index >= FILE_RAW && index <= FILE_WAIT)
		return fixed[index - FILE_RAW].name;
	if (index >= FILE_EXTRA)
		return extras_of(tree, kind)->all[index - FILE_EXTRA].name;
	return kind->fields[index - FILE_FIELD];
}

/* --- keys that the table doesn't know ------------------------------------------------------ */

static bool is_taken(struct pfs_tree *tree, const struct pfs_kind *kind, const char *name)
{
	for (size_t i = 0; i < FIXED_COUNT; i++) {
		if (!strcmp(fixed[i].name, name))
			return true;
	}
	return pfs_file_by_name(tree, kind, name) != 0;
}

/* The key with all but [A-Za-z0-9._-] made _, and told apart from names that are taken. */
static char *safe_name(struct pfs_tree *tree, const struct pfs_kind *kind, const char *key)
{
	char name[NAME_LONGEST + 1];
	int length = snprintf(name, sizeof(name) - 3, "%s", *key ? key : "_");

	if (length > (int)sizeof(name) - 4)
		length = (int)sizeof(name) - 4;
	for (int i = 0; i < length; i++) {
		if (!pfs_is_object_id(&name[i], 1) && (name[i] != '.' || i == 0))
			name[i] = '_';
	}
	for (unsigned n = 2; is_taken(tree, kind, name) && n < 100; n++)
		(void)snprintf(name + length, 4, "_%u", n);
	return is_taken(tree, kind, name) ? NULL : strdup(name);
}

static const struct extra *extra_by_key(const struct extras *extras, const char *key)
{
	for (size_t i = 0; i < extras->count; i++) {
		if (!strcmp(extras->all[i].key, key))
			return &extras->all[i];
	}
	return NULL;
}

static bool is_scalar(const struct pfs_json_value *value)
{
	return value->type != PFS_JSON_OBJECT && value->type != PFS_JSON_ARRAY &&
	       value->type != PFS_JSON_NULL;
}

void pfs_file_learn(struct pfs_tree *tree, const struct pfs_kind *kind,
		    const struct pfs_content *content)
{
	struct extras *extras = extras_of(tree, kind);
	struct pfs_json_value value;
	struct pfs_json_walk walk;
	int more = pfs_json_open(&walk, content->bytes, content->length);

	while (!more && (more = pfs_json_next(&walk, &value)) == 1) {
		struct extra extra;

		more = 0;
		if (!is_scalar(&value) || field_by_name(kind, value.key) ||
		    extra_by_key(extras, value.key) || extras->count == EXTRA_MAX)
			continue;
		extra.key = strdup(value.key);
		extra.name = safe_name(tree, kind, value.key);
		if (extra.key && extra.name) {
			extras->all[extras->count++] = extra;
		} else {
			free(extra.key);
			free(extra.name);
		}
	}
	pfs_json_close(&walk);
}

void pfs_extras_finish(struct extras *extras)
{
	for (size_t i = 0; i < extras->count; i++) {
		free(extras->all[i].key);
		free(extras->all[i].name);
	}
}

/* --- contents ------------------------------------------------------------------------------ */

/* A value and a newline; nothing at all for null. What isn't a string is shown as it was sent. */
static void add_value(const struct pfs_json_value *value, struct pfs_buffer *buffer)
{
	if (value->type == PFS_JSON_NULL)
		return;
	if (value->type == PFS_JSON_STRING)
		(void)pfs_buffer_add_string(buffer, value->string);
	else
		(void)pfs_buffer_add(buffer, value->raw, value->raw_length);
	(void)pfs_buffer_add_string(buffer, "\n");
}

static int render_member(const struct pfs_content *content, const char *key, bool must_be_there,
			 struct pfs_buffer *buffer)
{
	struct pfs_json_found found;
	int error = 0;

	/* It was readable when it came: what fails now is memory. */
	if (pfs_json_pick(content->bytes, content->length, key, &found))
		return -ENOMEM;
	if (must_be_there && !is_scalar(&found.value))
		error = -ENOENT;
	else
		add_value(&found.value, buffer);
	pfs_json_found_finish(&found);
	return error ? error : buffer->error;
}

static int render(struct pfs_tree *tree, const struct pfs_kind *kind,
		  const struct pfs_content *content, unsigned index, struct pfs_buffer *buffer)
{
	const struct extras *extras = extras_of(tree, kind);

	if (index == FILE_DONE || index == FILE_WAIT)
		return content->terminal ? render_member(content, kind->status_key, true, buffer)
					 : -ENOENT;
	if (index >= FILE_EXTRA && index - FILE_EXTRA < extras->count)
		return render_member(content, extras->all[index - FILE_EXTRA].key, true, buffer);
	if (index >= FILE_FIELD && index - FILE_FIELD < field_count(kind))
		return render_member(content, kind->fields[index - FILE_FIELD], false, buffer);
	return -ENOENT;
}

int pfs_file_read(struct pfs_tree *tree, const struct pfs_kind *kind,
		  const struct pfs_content *content, unsigned index, struct pfs_buffer *scratch,
		  struct pfs_slice *ret_bytes)
{
	int error;

	if (index == FILE_RAW) {
		*ret_bytes = (struct pfs_slice){content->bytes, content->length};
		return 0;
	}
	pfs_buffer_clear(scratch);
	error = render(tree, kind, content, index, scratch);
	if (!error)
		*ret_bytes = (struct pfs_slice){scratch->bytes, scratch->length};
	return error;
}

/* Is there such a file in this content's listing? Cheap for those that always are. */
static bool exists(struct pfs_tree *tree, const struct pfs_kind *kind,
		   const struct pfs_content *content, unsigned index)
{
	struct pfs_slice bytes;

	if (index < FILE_EXTRA)
		return index == FILE_RAW || index == FILE_EVENTS ||
		       (index == FILE_DONE && content->terminal) ||
		       index - FILE_FIELD < field_count(kind);
	if (index - FILE_EXTRA >= extras_of(tree, kind)->count)
		return false;
	return !pfs_file_read(tree, kind, content, index, &tree->scratch, &bytes);
}

unsigned pfs_file_next(struct pfs_tree *tree, const struct pfs_kind *kind,
		       const struct pfs_content *content, unsigned index)
{
	while (++index < FILE_END) {
		if (exists(tree, kind, content, index))
			return index;
	}
	return 0;
}
