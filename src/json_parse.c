/* SPDX-License-Identifier: MIT */
/*
 * From a document's bytes to its table, in one pass. Recursion is bounded by PFS_JSON_DEPTH.
 *
 * Rejected: to let cJSON parse it. cJSON loses where a value stood and how a number was written,
 * ends a string at its first escaped NUL, accepts a \u without four digits behind it and control
 * bytes as white space, and needs 64 bytes a value. The fuzz target of this room compares the table
 * with what cJSON reads.
 */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/text.h"

struct parser {
	struct pfs_json json;
	const char *at;
	const char *end;
	unsigned levels;
	unsigned depth;		   /* of { and [ that are open */
	unsigned values;	   /* as PFS_JSON_VALUES counts: one for each { and [ and , */
	struct pfs_buffer entries; /* struct pfs_json_entry */
	struct pfs_buffer decoded;
};

/* A key or a value: offset and length as in struct pfs_json_entry. */
struct span {
	uint32_t offset;
	uint32_t length;
};

static int take_value(struct parser *parser, struct span key);

static uint32_t offset_of(const struct parser *parser, const char *at)
{
	return (uint32_t)(at - parser->json.bytes);
}

static void skip_space(struct parser *parser)
{
	while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\t' ||
					    *parser->at == '\r' || *parser->at == '\n'))
		parser->at++;
}

/* Is this byte next? Then step over it. */
static bool take(struct parser *parser, char byte)
{
	skip_space(parser);
	if (parser->at == parser->end || *parser->at != byte)
		return false;
	parser->at++;
	return true;
}

static int count_value(struct parser *parser)
{
	return ++parser->values > PFS_JSON_VALUES ? -EFBIG : 0;
}

/* --- strings ------------------------------------------------------------------------------- */

/*
 * Find the closing quote of a string whose text begins here; NULL: it has none. Most bytes of a
 * document are in strings without a backslash, where memchr(3) is faster than a loop.
 */
static const char *find_quote(const char *text, const char *end, bool *ret_escaped)
{
	*ret_escaped = false;
	while (text < end) {
		const char *quote = memchr(text, '"', (size_t)(end - text));
		const char *escape = quote ? memchr(text, '\\', (size_t)(quote - text)) : NULL;

		if (!escape)
			return quote;
		*ret_escaped = true;
		text = escape + 2; /* what it escapes is stepped over */
	}
	return NULL;
}

/* Four hexadecimal digits, or -1. */
static long take_hex(const char **text, const char *end)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	long code = 0;

	if (end - *text < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const char *digit = memchr(digits, (*text)[i], sizeof(digits) - 1);

		if (!digit)
			return -1;
		code = code * 16 + (digit - digits) % 16;
	}
	*text += 4;
	return code;
}

/* The code that follows \u, or that a pair of surrogates with another \u between stands for; -1:
 * neither. */
static long take_code(const char **text, const char *end)
{
	long code = take_hex(text, end), low;

	if (code < 0xd800 || code > 0xdfff)
		return code;
	if (code > 0xdbff || end - *text < 2 || (*text)[0] != '\\' || (*text)[1] != 'u')
		return -1;
	*text += 2;
	low = take_hex(text, end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static size_t put_utf8(long code, char out[4])
{
	const size_t follow = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};

	out[0] = (char)(lead[follow] | (unsigned char)(code >> (6 * follow)));
	for (size_t i = 1; i <= follow; i++)
		out[i] = (char)(0x80 | ((code >> (6 * (follow - i))) & 0x3f));
	return follow + 1;
}

/* Add what an escape says; text is behind its backslash, and moves behind the escape. */
static int decode_escape(struct parser *parser, const char **text, const char *end)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = memchr(from, **text, sizeof(from) - 1);
	char out[4];
	long code;

	if (found) {
		++*text;
		return pfs_buffer_add(&parser->decoded, &to[found - from], 1);
	}
	if (*(*text)++ != 'u')
		return -EBADMSG;
	code = take_code(text, end);
	if (code < 0 || (code == 0 && parser->depth <= 1))
		return -EBADMSG;
	return pfs_buffer_add(&parser->decoded, out, put_utf8(code, out));
}

static int decode(struct parser *parser, const char *text, const char *end, struct span *ret_span)
{
	size_t begin = parser->decoded.length;
	int error = 0;

	while (!error && text < end) {
		const char *escape = memchr(text, '\\', (size_t)(end - text));
		const char *stop = escape ? escape : end;

		error = pfs_buffer_add(&parser->decoded, text, (size_t)(stop - text));
		text = stop + 1;
		if (!error && escape)
			error = decode_escape(parser, &text, end);
	}
	*ret_span = (struct span){
		.offset = parser->json.length + (uint32_t)begin,
		.length = (uint32_t)(parser->decoded.length - begin),
	};
	return error;
}

static int take_string(struct parser *parser, struct span *ret_span)
{
	const char *text = parser->at + 1, *quote;
	bool escaped;

	if (parser->at == parser->end || *parser->at != '"')
		return -EBADMSG;
	quote = find_quote(text, parser->end, &escaped);
	if (!quote)
		return -EBADMSG;
	parser->at = quote + 1;
	if (escaped)
		return decode(parser, text, quote, ret_span);
	*ret_span = (struct span){offset_of(parser, text), (uint32_t)(quote - text)};
	return 0;
}

/* --- the table ----------------------------------------------------------------------------- */

static struct pfs_json_entry *entry_at(struct parser *parser, uint32_t index)
{
	return (struct pfs_json_entry *)(void *)parser->entries.bytes + index;
}

static uint32_t count_entries(const struct parser *parser)
{
	return (uint32_t)(parser->entries.length / sizeof(struct pfs_json_entry));
}

static int add_entry(struct parser *parser, enum pfs_json_type type, struct span key,
		     struct span text)
{
	const struct pfs_json_entry entry = {
		.key = key.offset,
		.key_length = key.length,
		.text = text.offset,
		.length = text.length,
		.next = count_entries(parser) + 1,
		.type = type,
	};

	return pfs_buffer_add(&parser->entries, &entry, sizeof(entry));
}

/* The table as it is by now. */
static struct pfs_json view(const struct parser *parser)
{
	struct pfs_json json = parser->json;

	json.entries = (const struct pfs_json_entry *)(void *)parser->entries.bytes;
	json.count = count_entries(parser);
	json.decoded = parser->decoded.bytes;
	json.decoded_length = (uint32_t)parser->decoded.length;
	return json;
}

/* Mark each member that a later one of the same object with the same key shadows. 0, -ENOMEM. */
static int shadow(struct parser *parser, uint32_t object)
{
	const struct pfs_json json = view(parser);
	struct named *sorted;
	size_t count;
	int error = pfs_json_sort(&json, object, &sorted, &count);

	if (error)
		return error;
	for (size_t i = 1; i < count; i++) {
		if (!pfs_json_compare_keys(&sorted[i - 1], &sorted[i]))
			entry_at(parser, sorted[i - 1].index)->is_shadowed = true;
	}
	free(sorted);
	return 0;
}

/* --- values -------------------------------------------------------------------------------- */

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/* The byte after the number that begins here, or NULL. */
static const char *skip_number(const char *at, const char *end)
{
	const char *first = at += *at == '-', *digits;
	bool point;

	at = skip_digits(at, end);
	point = at < end && *at == '.';
	at = skip_digits(at + point, end);
	if (at == first + point)
		return NULL;
	if (at == end || (*at != 'e' && *at != 'E'))
		return at;
	at++;
	digits = at += at < end && (*at == '+' || *at == '-');
	at = skip_digits(at, end);
	return at > digits ? at : NULL;
}

static int take_scalar(struct parser *parser, struct span key)
{
	static const struct {
		const char *word;
		enum pfs_json_type type;
	} words[] = {
		{"null", PFS_JSON_NULL},
		{"true", PFS_JSON_BOOLEAN},
		{"false", PFS_JSON_BOOLEAN},
	};
	size_t left = (size_t)(parser->end - parser->at);
	struct span text = {.offset = offset_of(parser, parser->at)};
	const char *stop;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		text.length = (uint32_t)strlen(words[i].word);
		if (left < text.length || memcmp(parser->at, words[i].word, text.length) != 0)
			continue;
		parser->at += text.length;
		return add_entry(parser, words[i].type, key, text);
	}
	if (!left || (*parser->at != '-' && (*parser->at < '0' || *parser->at > '9')))
		return -EBADMSG;
	stop = skip_number(parser->at, parser->end);
	if (!stop)
		return -EBADMSG;
	text.length = (uint32_t)(stop - parser->at);
	parser->at = stop;
	return add_entry(parser, PFS_JSON_NUMBER, key, text);
}

/* One member or element, after the bracket or comma before it. */
static int take_item(struct parser *parser, bool is_member)
{
	struct span key = {0};

	skip_space(parser);
	if (is_member) {
		int error = take_string(parser, &key);

		if (error)
			return error;
		if (!take(parser, ':'))
			return -EBADMSG;
	}
	return take_value(parser, key);
}

/* What is in an object or array, to its closing bracket. */
static int take_items(struct parser *parser, bool is_object)
{
	const char closing = is_object ? '}' : ']';
	int error;

	if (take(parser, closing))
		return 0;
	while (!(error = take_item(parser, is_object)) && !take(parser, closing)) {
		if (!take(parser, ','))
			return -EBADMSG;
		error = count_value(parser);
		if (error)
			return error;
	}
	return error;
}

/*
 * The same for what is too deep for the table: check it up to the bracket that closes it. Brackets
 * deeper than PFS_JSON_DEPTH are only counted.
 */
static int step_over(struct parser *parser, bool is_object)
{
	char open[PFS_JSON_DEPTH + 1];
	unsigned depth = parser->depth;
	int error = 0;

	open[depth] = is_object ? '}' : ']';
	for (; !error && parser->at < parser->end; parser->at++) {
		const char byte = *parser->at;
		bool escaped;

		if (byte == '"') {
			parser->at = find_quote(parser->at + 1, parser->end, &escaped);
			if (!parser->at)
				return -EBADMSG;
		} else if (byte == '{' || byte == '[') {
			if (++depth <= PFS_JSON_DEPTH)
				open[depth] = byte == '{' ? '}' : ']';
			error = count_value(parser);
		} else if (byte == '}' || byte == ']') {
			if (depth <= PFS_JSON_DEPTH && open[depth] != byte)
				return -EBADMSG;
			if (depth-- == parser->depth) {
				parser->at++;
				return 0;
			}
		} else if (byte == ',') {
			error = count_value(parser);
		}
	}
	return error ? error : -EBADMSG;
}

static int take_compound(struct parser *parser, struct span key)
{
	struct span text = {.offset = offset_of(parser, parser->at)};
	bool is_object = *parser->at++ == '{';
	uint32_t index = count_entries(parser);
	int error = add_entry(parser, is_object ? PFS_JSON_OBJECT : PFS_JSON_ARRAY, key, text);

	if (!error)
		error = count_value(parser);
	if (!error && parser->depth == PFS_JSON_DEPTH)
		error = -EBADMSG;
	if (error)
		return error;
	parser->depth++;
	error = parser->depth > parser->levels ? step_over(parser, is_object)
					       : take_items(parser, is_object);
	parser->depth--;
	if (error)
		return error;
	entry_at(parser, index)->length = offset_of(parser, parser->at) - text.offset;
	entry_at(parser, index)->next = count_entries(parser);
	return is_object ? shadow(parser, index) : 0;
}

static int take_value(struct parser *parser, struct span key)
{
	struct span text;
	int error;

	skip_space(parser);
	if (parser->at < parser->end && *parser->at == '"') {
		error = take_string(parser, &text);
		return error ? error : add_entry(parser, PFS_JSON_STRING, key, text);
	}
	if (parser->at < parser->end && (*parser->at == '{' || *parser->at == '['))
		return take_compound(parser, key);
	return take_scalar(parser, key);
}

static int take_document(struct parser *parser)
{
	int error;

	skip_space(parser);
	if (parser->at == parser->end || (*parser->at != '{' && *parser->at != '['))
		return -EBADMSG;
	error = take_compound(parser, (struct span){0});
	if (error)
		return error;
	skip_space(parser);
	return parser->at < parser->end ? -EBADMSG : 0;
}

int pfs_json_parse(const char *bytes, size_t length, unsigned levels, struct pfs_json *ret_json)
{
	struct parser parser = {
		.json = {.bytes = bytes, .length = (uint32_t)length},
		.at = bytes,
		.end = bytes + length,
		.levels = levels,
	};
	int error = length > PFS_JSON_LENGTH ? -EFBIG : 0;

	if (!error && length && memchr(bytes, '\0', length))
		error = -EBADMSG;
	if (!error)
		error = take_document(&parser);
	if (error) {
		pfs_buffer_finish(&parser.entries);
		pfs_buffer_finish(&parser.decoded);
		return error;
	}
	*ret_json = view(&parser);
	return 0;
}
