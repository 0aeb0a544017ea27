/* SPDX-License-Identifier: MIT */
#include "pinefs/resource.h"

#include <stdio.h>
#include <string.h>

#include "pinefs/text.h"
#include "three_kinds.h"
#include "unit.h"

static const struct pfs_kind *restore_jobs(void)
{
	return pfs_kind_by_name(&pfs_all_kinds, "restore-jobs");
}

static void test_kind_by_name_finds_restore_jobs_and_nothing_else(void **state)
{
	const struct pfs_kind *kind = restore_jobs();

	assert_non_null(kind);
	assert_string_equal(kind->path, "/restore-jobs");
	assert_string_equal(kind->id, "restore_job_id");
	assert_string_equal(kind->list_key, "data");
	assert_null(pfs_kind_by_name(&pfs_all_kinds, "restore-job"));
	assert_null(pfs_kind_by_name(&pfs_all_kinds, "Restore-Jobs"));
	assert_null(pfs_kind_by_name(&pfs_all_kinds, ""));
	assert_ptr_equal(pfs_kind_by_name(&three_kinds, "notes"), NOTES);
}

static void test_restore_job_has_the_fields_of_the_api(void **state)
{
	static const char *const fields[] = {
		"restore_job_id", "backup_id",	"target_index_name", "target_index_id",
		"status",	  "created_at", "completed_at",	     "percent_complete",
	};

	assert_int_equal(restore_jobs()->field_count, COUNT(fields));
	for (size_t i = 0; i < COUNT(fields); i++)
		assert_ptr_equal(pfs_kind_field(restore_jobs(), fields[i]),
				 &restore_jobs()->fields[i]);
}

/* A row that isn't coherent would show only once somebody looks at such an object. */
static void check_row(const struct pfs_kinds *kinds, size_t place)
{
	const struct pfs_kind *kind = kinds->rows[place];
	const char *const named[] = {kind->status, kind->ready, kind->created, kind->finished};

	assert_ptr_equal(pfs_kind_by_name(kinds, kind->name), kind);
	assert_true(pfs_is_object_id(kind->name, strlen(kind->name)));
	assert_int_equal(kind->path[0], '/');
	assert_true(kind->number < PFS_KINDS_MAX);
	for (size_t i = 0; i < place; i++)
		assert_int_not_equal(kinds->rows[i]->number, kind->number);
	assert_uint_in_range(kind->field_count, 1, PFS_FIELDS_MAX);
	assert_non_null(pfs_kind_field(kind, kind->id));
	for (size_t i = 0; i < COUNT(named); i++)
		assert_true(!named[i] || pfs_kind_field(kind, named[i]));
	assert_true(kind->status || (!kind->ready && !kind->has_done && !kind->state_count));
	for (size_t i = 0; i < kind->field_count; i++)
		assert_true(pfs_is_object_id(kind->fields[i].name, strlen(kind->fields[i].name)));
	assert_true(kind->link_count <= PFS_LINKS_MAX);
	for (size_t i = 0; i < kind->link_count; i++) {
		assert_non_null(pfs_kind_by_name(kinds, kind->links[i].kind));
		assert_non_null(pfs_kind_field(kind, kind->links[i].field));
		assert_null(pfs_kind_field(kind, kind->links[i].name));
	}
}

static void test_kinds_each_row_is_coherent(void **state)
{
	for (size_t i = 0; i < pfs_all_kinds.count; i++)
		check_row(&pfs_all_kinds, i);
	for (size_t i = 0; i < three_kinds.count; i++)
		check_row(&three_kinds, i);
}

/* What the service does with each kind: the other rooms' tests are about kinds in general. */
static void test_kinds_each_behaves_as_in_table(void **state)
{
	static const struct {
		const char *name;
		bool is_paged, is_whole, is_final, has_done, is_gone_at_a_404;
		const char *created, *finished;
	} rows[] = {
		{"restore-jobs", true, false, true, true, false, "created_at", "completed_at"},
		{"backups", true, true, false, true, true, "created_at", ""},
		{"indexes", false, true, false, false, true, "created_at", ""},
		{"collections", false, true, false, true, true, "", ""},
	};

	assert_int_equal(pfs_all_kinds.count, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct pfs_kind *kind = pfs_all_kinds.rows[i];

		assert_string_equal(kind->name, rows[i].name);
		assert_int_equal(kind->is_paged, rows[i].is_paged);
		assert_int_equal(kind->is_whole, rows[i].is_whole);
		assert_int_equal(kind->is_final, rows[i].is_final);
		assert_int_equal(kind->has_done, rows[i].has_done);
		assert_int_equal(kind->is_gone_at_a_404, rows[i].is_gone_at_a_404);
		assert_string_equal(kind->created ? kind->created : "", rows[i].created);
		assert_string_equal(kind->finished ? kind->finished : "", rows[i].finished);
	}
}

/* --- values -------------------------------------------------------------------------------- */

static void assert_field(const struct pfs_kind *kind, const char *document, const char *field,
			 const char *expected)
{
	struct pfs_json json;
	struct pfs_json_value value;

	assert_int_equal(pfs_json_parse(document, strlen(document), PFS_JSON_DEPTH, &json), 0);
	value = pfs_kind_value(kind, field, &json);
	if (expected) {
		assert_int_equal(value.length, strlen(expected));
		assert_memory_equal(value.text, expected, value.length);
	} else {
		assert_int_equal(value.type, PFS_JSON_NULL);
	}
	pfs_json_finish(&json);
}

static void test_value_the_first_path_that_leads_to_one_wins(void **state)
{
	static const struct {
		const char *document;
		const char *cloud;
	} rows[] = {
		{"{\"spec\":{\"serverless\":{\"cloud\":\"a\"}}}", "a"},
		{"{\"spec\":{\"byoc\":{\"cloud\":\"b\"}}}", "b"},
		{"{\"deployment\":{\"cloud\":\"c\"}}", "c"},
		{"{\"deployment\":{\"cloud\":\"c\"},\"spec\":{\"byoc\":{\"cloud\":\"b\"}}}", "b"},
		{"{\"deployment\":{\"cloud\":\"c\"},\"spec\":{\"byoc\":{\"cloud\":null}}}", "c"},
		{"{\"spec\":{\"serverless\":\"cloud\"}}", NULL},
		{"{\"cloud\":\"d\"}", NULL},
		{"{}", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_field(GADGETS, rows[i].document, "cloud", rows[i].cloud);
}

static void test_reach_of_a_field_each_as_in_table(void **state)
{
	const struct {
		const struct pfs_kind *kind;
		const char *field, *member;
		enum pfs_reach reach;
	} rows[] = {
		{JOBS, "status", "status", PFS_REACH_WHOLE},
		{JOBS, "status", "statu", PFS_REACH_NONE},
		{GADGETS, "status", "status", PFS_REACH_PART},
		{GADGETS, "status", "state", PFS_REACH_WHOLE},
		{GADGETS, "cloud", "deployment", PFS_REACH_PART},
		{GADGETS, "cloud", "cloud", PFS_REACH_NONE},
		{GADGETS, "cloud", "", PFS_REACH_NONE},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct pfs_json_value member = {.key = rows[i].member,
						      .key_length = strlen(rows[i].member)};

		assert_int_equal(
			pfs_field_reach(pfs_kind_field(rows[i].kind, rows[i].field), &member),
			rows[i].reach);
	}
}

static void test_value_of_a_field_that_the_kind_has_not(void **state)
{
	assert_field(NOTES, "{\"status\":\"x\",\"text\":\"y\"}", "status", NULL);
	assert_field(NOTES, "{\"status\":\"x\",\"text\":\"y\"}", NULL, NULL);
	assert_field(NOTES, "{\"status\":\"x\",\"text\":\"y\"}", "text", "y");
}

/* --- ends ---------------------------------------------------------------------------------- */

static enum pfs_end end_of(const struct pfs_kind *kind, const char *document)
{
	struct pfs_json json;
	enum pfs_end end;

	assert_int_equal(pfs_json_parse(document, strlen(document), PFS_JSON_DEPTH, &json), 0);
	end = pfs_kind_end(kind, &json);
	pfs_json_finish(&json);
	return end;
}

static void test_end_each_status_as_in_table(void **state)
{
	static const struct {
		const char *status;
		enum pfs_end end;
	} rows[] = {
		{"\"Completed\"", PFS_END_GOOD},
		{"\"completed\"", PFS_END_GOOD},
		{"\"COMPLETED\"", PFS_END_GOOD},
		{"\"Failed\"", PFS_END_FAILED},
		{"\"Cancelled\"", PFS_END_CANCELLED},
		{"\"canceled\"", PFS_END_CANCELLED},
		{"\"Pending\"", PFS_END_NONE},
		{"\"Running\"", PFS_END_NONE},
		{"\"InProgress\"", PFS_END_NONE},
		{"\"Initializing\"", PFS_END_NONE},
		{"\"Complete\"", PFS_END_NONE},
		{"\"Completed \"", PFS_END_NONE},
		{"\"\"", PFS_END_NONE},
		{"\"unknown\"", PFS_END_NONE},
		{"null", PFS_END_NONE},
		{"true", PFS_END_NONE},
		{"[\"Completed\"]", PFS_END_NONE},
		{"{\"state\":\"Completed\"}", PFS_END_NONE},
	};
	char document[100];

	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)snprintf(document, sizeof(document), "{\"status\":%s}", rows[i].status);
		if (end_of(restore_jobs(), document) != rows[i].end)
			fail_msg("%s: not %d", rows[i].status, rows[i].end);
	}
	assert_int_equal(end_of(restore_jobs(), "{}"), PFS_END_NONE);
}

static void test_end_of_a_kind_that_says_whether_it_is_ready(void **state)
{
	static const struct {
		const char *document;
		enum pfs_end end;
	} rows[] = {
		{"{\"status\":{\"ready\":true,\"state\":\"Ready\"}}", PFS_END_GOOD},
		{"{\"status\":{\"ready\":true,\"state\":\"ScalingUp\"}}", PFS_END_GOOD},
		{"{\"status\":{\"ready\":false,\"state\":\"Ready\"}}", PFS_END_NONE},
		{"{\"status\":{\"ready\":\"true\",\"state\":\"Ready\"}}", PFS_END_NONE},
		{"{\"status\":{\"ready\":false,\"state\":\"Broken\"}}", PFS_END_FAILED},
		{"{\"status\":{\"ready\":true,\"state\":\"Broken\"}}", PFS_END_FAILED},
		{"{\"status\":{\"state\":\"withdrawn\"}}", PFS_END_CANCELLED},
		{"{\"state\":\"Broken\"}", PFS_END_FAILED},
		{"{\"status\":null}", PFS_END_NONE},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (end_of(GADGETS, rows[i].document) != rows[i].end)
			fail_msg("%s: not %d", rows[i].document, rows[i].end);
	}
}

static void test_end_of_a_kind_without_status_never_comes(void **state)
{
	assert_int_equal(end_of(NOTES, "{\"status\":\"Completed\",\"ready\":true}"), PFS_END_NONE);
}

static void test_end_of_other_kinds_each_as_in_table(void **state)
{
	static const struct {
		const char *kind, *document;
		enum pfs_end end;
	} rows[] = {
		{"backups", "{\"status\":\"Initializing\"}", PFS_END_NONE},
		{"backups", "{\"status\":\"Ready\"}", PFS_END_GOOD},
		{"backups", "{\"status\":\"InitializationFailed\"}", PFS_END_FAILED},
		{"backups", "{\"status\":\"Failed\"}", PFS_END_FAILED},
		{"backups", "{\"status\":\"Unheard\"}", PFS_END_NONE},
		{"indexes", "{\"status\":{\"state\":\"Initializing\",\"ready\":false}}",
		 PFS_END_NONE},
		{"indexes", "{\"status\":{\"state\":\"Ready\",\"ready\":true}}", PFS_END_GOOD},
		{"indexes", "{\"status\":{\"state\":\"ScalingUp\",\"ready\":true}}", PFS_END_GOOD},
		{"indexes", "{\"status\":{\"state\":\"Ready\",\"ready\":false}}", PFS_END_NONE},
		{"indexes", "{\"status\":{\"state\":\"Terminating\",\"ready\":true}}",
		 PFS_END_FAILED},
		{"indexes", "{\"status\":{\"state\":\"Terminated\"}}", PFS_END_FAILED},
		{"indexes", "{\"status\":{\"state\":\"Disabled\"}}", PFS_END_FAILED},
		{"indexes", "{\"status\":{\"state\":\"Failed\"}}", PFS_END_FAILED},
		{"indexes", "{\"status\":{\"state\":\"InitializationFailed\"}}", PFS_END_FAILED},
		{"indexes", "{\"status\":\"Ready\",\"ready\":true}", PFS_END_NONE},
		{"indexes", "{}", PFS_END_NONE},
		{"collections", "{\"status\":\"Initializing\"}", PFS_END_NONE},
		{"collections", "{\"status\":\"Ready\"}", PFS_END_GOOD},
		{"collections", "{\"status\":\"Terminating\"}", PFS_END_FAILED},
		{"collections", "{\"status\":\"Terminated\"}", PFS_END_FAILED},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct pfs_kind *kind = pfs_kind_by_name(&pfs_all_kinds, rows[i].kind);

		if (end_of(kind, rows[i].document) != rows[i].end)
			fail_msg("%s", rows[i].document);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind_by_name_finds_restore_jobs_and_nothing_else),
		cmocka_unit_test(test_restore_job_has_the_fields_of_the_api),
		cmocka_unit_test(test_kinds_each_row_is_coherent),
		cmocka_unit_test(test_kinds_each_behaves_as_in_table),
		cmocka_unit_test(test_value_the_first_path_that_leads_to_one_wins),
		cmocka_unit_test(test_value_of_a_field_that_the_kind_has_not),
		cmocka_unit_test(test_reach_of_a_field_each_as_in_table),
		cmocka_unit_test(test_end_of_other_kinds_each_as_in_table),
		cmocka_unit_test(test_end_each_status_as_in_table),
		cmocka_unit_test(test_end_of_a_kind_that_says_whether_it_is_ready),
		cmocka_unit_test(test_end_of_a_kind_without_status_never_comes),
	};

	return cmocka_run_group_tests_name("resource", tests, NULL, NULL);
}
