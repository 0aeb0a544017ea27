/* SPDX-License-Identifier: MIT */
#include "table_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct pfs_tables_config usual = {
	.timeout = TIMEOUT, .max_bytes = MAX_BYTES, .max_held = MAX_HELD};
static const struct pfs_tables_config roomy = {
	.timeout = TIMEOUT, .max_bytes = 64 << 20, .max_held = 64 << 20};

static int set_up_with(void **state, const struct pfs_tables_config *config)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	void *fixture;

	use_kinds(&three_kinds);
	if (!desk || setup(&fixture))
		return -1;
	desk->store = fixture;
	*state = desk;
	return pfs_tables_create(desk->store->store, desk->store->loop, &desk->store->stats, config,
				 &desk->tables);
}

int set_up_table(void **state)
{
	return set_up_with(state, &usual);
}

int set_up_roomy_table(void **state)
{
	return set_up_with(state, &roomy);
}

int tear_down_table(void **state)
{
	struct desk *desk = *state;
	void *fixture = desk->store;
	int result;

	pfs_tables_destroy(desk->tables);
	result = desk->store->stats.table_texts || desk->store->stats.table_bytes ? -1 : 0;
	result = teardown(&fixture) || result ? -1 : 0;
	free(desk);
	return result;
}

int ask_table(struct desk *desk, enum pfs_table_format format, struct waiter *waiter)
{
	return pfs_tables_ask(desk->tables, JOBS, format, prepare(waiter));
}

uint64_t make(struct desk *desk, enum pfs_table_format format)
{
	struct waiter waiter = {0};
	int error = ask_table(desk, format, &waiter);

	if (error == -EINPROGRESS) {
		pass(desk->store, 0);
		assert_told(&waiter, 0);
	} else {
		assert_int_equal(error, 0);
	}
	return pfs_tables_latest(desk->tables, JOBS, format);
}

uint64_t list_and_make(struct desk *desk, enum pfs_table_format format, const char *rows)
{
	struct waiter waiter = {0};

	pfs_store_expire(desk->store->store);
	assert_int_equal(ask_table(desk, format, &waiter), -EINPROGRESS);
	fake_api_page(&desk->store->api, rows, NULL);
	pass(desk->store, 0);
	assert_told(&waiter, 0);
	return pfs_tables_latest(desk->tables, JOBS, format);
}

void assert_text(struct desk *desk, enum pfs_table_format format, uint64_t number,
		 const char *expected)
{
	struct pfs_slice text;

	assert_int_equal(pfs_tables_read(desk->tables, JOBS, format, number, &text), 0);
	assert_int_equal(text.length, strlen(expected));
	assert_memory_equal(text.bytes, expected, text.length);
}
