/* SPDX-License-Identifier: MIT */
/*
 * json: a document parsed once: its bytes, and a table of the values in them. Reading values from
 * the table allocates nothing and can't fail. Knows nothing of what a document is about, and
 * changes none.
 *
 * A document is an object or an array as in RFC 8259, and pinefs is as lenient as the other tools
 * that its users have: a string may contain any bytes but an unescaped quote and NUL; a number may
 * begin with a zero (007), may begin or end with its point (-.5, 1.), and may have any length.
 *
 * May include text.
 */
#ifndef PINEFS_JSON_H
#define PINEFS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PFS_JSON_DEPTH	64			   /* levels of { and [ */
#define PFS_JSON_VALUES 262144			   /* values in one document */
#define PFS_JSON_LENGTH ((size_t)64 * 1024 * 1024) /* bytes of one document */

enum pfs_json_type {
	PFS_JSON_NULL, /* null, or no value at all */
	PFS_JSON_BOOLEAN,
	PFS_JSON_NUMBER,
	PFS_JSON_STRING,
	PFS_JSON_OBJECT,
	PFS_JSON_ARRAY,
};

struct pfs_json_entry; /* 20 bytes a value; the room's own */

struct pfs_json {
	const char *bytes; /* as sent */
	uint32_t length;
	uint32_t count; /* of entries */
	uint32_t decoded_length;
	const struct pfs_json_entry *entries;
	const char *decoded; /* the text of all strings that have escapes, one after the other */
};

/* One value of a document: cheap to copy, valid as long as the document. Zeroed: no value. */
struct pfs_json_value {
	enum pfs_json_type type;
	bool is_shadowed; /* a later member of the object has the same key: that one counts */
	const char *key;  /* of a member, decoded, not NUL-terminated; NULL: not a member */
	size_t key_length;
	const char *text; /* of a string, what it says, decoded; of any other value, its bytes as
			   * sent. Not NUL-terminated; NULL: no value */
	size_t length;

	/* The room's own. */
	const struct pfs_json *json;
	uint32_t index;
};

/*
 * Parse a document. levels: how many levels the table covers, PFS_JSON_DEPTH for a whole document;
 * of a deeper value only brackets and quotes are checked. The bytes are borrowed for the life of
 * the document. The caller finishes it.
 *
 * 0. -EBADMSG: not a document as above; levels in the table that are deeper than PFS_JSON_DEPTH; a
 * NUL byte in it; or an escaped NUL in a string or a key of the outermost level, which no file
 * could show truly. -EFBIG: more than PFS_JSON_VALUES values, or PFS_JSON_LENGTH bytes. -ENOMEM.
 */
int pfs_json_parse(const char *bytes, size_t length, unsigned levels, struct pfs_json *ret_json);
void pfs_json_finish(struct pfs_json *json); /* takes a zeroed one */

/*
 * Copy a document, with its table and a NUL behind its bytes, to the caller's memory: pfs_json_size
 * bytes, aligned as uint32_t. The copy must not be finished.
 */
size_t pfs_json_size(const struct pfs_json *json);
void pfs_json_copy(const struct pfs_json *json, void *memory, struct pfs_json *ret_json);

/* The object or array that is the whole document. */
struct pfs_json_value pfs_json_whole(const struct pfs_json *json);

/*
 * Move value on to the next member of an object or element of an array, in the order sent; from a
 * zeroed value to the first. A key that was sent twice comes twice. False at the end; value is then
 * zeroed.
 */
bool pfs_json_next(const struct pfs_json_value *parent, struct pfs_json_value *value);

/* The member with this key; of several the last one, which every client of the API reads. */
struct pfs_json_value pfs_json_member(const struct pfs_json_value *object, const char *key);

/*
 * The value at a path: keys with dots between them, "spec.serverless.cloud". A key "*" before
 * others is any member's: "schema.fields.*.dimension" is the one value that is there, and null if
 * several members have one.
 */
struct pfs_json_value pfs_json_at(const struct pfs_json *json, const char *path);

/* Is this the member's key? Is the value this string? */
bool pfs_json_is_key(const struct pfs_json_value *member, const char *key);
bool pfs_json_says(const struct pfs_json_value *value, const char *string);

/* 1: *ret_string is what a string says; the caller frees it. 0: the value is no string, or one with
 * a NUL in it. -ENOMEM. */
int pfs_json_strdup(const struct pfs_json_value *value, char **ret_string);

/* Do two values have the same type and the same text? */
bool pfs_json_is_equal(const struct pfs_json_value *a, const struct pfs_json_value *b);

/*
 * Visit each key that a or b has, with its value in both: first the keys of a in its order, then
 * those that only b has in its own. Of a key that was sent twice the last counts; null is the same
 * as absent. A visit that returns false ends this. 0, then too; -ENOMEM: no key was visited.
 */
typedef bool pfs_json_visit(void *arg, const struct pfs_json_value *a,
			    const struct pfs_json_value *b);
int pfs_json_each_pair(const struct pfs_json_value *a, const struct pfs_json_value *b,
		       pfs_json_visit *visit, void *arg);

/* Do two values say the same? See pfs_json_same. */
bool pfs_json_is_same(const struct pfs_json_value *a, const struct pfs_json_value *b);

/*
 * Do two documents say the same? White space, the order of keys, escapes in strings, and members
 * that are null don't count; numbers are compared as they were sent. Without memory to find out,
 * false.
 */
bool pfs_json_same(const struct pfs_json *a, const struct pfs_json *b);

#endif
