/* SPDX-License-Identifier: MIT */
#include "kernel_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What Linux 6 says that it can. */
#define CAPABLE                                                                                    \
	(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_AUTO_INVAL_DATA |          \
	 FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT | FUSE_PARALLEL_DIROPS |                   \
	 FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO)

#define NOTIFY_INC_EPOCH 8

struct fuse_req;
typedef void on_interrupt(struct fuse_req *request, void *arg);

void __real_fuse_req_interrupt_func(struct fuse_req *request, on_interrupt *function, void *arg);
void __wrap_fuse_req_interrupt_func(struct fuse_req *request, on_interrupt *function, void *arg);

/* Functions that libfuse has of us: each would get a call of which it doesn't know the end. */
static int interruptible;

void __wrap_fuse_req_interrupt_func(struct fuse_req *request, on_interrupt *function, void *arg)
{
	interruptible += function ? 1 : -1;
	__real_fuse_req_interrupt_func(request, function, arg);
}

struct message {
	struct fuse_out_header header;
	char body[sizeof(((struct kernel *)NULL)->body)];
};

static int begin(void **state, int64_t time_limit, bool restores)
{
	struct pfs_fs_config config = {.options = "", .time_limit = time_limit, .uid = OWNER};
	const struct fuse_init_in init = {.major = 7, .minor = 38, .flags = CAPABLE};
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	char mountpoint[40], text[200];
	void *scene = NULL;
	int ends[2];

	if (!kernel || (restores ? setup_watch_with_restores(&scene) : setup_watch(&scene)))
		return -1;
	interruptible = 0;
	*state = kernel;
	kernel->scene = scene;
	kernel->store = kernel->scene->store;
	kernel->api = kernel->scene->api;
	kernel->pid = 1;
	(void)signal(SIGPIPE, SIG_IGN);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	kernel->socket = ends[0];
	(void)snprintf(mountpoint, sizeof(mountpoint), "/dev/fd/%d", ends[1]);
	config.poke = &kernel->scene->poke;
	config.restores = kernel->scene->bench->restores;
	config.history = kernel->scene->bench->history;
	if (pfs_fs_create(kernel->scene->bench->tree, kernel->store->store, kernel->scene->watch,
			  kernel->store->loop, &kernel->store->stats, &config, &kernel->fs, text,
			  sizeof(text)))
		return -1;
	(void)post(kernel, FUSE_INIT, 0, &init, sizeof(init), NULL, 0);
	if (pfs_fs_mount(kernel->fs, mountpoint, text, sizeof(text)))
		return -1;
	serve(kernel);
	return 0;
}

int setup_kernel(void **state)
{
	return begin(state, 0, false);
}

int setup_kernel_with_time_limit(void **state)
{
	return begin(state, TIME_LIMIT, false);
}

int setup_kernel_with_restores(void **state)
{
	return begin(state, 0, true);
}

int setup_kernel_with_restores_and_time_limit(void **state)
{
	return begin(state, TIME_LIMIT, true);
}

static bool wants_reply(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

/* --- replies ------------------------------------------------------------------------------- */

static void note(struct kernel *kernel, const struct message *message)
{
	size_t length = strlen(kernel->notices);
	char *end = kernel->notices + length;
	size_t room = sizeof(kernel->notices) - length;
	uint64_t what;

	memcpy(&what, message->body, sizeof(what)); /* an inode, or a poll's handle */
	if (length)
		*end++ = ' ', room--;
	if (message->header.error == NOTIFY_INC_EPOCH)
		(void)snprintf(end, room, "epoch");
	else
		(void)snprintf(end, room, "%s:%llu",
			       message->header.error == FUSE_NOTIFY_POLL ? "wake" : "inval",
			       (unsigned long long)what);
}

static void take(struct kernel *kernel, const struct message *message)
{
	struct outcome *outcome = &kernel->outcomes[message->header.unique / 2 - 1];

	assert_true(message->header.unique / 2 <= kernel->count);
	if (outcome->replies++)
		fail_msg("request %zu (opcode %u) was replied to twice",
			 (size_t)(outcome - kernel->outcomes), outcome->opcode);
	outcome->error = message->header.error;
	if (outcome->error)
		return;
	kernel->unique = message->header.unique;
	kernel->length = message->header.len - sizeof(message->header);
	memset(&kernel->body, 0, sizeof(kernel->body));
	memcpy(&kernel->body, message->body, kernel->length);
}

static void collect(struct kernel *kernel)
{
	static struct message message;
	ssize_t length;

	while (!kernel->deaf &&
	       (length = recv(kernel->socket, &message, sizeof(message), MSG_DONTWAIT)) > 0) {
		assert_int_equal(length, message.header.len);
		if (message.header.unique)
			take(kernel, &message);
		else
			note(kernel, &message);
	}
}

/* Is there something to be served, or a timer that is due? */
static int look(void *arg, struct pollfd *fds, size_t count, int timeout)
{
	*(bool *)arg = poll(fds, (nfds_t)count, 0) > 0 || timeout == 0;
	return 0;
}

void serve(struct kernel *kernel)
{
	bool busy = false;
	const struct pfs_loop_waiter waiter = {.wait = look, .arg = &busy};

	pfs_loop_set_waiter(kernel->store->loop, &waiter);
	do {
		assert_int_equal(pfs_loop_turn(kernel->store->loop), 0);
		collect(kernel);
	} while (busy);
	fake_time_drive(&kernel->store->time, kernel->store->loop);
}

void kernel_pass(struct kernel *kernel, int64_t ns)
{
	pass(kernel->store, ns);
	collect(kernel);
}

void turn_deaf(struct kernel *kernel)
{
	collect(kernel);
	kernel->deaf = true;
	assert_int_equal(shutdown(kernel->socket, SHUT_RD), 0);
}

void end_mount(struct kernel *kernel)
{
	pfs_fs_destroy(kernel->fs);
	kernel->fs = NULL;
	collect(kernel);
}

int teardown_kernel(void **state)
{
	struct kernel *kernel = *state;
	void *scene = kernel->scene;
	int error = 0;

	end_mount(kernel);
	if (interruptible) {
		print_error("libfuse knows %d calls that are over\n", interruptible);
		error = -1;
	}
	for (size_t i = 0; i < kernel->count && !kernel->deaf; i++) {
		const struct outcome *outcome = &kernel->outcomes[i];

		if (!outcome->replies && wants_reply(outcome->opcode)) {
			print_error("request %zu (opcode %u) wasn't replied to\n", i,
				    outcome->opcode);
			error = -1;
		}
	}
	close(kernel->socket);
	error = teardown_watch(&scene) || error ? -1 : 0;
	free(kernel);
	return error;
}

/* --- requests ------------------------------------------------------------------------------ */

uint64_t post(struct kernel *kernel, uint32_t opcode, uint64_t inode, const void *body,
	      size_t length, const void *more, size_t more_length)
{
	struct {
		struct fuse_in_header header;
		char body[5000];
	} message = {
		.header = {
			.opcode = opcode, .nodeid = inode, .uid = kernel->uid, .pid = kernel->pid}};

	assert_true(length + more_length <= sizeof(message.body));
	assert_true(kernel->count < REQUESTS_MAX);
	kernel->outcomes[kernel->count++] = (struct outcome){.opcode = opcode};
	message.header.unique = 2 * kernel->count;
	if (length)
		memcpy(message.body, body, length);
	if (more_length)
		memcpy(message.body + length, more, more_length);
	message.header.len = (uint32_t)(sizeof(message.header) + length + more_length);
	assert_int_equal(send(kernel->socket, &message, message.header.len, 0), message.header.len);
	return message.header.unique;
}

uint64_t request(struct kernel *kernel, uint32_t opcode, uint64_t inode, const void *body,
		 size_t length)
{
	uint64_t unique = post(kernel, opcode, inode, body, length, NULL, 0);

	serve(kernel);
	return unique;
}

uint64_t request_name(struct kernel *kernel, uint32_t opcode, uint64_t inode, const char *name)
{
	return request(kernel, opcode, inode, name, strlen(name) + 1);
}

uint64_t request_getattr(struct kernel *kernel, uint64_t inode, bool reading)
{
	const struct fuse_getattr_in in = {.getattr_flags = reading ? FUSE_GETATTR_FH : 0};

	return request(kernel, FUSE_GETATTR, inode, &in, sizeof(in));
}

uint64_t request_listing(struct kernel *kernel, uint32_t opcode, uint64_t inode, uint64_t offset,
			 uint32_t size)
{
	const struct fuse_read_in in = {.offset = offset, .size = size};

	return request(kernel, opcode, inode, &in, sizeof(in));
}

uint64_t request_read(struct kernel *kernel, uint64_t inode, uint64_t offset, uint32_t size)
{
	return request_listing(kernel, FUSE_READ, inode, offset, size);
}

void interrupt(struct kernel *kernel, uint64_t unique)
{
	const struct fuse_interrupt_in in = {.unique = unique};

	(void)request(kernel, FUSE_INTERRUPT, 0, &in, sizeof(in));
}

void forget(struct kernel *kernel, uint64_t inode, uint64_t times)
{
	const struct fuse_forget_in in = {.nlookup = times};

	(void)request(kernel, FUSE_FORGET, inode, &in, sizeof(in));
}

/* --- what came of it ----------------------------------------------------------------------- */

static const struct outcome *outcome_of(struct kernel *kernel, uint64_t unique)
{
	collect(kernel);
	assert_true(unique && unique % 2 == 0 && unique / 2 <= kernel->count);
	return &kernel->outcomes[unique / 2 - 1];
}

void assert_replied(struct kernel *kernel, uint64_t unique, int error)
{
	const struct outcome *outcome = outcome_of(kernel, unique);

	assert_int_equal(outcome->replies, 1);
	assert_int_equal(outcome->error, error);
}

void assert_unanswered(struct kernel *kernel, uint64_t unique)
{
	assert_int_equal(outcome_of(kernel, unique)->replies, 0);
}

void assert_notices(struct kernel *kernel, const char *notices)
{
	collect(kernel);
	assert_string_equal(kernel->notices, notices);
	kernel->notices[0] = '\0';
}

struct pfs_object *know_job(struct kernel *kernel, const char *id, const char *status)
{
	struct pfs_object *object = learn(kernel->store, id, status);

	serve(kernel);
	kernel->notices[0] = '\0';
	return object;
}
