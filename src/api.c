/* SPDX-License-Identifier: MIT */
/*
 * A call is one request of http; or two, if the answer to the first was a 401 that made us read the
 * key's file again. The headers have the key only during pfs_http_get.
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

/* Copy a string to out, if it isn't empty. */
static bool take_text(struct pfs_json_value value, char *out, size_t size)
{
	if (value.type != PFS_JSON_STRING || !value.length)
		return false;
	(void)snprintf(out, size, "%.*s", (int)value.length, value.text);
	return true;
}

/* Copy what the members of an error's body say: the first that isn't empty. */
static bool take_reason(const struct pfs_json *body, char *out, size_t size)
{
	static const char *const paths[] = {"error.message", "error", "message", "detail",
					    "description"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (take_text(pfs_json_at(body, paths[i]), out, size))
			return true;
	}
	return false;
}

/* If the text was cut in the middle of a UTF-8 character, drop its beginning, too. */
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
	struct pfs_json json = {0};

	if (size > MAX_TEXT + 1)
		size = MAX_TEXT + 1;
	if (pfs_json_parse(body, length, PFS_JSON_DEPTH, &json) || !take_reason(&json, out, size)) {
		while (length && strchr(" \t\r\n", body[length - 1]))
			length--;
		(void)snprintf(out, size, "%.*s", (int)(length < size ? length : size), body);
	}
	pfs_json_finish(&json);
	drop_half_character(out);
	return out;
}

/* Write, for people, why the answer isn't good: what the API said, else what HTTP or libcurl said.
 */
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

static int read_object(const struct pfs_api_call *call, const struct pfs_http_answer *http,
		       struct pfs_json *ret_object, struct pfs_api_answer *answer)
{
	int error = pfs_json_parse(http->body, http->length, PFS_JSON_DEPTH, ret_object);
	struct pfs_json_value id;

	if (!error && pfs_json_whole(ret_object).type != PFS_JSON_OBJECT)
		error = -EBADMSG;
	if (error) {
		answer->text = "the answer is not readable JSON";
		return error == -EBADMSG ? -EIO : error;
	}
	id = pfs_kind_value(call->kind, call->kind->id, ret_object);
	if (!pfs_json_says(&id, call->id)) {
		answer->text = "the answer is not the object that was asked for";
		return -EIO;
	}
	answer->object = ret_object;
	return 0;
}

struct page {
	struct pfs_api_row *rows;
	size_t count;
	size_t refused;
	char *next;
};

static void finish_row(struct pfs_api_row *row)
{
	free(row->id);
	pfs_json_finish(&row->object);
}

static void finish_page(struct page *page)
{
	for (size_t i = 0; i < page->count; i++)
		finish_row(&page->rows[i]);
	free(page->rows);
	free(page->next);
}

/* 1: the row is an object with an id. 0: it can't be read, or its id can't be a name. -ENOMEM. */
static int read_row(const struct pfs_kind *kind, const struct pfs_json_value *value,
		    struct pfs_api_row *row)
{
	struct pfs_json_value id;
	int found;

	*row = (struct pfs_api_row){0};
	if (value->type != PFS_JSON_OBJECT)
		return 0;
	found = pfs_json_parse(value->text, value->length, PFS_JSON_DEPTH, &row->object);
	/* One row that can't be read must not cost all others. */
	if (found)
		return found == -ENOMEM ? found : 0;
	id = pfs_kind_value(kind, kind->id, &row->object);
	found = pfs_json_strdup(&id, &row->id);
	return found == 1 ? pfs_is_object_id(row->id, strlen(row->id)) : found;
}

static int read_rows(const struct pfs_kind *kind, const struct pfs_json_value *list,
		     struct page *page)
{
	struct pfs_json_value value = {0};
	int found = 0;

	if (list->type != PFS_JSON_ARRAY)
		return -EBADMSG;
	/* There are no more rows than values. */
	page->rows = calloc(list->json->count, sizeof(*page->rows));
	if (!page->rows)
		return -ENOMEM;
	while (found >= 0 && pfs_json_next(list, &value)) {
		found = read_row(kind, &value, &page->rows[page->count]);
		if (found == 1)
			page->count++;
		else
			finish_row(&page->rows[page->count]);
		page->refused += found == 0;
	}
	if (found < 0)
		return found;
	/* A page with only rows that can't be read isn't an empty page. */
	return page->refused && !page->count ? -EBADMSG : 0;
}

/* pagination is null, absent, {}, {"next":null}, {"next":""}: the end; else {"next":"TOKEN"}. */
static int read_next(const struct pfs_json_value *pagination, struct page *page)
{
	struct pfs_json_value next = pfs_json_member(pagination, "next");
	int found;

	if (pagination->type != PFS_JSON_NULL && pagination->type != PFS_JSON_OBJECT)
		return -EBADMSG;
	if (next.type == PFS_JSON_NULL || (next.type == PFS_JSON_STRING && !next.length))
		return 0;
	found = pfs_json_strdup(&next, &page->next);
	if (!found)
		return -EBADMSG;
	return found < 0 ? found : 0;
}

/* Parse a page's own members, and where its rows are; the rows are parsed one by one. */
#define PAGE_LEVELS 2

static int read_page(const struct pfs_kind *kind, const struct pfs_http_answer *http,
		     struct page *page)
{
	struct pfs_json json;
	struct pfs_json_value list, pagination;
	int error = pfs_json_parse(http->body, http->length, PAGE_LEVELS, &json);

	if (error)
		return error;
	list = pfs_json_at(&json, kind->list_key);
	pagination = pfs_json_at(&json, "pagination");
	error = read_next(&pagination, page);
	if (!error)
		error = read_rows(kind, &list, page);
	pfs_json_finish(&json);
	return error;
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

/* The key was rejected. Is there a newer one to try, in its file or loaded since? */
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
	struct pfs_json object = {0};
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
			answer.error = read_object(call, http, &object, &answer);
		tell(call, http, &answer);
		pfs_json_finish(&object);
	} else {
		tell_page(call, http, &answer);
	}
	free_call(call);
}

/* Frees url, also on failure. */
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

	(void)pfs_buffer_format(&url, "%s%s", api->config.url, kind->path);
	if (token) {
		(void)pfs_buffer_add_string(&url, "?paginationToken=");
		(void)pfs_buffer_add_url_encoded(&url, token, strlen(token));
	} else if (kind->is_paged) {
		(void)pfs_buffer_format(&url, "?limit=%u", limit);
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

/* Is this one header, which can't smuggle in another: a token, a colon, printable bytes? */
static bool is_header(const struct pfs_json_value *member)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (member->type != PFS_JSON_STRING || !member->key_length)
		return false;
	for (size_t i = 0; i < member->key_length; i++) {
		if (!memchr(token, member->key[i], sizeof(token) - 1))
			return false;
	}
	for (size_t i = 0; i < member->length; i++) {
		if ((unsigned char)member->text[i] < ' ' || member->text[i] == 0x7f)
			return false;
	}
	return true;
}

static int add_header(struct pfs_api *api, const struct pfs_json_value *member)
{
	if (api->additional_count == MAX_HEADERS || !is_header(member))
		return -EINVAL;
	if (asprintf(&api->additional[api->additional_count], "%.*s: %.*s", (int)member->key_length,
		     member->key, (int)member->length, member->text) < 0)
		return -ENOMEM;
	api->additional_count++;
	return 0;
}

static int read_additional(struct pfs_api *api, const char *text)
{
	struct pfs_json_value whole, member = {0};
	struct pfs_json json;
	int error = pfs_json_parse(text, strlen(text), 1, &json);

	if (error)
		return error;
	whole = pfs_json_whole(&json);
	if (whole.type != PFS_JSON_OBJECT)
		error = -EINVAL;
	while (!error && pfs_json_next(&whole, &member))
		error = add_header(api, &member);
	pfs_json_finish(&json);
	return error;
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
