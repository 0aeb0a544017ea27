/* SPDX-License-Identifier: MIT */
/* The files of an object: which exist, their names, their contents. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/json.h"

/* Files that pinefs makes, the same for each kind. */
static const char *const fixed[] = {
	[FILE_RAW - FILE_RAW] = "raw.json",    [FILE_DONE - FILE_RAW] = "done",
	[FILE_EVENTS - FILE_RAW] = "events",   [FILE_WAIT - FILE_RAW] = "wait",
	[FILE_SUCCESS - FILE_RAW] = "success",
};

/*
 * Names that no key of the API gets, though there are no such files yet: a later version can then
 * have them without taking a file away from its readers.
 */
static const char *const reserved[] = {"tags", "backup", "index", "restores"};

#define FIXED_COUNT    (sizeof(fixed) / sizeof(fixed[0]))
#define RESERVED_COUNT (sizeof(reserved) / sizeof(reserved[0]))
#define NAME_LONGEST   255

static const struct extras *extras_of(const struct pfs_tree *tree, const struct pfs_kind *kind)
{
	return &tree->extras[kind->number];
}

bool pfs_file_has_restores(const struct pfs_tree *tree, const struct pfs_kind *kind)
{
	return tree->config.restores && pfs_restores_has(tree->config.restores, kind);
}

unsigned pfs_file_by_name(struct pfs_tree *tree, const struct pfs_kind *kind, const char *name)
{
	const struct extras *extras = extras_of(tree, kind);
	const struct pfs_field *field = pfs_kind_field(kind, name);

	if (field)
		return FILE_FIELD + (unsigned)(field - kind->fields);
	for (unsigned i = 0; i < FIXED_COUNT; i++) {
		if (!strcmp(fixed[i], name))
			return FILE_RAW + i;
	}
	for (unsigned i = 0; i < kind->link_count; i++) {
		if (!strcmp(kind->links[i].name, name))
			return FILE_LINK + i;
	}
	if (pfs_file_has_restores(tree, kind) && !strcmp(kind->command->directory, name))
		return FILE_RESTORES;
	for (unsigned i = 0; i < extras->count; i++) {
		if (!strcmp(extras->all[i].name, name))
			return FILE_EXTRA + i;
	}
	return 0;
}

const char *pfs_file_name(struct pfs_tree *tree, const struct pfs_kind *kind, unsigned index)
{
	if (index >= FILE_EXTRA)
		return extras_of(tree, kind)->all[index - FILE_EXTRA].name;
	if (index == FILE_RESTORES)
		return kind->command->directory;
	if (index >= FILE_LINK)
		return kind->links[index - FILE_LINK].name;
	if (index >= FILE_RAW)
		return fixed[index - FILE_RAW];
	return kind->fields[index - FILE_FIELD].name;
}

/* --- keys that the kind's row lacks -------------------------------------------------------- */

static bool is_taken(struct pfs_tree *tree, const struct pfs_kind *kind, const char *name)
{
	for (size_t i = 0; i < RESERVED_COUNT; i++) {
		if (!strcmp(reserved[i], name))
			return true;
	}
	return pfs_file_by_name(tree, kind, name) != 0;
}

/* The key with all but [A-Za-z0-9._-] made _, and a number behind it if that name is taken. */
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

/* Does this member have a file already? */
static bool is_known(const struct extras *extras, const struct pfs_kind *kind,
		     const struct pfs_json_value *member)
{
	for (size_t i = 0; i < kind->field_count; i++) {
		if (pfs_field_reach(&kind->fields[i], member) == PFS_REACH_WHOLE)
			return true;
	}
	for (size_t i = 0; i < extras->count; i++) {
		if (pfs_json_is_key(member, extras->all[i].key))
			return true;
	}
	return false;
}

static bool is_scalar(const struct pfs_json_value *value)
{
	return value->type != PFS_JSON_OBJECT && value->type != PFS_JSON_ARRAY &&
	       value->type != PFS_JSON_NULL;
}

/* Give this key an index and a name, unless memory is short or all names for it are taken. */
static void learn(struct pfs_tree *tree, const struct pfs_kind *kind,
		  const struct pfs_json_value *value)
{
	struct extras *extras = &tree->extras[kind->number];
	struct extra extra = {.key = strndup(value->key, value->key_length)};

	if (extra.key)
		extra.name = safe_name(tree, kind, extra.key);
	if (extra.name)
		extras->all[extras->count++] = extra;
	else
		free(extra.key);
}

void pfs_file_learn(struct pfs_tree *tree, const struct pfs_kind *kind,
		    const struct pfs_content *content)
{
	const struct extras *extras = extras_of(tree, kind);
	const struct pfs_json_value whole = pfs_json_whole(&content->json);
	struct pfs_json_value value = {0};

	while (extras->count < EXTRA_MAX && pfs_json_next(&whole, &value)) {
		if (is_scalar(&value) && !is_known(extras, kind, &value))
			learn(tree, kind, &value);
	}
}

void pfs_extras_finish(struct extras *extras)
{
	for (size_t i = 0; i < extras->count; i++) {
		free(extras->all[i].key);
		free(extras->all[i].name);
	}
}

/* --- contents ------------------------------------------------------------------------------ */

/* Is this one of the files that show the status of an object that has ended? */
static bool has_end_file(const struct pfs_kind *kind, const struct pfs_content *content,
			 unsigned index)
{
	if (index == FILE_DONE)
		return content->end && kind->has_done;
	return content->end && pfs_file_awaits_end(index);
}

/* Get the value that a file shows. 0; -ENOENT: this content has no such file. */
static int find_value(const struct pfs_tree *tree, const struct pfs_kind *kind,
		      const struct pfs_content *content, unsigned index,
		      struct pfs_json_value *ret_value)
{
	const struct extras *extras = extras_of(tree, kind);
	const struct pfs_json_value whole = pfs_json_whole(&content->json);

	*ret_value = (struct pfs_json_value){0};
	if (index >= FILE_FIELD && index - FILE_FIELD < kind->field_count) {
		*ret_value = pfs_field_value(&kind->fields[index - FILE_FIELD], &content->json);
		return 0;
	}
	if (has_end_file(kind, content, index)) {
		*ret_value = pfs_kind_value(kind, kind->status, &content->json);
		return 0;
	}
	if (index >= FILE_EXTRA && index - FILE_EXTRA < extras->count)
		*ret_value = pfs_json_member(&whole, extras->all[index - FILE_EXTRA].key);
	return is_scalar(ret_value) ? 0 : -ENOENT;
}

/* Append a line for each member of an object: its key, a tab, its value, escaped as in a history.
 */
static int add_map(const struct pfs_json_value *map, struct pfs_buffer *buffer)
{
	struct pfs_json_value member = {0};

	while (pfs_json_next(map, &member)) {
		if (member.is_shadowed)
			continue;
		(void)pfs_buffer_add_escaped(buffer, member.key, member.key_length);
		(void)pfs_buffer_add_string(buffer, "\t");
		if (member.type != PFS_JSON_NULL)
			(void)pfs_buffer_add_escaped(buffer, member.text, member.length);
		(void)pfs_buffer_add_string(buffer, "\n");
	}
	return buffer->error;
}

/* Append a value and a newline; nothing for null. What isn't a string is shown as it was sent. */
static int add_value(const struct pfs_json_value *value, struct pfs_buffer *buffer)
{
	if (value->type != PFS_JSON_NULL) {
		(void)pfs_buffer_add(buffer, value->text, value->length);
		(void)pfs_buffer_add_string(buffer, "\n");
	}
	return buffer->error;
}

static bool is_map(const struct pfs_kind *kind, unsigned index)
{
	return index >= FILE_FIELD && index - FILE_FIELD < kind->field_count &&
	       kind->fields[index - FILE_FIELD].is_map;
}

int pfs_file_read(struct pfs_tree *tree, const struct pfs_kind *kind,
		  const struct pfs_content *content, unsigned index, struct pfs_buffer *scratch,
		  struct pfs_slice *ret_bytes)
{
	struct pfs_json_value value;
	int error;

	if (index == FILE_RAW) {
		*ret_bytes = (struct pfs_slice){content->json.bytes, content->json.length};
		return 0;
	}
	pfs_buffer_clear(scratch);
	error = find_value(tree, kind, content, index, &value);
	if (!error)
		error = is_map(kind, index) && value.type == PFS_JSON_OBJECT
				? add_map(&value, scratch)
				: add_value(&value, scratch);
	if (!error)
		*ret_bytes = (struct pfs_slice){scratch->bytes, scratch->length};
	return error;
}

/* Is this file in the listing of this content? Cheap for the files that always are. */
static bool exists(struct pfs_tree *tree, const struct pfs_kind *kind,
		   const struct pfs_content *content, unsigned index)
{
	struct pfs_json_value value;

	if (index == FILE_RESTORES)
		return pfs_file_has_restores(tree, kind);
	if (index >= FILE_LINK && index < FILE_EXTRA)
		return pfs_link_exists(kind, content, index);
	if (index < FILE_EXTRA)
		return index == FILE_RAW || index == FILE_EVENTS ||
		       (index == FILE_DONE && has_end_file(kind, content, index)) ||
		       index - FILE_FIELD < kind->field_count;
	return !find_value(tree, kind, content, index, &value);
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
