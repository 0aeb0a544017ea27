/* SPDX-License-Identifier: MIT */
/*
 * Reading the table of a document. The table was made from the bytes (json_parse.c) and fits them,
 * so nothing is checked again here.
 */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *pfs_json_bytes_at(const struct pfs_json *json, uint32_t offset)
{
	return offset < json->length ? json->bytes + offset
				     : json->decoded + (offset - json->length);
}

struct pfs_json_value pfs_json_value_of(const struct pfs_json *json, uint32_t index)
{
	const struct pfs_json_entry *entry = &json->entries[index];

	return (struct pfs_json_value){
		.type = (enum pfs_json_type)entry->type,
		.is_shadowed = entry->is_shadowed,
		.key = entry->key ? pfs_json_bytes_at(json, entry->key) : NULL,
		.key_length = entry->key_length,
		.text = pfs_json_bytes_at(json, entry->text),
		.length = entry->length,
		.json = json,
		.index = index,
	};
}

struct pfs_json_value pfs_json_whole(const struct pfs_json *json)
{
	return pfs_json_value_of(json, 0);
}

bool pfs_json_next(const struct pfs_json_value *parent, struct pfs_json_value *value)
{
	const struct pfs_json_entry *entries = parent->text ? parent->json->entries : NULL;
	uint32_t index;

	if (!entries) {
		*value = (struct pfs_json_value){0};
		return false;
	}
	index = value->text ? entries[value->index].next : parent->index + 1;
	if (index >= entries[parent->index].next) {
		*value = (struct pfs_json_value){0};
		return false;
	}
	*value = pfs_json_value_of(parent->json, index);
	return true;
}

static struct pfs_json_value find(const struct pfs_json_value *object, const char *key,
				  size_t length)
{
	const struct pfs_json *json = object->json;
	uint32_t end = object->text ? json->entries[object->index].next : 0;

	for (uint32_t i = object->index + 1; i < end; i = json->entries[i].next) {
		const struct pfs_json_entry *entry = &json->entries[i];

		if (entry->key && entry->key_length == length && !entry->is_shadowed &&
		    !memcmp(pfs_json_bytes_at(json, entry->key), key, length))
			return pfs_json_value_of(json, i);
	}
	return (struct pfs_json_value){0};
}

struct pfs_json_value pfs_json_member(const struct pfs_json_value *object, const char *key)
{
	return find(object, key, strlen(key));
}

static struct pfs_json_value find_only(const struct pfs_json_value *parent, const char *path);

/* The value at a path below another; each step makes the path shorter. */
static struct pfs_json_value find_path(const struct pfs_json_value *parent, const char *path)
{
	size_t length = strcspn(path, ".");
	const char *rest = path[length] ? path + length + 1 : NULL;
	struct pfs_json_value value;

	if (rest && length == 1 && *path == '*')
		return find_only(parent, rest);
	value = find(parent, path, length);
	return rest ? find_path(&value, rest) : value;
}

/* The value that this path leads to from a member, if it leads to one from just one of them. */
static struct pfs_json_value find_only(const struct pfs_json_value *parent, const char *path)
{
	struct pfs_json_value member = {0}, only = {0};

	while (pfs_json_next(parent, &member)) {
		struct pfs_json_value value = {0};

		if (!member.is_shadowed)
			value = find_path(&member, path);
		if (value.type == PFS_JSON_NULL)
			continue;
		if (only.type != PFS_JSON_NULL)
			return (struct pfs_json_value){0};
		only = value;
	}
	return only;
}

struct pfs_json_value pfs_json_at(const struct pfs_json *json, const char *path)
{
	const struct pfs_json_value whole = pfs_json_whole(json);

	return find_path(&whole, path);
}

bool pfs_json_is_key(const struct pfs_json_value *member, const char *key)
{
	return member->key && strlen(key) == member->key_length &&
	       !memcmp(member->key, key, member->key_length);
}

bool pfs_json_says(const struct pfs_json_value *value, const char *string)
{
	return value->type == PFS_JSON_STRING && strlen(string) == value->length &&
	       !memcmp(value->text, string, value->length);
}

int pfs_json_strdup(const struct pfs_json_value *value, char **ret_string)
{
	char *string;

	if (value->type != PFS_JSON_STRING || memchr(value->text, '\0', value->length))
		return 0;
	string = malloc(value->length + 1);
	if (!string)
		return -ENOMEM;
	memcpy(string, value->text, value->length);
	string[value->length] = '\0';
	*ret_string = string;
	return 1;
}

bool pfs_json_is_equal(const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	if (a->type == PFS_JSON_NULL || a->type != b->type)
		return a->type == b->type;
	return a->length == b->length && !memcmp(a->text, b->text, a->length);
}

/* --- keeping it ---------------------------------------------------------------------------- */

void pfs_json_finish(struct pfs_json *json)
{
	free((void *)json->entries);
	free((void *)json->decoded);
	*json = (struct pfs_json){0};
}

size_t pfs_json_size(const struct pfs_json *json)
{
	return json->count * sizeof(*json->entries) + json->length + 1 + json->decoded_length;
}

void pfs_json_copy(const struct pfs_json *json, void *memory, struct pfs_json *ret_json)
{
	struct pfs_json_entry *entries = memory;
	char *bytes = (char *)(entries + json->count), *decoded = bytes + json->length + 1;

	memcpy(entries, json->entries, json->count * sizeof(*entries));
	memcpy(bytes, json->bytes, json->length);
	bytes[json->length] = '\0';
	if (json->decoded_length)
		memcpy(decoded, json->decoded, json->decoded_length);
	*ret_json = *json;
	ret_json->entries = entries;
	ret_json->bytes = bytes;
	ret_json->decoded = decoded;
}
