/* SPDX-License-Identifier: MIT */
/*
 * A call is one question: one request of http or, after a 401 that made us read the key file
 * again, two. The key is put into the headers for the moment of pfs_http_get only.
 */
#include "pinefs/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/json.h"
#include "pinefs/key.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/text.h"

#define MAX_HEADERS 32
#define MAX_TEXT    500 /* characters of an error that are shown */

struct pfs_api {
	struct pfs_http *http;
	struct pfs_stats *stats;
	struct pfs_key *key;
	struct pfs_api_config config;
	char *additional[MAX_HEADERS];
	size_t additional_count;
};

struct pfs_api_call {
	struct pfs_api *api;
	struct pfs_http_request *request;
	const struct pfs_kind *kind;
	char *id; /* what is described, or NULL for a list */
	char *url;
	char *label; /* "/restore-jobs/ID" */
	int64_t deadline;
	unsigned key_generation; /* of the key that was sent */
	pfs_api_done *done;
	void *arg;
};

/* --- failures ------------------------------------------------------------------------------ */

int pfs_api_errno(enum pfs_http_outcome outcome, int status)
{
	static const int by_outcome[] = {
		[PFS_HTTP_RESOLVE] = -EHOSTUNREACH, [PFS_HTTP_CONNECT] = -EHOSTUNREACH,
		[PFS_HTTP_PROXY] = -EHOSTUNREACH,   [PFS_HTTP_TLS] = -EPROTO,
		[PFS_HTTP_NO_TLS] = -EPROTO,	    [PFS_HTTP_TIMEOUT] = -ETIMEDOUT,
		[PFS_HTTP_BROKEN] = -EIO,	    [PFS_HTTP_TOO_LARGE] = -EFBIG,
		[PFS_HTTP_NO_MEMORY] = -ENOMEM,
	};
	static const struct {
		int first, last, error;
	} by_status[] = {
		{200, 299, 0},	     {300, 399, -EREMOTEIO}, {401, 401, -EACCES},
		{403, 403, -EACCES}, {404, 404, -ENOENT},    {408, 408, -ETIMEDOUT},
		{429, 429, -EBUSY},
	};

	if (outcome != PFS_HTTP_ANSWERED)
		return by_outcome[outcome];
	for (size_t i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++) {
		if (status >= by_status[i].first && status <= by_status[i].last)
			return by_status[i].error;
	}
	return -EIO;
}

/* A member that is a string and not empty, into out. */
static bool take_text(const char *body, size_t length, const char *key, char *out, size_t size)
{
	struct pfs_json_found found;
	bool taken = false;

	if (pfs_json_find(body, length, key, &found))
		return false;
	if (found.value.type == PFS_JSON_STRING && *found.value.string) {
		(void)snprintf(out, size, "%s", found.value.string);
		taken = true;
	}
	pfs_json_found_finish(&found);
	return taken;
}

static bool take_envelope(const char *body, size_t length, char *out, size_t size)
{
	struct pfs_json_found error;
	bool taken = false;

	if (pfs_json_find(body, length, "error", &error))
		return false;
	if (error.value.type == PFS_JSON_OBJECT)
		taken = take_text(error.value.raw, error.value.raw_length, "message", out, size);
	else if (error.value.type == PFS_JSON_STRING && *error.value.string)
		taken = snprintf(out, size, "%s", error.value.string) > 0;
	pfs_json_found_finish(&error);
	return taken;
}

/* The cut may have gone through a character of UTF-8: then its beginning goes, too. */
static void drop_half_character(char *text)
{
	size_t length = strlen(text), follow = 0;
	unsigned char lead;

	while (follow < length && follow < 3 && (text[length - 1 - follow] & 0xc0) == 0x80)
		follow++;
	if (follow == length)
		return;
	lead = (unsigned char)text[length - 1 - follow];
	if (lead >= 0xc0 && follow < (lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3))
		text[length - 1 - follow] = '\0';
}

char *pfs_api_error_text(const char *body, size_t length, char *out, size_t size)
{
	if (size > MAX_TEXT + 1)
		size = MAX_TEXT + 1;
	if (pfs_json_check(body, length) || (!take_envelope(body, length, out, size) &&
					     !take_text(body, length, "message", out, size) &&
					     !take_text(body, length, "detail", out, size) &&
					     !take_text(body, length, "description", out, size))) {
		while (length && strchr(" \t\r\n", body[length - 1]))
			length--;
		(void)snprintf(out, size, "%.*s", (int)(length < size ? length : size), body);
	}
	drop_half_character(out);
	return out;
}

/* Why there is no good answer, for people: what the API said, else what HTTP or libcurl said. */
static void explain(const struct pfs_http_answer *http, char *out, size_t size)
{
	char said[MAX_TEXT + 1], pause[64] = "";

	if (http->outcome != PFS_HTTP_ANSWERED) {
		(void)snprintf(out, size, "%s", http->text);
		return;
	}
	pfs_api_error_text(http->body, http->length, said, sizeof(said));
	if (!*said)
		(void)snprintf(said, sizeof(said), "%s", http->text);
	if (http->status >= 300 && http->status < 400)
		(void)snprintf(said, sizeof(said), "a redirect, which pinefs never follows");
	if (http->retry_after > 0)
		(void)snprintf(pause, sizeof(pause), " (Retry-After: %.0f s)",
			       (double)http->retry_after / (double)PFS_SECOND);
	(void)snprintf(out, size, "%d%s%s%s%s%s%s", http->status, *said ? ": " : "", said,
		       *http->rejected ? " (" : "", http->rejected, *http->rejected ? ")" : "",
		       pause);
}

/* --- what counts as an answer -------------------------------------------------------------- */

/* 1: the object's id is in ret_id, owned by the caller. 0: it has none. -EBADMSG, -ENOMEM. */
static int object_id(const struct pfs_kind *kind, const char *object, size_t length, char **ret_id)
{
	struct pfs_json_found found;
	int error = pfs_json_find(object, length, kind->id_key, &found);
	char *id = NULL;

	if (error)
		return error;
	if (found.value.type == PFS_JSON_STRING) {
		id = strdup(found.value.string);
		error = id ? 1 : -ENOMEM;
	}
	pfs_json_found_finish(&found);
	if (error == 1)
		*ret_id = id;
	return error;
}

static int read_object(const struct pfs_api_call *call, const struct pfs_http_answer *http,
		       struct pfs_api_answer *answer)
{
	char *id = NULL;
	int found = pfs_json_check(http->body, http->length);

	if (!found)
		found = object_id(call->kind, http->body, http->length, &id);
	if (found == 1 && strcmp(id, call->id) != 0)
		found = 0;
	free(id);
	if (found != 1) {
		answer->text = found ? "the answer is not readable JSON"
				     : "the answer is not the object that was asked for";
		return found == -ENOMEM || found == -EFBIG ? found : -EIO;
	}
	answer->object = http->body;
	answer->length = http->length;
	return 0;
}

struct page {
	struct pfs_api_row *rows;
	size_t count;
	size_t capacity;
	size_t refused;
	char *next;
};

static void finish_page(struct page *page)
{
	for (size_t i = 0; i < page->count; i++)
		free((char *)page->rows[i].id);
	free(page->rows);
	free(page->next);
}

static int add_row(struct page *page, char *id, const struct pfs_json_value *value)
{
	if (page->count == page->capacity) {
		size_t capacity = page->capacity ? 2 * page->capacity : 128;
		struct pfs_api_row *rows = reallocarray(page->rows, capacity, sizeof(*page->rows));

		if (!rows)
			return -ENOMEM;
		page->rows = rows;
		page->capacity = capacity;
	}
	page->rows[page->count++] = (struct pfs_api_row){
		.id = id,
		.object = value->raw,
		.length = value->raw_length,
	};
	return 0;
}

static int read_row(const struct pfs_kind *kind, struct page *page,
		    const struct pfs_json_value *value)
{
	char *id = NULL;
	int found = 0;

	if (value->type == PFS_JSON_OBJECT)
		found = object_id(kind, value->raw, value->raw_length, &id);
	/* One row that can't be read must not cost all others. */
	if (found == -EBADMSG)
		found = 0;
	if (found < 0)
		return found;
	if (!found || !pfs_is_object_id(id, strlen(id))) {
		page->refused++;
		free(id);
		return 0;
	}
	found = add_row(page, id, value);
	if (found)
		free(id);
	return found;
}

static int read_rows(const struct pfs_kind *kind, const struct pfs_json_value *list,
		     struct page *page)
{
	struct pfs_json_walk walk;
	struct pfs_json_value value;
	int more = pfs_json_open(&walk, list->raw, list->raw_length);

	walk.shallow = true;
	while (!more && (more = pfs_json_next(&walk, &value)) == 1)
		more = read_row(kind, page, &value);
	pfs_json_close(&walk);
	/* Jobs that can't be shown, all of them, are not the same as no jobs. */
	return !more && page->refused && !page->count ? -EBADMSG : more;
}

/* pagination is null, absent, {}, {"next":null}, {"next":""}: the end; else {"next":"TOKEN"}. */
static int read_next(const struct pfs_json_value *pagination, struct page *page)
{
	struct pfs_json_found next;
	int error;

	if (pagination->type == PFS_JSON_NULL)
		return 0;
	error = pfs_json_find(pagination->raw, pagination->raw_length, "next", &next);
	if (error)
		return error;
	if (next.value.type == PFS_JSON_STRING && *next.value.string) {
		page->next = strdup(next.value.string);
		error = page->next ? 0 : -ENOMEM;
	} else if (next.value.type != PFS_JSON_NULL && next.value.type != PFS_JSON_STRING) {
		error = -EBADMSG;
	}
	pfs_json_found_finish(&next);
	return error;
}

static int read_page(const struct pfs_kind *kind, const struct pfs_http_answer *http,
		     struct page *page)
{
	struct pfs_json_value value, list = {0}, pagination = {0};
	struct pfs_json_walk walk;
	int more = pfs_json_check(http->body, http->length);

	if (more)
		return more;
	more = pfs_json_open(&walk, http->body, http->length);
	if (!more && walk.type != PFS_JSON_OBJECT)
		more = -EBADMSG;
	walk.shallow = true;
	while (!more && (more = pfs_json_next(&walk, &value)) == 1) {
		more = 0;
		if (!strcmp(value.key, kind->list_key))
			list = value;
		else if (!strcmp(value.key, "pagination"))
			pagination = value;
	}
	pfs_json_close(&walk);
	if (!more && list.type != PFS_JSON_ARRAY)
		more = -EBADMSG;
	if (!more)
		more = read_next(&pagination, page);
	return more ? more : read_rows(kind, &list, page);
}

/* --- calls --------------------------------------------------------------------------------- */

static void free_call(struct pfs_api_call *call)
{
	if (!call)
		return;
	free(call->id);
	free(call->url);
	free(call->label);
	free(call);
}

static void on_answer(void *arg, const struct pfs_http_answer *http);

static int send_call(struct pfs_api_call *call)
{
	struct pfs_api *api = call->api;
	const char *headers[MAX_HEADERS + 4];
	char key[PFS_KEY_MAX + 16], version[128];
	size_t count = 0;
	int error;

	(void)snprintf(key, sizeof(key), "Api-Key: %s", api->key->value);
	(void)snprintf(version, sizeof(version), "X-Pinecone-Api-Version: %s", api->config.version);
	headers[count++] = key;
	headers[count++] = version;
	headers[count++] = "Accept: application/json";
	for (size_t i = 0; i < api->additional_count; i++)
		headers[count++] = api->additional[i];
	headers[count] = NULL;
	call->key_generation = api->key->generation;
	error = pfs_http_get(api->http, call->url, headers, call->label, call->deadline, on_answer,
			     call, &call->request);
	explicit_bzero(key, sizeof(key));
	return error;
}

/* The key was rejected. Is there another one to try, or has one come meanwhile? */
static bool has_new_key(struct pfs_api_call *call)
{
	struct pfs_api *api = call->api;

	if (call->key_generation == api->key->generation) {
		if (pfs_key_reload(api->key) != 1)
			return false;
		api->stats->key_reloads++;
	}
	return true;
}

static void tell(struct pfs_api_call *call, const struct pfs_http_answer *http,
		 struct pfs_api_answer *answer)
{
	struct pfs_stats *stats = call->api->stats;
	bool answered = http->outcome == PFS_HTTP_ANSWERED && http->status < 600;

	stats->answers[answered ? http->status / 100 : 0]++;
	call->done(call->arg, answer);
}

static void tell_page(struct pfs_api_call *call, const struct pfs_http_answer *http,
		      struct pfs_api_answer *answer)
{
	struct page page = {0};
	int error = read_page(call->kind, http, &page);

	call->api->stats->rows_refused += page.refused;
	if (error) {
		answer->error = error == -EBADMSG ? -EIO : error;
		answer->text = "the answer is not a readable list";
	} else {
		answer->rows = page.rows;
		answer->row_count = page.count;
		answer->next = page.next;
	}
	tell(call, http, answer);
	finish_page(&page);
}

static void on_answer(void *arg, const struct pfs_http_answer *http)
{
	struct pfs_api_call *call = arg;
	char text[PFS_FAILURE_TEXT] = "";
	struct pfs_api_answer answer = {
		.error = pfs_api_errno(http->outcome, http->status),
		.status = http->status,
		.proxy_status = http->proxy_status,
		.outcome = http->outcome,
		.text = text,
		.request_id = http->request_id,
		.sent_at = http->sent_at,
		.retry_after = http->retry_after,
	};

	call->request = NULL;
	if (http->outcome == PFS_HTTP_ANSWERED && http->status == 401 && has_new_key(call) &&
	    !send_call(call))
		return;
	/* A listing that ends with ENOENT is an empty one to readdir(3). */
	if (!call->id && answer.error == -ENOENT)
		answer.error = -EIO;
	if (answer.error)
		explain(http, text, sizeof(text));
	if (answer.error || call->id) {
		if (!answer.error)
			answer.error = read_object(call, http, &answer);
		tell(call, http, &answer);
	} else {
		tell_page(call, http, &answer);
	}
	free_call(call);
}

/* Takes url over; it is freed also on failure. */
static int begin_call(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		      struct pfs_buffer *url, int64_t deadline, pfs_api_done *done, void *arg,
		      struct pfs_api_call **ret_call)
{
	struct pfs_api_call *call = calloc(1, sizeof(*call));
	int error = -ENOMEM;

	if (!call || url->error)
		goto fail;
	*call = (struct pfs_api_call){.api = api, .kind = kind, .done = done, .arg = arg};
	call->deadline = deadline;
	call->id = id ? strdup(id) : NULL;
	call->url = url->bytes;
	*url = (struct pfs_buffer){0};
	if ((id && !call->id) ||
	    asprintf(&call->label, "%s%s%s", kind->path, id ? "/" : "", id ? id : "") < 0) {
		call->label = NULL;
		goto fail;
	}
	error = send_call(call);
	if (error)
		goto fail;
	api->stats->requests[id ? PFS_ENDPOINT_DESCRIBE : PFS_ENDPOINT_LIST]++;
	*ret_call = call;
	return 0;
fail:
	pfs_buffer_finish(url);
	free_call(call);
	return error;
}

int pfs_api_describe(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		     int64_t deadline, pfs_api_done *done, void *arg,
		     struct pfs_api_call **ret_call)
{
	struct pfs_buffer url = {0};

	(void)pfs_buffer_format(&url, "%s%s/", api->config.url, kind->path);
	(void)pfs_buffer_add_url_encoded(&url, id, strlen(id));
	return begin_call(api, kind, id, &url, deadline, done, arg, ret_call);
}

int pfs_api_list(struct pfs_api *api, const struct pfs_kind *kind, const char *token,
		 unsigned limit, int64_t deadline, pfs_api_done *done, void *arg,
		 struct pfs_api_call **ret_call)
{
	struct pfs_buffer url = {0};

	(void)pfs_buffer_format(&url, "%s%s?", api->config.url, kind->path);
	if (token) {
		(void)pfs_buffer_add_string(&url, "paginationToken=");
		(void)pfs_buffer_add_url_encoded(&url, token, strlen(token));
	} else {
		(void)pfs_buffer_format(&url, "limit=%u", limit);
	}
	return begin_call(api, kind, NULL, &url, deadline, done, arg, ret_call);
}

void pfs_api_cancel(struct pfs_api_call *call)
{
	if (!call)
		return;
	pfs_http_cancel(call->request);
	free_call(call);
}

/* --- making one ---------------------------------------------------------------------------- */

/* A header that can't smuggle another one in: a token, a colon, printable bytes. */
static bool is_header(const char *name, const char *value)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (!*name || name[strspn(name, token)])
		return false;
	for (; *value; value++) {
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	}
	return true;
}

static int add_header(struct pfs_api *api, const char *name, const char *value)
{
	if (api->additional_count == MAX_HEADERS || !is_header(name, value))
		return -EINVAL;
	if (asprintf(&api->additional[api->additional_count], "%s: %s", name, value) < 0)
		return -ENOMEM;
	api->additional_count++;
	return 0;
}

static int read_additional(struct pfs_api *api, const char *json)
{
	struct pfs_json_walk walk;
	struct pfs_json_value value;
	int more = pfs_json_check(json, strlen(json));

	if (more)
		return -EINVAL;
	more = pfs_json_open(&walk, json, strlen(json));
	if (!more && walk.type != PFS_JSON_OBJECT)
		more = -EINVAL;
	while (!more && (more = pfs_json_next(&walk, &value)) == 1)
		more = value.type == PFS_JSON_STRING ? add_header(api, value.key, value.string)
						     : -EINVAL;
	pfs_json_close(&walk);
	return more;
}

int pfs_api_create(struct pfs_http *http, struct pfs_stats *stats, struct pfs_key *key,
		   const struct pfs_api_config *config, struct pfs_api **ret_api, char *text,
		   size_t size)
{
	struct pfs_api *api = calloc(1, sizeof(*api));
	int error;

	if (!api)
		return -ENOMEM;
	api->http = http;
	api->stats = stats;
	api->key = key;
	api->config = *config;
	if (config->additional_headers && *config->additional_headers) {
		error = read_additional(api, config->additional_headers);
		if (error) {
			(void)snprintf(text, size,
				       "PINECONE_ADDITIONAL_HEADERS: must be a JSON object of "
				       "strings that can be HTTP headers, at most %d",
				       MAX_HEADERS);
			pfs_api_destroy(api);
			return error == -ENOMEM ? error : -EINVAL;
		}
	}
	*ret_api = api;
	return 0;
}

void pfs_api_destroy(struct pfs_api *api)
{
	if (!api)
		return;
	for (size_t i = 0; i < api->additional_count; i++) {
		explicit_bzero(api->additional[i], strlen(api->additional[i]));
		free(api->additional[i]);
	}
	free(api);
}
