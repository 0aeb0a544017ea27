/* SPDX-License-Identifier: MIT */
/*
 * The table of a document against what cJSON reads of it: two texts, cut at the byte 0x1e.
 *
 * Holds: each takes what the other takes, but for what is said at cjson_differs(). Of a good
 * document both tell the same values, in the same order, and the same one by its key; a copy of
 * the table tells the same; and a table of fewer levels, too. Saying the same is symmetric, true
 * of one and the same, and what two trees of cJSON say. And whatever they are, nothing is read
 * beyond their end.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "pinefs/json.h"

/* One text, in memory of just its length, so that a sanitizer sees who reads on. */
struct text {
	char *bytes;
	size_t length;
	struct pfs_json json; /* zeroed unless it is good */
	cJSON *tree;
};

/* --- what is good -------------------------------------------------------------------------- */

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool is_hex(const char *text, const char *end)
{
	return end - text >= 4 &&
	       strspn(text, "0123456789abcdefABCDEF") >= 4; /* the text has a NUL behind it */
}

enum verdict {
	CJSON_IS_RIGHT, /* it is good if cJSON takes it */
	NEVER_GOOD,	/* whatever cJSON says */
	UNKNOWN,	/* versions of cJSON differ */
};

/* At a backslash, in a string at this depth. */
static enum verdict escape_differs(const char *text, const char *end, unsigned depth)
{
	if (text[1] != 'u')
		return CJSON_IS_RIGHT;
	/* cJSON takes four other bytes for the code 0. */
	if (!is_hex(text + 2, end))
		return NEVER_GOOD;
	return depth <= 1 && !strncmp(text + 2, "0000", 4) ? NEVER_GOOD : CJSON_IS_RIGHT;
}

/*
 * cJSON knows nothing of our bounds, takes any control byte for white space, and a byte order mark
 * for nothing; and has its own mind about \u and NUL. Before 1.7.19 it reads 63 bytes of a number.
 */
static enum verdict cjson_differs(const char *text, size_t length)
{
	const char *end = text + length;
	unsigned depth = 0, digits = 0;
	bool in_string = false;

	if (memchr(text, '\0', length))
		return NEVER_GOOD;
	for (; text < end; text++) {
		enum verdict verdict = CJSON_IS_RIGHT;

		if (in_string) {
			if (*text == '\\' && text + 1 < end) {
				verdict = escape_differs(text, end, depth);
				text++;
			} else if (*text == '"') {
				in_string = false;
			}
		} else if (((unsigned char)*text < ' ' && !is_space(*text)) || *text == '\xef') {
			verdict = NEVER_GOOD;
		} else if (*text == '{' || *text == '[') {
			verdict = ++depth > PFS_JSON_DEPTH ? NEVER_GOOD : CJSON_IS_RIGHT;
		} else if (*text == '}' || *text == ']') {
			depth -= depth > 0;
		} else if (*text == '"') {
			in_string = true;
		}
		digits = !in_string && strchr("0123456789+-eE.", *text) ? digits + 1 : 0;
		if (verdict != CJSON_IS_RIGHT)
			return verdict;
		if (digits > 63)
			return UNKNOWN;
	}
	return CJSON_IS_RIGHT;
}

/* Nothing but white space follows, and it is an object or array. */
static cJSON *read_by_cjson(const char *text, size_t length)
{
	const char *stop = NULL, *end = text + length;
	cJSON *tree = cJSON_ParseWithLengthOpts(text, length, &stop, 0);

	while (tree && stop < end && is_space(*stop))
		stop++;
	if (tree && stop == end && (cJSON_IsObject(tree) || cJSON_IsArray(tree)))
		return tree;
	cJSON_Delete(tree);
	return NULL;
}

static void take(struct text *text, struct slice slice)
{
	char *string = malloc(slice.length + 1);
	enum verdict verdict;
	int error;

	*text = (struct text){.bytes = malloc(slice.length ? slice.length : 1)};
	must(text->bytes && string);
	if (slice.length)
		memcpy(text->bytes, slice.bytes, slice.length);
	memcpy(string, text->bytes, slice.length);
	string[slice.length] = '\0';
	text->length = slice.length;
	text->tree = read_by_cjson(text->bytes, text->length);
	error = pfs_json_parse(text->bytes, text->length, PFS_JSON_DEPTH, &text->json);
	must(!error || error == -EBADMSG);
	verdict = cjson_differs(string, slice.length);
	free(string);
	if (verdict == NEVER_GOOD)
		must(error);
	else if (verdict == CJSON_IS_RIGHT)
		must(!error == !!text->tree);
}

static void drop(struct text *text)
{
	pfs_json_finish(&text->json);
	cJSON_Delete(text->tree);
	free(text->bytes);
}

/* --- what it says -------------------------------------------------------------------------- */

/* A C string of cJSON ends at the first NUL that it says. */
static bool is_string(const char *ours, size_t length, const char *theirs)
{
	size_t their_length = strlen(theirs);

	return their_length <= length && !memcmp(ours, theirs, their_length) &&
	       (their_length == length || !ours[their_length]);
}

static bool is_type(enum pfs_json_type type, const cJSON *item)
{
	return (type == PFS_JSON_NULL && cJSON_IsNull(item)) ||
	       (type == PFS_JSON_BOOLEAN && cJSON_IsBool(item)) ||
	       (type == PFS_JSON_NUMBER && cJSON_IsNumber(item)) ||
	       (type == PFS_JSON_STRING && cJSON_IsString(item)) ||
	       (type == PFS_JSON_OBJECT && cJSON_IsObject(item)) ||
	       (type == PFS_JSON_ARRAY && cJSON_IsArray(item));
}

/* The bytes of a number or an object are just those that say it. */
static void check_bytes(const struct pfs_json_value *value, const cJSON *item)
{
	const char *stop = NULL;
	cJSON *again = cJSON_ParseWithLengthOpts(value->text, value->length, &stop, 0);

	must(again && stop == value->text + value->length);
	must(again->type == item->type);
	must(!cJSON_IsNumber(item) ||
	     !memcmp(&again->valuedouble, &item->valuedouble, sizeof(item->valuedouble)));
	cJSON_Delete(again);
}

/* By its key: of several the last, unless cJSON cut one of their keys. */
static void check_member(const struct pfs_json_value *object, const struct pfs_json_value *member)
{
	struct pfs_json_value other = {0}, last = {0}, found;
	char *key;

	while (pfs_json_next(object, &other)) {
		if (other.key_length == member->key_length &&
		    !memcmp(other.key, member->key, member->key_length))
			last = other;
	}
	must(member->is_shadowed == (last.index != member->index));
	if (memchr(member->key, '\0', member->key_length))
		return;
	key = slice_string((struct slice){member->key, member->key_length});
	found = pfs_json_member(object, key);
	must(found.index == last.index && found.text == last.text);
	free(key);
}

static void check_value(const struct pfs_json_value *value, const cJSON *item)
{
	struct pfs_json_value inner = {0};
	const cJSON *child = item->child;
	unsigned count = 0;

	must(is_type(value->type, item));
	if (value->type == PFS_JSON_STRING)
		must(is_string(value->text, value->length, item->valuestring));
	else
		check_bytes(value, item);
	for (; pfs_json_next(value, &inner); child = child->next) {
		must(child && !inner.key == !child->string);
		if (inner.key)
			must(is_string(inner.key, inner.key_length, child->string));
		if (inner.key && count++ < 100)
			check_member(value, &inner);
		check_value(&inner, child);
	}
	must(!child);
}

/* The same values from two tables, as deep as both go. */
static void check_alike(const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	struct pfs_json_value in_a = {0}, in_b = {0};

	must(a->type == b->type && a->length == b->length && a->key_length == b->key_length);
	must(!memcmp(a->text, b->text, a->length) && a->is_shadowed == b->is_shadowed);
	must(!a->key == !b->key && (!a->key || !memcmp(a->key, b->key, a->key_length)));
	while (pfs_json_next(b, &in_b)) {
		must(pfs_json_next(a, &in_a));
		check_alike(&in_a, &in_b);
	}
}

static void check_document(const struct text *text)
{
	const struct pfs_json_value whole = pfs_json_whole(&text->json);
	struct pfs_json_value other;
	struct pfs_json copy, fewer;
	void *memory = malloc(pfs_json_size(&text->json));

	if (text->tree)
		check_value(&whole, text->tree);
	must(memory);
	pfs_json_copy(&text->json, memory, &copy);
	must(copy.count == text->json.count && copy.bytes[copy.length] == '\0');
	other = pfs_json_whole(&copy);
	check_alike(&whole, &other);
	free(memory);
	for (unsigned levels = 1; levels <= 2; levels++) {
		must(!pfs_json_parse(text->bytes, text->length, levels, &fewer));
		other = pfs_json_whole(&fewer);
		check_alike(&whole, &other);
		pfs_json_finish(&fewer);
	}
}

/* --- two of them --------------------------------------------------------------------------- */

static bool says_same(const cJSON *a, const cJSON *b, bool *ret_sure);

/* The last member of this key that isn't null. */
static const cJSON *last_member(const cJSON *object, const char *key)
{
	const cJSON *found = NULL, *child;

	for (child = object->child; child; child = child->next) {
		if (!strcmp(child->string, key))
			found = child;
	}
	return found && !cJSON_IsNull(found) ? found : NULL;
}

/* Each value is compared once: 64 levels of twice are too many. */
static bool says_same_object(const cJSON *a, const cJSON *b, bool *ret_sure)
{
	for (const cJSON *child = b->child; child; child = child->next) {
		if (!last_member(a, child->string) != !last_member(b, child->string))
			return false;
	}
	for (const cJSON *child = a->child; child; child = child->next) {
		const cJSON *other = last_member(b, child->string);

		if (child != last_member(a, child->string))
			continue;
		if (!other || !says_same(child, other, ret_sure))
			return false;
	}
	return true;
}

static bool says_same_array(const cJSON *a, const cJSON *b, bool *ret_sure)
{
	const cJSON *in_a = a->child, *in_b = b->child;

	for (; in_a && in_b; in_a = in_a->next, in_b = in_b->next) {
		if (!says_same(in_a, in_b, ret_sure))
			return false;
	}
	return !in_a && !in_b;
}

/* As their trees say; sure: unless two numbers were compared, which may be written otherwise. */
static bool says_same(const cJSON *a, const cJSON *b, bool *ret_sure)
{
	if (a->type != b->type)
		return false;
	if (cJSON_IsString(a))
		return !strcmp(a->valuestring, b->valuestring);
	if (cJSON_IsArray(a))
		return says_same_array(a, b, ret_sure);
	if (cJSON_IsObject(a))
		return says_same_object(a, b, ret_sure);
	if (!cJSON_IsNumber(a))
		return true;
	*ret_sure = false;
	return !memcmp(&a->valuedouble, &b->valuedouble, sizeof(a->valuedouble));
}

/* Small and flat enough for comparing each with each, and without a NUL that cuts a string. */
static bool is_comparable(const struct text *text)
{
	return text->tree && text->length < 400 && !memmem(text->bytes, text->length, "u0000", 5);
}

static void check_pair(const struct text *a, const struct text *b)
{
	bool same = pfs_json_same(&a->json, &b->json), sure = true;

	must(pfs_json_same(&a->json, &a->json));
	must(same == pfs_json_same(&b->json, &a->json));
	if (!is_comparable(a) || !is_comparable(b))
		return;
	if (says_same(a->tree, b->tree, &sure))
		must(same || !sure);
	else
		must(!same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size}, a = {"", 0}, b = {"", 0};
	struct text texts[2];

	(void)slice_next(&rest, 0x1e, &a);
	(void)slice_next(&rest, 0x1e, &b);
	take(&texts[0], a);
	take(&texts[1], b);
	for (int i = 0; i < 2; i++) {
		if (texts[i].json.bytes)
			check_document(&texts[i]);
	}
	if (texts[0].json.bytes && texts[1].json.bytes)
		check_pair(&texts[0], &texts[1]);
	drop(&texts[0]);
	drop(&texts[1]);
	return 0;
}
