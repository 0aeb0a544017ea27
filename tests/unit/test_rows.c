/* SPDX-License-Identifier: MIT */
/* The rows of the table, as files: what the service sends, in the forms of its versions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pinefs/resource.h"
#include "tree_fixture.h"

/* Sizes don't fit 32 bits, nor the last one a double. */
#define BACKUP                                                                                     \
	"{\"backup_id\":\"a\",\"source_index_name\":\"movies\",\"source_index_id\":\"i-1\","       \
	"\"name\":\"nightly\",\"description\":null,\"status\":\"Ready\",\"cloud\":\"aws\","        \
	"\"region\":\"us-east-1\",\"dimension\":1536,\"metric\":\"cosine\","                       \
	"\"schema\":{\"fields\":{\"genre\":{\"filterable\":true}}},\"record_count\":5000000000,"   \
	"\"namespace_count\":3,\"size_bytes\":9007199254740993,"                                   \
	"\"tags\":{\"team\":\"search\",\"tier\":\"gold\"},"                                        \
	"\"created_at\":\"2025-01-02T03:04:05Z\"}"

#define INDEX_2025                                                                                 \
	"{\"name\":\"a\",\"dimension\":1536,\"metric\":\"cosine\",\"host\":\"a.svc.example\","     \
	"\"private_host\":null,\"deletion_protection\":\"enabled\",\"tags\":null,"                 \
	"\"embed\":{\"model\":\"m\"},\"spec\":{\"serverless\":{\"cloud\":\"gcp\","                 \
	"\"region\":\"eu-1\",\"source_collection\":\"c\",\"read_capacity\":{\"mode\":\"x\"}}},"    \
	"\"status\":{\"ready\":true,\"state\":\"Ready\"},\"vector_type\":\"dense\","               \
	"\"created_at\":\"2025-01-02T03:04:05Z\"}"

#define INDEX_2026                                                                                   \
	"{\"name\":\"a\",\"host\":\"a.svc.example\",\"status\":{\"ready\":true,"                     \
	"\"state\":\"Ready\"},\"deployment\":{\"deployment_type\":\"managed\",\"cloud\":\"aws\","    \
	"\"region\":\"us-1\"},\"read_capacity\":{\"mode\":\"OnDemand\"},\"source_collection\":null," \
	"\"source_backup_id\":\"b-1\",\"cmek_id\":null,\"schema\":{\"fields\":{\"vector\":{"         \
	"\"type\":\"dense_vector\",\"dimension\":768,\"metric\":\"euclidean\"},"                     \
	"\"genre\":{\"type\":\"string\"}}},\"tags\":{},\"deletion_protection\":\"disabled\"}"

static int setup_rows(void **state)
{
	use_kinds(&pfs_all_kinds);
	return setup_tree(state);
}

/* From here on the fixtures' functions mean this kind. */
static void mean(struct bench *bench, const char *kind)
{
	bench->store->kind = pfs_kind_by_name(&pfs_all_kinds, kind);
	bench->store->api.of = bench->store->kind;
}

struct row {
	const char *file, *content;
};

static void assert_files(struct bench *bench, const char *kind, const char *object,
			 const struct row *rows, size_t count)
{
	char path[100];

	mean(bench, kind);
	learn_object(bench, "a", object);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s/a/%s", kind, rows[i].file);
		if (strcmp(content(bench, path), rows[i].content) != 0)
			fail_msg("%s: %s", path, bench->buffer.bytes);
	}
}

static void test_backup_shows_its_fields(void **state)
{
	static const struct row rows[] = {
		{"backup_id", "a\n"},
		{"source_index_name", "movies\n"},
		{"source_index_id", "i-1\n"},
		{"name", "nightly\n"},
		{"description", ""},
		{"status", "Ready\n"},
		{"cloud", "aws\n"},
		{"region", "us-east-1\n"},
		{"dimension", "1536\n"},
		{"metric", "cosine\n"},
		{"schema", "{\"fields\":{\"genre\":{\"filterable\":true}}}\n"},
		{"record_count", "5000000000\n"},
		{"namespace_count", "3\n"},
		{"size_bytes", "9007199254740993\n"},
		{"tags", "team\tsearch\ntier\tgold\n"},
		{"created_at", "2025-01-02T03:04:05Z\n"},
		{"raw.json", BACKUP},
		{"done", "Ready\n"},
		{"wait", "Ready\n"},
		{"success", "Ready\n"},
	};

	assert_files(*state, "backups", BACKUP, rows, COUNT(rows));
	assert_string_equal(
		names(*state, "backups/a", 2),
		"backup_id source_index_name source_index_id name description status cloud "
		"region dimension metric schema record_count namespace_count size_bytes tags "
		"created_at raw.json done events index ");
}

static void test_index_of_2025_shows_its_fields(void **state)
{
	static const struct row rows[] = {
		{"name", "a\n"},
		{"status", "Ready\n"},
		{"ready", "true\n"},
		{"host", "a.svc.example\n"},
		{"private_host", ""},
		{"dimension", "1536\n"},
		{"metric", "cosine\n"},
		{"vector_type", "dense\n"},
		{"cloud", "gcp\n"},
		{"region", "eu-1\n"},
		{"deletion_protection", "enabled\n"},
		{"tags", ""},
		{"embed", "{\"model\":\"m\"}\n"},
		{"deployment", ""},
		{"schema", ""},
		{"read_capacity", "{\"mode\":\"x\"}\n"},
		{"source_collection", "c\n"},
		{"source_backup_id", ""},
		{"cmek_id", ""},
		{"created_at", "2025-01-02T03:04:05Z\n"},
		{"raw.json", INDEX_2025},
		{"wait", "Ready\n"},
	};

	assert_files(*state, "indexes", INDEX_2025, rows, COUNT(rows));
	assert_string_equal(
		names(*state, "indexes/a", 2),
		"name status ready host private_host dimension metric vector_type cloud "
		"region deletion_protection tags embed spec deployment schema read_capacity "
		"source_collection source_backup_id cmek_id created_at raw.json events ");
	assert_int_equal(look_up(*state, "indexes/a", "done"), -ENOENT); /* it never is */
}

static void test_index_of_2026_shows_the_same_where_it_stands_now(void **state)
{
	static const struct row rows[] = {
		{"status", "Ready\n"},
		{"ready", "true\n"},
		{"dimension", "768\n"},
		{"metric", "euclidean\n"},
		{"vector_type", ""},
		{"cloud", "aws\n"},
		{"region", "us-1\n"},
		{"deletion_protection", "disabled\n"},
		{"tags", ""},
		{"embed", ""},
		{"spec", ""},
		{"read_capacity", "{\"mode\":\"OnDemand\"}\n"},
		{"source_backup_id", "b-1\n"},
		{"created_at", ""},
		{"success", "Ready\n"},
	};

	assert_files(*state, "indexes", INDEX_2026, rows, COUNT(rows));
}

static void test_collection_shows_its_fields(void **state)
{
	static const struct row rows[] = {
		{"name", "a\n"},       {"size", "9007199254740993\n"},
		{"status", "Ready\n"}, {"dimension", "3\n"},
		{"vector_count", ""},  {"environment", "us-east1-gcp\n"},
		{"done", "Ready\n"},   {"success", "Ready\n"},
	};

	assert_files(*state, "collections",
		     "{\"name\":\"a\",\"size\":9007199254740993,\"status\":\"Ready\","
		     "\"dimension\":3,\"vector_count\":null,\"environment\":\"us-east1-gcp\"}",
		     rows, COUNT(rows));
}

/* One of two would be as wrong as the other. */
static void test_dimension_of_several_fields_is_none(void **state)
{
	static const struct row rows[] = {{"dimension", ""}, {"metric", "cosine\n"}};

	assert_files(*state, "indexes",
		     "{\"name\":\"a\",\"schema\":{\"fields\":{\"x\":{\"dimension\":1,"
		     "\"metric\":\"cosine\"},\"y\":{\"dimension\":2}}}}",
		     rows, COUNT(rows));
}

/* What isn't of the expected type costs itself and nothing else. */
static void test_fields_of_other_types_are_shown_as_sent_or_empty(void **state)
{
	static const char *const objects[] = {
		"{\"name\":\"a\",\"status\":\"Ready\",\"host\":7,\"spec\":[],\"tags\":[1, 2]}",
		"{\"name\":\"a\",\"status\":null,\"host\":7,\"spec\":[],\"tags\":[1, 2]}",
		"{\"name\":\"a\",\"host\":7,\"spec\":[],\"tags\":[1, 2]}",
		"{\"name\":\"a\",\"status\":{\"state\":null},\"host\":7,\"spec\":[],\"tags\":[1, 2]}",
	};
	static const struct row rows[] = {
		{"status", ""},	  {"ready", ""},	{"host", "7\n"},
		{"spec", "[]\n"}, {"tags", "[1, 2]\n"}, {"cloud", ""},
	};

	for (size_t i = 0; i < COUNT(objects); i++) {
		struct bench *bench = *state;
		struct pfs_node node;

		assert_files(bench, "indexes", objects[i], rows, COUNT(rows));
		node = walk(bench, "indexes/a/wait");
		assert_true(pfs_tree_must_wait(&node));
	}
}

/* Its name is the field's, which isn't there: the value gets a file of its own. */
static void test_value_where_only_parts_are_expected_gets_another_name(void **state)
{
	static const struct row rows[] = {{"status", ""}, {"status_2", "Ready\n"}};

	assert_files(*state, "indexes", "{\"name\":\"a\",\"status\":\"Ready\"}", rows, COUNT(rows));
}

/* --- tags ---------------------------------------------------------------------------------- */

static void test_tags_are_a_line_each_whatever_they_are(void **state)
{
	static const struct row rows[] = {
		{"tags", "a\\tb\tc\\nd\n"
			 "\\x1b[31m\t\\\\\n"
			 "\t\n"
			 "null\t\n"
			 "number\t1e2\n"
			 "true\ttrue\n"
			 "list\t[1,\\n{}]\n"
			 "twice\t2\n"},
	};

	assert_files(*state, "backups",
		     "{\"backup_id\":\"a\",\"tags\":{\"a\\tb\":\"c\\nd\",\"\\u001b[31m\":\"\\\\\","
		     "\"\":\"\",\"null\":null,\"number\":1e2,\"twice\":1,\"true\":true,"
		     "\"list\":[1,\n{}],\"twice\":2}}",
		     rows, COUNT(rows));
}

static void test_ten_thousand_tags_are_ten_thousand_lines(void **state)
{
	struct bench *bench = *state;
	struct pfs_buffer object = {0};
	size_t lines = 0;

	(void)pfs_buffer_add_string(&object, "{\"backup_id\":\"a\",\"tags\":{");
	for (int i = 0; i < 10000; i++)
		(void)pfs_buffer_format(&object, "%s\"k%d\":\"v\"", i ? "," : "", i);
	(void)pfs_buffer_add_string(&object, "}}");
	assert_int_equal(pfs_buffer_add(&object, "", 1), 0);
	mean(bench, "backups");
	learn_object(bench, "a", object.bytes);
	pfs_buffer_finish(&object);
	for (const char *at = content(bench, "backups/a/tags"); *at; at = strchr(at, '\n') + 1)
		lines++;
	assert_int_equal(lines, 10000);
}

/* A job has no such field, but the name is kept for those that have. */
static void test_tags_of_a_kind_without_them_get_another_name(void **state)
{
	static const struct row rows[] = {{"tags_2", "x\n"}};

	assert_files(*state, "restore-jobs", "{\"restore_job_id\":\"a\",\"tags\":\"x\"}", rows,
		     COUNT(rows));
}

/* --- histories ----------------------------------------------------------------------------- */

/* Without the times. */
static const char *told(struct bench *bench, const char *path)
{
	char *to = bench->report;

	for (const char *at = content(bench, path); *at; at = strchr(at, '\n') + 1) {
		size_t length = strcspn(at, "\n") + 1 - strcspn(at, "\t") - 1;

		assert_true(to + length < bench->report + sizeof(bench->report));
		memcpy(to, at + strcspn(at, "\t") + 1, length);
		to += length;
	}
	*to = '\0';
	return bench->report;
}

static void test_history_tells_fields_by_their_names(void **state)
{
	struct bench *bench = *state;

	mean(bench, "indexes");
	learn_list(bench->store, "");
	learn_object(bench, "a",
		     "{\"name\":\"a\",\"status\":{\"ready\":false,\"state\":\"Initializing\"}}");
	learn_object(bench, "a",
		     "{\"status\":{\"state\":\"Ready\",\"ready\":true},\"name\":\"a\"}");
	assert_string_equal(told(bench, "indexes/a/events"),
			    "name\t\ta\nstatus\t\tInitializing\nready\t\tfalse\n"
			    "status\tInitializing\tReady\nready\tfalse\ttrue\n");
}

static void test_history_tells_what_no_field_shows(void **state)
{
	struct bench *bench = *state;

	mean(bench, "indexes");
	learn_object(bench, "a", "{\"name\":\"a\",\"x\":{\"y\":1},\"status\":{\"ready\":true}}");
	learn_object(bench, "a",
		     "{\"name\":\"a\",\"x\":{\"y\" : 2},\"status\":{\"ready\":true,\"why\":3}}");
	assert_string_equal(told(bench, "indexes/a/events"),
			    "name\t\ta\nready\t\ttrue\nx\t\t{\"y\":1}\n"
			    "x\t{\"y\":1}\t{\"y\" : 2}\n"
			    "status\t{\"ready\":true}\t{\"ready\":true,\"why\":3}\n");
}

/* White space, and the order of keys, are no change, though another field has changed. */
static void test_history_tells_no_change_of_layout(void **state)
{
	struct bench *bench = *state;

	mean(bench, "backups");
	learn_object(bench, "a", "{\"name\":\"x\",\"tags\":{\"a\":1,\"b\":2}}");
	learn_object(bench, "a", "{\"tags\":{ \"b\": 2, \"a\": 1 },\"name\":\"y\"}");
	assert_string_equal(told(bench, "backups/a/events"),
			    "name\t\tx\ntags\t\t{\"a\":1,\"b\":2}\nname\tx\ty\n");
}

/* --- freshness ----------------------------------------------------------------------------- */

/* tail -f asks for the attributes again and again, and nothing else shows that it is there. */
static void test_history_is_never_older_than_the_shortest_ttl(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};
	struct pfs_node node;

	mean(bench, "backups");
	learn_object(bench, "a", BACKUP);
	node = walk(bench, "backups/a/status");
	pass(bench->store, TTL);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, NULL), 0);
	assert_int_equal(pfs_store_left(bench->store->store, node.object), TTL_READY - TTL);
	node = walk(bench, "backups/a/events");
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, NULL), 0);
	pass(bench->store, TTL - 1);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, NULL), 0);
	pass(bench->store, 1);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, prepare(&waiter)),
			 -EINPROGRESS);
	fake_api_answer(&bench->store->api, "a", BACKUP);
	assert_told(&waiter, 0);
}

static void test_history_of_what_is_final_is_never_asked_for(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node;

	mean(bench, "restore-jobs");
	learn_object(bench, "a", "{\"restore_job_id\":\"a\",\"status\":\"Failed\"}");
	node = walk(bench, "restore-jobs/a/events");
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, NULL), 0);
	pass(bench->store, TTL_FINAL - 1);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, NULL), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_rows, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_backup_shows_its_fields),
		TEST(test_index_of_2025_shows_its_fields),
		TEST(test_index_of_2026_shows_the_same_where_it_stands_now),
		TEST(test_collection_shows_its_fields),
		TEST(test_dimension_of_several_fields_is_none),
		TEST(test_fields_of_other_types_are_shown_as_sent_or_empty),
		TEST(test_value_where_only_parts_are_expected_gets_another_name),
		TEST(test_tags_are_a_line_each_whatever_they_are),
		TEST(test_ten_thousand_tags_are_ten_thousand_lines),
		TEST(test_tags_of_a_kind_without_them_get_another_name),
		TEST(test_history_tells_fields_by_their_names),
		TEST(test_history_tells_what_no_field_shows),
		TEST(test_history_tells_no_change_of_layout),
		TEST(test_history_is_never_older_than_the_shortest_ttl),
		TEST(test_history_of_what_is_final_is_never_asked_for),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
