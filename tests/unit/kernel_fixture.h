/* SPDX-License-Identifier: MIT */
/*
 * kernel_fixture: an fs over the watch of watch_fixture, with a socket in the place of /dev/fuse
 * and the test in that of the kernel. That each request was replied to exactly once (INTERRUPT and
 * FORGET: at most once) is asserted whenever replies are taken, and at the end.
 */
#ifndef PINEFS_KERNEL_FIXTURE_H
#define PINEFS_KERNEL_FIXTURE_H

#include <linux/fuse.h>

#include "pinefs/fs.h"
#include "watch_fixture.h"

#define REQUESTS_MAX 4000

/* The kernel's bound for a message, where there is one. */
#define TIME_LIMIT (100 * PFS_SECOND)

#define OWNER 4712 /* a user, but for us */

struct kernel {
	struct scene *scene;
	struct fixture *store;
	struct pfs_api *api;
	struct pfs_fs *fs;
	int socket;
	bool deaf;    /* no reply is taken any more: each fails */
	uint32_t pid; /* who asks */
	uint32_t uid;
	struct outcome {
		uint32_t opcode;
		unsigned replies;
		int error;	  /* of the reply: 0 or -errno */
	} outcomes[REQUESTS_MAX]; /* in the order of the requests */
	size_t count;

	/* The last reply that wasn't an error. */
	uint64_t unique;
	size_t length; /* of its body */
	union {
		char bytes[256 * 1024];
		struct fuse_entry_out entry;
		struct fuse_attr_out attributes;
		struct fuse_getxattr_out xattr;
		struct fuse_poll_out poll;
	} body;

	/* What the kernel was told unasked, a word each: "inval:INODE", "wake:HANDLE", "epoch". */
	char notices[32000];
};

int setup_kernel(void **state);
int setup_kernel_with_time_limit(void **state);
/* The same with restores, whose owner is OWNER. */
int setup_kernel_with_restores(void **state);
int setup_kernel_with_restores_and_time_limit(void **state);
int teardown_kernel(void **state);

/* End the mount, as at the end of the daemon. */
void end_mount(struct kernel *kernel);

/* A request, with a second part of its body that may be empty. Its number; nobody has seen it. */
uint64_t post(struct kernel *kernel, uint32_t opcode, uint64_t inode, const void *body,
	      size_t length, const void *more, size_t more_length);

/* Have what there is served, without any time passing, and take the replies. */
void serve(struct kernel *kernel);

/* Both of these. */
uint64_t request(struct kernel *kernel, uint32_t opcode, uint64_t inode, const void *body,
		 size_t length);
uint64_t request_name(struct kernel *kernel, uint32_t opcode, uint64_t inode, const char *name);
uint64_t request_getattr(struct kernel *kernel, uint64_t inode, bool reading);
uint64_t request_read(struct kernel *kernel, uint64_t inode, uint64_t offset, uint32_t size);
uint64_t request_listing(struct kernel *kernel, uint32_t opcode, uint64_t inode, uint64_t offset,
			 uint32_t size);
void interrupt(struct kernel *kernel, uint64_t unique);
void forget(struct kernel *kernel, uint64_t inode, uint64_t times);

/* Let time pass, and take the replies. */
void kernel_pass(struct kernel *kernel, int64_t ns);

/* From now on whoever asks is gone before it gets its reply. */
void turn_deaf(struct kernel *kernel);

/* It was replied to, with this: 0 or -errno. It wasn't yet. */
void assert_replied(struct kernel *kernel, uint64_t unique, int error);
void assert_unanswered(struct kernel *kernel, uint64_t unique);

/* What it was told unasked since the last time. */
void assert_notices(struct kernel *kernel, const char *notices);

/* A job that is known, as of now; the kernel holds nothing of it. */
struct pfs_object *know_job(struct kernel *kernel, const char *id, const char *status);

#endif
