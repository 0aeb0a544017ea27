/* SPDX-License-Identifier: MIT */
/* json_fixture: documents of the json room, and texts that repeat themselves. */
#ifndef PINEFS_JSON_FIXTURE_H
#define PINEFS_JSON_FIXTURE_H

#include <stddef.h>

#include "pinefs/json.h"

/* A document, and the memory that its bytes are in. */
struct document {
	struct pfs_json json;
	char *bytes;
};

/*
 * Parse a copy of the text without a NUL behind it, so that a sanitizer sees whoever reads on. What
 * the document holds is to be finished, good or not.
 */
int parse(struct document *document, const char *text, size_t length, unsigned levels);
void finish(struct document *document);

/* Parse a good one whole. */
struct pfs_json_value open_document(struct document *document, const char *text);

/* count times unit, then end. Owned by the caller. */
char *repeated(const char *unit, size_t count, const char *end);

/* The whole of opening, then closing; takes both. Owned by the caller. */
char *nested(char *opening, char *closing);

#endif
