/* SPDX-License-Identifier: MIT */
/*
 * The parent's side: one order at a time, and the permission that goes with it.
 *
 * The first child is a mere fork, made when there is nothing to be copied yet. By the time that one
 * has ended there is: the key, libcurl's connections, the mount's descriptor. So the next is made
 * by executing the program anew, and only what is safe between fork(2) and execve(2) in a process
 * that may have threads (libcurl's resolver) is done there.
 *
 * A permission is for one operation on one inode (and one name), from the child's process id,
 * and is used up by the first message that fits. With it gone, the child can do no more than
 * anybody else.
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
	struct pfs_loop *loop; /* NULL until it is listened to */
	struct pfs_poke_listener listener;

	/* The order under way; PFS_POKE_NOTHING: idle. */
	enum pfs_poke_operation operation;
	uint64_t inode;
	char name[256]; /* of what is made or removed */
	bool used;	/* its permission is; a look needs none */

	struct pfs_watcher *watchers; /* of the scan under way */
	size_t watcher_count;
};

/* --- the child's beginning ----------------------------------------------------------------- */

/* Only the socket stays; nothing of the parent's is wanted here, stdio least of all. */
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

/* Holds nothing of the parent's from here on. */
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
	poke->used = true;
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

static void finish_order(struct pfs_poke *poke)
{
	bool scan = poke->operation == PFS_POKE_SCAN;

	poke->operation = PFS_POKE_NOTHING;
	poke->used = true;
	if (scan)
		poke->listener.scanned(poke->listener.arg, poke->watchers, poke->watcher_count);
	if (poke->operation == PFS_POKE_NOTHING)
		poke->listener.idle(poke->listener.arg);
}

static void on_answer(void *arg)
{
	struct pfs_poke *poke = arg;
	struct poke_answer answer;
	ssize_t length = recv(poke->socket, &answer, sizeof(answer), 0);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length != (ssize_t)sizeof(answer) || answer.count > POKE_WATCHERS) {
		pfs_loop_remove_fd(poke->loop, poke->socket);
		close(poke->socket);
		poke->socket = -1;
		(void)kill(poke->child, SIGKILL); /* if it spoke nonsense */
		poke->operation = PFS_POKE_NOTHING;
		poke->used = true;
		poke->listener.gone(poke->listener.arg);
		return;
	}
	take_watchers(poke, &answer);
	if (answer.error)
		poke->listener.failed(poke->listener.arg, answer.error);
	if (answer.last)
		finish_order(poke);
}

void pfs_poke_set_device(struct pfs_poke *poke, dev_t device)
{
	poke->device = device;
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
	return poke->socket >= 0 && poke->operation == PFS_POKE_NOTHING;
}

static bool is_about_name(enum pfs_poke_operation operation)
{
	return operation >= PFS_POKE_CREATE_DIRECTORY && operation <= PFS_POKE_REMOVE_FILE;
}

int pfs_poke_ask(struct pfs_poke *poke, enum pfs_poke_operation operation, uint64_t inode,
		 const char *path)
{
	struct poke_order order = {.operation = operation, .device = poke->device};
	const char *slash = strrchr(path, '/');
	int length;

	if (poke->socket < 0)
		return -EPIPE;
	if (poke->operation != PFS_POKE_NOTHING)
		return -EBUSY;
	length = snprintf(order.path, sizeof(order.path), "%s", path);
	if (length < 0 || (size_t)length >= sizeof(order.path))
		return -ENAMETOOLONG;
	if (send(poke->socket, &order, sizeof(order), MSG_NOSIGNAL) < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	poke->operation = operation;
	poke->inode = inode;
	poke->used = operation == PFS_POKE_SCAN || operation == PFS_POKE_STAT;
	poke->watcher_count = operation == PFS_POKE_SCAN ? 0 : poke->watcher_count;
	(void)snprintf(poke->name, sizeof(poke->name), "%s",
		       is_about_name(operation) ? (slash ? slash + 1 : path) : "");
	return 0;
}

bool pfs_poke_is_child(const struct pfs_poke *poke, pid_t pid)
{
	return pid == poke->child;
}

bool pfs_poke_permits(struct pfs_poke *poke, pid_t pid, enum pfs_poke_operation operation,
		      uint64_t inode, const char *name)
{
	if (poke->used || pid != poke->child || operation != poke->operation ||
	    inode != poke->inode || (name && strcmp(name, poke->name) != 0))
		return false;
	poke->used = true;
	return true;
}

enum pfs_poke_operation pfs_poke_under_way(const struct pfs_poke *poke, uint64_t inode,
					   const char *name)
{
	if (inode != poke->inode || (name && strcmp(name, poke->name) != 0))
		return PFS_POKE_NOTHING;
	return poke->operation;
}
