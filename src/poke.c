/* SPDX-License-Identifier: MIT */
/*
 * The parent's side: it gives one order at a time, and decides the replies to the child's messages
 * meanwhile.
 *
 * The first child is a mere fork, made when there is nothing yet that must not be copied. A later
 * one would copy the key, libcurl's connections, and the mount's descriptor, so it executes the
 * program again. Between fork(2) and execve(2) it does only what is safe in a process that may have
 * threads (libcurl's resolver).
 *
 * The child makes an event in a few steps. Of the messages that these cause, each is permitted
 * once, in their order, on one inode (and name), from the child's process id. Otherwise the child
 * may do no more than anybody else.
 */
#include "poke.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pinefs/loop.h"

struct pfs_poke {
	pid_t child;
	int socket;
	char *mountpoint;
	dev_t device;	       /* of the mount; 0: there is none yet */
	struct pfs_loop *loop; /* NULL until pfs_poke_listen */
	struct pfs_poke_listener listener;

	bool needs_window;

	/* The order under way. */
	enum state { IDLE, SCANNING, MAKING, CLOSING, LOOKING } state;
	struct pfs_poke_event event; /* its path is that of the order */
	struct poke_order order;
	unsigned step;	 /* index of the first of the event's whose message hasn't come yet */
	uint64_t window; /* the inode for which pfs_poke_is_window is true; 0: none */

	struct pfs_watcher *watchers; /* of the scan under way */
	size_t watcher_count;
};

/* --- the child's beginning ----------------------------------------------------------------- */

/* Close all that the parent had open, stdio, too. The socket becomes descriptor 0. */
static void close_all_but(int socket)
{
	(void)dup2(socket, STDIN_FILENO);
	(void)close_range(STDIN_FILENO + 1, ~0U, 0);
}

static void become_child(int socket, pid_t parent)
{
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_NAME, PFS_POKE_NAME);
	if (getppid() != parent)
		_exit(EXIT_SUCCESS);
	/* Ctrl-C at a terminal is for the parent: it ends us when the mount is gone. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	close_all_but(socket);
	(void)!chdir("/");
}

static void execute_child(char *mountpoint)
{
	char name[] = PFS_POKE_NAME;
	char *const arguments[] = {name, mountpoint, NULL};

	(void)execve("/proc/self/exe", arguments, environ);
	_exit(EXIT_FAILURE);
}

/* From here on the child has nothing of the parent's but the mountpoint. */
static void run_child(struct pfs_poke *poke)
{
	char *mountpoint = poke->mountpoint;

	free(poke);
	_exit(poke_child_run(STDIN_FILENO, mountpoint));
}

/* forget, unless that is NULL: then the child executes the program, which forgets everything. */
static int start_child(struct pfs_poke *poke, void (*forget)(void *arg), void *arg)
{
	pid_t parent = getpid();
	int ends[2], error = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	poke->child = fork();
	if (!poke->child) {
		if (forget)
			forget(arg);
		become_child(ends[1], parent);
		if (!forget)
			execute_child(poke->mountpoint);
		run_child(poke);
	}
	if (poke->child < 0)
		error = -errno;
	close(ends[1]);
	poke->socket = ends[0];
	if (!error && fcntl(ends[0], F_SETFL, O_NONBLOCK))
		error = -errno;
	return error;
}

static void end_child(struct pfs_poke *poke)
{
	if (poke->loop)
		pfs_loop_remove_fd(poke->loop, poke->socket);
	if (poke->socket >= 0)
		close(poke->socket);
	poke->socket = -1;
	if (poke->child > 0) {
		(void)kill(poke->child, SIGKILL);
		while (waitpid(poke->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	poke->child = -1;
}

void pfs_poke_main(int count, char *arguments[])
{
	if (count != 2 || strcmp(arguments[0], PFS_POKE_NAME) != 0)
		return;
	/* These two don't outlast an execve(2). */
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_NAME, PFS_POKE_NAME);
	_exit(poke_child_run(STDIN_FILENO, strdup(arguments[1])));
}

static void on_answer(void *arg);

int pfs_poke_start(const char *mountpoint, void (*wipe)(void *arg), void *arg,
		   struct pfs_poke **ret_poke)
{
	struct pfs_poke *poke = calloc(1, sizeof(*poke));
	int error;

	if (!poke)
		return -ENOMEM;
	poke->socket = poke->child = -1;
	poke->mountpoint = strdup(mountpoint);
	error = poke->mountpoint ? start_child(poke, wipe, arg) : -ENOMEM;
	if (error) {
		pfs_poke_destroy(poke);
		return error;
	}
	*ret_poke = poke;
	return 0;
}

int pfs_poke_restart(struct pfs_poke *poke)
{
	int error;

	end_child(poke);
	error = start_child(poke, NULL, NULL);
	if (!error)
		error = pfs_loop_add_fd(poke->loop, poke->socket, on_answer, poke);
	if (error)
		end_child(poke);
	return error;
}

void pfs_poke_destroy(struct pfs_poke *poke)
{
	if (!poke)
		return;
	end_child(poke);
	free(poke->watchers);
	free(poke->mountpoint);
	free(poke);
}

/* --- answers ------------------------------------------------------------------------------- */

static void take_watchers(struct pfs_poke *poke, const struct poke_answer *answer)
{
	size_t room = PFS_WATCHERS_MAX - poke->watcher_count;
	size_t taken = answer->count < room ? answer->count : room;
	size_t count = poke->watcher_count + taken;
	struct pfs_watcher *longer;

	if (!taken)
		return;
	longer = reallocarray(poke->watchers, count, sizeof(*longer));
	if (!longer)
		return;
	memcpy(longer + poke->watcher_count, answer->watchers, taken * sizeof(*longer));
	poke->watchers = longer;
	poke->watcher_count = count;
}

static int send_order(struct pfs_poke *poke)
{
	if (send(poke->socket, &poke->order, sizeof(poke->order), MSG_NOSIGNAL) < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

/* The last name in a path. */
static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The event is made: make the kernel see that what was changed isn't writable any more. */
static bool close_window(struct pfs_poke *poke)
{
	char *path = poke->order.path;

	if (poke->state != MAKING || !poke->window)
		return false;
	poke->window = 0;
	if (poke->event.type != PFS_POKE_CHANGED)
		path[name_in(path) == path ? 0 : name_in(path) - path - 1] = '\0';
	poke->order.task = TASK_LOOK;
	poke->state = CLOSING;
	return !send_order(poke);
}

static void finish_order(struct pfs_poke *poke)
{
	bool scan = poke->state == SCANNING;

	if (close_window(poke))
		return;
	poke->state = IDLE;
	if (scan)
		poke->listener.scanned(poke->listener.arg, poke->watchers, poke->watcher_count);
	if (poke->state == IDLE)
		poke->listener.idle(poke->listener.arg);
}

static void on_answer(void *arg)
{
	struct pfs_poke *poke = arg;
	bool made = poke->state == CLOSING;
	struct poke_answer answer;
	ssize_t length = recv(poke->socket, &answer, sizeof(answer), 0);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length != (ssize_t)sizeof(answer) || answer.count > POKE_WATCHERS) {
		pfs_loop_remove_fd(poke->loop, poke->socket);
		close(poke->socket);
		poke->socket = -1;
		(void)kill(poke->child, SIGKILL); /* it may still be there, if it sent nonsense */
		poke->state = IDLE;
		poke->window = 0;
		poke->listener.gone(poke->listener.arg, made);
		return;
	}
	take_watchers(poke, &answer);
	if (answer.error && poke->state == MAKING)
		poke->listener.failed(poke->listener.arg, answer.error);
	if (answer.last)
		finish_order(poke);
}

void pfs_poke_set_device(struct pfs_poke *poke, dev_t device)
{
	poke->device = device;
}

void pfs_poke_set_window(struct pfs_poke *poke)
{
	poke->needs_window = true;
}

int pfs_poke_listen(struct pfs_poke *poke, struct pfs_loop *loop,
		    const struct pfs_poke_listener *listener)
{
	int error = pfs_loop_add_fd(loop, poke->socket, on_answer, poke);

	if (error)
		return error;
	poke->loop = loop;
	poke->listener = *listener;
	return 0;
}

/* --- orders -------------------------------------------------------------------------------- */

bool pfs_poke_is_idle(const struct pfs_poke *poke)
{
	return poke->socket >= 0 && poke->state == IDLE;
}

static int begin(struct pfs_poke *poke, enum poke_task task, enum state state, const char *path)
{
	int length, error;

	if (poke->socket < 0)
		return -EPIPE;
	if (poke->state != IDLE)
		return -EBUSY;
	poke->order = (struct poke_order){.task = task, .device = poke->device};
	length = snprintf(poke->order.path, sizeof(poke->order.path), "%s", path);
	if (length < 0 || (size_t)length >= sizeof(poke->order.path))
		return -ENAMETOOLONG;
	if (task == TASK_MAKE_EVENT) {
		poke->order.event = poke->event.type;
		poke->order.window = poke->needs_window;
		poke->order.gone = poke->event.gone_from != 0;
	}
	error = send_order(poke);
	if (!error)
		poke->state = state;
	return error;
}

int pfs_poke_scan(struct pfs_poke *poke)
{
	int error = begin(poke, TASK_SCAN, SCANNING, "");

	if (!error)
		poke->watcher_count = 0;
	return error;
}

/* What the child changes: a file, or the directory in which it makes or removes a name. */
static uint64_t changed_inode(const struct pfs_poke_event *event)
{
	return event->type == PFS_POKE_CHANGED ? event->inode : event->directory;
}

int pfs_poke_make(struct pfs_poke *poke, const struct pfs_poke_event *event)
{
	int error;

	if (poke->state != IDLE)
		return -EBUSY;
	poke->event = *event;
	poke->event.path = poke->order.path;
	error = begin(poke, TASK_MAKE_EVENT, MAKING, event->path);
	if (error)
		return error;
	poke->step = 0;
	poke->window = poke->needs_window ? changed_inode(event) : 0;
	return 0;
}

int pfs_poke_look(struct pfs_poke *poke, const char *path)
{
	return begin(poke, TASK_LOOK, LOOKING, path);
}

/* --- replies to the child's messages ------------------------------------------------------- */

bool pfs_poke_is_child(const struct pfs_poke *poke, pid_t pid)
{
	return pid == poke->child;
}

static bool is_making(const struct pfs_poke *poke, pid_t pid)
{
	return poke->state == MAKING && pid == poke->child;
}

bool pfs_poke_shows_vanished(const struct pfs_poke *poke, pid_t pid)
{
	return is_making(poke, pid) || (poke->state == CLOSING && pid == poke->child);
}

bool pfs_poke_permits(struct pfs_poke *poke, pid_t pid, enum pfs_poke_operation operation,
		      uint64_t inode, const char *name)
{
	static const enum poke_step steps[] = {
		[PFS_POKE_MODIFY] = STEP_MODIFY,
		[PFS_POKE_ATTRIB] = STEP_ATTRIB,
		[PFS_POKE_CREATE_DIRECTORY] = STEP_CREATE_DIRECTORY,
		[PFS_POKE_CREATE_FILE] = STEP_CREATE_FILE,
		[PFS_POKE_REMOVE_DIRECTORY] = STEP_REMOVE_DIRECTORY,
		[PFS_POKE_REMOVE_FILE] = STEP_REMOVE_FILE,
	};
	const enum poke_step *wanted = poke_steps[poke->event.type];

	if (!is_making(poke, pid) || inode != changed_inode(&poke->event) ||
	    (name && strcmp(name, name_in(poke->event.path)) != 0))
		return false;
	for (unsigned i = poke->step; wanted[i] != STEP_END; i++) {
		if (wanted[i] != steps[operation])
			continue;
		poke->step = i + 1;
		return true;
	}
	return false;
}

/* Is this the name of the event's directory? */
static bool is_parent(const struct pfs_poke *poke, const char *name)
{
	const char *path = poke->event.path, *end = name_in(path);
	size_t length = strlen(name);

	return end - path > (ptrdiff_t)length && !strncmp(end - 1 - length, name, length) &&
	       (end - 1 - length == path || end[-2 - (ptrdiff_t)length] == '/');
}

enum pfs_pretence pfs_poke_pretends(const struct pfs_poke *poke, pid_t pid, uint64_t directory,
				    const char *name, uint64_t *ret_inode)
{
	const struct pfs_poke_event *event = &poke->event;
	const enum poke_step *step;

	if (!is_making(poke, pid))
		return PFS_PRETEND_NOTHING;
	if (event->gone_from && directory == event->gone_from && is_parent(poke, name)) {
		*ret_inode = event->directory;
		return PFS_PRETEND_THERE;
	}
	if (directory != event->directory || strcmp(name, name_in(event->path)) != 0)
		return PFS_PRETEND_NOTHING;
	for (step = &poke_steps[event->type][poke->step]; *step != STEP_END; step++) {
		if (*step == STEP_CREATE_DIRECTORY || *step == STEP_CREATE_FILE)
			return PFS_PRETEND_MISSING;
		if (*step == STEP_REMOVE_DIRECTORY || *step == STEP_REMOVE_FILE) {
			*ret_inode = event->inode;
			return PFS_PRETEND_THERE;
		}
	}
	return PFS_PRETEND_NOTHING;
}

bool pfs_poke_is_window(const struct pfs_poke *poke, uint64_t inode)
{
	return poke->window && poke->window == inode;
}
