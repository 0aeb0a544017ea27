/* SPDX-License-Identifier: MIT */
/*
 * Who is the first to learn that a file has changed.
 *
 * From a reply with another size or modification time the kernel takes over both first, and drops
 * the file's pages a moment later, in a process that got such a reply. Whoever reads in that moment
 * gets the old page, cut at the new size or filled up with zeros: a value that never was. The
 * moment is short; but where many wait for one answer of the API, all of them are woken in it, and
 * on a busy machine the process that drops the pages may stand still.
 *
 * So the first who learns of a change has a turn. While it lasts the attributes are valid for no
 * time, so that each read(2) asks us first, and all others who ask for them before they read
 * follow: they get their replies when it ends. It ends once each process that got the attributes
 * has done with them. That is seen in the next message that the process sends; or it sleeps, or has
 * ended. A process that computes, and shows nothing, is waited for no longer than LONGEST.
 *
 * A history counts as changed for a while after each line, so there each has a turn of its own
 * then.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST (PFS_SECOND / 10)
#define TICK	(PFS_SECOND / 200)

#define BUSY_MAX 64 /* for more nobody waits */

/* linux/fuse.h: struct fuse_in_header, with which each message begins. */
struct header {
	uint32_t length, opcode;
	uint64_t unique, inode;
	uint32_t uid, gid, pid, rest;
};

struct turn {
	struct pfs_fs *fs;
	uint64_t inode;
	/* Processes that got the attributes, and may have pages to drop; 0: one of a container. */
	uint32_t busy[BUSY_MAX];
	size_t count;
	struct pfs_wait_queue followers;
	int64_t end_at;	       /* monotonic */
	struct pfs_timer tick; /* to see whether the busy ones still are */
	TAILQ_ENTRY(turn) link;
};

/* --- begin and end ------------------------------------------------------------------------- */

/* It leaves the list first: a follower may begin another turn for the same inode. */
static void end_turn(struct turn *turn)
{
	TAILQ_REMOVE(&turn->fs->turns, turn, link);
	pfs_timer_stop(turn->fs->loop, &turn->tick);
	pfs_wait_wake(&turn->followers, 0);
	free(turn);
}

/* R or D: the kernel may be at work for the process, also where it doesn't run just now. */
static bool works(uint32_t process)
{
	char path[32], line[300];
	const char *name_end;
	ssize_t length;
	int fd;

	if (process && kill((pid_t)process, 0) && errno == ESRCH)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%u/stat", process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	length = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[length > 0 ? length : 0] = '\0';
	name_end = strrchr(line, ')');
	return !name_end || strlen(name_end) < 3 || name_end[2] == 'R' || name_end[2] == 'D';
}

/* Drop those who are done. Is nobody left? */
static bool has_settled(struct turn *turn)
{
	size_t kept = 0;

	for (size_t i = 0; i < turn->count; i++) {
		if (works(turn->busy[i]))
			turn->busy[kept++] = turn->busy[i];
	}
	turn->count = kept;
	return !kept;
}

static void on_tick(void *arg)
{
	struct turn *turn = arg;
	int64_t now = pfs_loop_now(turn->fs->loop);

	if (now >= turn->end_at || has_settled(turn))
		end_turn(turn);
	else
		pfs_timer_start(turn->fs->loop, &turn->tick, now + TICK);
}

static struct turn *find_turn(const struct pfs_fs *fs, uint64_t inode)
{
	struct turn *turn;

	TAILQ_FOREACH(turn, &fs->turns, link) {
		if (turn->inode == inode)
			break;
	}
	return turn;
}

bool pfs_turn_is_on(const struct pfs_fs *fs, uint64_t inode)
{
	return find_turn(fs, inode);
}

/* NULL without memory: then nobody follows. */
static struct turn *begin_turn(struct pfs_fs *fs, uint64_t inode)
{
	struct turn *turn = calloc(1, sizeof(*turn));

	if (!turn)
		return NULL;
	turn->fs = fs;
	turn->inode = inode;
	turn->end_at = pfs_loop_now(fs->loop) + LONGEST;
	turn->tick = (struct pfs_timer){.fire = on_tick, .arg = turn};
	pfs_wait_queue_init(&turn->followers, &fs->followers);
	TAILQ_INSERT_TAIL(&fs->turns, turn, link);
	pfs_timer_start(fs->loop, &turn->tick, pfs_loop_now(fs->loop) + TICK);
	return turn;
}

void pfs_turn_end_all(struct pfs_fs *fs)
{
	struct turn *turn, *next;

	for (turn = TAILQ_FIRST(&fs->turns); turn; turn = next) {
		next = TAILQ_NEXT(turn, link);
		end_turn(turn);
	}
}

/* --- who has a part in it ------------------------------------------------------------------ */

/* This process gets the attributes. */
static void add_busy(struct turn *turn, fuse_req_t request)
{
	uint32_t process = (uint32_t)fuse_req_ctx(request)->pid;

	for (size_t i = 0; i < turn->count; i++) {
		if (turn->busy[i] == process)
			return;
	}
	if (turn->count < BUSY_MAX)
		turn->busy[turn->count++] = process;
}

void pfs_turn_join(struct pfs_fs *fs, fuse_req_t request, const struct pfs_node *node)
{
	struct turn *turn = find_turn(fs, node->inode);

	if (!turn && pfs_tree_is_news(fs->tree, node))
		turn = begin_turn(fs, node->inode);
	if (turn)
		add_busy(turn, request);
}

int pfs_turn_take(struct call *call)
{
	struct turn *turn = call->at_once ? NULL : find_turn(call->fs, call->inode);

	if (!turn)
		return 0;
	/* Then it ends once this call is parked. The others need not look: the tick does. */
	if (pfs_wait_queue_is_empty(&turn->followers) && has_settled(turn))
		pfs_timer_start(call->fs->loop, &turn->tick, pfs_loop_now(call->fs->loop));
	call->follows = true;
	pfs_wait_join(&turn->followers, &call->wait);
	return -EINPROGRESS;
}

/* The process that sent this has done with the attributes; in a container, perhaps. */
static bool is_done(struct turn *turn, const struct header *header)
{
	for (size_t i = 0; i < turn->count; i++) {
		if (turn->busy[i] == header->pid && (header->pid || header->inode == turn->inode)) {
			turn->busy[i] = turn->busy[--turn->count];
			return !turn->count;
		}
	}
	return false;
}

void pfs_turn_notice(struct pfs_fs *fs)
{
	struct turn *turn = TAILQ_FIRST(&fs->turns), *next;
	struct header header;

	if (!turn || fs->message.size < sizeof(header))
		return;
	memcpy(&header, fs->message.mem, sizeof(header));
	for (; turn; turn = next) {
		next = TAILQ_NEXT(turn, link);
		if (is_done(turn, &header))
			end_turn(turn);
	}
}
