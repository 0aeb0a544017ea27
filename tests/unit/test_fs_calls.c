/* SPDX-License-Identifier: MIT */
/* Requests that may have to wait: what they are replied, when, and what the kernel then holds. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel_fixture.h"

#define GRACE PFS_SECOND /* for somebody who gave up */

static uint64_t collection(const struct kernel *kernel)
{
	return pfs_tree_collection_inode(kernel->store->kind);
}

static struct pfs_object *object_of(struct kernel *kernel, const char *id)
{
	return pfs_store_find(kernel->store->store, kernel->store->kind, id);
}

static uint64_t look_up_job(struct kernel *kernel, const char *id)
{
	return request_name(kernel, FUSE_LOOKUP, collection(kernel), id);
}

/* The child finds what has vanished for as long as it makes an event of that, and no longer. */
static void test_what_has_vanished_is_shown_only_for_its_event(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_object *job = know_job(kernel, "a", "Completed");
	uint64_t inode = pfs_tree_object_inode(job);

	assert_replied(kernel, look_up_job(kernel, "a"), 0);
	pfs_store_expire(kernel->store->store);
	assert_int_equal(ask(kernel->store, "a", NULL), -EINPROGRESS);
	fake_api_fail(kernel->api, "a", -ENOENT, 404);
	kernel->pid = FAKE_CHILD;
	kernel->scene->poke.making = true;
	assert_replied(kernel, request_getattr(kernel, inode, false), 0);
	kernel->scene->poke.making = false;
	kernel->scene->poke.looking = true;
	assert_replied(kernel, request_getattr(kernel, inode, false), -ESTALE);
	assert_replied(kernel, look_up_job(kernel, "a"), -ENOENT);
	kernel->scene->poke.looking = false;
	kernel->pid = 1;
}

/* --- lookup -------------------------------------------------------------------------------- */

static void test_lookup_waits_for_the_api_and_is_held_until_it_is_forgotten(void **state)
{
	struct kernel *kernel = *state;
	uint64_t first = look_up_job(kernel, "a"), second = look_up_job(kernel, "a");

	assert_unanswered(kernel, first);
	assert_int_equal(kernel->api->describes, 1);
	fake_api_status(kernel->api, "a", "Pending");
	assert_replied(kernel, first, 0);
	assert_replied(kernel, second, 0);
	assert_int_equal(kernel->body.entry.nodeid, pfs_tree_object_inode(object_of(kernel, "a")));
	assert_int_equal(kernel->body.entry.entry_valid, TTL / PFS_SECOND);
	assert_true(S_ISDIR(kernel->body.entry.attr.mode));
	assert_int_equal(object_of(kernel, "a")->references, 2);
	forget(kernel, kernel->body.entry.nodeid, 1);
	assert_int_equal(object_of(kernel, "a")->references, 1);
	forget(kernel, kernel->body.entry.nodeid, 1);
	assert_int_equal(object_of(kernel, "a")->references, 0);
}

static void test_lookup_of_what_is_missing_may_be_remembered(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = look_up_job(kernel, "a");

	fake_api_fail(kernel->api, "a", -ENOENT, 404);
	assert_replied(kernel, unique, 0);
	assert_int_equal(kernel->body.entry.nodeid, 0);
	assert_int_equal(kernel->body.entry.entry_valid, TTL_MISSING / PFS_SECOND);
	assert_replied(kernel, look_up_job(kernel, "no id"), 0); /* can't be one */
	assert_int_equal(kernel->body.entry.nodeid, 0);
	assert_int_equal(kernel->api->describes, 1);
	assert_int_equal(kernel->store->stats.replies_failed, 0);
}

static void test_lookup_fails_with_what_the_api_says(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = look_up_job(kernel, "a");

	fake_api_fail(kernel->api, "a", -EACCES, 401);
	assert_replied(kernel, unique, -EACCES);
	assert_int_equal(kernel->store->stats.replies_failed, 1);
	assert_replied(kernel, look_up_job(kernel, "a"), -EACCES); /* remembered */
	assert_int_equal(kernel->api->describes, 1);
}

static void test_lookup_of_a_name_that_is_too_long_asks_nobody(void **state)
{
	struct kernel *kernel = *state;
	char name[300];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_replied(kernel, look_up_job(kernel, name), -ENAMETOOLONG);
	name[256] = '\0';
	assert_replied(kernel, look_up_job(kernel, name), -ENAMETOOLONG);
	assert_int_equal(kernel->api->describes, 0);
	name[255] = '\0';
	(void)look_up_job(kernel, name);
	assert_int_equal(kernel->api->describes, 1);
}

static void test_lookup_whose_reply_fails_holds_nothing(void **state)
{
	struct kernel *kernel = *state;

	(void)know_job(kernel, "b", "Pending");
	(void)look_up_job(kernel, "a");
	turn_deaf(kernel);
	fake_api_status(kernel->api, "a", "Pending");
	assert_int_equal(object_of(kernel, "a")->references, 0);
	(void)look_up_job(kernel, "b"); /* which is replied to at once */
	assert_int_equal(object_of(kernel, "b")->references, 0);
}

static void test_many_names_are_forgotten_in_one_message(void **state)
{
	struct kernel *kernel = *state;
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one[3];
	} body = {.in.count = 3};

	for (size_t i = 0; i < 3; i++) {
		char id[] = {(char)('a' + i), '\0'};

		(void)know_job(kernel, id, "Pending");
		for (size_t times = 0; times <= i; times++)
			assert_replied(kernel, look_up_job(kernel, id), 0);
		body.one[i].nodeid = kernel->body.entry.nodeid;
		body.one[i].nlookup = i + 1;
	}
	assert_int_equal(object_of(kernel, "c")->references, 3);
	(void)request(kernel, FUSE_BATCH_FORGET, 0, &body, sizeof(body));
	assert_int_equal(object_of(kernel, "a")->references, 0);
	assert_int_equal(object_of(kernel, "b")->references, 0);
	assert_int_equal(object_of(kernel, "c")->references, 0);
}

/* --- getattr ------------------------------------------------------------------------------- */

static void test_getattr_tells_what_holds_without_asking(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode;

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/status");
	for (int reading = 0; reading <= 1; reading++) {
		assert_replied(kernel, request_getattr(kernel, inode, reading), 0);
		assert_int_equal(kernel->body.attributes.attr.size, strlen("Pending\n"));
		assert_int_equal(kernel->body.attributes.attr_valid, TTL / PFS_SECOND);
	}
	assert_int_equal(kernel->api->describes, 1);
}

static void test_getattr_of_what_ran_out_waits_and_is_told_the_new(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode, stat, read;

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/status");
	kernel_pass(kernel, TTL);
	stat = request_getattr(kernel, inode, false);
	read = request_getattr(kernel, inode, true);
	assert_unanswered(kernel, stat);
	assert_unanswered(kernel, read);
	fake_api_status(kernel->api, "a", "Completed");
	assert_replied(kernel, stat, 0);
	assert_replied(kernel, read, 0);
	assert_int_equal(kernel->body.attributes.attr.size, strlen("Completed\n"));
	assert_int_equal(kernel->api->describes, 2);
}

static void test_getattr_of_a_history_tells_each_process_apart(void **state)
{
	struct kernel *kernel = *state;
	const struct fuse_attr *attributes = &kernel->body.attributes.attr;
	uint32_t first;
	uint64_t inode;

	(void)know_job(kernel, "a", "Pending");
	change_job(kernel->scene, "Stuck");
	inode = inode_of(kernel->scene, "restore-jobs/a/events");
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	first = attributes->mtimensec;
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_int_equal(attributes->mtimensec, first);
	assert_int_equal(kernel->body.attributes.attr_valid, 0);
	kernel->pid++;
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_int_not_equal(attributes->mtimensec, first);
	kernel_pass(kernel, PFS_SECOND);
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_true(kernel->body.attributes.attr_valid > 0);
}

/* For stat(2) the last attributes are better than none; for read(2) they would be a lie. */
static void test_getattr_while_the_api_fails(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode, stat, read;

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/status");
	kernel_pass(kernel, TTL + STALE);
	stat = request_getattr(kernel, inode, false);
	read = request_getattr(kernel, inode, true);
	fake_api_fail(kernel->api, "a", -EIO, 500);
	assert_replied(kernel, stat, 0);
	assert_replied(kernel, read, -EIO);
}

static void test_getattr_of_what_is_gone_is_stale(void **state)
{
	struct kernel *kernel = *state;

	assert_replied(kernel, request_getattr(kernel, 64 * 7, false), -ESTALE);
	assert_replied(kernel, request_getattr(kernel, 64 * 7, true), -ESTALE);
}

/* --- who gives up -------------------------------------------------------------------------- */

static void test_interrupted_is_answered_after_a_moment(void **state)
{
	struct kernel *kernel = *state;
	uint64_t given_up = look_up_job(kernel, "a"), other = look_up_job(kernel, "a");

	interrupt(kernel, given_up);
	kernel_pass(kernel, GRACE / 2);
	interrupt(kernel, given_up); /* once more: the moment doesn't begin anew */
	kernel_pass(kernel, GRACE / 2 - 1);
	assert_unanswered(kernel, given_up);
	kernel_pass(kernel, 1);
	assert_replied(kernel, given_up, -EINTR);
	assert_int_equal(kernel->store->stats.interrupted, 1);
	assert_unanswered(kernel, other); /* who waits for the same */
	fake_api_status(kernel->api, "a", "Pending");
	assert_replied(kernel, other, 0);
	assert_int_equal(object_of(kernel, "a")->references, 1);
}

static void test_interrupted_gets_what_comes_within_the_moment(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = look_up_job(kernel, "a");

	interrupt(kernel, unique);
	kernel_pass(kernel, GRACE - 1);
	fake_api_status(kernel->api, "a", "Pending");
	assert_replied(kernel, unique, 0);
	kernel_pass(kernel, 2 * GRACE);
	interrupt(kernel, unique); /* it is over */
	kernel_pass(kernel, 2 * GRACE);
	assert_replied(kernel, unique, 0);
	assert_int_equal(kernel->store->stats.interrupted, 1);
	(void)look_up_job(kernel, "a"); /* with the next message libfuse lets go of the late one */
}

/* The kernel's messages may overtake each other. */
static void test_interrupted_before_it_came(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	interrupt(kernel, 2 * (kernel->count + 2));
	unique = look_up_job(kernel, "a");
	assert_unanswered(kernel, unique);
	kernel_pass(kernel, GRACE);
	assert_replied(kernel, unique, -EINTR);
	/* And one whose answer is known is answered. */
	(void)know_job(kernel, "b", "Pending");
	interrupt(kernel, 2 * (kernel->count + 2));
	assert_replied(kernel, look_up_job(kernel, "b"), 0);
}

static void test_interrupted_listing_that_waits_for_another_page(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = request_listing(kernel, FUSE_READDIR, collection(kernel), 2, 4096);

	interrupt(kernel, unique);
	kernel_pass(kernel, GRACE / 2);
	fake_api_page(kernel->api, "", "token"); /* with nothing to tell yet */
	kernel_pass(kernel, GRACE / 2 - 1);
	assert_unanswered(kernel, unique);
	kernel_pass(kernel, 1);
	assert_replied(kernel, unique, -EINTR);
}

/* Somebody who waits for the list, too, and has all forgotten when it is there. */
struct forgetter {
	struct waiter waiter; /* first, so that one is the other */
	struct pfs_store *store;
};

static void forget_all(struct pfs_wait *wait, int error)
{
	pfs_store_expire(((struct forgetter *)wait)->store);
}

/* That it was interrupted isn't forgotten, and it gets another moment. */
static void test_interrupted_listing_that_is_parked_once_more(void **state)
{
	struct kernel *kernel = *state;
	struct forgetter forgetter = {
		.waiter.wait.done = forget_all,
		.store = kernel->store->store,
	};
	uint64_t unique;

	assert_int_equal(ask_list(kernel->store, 0, &forgetter.waiter), -EINPROGRESS);
	unique = request_listing(kernel, FUSE_READDIR, collection(kernel), 0, 4096);
	interrupt(kernel, unique);
	kernel_pass(kernel, GRACE / 2);
	fake_api_page(kernel->api, "", NULL);
	assert_int_equal(kernel->api->lists, 2);
	kernel_pass(kernel, GRACE - 1);
	assert_unanswered(kernel, unique);
	kernel_pass(kernel, 1);
	assert_replied(kernel, unique, -EINTR);
}

static void test_interrupted_reader_of_wait_is_answered_at_once(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode, reader, other;

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/wait");
	assert_replied(kernel, request_getattr(kernel, inode, false), 0);
	reader = request_getattr(kernel, inode, true);
	other = request_getattr(kernel, inode, true);
	interrupt(kernel, reader);
	kernel_pass(kernel, 0);
	assert_replied(kernel, reader, -EINTR);
	assert_unanswered(kernel, other);
	change_job(kernel->scene, "Completed");
	assert_replied(kernel, other, 0);
	assert_int_equal(kernel->body.attributes.attr.size, strlen("Completed\n"));
	assert_true(kernel->body.attributes.attr_valid > 0);
}

/* --- bounds and ends ----------------------------------------------------------------------- */

/* The kernel looks at the time of messages only now and then. */
static void test_where_the_kernel_bounds_the_time_all_are_answered_well_before(void **state)
{
	struct kernel *kernel = *state;
	uint64_t lookup, listing, reader;

	(void)know_job(kernel, "a", "Pending");
	reader = request_getattr(kernel, inode_of(kernel->scene, "restore-jobs/a/wait"), true);
	lookup = look_up_job(kernel, "b");
	kernel_pass(kernel, TIME_LIMIT * 3 / 4 - 1);
	assert_unanswered(kernel, reader);
	assert_unanswered(kernel, lookup);
	kernel_pass(kernel, 1);
	assert_replied(kernel, lookup, -ETIMEDOUT);
	assert_replied(kernel, reader, -EINTR); /* so that it reads again */
	assert_int_equal(kernel->store->stats.interrupted, 0);
	/* The second time, too. */
	reader = request_getattr(kernel, inode_of(kernel->scene, "restore-jobs/a/wait"), true);
	listing = request_listing(kernel, FUSE_READDIR, collection(kernel), 0, 4096);
	interrupt(kernel, listing);
	kernel_pass(kernel, GRACE);
	assert_replied(kernel, listing, -EINTR);
	kernel_pass(kernel, TIME_LIMIT * 3 / 4 - GRACE - 1);
	assert_unanswered(kernel, reader);
	kernel_pass(kernel, 1);
	assert_replied(kernel, reader, -EINTR);
}

static void test_without_a_bound_they_wait_for_as_long_as_it_takes(void **state)
{
	struct kernel *kernel = *state;
	uint64_t reader;

	(void)know_job(kernel, "a", "Pending");
	reader = request_getattr(kernel, inode_of(kernel->scene, "restore-jobs/a/wait"), true);
	kernel_pass(kernel, 100 * TIME_LIMIT);
	assert_unanswered(kernel, reader);
	interrupt(kernel, reader);
	kernel_pass(kernel, 0);
	assert_replied(kernel, reader, -EINTR);
}

static void test_end_of_the_mount_answers_all(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique[5];

	(void)know_job(kernel, "a", "Pending");
	unique[0] = look_up_job(kernel, "b");
	unique[1] = look_up_job(kernel, "b");
	unique[2] = request_listing(kernel, FUSE_READDIRPLUS, collection(kernel), 0, 4096);
	unique[3] = request_getattr(kernel, inode_of(kernel->scene, "restore-jobs/a/wait"), true);
	unique[4] = look_up_job(kernel, "c");
	interrupt(kernel, unique[4]);
	end_mount(kernel);
	for (size_t i = 0; i < COUNT(unique); i++)
		assert_replied(kernel, unique[i], -ENOTCONN);
	assert_int_equal(kernel->store->stats.waiting, 0);
}

/* --- listings ------------------------------------------------------------------------------ */

/* The names in the last reply, each with a blank behind it. ret_offset: where the next begins. */
static const char *names_in(struct kernel *kernel, bool plus, uint64_t *ret_offset)
{
	static char said[2000];
	size_t at = 0, length = 0;

	said[0] = '\0';
	while (at < kernel->length) {
		struct fuse_direntplus *entry = (void *)(kernel->body.bytes + at);
		struct fuse_dirent *dirent =
			plus ? &entry->dirent : (void *)(kernel->body.bytes + at);

		length += (size_t)snprintf(said + length, sizeof(said) - length, "%.*s ",
					   (int)dirent->namelen, dirent->name);
		*ret_offset = dirent->off;
		at += plus ? FUSE_DIRENTPLUS_SIZE(entry) : FUSE_DIRENT_SIZE(dirent);
	}
	assert_int_equal(at, kernel->length);
	return said;
}

/* All names, read with replies of this size. */
static const char *list_all(struct kernel *kernel, bool plus, uint32_t size)
{
	static char all[2000];
	uint64_t offset = 0;
	unsigned replies = 0;

	all[0] = '\0';
	do {
		assert_replied(kernel,
			       request_listing(kernel, plus ? FUSE_READDIRPLUS : FUSE_READDIR,
					       collection(kernel), offset, size),
			       0);
		assert_true(kernel->length <= size);
		strcat(all, names_in(kernel, plus, &offset));
		assert_true(++replies < 20);
	} while (kernel->length);
	return all;
}

static void test_listing_is_read_on_from_each_offset(void **state)
{
	struct kernel *kernel = *state;

	learn_list(kernel->store, "a b c d e f");
	for (uint32_t size = 32; size < 200; size += 13)
		assert_string_equal(list_all(kernel, false, size), ". .. a b c d e f ");
	assert_int_equal(object_of(kernel, "a")->references, 0);
	assert_int_equal(kernel->api->lists, 1);
}

static void test_listing_with_attributes_holds_each_entry_that_went_out(void **state)
{
	struct kernel *kernel = *state;
	unsigned times = 0;

	learn_list(kernel->store, "a b c d e f");
	for (uint32_t size = 160; size < 2000; size += 119) {
		assert_string_equal(list_all(kernel, true, size), ". .. a b c d e f ");
		times++;
		for (const char *id = "a\0b\0c\0d\0e\0f\0"; *id; id += 2)
			assert_int_equal(object_of(kernel, id)->references, times);
	}
	forget(kernel, pfs_tree_object_inode(object_of(kernel, "f")), times);
	assert_int_equal(object_of(kernel, "f")->references, 0);
}

static void test_listing_whose_reply_fails_holds_nothing(void **state)
{
	struct kernel *kernel = *state;

	learn_list(kernel->store, "a b c d e f");
	assert_replied(kernel, look_up_job(kernel, "b"), 0);
	turn_deaf(kernel);
	(void)request_listing(kernel, FUSE_READDIRPLUS, collection(kernel), 0, 4096);
	assert_int_equal(object_of(kernel, "a")->references, 0);
	assert_int_equal(object_of(kernel, "b")->references, 1);
	assert_int_equal(object_of(kernel, "f")->references, 0);
}

static void test_listing_is_told_as_it_comes(void **state)
{
	struct kernel *kernel = *state;
	uint64_t offset = 0, dots, first, second;

	dots = request_listing(kernel, FUSE_READDIRPLUS, collection(kernel), 0, 4096);
	assert_unanswered(kernel, dots);
	fake_api_page(kernel->api, "a b", "token");
	assert_replied(kernel, dots, 0);
	assert_string_equal(names_in(kernel, true, &offset), ". .. a b ");
	first = request_listing(kernel, FUSE_READDIRPLUS, collection(kernel), offset, 4096);
	second = request_listing(kernel, FUSE_READDIRPLUS, collection(kernel), offset, 4096);
	assert_unanswered(kernel, first);
	fake_api_page(kernel->api, "c", NULL);
	assert_replied(kernel, first, 0);
	assert_replied(kernel, second, 0);
	assert_string_equal(names_in(kernel, true, &offset), "c ");
	assert_int_equal(object_of(kernel, "c")->references, 2);
	assert_replied(kernel,
		       request_listing(kernel, FUSE_READDIRPLUS, collection(kernel), offset, 4096),
		       0);
	assert_int_equal(kernel->length, 0);
}

/* What there is goes out; the failure meets who asks for more. */
static void test_listing_that_fails_in_the_middle(void **state)
{
	struct kernel *kernel = *state;
	uint64_t offset = 0, unique;

	unique = request_listing(kernel, FUSE_READDIR, collection(kernel), 0, 4096);
	fake_api_page(kernel->api, "a b", "token");
	assert_replied(kernel, unique, 0);
	(void)names_in(kernel, false, &offset);
	unique = request_listing(kernel, FUSE_READDIR, collection(kernel), offset, 4096);
	fake_api_fail(kernel->api, NULL, -EIO, 503);
	assert_replied(kernel, unique, -EIO);
	assert_replied(kernel, request_listing(kernel, FUSE_READDIR, collection(kernel), 0, 4096),
		       -EIO);
	assert_replied(kernel, request_listing(kernel, FUSE_READDIR, 2, 2, 4096), -ENOTDIR);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_kernel, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_has_vanished_is_shown_only_for_its_event),
		TEST(test_lookup_waits_for_the_api_and_is_held_until_it_is_forgotten),
		TEST(test_lookup_of_what_is_missing_may_be_remembered),
		TEST(test_lookup_fails_with_what_the_api_says),
		TEST(test_lookup_of_a_name_that_is_too_long_asks_nobody),
		TEST(test_lookup_whose_reply_fails_holds_nothing),
		TEST(test_many_names_are_forgotten_in_one_message),
		TEST(test_getattr_tells_what_holds_without_asking),
		TEST(test_getattr_of_what_ran_out_waits_and_is_told_the_new),
		TEST(test_getattr_of_a_history_tells_each_process_apart),
		TEST(test_getattr_while_the_api_fails),
		TEST(test_getattr_of_what_is_gone_is_stale),
		TEST(test_interrupted_is_answered_after_a_moment),
		TEST(test_interrupted_gets_what_comes_within_the_moment),
		TEST(test_interrupted_before_it_came),
		TEST(test_interrupted_listing_that_waits_for_another_page),
		TEST(test_interrupted_listing_that_is_parked_once_more),
		TEST(test_interrupted_reader_of_wait_is_answered_at_once),
		cmocka_unit_test_setup_teardown(
			test_where_the_kernel_bounds_the_time_all_are_answered_well_before,
			setup_kernel_with_time_limit, teardown_kernel),
		TEST(test_without_a_bound_they_wait_for_as_long_as_it_takes),
		TEST(test_end_of_the_mount_answers_all),
		TEST(test_listing_is_read_on_from_each_offset),
		TEST(test_listing_with_attributes_holds_each_entry_that_went_out),
		TEST(test_listing_whose_reply_fails_holds_nothing),
		TEST(test_listing_is_told_as_it_comes),
		TEST(test_listing_that_fails_in_the_middle),
	};

	return cmocka_run_group_tests_name("fs_calls", tests, NULL, NULL);
}
