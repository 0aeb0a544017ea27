/* SPDX-License-Identifier: MIT */
/*
 * A call that waits is in fs->parked and in a queue of the store or the watch. It leaves both in
 * one of three ways: it is woken (on_woken); its timer fires, after its caller gave up or the
 * longest wait is over (give_up); or the mount ends (pfs_call_end_all).
 *
 * A caller who gave up gets EINTR, but only after a moment, GRACE: most fetches end sooner, and
 * some programs (git, anything in Go) send themselves signals all the time and take EINTR from a
 * file for a failure. The fetch goes on, since others may wait for it. Without any reply to an
 * interrupt its process couldn't be killed. A read of `wait` gets EINTR at once: it may last for
 * hours.
 *
 * A mkdir gets EINTR at once if its command wasn't sent yet, and then it never is. One that was
 * sent goes on, and what it makes appears by itself.
 *
 * Where the kernel bounds the time of a message, each call gets its reply before that is over,
 * though it waits for one thing after another. For a read of `wait` that is EINTR, though nobody
 * interrupted it: dd, bash and most others then read again, and go on waiting; the manual has a
 * loop for those that don't.
 */
#include "fs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GRACE	   PFS_SECOND
#define MAKE_GRACE (3 * PFS_SECOND / 2)

static void free_call(struct call *call)
{
	free(call->name);
	free(call);
}

static void unpark(struct call *call)
{
	TAILQ_REMOVE(&call->fs->parked, call, link);
	call->fs->parked_count--;
	pfs_timer_stop(call->fs->loop, &call->grace);
	fuse_req_interrupt_func(call->request, NULL, NULL);
}

static void give_up(void *arg)
{
	struct call *call = arg;
	struct pfs_fs *fs = call->fs;

	unpark(call);
	pfs_wait_cancel(&call->wait);
	if (call->source)
		pfs_restores_abandon(fs->restores);
	pfs_reply_error(fs, call->request, call->interrupted || call->patient ? EINTR : ETIMEDOUT);
	free_call(call);
	pfs_check_replies(fs);
}

/* ns from an interrupt to the reply. */
static int64_t grace(const struct call *call)
{
	if (call->patient)
		return 0;
	if (!call->source)
		return GRACE;
	return pfs_restores_is_sent(call->fs->restores, call->source, call->name) ? MAKE_GRACE : 0;
}

static void on_interrupt(fuse_req_t request, void *arg)
{
	struct call *call = arg;
	struct pfs_fs *fs = call->fs;

	if (call->interrupted)
		return;
	call->interrupted = true;
	fs->stats->interrupted++;
	pfs_timer_start(fs->loop, &call->grace, pfs_loop_now(fs->loop) + grace(call));
}

static void park(struct call *call)
{
	struct pfs_fs *fs = call->fs;

	assert(fs->unreplied > fs->parked_count); /* it has had no reply */
	TAILQ_INSERT_TAIL(&fs->parked, call, link);
	fs->parked_count++;
	call->interrupted = false;
	if (fs->longest_wait)
		pfs_timer_start(fs->loop, &call->grace, call->begun_at + fs->longest_wait);
	fuse_req_interrupt_func(call->request, on_interrupt, call);
}

static void run(struct call *call, bool woken, int error)
{
	if (call->run(call, woken, error) == -EINPROGRESS)
		park(call);
	else
		free_call(call);
}

/* Run the call again. A listing may have to wait once more, for the next page. */
static void on_woken(struct pfs_wait *wait, int error)
{
	struct call *call = (struct call *)wait;
	struct pfs_fs *fs = call->fs;

	/* With this reply in its cache the kernel can set a watch without a message. */
	pfs_watch_noticed(fs->watch);
	unpark(call);
	call->wakes++;
	run(call, true, error);
	pfs_check_replies(fs);
}

void pfs_call_begin(const struct call *begun)
{
	struct call *call = malloc(sizeof(*call));

	if (call) {
		*call = *begun;
		call->begun_at = pfs_loop_now(begun->fs->loop);
		call->wait.done = on_woken;
		call->grace = (struct pfs_timer){.fire = give_up, .arg = call};
		call->name = begun->name ? strdup(begun->name) : NULL;
	}
	if (!call || (begun->name && !call->name)) {
		free(call);
		pfs_reply_error(begun->fs, begun->request, ENOMEM);
		return;
	}
	run(call, false, 0);
}

bool pfs_call_is_busy(void *arg, uint64_t directory)
{
	const struct pfs_fs *fs = arg;
	const struct call *call;

	TAILQ_FOREACH(call, &fs->parked, link) {
		if (call->inode == directory && call->holds_directory)
			return true;
	}
	return false;
}

void pfs_call_end_all(struct pfs_fs *fs, int error)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&fs->parked))) {
		unpark(call);
		pfs_wait_cancel(&call->wait);
		pfs_reply_error(fs, call->request, error);
		free_call(call);
	}
	pfs_check_replies(fs);
}
