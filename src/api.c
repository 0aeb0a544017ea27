/* SPDX-License-Identifier: MIT */
/*
 * A call is one request of http; or two, if the answer to the first was a 401 that made us read the
 * key's file again, and it is no command. The headers have the key only while http copies them.
 */
#include "api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/json.h"
#include "pinefs/key.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/text.h"

#define MAX_HEADERS 32 /* of the user's own */

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
	char *id; /* what is described, or what the command is for; NULL for a list */
	char *url;
	char *label;   /* "/restore-jobs/ID" */
	char *command; /* the body of a command; NULL: a question */
	int64_t deadline;
	unsigned key_generation; /* of the key that was sent */
	pfs_api_done *done;
	void *arg;
};

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
	free(call->command);
	free(call);
}

static void on_answer(void *arg, const struct pfs_http_answer *http);

static int send_call(struct pfs_api_call *call)
{
	struct pfs_api *api = call->api;
	const char *headers[MAX_HEADERS + 6];
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
	if (call->command) {
		headers[count++] = "Content-Type: application/json";
		headers[count++] =
			"Expect:"; /* none: libcurl sends again what that is refused for */
	}
	headers[count] = NULL;
	call->key_generation = api->key->generation;
	error = call->command
			? pfs_http_post(api->http, call->url, headers, call->label, call->command,
					call->deadline, on_answer, call, &call->request)
			: pfs_http_get(api->http, call->url, headers, call->label, call->deadline,
				       on_answer, call, &call->request);
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

/*
 * Does the API answer as it should? That something isn't there, that the key may not see one kind,
 * or that a command is refused, is an answer like another.
 */
static bool is_well(const struct pfs_http_answer *http, const struct pfs_api_answer *answer)
{
	if (http->outcome != PFS_HTTP_ANSWERED)
		return false;
	if (http->status < 400)
		return !answer->error;
	return http->status < 500 && http->status != 401 && http->status != 408 &&
	       http->status != 429;
}

static enum pfs_endpoint endpoint_of(const struct pfs_api_call *call)
{
	if (call->command)
		return PFS_ENDPOINT_COMMAND;
	return call->id ? PFS_ENDPOINT_DESCRIBE : PFS_ENDPOINT_LIST;
}

static void tell(struct pfs_api_call *call, const struct pfs_http_answer *http,
		 struct pfs_api_answer *answer)
{
	struct pfs_stats *stats = call->api->stats;
	bool answered = http->outcome == PFS_HTTP_ANSWERED && http->status < 600;
	const struct pfs_ended ended = {
		.endpoint = endpoint_of(call),
		.status = answered ? http->status : 0,
		.error = is_well(http, answer) ? 0 : -answer->error,
		.text = answer->text,
		.took = http->took,
		.at = http->answered_at,
	};

	stats->answers[answered ? http->status / 100 : 0]++;
	pfs_stats_end(stats, &ended);
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

/* What a good answer to a command says: the id of the job that does it. */
static int read_job(const struct pfs_api_call *call, const struct pfs_http_answer *http,
		    char **ret_job)
{
	struct pfs_json json;
	struct pfs_json_value value;
	int found = pfs_json_parse(http->body, http->length, PFS_JSON_DEPTH, &json);

	if (found)
		return found == -ENOMEM ? found : -EIO;
	value = pfs_json_at(&json, call->kind->command->answer);
	found = pfs_json_strdup(&value, ret_job);
	pfs_json_finish(&json);
	if (found < 0)
		return found;
	return found && pfs_is_object_id(*ret_job, strlen(*ret_job)) ? 0 : -EIO;
}

static void tell_command(struct pfs_api_call *call, const struct pfs_http_answer *http,
			 struct pfs_api_answer *answer)
{
	char text[PFS_FAILURE_TEXT] = "", *job = NULL;

	answer->text = text;
	answer->error = pfs_api_command_errno(http);
	answer->fate = pfs_api_fate(http);
	if (answer->error) {
		pfs_api_explain(http, text, sizeof(text));
	} else {
		answer->error = read_job(call, http, &job);
		answer->job = answer->error ? NULL : job;
		if (answer->error)
			answer->text = "the answer doesn't say which job was begun";
	}
	tell(call, http, answer);
	free(job);
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
	    !call->command && !send_call(call))
		return;
	if (call->command) {
		tell_command(call, http, &answer);
		free_call(call);
		return;
	}
	/* A listing that ends with ENOENT is an empty one to readdir(3). */
	if (!call->id && answer.error == -ENOENT)
		answer.error = -EIO;
	if (answer.error)
		pfs_api_explain(http, text, sizeof(text));
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

/* What each call begins with; NULL without memory. Frees url. */
static struct pfs_api_call *create_call(struct pfs_api *api, const struct pfs_kind *kind,
					const char *id, struct pfs_buffer *url)
{
	struct pfs_api_call *call = calloc(1, sizeof(*call));

	if (!call || url->error)
		goto fail;
	*call = (struct pfs_api_call){.api = api, .kind = kind};
	call->id = id ? strdup(id) : NULL;
	call->url = url->bytes;
	*url = (struct pfs_buffer){0};
	if (id && !call->id)
		goto fail;
	if (asprintf(&call->label, "%s%s%s", kind->path, id ? "/" : "", id ? id : "") < 0) {
		call->label = NULL;
		goto fail;
	}
	return call;
fail:
	pfs_buffer_finish(url);
	free_call(call);
	return NULL;
}

/* Send it; frees a call that can't be sent. */
static int begin_call(struct pfs_api_call *call, int64_t deadline, pfs_api_done *done, void *arg,
		      struct pfs_api_call **ret_call)
{
	int error;

	call->deadline = deadline;
	call->done = done;
	call->arg = arg;
	error = send_call(call);
	if (error) {
		free_call(call);
		return error;
	}
	call->api->stats->requests[endpoint_of(call)]++;
	*ret_call = call;
	return 0;
}

int pfs_api_describe(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		     int64_t deadline, pfs_api_done *done, void *arg,
		     struct pfs_api_call **ret_call)
{
	struct pfs_buffer url = {0};
	struct pfs_api_call *call;

	(void)pfs_buffer_format(&url, "%s%s/", api->config.url, kind->path);
	(void)pfs_buffer_add_url_encoded(&url, id, strlen(id));
	call = create_call(api, kind, id, &url);
	return call ? begin_call(call, deadline, done, arg, ret_call) : -ENOMEM;
}

int pfs_api_command(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		    const char *name, int64_t deadline, pfs_api_done *done, void *arg,
		    struct pfs_api_call **ret_call)
{
	struct pfs_buffer url = {0};
	struct pfs_api_call *call;

	(void)pfs_buffer_format(&url, "%s%s/", api->config.url, kind->path);
	(void)pfs_buffer_add_url_encoded(&url, id, strlen(id));
	(void)pfs_buffer_add_string(&url, kind->command->path);
	call = create_call(api, kind, id, &url);
	if (!call)
		return -ENOMEM;
	if (asprintf(&call->command, "{\"name\":\"%s\"}", name) < 0) {
		call->command = NULL;
		free_call(call);
		return -ENOMEM;
	}
	return begin_call(call, deadline, done, arg, ret_call);
}

bool pfs_api_is_sent(const struct pfs_api_call *call)
{
	return pfs_http_is_sent(call->request);
}

int pfs_api_list(struct pfs_api *api, const struct pfs_kind *kind, const char *token,
		 unsigned limit, int64_t deadline, pfs_api_done *done, void *arg,
		 struct pfs_api_call **ret_call)
{
	struct pfs_buffer url = {0};
	struct pfs_api_call *call;

	(void)pfs_buffer_format(&url, "%s%s", api->config.url, kind->path);
	if (token) {
		(void)pfs_buffer_add_string(&url, "?paginationToken=");
		(void)pfs_buffer_add_url_encoded(&url, token, strlen(token));
	} else if (kind->is_paged) {
		(void)pfs_buffer_format(&url, "?limit=%u", limit);
	}
	call = create_call(api, kind, NULL, &url);
	return call ? begin_call(call, deadline, done, arg, ret_call) : -ENOMEM;
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
