/* SPDX-License-Identifier: MIT */
/* metrics: the text for Prometheus, of a store whose objects are known. */
#include "pinefs/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

/* Have an object of this kind known by a describe. */
static void know(struct fixture *fixture, const char *kind, const char *id, const char *object)
{
	struct pfs_object *known;
	struct waiter waiter = {0};

	fixture->api.of = pfs_kind_by_name(&pfs_all_kinds, kind);
	assert_int_equal(pfs_store_ask(fixture->store, fixture->api.of, id, &waiter.wait, &known),
			 -EINPROGRESS);
	pfs_wait_cancel(&waiter.wait);
	fake_api_answer(&fixture->api, id, object);
	fixture->api.of = NULL;
}

static char *render(struct fixture *fixture, const char *mount, struct pfs_buffer *buffer)
{
	const struct pfs_metrics metrics = {
		.stats = &fixture->stats,
		.store = fixture->store,
		.mount = mount,
		.version = "9.9",
		.started = 5 * PFS_SECOND / 2,
	};

	pfs_buffer_clear(buffer);
	pfs_metrics_render(&metrics, buffer);
	assert_int_equal(buffer->error, 0);
	return buffer->bytes;
}

static void assert_line(const struct pfs_buffer *buffer, const char *line)
{
	char wanted[400];

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (!strstr(buffer->bytes, wanted))
		fail_msg("no line '%s' in:\n%s", line,
			 strstr(buffer->bytes, "pinefs_api_failing{"));
}

static void assert_none(const struct pfs_buffer *buffer, const char *part)
{
	if (strstr(buffer->bytes, part))
		fail_msg("'%s' is in:\n%s", part, buffer->bytes);
}

static void test_metrics_count_the_objects_of_each_kind_by_state(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};

	know(fixture, "restore-jobs", "a", "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}");
	know(fixture, "restore-jobs", "b", "{\"restore_job_id\":\"b\",\"status\":\"Failed\"}");
	know(fixture, "restore-jobs", "c", "{\"restore_job_id\":\"c\",\"status\":\"Failed\"}");
	know(fixture, "backups", "d", "{\"backup_id\":\"d\",\"status\":\"Ready\"}");
	know(fixture, "indexes", "e",
	     "{\"name\":\"e\",\"status\":{\"state\":\"Scaling\\\"Up\\n\"}}");
	know(fixture, "indexes", "f", "{\"name\":\"f\"}");
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer, "pinefs_restore_jobs{mount=\"/m\",status=\"Pending\"} 1");
	assert_line(&buffer, "pinefs_restore_jobs{mount=\"/m\",status=\"Failed\"} 2");
	assert_line(&buffer, "pinefs_backups{mount=\"/m\",status=\"Ready\"} 1");
	assert_line(&buffer, "pinefs_indexes{mount=\"/m\",state=\"Scaling\\\"Up\\n\"} 1");
	assert_line(&buffer, "pinefs_indexes{mount=\"/m\",state=\"\"} 1");
	assert_none(&buffer, "pinefs_collections{");
	assert_int_equal(fixture->api.describes, 6); /* it has asked nobody */
	assert_int_equal(fixture->api.lists, 0);
	pfs_buffer_finish(&buffer);
}

static void test_metrics_date_the_oldest_pending_job(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};

	know(fixture, "restore-jobs", "done",
	     "{\"restore_job_id\":\"done\",\"status\":\"Completed\",\"created_at\":\"1970-01-01T00:00:01Z\"}");
	(void)render(fixture, "/m", &buffer);
	assert_none(&buffer, "oldest_pending");
	know(fixture, "restore-jobs", "young",
	     "{\"restore_job_id\":\"young\",\"status\":\"Pending\",\"created_at\":\"1970-01-01T00:02:00Z\"}");
	know(fixture, "restore-jobs", "old",
	     "{\"restore_job_id\":\"old\",\"status\":\"Pending\",\"created_at\":\"1970-01-01T00:01:00.5Z\"}");
	know(fixture, "restore-jobs", "undated",
	     "{\"restore_job_id\":\"undated\",\"status\":\"Pending\",\"created_at\":null}");
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer,
		    "pinefs_restore_job_oldest_pending_timestamp_seconds{mount=\"/m\"} 60.5");
	pfs_buffer_finish(&buffer);
}

/* By its own time if it was known as failed from the start, else by ours: it may have none. */
static void test_metrics_date_the_newest_failed_job(void **state)
{
	static const char name[] = "pinefs_restore_job_newest_failed_timestamp_seconds";
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};
	char line[200];

	know(fixture, "restore-jobs", "done",
	     "{\"restore_job_id\":\"done\",\"status\":\"Completed\","
	     "\"completed_at\":\"1970-01-01T00:09:00Z\"}");
	know(fixture, "restore-jobs", "cancelled",
	     "{\"restore_job_id\":\"cancelled\",\"status\":\"Cancelled\","
	     "\"completed_at\":\"1970-01-01T00:09:00Z\"}");
	know(fixture, "restore-jobs", "new",
	     "{\"restore_job_id\":\"new\",\"status\":\"Pending\","
	     "\"created_at\":\"1970-01-01T00:00:02Z\"}");
	(void)render(fixture, "/m", &buffer);
	assert_none(&buffer, name);
	know(fixture, "restore-jobs", "old",
	     "{\"restore_job_id\":\"old\",\"status\":\"Failed\","
	     "\"created_at\":\"1970-01-01T00:00:01Z\",\"completed_at\":\"1970-01-01T00:03:00Z\"}");
	know(fixture, "restore-jobs", "older",
	     "{\"restore_job_id\":\"older\",\"status\":\"Failed\","
	     "\"created_at\":\"1970-01-01T00:01:00Z\",\"completed_at\":null}");
	(void)render(fixture, "/m", &buffer);
	snprintf(line, sizeof(line), "%s{mount=\"/m\"} 180", name);
	assert_line(&buffer, line);
	/* What else changes of it is no failure. */
	pass(fixture, 3600 * PFS_SECOND);
	know(fixture, "restore-jobs", "old",
	     "{\"restore_job_id\":\"old\",\"status\":\"Failed\",\"percent_complete\":7,"
	     "\"created_at\":\"1970-01-01T00:00:01Z\",\"completed_at\":\"1970-01-01T00:03:00Z\"}");
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer, line);
	know(fixture, "restore-jobs", "new",
	     "{\"restore_job_id\":\"new\",\"status\":\"Failed\","
	     "\"created_at\":\"1970-01-01T00:00:02Z\",\"completed_at\":null}");
	(void)render(fixture, "/m", &buffer);
	snprintf(line, sizeof(line), "%s{mount=\"/m\"} %.15g", name,
		 (double)pfs_loop_wall(fixture->loop) / (double)PFS_SECOND);
	assert_line(&buffer, line);
	pfs_buffer_finish(&buffer);
}

static void test_metrics_date_the_newest_ready_backup_of_each_index(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};
	static const struct {
		const char *id, *index, *status, *created;
	} rows[] = {
		{"a", "movies", "Ready", "1970-01-01T00:00:10Z"},
		{"b", "movies", "Ready", "1970-01-01T00:00:30Z"},
		{"c", "movies", "Ready", "1970-01-01T00:00:20Z"},
		{"d", "movies", "Initializing", "1970-01-01T00:00:40Z"},
		{"e", "mov", "Ready", "1970-01-01T00:00:05Z"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char object[300];

		snprintf(object, sizeof(object),
			 "{\"backup_id\":\"%s\",\"source_index_name\":\"%s\",\"status\":\"%s\","
			 "\"created_at\":\"%s\"}",
			 rows[i].id, rows[i].index, rows[i].status, rows[i].created);
		know(fixture, "backups", rows[i].id, object);
	}
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer, "pinefs_backup_newest_ready_timestamp_seconds{mount=\"/m\","
			     "index=\"movies\"} 30.000");
	assert_line(&buffer, "pinefs_backup_newest_ready_timestamp_seconds{mount=\"/m\","
			     "index=\"mov\"} 5.000");
	assert_none(&buffer, "index=\"movies\"} 10");
	assert_none(&buffer, "index=\"movies\"} 20");
	assert_none(&buffer, "index=\"movies\"} 40");
	pfs_buffer_finish(&buffer);
}

/* The API decides which states there are: so many are shown, the rest together. */
static void test_metrics_have_a_bound_on_states(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};
	const char *place;
	unsigned shown = 0;

	for (unsigned i = 0; i < 40; i++) {
		char id[20], object[100];

		snprintf(id, sizeof(id), "job-%u", i);
		snprintf(object, sizeof(object), "{\"restore_job_id\":\"%s\",\"status\":\"S%u\"}",
			 id, i);
		know(fixture, "restore-jobs", id, object);
	}
	place = render(fixture, "/m", &buffer);
	while ((place = strstr(place, "pinefs_restore_jobs{"))) {
		shown++;
		place++;
	}
	assert_int_equal(shown, 25);
	assert_line(&buffer, "pinefs_restore_jobs{mount=\"/m\",status=\"other\"} 16");
	pfs_buffer_finish(&buffer);
}

static unsigned count_lines(const struct pfs_buffer *buffer, const char *beginning)
{
	const char *place = buffer->bytes;
	unsigned lines = 0;

	for (; (place = strstr(place, beginning)); place++)
		lines += place[-1] == '\n';
	return lines;
}

static void know_job(struct fixture *fixture, unsigned number, const char *status)
{
	char id[20], object[400];

	snprintf(id, sizeof(id), "job-%u", number);
	snprintf(object, sizeof(object), "{\"restore_job_id\":\"%s\",\"status\":\"%s\"}", id,
		 status);
	know(fixture, "restore-jobs", id, object);
}

/* No line may come twice: Prometheus refuses all of a text in which one does. */
static void test_metrics_count_states_that_are_written_alike_as_one(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};
	char status[160];

	know_job(fixture, 1, "A\\u0001");
	know_job(fixture, 2, "A\\u0002");
	memset(status, 'x', 150);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(status + 150, sizeof(status) - 150, "%u", i);
		know_job(fixture, 3 + i, status);
	}
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer, "pinefs_restore_jobs{mount=\"/m\",status=\"A\xef\xbf\xbd\"} 2");
	assert_int_equal(count_lines(&buffer, "pinefs_restore_jobs{"), 2);
	pfs_buffer_finish(&buffer);
}

static void test_metrics_count_a_state_named_other_among_the_others(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};
	char status[20];

	know_job(fixture, 100, "other");
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer, "pinefs_restore_jobs{mount=\"/m\",status=\"other\"} 1");
	for (unsigned i = 0; i < 25; i++) {
		snprintf(status, sizeof(status), "S%u", i);
		know_job(fixture, i, status);
	}
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer, "pinefs_restore_jobs{mount=\"/m\",status=\"S23\"} 1");
	assert_line(&buffer, "pinefs_restore_jobs{mount=\"/m\",status=\"other\"} 2");
	assert_int_equal(count_lines(&buffer, "pinefs_restore_jobs{"), 25);
	pfs_buffer_finish(&buffer);
}

static void know_backup(struct fixture *fixture, unsigned number, const char *index, int minute)
{
	char id[20], object[400];

	snprintf(id, sizeof(id), "backup-%u", number);
	snprintf(object, sizeof(object),
		 "{\"backup_id\":\"%s\",\"source_index_name\":\"%s\",\"status\":\"Ready\","
		 "\"created_at\":\"1970-01-01T00:%02d:00Z\"}",
		 id, index, minute);
	know(fixture, "backups", id, object);
}

#define NEWEST "pinefs_backup_newest_ready_timestamp_seconds{mount=\"/m\","

static void test_metrics_take_indexes_that_are_written_alike_as_one(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};

	know_backup(fixture, 1, "a\\u0001", 1);
	know_backup(fixture, 2, "a\\u0002", 3);
	know_backup(fixture, 3, "a\\u0003", 2);
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer, NEWEST "index=\"a\xef\xbf\xbd\"} 180.000");
	assert_int_equal(count_lines(&buffer, NEWEST), 1);
	pfs_buffer_finish(&buffer);
}

static void test_metrics_have_a_bound_on_indexes(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	struct pfs_buffer buffer = {0};
	char index[20];

	config.max_objects = 2000;
	config.max_idle = 2000;
	configure(fixture, &config);
	for (unsigned i = 0; i < 1010; i++) {
		snprintf(index, sizeof(index), "i%u", i);
		know_backup(fixture, i, index, 1);
	}
	know_backup(fixture, 1010, "i7", 9);
	(void)render(fixture, "/m", &buffer);
	assert_int_equal(count_lines(&buffer, NEWEST), 1000);
	assert_line(&buffer, NEWEST "index=\"i7\"} 540.000");
	assert_line(&buffer, NEWEST "index=\"i999\"} 60.000");
	pfs_buffer_finish(&buffer);
}

static void test_metrics_have_the_mount_and_the_process(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};

	(void)render(fixture, "/a\\b\"c\nd\xff\x1b", &buffer);
	assert_line(&buffer, "pinefs_build_info{mount=\"/a\\\\b\\\"c\\nd\xef\xbf\xbd\xef\xbf\xbd\","
			     "version=\"9.9\"} 1");
	assert_line(&buffer, "# TYPE pinefs_process_cpu_seconds_total counter");
	(void)render(fixture, "/m", &buffer);
	assert_line(&buffer, "pinefs_process_start_time_seconds{mount=\"/m\"} 2.5");
	assert_non_null(
		strstr(buffer.bytes, "\npinefs_process_resident_memory_bytes{mount=\"/m\"} "));
	assert_non_null(strstr(buffer.bytes, "\npinefs_process_open_fds{mount=\"/m\"} "));
	assert_none(&buffer, "\nprocess_");
	pfs_buffer_finish(&buffer);
}

/* Each family is a block with one HELP and one TYPE, and each of its samples has the label. */
static void test_metrics_are_well_formed(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_buffer buffer = {0};
	char family[100] = "", *line, *rest;

	know(fixture, "restore-jobs", "a", "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}");
	rest = render(fixture, "/m", &buffer);
	while (*(line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "# HELP ", 7)) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				 line + 7);
			line = strsep(&rest, "\n");
			assert_int_equal(strncmp(line, "# TYPE ", 7), 0);
			assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
			continue;
		}
		assert_int_equal(strncmp(line, family, strlen(family)), 0);
		assert_non_null(strstr(line, "{mount=\"/m\""));
	}
	pfs_buffer_finish(&buffer);
}

static int setup_all(void **state)
{
	use_kinds(&pfs_all_kinds);
	return setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_metrics_count_the_objects_of_each_kind_by_state, setup_all, teardown),
		cmocka_unit_test_setup_teardown(test_metrics_date_the_oldest_pending_job, setup_all,
						teardown),
		cmocka_unit_test_setup_teardown(test_metrics_date_the_newest_failed_job, setup_all,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_metrics_date_the_newest_ready_backup_of_each_index, setup_all,
			teardown),
		cmocka_unit_test_setup_teardown(test_metrics_have_a_bound_on_states, setup_all,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_metrics_count_states_that_are_written_alike_as_one, setup_all,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_metrics_count_a_state_named_other_among_the_others, setup_all,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_metrics_take_indexes_that_are_written_alike_as_one, setup_all,
			teardown),
		cmocka_unit_test_setup_teardown(test_metrics_have_a_bound_on_indexes, setup_all,
						teardown),
		cmocka_unit_test_setup_teardown(test_metrics_have_the_mount_and_the_process,
						setup_all, teardown),
		cmocka_unit_test_setup_teardown(test_metrics_are_well_formed, setup_all, teardown),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
