/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Longest token that can be ours: {"limit":100,"offset":20 digits}. */
#define TOKEN_TEXT 64

static void write_base64(struct sim_text *text, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t group = (uint32_t)(unsigned char)bytes[i] << 16;

		if (i + 1 < n)
			group |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
		if (i + 2 < n)
			group |= (unsigned char)bytes[i + 2];
		sim_text_char(text, alphabet[group >> 18]);
		sim_text_char(text, alphabet[group >> 12 & 63]);
		sim_text_char(text, i + 1 < n ? alphabet[group >> 6 & 63] : '=');
		sim_text_char(text, i + 2 < n ? alphabet[group & 63] : '=');
	}
}

/* Four characters to at most three bytes; the number of bytes or -EINVAL. */
static int read_group(const char *token, char *bytes)
{
	uint32_t group = 0;
	int pad = 0;

	for (int i = 0; i < 4; i++) {
		const char *at = token[i] ? strchr(alphabet, token[i]) : NULL;

		if (token[i] == '=' && i >= 2)
			pad++;
		else if (!at || pad > 0)
			return -EINVAL;
		group = group << 6 | (token[i] == '=' ? 0 : (uint32_t)(at - alphabet));
	}
	bytes[0] = (char)(group >> 16 & 255);
	bytes[1] = (char)(group >> 8 & 255);
	bytes[2] = (char)(group & 255);
	return 3 - pad;
}

static int read_base64(const char *token, char *bytes, size_t size)
{
	size_t len = strlen(token);
	size_t n = 0;

	if (len == 0 || len % 4 != 0 || len / 4 * 3 >= size)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		int got = read_group(token + i, bytes + n);

		if (got < 0 || (got < 3 && i + 4 < len))
			return -EINVAL;
		n += (size_t)got;
	}
	bytes[n] = '\0';
	return 0;
}

/* A whole number in this range; -1: it is anything else. */
static int64_t whole(const cJSON *item, double least, double most)
{
	double value = cJSON_GetNumberValue(item);

	if (!(value >= least && value <= most) || value != floor(value))
		return -1;
	return (int64_t)value;
}

int sim_page_parse_token(const char *token, struct sim_place *ret_place)
{
	char bytes[TOKEN_TEXT + 4];
	int64_t limit, offset;
	cJSON *parsed;

	if (read_base64(token, bytes, sizeof(bytes)) < 0)
		return -EINVAL;
	parsed = cJSON_ParseWithOpts(bytes, NULL, true);
	limit = whole(cJSON_GetObjectItemCaseSensitive(parsed, "limit"), 1, SIM_LIMIT_MAX);
	offset = whole(cJSON_GetObjectItemCaseSensitive(parsed, "offset"), 0, 1e15);
	cJSON_Delete(parsed);
	if (limit < 0 || offset < 0)
		return -EINVAL;
	*ret_place = (struct sim_place){.limit = (uint32_t)limit, .offset = (uint64_t)offset};
	return 0;
}

static void write_token(struct sim_text *text, uint32_t limit, uint64_t offset)
{
	char bytes[TOKEN_TEXT];
	int n = snprintf(bytes, sizeof(bytes), "{\"limit\":%" PRIu32 ",\"offset\":%" PRIu64 "}",
			 limit, offset);

	sim_text_char(text, '"');
	write_base64(text, bytes, (size_t)n);
	sim_text_char(text, '"');
}

static void next_row(struct sim_text *text, bool *first)
{
	if (!*first)
		sim_text_char(text, ',');
	*first = false;
}

static void write_rows(const struct sim_shelf *shelf, struct sim_rows rows,
		       const struct sim_view *view, struct sim_text *text, bool *first)
{
	for (uint32_t i = 0; i < rows.n; i++) {
		uint32_t slot = rows.slots[i];
		struct sim_scratch scratch;
		const struct sim_object *object = sim_shelf_read(shelf, slot, &scratch);

		if ((shelf->flags[slot] & SIM_SLOT_DROPPED) || view->now_us < object->listed_us)
			continue;
		next_row(text, first);
		sim_object_render(object, view, text);
	}
}

/* Objects that nobody made; describe doesn't know them. */
static void write_invented(const struct sim_shelf *shelf, uint64_t from, uint64_t to,
			   const struct sim_view *view, struct sim_text *text, bool *first)
{
	for (uint64_t i = from; i < to; i++) {
		struct sim_scratch scratch;

		next_row(text, first);
		sim_object_render(sim_shelf_invent(shelf, i, &scratch), view, text);
	}
}

static void write_extras(const struct sim_listing *listing, struct sim_text *text, bool *first)
{
	const cJSON *row;

	cJSON_ArrayForEach(row, listing->extra_rows) {
		next_row(text, first);
		sim_text_str(text, row->valuestring);
	}
}

static void write_ending(const struct sim_listing *listing, struct sim_text *text)
{
	static const char *const endings[] = {
		[SIM_END_NULL] = ",\"pagination\":null",
		[SIM_END_MISSING] = "",
		[SIM_END_EMPTY] = ",\"pagination\":{}",
		[SIM_END_NEXT_NULL] = ",\"pagination\":{\"next\":null}",
	};

	sim_text_str(text, endings[listing->ending]);
}

static void write_pagination(const struct sim_listing *listing, const struct sim_place *place,
			     bool is_full, struct sim_text *text)
{
	/* A repeat as long as the page would never get on. */
	uint32_t back = listing->repeat < place->limit ? listing->repeat : place->limit - 1;
	uint64_t next = place->offset + place->limit - (is_full ? back : 0);

	if (!is_full && !listing->loop_token && listing->endless == SIM_ENDS) {
		write_ending(listing, text);
		return;
	}
	sim_text_str(text, ",\"pagination\":{\"next\":");
	write_token(text, place->limit, listing->loop_token ? place->limit : next);
	sim_text_char(text, '}');
}

static void begin_list(const struct sim_shelf *shelf, struct sim_text *text)
{
	sim_text_char(text, '{');
	sim_text_quoted(text, shelf->kind->list_key);
	sim_text_str(text, ":[");
}

void sim_page_render(const struct sim_shelf *shelf, const struct sim_listing *listing,
		     struct sim_rows rows, const struct sim_place *place,
		     const struct sim_view *view, struct sim_text *text)
{
	uint64_t from = place->offset < rows.n ? place->offset : rows.n;
	uint64_t left = rows.n - from;
	uint64_t n = left < place->limit ? left : place->limit;
	struct sim_rows page = {.slots = rows.slots + from, .n = (uint32_t)n};
	bool first = true;

	begin_list(shelf, text);
	write_rows(shelf, page, view, text, &first);
	if (listing->endless == SIM_ENDLESS_ROWS)
		write_invented(shelf, place->offset + n, place->offset + place->limit, view, text,
			       &first);
	if (place->offset == 0)
		write_extras(listing, text, &first);
	sim_text_char(text, ']');
	write_pagination(listing, place, n == place->limit, text);
	sim_text_char(text, '}');
}

void sim_page_render_whole(const struct sim_shelf *shelf, const struct sim_listing *listing,
			   const struct sim_view *view, struct sim_text *text)
{
	bool first = true;

	begin_list(shelf, text);
	write_rows(shelf, sim_shelf_rows(shelf), view, text, &first);
	write_extras(listing, text, &first);
	sim_text_str(text, "]}");
}
