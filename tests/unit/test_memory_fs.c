/* SPDX-License-Identifier: MIT */
/*
 * As test_memory, for what the kernel asks: memory is short only while pinefs has a message or an
 * answer of the API in hand. Each request is replied to exactly once all the same (teardown_kernel
 * asserts that), the kernel holds what it was told, and once there is memory again all works.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "kernel_fixture.h"
#include "short_memory.h"

#define PENDING	  "{\"restore_job_id\":\"a\",\"status\":\"Pending\",\"note\":\"x\"}"
#define OTHER	  "{\"restore_job_id\":\"b\",\"status\":\"Pending\"}"
#define COMPLETED "{\"restore_job_id\":\"a\",\"status\":\"Completed\",\"note\":\"y\"}"

static struct kernel *begin(void)
{
	void *kernel = NULL;

	short_memory_pause(true);
	assert_int_equal(setup_kernel(&kernel), 0);
	short_memory_adopt(); /* libfuse's buffer for messages */
	return kernel;
}

static void end(struct kernel *kernel)
{
	void *state = kernel;

	assert_int_equal(teardown_kernel(&state), 0);
}

static uint64_t collection(const struct kernel *kernel)
{
	return pfs_tree_collection_inode(kernel->store->kind);
}

static struct pfs_object *object_of(struct kernel *kernel, const char *id)
{
	return pfs_store_find(kernel->store->store, kernel->store->kind, id);
}

static uint64_t references(struct kernel *kernel, const char *id)
{
	const struct pfs_object *object = object_of(kernel, id);

	return object ? object->references : 0;
}

/* --- with little memory -------------------------------------------------------------------- */

static uint64_t ask_short(struct kernel *kernel, uint32_t opcode, uint64_t inode, const void *body,
			  size_t length, const char *name)
{
	uint64_t unique =
		post(kernel, opcode, inode, body, length, name, name ? strlen(name) + 1 : 0);

	short_memory_pause(false);
	serve(kernel);
	short_memory_pause(true);
	return unique;
}

static uint64_t look_up_short(struct kernel *kernel, const char *id)
{
	return ask_short(kernel, FUSE_LOOKUP, collection(kernel), NULL, 0, id);
}

static uint64_t getattr_short(struct kernel *kernel, uint64_t inode, bool reading)
{
	const struct fuse_getattr_in in = {.getattr_flags = reading ? FUSE_GETATTR_FH : 0};

	return ask_short(kernel, FUSE_GETATTR, inode, &in, sizeof(in), NULL);
}

static uint64_t read_short(struct kernel *kernel, uint32_t opcode, uint64_t inode, uint64_t offset)
{
	const struct fuse_read_in in = {.offset = offset, .size = 4096};

	return ask_short(kernel, opcode, inode, &in, sizeof(in), NULL);
}

static void pass_short(struct kernel *kernel, int64_t ns)
{
	short_memory_pause(false);
	kernel_pass(kernel, ns);
	short_memory_pause(true);
}

static void tell_short(struct kernel *kernel, const char *id, struct pfs_api_answer *answer)
{
	answer->status = 200;
	answer->text = "";
	answer->retry_after = -1;
	short_memory_pause(false);
	if (fake_api_is_asked(kernel->api, id))
		fake_api_tell(kernel->api, id, answer);
	serve(kernel);
	short_memory_pause(true);
}

static void answer_short(struct kernel *kernel, const char *object)
{
	struct pfs_json json;
	struct pfs_api_answer answer = {.object = &json};

	short_memory_parse(object, &json);
	tell_short(kernel, "a", &answer);
	pfs_json_finish(&json);
}

/* --- what came of it ----------------------------------------------------------------------- */

/* It was replied to: was it done? */
static bool is_done(struct kernel *kernel, uint64_t unique)
{
	const struct outcome *outcome = &kernel->outcomes[unique / 2 - 1];

	assert_int_equal(outcome->replies, 1);
	return done(outcome->error);
}

/* There is memory again; what was known holds no longer, nor do the failures. */
static void recover(struct kernel *kernel)
{
	kernel_pass(kernel, TTL_FINAL);
	while (fake_api_is_asked(kernel->api, NULL))
		fake_api_page(kernel->api, "a b", NULL);
	if (fake_api_is_asked(kernel->api, "a"))
		fake_api_answer(kernel->api, "a", COMPLETED);
	kernel_pass(kernel, TTL_FINAL);
}

static void assert_replied_at_last(struct kernel *kernel, const char *id, uint64_t unique)
{
	if (fake_api_is_asked(kernel->api, id))
		fake_api_status(kernel->api, id, "Completed");
	assert_replied(kernel, unique, 0);
}

static void assert_found(struct kernel *kernel, const char *id)
{
	uint64_t before = references(kernel, id);

	assert_replied_at_last(kernel, id,
			       request_name(kernel, FUSE_LOOKUP, collection(kernel), id));
	assert_int_equal(kernel->body.entry.nodeid, pfs_tree_object_inode(object_of(kernel, id)));
	assert_int_equal(references(kernel, id), before + 1);
}

/* --- scenarios ----------------------------------------------------------------------------- */

/* Two wait for the same, one comes later. */
static void ask_for_names(void *arg)
{
	struct kernel *kernel = begin();
	uint64_t uniques[] = {look_up_short(kernel, "a"), look_up_short(kernel, "a")};
	unsigned times = 0;

	answer_short(kernel, PENDING);
	for (size_t i = 0; i < COUNT(uniques); i++)
		times += is_done(kernel, uniques[i]);
	assert_int_equal(references(kernel, "a"), times);
	if (object_of(kernel, "a"))
		times += is_done(kernel, look_up_short(kernel, "a"));
	assert_int_equal(references(kernel, "a"), times);
	recover(kernel);
	assert_found(kernel, "a");
	end(kernel);
}

static void test_memory_short_in_lookup(void **state)
{
	short_memory_run(ask_for_names, NULL);
}

static uint64_t size_told(struct kernel *kernel, uint64_t unique)
{
	assert_int_equal(kernel->unique, unique);
	return kernel->body.attributes.attr.size;
}

/* A reply to READ never is longer than the kernel was told last. */
static void read_status(struct kernel *kernel, uint64_t inode, uint64_t size)
{
	uint64_t unique = read_short(kernel, FUSE_READ, inode, 0);

	if (is_done(kernel, unique))
		assert_int_equal(kernel->length, size);
}

static void ask_for_content(void *arg)
{
	struct kernel *kernel = begin();
	uint64_t inode, unique, stat, size;

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/status");
	unique = getattr_short(kernel, inode, true);
	if (is_done(kernel, unique)) {
		size = size_told(kernel, unique);
		read_status(kernel, inode, size);
	}
	kernel_pass(kernel, TTL);
	stat = getattr_short(kernel, inode, false);
	unique = getattr_short(kernel, inode, true);
	answer_short(kernel, COMPLETED);
	(void)is_done(kernel, stat);
	if (is_done(kernel, unique)) {
		size = size_told(kernel, unique);
		read_status(kernel, inode, size);
	}
	recover(kernel);
	assert_found(kernel, "a");
	assert_replied_at_last(kernel, "a", request_getattr(kernel, inode, true));
	assert_int_equal(kernel->body.attributes.attr.size, strlen("Completed\n"));
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), 0);
	assert_memory_equal(kernel->body.bytes, "Completed\n", strlen("Completed\n"));
	end(kernel);
}

static void test_memory_short_in_getattr_and_read(void **state)
{
	short_memory_run(ask_for_content, NULL);
}

/* How many entries this reply gave the kernel to hold. *ret_offset: where the next one begins. */
static unsigned entries_told(struct kernel *kernel, uint64_t unique, uint64_t *ret_offset)
{
	unsigned count = 0;

	if (!is_done(kernel, unique))
		return 0;
	for (size_t at = 0; at < kernel->length;) {
		struct fuse_direntplus *entry = (void *)(kernel->body.bytes + at);

		count += entry->entry_out.nodeid != 0;
		*ret_offset = entry->dirent.off;
		at += FUSE_DIRENTPLUS_SIZE(entry);
	}
	return count;
}

static void page_short(struct kernel *kernel, const char *id, const char *object, const char *next)
{
	struct pfs_api_row row = {.id = (char *)id};
	struct pfs_api_answer answer = {.rows = &row, .row_count = 1, .next = next};

	short_memory_parse(object, &row.object);
	tell_short(kernel, NULL, &answer);
	pfs_json_finish(&row.object);
}

/* Two wait for the first page, and one of them for the second. */
static void ask_for_listing(void *arg)
{
	struct kernel *kernel = begin();
	uint64_t offset = 0, first, second, told;

	first = read_short(kernel, FUSE_READDIRPLUS, collection(kernel), 0);
	second = read_short(kernel, FUSE_READDIRPLUS, collection(kernel), 0);
	page_short(kernel, "a", PENDING, "token");
	told = entries_told(kernel, first, &offset); /* the replies are alike */
	told += entries_told(kernel, second, &offset);
	assert_int_equal(references(kernel, "a"), told);
	first = read_short(kernel, FUSE_READDIRPLUS, collection(kernel), offset);
	page_short(kernel, "b", OTHER, NULL);
	told += entries_told(kernel, first, &offset);
	assert_int_equal(references(kernel, "a") + references(kernel, "b"), told);
	recover(kernel);
	assert_found(kernel, "a");
	assert_found(kernel, "b");
	end(kernel);
}

static void test_memory_short_in_listing(void **state)
{
	short_memory_run(ask_for_listing, NULL);
}

static uint64_t xattr_short(struct kernel *kernel, uint64_t inode, const char *name, uint32_t size)
{
	const struct fuse_getxattr_in in = {.size = size};

	return ask_short(kernel, name ? FUSE_GETXATTR : FUSE_LISTXATTR, inode, &in, sizeof(in),
			 name);
}

/* Half a value is none. */
static void ask_for_xattrs(void *arg)
{
	static const char *const names[] = {"user.pinefs.source", "user.pinefs.age",
					    "user.pinefs.request_id", NULL};
	struct kernel *kernel = begin();
	uint64_t inode, unique;

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/status");
	for (size_t i = 0; i < COUNT(names); i++) {
		uint64_t whole;

		unique = xattr_short(kernel, inode, names[i], 0);
		if (!is_done(kernel, unique))
			continue;
		whole = kernel->body.xattr.size;
		unique = xattr_short(kernel, inode, names[i], 1000);
		if (is_done(kernel, unique))
			assert_int_equal(kernel->length, whole);
	}
	unique = xattr_short(kernel, inode, "user.pinefs.source", 1000);
	if (is_done(kernel, unique))
		assert_memory_equal(kernel->body.bytes, "describe", strlen("describe"));
	end(kernel);
}

static void test_memory_short_in_xattrs(void **state)
{
	short_memory_run(ask_for_xattrs, NULL);
}

static uint64_t poll_short(struct kernel *kernel, uint64_t inode)
{
	const struct fuse_poll_in in = {
		.kh = 7,
		.flags = FUSE_POLL_SCHEDULE_NOTIFY,
		.events = POLLIN | POLLPRI,
	};

	return ask_short(kernel, FUSE_POLL, inode, &in, sizeof(in), NULL);
}

/* One gives up, one stays; and a lookup that is interrupted. */
static void wait_and_give_up(void *arg)
{
	struct kernel *kernel = begin();
	uint64_t inode, readers[2], lookup, poll;

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/wait");
	for (size_t i = 0; i < COUNT(readers); i++)
		readers[i] = getattr_short(kernel, inode, true);
	lookup = look_up_short(kernel, "b");
	poll = poll_short(kernel, inode);
	assert_replied(kernel, poll, 0);
	for (size_t i = 0; i < COUNT(readers); i++) {
		const struct fuse_interrupt_in in = {.unique = i ? lookup : readers[0]};

		/* libfuse keeps those of requests that it doesn't know, for ever. */
		if (!kernel->outcomes[in.unique / 2 - 1].replies)
			(void)ask_short(kernel, FUSE_INTERRUPT, 0, &in, sizeof(in), NULL);
	}
	pass_short(kernel, PFS_SECOND);
	assert_true(kernel->outcomes[readers[0] / 2 - 1].error == -EINTR ||
		    !is_done(kernel, readers[0]));
	assert_true(kernel->outcomes[lookup / 2 - 1].error == -EINTR || !is_done(kernel, lookup));
	pfs_store_expire(kernel->store->store);
	(void)getattr_short(kernel, inode_of(kernel->scene, "restore-jobs/a/status"), true);
	answer_short(kernel, COMPLETED);
	recover(kernel);
	if (is_done(kernel, readers[1]))
		assert_true(kernel->unique >= readers[1]);
	end(kernel);
}

static void test_memory_short_while_somebody_waits(void **state)
{
	short_memory_run(wait_and_give_up, NULL);
}

/* What is refused needs no memory, nor does the end. */
static void refuse_and_end(void *arg)
{
	const struct fuse_write_in write = {.size = 1};
	const struct fuse_setattr_in setattr = {.valid = FATTR_MTIME | FATTR_MTIME_NOW};
	struct kernel *kernel = begin();
	uint64_t inode, parked[4];

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/status");
	assert_replied(kernel, ask_short(kernel, FUSE_WRITE, inode, &write, sizeof(write), "x"),
		       -EROFS);
	assert_replied(kernel,
		       ask_short(kernel, FUSE_SETATTR, inode, &setattr, sizeof(setattr), NULL),
		       -EROFS);
	assert_replied(kernel, ask_short(kernel, FUSE_UNLINK, collection(kernel), NULL, 0, "a"),
		       -EROFS);
	parked[0] = look_up_short(kernel, "b");
	parked[1] = look_up_short(kernel, "b");
	parked[2] = read_short(kernel, FUSE_READDIRPLUS, collection(kernel), 0);
	parked[3] = getattr_short(kernel, inode_of(kernel->scene, "restore-jobs/a/wait"), true);
	short_memory_pause(false);
	pfs_fs_invalidate(kernel->fs);
	end_mount(kernel);
	short_memory_pause(true);
	for (size_t i = 0; i < COUNT(parked); i++)
		assert_true(kernel->outcomes[parked[i] / 2 - 1].error == -ENOTCONN ||
			    !is_done(kernel, parked[i]));
	assert_int_equal(kernel->store->stats.waiting, 0);
	end(kernel);
}

static void test_memory_short_where_it_is_not_needed(void **state)
{
	short_memory_run(refuse_and_end, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_short_in_lookup),
		cmocka_unit_test(test_memory_short_in_getattr_and_read),
		cmocka_unit_test(test_memory_short_in_listing),
		cmocka_unit_test(test_memory_short_in_xattrs),
		cmocka_unit_test(test_memory_short_while_somebody_waits),
		cmocka_unit_test(test_memory_short_where_it_is_not_needed),
	};

	return cmocka_run_group_tests_name("memory_fs", tests, NULL, NULL);
}
