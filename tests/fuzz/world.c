/* SPDX-License-Identifier: MIT */
/* The rooms over a played http, and what else the targets share. */
#include <errno.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "pinefs/api.h"
#include "pinefs/history.h"
#include "pinefs/key.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/text.h"

/* --- the http room, played ----------------------------------------------------------------- */

struct pfs_http_request {
	TAILQ_ENTRY(pfs_http_request) link;
	char *label;
	int64_t asked_at;
	void (*done)(void *arg, const struct pfs_http_answer *answer);
	void *arg;
};

struct pfs_http {
	TAILQ_HEAD(, pfs_http_request) asked;
	unsigned questions;
	const struct world *world;
};

/* One world at a time, so one of these; the api room is given its address. */
static struct pfs_http http;

int pfs_http_get(struct pfs_http *asked_http, const char *url, const char *const headers[],
		 const char *label, int64_t deadline,
		 void (*done)(void *arg, const struct pfs_http_answer *answer), void *arg,
		 struct pfs_http_request **ret_request)
{
	struct pfs_http_request *request = calloc(1, sizeof(*request));

	must(asked_http == &http && request);
	must(deadline > http.world->now);
	for (const char *byte = url; *byte; byte++)
		must(*byte > ' ' && *byte < 0x7f);
	request->label = strdup(label);
	request->asked_at = http.world->now;
	request->done = done;
	request->arg = arg;
	TAILQ_INSERT_TAIL(&http.asked, request, link);
	http.questions++;
	*ret_request = request;
	return 0;
}

/* Nothing is made in this world. */
int pfs_http_post(struct pfs_http *asked_http, const char *url, const char *const headers[],
		  const char *label, const char *body, int64_t deadline, pfs_http_done *done,
		  void *arg, struct pfs_http_request **ret_request)
{
	must(!"a command");
	return -EIO;
}

bool pfs_http_is_sent(const struct pfs_http_request *request)
{
	return false;
}

void pfs_http_cancel(struct pfs_http_request *request)
{
	if (!request)
		return;
	TAILQ_REMOVE(&http.asked, request, link);
	free(request->label);
	free(request);
}

const char *world_asked(const struct world *world)
{
	const struct pfs_http_request *request = TAILQ_FIRST(&http.asked);

	return request ? request->label : NULL;
}

unsigned world_questions(const struct world *world)
{
	return http.questions;
}

void world_answer_with(struct world *world, const struct pfs_http_answer *told)
{
	struct pfs_http_request *request = TAILQ_FIRST(&http.asked);
	struct pfs_http_answer answer = *told;

	must(request);
	TAILQ_REMOVE(&http.asked, request, link);
	answer.sent_at = request->asked_at;
	request->done(request->arg, &answer);
	free(request->label);
	free(request);
}

void world_answer(struct world *world, int status, struct slice body)
{
	/* As the http room promises: a NUL behind the body. No more, so that ASan sees the end. */
	char *copy = malloc(body.length + 1);
	const struct pfs_http_answer answer = {
		.outcome = PFS_HTTP_ANSWERED,
		.status = status,
		.text = "",
		.body = copy,
		.length = body.length,
		.request_id = "",
		.rejected = "",
		.retry_after = -1,
	};

	must(copy);
	memcpy(copy, body.bytes, body.length);
	copy[body.length] = '\0';
	world_answer_with(world, &answer);
	free(copy);
}

/* --- the world ----------------------------------------------------------------------------- */

static int64_t monotonic(const struct pfs_clock *clock)
{
	return ((const struct world *)clock)->now;
}

static int64_t wall(const struct pfs_clock *clock)
{
	return ((const struct world *)clock)->now + 1764000000 * PFS_SECOND;
}

struct world *world_create(const struct pfs_kind *kind)
{
	struct world *world = calloc(1, sizeof(*world));
	const struct pfs_api_config api = {.url = "https://api.test", .version = "2025-10"};
	const struct pfs_store_config store = {
		.kinds = &pfs_all_kinds,
		.ttl = 5 * PFS_SECOND,
		.ttl_ready = 5 * PFS_SECOND,
		.ttl_final = 5 * PFS_SECOND,
		.ttl_missing = 2 * PFS_SECOND,
		.ttl_error = 2 * PFS_SECOND,
		.timeout = 30 * PFS_SECOND,
		.stale = 60 * PFS_SECOND,
		.max_objects = 1000,
		.max_bytes = UINT64_MAX,
		.max_missing = 8,
		.max_idle = 8,
	};
	const struct pfs_history_config history = {
		.max_object = 512, .max_whole = 1024, .max_together = UINT64_MAX};
	const struct pfs_tables_config tables = {.timeout = 30 * PFS_SECOND};
	struct pfs_tree_config tree = {.ttl = 5 * PFS_SECOND, .readme = ""};
	char text[200];

	must(world);
	world->kind = kind;
	world->clock = (struct pfs_clock){.monotonic = monotonic, .wall = wall};
	world->now = PFS_SECOND;
	world->stats = calloc(1, sizeof(*world->stats));
	world->key = calloc(1, sizeof(*world->key));
	must(world->stats && world->key);
	TAILQ_INIT(&http.asked);
	http.questions = 0;
	http.world = world;
	must(!pfs_loop_create(&world->clock, &world->loop));
	must(!pfs_api_create(&http, world->stats, world->key, &api, &world->api, text,
			     sizeof(text)));
	must(!pfs_store_create(world->api, world->loop, world->stats, &store, &world->store));
	must(!pfs_history_create(world->store, world->loop, world->stats, &history,
				 &world->history));
	must(!pfs_tables_create(world->store, world->loop, world->stats, &tables, &world->tables));
	tree.tables = world->tables;
	must(!pfs_tree_create(world->store, world->history, world->loop, &tree, &world->tree));
	return world;
}

void world_destroy(struct world *world)
{
	pfs_tables_destroy(world->tables);
	pfs_store_destroy(world->store);
	must(!TAILQ_FIRST(&http.asked));
	must(world->stats->objects == 0 && world->stats->waiting == 0);
	pfs_tree_destroy(world->tree);
	pfs_history_destroy(world->history);
	pfs_api_destroy(world->api);
	pfs_loop_destroy(world->loop);
	free(world->key);
	free(world->stats);
	free(world);
}

void world_pass(struct world *world, int64_t ns)
{
	world->now += ns;
}

static void on_told(struct pfs_wait *wait, int error)
{
	struct waiter *waiter = (struct waiter *)wait;

	must(!waiter->told);
	waiter->told = true;
	waiter->error = error;
}

void waiter_init(struct waiter *waiter)
{
	*waiter = (struct waiter){.wait.done = on_told};
}

struct pfs_node world_collection(const struct world *world)
{
	struct pfs_node node;

	must(!pfs_tree_node(world->tree, pfs_tree_collection_inode(world->kind), &node));
	return node;
}

bool world_object(struct world *world, const char *id, struct pfs_node *ret_node)
{
	const struct pfs_node collection = world_collection(world);
	int64_t holds;

	return !pfs_tree_lookup(world->tree, &collection, id, NULL, ret_node, &holds);
}

/* --- the files of an object ---------------------------------------------------------------- */

/*
 * What every entry must be: found again by its name, and as long as its attributes say (but for a
 * file whose readers wait).
 */
static void check_file(struct world *world, const struct pfs_node *object,
		       const struct pfs_entry *entry, struct pfs_buffer *content)
{
	struct pfs_slice bytes;
	struct pfs_node found;
	struct stat stat;
	int64_t holds;

	must(is_file_name(entry->name));
	must(!pfs_tree_lookup(world->tree, object, entry->name, NULL, &found, &holds));
	must(found.inode == entry->node.inode);
	pfs_buffer_clear(content);
	must(!pfs_tree_attributes(world->tree, &entry->node, &stat, &holds));
	if (entry->node.type == PFS_NODE_LINK) {
		must(!pfs_tree_readlink(world->tree, &entry->node, content));
		must(S_ISLNK(stat.st_mode) && (size_t)stat.st_size == content->length);
		must(!pfs_buffer_add(content, "", 1)); /* what it leads to is one more name */
		must(is_file_name(strrchr(content->bytes, '/') + 1));
		content->length--;
		return;
	}
	must(S_ISREG(stat.st_mode) && stat.st_ino == entry->node.inode);
	if (pfs_tree_must_wait(&entry->node))
		return;
	must(!pfs_tree_read(world->tree, &entry->node, &bytes));
	must(bytes.length == (size_t)stat.st_size);
	must(!pfs_buffer_add(content, bytes.bytes, bytes.length));
}

void world_each_file(struct world *world, const struct pfs_node *object, world_visit *visit,
		     void *arg)
{
	struct pfs_buffer content = {0};
	struct waiter waiter;
	struct pfs_entry entry;
	uint64_t cursor = 0, seen = 0;

	waiter_init(&waiter);
	while (pfs_tree_list(world->tree, object, cursor, &waiter.wait, &entry) == 1) {
		must(entry.cursor > cursor);
		cursor = entry.cursor;
		if (!strcmp(entry.name, ".") || !strcmp(entry.name, ".."))
			continue;
		/* Two files of one name would share a node. */
		must(!(seen & (UINT64_C(1) << entry.node.index)));
		seen |= UINT64_C(1) << entry.node.index;
		check_file(world, object, &entry, &content);
		if (entry.node.type != PFS_NODE_LINK)
			visit(arg, entry.name, &entry.node, &content);
	}
	pfs_buffer_finish(&content);
}

/* --- bytes --------------------------------------------------------------------------------- */

bool slice_next(struct slice *rest, char at, struct slice *ret_part)
{
	const char *cut;

	if (!rest->bytes)
		return false;
	cut = rest->length ? memchr(rest->bytes, at, rest->length) : NULL;
	*ret_part = *rest;
	if (!cut) {
		rest->bytes = NULL;
		return true;
	}
	ret_part->length = (size_t)(cut - rest->bytes);
	rest->length -= ret_part->length + 1;
	rest->bytes = cut + 1;
	return true;
}

char *slice_string(struct slice slice)
{
	char *copy = malloc(slice.length + 1);

	must(copy);
	if (slice.length)
		memcpy(copy, slice.bytes, slice.length);
	copy[slice.length] = '\0';
	return copy;
}

/* How many bytes the character at text has; 0 if it is none that a person should see. */
static size_t character(const unsigned char *text, size_t left)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t length;
	} forms[] = {
		{0x20, 0x7e, 0x80, 0xbf, 1}, {0xc2, 0xc2, 0xa0, 0xbf, 2},
		{0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*text < forms[i].first || *text > forms[i].last)
			continue;
		if (left < forms[i].length ||
		    (forms[i].length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high)))
			return 0;
		for (size_t n = 2; n < forms[i].length; n++) {
			if (text[n] < 0x80 || text[n] > 0xbf)
				return 0;
		}
		return forms[i].length;
	}
	return 0;
}

bool is_for_people(const char *text, size_t length)
{
	size_t used = 0, size;

	for (; used < length; used += size) {
		size = character((const unsigned char *)text + used, length - used);
		if (!size)
			return false;
	}
	return true;
}

bool is_file_name(const char *name)
{
	size_t length = strlen(name);

	return length && length <= 255 && *name != '.' &&
	       length == strspn(name, "0123456789._-abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}
