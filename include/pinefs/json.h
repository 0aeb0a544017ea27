/* SPDX-License-Identifier: MIT */
/*
 * json: from a document's bytes to its values and the bytes each one was sent as. The only room
 * that knows cJSON; values are parsed by it one at a time, which is what tells where each begins
 * and ends in the original text.
 *
 * Nothing is changed, kept, or trusted: see pfs_json_check for the bounds. May include text.
 */
#ifndef PINEFS_JSON_H
#define PINEFS_JSON_H

#include <stdbool.h>
#include <stddef.h>

#define PFS_JSON_DEPTH	64     /* levels of { and [ */
#define PFS_JSON_VALUES 262144 /* values in one document */

enum pfs_json_type {
	PFS_JSON_NULL, /* also what stands for a key that isn't there */
	PFS_JSON_BOOLEAN,
	PFS_JSON_NUMBER,
	PFS_JSON_STRING,
	PFS_JSON_OBJECT,
	PFS_JSON_ARRAY,
};

struct pfs_json_value {
	enum pfs_json_type type;
	const char *key;    /* decoded; in an array NULL. Valid until the next call on the walk */
	const char *string; /* decoded, for PFS_JSON_STRING, else NULL. Valid as key is */
	const char *raw;    /* the bytes as sent, inside the text that is walked */
	size_t raw_length;
};

/*
 * Is the text within bounds, before anything is built from it? 0; -EBADMSG if it is nested
 * deeper than PFS_JSON_DEPTH, its brackets don't match, or it has a NUL in it; -EFBIG with more
 * than PFS_JSON_VALUES values. Doesn't otherwise say that it is JSON.
 */
int pfs_json_check(const char *text, size_t length);

/*
 * Walk the members of an object or the elements of an array, in the order sent; a key sent twice
 * comes twice. The text is borrowed and must have passed pfs_json_check.
 *
 *	struct pfs_json_walk walk;
 *	int more = pfs_json_open(&walk, text, length);
 *	while (!more && (more = pfs_json_next(&walk, &value)) == 1) { ...; more = 0; }
 *	pfs_json_close(&walk);
 */
struct pfs_json_walk {
	enum pfs_json_type type; /* PFS_JSON_OBJECT or PFS_JSON_ARRAY */
	bool shallow; /* may be set after open: objects and arrays are stepped over unparsed, for
		       * a text whose parts will be walked themselves */
	bool begun;
	const char *cursor;
	const char *end;
	void *key;   /* cJSON's */
	void *value; /* cJSON's */
};

/* 0; -EBADMSG if the text is neither object nor array. */
int pfs_json_open(struct pfs_json_walk *walk, const char *text, size_t length);

/*
 * 1 and the next value; 0 at the end (nothing but white space may follow); -EBADMSG for text that
 * isn't JSON, or a string with a NUL in it, which no file and no name could show truly.
 */
int pfs_json_next(struct pfs_json_walk *walk, struct pfs_json_value *ret_value);

/* Free what the walk holds; takes one that failed to open. */
void pfs_json_close(struct pfs_json_walk *walk);

/*
 * Find a member by key; of several the last one, as every client of the API reads it. 0 with
 * type PFS_JSON_NULL if there is none. On success the caller owes pfs_json_found_finish.
 * -EBADMSG, also where memory is short: cJSON doesn't tell these apart.
 */
struct pfs_json_found {
	struct pfs_json_value value; /* key is NULL */
	void *owner;
};
int pfs_json_find(const char *text, size_t length, const char *key,
		  struct pfs_json_found *ret_found);

/*
 * The same for a text that pfs_json_find or a whole walk took for good before: the values of other
 * keys are stepped over unparsed, which costs a tenth. Of a text that isn't good it may tell a
 * value where pfs_json_find says -EBADMSG; it never reads beyond it.
 */
int pfs_json_pick(const char *text, size_t length, const char *key,
		  struct pfs_json_found *ret_found);
void pfs_json_found_finish(struct pfs_json_found *found);

/*
 * Two objects side by side, good ones as for pfs_json_pick, as long as their keys are the same
 * bytes in the same order. Gives the members whose values' bytes differ, in order, and steps over
 * all others unparsed: what changed in an object is found in one pass. As a walk otherwise.
 * 1: ret_a and ret_b are the next two; 0: both have ended; -EAGAIN: the keys part ways here, so
 * it must be found out in another way; -EBADMSG.
 */
struct pfs_json_pair {
	struct pfs_json_walk a, b;
};
int pfs_json_open_pair(struct pfs_json_pair *pair, const char *a, size_t a_length, const char *b,
		       size_t b_length);
int pfs_json_next_pair(struct pfs_json_pair *pair, struct pfs_json_value *ret_a,
		       struct pfs_json_value *ret_b);
void pfs_json_close_pair(struct pfs_json_pair *pair);

/*
 * Do two objects say the same? White space, the order of keys, escapes in strings, and members
 * that are null don't count. Numbers are compared as they were written. Where it would cost too
 * much to find out, false.
 */
bool pfs_json_same(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
