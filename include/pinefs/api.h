/* SPDX-License-Identifier: MIT */
/*
 * api: Pinecone's control plane: which path asks for what, with which headers, what an answer
 * must look like to be one, and which errno a failure becomes. Knows kinds, not files; keeps
 * nothing of what it hears.
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

/* Lives only during the call of done. */
struct pfs_api_answer {
	int error;	  /* 0 for a good answer, else -errno by pfs_api_errno */
	int status;	  /* of HTTP; 0 if there was no answer */
	int proxy_status; /* of a proxy that refused; 0 if none did */
	enum pfs_http_outcome outcome;
	const char *text;	/* what went wrong, for people, unescaped; "" if nothing did */
	const char *request_id; /* for Pinecone's support; "" if none was sent */
	int64_t sent_at;	/* monotonic: what is told is no older than this */
	int64_t retry_after;	/* ns; -1 unless the server asked for it */

	const struct pfs_json *object; /* a describe's */

	/* A list: the rows whose id can be a file name, in order; and the token of the next page,
	 * NULL at the end. */
	const struct pfs_api_row *rows;
	size_t row_count;
	const char *next;
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
 * Ask for one object by its id (pfs_is_object_id). done is called once, from the loop, at latest a
 * moment after deadline (monotonic; retries are included). A good answer is an object that says
 * it has just this id. 0, -ENOMEM, -EBUSY.
 */
int pfs_api_describe(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		     int64_t deadline, pfs_api_done *done, void *arg,
		     struct pfs_api_call **ret_call);

/*
 * Ask for a page of the list: the first with token NULL and at most limit rows (1 to 100), the
 * others by the token of the one before (limit is not sent then, nor for a kind whose list isn't
 * paged: it comes whole). As above. Rows that can't be read
 * are left out, and counted (stats); a page that has no others is no answer. Never -ENOENT.
 */
int pfs_api_list(struct pfs_api *api, const struct pfs_kind *kind, const char *token,
		 unsigned limit, int64_t deadline, pfs_api_done *done, void *arg,
		 struct pfs_api_call **ret_call);

/* Forget a call: done is not called. Takes NULL. */
void pfs_api_cancel(struct pfs_api_call *call);

/* The one table from the end of an exchange to an errno (negative); 0 for an answer of 2xx. */
int pfs_api_errno(enum pfs_http_outcome outcome, int status);

/*
 * What an error's body says to people: error.message, message, detail, description, or the text
 * itself, at most 500 characters; "" if it says nothing. Returns out.
 */
char *pfs_api_error_text(const char *body, size_t length, char *out, size_t size);

#endif
