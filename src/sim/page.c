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

static void write_rows(const struct sim_world *world, const struct sim_listing *listing,
		       uint32_t from, uint32_t to, int64_t now_us, struct sim_text *text,
		       bool *first)
{
	for (uint32_t i = from; i < to; i++) {
		uint32_t slot = sim_world_at(world, i);
		struct sim_scratch scratch;
		const struct sim_job *job = sim_world_view(world, slot, &scratch);

		if ((world->flags[slot] & SIM_SLOT_DROPPED) || now_us < job->listed_us)
			continue;
		next_row(text, first);
		sim_job_render(job, now_us, listing->layout, text);
	}
}

/* Jobs that nobody started; describe doesn't know them. */
static void write_invented(const struct sim_world *world, const struct sim_listing *listing,
			   uint64_t from, uint64_t to, int64_t now_us, struct sim_text *text,
			   bool *first)
{
	struct sim_scratch scratch = {.job.id = scratch.id};

	scratch.job.facts.done_us = SIM_NEVER;
	scratch.job.facts.created_us = world->options.start_us;
	(void)snprintf(scratch.job.facts.index_name, sizeof(scratch.job.facts.index_name),
		       "invented");
	for (uint64_t i = from; i < to; i++) {
		sim_dice_uuid(world->options.seed, i, SIM_SALT_INVENTED, scratch.id);
		sim_dice_uuid(world->options.seed, i, SIM_SALT_BACKUP, scratch.job.facts.backup_id);
		sim_dice_uuid(world->options.seed, i, SIM_SALT_INDEX, scratch.job.facts.index_id);
		next_row(text, first);
		sim_job_render(&scratch.job, now_us, listing->layout, text);
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

void sim_page_render(const struct sim_world *world, const struct sim_listing *listing,
		     const struct sim_place *place, int64_t now_us, struct sim_text *text)
{
	uint64_t from = place->offset < world->n_jobs ? place->offset : world->n_jobs;
	uint64_t left = world->n_jobs - from;
	uint64_t to = from + (left < place->limit ? left : place->limit);
	bool first = true;

	sim_text_str(text, "{\"data\":[");
	write_rows(world, listing, (uint32_t)from, (uint32_t)to, now_us, text, &first);
	if (listing->endless == SIM_ENDLESS_ROWS)
		write_invented(world, listing, place->offset + (to - from),
			       place->offset + place->limit, now_us, text, &first);
	if (place->offset == 0)
		write_extras(listing, text, &first);
	sim_text_char(text, ']');
	write_pagination(listing, place, to - from == place->limit, text);
	sim_text_char(text, '}');
}
