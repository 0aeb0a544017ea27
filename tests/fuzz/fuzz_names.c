/* SPDX-License-Identifier: MIT */
/*
 * Names: keys that pinefs doesn't know (cut at newlines) as the members of a job, ids, and the
 * conversions of the text room.
 *
 * Holds: each key with a file of its own has it under a safe name, with its own value in it; an
 * escaped text is for people; an id that is accepted is a file name.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "pinefs/json.h"
#include "pinefs/text.h"

#define KEYS_MAX 48

/* A job whose n-th unknown member has the value n + 1000. */
static void add_member(struct pfs_buffer *json, struct slice key, unsigned n)
{
	must(!pfs_buffer_add_string(json, ",\""));
	for (size_t i = 0; i < key.length; i++) {
		unsigned char byte = (unsigned char)key.bytes[i];

		if (byte < 0x20 || byte == '"' || byte == '\\')
			must(!pfs_buffer_format(json, "\\u%04x", byte));
		else
			must(!pfs_buffer_add(json, &byte, 1));
	}
	must(!pfs_buffer_format(json, "\":%u", n + 1000));
}

struct names {
	bool told[KEYS_MAX]; /* the values for which there is a file */
	size_t files;
};

static void check_name(void *arg, const char *name, const struct pfs_node *node,
		       const struct pfs_buffer *content)
{
	struct names *names = arg;
	char *end;
	long value = content->length ? strtol(content->bytes, &end, 10) - 1000 : -1;

	if (value < 0 || value >= KEYS_MAX || *end != '\n' || !strcmp(name, "raw.json"))
		return;
	must(!names->told[value]);
	names->told[value] = true;
	names->files++;
}

static void check_keys(const struct pfs_kind *kind, struct slice rest)
{
	struct world *world = world_create(kind);
	const struct pfs_node collection = world_collection(world);
	struct pfs_buffer json = {0};
	struct names names = {0};
	struct pfs_node node;
	struct waiter waiter;
	struct slice key;
	unsigned count = 0;
	int64_t holds;

	must(!pfs_buffer_format(&json, "{\"%s\":\"job-1\"", kind->id));
	while (count < KEYS_MAX && slice_next(&rest, '\n', &key))
		add_member(&json, key, count++);
	must(!pfs_buffer_add_string(&json, "}"));
	waiter_init(&waiter);
	must(pfs_tree_lookup(world->tree, &collection, "job-1", &waiter.wait, &node, &holds) ==
	     -EINPROGRESS);
	world_answer(world, 200, (struct slice){json.bytes, json.length});
	if (!waiter.error) {
		must(world_object(world, "job-1", &node));
		world_each_file(world, &node, check_name, &names);
	}
	pfs_buffer_finish(&json);
	world_destroy(world);
}

static void check_texts(struct slice input)
{
	char *string = slice_string(input), small[16], time[PFS_TIME_SIZE];
	struct pfs_buffer out = {0};
	int64_t ns, again;

	must(!pfs_buffer_add_escaped(&out, input.bytes, input.length));
	must(is_for_people(out.bytes, out.length));
	must(is_for_people(small, strlen(pfs_escape(string, small, sizeof(small)))));
	pfs_buffer_clear(&out);
	must(!pfs_buffer_add_url_encoded(&out, input.bytes, input.length));
	must(!out.length || strspn(out.bytes, "%-._~0123456789abcdefghijklmnopqrstuvwxyz"
					      "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == out.length);
	if (pfs_is_object_id(input.bytes, input.length))
		must(is_file_name(string) && strlen(string) == input.length);
	if (!pfs_time_parse(string, &ns)) {
		must(!pfs_time_parse(pfs_time_format(ns, time, sizeof(time)), &again));
		must(again <= ns && ns - again < 1000);
	}
	if (!pfs_seconds_parse(string, &ns))
		must(ns >= 0 && ns <= INT64_C(3155760000) * PFS_SECOND);
	pfs_buffer_finish(&out);
	free(string);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = {(const char *)data, size};

	check_texts(input);
	for (size_t i = 0; i < pfs_all_kinds.count; i++)
		check_keys(pfs_all_kinds.rows[i], input);
	return 0;
}
