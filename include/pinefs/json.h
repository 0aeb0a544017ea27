/* SPDX-License-Identifier: MIT */
/*
 * json: a document parsed once: its bytes, and a table of what stands where in them. Whoever has
 * the table reads values from it without memory and without failing. Knows nothing of what a
 * document is about, and changes none.
 *
 * A good document is an object or an array as RFC 8259 has it, and pinefs is as lenient as its
 * users' other tools: a string may have any bytes but an unescaped quote and NUL, and a number may
 * begin with a zero (007), begin or end with its point (-.5, 1.), and have any length.
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
	PFS_JSON_NULL, /* also what stands for a value that isn't there */
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
	const char *decoded; /* what the strings with escapes say, one after the other */
};

/* One value of a document: valid as long as that is, and cheap to copy. Zeroed, it isn't there. */
struct pfs_json_value {
	enum pfs_json_type type;
	bool is_shadowed; /* a later member of the object has the same key: that one counts */
	const char *key;  /* decoded, no NUL behind it; of a member, else NULL */
	size_t key_length;
	const char *text; /* what a string says, decoded; of all else the bytes as sent. No NUL
			   * behind it; NULL: the value isn't there */
	size_t length;

	/* The room's own. */
	const struct pfs_json *json;
	uint32_t index;
};

/*
 * Make the table. levels: values deeper than this are stepped over, and only their brackets and
 * quotes are looked at; PFS_JSON_DEPTH for a whole document. The bytes are borrowed for the life
 * of the document, which is the caller's to finish.
 *
 * 0. -EBADMSG: it isn't good, is nested deeper than PFS_JSON_DEPTH, has a NUL byte in it, or says
 * NUL in a string or a key of the outermost level, which no name could show truly. -EFBIG: more
 * than PFS_JSON_VALUES values, or PFS_JSON_LENGTH bytes. -ENOMEM.
 */
int pfs_json_parse(const char *bytes, size_t length, unsigned levels, struct pfs_json *ret_json);
void pfs_json_finish(struct pfs_json *json); /* takes one that is zeroed */

/*
 * A copy in the caller's memory, of pfs_json_size bytes and aligned as uint32_t is: table, bytes
 * with a NUL behind them, and decoded strings. It isn't to be finished.
 */
size_t pfs_json_size(const struct pfs_json *json);
void pfs_json_copy(const struct pfs_json *json, void *memory, struct pfs_json *ret_json);

/* The object or array that is the document. */
struct pfs_json_value pfs_json_whole(const struct pfs_json *json);

/*
 * Step to the next member of an object or element of an array, in the order sent; from a zeroed
 * value to the first. A key sent twice comes twice. False, and a zeroed value, at the end.
 */
bool pfs_json_next(const struct pfs_json_value *parent, struct pfs_json_value *value);

/* The member with this key; of several the last one, as every client of the API reads it. */
struct pfs_json_value pfs_json_member(const struct pfs_json_value *object, const char *key);

/* Keys of objects in objects, with dots between: "spec.serverless.cloud". */
struct pfs_json_value pfs_json_at(const struct pfs_json *json, const char *path);

/* Is it called so? Is it a string that says so? */
bool pfs_json_is_key(const struct pfs_json_value *member, const char *key);
bool pfs_json_says(const struct pfs_json_value *value, const char *string);

/* 1: a string, as a C string of the caller's. 0: something else, or it says NUL. -ENOMEM. */
int pfs_json_strdup(const struct pfs_json_value *value, char **ret_string);

/* Are both of one type, and is their text the same? */
bool pfs_json_is_equal(const struct pfs_json_value *a, const struct pfs_json_value *b);

/*
 * Visit each key that one of two objects has, with the value of both: those of a in its order,
 * then those of b alone in its own. Of a key sent twice the last one counts, and null is the same
 * as absent. The visit says whether to go on. 0, also when it said no; -ENOMEM: no key was visited.
 */
typedef bool pfs_json_visit(void *arg, const struct pfs_json_value *a,
			    const struct pfs_json_value *b);
int pfs_json_each_pair(const struct pfs_json_value *a, const struct pfs_json_value *b,
		       pfs_json_visit *visit, void *arg);

/*
 * Do two documents say the same? White space, the order of keys, escapes in strings, and members
 * that are null don't count. Numbers are compared as they were written. Without memory to find
 * out, false.
 */
bool pfs_json_same(const struct pfs_json *a, const struct pfs_json *b);

#endif
