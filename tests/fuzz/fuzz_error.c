/* SPDX-License-Identifier: MIT */
/*
 * Answers that aren't good ones: two bytes of status and outcome, then body, reason, request id and
 * reason of rejection, cut at bytes 0x1e. For a job that was never seen, and for one that was.
 *
 * Holds: the errno is one that the manual names; the texts in /.pinefs/errors and in the extended
 * attributes are lines for people, however hostile; the job that was seen isn't gone.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "pinefs/api.h"
#include "pinefs/stats.h"
#include "pinefs/text.h"

static bool is_known(int error)
{
	static const int known[] = {EACCES, ENOENT,    ETIMEDOUT, EBUSY, EHOSTUNREACH,
				    EPROTO, EREMOTEIO, EFBIG,	  EIO,	 ENOMEM};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (error == -known[i])
			return true;
	}
	return false;
}

static void check_attributes(struct world *world, const struct pfs_node *node)
{
	static const char *const names[] = {"user.pinefs.error", "user.pinefs.request_id",
					    "user.pinefs.http_status"};
	struct pfs_buffer value = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		pfs_buffer_clear(&value);
		must(!pfs_tree_xattr(world->tree, node, names[i], &value));
		must(is_for_people(value.bytes, value.length));
	}
	pfs_buffer_finish(&value);
}

static void check_failures(struct world *world)
{
	struct pfs_buffer lines = {0};
	struct slice rest, line, field;

	pfs_stats_render_failures(world->stats, &lines);
	must(!lines.error && lines.length && lines.bytes[lines.length - 1] == '\n');
	rest = (struct slice){lines.bytes, lines.length - 1};
	while (slice_next(&rest, '\n', &line)) {
		unsigned fields = 0;

		while (slice_next(&line, '\t', &field)) {
			must(field.length && is_for_people(field.bytes, field.length));
			fields++;
		}
		must(fields == 9);
	}
	pfs_buffer_finish(&lines);
}

static void check_text(struct slice body)
{
	char text[2048], small[8];

	must(strlen(pfs_api_error_text(body.bytes, body.length, text, sizeof(text))) <= 500);
	must(strlen(pfs_api_error_text(body.bytes, body.length, small, sizeof(small))) < 8);
}

/* Let the job be asked for and fail so. */
static void fail_once(struct world *world, const char *id, const struct pfs_http_answer *answer)
{
	const struct pfs_node collection = world_collection(world);
	struct pfs_node node;
	struct waiter waiter;
	int64_t holds;
	bool seen = world_object(world, id, &node);
	int error;

	waiter_init(&waiter);
	if (seen)
		error = pfs_tree_refresh(world->tree, &node, true, &waiter.wait);
	else
		error = pfs_tree_lookup(world->tree, &collection, id, &waiter.wait, &node, &holds);
	must(error == -EINPROGRESS);
	world_answer_with(world, answer);
	must(waiter.told);
	must(seen ? waiter.error == 0 || waiter.error == -EACCES : is_known(waiter.error));
	if (seen) {
		must(world_object(world, id, &node));
		check_attributes(world, &node);
	}
}

static void show(struct world *world, const char *id)
{
	const struct pfs_node collection = world_collection(world);
	char body[200];
	struct pfs_node node;
	struct waiter waiter;
	int64_t holds;

	(void)snprintf(body, sizeof(body), "{\"restore_job_id\":\"%s\",\"status\":\"Pending\"}",
		       id);
	waiter_init(&waiter);
	must(pfs_tree_lookup(world->tree, &collection, id, &waiter.wait, &node, &holds) ==
	     -EINPROGRESS);
	world_answer(world, 200, (struct slice){body, strlen(body)});
	must(waiter.told && !waiter.error);
	world_pass(world, 10 * PFS_SECOND);
}

static char *next_text(struct slice *rest)
{
	struct slice part = {"", 0};

	(void)slice_next(rest, 0x1e, &part);
	return slice_string(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest, body;
	struct pfs_http_answer answer = {.retry_after = -1};
	char *texts[4];
	struct world *world;

	if (size < 2)
		return 0;
	answer.outcome = data[0] % 2 ? (enum pfs_http_outcome)(data[0] / 2 % 8) : PFS_HTTP_ANSWERED;
	answer.status = 300 + data[1] * 2 + data[0] / 128;
	rest = (struct slice){(const char *)data + 2, size - 2};
	must(slice_next(&rest, 0x1e, &body));
	check_text(body);
	texts[0] = slice_string(body);
	for (size_t i = 1; i < 4; i++)
		texts[i] = next_text(&rest);
	answer.body = texts[0];
	answer.length = body.length;
	answer.text = texts[1];
	answer.request_id = texts[2];
	answer.rejected = texts[3];

	world = world_create(pfs_all_kinds.rows[0]);
	show(world, "job-1");
	fail_once(world, "job-1", &answer);
	fail_once(world, "job-2", &answer);
	check_failures(world);
	world_destroy(world);
	for (size_t i = 0; i < 4; i++)
		free(texts[i]);
	return 0;
}
