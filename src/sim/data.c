/* SPDX-License-Identifier: MIT */
#include "data.h"

#include <inttypes.h>
#include <stdio.h>

/* Records are spread evenly; the first namespace, which has no name, takes what is over. */
static void write_namespaces(const struct sim_contents *contents, struct sim_text *text)
{
	int64_t n = contents->namespaces < 100 ? contents->namespaces : 100;

	if (contents->records > 0 && n < 1)
		n = 1;
	for (int64_t i = 0; i < n; i++) {
		int64_t count = contents->records / n + (i == 0 ? contents->records % n : 0);
		char name[32] = "";

		if (i > 0)
			(void)snprintf(name, sizeof(name), "ns-%" PRId64, i);
		if (i > 0)
			sim_text_char(text, ',');
		sim_text_quoted(text, name);
		sim_text_str(text, ":{\"vectorCount\":");
		sim_text_number(text, count);
		sim_text_char(text, '}');
	}
}

int sim_data_answer(const struct sim_world *world, const char *name, int64_t now_us,
		    struct sim_reply *ret_reply)
{
	const struct sim_shelf *indexes = &world->shelves[SIM_INDEXES];
	int64_t slot = sim_shelf_find(indexes, name);
	struct sim_text *text = &ret_reply->body;
	const struct sim_contents *contents;
	const struct sim_object *index;
	struct sim_scratch scratch;

	if (slot < 0)
		return sim_reply_missing(ret_reply, indexes->kind->noun, name);
	index = sim_shelf_read(indexes, (uint32_t)slot, &scratch);
	if (!sim_object_is_good(index, now_us))
		return sim_reply_error(ret_reply, 503, NULL, "The index is not ready");
	contents = &index->facts.contents;
	sim_text_str(text, "{\"namespaces\":{");
	write_namespaces(contents, text);
	sim_text_str(text, "},");
	if (contents->dimension > 0) {
		sim_text_str(text, "\"dimension\":");
		sim_text_number(text, contents->dimension);
		sim_text_char(text, ',');
	}
	sim_text_str(text, "\"indexFullness\":0,\"totalVectorCount\":");
	sim_text_number(text, contents->records);
	sim_text_str(text, ",\"metric\":");
	sim_text_quoted(text, contents->metric);
	sim_text_str(text, ",\"vectorType\":");
	sim_text_quoted(text, contents->dimension > 0 ? "dense" : "sparse");
	sim_text_char(text, '}');
	return sim_reply_start(ret_reply, 200, "application/json");
}
