/* SPDX-License-Identifier: MIT */
#include "pinefs/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_time.h"
#include "unit.h"

/* A loop on a fake clock, and a note of what happened in which order. */
struct fixture {
	struct fake_time time;
	struct pfs_loop *loop;
	char notes[100];
	int wait_result;
	int timeout; /* that the loop last waited with */
};

/* Something that notes its letter when it fires or becomes ready. */
struct noter {
	struct fixture *fixture;
	char letter;
	struct pfs_timer timer;
	struct pfs_timer *other; /* for the ones that start or stop it */
	int64_t again;
	int fd;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fake_time_init(&fixture->time);
	*state = fixture;
	return pfs_loop_create(&fixture->time.clock, &fixture->loop);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	pfs_loop_destroy(fixture->loop);
	free(fixture);
	return 0;
}

static void note(void *arg)
{
	struct noter *noter = arg;

	noter->fixture->notes[strlen(noter->fixture->notes)] = noter->letter;
}

static struct noter make_noter(struct fixture *fixture, char letter)
{
	return (struct noter){.fixture = fixture, .letter = letter, .timer = {.fire = note}};
}

static void start(struct noter *noter, int64_t ns)
{
	noter->timer.arg = noter;
	pfs_timer_start(noter->fixture->loop, &noter->timer, FAKE_START + ns);
}

/* Doesn't wait, and shows how long it would have. */
static int wait_not(void *arg, struct pollfd *fds, size_t count, int timeout)
{
	struct fixture *fixture = arg;

	fixture->timeout = timeout;
	for (size_t i = 0; i < count; i++)
		fds[i].revents = 0;
	return fixture->wait_result;
}

static void wait_never(struct fixture *fixture)
{
	const struct pfs_loop_waiter waiter = {.wait = wait_not, .arg = fixture};

	pfs_loop_set_waiter(fixture->loop, &waiter);
}

/* --- timers -------------------------------------------------------------------------------- */

static void test_timers_fire_in_order_of_time_then_of_start(void **state)
{
	struct fixture *fixture = *state;
	static const int64_t due[] = {30, 10, 20, 10, 40, 10};
	struct noter noters[COUNT(due)];

	fake_time_drive(&fixture->time, fixture->loop);
	for (size_t i = 0; i < COUNT(due); i++) {
		noters[i] = make_noter(fixture, (char)('a' + i));
		start(&noters[i], due[i] * PFS_SECOND);
	}
	fake_time_pass(&fixture->time, fixture->loop, 60 * PFS_SECOND);
	assert_string_equal(fixture->notes, "bdfcae");
}

static void test_timer_fires_when_due_and_once(void **state)
{
	struct fixture *fixture = *state;
	struct noter noter = make_noter(fixture, 'x');

	fake_time_drive(&fixture->time, fixture->loop);
	start(&noter, 5 * PFS_SECOND);
	assert_true(noter.timer.running);
	fake_time_pass(&fixture->time, fixture->loop, 5 * PFS_SECOND - 1);
	assert_string_equal(fixture->notes, "");
	fake_time_pass(&fixture->time, fixture->loop, 1);
	assert_string_equal(fixture->notes, "x");
	assert_false(noter.timer.running);
	fake_time_pass(&fixture->time, fixture->loop, 60 * PFS_SECOND);
	assert_string_equal(fixture->notes, "x");
}

static void test_timer_started_again_is_moved(void **state)
{
	struct fixture *fixture = *state;
	struct noter noter = make_noter(fixture, 'x');

	fake_time_drive(&fixture->time, fixture->loop);
	start(&noter, 5 * PFS_SECOND);
	start(&noter, 9 * PFS_SECOND);
	fake_time_pass(&fixture->time, fixture->loop, 8 * PFS_SECOND);
	assert_string_equal(fixture->notes, "");
	fake_time_pass(&fixture->time, fixture->loop, 8 * PFS_SECOND);
	assert_string_equal(fixture->notes, "x");
}

static void test_timer_stopped_never_fires(void **state)
{
	struct fixture *fixture = *state;
	struct noter a = make_noter(fixture, 'a'), b = make_noter(fixture, 'b');

	fake_time_drive(&fixture->time, fixture->loop);
	start(&a, PFS_SECOND);
	start(&b, PFS_SECOND);
	pfs_timer_stop(fixture->loop, &a.timer);
	pfs_timer_stop(fixture->loop, &a.timer); /* a second time: nothing */
	fake_time_pass(&fixture->time, fixture->loop, 5 * PFS_SECOND);
	assert_string_equal(fixture->notes, "b");
}

static void note_and_stop_other(void *arg)
{
	struct noter *noter = arg;

	note(noter);
	pfs_timer_stop(noter->fixture->loop, noter->other);
}

static void test_fire_may_stop_a_timer_that_is_due_too(void **state)
{
	struct fixture *fixture = *state;
	struct noter a = make_noter(fixture, 'a'), b = make_noter(fixture, 'b');

	fake_time_drive(&fixture->time, fixture->loop);
	a.timer.fire = note_and_stop_other;
	a.other = &b.timer;
	start(&a, PFS_SECOND);
	start(&b, PFS_SECOND);
	fake_time_pass(&fixture->time, fixture->loop, 5 * PFS_SECOND);
	assert_string_equal(fixture->notes, "a");
}

static void note_and_free(void *arg)
{
	note(arg);
	free(arg);
}

static void test_fire_may_free_its_timer(void **state)
{
	struct fixture *fixture = *state;
	struct noter *a = malloc(sizeof(*a)), b = make_noter(fixture, 'b');

	assert_non_null(a);
	fake_time_drive(&fixture->time, fixture->loop);
	*a = make_noter(fixture, 'a');
	a->timer.fire = note_and_free;
	start(a, PFS_SECOND);
	start(&b, PFS_SECOND);
	fake_time_pass(&fixture->time, fixture->loop, 5 * PFS_SECOND);
	assert_string_equal(fixture->notes, "ab");
}

static void note_and_start_again(void *arg)
{
	struct noter *noter = arg;

	note(noter);
	if (strlen(noter->fixture->notes) < 10)
		start(noter, noter->again);
}

static void test_fire_that_starts_itself_for_a_past_time_waits_a_turn(void **state)
{
	struct fixture *fixture = *state;
	struct noter a = make_noter(fixture, 'a'), b = make_noter(fixture, 'b');

	wait_never(fixture);
	a.timer.fire = note_and_start_again;
	a.again = -PFS_SECOND;
	start(&a, 0);
	start(&b, 0);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, "ab");
	fixture->time.passed = PFS_MILLISECOND;
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, "aba");
}

static void test_wait_lasts_until_the_next_timer_in_whole_ms(void **state)
{
	struct fixture *fixture = *state;
	struct noter noter = make_noter(fixture, 'x');
	static const struct {
		int64_t due;
		int timeout;
	} rows[] = {
		{PFS_SECOND, 1000},
		{1, 1},
		{PFS_MILLISECOND, 1},
		{PFS_MILLISECOND + 1, 2},
		{5000000000 * PFS_MILLISECOND, INT_MAX},
		{0, 0},
		{-PFS_SECOND, 0},
	};

	wait_never(fixture);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_int_equal(fixture->timeout, -1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		start(&noter, rows[i].due);
		assert_int_equal(pfs_loop_turn(fixture->loop), 0);
		assert_int_equal(fixture->timeout, rows[i].timeout);
	}
}

/* --- descriptors --------------------------------------------------------------------------- */

static void note_and_read(void *arg)
{
	struct noter *noter = arg;
	char byte;

	note(noter);
	assert_true(read(noter->fd, &byte, 1) >= 0);
}

static void test_descriptor_readable_or_at_its_end_is_served(void **state)
{
	struct fixture *fixture = *state;
	struct noter noter = make_noter(fixture, 'r'), stop = make_noter(fixture, '.');
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	noter.fd = fds[0];
	assert_int_equal(pfs_loop_add_fd(fixture->loop, fds[0], note_and_read, &noter), 0);
	start(&stop, 0); /* a timer that is due: no turn waits */
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, ".");
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, ".r");
	close(fds[1]);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, ".rr");
	pfs_loop_remove_fd(fixture->loop, fds[0]);
	start(&stop, 0);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, ".rr.");
	close(fds[0]);
}

static void note_and_remove(void *arg)
{
	struct noter *noter = arg;

	note(noter);
	pfs_loop_remove_fd(noter->fixture->loop, noter->fd);
}

/* Two readable descriptors, the first of which removes one of them. */
static void assert_removal(struct fixture *fixture, bool itself, const char *notes)
{
	struct noter a = make_noter(fixture, 'a'), b = make_noter(fixture, 'b');
	int first[2], second[2];

	assert_int_equal(pipe(first), 0);
	assert_int_equal(pipe(second), 0);
	assert_int_equal(write(first[1], "x", 1), 1);
	assert_int_equal(write(second[1], "x", 1), 1);
	a.fd = itself ? first[0] : second[0];
	assert_int_equal(pfs_loop_add_fd(fixture->loop, first[0], note_and_remove, &a), 0);
	assert_int_equal(pfs_loop_add_fd(fixture->loop, second[0], note, &b), 0);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, notes);
	for (int i = 0; i < 2; i++) {
		pfs_loop_remove_fd(fixture->loop, first[i]);
		pfs_loop_remove_fd(fixture->loop, second[i]);
		close(first[i]);
		close(second[i]);
	}
}

static void test_descriptor_removed_from_its_own_callback_leaves_the_others(void **state)
{
	assert_removal(*state, true, "abb");
}

static void test_descriptor_removed_from_anothers_callback_is_not_served(void **state)
{
	assert_removal(*state, false, "aa");
}

static void test_descriptors_have_a_bound(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < PFS_LOOP_FDS; i++)
		assert_int_equal(pfs_loop_add_fd(fixture->loop, 1000 + i, note, NULL), 0);
	assert_int_equal(pfs_loop_add_fd(fixture->loop, 2000, note, NULL), -ENOSPC);
	pfs_loop_remove_fd(fixture->loop, 3000); /* isn't there */
	assert_int_equal(pfs_loop_add_fd(fixture->loop, 2000, note, NULL), -ENOSPC);
	pfs_loop_remove_fd(fixture->loop, 1003);
	assert_int_equal(pfs_loop_add_fd(fixture->loop, 2000, note, NULL), 0);
}

/* --- turns --------------------------------------------------------------------------------- */

static int wait_all_ready(void *arg, struct pollfd *fds, size_t count, int timeout)
{
	for (size_t i = 0; i < count; i++)
		fds[i].revents = POLLIN;
	return (int)count;
}

static void note_after(void *arg)
{
	struct fixture *fixture = arg;

	strcat(fixture->notes, "+");
}

static void test_turn_serves_descriptors_then_the_waiter_then_timers(void **state)
{
	struct fixture *fixture = *state;
	const struct pfs_loop_waiter waiter = {wait_all_ready, note_after, fixture};
	struct noter r = make_noter(fixture, 'r'), t = make_noter(fixture, 't');

	pfs_loop_set_waiter(fixture->loop, &waiter);
	start(&t, 0);
	assert_int_equal(pfs_loop_add_fd(fixture->loop, 5, note, &r), 0);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, "r+t");
}

static void test_turn_interrupted_goes_on_and_failed_says_so(void **state)
{
	struct fixture *fixture = *state;
	struct noter t = make_noter(fixture, 't');

	wait_never(fixture);
	fixture->wait_result = -EINTR;
	start(&t, 0);
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
	assert_string_equal(fixture->notes, "t");
	fixture->wait_result = -ENOMEM;
	assert_int_equal(pfs_loop_turn(fixture->loop), -ENOMEM);
	assert_int_equal(pfs_loop_run(fixture->loop), -ENOMEM);
}

static void note_and_stop_loop(void *arg)
{
	struct noter *noter = arg;

	note(noter);
	pfs_loop_stop(noter->fixture->loop);
}

static void test_run_turns_until_stopped(void **state)
{
	struct fixture *fixture = *state;
	struct noter a = make_noter(fixture, 'a'), b = make_noter(fixture, 'b');
	struct noter c = make_noter(fixture, 'c');

	fake_time_drive(&fixture->time, fixture->loop);
	fixture->time.left = INT64_MAX;
	b.timer.fire = note_and_stop_loop;
	start(&a, 1 * PFS_SECOND);
	start(&b, 2 * PFS_SECOND);
	start(&c, 3 * PFS_SECOND);
	assert_int_equal(pfs_loop_run(fixture->loop), 0);
	assert_string_equal(fixture->notes, "ab");
	pfs_timer_stop(fixture->loop, &c.timer);
}

static void test_system_clock_moves_on_and_knows_the_year(void **state)
{
	int64_t before = pfs_system_clock.monotonic(&pfs_system_clock);

	assert_true(before > 0);
	assert_true(pfs_system_clock.monotonic(&pfs_system_clock) >= before);
	assert_true(pfs_system_clock.wall(&pfs_system_clock) > INT64_C(1600000000) * PFS_SECOND);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timers_fire_in_order_of_time_then_of_start),
		TEST(test_timer_fires_when_due_and_once),
		TEST(test_timer_started_again_is_moved),
		TEST(test_timer_stopped_never_fires),
		TEST(test_fire_may_stop_a_timer_that_is_due_too),
		TEST(test_fire_may_free_its_timer),
		TEST(test_fire_that_starts_itself_for_a_past_time_waits_a_turn),
		TEST(test_wait_lasts_until_the_next_timer_in_whole_ms),
		TEST(test_descriptor_readable_or_at_its_end_is_served),
		TEST(test_descriptor_removed_from_its_own_callback_leaves_the_others),
		TEST(test_descriptor_removed_from_anothers_callback_is_not_served),
		TEST(test_descriptors_have_a_bound),
		TEST(test_turn_serves_descriptors_then_the_waiter_then_timers),
		TEST(test_turn_interrupted_goes_on_and_failed_says_so),
		TEST(test_run_turns_until_stopped),
		TEST(test_system_clock_moves_on_and_knows_the_year),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
