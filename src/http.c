/* SPDX-License-Identifier: MIT */
/*
 * A request goes through these states. In each exactly one timer runs for it, so that none can be
 * forgotten (and a watchdog, in case one is all the same):
 *
 *	QUEUED   waits for a place (max_active) and a token of the budget; timer: its deadline
 *	SENT     libcurl has it; timer: its deadline
 *	PAUSED   an attempt failed; timer: when the next one begins, before the deadline
 *
 * It ends in finish(), which calls done while the easy handle is still attached: to detach it first
 * costs the reader a third of the latency. During done the request is on no list.
 *
 * libcurl's own CURLOPT_TIMEOUT isn't used: one deadline by one mechanism is the same in all states
 * and, unlike libcurl's clock, goes on during suspend.
 */
#include "http.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/log.h"

#define MAX_ATTEMPTS  4
#define FIRST_BACKOFF (250 * PFS_MILLISECOND)
#define IDLE_SOCKETS  8L
#define BLIND_WAIT    10 /* ms */

static void pump(void *arg);

/* --- the life of a request ----------------------------------------------------------------- */

/* Take the request off all lists and counts; its easy handle stays attached. */
static void detach(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;

	pfs_timer_stop(http->loop, &request->timer);
	TAILQ_REMOVE(&http->requests, request, link);
	if (!--http->total)
		pfs_timer_stop(http->loop, &http->watchdog);
	if (request->state == QUEUED) {
		TAILQ_REMOVE(&http->queue, request, queue_link);
		http->queued--;
	} else if (request->state == SENT) {
		http->active--;
	}
}

static void finish(struct pfs_http_request *request)
{
	const struct pfs_http_answer answer = {
		.outcome = request->outcome,
		.status = request->status,
		.proxy_status = request->proxy_status,
		.text = *request->error_text ? request->error_text : request->reason,
		.body = request->body.bytes ? request->body.bytes : "",
		.length = request->body.length,
		.request_id = request->request_id,
		.rejected = request->rejected,
		.retry_after = request->retry_after,
		.sent_at = request->sent_at,
		.took = pfs_loop_now(request->http->loop) - request->asked_at,
		.answered_at = pfs_loop_wall(request->http->loop),
		.sent = request->sent,
	};

	detach(request);
	request->done(request->arg, &answer);
	pfs_attempt_release(request);
	pfs_request_free(request);
}

static void enqueue(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;

	request->state = QUEUED;
	TAILQ_INSERT_TAIL(&http->queue, request, queue_link);
	http->queued++;
	pfs_timer_start(http->loop, &request->timer, request->deadline);
}

/* Doubling from 250 ms, each pause between half and the whole of it. */
static int64_t backoff(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;
	/* An attempt that was taken back doesn't count, not even as the first. */
	unsigned doublings = request->attempts ? request->attempts - 1 : 0;
	int64_t whole = FIRST_BACKOFF << doublings;

	/* xorshift64: jitter wants no better randomness */
	http->random ^= http->random << 13;
	http->random ^= http->random >> 7;
	http->random ^= http->random << 17;
	return whole / 2 + (int64_t)(http->random % (uint64_t)(whole / 2));
}

static bool is_passing(int status)
{
	return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

static bool is_worth_a_retry(const struct pfs_http_request *request)
{
	if (request->attempts >= MAX_ATTEMPTS)
		return false;
	switch (request->outcome) {
	case PFS_HTTP_RESOLVE:
	case PFS_HTTP_CONNECT:
	case PFS_HTTP_BROKEN:
		return true;
	case PFS_HTTP_ANSWERED:
		return is_passing(request->status);
	case PFS_HTTP_PROXY:
		return !request->proxy_status || is_passing(request->proxy_status);
	default:
		return false;
	}
}

/*
 * May there be another attempt? A blameless last attempt would hide what the earlier ones say of
 * the API. A POST is sent once, and what isn't sent fails; but for one that we ourselves kept from
 * a connection.
 */
static bool may_try_again(const struct pfs_http_request *request)
{
	if (request->post)
		return request->refused;
	return request->blameless || is_worth_a_retry(request);
}

static void log_attempt(const struct pfs_http_request *request, int64_t now)
{
	double ms = (double)(now - request->sent_at) / (double)PFS_MILLISECOND;

	if (request->outcome == PFS_HTTP_ANSWERED)
		pfs_debug("http: %s: %d, %zu bytes in %.1f ms (attempt %u)", request->label,
			  request->status, request->body.length, ms, request->attempts);
	else
		pfs_debug("http: %s: %s after %.1f ms (attempt %u)", request->label,
			  request->error_text, ms, request->attempts);
}

/* The attempt was never sent: take back what it cost. */
static void take_back(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;

	http->tokens += 1;
	http->stats->attempts--;
	if (--request->attempts)
		http->stats->retries--;
}

/* An attempt has ended: pause before the next, or finish. */
static void settle(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;
	int64_t now = pfs_loop_now(http->loop), pause;

	log_attempt(request, now);
	if (request->refused)
		take_back(request);
	if (!may_try_again(request)) {
		finish(request);
		return;
	}
	pause = request->blameless ? 0 : backoff(request);
	if (request->retry_after >= 0) /* no sooner than the server asked, and with jitter */
		pause = request->retry_after + pause / 4;
	if (pause >= request->deadline - now) {
		finish(request);
		return;
	}
	pfs_debug("http: %s: again in %.1f ms", request->label,
		  (double)pause / (double)PFS_MILLISECOND);
	pfs_attempt_release(request);
	http->active--;
	request->state = PAUSED;
	pfs_timer_start(http->loop, &request->timer, now + pause);
}

static void begin_attempt(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;

	TAILQ_REMOVE(&http->queue, request, queue_link);
	http->queued--;
	http->active++;
	request->state = SENT;
	request->sent_at = pfs_loop_now(http->loop);
	http->stats->attempts++;
	if (request->attempts++)
		http->stats->retries++;
	pfs_attempt_reset(request);
	if (pfs_attempt_begin(request)) {
		request->outcome = PFS_HTTP_NO_MEMORY;
		/* From the timer, since done must not be called from inside pfs_http_get. */
		pfs_timer_start(http->loop, &request->timer, request->sent_at);
	}
}

/* End an attempt under way and begin the next; without time for that, the request has timed out. */
static void recall(struct pfs_http_request *request)
{
	request->outcome = PFS_HTTP_TIMEOUT;
	request->blameless = true;
	(void)snprintf(request->error_text, sizeof(request->error_text),
		       "no answer before its connection was given up (--timeout)");
	settle(request);
}

/* Starts over after each request, since its done may cancel others. */
static void recall_from(struct pfs_http *http, uint64_t connection)
{
	struct pfs_http_request *request;

	do {
		TAILQ_FOREACH(request, &http->requests, link) {
			if (request->connection == connection)
				break;
		}
		if (request)
			recall(request);
	} while (request);
}

/* The deadline has come before the answer. */
static void give_up(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;
	uint64_t dead = 0;

	request->outcome = PFS_HTTP_TIMEOUT;
	(void)snprintf(request->error_text, sizeof(request->error_text),
		       request->state == QUEUED
			       ? "not sent in time: too many requests are waiting (--max-rate)"
			       : "no complete answer in time (--timeout)");
	log_attempt(request, pfs_loop_now(http->loop));
	if (request->state == SENT) {
		pfs_connections_drop_idle(http, request);
		if (pfs_connection_is_dead(request))
			dead = request->connection;
	}
	finish(request);
	if (dead)
		recall_from(http, dead);
}

static void on_timer(void *arg)
{
	struct pfs_http_request *request = arg;
	struct pfs_http *http = request->http;

	if (request->state == PAUSED)
		enqueue(request);
	else if ((request->state == QUEUED && request->attempts) ||
		 request->outcome == PFS_HTTP_NO_MEMORY)
		finish(request); /* what the last attempt said says more than "too late" */
	else
		give_up(request);
	pump(http);
}

/* --- the watchdog -------------------------------------------------------------------------- */

static void watch_over(struct pfs_http *http, int64_t deadline)
{
	int64_t due = deadline + PFS_HTTP_OVERDUE;

	if (!http->watchdog.running || due < http->watchdog.due)
		pfs_timer_start(http->loop, &http->watchdog, due);
}

static void end_overdue(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;

	if (!http->overdue_logged || http->config.strict)
		pfs_error("http: %s: outlived its deadline: a bug in pinefs", request->label);
	http->overdue_logged = true;
	if (http->config.strict)
		abort();
	request->outcome = PFS_HTTP_BROKEN;
	(void)snprintf(request->error_text, sizeof(request->error_text),
		       "outlived its deadline: a bug in pinefs");
	finish(request);
}

/* A request that done begins meanwhile is checked the next time. */
static void on_watchdog(void *arg)
{
	struct pfs_http *http = arg;
	int64_t now = pfs_loop_now(http->loop);
	struct pfs_http_request *request = TAILQ_FIRST(&http->requests);

	while (request) {
		if (request->deadline + PFS_HTTP_OVERDUE <= now) {
			end_overdue(request);
			request = TAILQ_FIRST(&http->requests);
			continue;
		}
		watch_over(http, request->deadline);
		request = TAILQ_NEXT(request, link);
	}
	pump(http);
}

/* --- the budget and the queue -------------------------------------------------------------- */

static void refill(struct pfs_http *http)
{
	int64_t now = pfs_loop_now(http->loop);

	http->tokens += (double)(now - http->tokens_at) / (double)PFS_SECOND * http->config.rate;
	if (http->tokens > http->config.burst)
		http->tokens = http->config.burst;
	http->tokens_at = now;
}

/* Begin the attempts that may begin now; run again when there is the next token. */
static void pump(void *arg)
{
	struct pfs_http *http = arg;
	struct pfs_http_request *request;

	refill(http);
	while ((request = TAILQ_FIRST(&http->queue)) && http->active < http->config.max_active &&
	       http->tokens >= 1) {
		http->tokens -= 1;
		begin_attempt(request);
	}
	if (!request || http->active >= http->config.max_active) {
		pfs_timer_stop(http->loop, &http->budget);
	} else if (!http->budget.running) {
		double wait = (1 - http->tokens) / http->config.rate * (double)PFS_SECOND;

		http->stats->throttled++;
		pfs_timer_start(http->loop, &http->budget, http->tokens_at + (int64_t)wait + 1);
	}
}

/* --- the loop's side ----------------------------------------------------------------------- */

/*
 * libcurl has no memory for its wait. That passes, and is no reason to end the mount: wait for the
 * other descriptors, and not for long, since libcurl's transfers go on.
 */
static int wait_without_curl(struct pollfd *fds, size_t count, int timeout)
{
	if (timeout < 0 || timeout > BLIND_WAIT)
		timeout = BLIND_WAIT;
	return poll(fds, (nfds_t)count, timeout) < 0 ? -errno : 0;
}

static int wait_with_curl(void *arg, struct pollfd *fds, size_t count, int timeout)
{
	struct pfs_http *http = arg;
	struct curl_waitfd extra[PFS_LOOP_FDS];

	for (size_t i = 0; i < count; i++)
		extra[i] = (struct curl_waitfd){.fd = fds[i].fd, .events = CURL_WAIT_POLLIN};
	if (curl_multi_poll(http->multi, extra, (unsigned)count, timeout < 0 ? INT_MAX : timeout,
			    NULL))
		return wait_without_curl(fds, count, timeout);
	for (size_t i = 0; i < count; i++)
		fds[i].revents = extra[i].revents ? POLLIN : 0;
	return 0;
}

static void take_result(const CURLMsg *message)
{
	struct pfs_http_request *request = NULL;

	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
	pfs_attempt_end(request, message->data.result);
	settle(request);
}

static void drive(void *arg)
{
	struct pfs_http *http = arg;
	int running, left;
	bool finished;

	do {
		CURLMsg *message;

		finished = false;
		if (curl_multi_perform(http->multi, &running))
			break;
		while ((message = curl_multi_info_read(http->multi, &left))) {
			if (message->msg != CURLMSG_DONE)
				continue;
			take_result(message);
			finished = true;
		}
		if (finished)
			pump(http);
	} while (finished);
}

/* --- what the header promises -------------------------------------------------------------- */

int pfs_http_create(struct pfs_loop *loop, struct pfs_stats *stats,
		    const struct pfs_http_config *config, struct pfs_http **ret_http)
{
	struct pfs_http *http = calloc(1, sizeof(*http));
	struct pfs_loop_waiter waiter = {.wait = wait_with_curl, .after = drive, .arg = http};

	if (!http)
		return -ENOMEM;
	if (pfs_memory_init())
		goto free_http;
	http->multi = curl_multi_init();
	if (!http->multi)
		goto clean_global;
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, IDLE_SOCKETS);
#if LIBCURL_VERSION_NUM >= 0x081400 /* its threads for names belong to this handle */
	curl_multi_setopt(http->multi, CURLMOPT_QUICK_EXIT, 1L);
#endif
	http->loop = loop;
	http->stats = stats;
	http->config = *config;
	http->tokens = config->burst;
	http->tokens_at = pfs_loop_now(loop);
	http->budget = (struct pfs_timer){.fire = pump, .arg = http};
	http->watchdog = (struct pfs_timer){.fire = on_watchdog, .arg = http};
	http->random = config->jitter_seed | 1;
	TAILQ_INIT(&http->requests);
	TAILQ_INIT(&http->queue);
	TAILQ_INIT(&http->connections);
	pfs_loop_set_waiter(loop, &waiter);
	*ret_http = http;
	return 0;

clean_global:
	curl_global_cleanup();
free_http:
	free(http);
	return -EIO;
}

void pfs_http_destroy(struct pfs_http *http)
{
	static const struct pfs_loop_waiter none = {0};
	struct pfs_http_request *request;

	if (!http)
		return;
	while ((request = TAILQ_FIRST(&http->requests))) {
		detach(request);
		pfs_attempt_release(request);
		pfs_request_free(request);
	}
	while (http->idle_count)
		curl_easy_cleanup(http->idle[--http->idle_count]);
	pfs_timer_stop(http->loop, &http->budget);
	pfs_timer_stop(http->loop, &http->watchdog);
	pfs_loop_set_waiter(http->loop, &none);
	curl_multi_cleanup(http->multi);
	pfs_connections_forget(http);
	curl_global_cleanup();
	free(http);
}

/* Owns the request from now on. */
static int start(struct pfs_http *http, struct pfs_http_request *request, int64_t deadline,
		 struct pfs_http_request **ret_request)
{
	if (http->queued >= http->config.max_queued) {
		pfs_request_free(request);
		return -EBUSY;
	}
	request->deadline = deadline;
	request->asked_at = request->sent_at = pfs_loop_now(http->loop);
	request->retry_after = -1;
	request->body.max = http->config.max_body;
	request->timer = (struct pfs_timer){.fire = on_timer, .arg = request};
	TAILQ_INSERT_TAIL(&http->requests, request, link);
	http->total++;
	watch_over(http, deadline);
	enqueue(request);
	pump(http);
	*ret_request = request;
	return 0;
}

int pfs_http_get(struct pfs_http *http, const char *url, const char *const headers[],
		 const char *label, int64_t deadline, pfs_http_done *done, void *arg,
		 struct pfs_http_request **ret_request)
{
	struct pfs_http_request *request = pfs_request_create(http, url, headers, label);

	if (!request)
		return -ENOMEM;
	request->done = done;
	request->arg = arg;
	return start(http, request, deadline, ret_request);
}

int pfs_http_post(struct pfs_http *http, const char *url, const char *const headers[],
		  const char *label, const char *body, int64_t deadline, pfs_http_done *done,
		  void *arg, struct pfs_http_request **ret_request)
{
	struct pfs_http_request *request = pfs_request_create(http, url, headers, label);

	if (!request)
		return -ENOMEM;
	request->done = done;
	request->arg = arg;
	request->post = strdup(body);
	if (!request->post) {
		pfs_request_free(request);
		return -ENOMEM;
	}
	return start(http, request, deadline, ret_request);
}

bool pfs_http_is_sent(const struct pfs_http_request *request)
{
	return request->sent;
}

void pfs_http_cancel(struct pfs_http_request *request)
{
	struct pfs_http *http;

	if (!request)
		return;
	http = request->http;
	detach(request);
	pfs_attempt_release(request);
	pfs_request_free(request);
	pump(http);
}

/* Only once in a request's life, or a slow answer would never come if this was called each time. */
void pfs_http_reconnect(struct pfs_http *http)
{
	struct pfs_http_request *request;

	do {
		TAILQ_FOREACH(request, &http->requests, link) {
			if (request->state == SENT && !request->recalled && !request->post &&
			    request->attempts < MAX_ATTEMPTS)
				break;
		}
		if (request) {
			request->recalled = true;
			recall(request);
		}
	} while (request);
	pfs_connections_retire(http);
	pump(http);
}

void pfs_http_each(struct pfs_http *http,
		   void (*visit)(void *arg, const struct pfs_http_progress *progress), void *arg)
{
	static const char *const states[] = {"queued", "sent", "backing off"};
	int64_t now = pfs_loop_now(http->loop);
	struct pfs_http_request *request;

	TAILQ_FOREACH(request, &http->requests, link) {
		struct pfs_http_progress progress = {
			.label = request->label,
			.state = states[request->state],
			.attempts = request->attempts,
			.age = now - request->asked_at,
			.left = request->deadline - now,
		};

		visit(arg, &progress);
	}
}
