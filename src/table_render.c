/* SPDX-License-Identifier: MIT */
/* From an object to its line in a text. */
#include <string.h>

#include "pinefs/json.h"
#include "table.h"

static void add_header(struct pfs_buffer *text, const struct pfs_kind *kind)
{
	for (size_t i = 0; i < kind->field_count; i++)
		(void)pfs_buffer_format(text, "%s%s", i ? "\t" : "", kind->fields[i].name);
	(void)pfs_buffer_add_string(text, "\n");
}

static void add_row(struct pfs_buffer *text, const struct pfs_kind *kind,
		    const struct pfs_json *json)
{
	for (size_t i = 0; i < kind->field_count; i++) {
		const struct pfs_json_value value = pfs_field_value(&kind->fields[i], json);

		if (i)
			(void)pfs_buffer_add_string(text, "\t");
		if (value.type != PFS_JSON_NULL)
			(void)pfs_buffer_add_escaped(text, value.text, value.length);
	}
	(void)pfs_buffer_add_string(text, "\n");
}

/* A byte that JSON allows outside of strings only. pinefs takes documents that have it in one, too:
 * there it would end the line, or reach a terminal. */
static bool is_control(char byte)
{
	return (unsigned char)byte < ' ';
}

/*
 * A document without its white space, which is what stands outside of strings. The bytes between
 * two that are left out or replaced are added in one piece.
 */
static void add_document(struct pfs_buffer *text, const struct pfs_json *json)
{
	const char *at = json->bytes, *end = at + json->length, *begin = at;
	bool in_string = false;

	for (; at < end; at++) {
		if (*at == '"') {
			in_string = !in_string;
		} else if (in_string && *at == '\\') {
			at += at + 1 < end;
		}
		if (!is_control(*at) && (in_string || *at != ' '))
			continue;
		(void)pfs_buffer_add(text, begin, (size_t)(at - begin));
		if (in_string)
			(void)pfs_buffer_format(text, "\\u%04x", (unsigned)*at);
		begin = at + 1;
	}
	(void)pfs_buffer_add(text, begin, (size_t)(end - begin));
	(void)pfs_buffer_add_string(text, "\n");
}

void pfs_table_render_head(struct pfs_buffer *text, const struct pfs_kind *kind,
			   enum pfs_table_format format)
{
	if (format == PFS_TABLE_TSV)
		add_header(text, kind);
}

void pfs_table_render(struct pfs_buffer *text, const struct pfs_kind *kind,
		      enum pfs_table_format format, const struct pfs_json *json)
{
	if (format == PFS_TABLE_TSV)
		add_row(text, kind, json);
	else
		add_document(text, json);
}
