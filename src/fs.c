/* SPDX-License-Identifier: MIT */
/*
 * The session: it is created and mounted, receives messages, and ends.
 *
 * Before 3.17 libfuse takes the wish for parallel lookups but never passes it on to the kernel, so
 * that one lookup that waits for the API would block every other new name and `ls` in its
 * directory. With such a libfuse we set the bit in the reply to INIT as it goes out. Later releases
 * set it themselves, and some are built without custom I/O, which this needs.
 *
 * libfuse, and fusermount3 which it starts, write what went wrong to stderr. While they may do that
 * stderr is a file of ours, and its first line becomes the text of the error.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define MESSAGES_A_TURN 64 /* before other things of the loop get their turn */

#define FIRST_TO_ASK 317 /* fuse_version() that asks the kernel for parallel lookups */

/* linux/fuse.h: struct fuse_init_out, and the reply's header in front of it. */
#define INIT_OUT_FLAGS	    3 /* index of the flags in 32-bit words */
#define INIT_OUT_SIZE	    64
#define PARALLEL_DIROPS_BIT (UINT32_C(1) << 18)

/* --- messages in and out ------------------------------------------------------------------- */

static ssize_t send_message(int fd, struct iovec *parts, int count, void *arg)
{
	struct pfs_fs *fs = arg;

	if (fs->parallel_lookups && count == 2 && parts[1].iov_len >= INIT_OUT_SIZE)
		((uint32_t *)parts[1].iov_base)[INIT_OUT_FLAGS] |= PARALLEL_DIROPS_BIT;
	fs->parallel_lookups = false; /* done: the reply to INIT is the first */
	return writev(fd, parts, count);
}

static ssize_t receive_message(int fd, void *bytes, size_t size, void *arg)
{
	return read(fd, bytes, size);
}

static void on_messages(void *arg)
{
	struct pfs_fs *fs = arg;

	for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
		int received = fuse_session_receive_buf(fs->session, &fs->message);

		if (received == -EINTR)
			continue;
		if (received == -EAGAIN)
			return;
		if (received <= 0) {
			fs->error = received;
			pfs_loop_stop(fs->loop);
			return;
		}
		pfs_turn_notice(fs);
		fuse_session_process_buf(fs->session, &fs->message);
		pfs_check_replies(fs);
	}
}

/* --- what libfuse reports ------------------------------------------------------------------ */

/* Make stderr a file, and save the old one in *ret_saved. Returns the file, or -1. */
static int capture_stderr(int *ret_saved)
{
	int file = memfd_create("stderr", MFD_CLOEXEC);

	if (file < 0)
		return -1;
	*ret_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (*ret_saved >= 0 && dup2(file, STDERR_FILENO) >= 0)
		return file;
	if (*ret_saved >= 0)
		close(*ret_saved);
	close(file);
	return -1;
}

/* Restore the old stderr; the first line that was written goes to text. */
static void release_stderr(int file, int saved, char *text, size_t size)
{
	char said[512];
	ssize_t length;

	(void)fflush(stderr);
	if (file < 0)
		return;
	(void)dup2(saved, STDERR_FILENO);
	close(saved);
	length = pread(file, said, sizeof(said) - 1, 0);
	close(file);
	said[length > 0 ? length : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	if (*said)
		(void)pfs_escape(said, text, size);
}

__attribute__((format(printf, 2, 0))) static void log_libfuse(enum fuse_log_level level,
							      const char *format, va_list arguments)
{
	char line[512];

	(void)vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	pfs_log(level <= FUSE_LOG_ERR ? PFS_LOG_WARNING : PFS_LOG_DEBUG, "libfuse: %s", line);
}

/* --- the session --------------------------------------------------------------------------- */

static int add_option(struct fuse_args *args, const char *option, const char *value)
{
	struct pfs_buffer text = {0};
	int error = 0;

	(void)pfs_buffer_add_string(&text, option);
	for (; value && *value; value++) { /* libfuse splits at commas that aren't escaped */
		if (*value == ',' || *value == '\\')
			(void)pfs_buffer_add_string(&text, "\\");
		(void)pfs_buffer_add(&text, value, 1);
	}
	if (text.error || fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, text.bytes))
		error = -ENOMEM;
	pfs_buffer_finish(&text);
	return error;
}

static int make_arguments(const struct pfs_fs_config *config, struct fuse_args *args)
{
	int error = fuse_opt_add_arg(args, "pinefs") ? -ENOMEM : 0;

	if (!error)
		error = add_option(args, "subtype=pinefs", NULL);
	if (!error)
		error = add_option(args, "fsname=", config->source ? config->source : "pinefs");
	if (!error && config->check_modes)
		error = add_option(args, "default_permissions", NULL);
	if (!error && *config->options &&
	    (fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, config->options)))
		error = -ENOMEM;
	return error;
}

static int make_session(struct pfs_fs *fs, const struct pfs_fs_config *config, char *text,
			size_t size)
{
	struct fuse_lowlevel_ops operations = pfs_fs_operations;
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int saved = -1, file, error = make_arguments(config, &args);

	if (!error) {
		pfs_fs_add_changes(&operations);
		pfs_fs_add_xattrs(&operations);
		(void)snprintf(text, size, "libfuse refuses the mount options");
		file = capture_stderr(&saved);
		fs->session = fuse_session_new(&args, &operations, sizeof(operations), fs);
		release_stderr(file, saved, text, size);
		error = fs->session ? 0 : -EINVAL;
	}
	fuse_opt_free_args(&args);
	return error;
}

static void drop_poll(void *arg, void *handle)
{
	fuse_pollhandle_destroy(handle);
}

int pfs_fs_create(struct pfs_tree *tree, struct pfs_store *store, struct pfs_watch *watch,
		  struct pfs_loop *loop, struct pfs_stats *stats,
		  const struct pfs_fs_config *config, struct pfs_fs **ret_fs, char *text,
		  size_t size)
{
	struct pfs_fs *fs = calloc(1, sizeof(*fs));
	const struct pfs_watch_host host = {
		.is_busy = pfs_call_is_busy,
		.notify = pfs_notify_inode,
		.notify_names = pfs_notify_names,
		.drop = drop_poll,
		.arg = fs,
	};
	int error;

	if (!fs)
		return -ENOMEM;
	fs->tree = tree;
	fs->store = store;
	fs->watch = watch;
	fs->poke = config->poke;
	fs->restores = config->restores;
	fs->uid = config->uid;
	fs->longest_wait = config->time_limit / 4 * 3; /* the kernel checks only now and then */
	fs->max_read = config->max_read;
	fs->loop = loop;
	fs->stats = stats;
	TAILQ_INIT(&fs->parked);
	TAILQ_INIT(&fs->turns);
	pfs_watch_set_host(watch, &host);
	if (config->history)
		pfs_history_listen(config->history, pfs_notify_forgotten, fs);
	error = make_session(fs, config, text, size);
	if (!error)
		error = pfs_notify_begin(fs);
	if (error) {
		pfs_fs_destroy(fs);
		return error;
	}
	*ret_fs = fs;
	return 0;
}

/*
 * Decided by the libfuse that is loaded, whichever we were built with. If it refuses (it says so on
 * stderr) the mount works, but lookups wait for each other.
 */
static void ask_for_parallel_lookups(struct pfs_fs *fs, int fd)
{
	static const struct fuse_custom_io io = {
		.writev = send_message,
		.read = receive_message,
	};

	if (fuse_version() < FIRST_TO_ASK)
		(void)fuse_session_custom_io(fs->session, &io, fd);
}

static int take_descriptor(struct pfs_fs *fs)
{
	int fd = fuse_session_fd(fs->session);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return -errno;
	ask_for_parallel_lookups(fs, fd);
	return pfs_loop_add_fd(fs->loop, fd, on_messages, fs);
}

/*
 * Mount, and take the first message, INIT, which is there when mount(2) returns. libfuse may refuse
 * it and end the session: that must be known before a successful mount is reported.
 */
static int mount_and_init(struct pfs_fs *fs, const char *mountpoint)
{
	int error;

	if (fuse_session_mount(fs->session, mountpoint))
		return -EIO;
	fs->mounted = true;
	pfs_fs_find_mount(fs, mountpoint);
	error = take_descriptor(fs);
	if (!error && fuse_session_receive_buf(fs->session, &fs->message) > 0) {
		fuse_session_process_buf(fs->session, &fs->message);
		error = fs->greeted ? 0 : -EIO;
	}
	if (!error && fuse_session_exited(fs->session))
		error = -EIO;
	return error;
}

int pfs_fs_error(const struct pfs_fs *fs)
{
	return fs->error;
}

int pfs_fs_mount(struct pfs_fs *fs, const char *mountpoint, char *text, size_t size)
{
	int saved = -1, file, error;

	(void)snprintf(text, size, "the mount failed");
	file = capture_stderr(&saved);
	error = mount_and_init(fs, mountpoint);
	release_stderr(file, saved, text, size);
	fuse_set_log_func(log_libfuse);
	return error;
}

void pfs_fs_destroy(struct pfs_fs *fs)
{
	char *path = NULL;

	if (!fs)
		return;
	(void)pfs_fs_unmount(fs, &path);
	free(path);
	pfs_call_end_all(fs, ENOTCONN);
	pfs_turn_end_all(fs);
	pfs_notify_end(fs);
	if (fs->session)
		fuse_session_destroy(fs->session);
	free(fs->message.mem);
	pfs_buffer_finish(&fs->scratch);
	free(fs);
}
