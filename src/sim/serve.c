/* SPDX-License-Identifier: MIT */
/*
 * A request is made when its first line has come in (note_target), arrives
 * with its header (arrive), is planned once its body is complete, may be
 * parked, is answered, and ends in complete. libmicrohttpd calls the handler
 * again after a parked connection is resumed; `stage` says what is next.
 *
 * libmicrohttpd doesn't watch a suspended connection, so a client that goes
 * away meanwhile would stay here until its time is over, and for ever where
 * the fault is silence. Therefore parked connections are watched in our own
 * epoll set for their peer's end and for nothing else.
 *
 * The loop has one epoll set: libmicrohttpd's own epoll descriptor, the
 * descriptor that ends it, the parked connections. An event's pointer is the
 * server, the loop's local flag, or a request. Requests are freed only inside
 * MHD_run, which comes after all events of a round were seen: no event can
 * point to a request that has gone.
 */
#include "serve.h"

#include "control.h"
#include "inject.h"
#include "listen.h"
#include "timer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 256

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct sim_server {
	struct sim *sim;
	struct MHD_Daemon *daemon;
	int epoll;
	unsigned int port;
	uint64_t requests; /* numbers the request ids */
	struct sim_timers parked;
};

enum stage { STAGE_NEW, STAGE_ARRIVED, STAGE_DELAYED, STAGE_SILENT };

struct request {
	struct sim_server *server;
	struct MHD_Connection *connection;
	char *target; /* as sent: percent-encoded, with the query */
	enum sim_route route;
	enum stage stage;
	bool counted;
	bool gone; /* its client left while it was parked */
	int fd;	   /* watched while parked */
	enum sim_fault kind;
	cJSON *spec; /* of the rule that took it; NULL: none */
	struct sim_text body;
	struct sim_timer timer; /* set exactly while parked */
	bool is_carried_out;	/* a command; its answer waits in made */
	struct sim_reply made;
	struct sim_stream stream;
};

/* A connection: whether it carried an API request since the last reset of the counts. */
struct link {
	bool counted;
	uint64_t round;
};

static int connection_fd(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* Lay the request aside; the handler, or the stream, is called again when @due_us has come. */
static int park(struct request *request, int64_t due_us)
{
	struct sim_server *server = request->server;
	struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = request};
	int r;

	r = sim_timers_set(&server->parked, &request->timer, due_us);
	if (r < 0)
		return r;
	request->fd = connection_fd(request->connection);
	/* Unwatched at worst: then it waits for its time, like any other. */
	(void)epoll_ctl(server->epoll, EPOLL_CTL_ADD, request->fd, &event);
	MHD_suspend_connection(request->connection);
	return 0;
}

static void unpark(struct request *request)
{
	struct sim_server *server = request->server;

	if (request->timer.place == 0)
		return;
	sim_timers_drop(&server->parked, &request->timer);
	(void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, request->fd, NULL);
	MHD_resume_connection(request->connection);
}

static void drop_client(struct request *request)
{
	request->gone = true;
	request->stream.over = true;
	unpark(request);
}

static void pause_stream(struct sim_stream *stream, int64_t us)
{
	struct request *request = container_of(stream, struct request, stream);

	if (park(request, sim_clock_monotonic() + us) < 0)
		stream->over = true;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static const char *argument(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result log_header(void *cls, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	struct sim_text *text = cls;
	char *lower = strdup(name);
	bool secret = strcasecmp(name, "Api-Key") == 0 || strcasecmp(name, "Authorization") == 0;

	if (!lower) {
		text->failed = true;
		return MHD_NO;
	}
	for (char *c = lower; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	if (text->data[text->len - 1] != '{')
		sim_text_char(text, ',');
	sim_text_quoted(text, lower);
	sim_text_char(text, ':');
	sim_text_quoted(text, secret ? "(hidden)" : value ? value : "");
	free(lower);
	return MHD_YES;
}

static void log_request(struct request *request, const char *method, const char *version)
{
	struct sim_text *text = sim_count_log(&request->server->sim->count);

	sim_text_str(text, "{\"method\":");
	sim_text_quoted(text, method);
	sim_text_str(text, ",\"target\":");
	sim_text_quoted(text, request->target);
	sim_text_str(text, ",\"version\":");
	sim_text_quoted(text, version);
	sim_text_str(text, ",\"headers\":{");
	if (!text->failed)
		MHD_get_connection_values(request->connection, MHD_HEADER_KIND, log_header, text);
	sim_text_str(text, "}}");
}

static void count_connection(struct request *request)
{
	struct sim_count *count = &request->server->sim->count;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct link *link = info ? info->socket_context : NULL;

	if (!link || (link->counted && link->round == count->round))
		return;
	link->counted = true;
	link->round = count->round;
	count->connections++;
}

static void choose_fault(struct request *request, const char *path)
{
	const struct sim_rule *rule =
		sim_faults_match(&request->server->sim->faults, request->route, path);

	if (!rule)
		return;
	request->kind = rule->kind;
	request->spec = cJSON_Duplicate(rule->spec, true);
	if (!request->spec)
		request->kind = SIM_FAULT_NONE;
}

/* The header is complete: count the request and settle its fate. */
static void arrive(struct request *request, const char *method, const char *path,
		   const char *version)
{
	struct sim_call call = sim_route_find(method, path);

	request->stage = STAGE_ARRIVED;
	request->route = call.route;
	if (request->route == SIM_ROUTE_CONTROL)
		return;
	request->counted = true;
	sim_count_begin(&request->server->sim->count, &call, path,
			header(request->connection, "Api-Key"));
	count_connection(request);
	log_request(request, method, version);
	choose_fault(request, path);
}

static enum MHD_Result send_response(struct request *request, unsigned int status,
				     struct MHD_Response *response, const struct sim_reply *reply)
{
	enum MHD_Result result;

	/* A header that libmicrohttpd refuses (its own, or a broken one) is left out. */
	for (unsigned int i = 0; i < reply->n_headers; i++)
		(void)MHD_add_response_header(response, reply->headers[i].name,
					      reply->headers[i].value);
	if (request->route != SIM_ROUTE_CONTROL) {
		char id[SIM_UUID_SIZE];

		sim_dice_uuid(request->server->sim->world.seeding.seed, request->server->requests++,
			      SIM_SALT_REQUEST, id);
		(void)MHD_add_response_header(response, "x-request-id", id);
		(void)MHD_add_response_header(response, "x-pinecone-request-id", id);
	}
	result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Send a reply, whose body changes hands. */
static enum MHD_Result send_reply(struct request *request, struct sim_reply *reply)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->body.len, reply->body.data, MHD_RESPMEM_MUST_FREE);

	if (!response)
		return MHD_NO;
	reply->body = (struct sim_text){0};
	return send_response(request, reply->status, response, reply);
}

static int ask_api(struct request *request, const char *method, const char *path,
		   struct sim_reply *reply)
{
	struct sim *sim = request->server->sim;
	struct sim_query query = {
		.method = method,
		.path = path,
		.key = header(request->connection, "Api-Key"),
		.version = header(request->connection, "X-Pinecone-Api-Version"),
		.limit = argument(request->connection, "limit"),
		.token = argument(request->connection, "paginationToken"),
		.body = &request->body,
	};

	return sim_api_answer(&sim->world, sim->listings, &query, sim_clock_now(&sim->clock),
			      reply);
}

/* Carry out a command whose answer a fault will delay, or lose. */
static int carry_out(struct request *request, const char *method, const char *path)
{
	if (request->route != SIM_ROUTE_COMMAND || !sim_faults_loses_answer(request->spec))
		return 0;
	request->is_carried_out = true;
	return ask_api(request, method, path, &request->made);
}

static int answer_api(struct request *request, const char *method, const char *path,
		      struct sim_reply *reply)
{
	if (request->kind != SIM_FAULT_NONE)
		return sim_faults_reply(request->kind, request->spec, reply);
	if (!request->is_carried_out)
		return ask_api(request, method, path, reply);
	*reply = request->made;
	request->made = (struct sim_reply){0};
	return 0;
}

static enum MHD_Result answer(struct request *request, const char *method, const char *path)
{
	struct sim_reply reply = {0};
	enum MHD_Result result = MHD_NO;
	int r;

	if (request->route == SIM_ROUTE_CONTROL)
		r = sim_control_answer(request->server->sim, method, path, &request->body, &reply);
	else
		r = answer_api(request, method, path, &reply);
	if (r == 0)
		result = send_reply(request, &reply);
	sim_reply_finish(&reply);
	return result;
}

static enum MHD_Result answer_stream(struct request *request)
{
	struct sim_stream *stream = &request->stream;
	struct MHD_Response *response;

	stream->pause = pause_stream;
	if (sim_inject_stream(stream, request->kind, request->spec, &response) < 0)
		return MHD_NO;
	return send_response(request, stream->reply.status, response, &stream->reply);
}

/* MHD_NO closes the connection. */
static enum MHD_Result act(struct request *request, const char *method, const char *path)
{
	switch (request->kind) {
	case SIM_FAULT_RESET:
		sim_inject_reset(request->connection);
		return MHD_NO;
	case SIM_FAULT_SILENCE:
		request->stage = STAGE_SILENT;
		return park(request, SIM_NEVER) < 0 ? MHD_NO : MHD_YES;
	case SIM_FAULT_HALF:
	case SIM_FAULT_DRIP:
	case SIM_FAULT_HUGE:
		return answer_stream(request);
	default:
		return answer(request, method, path);
	}
}

static int64_t delay_of(const struct request *request)
{
	int64_t delay = request->server->sim->latency_us;

	if (request->route == SIM_ROUTE_CONTROL)
		return 0;
	return request->spec ? delay + sim_faults_delay(request->spec) : delay;
}

/* Keep a body up to one byte beyond its bound, so that it shows. */
static void take_upload(struct request *request, const char *data, size_t n)
{
	bool is_control = request->route == SIM_ROUTE_CONTROL;
	size_t most = is_control ? SIM_CONTROL_BODY_MAX : SIM_COMMAND_BODY_MAX;
	size_t room = most + 1 - request->body.len;

	if (is_control || request->route == SIM_ROUTE_COMMAND)
		sim_text_bytes(&request->body, data, n < room ? n : room);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **context)
{
	struct request *request = *context;

	if (!request || request->gone || request->stage == STAGE_SILENT)
		return MHD_NO;
	if (request->stage == STAGE_NEW) {
		arrive(request, method, path, version);
		return MHD_YES;
	}
	if (*upload_size > 0) {
		take_upload(request, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (request->stage == STAGE_ARRIVED) {
		int64_t delay = delay_of(request);

		request->stage = STAGE_DELAYED;
		if (carry_out(request, method, path) < 0)
			return MHD_NO;
		if (delay > 0)
			return park(request, sim_clock_monotonic() + delay) < 0 ? MHD_NO : MHD_YES;
	}
	return act(request, method, path);
}

/* The first line of a request; what is returned is the request's context from now on. */
static void *note_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->server = cls;
	request->connection = connection;
	request->target = strdup(target);
	if (!request->target) {
		free(request);
		return NULL;
	}
	return request;
}

static void complete(void *cls, struct MHD_Connection *connection, void **context,
		     enum MHD_RequestTerminationCode how)
{
	struct request *request = *context;

	if (!request)
		return;
	*context = NULL;
	if (request->counted)
		sim_count_end(&request->server->sim->count);
	sim_timers_drop(&request->server->parked, &request->timer);
	sim_inject_finish(&request->stream);
	sim_reply_finish(&request->made);
	sim_text_finish(&request->body);
	cJSON_Delete(request->spec);
	free(request->target);
	free(request);
}

static void note_connection(void *cls, struct MHD_Connection *connection, void **context,
			    enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = calloc(1, sizeof(struct link));
	} else {
		free(*context);
		*context = NULL;
	}
}

/* Takes the listening socket over, also upon failure. */
static int start_daemon(struct sim_server *server, int fd)
{
	const union MHD_DaemonInfo *info;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = server};

	server->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle,
				 server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK,
				 note_target, server, MHD_OPTION_NOTIFY_COMPLETED, complete, server,
				 MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,
				 MHD_OPTION_CONNECTION_LIMIT, sim_listen_limit(), MHD_OPTION_END);
	if (!server->daemon) {
		close(fd);
		return -EIO;
	}
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, info->epoll_fd, &event) < 0)
		return -errno;
	return 0;
}

int sim_server_create(struct sim *sim, unsigned int port, struct sim_server **ret_server)
{
	struct sim_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->sim = sim;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0) {
		r = -errno;
		goto destroy;
	}
	r = sim_listen_open(port, &server->port);
	if (r < 0)
		goto destroy;
	(void)snprintf(sim->world.base, sizeof(sim->world.base), "http://127.0.0.1:%u",
		       server->port);
	r = start_daemon(server, r);
	if (r < 0)
		goto destroy;
	*ret_server = server;
	return 0;
destroy:
	sim_server_destroy(server);
	return r;
}

unsigned int sim_server_port(const struct sim_server *server)
{
	return server->port;
}

/* Milliseconds until something is due, rounded up; -1: nothing is. */
static int next_timeout(struct sim_server *server)
{
	const struct sim_timer *first = sim_timers_first(&server->parked);
	MHD_UNSIGNED_LONG_LONG mhd;
	int64_t wait = -1;

	if (first && first->due_us != SIM_NEVER) {
		wait = first->due_us - sim_clock_monotonic();
		wait = wait > 0 ? (wait + 999) / 1000 : 0;
	}
	if (MHD_get_timeout(server->daemon, &mhd) == MHD_YES && (wait < 0 || mhd < (uint64_t)wait))
		wait = (int64_t)mhd;
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

static void unpark_due(struct sim_server *server)
{
	int64_t now = sim_clock_monotonic();
	struct sim_timer *first = sim_timers_first(&server->parked);

	while (first && first->due_us <= now) {
		unpark(container_of(first, struct request, timer));
		first = sim_timers_first(&server->parked);
	}
}

int sim_server_run(struct sim_server *server, int stop_fd)
{
	struct epoll_event events[EVENTS];
	bool stop = false;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &stop};

	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, stop_fd, &event) < 0)
		return -errno;
	while (!stop) {
		int n = epoll_wait(server->epoll, events, EVENTS, next_timeout(server));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &stop)
				stop = true;
			else if (events[i].data.ptr != server)
				drop_client(events[i].data.ptr);
		}
		unpark_due(server);
		MHD_run(server->daemon);
	}
	return 0;
}

void sim_server_destroy(struct sim_server *server)
{
	struct sim_timer *first;

	if (!server)
		return;
	/* libmicrohttpd must not be stopped while connections are suspended. */
	while ((first = sim_timers_first(&server->parked)))
		drop_client(container_of(first, struct request, timer));
	if (server->daemon) {
		MHD_run(server->daemon);
		MHD_stop_daemon(server->daemon);
	}
	if (server->epoll >= 0)
		close(server->epoll);
	sim_timers_finish(&server->parked);
	free(server);
}
