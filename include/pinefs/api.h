/* SPDX-License-Identifier: MIT */
/*
 * api: Pinecone's control plane: the path and the headers of each request, the checks that an
 * answer must pass, and the errno of each failure. Knows kinds, not files; caches nothing.
 *
 * May include http, json, resource, key and the ground.
 */
#ifndef PINEFS_API_H
#define PINEFS_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pinefs/http.h"
#include "pinefs/json.h"

struct pfs_key;
struct pfs_kind;

/* One object in a list's answer. */
struct pfs_api_row {
	char *id;
	struct pfs_json object;
};

#define PFS_API_FORBIDDEN 403 /* the status where the key is good, but lacks a permission */

/* What became of a command. */
enum pfs_api_fate {
	PFS_FATE_NOT_DONE, /* it wasn't carried out, and won't be */
	PFS_FATE_DONE,
	PFS_FATE_UNKNOWN, /* it was sent, and the answer doesn't say, or was lost */
};

/* Valid only during the call of done. */
struct pfs_api_answer {
	int error;	  /* 0 for a good answer, else -errno by pfs_api_errno */
	int status;	  /* of HTTP; 0 if there was no answer */
	int proxy_status; /* of HTTP, of a proxy that refused; 0 if none did */
	enum pfs_http_outcome outcome;
	const char *text;	/* what went wrong, for people, unescaped; "" if nothing did */
	const char *request_id; /* for Pinecone's support; "" if none was sent */
	int64_t sent_at;	/* monotonic: when it was asked for; the answer is no older */
	int64_t retry_after;	/* ns: the pause that the server asked for; -1: none */

	const struct pfs_json *object; /* a describe's */

	/* A list's: the rows whose id can be a file name, in order; and the token of the next
	 * page, NULL at the end. */
	const struct pfs_api_row *rows;
	size_t row_count;
	const char *next;

	/* A command's. */
	enum pfs_api_fate fate;
	const char *job; /* the id of the job that carries it out; NULL: not known */
};

typedef void pfs_api_done(void *arg, const struct pfs_api_answer *answer);

struct pfs_api_config {
	const char *url;		/* base, checked by pfs_http_check_url; borrowed */
	const char *version;		/* X-Pinecone-Api-Version; borrowed */
	const char *additional_headers; /* a JSON object of strings, or NULL; borrowed */
};

struct pfs_api;
struct pfs_api_call;

/*
 * http, key and stats are borrowed; the key is reloaded when the API rejects it. 0, -ENOMEM;
 * -EINVAL with a line in text when additional_headers can't be used.
 */
int pfs_api_create(struct pfs_http *http, struct pfs_stats *stats, struct pfs_key *key,
		   const struct pfs_api_config *config, struct pfs_api **ret_api, char *text,
		   size_t size);
void pfs_api_destroy(struct pfs_api *api); /* when no call is under way; takes NULL */

/*
 * Ask for one object by its id (pfs_is_object_id). done(arg, answer) is called once, from the loop,
 * at latest a moment after deadline (monotonic; retries are included). The answer is good only if
 * the object in it has this id. 0; -ENOMEM; -EBUSY: too many requests wait. After an error done
 * isn't called.
 */
int pfs_api_describe(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		     int64_t deadline, pfs_api_done *done, void *arg,
		     struct pfs_api_call **ret_call);

/*
 * Ask for a page of the list. The first page has token NULL and at most limit rows (1 to 100); each
 * other is asked for by the token from the page before, and limit isn't sent. A list that isn't
 * paged comes whole: neither is sent. done, deadline and results as above.
 *
 * Rows that can't be read are left out and counted in the stats; a page that has rows, but none
 * that can be read, is a failure. The error is never -ENOENT.
 */
int pfs_api_list(struct pfs_api *api, const struct pfs_kind *kind, const char *token,
		 unsigned limit, int64_t deadline, pfs_api_done *done, void *arg,
		 struct pfs_api_call **ret_call);

/*
 * Give the command of the object's kind: make something of it that gets this name
 * (pfs_command_takes). The API gets it once: whatever happens, it isn't sent again, not even with
 * another key. done and deadline as above; the errno is by pfs_api_errno, or for what only a
 * command is told: -EEXIST for 409 (the name is taken), -EBUSY for 412 (the object isn't ready),
 * -EDQUOT for 403 with the code FORBIDDEN (a quota), -EPERM for 402, -EINVAL for 400 and 422,
 * -EAGAIN for 429.
 */
int pfs_api_command(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		    const char *name, int64_t deadline, pfs_api_done *done, void *arg,
		    struct pfs_api_call **ret_call);
/* May the API have got it by now? */
bool pfs_api_is_sent(const struct pfs_api_call *call);

/* Cancel a call: done is not called. A command may have been carried out. Takes NULL. */
void pfs_api_cancel(struct pfs_api_call *call);

/* The errno (negative) for an exchange's outcome and HTTP status; 0 for an answer of 2xx. */
int pfs_api_errno(enum pfs_http_outcome outcome, int status);

/*
 * Find what the body of an error says to people: the value of error.message, message, detail or
 * description, or else the whole body, at most 500 characters; "" if it says nothing. Writes that
 * to out, and returns out.
 */
char *pfs_api_error_text(const char *body, size_t length, char *out, size_t size);

#endif
