/* SPDX-License-Identifier: MIT */
/*
 * fake_api: an api that asks nobody. A command for ID to make NAME is a question about "ID>NAME".
 * Each question stays under way until the test answers it; a
 * test links this instead of the api room.
 */
#ifndef PINEFS_FAKE_API_H
#define PINEFS_FAKE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "pinefs/api.h"
#include "pinefs/loop.h"

struct pfs_api {
	struct pfs_loop *loop;
	TAILQ_HEAD(asked_list, pfs_api_call) calls; /* under way, oldest first */
	unsigned describes;			    /* asked so far */
	unsigned lists;
	unsigned commands;
	bool sends; /* what pfs_api_is_sent says */
	unsigned under_way;
	int refuse;	     /* what every question is refused with; 0: none is */
	int64_t retry_after; /* that failures tell */
	char token[100];     /* of the last list that was asked for; "" for the first page */
	const struct pfs_kind
		*of; /* what follows means questions about this kind; NULL: about any */
};

void fake_api_init(struct pfs_api *api, struct pfs_loop *loop);
void fake_api_finish(struct pfs_api *api); /* drops what is under way */

/* Is the oldest question about this id (NULL: a list) under way? */
bool fake_api_is_asked(const struct pfs_api *api, const char *id);

/* The oldest question of all; false if there is none. ret_id: what it is about; NULL: a list. */
bool fake_api_oldest(const struct pfs_api *api, const char **ret_id);

/*
 * Answer the oldest question about this id (NULL: a list); when it was sent, and the id of the
 * request, are filled in.
 */
void fake_api_tell(struct pfs_api *api, const char *id, struct pfs_api_answer *answer);

/* Answer the oldest question about this id with an object, as it is. */
void fake_api_answer(struct pfs_api *api, const char *id, const char *object);

/* The same with a small object that has an id and a status. */
void fake_api_status(struct pfs_api *api, const char *id, const char *status);

/* Answer a command: the job that it has begun; or its fate, an error and a status of HTTP. */
void fake_api_made(struct pfs_api *api, const char *command, const char *job);
void fake_api_refuse(struct pfs_api *api, const char *command, enum pfs_api_fate fate, int error,
		     int status);

/* Let it fail; id NULL: the list. */
void fake_api_fail(struct pfs_api *api, const char *id, int error, int status);

/*
 * Answer the list: ids separated by blanks, each "ID" (pending), "ID:STATUS", or "ID=OBJECT" with
 * what the object is in full; next NULL: end.
 */
void fake_api_page(struct pfs_api *api, const char *rows, const char *next);

#endif
