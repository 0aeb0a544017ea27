/* SPDX-License-Identifier: MIT */
#include "pinefs/resource.h"

#include <string.h>

#include "pinefs/text.h"
#include "unit.h"

static bool has(const char *const *words, const char *word)
{
	for (; *words; words++) {
		if (!strcmp(*words, word))
			return true;
	}
	return false;
}

static void test_kind_by_name_finds_restore_jobs_and_nothing_else(void **state)
{
	const struct pfs_kind *kind = pfs_kind_by_name("restore-jobs");

	assert_non_null(kind);
	assert_string_equal(kind->path, "/restore-jobs");
	assert_string_equal(kind->id_key, "restore_job_id");
	assert_string_equal(kind->list_key, "data");
	assert_null(pfs_kind_by_name("restore-job"));
	assert_null(pfs_kind_by_name("Restore-Jobs"));
	assert_null(pfs_kind_by_name(""));
}

static void test_restore_job_has_the_fields_of_the_api(void **state)
{
	static const char *const fields[] = {
		"restore_job_id", "backup_id",	"target_index_name", "target_index_id",
		"status",	  "created_at", "completed_at",	     "percent_complete",
	};
	const struct pfs_kind *kind = pfs_kind_by_name("restore-jobs");
	size_t count = 0;

	while (kind->fields[count])
		count++;
	assert_int_equal(count, COUNT(fields));
	for (size_t i = 0; i < COUNT(fields); i++)
		assert_true(has(kind->fields, fields[i]));
}

/* A row of the table that isn't coherent would show only once somebody looks at such an object. */
static void test_kinds_each_row_is_coherent(void **state)
{
	for (size_t i = 0; i < pfs_kind_count; i++) {
		const struct pfs_kind *kind = &pfs_kinds[i];

		assert_ptr_equal(pfs_kind_by_name(kind->name), kind);
		assert_true(pfs_is_object_id(kind->name, strlen(kind->name)));
		assert_int_equal(kind->path[0], '/');
		assert_true(has(kind->fields, kind->id_key));
		if (kind->status_key)
			assert_true(has(kind->fields, kind->status_key));
		if (kind->created_key)
			assert_true(has(kind->fields, kind->created_key));
		if (kind->finished_key)
			assert_true(has(kind->fields, kind->finished_key));
		for (const char *const *field = kind->fields; *field; field++)
			assert_true(pfs_is_object_id(*field, strlen(*field)));
	}
}

static void test_terminal_each_status_as_in_table(void **state)
{
	static const struct {
		const char *status;
		bool terminal;
	} rows[] = {
		{"Completed", true},   {"completed", true},
		{"COMPLETED", true},   {"Failed", true},
		{"Cancelled", true},   {"canceled", true},
		{"Pending", false},    {"Running", false},
		{"InProgress", false}, {"Initializing", false},
		{"Complete", false},   {"Completed ", false},
		{"", false},	       {"unknown", false},
	};
	const struct pfs_kind *kind = pfs_kind_by_name("restore-jobs");

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (pfs_kind_is_terminal(kind, rows[i].status) != rows[i].terminal)
			fail_msg("%s: not %d", rows[i].status, rows[i].terminal);
	}
}

static void test_terminal_kind_without_states_never_ends(void **state)
{
	const struct pfs_kind kind = {.name = "indexes"};

	assert_false(pfs_kind_is_terminal(&kind, "Completed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind_by_name_finds_restore_jobs_and_nothing_else),
		cmocka_unit_test(test_restore_job_has_the_fields_of_the_api),
		cmocka_unit_test(test_kinds_each_row_is_coherent),
		cmocka_unit_test(test_terminal_each_status_as_in_table),
		cmocka_unit_test(test_terminal_kind_without_states_never_ends),
	};

	return cmocka_run_group_tests_name("resource", tests, NULL, NULL);
}
