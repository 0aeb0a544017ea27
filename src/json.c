/* SPDX-License-Identifier: MIT */
/*
 * cJSON parses values but forgets where they stood and how numbers were written. So the walk reads
 * only the punctuation of one object or array by itself, and lets cJSON parse each key and each
 * value at the place where it begins; where cJSON stopped is where the value's bytes end.
 *
 * Rejected: a tokenizer of our own (another JSON parser to get wrong), and parsing the whole
 * document into cJSON's tree (64 bytes a value, and the bytes are lost).
 */
#include "json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

/*
 * The byte after a string that begins at text, or NULL if it doesn't end. Nearly all bytes of a
 * document are in strings without a backslash, and memchr(3) is faster than a loop.
 */
static const char *skip_string(const char *text, const char *end)
{
	for (text++; text < end; text++) {
		const char *quote = memchr(text, '"', (size_t)(end - text));
		const char *escape = quote ? memchr(text, '\\', (size_t)(quote - text)) : NULL;

		if (!quote)
			return NULL;
		if (!escape)
			return quote + 1;
		text = escape + 1; /* what it escapes is stepped over */
	}
	return NULL;
}

int pfs_json_check(const char *text, size_t length)
{
	const char *end = text + length;
	char open[PFS_JSON_DEPTH];
	size_t depth = 0, values = 0;

	/* cJSON would end a string there. */
	if (memchr(text, '\0', length))
		return -EBADMSG;
	while (text < end) {
		if (*text == '"') {
			text = skip_string(text, end);
			if (!text)
				return -EBADMSG;
			continue;
		}
		if (*text == '{' || *text == '[') {
			if (depth == PFS_JSON_DEPTH)
				return -EBADMSG;
			open[depth++] = *text == '{' ? '}' : ']';
			values++;
		} else if (*text == '}' || *text == ']') {
			if (!depth || open[--depth] != *text)
				return -EBADMSG;
		} else if (*text == ',') {
			values++;
		}
		if (values > PFS_JSON_VALUES)
			return -EFBIG;
		text++;
	}
	return depth ? -EBADMSG : 0;
}

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_space(struct pfs_json_walk *walk)
{
	while (walk->cursor < walk->end && is_space(*walk->cursor))
		walk->cursor++;
}

/* Is this byte next? Then step over it. */
static bool take(struct pfs_json_walk *walk, char byte)
{
	skip_space(walk);
	if (walk->cursor == walk->end || *walk->cursor != byte)
		return false;
	walk->cursor++;
	return true;
}

int pfs_json_open(struct pfs_json_walk *walk, const char *text, size_t length)
{
	*walk = (struct pfs_json_walk){.cursor = text, .end = text + length};
	if (take(walk, '{'))
		walk->type = PFS_JSON_OBJECT;
	else if (take(walk, '['))
		walk->type = PFS_JSON_ARRAY;
	else
		return -EBADMSG;
	return 0;
}

/* A NUL in a decoded string would cut it short without a word. */
static bool says_nul(const char *raw, size_t length)
{
	if (!memchr(raw, '\\', length))
		return false;
	for (size_t i = 0; i + 5 < length; i++) {
		if (raw[i] != '\\')
			continue;
		if (!memcmp(raw + i + 1, "u0000", 5))
			return true;
		i++;
	}
	return false;
}

/*
 * Let cJSON parse what begins at the cursor. The item is the caller's. It would skip control bytes
 * and a byte order mark that JSON doesn't allow there, and then they would be among the value's.
 */
static cJSON *parse_here(struct pfs_json_walk *walk, const char **ret_raw, size_t *ret_length)
{
	const char *stop = NULL;
	cJSON *item;

	skip_space(walk);
	if (walk->cursor == walk->end || !*walk->cursor ||
	    !strchr("\"{[-0123456789tfn", *walk->cursor))
		return NULL;
	item = cJSON_ParseWithLengthOpts(walk->cursor, (size_t)(walk->end - walk->cursor), &stop,
					 0);
	if (!item)
		return NULL;
	*ret_raw = walk->cursor;
	*ret_length = (size_t)(stop - walk->cursor);
	walk->cursor = stop;
	if (cJSON_IsString(item) && says_nul(*ret_raw, *ret_length)) {
		cJSON_Delete(item);
		return NULL;
	}
	return item;
}

/* The byte after the object or array that begins at text: pfs_json_check saw that it ends. */
static const char *skip_compound(const char *text, const char *end)
{
	size_t depth = 0;

	while (text && text < end) {
		if (*text == '"') {
			text = skip_string(text, end);
			continue;
		}
		if (*text == '{' || *text == '[')
			depth++;
		else if ((*text == '}' || *text == ']') && --depth == 0)
			return text + 1;
		text++;
	}
	return NULL;
}

static int next_shallow(struct pfs_json_walk *walk, struct pfs_json_value *ret_value)
{
	const char *raw = walk->cursor;
	const char *stop = skip_compound(raw, walk->end);

	if (!stop)
		return -EBADMSG;
	*ret_value = (struct pfs_json_value){
		.type = *raw == '{' ? PFS_JSON_OBJECT : PFS_JSON_ARRAY,
		.key = walk->key ? cJSON_GetStringValue(walk->key) : NULL,
		.raw = raw,
		.raw_length = (size_t)(stop - raw),
	};
	walk->cursor = stop;
	return 1;
}

static enum pfs_json_type type_of(const cJSON *item)
{
	if (cJSON_IsBool(item))
		return PFS_JSON_BOOLEAN;
	if (cJSON_IsNumber(item))
		return PFS_JSON_NUMBER;
	if (cJSON_IsString(item))
		return PFS_JSON_STRING;
	if (cJSON_IsObject(item))
		return PFS_JSON_OBJECT;
	return cJSON_IsArray(item) ? PFS_JSON_ARRAY : PFS_JSON_NULL;
}

static void drop_items(struct pfs_json_walk *walk)
{
	cJSON_Delete(walk->key);
	cJSON_Delete(walk->value);
	walk->key = walk->value = NULL;
}

/* The end was reached: nothing may follow. */
static int at_end(struct pfs_json_walk *walk)
{
	skip_space(walk);
	return walk->cursor == walk->end ? 0 : -EBADMSG;
}

int pfs_json_next(struct pfs_json_walk *walk, struct pfs_json_value *ret_value)
{
	bool object = walk->type == PFS_JSON_OBJECT, first = !walk->begun;
	const char *raw = NULL;
	size_t length = 0;

	drop_items(walk);
	walk->begun = true;
	if (take(walk, object ? '}' : ']'))
		return at_end(walk);
	if (!first && !take(walk, ','))
		return -EBADMSG;
	if (object) {
		walk->key = parse_here(walk, &raw, &length);
		if (!cJSON_IsString((cJSON *)walk->key) || !take(walk, ':'))
			return -EBADMSG;
	}
	skip_space(walk);
	if (walk->shallow && walk->cursor < walk->end &&
	    (*walk->cursor == '{' || *walk->cursor == '['))
		return next_shallow(walk, ret_value);
	walk->value = parse_here(walk, &raw, &length);
	if (!walk->value)
		return -EBADMSG;
	*ret_value = (struct pfs_json_value){
		.type = type_of(walk->value),
		.key = object ? cJSON_GetStringValue(walk->key) : NULL,
		.string = cJSON_GetStringValue(walk->value),
		.raw = raw,
		.raw_length = length,
	};
	return 1;
}

void pfs_json_close(struct pfs_json_walk *walk)
{
	drop_items(walk);
}

int pfs_json_find(const char *text, size_t length, const char *key,
		  struct pfs_json_found *ret_found)
{
	struct pfs_json_found found = {0};
	struct pfs_json_value value;
	struct pfs_json_walk walk;
	int more = pfs_json_open(&walk, text, length);

	if (!more && walk.type != PFS_JSON_OBJECT)
		more = -EBADMSG;
	while (!more && (more = pfs_json_next(&walk, &value)) == 1) {
		more = 0;
		if (strcmp(value.key, key) != 0)
			continue;
		cJSON_Delete(found.owner);
		found.owner = walk.value;
		found.value = value;
		found.value.key = NULL;
		walk.value = NULL;
	}
	pfs_json_close(&walk);
	if (more < 0) {
		cJSON_Delete(found.owner);
		return more;
	}
	*ret_found = found;
	return 0;
}

/* The byte after the value that begins at text. */
static const char *skip_value(const char *text, const char *end)
{
	if (text < end && *text == '"')
		return skip_string(text, end);
	if (text < end && (*text == '{' || *text == '['))
		return skip_compound(text, end);
	while (text < end && *text != ',' && *text != '}' && !is_space(*text))
		text++;
	return text;
}

/* Does this string, quotes and all, say key? Escapes only make it longer. */
static bool says(const char *raw, size_t length, const char *key, size_t key_length)
{
	cJSON *item;
	bool same;

	if (length < key_length + 2)
		return false;
	if (!memchr(raw, '\\', length))
		return length == key_length + 2 && !memcmp(raw + 1, key, key_length);
	item = cJSON_ParseWithLength(raw, length);
	same = item && cJSON_IsString(item) && !strcmp(cJSON_GetStringValue(item), key);
	cJSON_Delete(item);
	return same;
}

/* A member as it stands in the text; the key with its quotes. */
struct member {
	const char *key;
	size_t key_length;
	const char *value;
	size_t length;
};

/* Step over one member. 1: that is it; 0: the object has ended; -EBADMSG. */
static int step(struct pfs_json_walk *walk, struct member *ret_member)
{
	const char *key, *stop, *value;

	if (take(walk, '}'))
		return at_end(walk);
	if (walk->begun && !take(walk, ','))
		return -EBADMSG;
	walk->begun = true;
	skip_space(walk);
	key = walk->cursor;
	stop = key < walk->end && *key == '"' ? skip_string(key, walk->end) : NULL;
	if (!stop)
		return -EBADMSG;
	walk->cursor = stop;
	if (!take(walk, ':'))
		return -EBADMSG;
	skip_space(walk);
	value = walk->cursor;
	walk->cursor = skip_value(value, walk->end);
	if (!walk->cursor)
		return -EBADMSG;
	*ret_member = (struct member){
		.key = key,
		.key_length = (size_t)(stop - key),
		.value = value,
		.length = (size_t)(walk->cursor - value),
	};
	return 1;
}

int pfs_json_pick(const char *text, size_t length, const char *key,
		  struct pfs_json_found *ret_found)
{
	struct pfs_json_found found = {0};
	struct pfs_json_walk walk;
	struct member member;
	const char *last = NULL;
	size_t key_length = strlen(key);
	int more = pfs_json_open(&walk, text, length);
	cJSON *item;

	if (!more && walk.type != PFS_JSON_OBJECT)
		more = -EBADMSG;
	while (!more && (more = step(&walk, &member)) == 1) {
		more = 0;
		if (says(member.key, member.key_length, key, key_length))
			last = member.value;
	}
	if (more)
		return more;
	if (last) {
		walk.cursor = last;
		item = parse_here(&walk, &found.value.raw, &found.value.raw_length);
		if (!item)
			return -EBADMSG;
		found.owner = item;
		found.value.type = type_of(item);
		found.value.string = cJSON_GetStringValue(item);
	}
	*ret_found = found;
	return 0;
}

int pfs_json_open_pair(struct pfs_json_pair *pair, const char *a, size_t a_length, const char *b,
		       size_t b_length)
{
	int error = pfs_json_open(&pair->a, a, a_length);
	int other = pfs_json_open(&pair->b, b, b_length);

	if (error || other || pair->a.type != PFS_JSON_OBJECT || pair->b.type != PFS_JSON_OBJECT)
		return -EBADMSG;
	return 0;
}

/* Parse a member that was stepped over; what it says belongs to the walk. */
static int parse_member(struct pfs_json_walk *walk, const struct member *member,
			struct pfs_json_value *ret_value)
{
	const char *after = walk->cursor, *raw;
	size_t length;

	walk->cursor = member->key;
	walk->key = parse_here(walk, &raw, &length);
	walk->cursor = member->value;
	walk->value = parse_here(walk, &raw, &length);
	walk->cursor = after;
	if (!walk->key || !walk->value)
		return -EBADMSG;
	*ret_value = (struct pfs_json_value){
		.type = type_of(walk->value),
		.key = cJSON_GetStringValue(walk->key),
		.string = cJSON_GetStringValue(walk->value),
		.raw = raw,
		.raw_length = length,
	};
	return 0;
}

int pfs_json_next_pair(struct pfs_json_pair *pair, struct pfs_json_value *ret_a,
		       struct pfs_json_value *ret_b)
{
	struct member a, b;

	drop_items(&pair->a);
	drop_items(&pair->b);
	for (;;) {
		int more = step(&pair->a, &a), other = step(&pair->b, &b);

		if (more < 0 || other < 0)
			return -EBADMSG;
		if (more != other)
			return -EAGAIN;
		if (!more)
			return 0;
		if (a.key_length != b.key_length || memcmp(a.key, b.key, a.key_length) != 0)
			return -EAGAIN;
		if (a.length != b.length || memcmp(a.value, b.value, a.length) != 0)
			break;
	}
	if (parse_member(&pair->a, &a, ret_a) || parse_member(&pair->b, &b, ret_b))
		return -EBADMSG;
	return 1;
}

void pfs_json_close_pair(struct pfs_json_pair *pair)
{
	drop_items(&pair->a);
	drop_items(&pair->b);
}

void pfs_json_found_finish(struct pfs_json_found *found)
{
	cJSON_Delete(found->owner);
	*found = (struct pfs_json_found){0};
}

bool pfs_json_is_only(const char *text, size_t length, const char *key)
{
	struct pfs_json_walk walk;
	struct member member;
	unsigned count = 0;
	int more = pfs_json_open(&walk, text, length);

	while (!more && (more = step(&walk, &member)) == 1) {
		more = 0;
		count += says(member.key, member.key_length, key, strlen(key));
	}
	return !more && count == 1;
}
