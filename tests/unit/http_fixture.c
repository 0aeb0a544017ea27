/* SPDX-License-Identifier: MIT */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the server ---------------------------------------------------------------------------- */

static void hang_up(struct fixture *fixture, int fd)
{
	for (size_t i = 0; i < fixture->connection_count; i++) {
		if (fixture->connections[i].fd == fd)
			fixture->connections[i] = fixture->connections[--fixture->connection_count];
	}
	pfs_loop_remove_fd(fixture->loop, fd);
	close(fd);
}

/* An answer that doesn't tell its length, or is shorter than it tells, ends with the connection. */
static bool is_whole(const char *answer)
{
	const char *told = strstr(answer, "Content-Length: ");
	const char *body = strstr(answer, "\r\n\r\n");

	return told && body && strlen(body + 4) == strtoul(told + 16, NULL, 10);
}

static void serve(struct fixture *fixture, struct served served)
{
	const struct linger at_once = {.l_onoff = 1};
	const char *answer = *fixture->answers;
	int fd = served.fd;
	ssize_t got = recv(fd, fixture->request, sizeof(fixture->request) - 1, MSG_DONTWAIT);

	if (got <= 0) {
		if (got == 0)
			hang_up(fixture, fd);
		return;
	}
	fixture->request[got] = '\0';
	assert_non_null(strstr(fixture->request, "\r\n\r\n"));
	fixture->requests++;
	if (served.fate == RESETS)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
				 0);
	if (served.fate == HANGS_UP || served.fate == RESETS)
		hang_up(fixture, fd);
	if (!answer || served.fate != ANSWERS)
		return;
	assert_int_equal(send(fd, answer, strlen(answer), MSG_NOSIGNAL), strlen(answer));
	if (!is_whole(answer))
		hang_up(fixture, fd);
	if (fixture->answers[1])
		fixture->answers++;
}

static void on_connections(void *arg)
{
	struct fixture *fixture = arg;

	for (size_t i = fixture->connection_count; i-- > 0;)
		serve(fixture, fixture->connections[i]);
}

static void on_listener(void *arg)
{
	struct fixture *fixture = arg;
	int fd = accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(fixture->connection_count < SERVED_MAX);
	fixture->connections[fixture->connection_count++] =
		(struct served){.fd = fd, .fate = fixture->next_fate};
	fixture->accepted++;
	assert_int_equal(pfs_loop_add_fd(fixture->loop, fd, on_connections, fixture), 0);
}

static void listen_on_loopback(struct fixture *fixture)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);

	fixture->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fixture->listener >= 0);
	assert_int_equal(bind(fixture->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fixture->listener, 10), 0);
	assert_int_equal(getsockname(fixture->listener, (struct sockaddr *)&address, &size), 0);
	snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d/x",
		 ntohs(address.sin_port));
	assert_int_equal(pfs_loop_add_fd(fixture->loop, fixture->listener, on_listener, fixture),
			 0);
}

void set_fate(struct fixture *fixture, enum fate fate)
{
	for (size_t i = 0; i < fixture->connection_count; i++)
		fixture->connections[i].fate = fate;
}

void answer_with(struct fixture *fixture, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fixture->made, sizeof(fixture->made), format, arguments);
	va_end(arguments);
	fixture->only[0] = fixture->made;
	fixture->answers = fixture->only;
}

/* --- requests ------------------------------------------------------------------------------ */

const struct pfs_http_config http_fixture_config = {
	.max_body = 64,
	.max_active = 4,
	.max_queued = 4,
	.rate = 10,
	.burst = 20,
	.user_agent = "unit",
	.jitter_seed = 1,
};

int setup(void **state)
{
	static const char *const ok[] = {OK_ANSWER, NULL};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	*state = fixture;
	alarm(60); /* nothing here takes long: better an end than to hang */
	fake_time_init(&fixture->time);
	fixture->answers = ok;
	if (pfs_loop_create(&fixture->time.clock, &fixture->loop))
		return -1;
	listen_on_loopback(fixture);
	return pfs_http_create(fixture->loop, &fixture->stats, &http_fixture_config,
			       &fixture->http);
}

int teardown(void **state)
{
	struct fixture *fixture = *state;

	pfs_http_destroy(fixture->http);
	while (fixture->connection_count)
		close(fixture->connections[--fixture->connection_count].fd);
	close(fixture->listener);
	pfs_loop_destroy(fixture->loop);
	free(fixture);
	alarm(0);
	return 0;
}

void configure(struct fixture *fixture, const struct pfs_http_config *config)
{
	pfs_http_destroy(fixture->http);
	assert_int_equal(pfs_http_create(fixture->loop, &fixture->stats, config, &fixture->http),
			 0);
}

static void on_done(void *arg, const struct pfs_http_answer *answer)
{
	struct outcome *outcome = arg;

	outcome->calls++;
	outcome->outcome = answer->outcome;
	outcome->status = answer->status;
	outcome->retry_after = answer->retry_after;
	outcome->sent_at = answer->sent_at;
	outcome->sent = answer->sent;
	outcome->length = answer->length;
	assert_int_equal(answer->body[answer->length], 0);
	snprintf(outcome->body, sizeof(outcome->body), "%s", answer->body);
	snprintf(outcome->text, sizeof(outcome->text), "%s", answer->text);
	snprintf(outcome->request_id, sizeof(outcome->request_id), "%s", answer->request_id);
	snprintf(outcome->rejected, sizeof(outcome->rejected), "%s", answer->rejected);
}

static void count(void *arg, const struct pfs_http_progress *progress)
{
	++*(unsigned *)arg;
}

unsigned under_way(struct fixture *fixture)
{
	unsigned requests = 0;

	pfs_http_each(fixture->http, count, &requests);
	return requests;
}

int get_within(struct fixture *fixture, struct outcome *outcome, int64_t timeout,
	       struct pfs_http_request **ret_request)
{
	static const char *const headers[] = {"Api-Key: pcsk_unit", "X-Other: yes", NULL};

	return pfs_http_get(fixture->http, fixture->url, headers, "/x",
			    FAKE_START + fixture->time.passed + timeout, on_done, outcome,
			    ret_request);
}

void get(struct fixture *fixture, struct outcome *outcome, int64_t timeout)
{
	struct pfs_http_request *request;

	assert_int_equal(get_within(fixture, outcome, timeout, &request), 0);
}

int post_within(struct fixture *fixture, const char *body, struct outcome *outcome, int64_t timeout,
		struct pfs_http_request **ret_request)
{
	static const char *const headers[] = {"Api-Key: pcsk_unit", "Expect:", NULL};

	return pfs_http_post(fixture->http, fixture->url, headers, "/x", body,
			     FAKE_START + fixture->time.passed + timeout, on_done, outcome,
			     ret_request);
}

void post(struct fixture *fixture, struct outcome *outcome, int64_t timeout)
{
	struct pfs_http_request *request;

	assert_int_equal(post_within(fixture, "{}", outcome, timeout, &request), 0);
}

static void keep_state(void *arg, const struct pfs_http_progress *progress)
{
	const char **state = arg;

	if (!*state)
		*state = progress->state;
}

const char *state_of(struct fixture *fixture)
{
	const char *state = NULL;

	pfs_http_each(fixture->http, keep_state, &state);
	return state ? state : "";
}

void turn(struct fixture *fixture)
{
	assert_int_equal(pfs_loop_turn(fixture->loop), 0);
}

void turn_until(struct fixture *fixture, const char *state)
{
	while (strcmp(state_of(fixture), state) != 0)
		turn(fixture);
}

void pass(struct fixture *fixture, int64_t ns)
{
	struct pfs_timer now = {.fire = on_connections, .arg = fixture};

	fixture->time.passed += ns;
	pfs_timer_start(fixture->loop, &now, 0); /* so that the turn doesn't wait */
	turn(fixture);
}

void finish(struct fixture *fixture, struct outcome *outcome)
{
	while (!outcome->calls)
		turn(fixture);
	assert_int_equal(outcome->calls, 1);
}
