/* SPDX-License-Identifier: MIT */
#include "json_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

int parse(struct document *document, const char *text, size_t length, unsigned levels)
{
	int error;

	document->json = (struct pfs_json){0};
	document->bytes = malloc(length ? length : 1);
	assert_non_null(document->bytes);
	memcpy(document->bytes, text, length);
	error = pfs_json_parse(document->bytes, length, levels, &document->json);
	if (error)
		assert_null(document->json.entries);
	return error;
}

void finish(struct document *document)
{
	pfs_json_finish(&document->json);
	pfs_json_finish(&document->json); /* once more does nothing */
	free(document->bytes);
}

struct pfs_json_value open_document(struct document *document, const char *text)
{
	if (parse(document, text, strlen(text), PFS_JSON_DEPTH))
		fail_msg("not taken: %s", text);
	return pfs_json_whole(&document->json);
}

char *repeated(const char *unit, size_t count, const char *end)
{
	size_t length = strlen(unit);
	char *text = malloc(count * length + strlen(end) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * length, unit, length);
	strcpy(text + count * length, end);
	return text;
}

char *nested(char *opening, char *closing)
{
	char *whole = realloc(opening, strlen(opening) + strlen(closing) + 1);

	assert_non_null(whole);
	strcat(whole, closing);
	free(closing);
	return whole;
}
