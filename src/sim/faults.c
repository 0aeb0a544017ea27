/* SPDX-License-Identifier: MIT */
#include "faults.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How deep "deep" is: more than any JSON parser should follow. */
#define DEPTH 10000

static const cJSON *get(const cJSON *spec, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(spec, key);
}

static const char *get_string(const cJSON *spec, const char *key)
{
	return cJSON_GetStringValue(get(spec, key));
}

static int parse_kind(const cJSON *spec)
{
	static const struct {
		const char *name;
		enum sim_fault kind;
	} kinds[] = {
		{"status", SIM_FAULT_STATUS}, {"garbage", SIM_FAULT_GARBAGE},
		{"deep", SIM_FAULT_DEEP},     {"redirect", SIM_FAULT_REDIRECT},
		{"reset", SIM_FAULT_RESET},   {"silence", SIM_FAULT_SILENCE},
		{"half", SIM_FAULT_HALF},     {"drip", SIM_FAULT_DRIP},
		{"huge", SIM_FAULT_HUGE},
	};
	const char *name = get_string(spec, "kind");

	if (!name)
		return get(spec, "status") || get(spec, "body") ? SIM_FAULT_STATUS : SIM_FAULT_NONE;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return (int)kinds[i].kind;
	}
	return -EINVAL;
}

static bool is_between(const cJSON *item, double least, double most)
{
	double value = cJSON_GetNumberValue(item);

	return value >= least && value <= most; /* false for NaN, which is no number */
}

static bool is_match(const cJSON *item)
{
	const char *match = cJSON_GetStringValue(item);

	return match &&
	       (match[0] == '/' || strcmp(match, "any") == 0 || strcmp(match, "describe") == 0 ||
		strcmp(match, "list") == 0 || sim_kind_find(match) >= 0);
}

static bool is_headers(const cJSON *headers)
{
	const cJSON *item;

	if (!cJSON_IsObject(headers) || cJSON_GetArraySize(headers) > 24)
		return false;
	cJSON_ArrayForEach(item, headers) {
		if (!cJSON_IsString(item))
			return false;
	}
	return true;
}

static bool is_good(const cJSON *item)
{
	static const char *const strings[] = {"retry_after", "body", "content_type", "kind",
					      "location"};
	const char *key = item->string;

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (strcmp(strings[i], key) == 0)
			return cJSON_IsString(item);
	}
	if (strcmp(key, "match") == 0)
		return is_match(item);
	if (strcmp(key, "count") == 0)
		return is_between(item, 0, 1e9);
	if (strcmp(key, "status") == 0)
		return is_between(item, 200, 599);
	if (strcmp(key, "delay") == 0)
		return is_between(item, 0, 1e6);
	if (strcmp(key, "size") == 0)
		return is_between(item, 1, 1e12);
	if (strcmp(key, "headers") == 0)
		return is_headers(item);
	return (strcmp(key, "chunked") == 0 || strcmp(key, "carried_out") == 0) &&
	       cJSON_IsBool(item);
}

static int check(const cJSON *spec, const char **ret_why)
{
	const cJSON *item;

	if (!cJSON_IsObject(spec)) {
		*ret_why = "a rule is an object";
		return -EINVAL;
	}
	cJSON_ArrayForEach(item, spec) {
		if (!is_good(item)) {
			*ret_why = item->string;
			return -EINVAL;
		}
	}
	if (!get(spec, "match")) {
		*ret_why = "match (each rule needs one)";
		return -EINVAL;
	}
	return 0;
}

int sim_faults_add(struct sim_faults *faults, const cJSON *spec, const char **ret_why)
{
	double count = cJSON_GetNumberValue(get(spec, "count"));
	struct sim_rule rule = {.left = count > 0 ? (int64_t)count : -1};
	int r = check(spec, ret_why);
	int kind;

	if (r < 0)
		return r;
	kind = parse_kind(spec);
	if (kind < 0) {
		*ret_why = "kind";
		return kind;
	}
	if (faults->n == SIM_RULES_MAX) {
		*ret_why = "too many rules";
		return -ENOSPC;
	}
	rule.kind = (enum sim_fault)kind;
	rule.spec = cJSON_Duplicate(spec, true);
	if (!rule.spec)
		return -ENOMEM;
	faults->rules[faults->n++] = rule;
	return 0;
}

/* Is this path /name or below it? */
static bool is_within(const char *path, const char *name)
{
	size_t n = strlen(name);

	return path[0] == '/' && strncmp(path + 1, name, n) == 0 &&
	       (path[n + 1] == '\0' || path[n + 1] == '/');
}

static bool takes(const struct sim_rule *rule, enum sim_route route, const char *path)
{
	const char *match = get_string(rule->spec, "match");

	if (rule->left == 0)
		return false;
	if (match[0] == '/')
		return strcmp(match, path) == 0;
	if (strcmp(match, "describe") == 0)
		return route == SIM_ROUTE_DESCRIBE;
	if (strcmp(match, "list") == 0)
		return route == SIM_ROUTE_LIST;
	return strcmp(match, "any") == 0 || is_within(path, match);
}

const struct sim_rule *sim_faults_match(struct sim_faults *faults, enum sim_route route,
					const char *path)
{
	for (size_t i = 0; i < faults->n; i++) {
		struct sim_rule *rule = &faults->rules[i];

		if (!takes(rule, route, path))
			continue;
		if (rule->left > 0)
			rule->left--;
		rule->hits++;
		return rule;
	}
	return NULL;
}

int64_t sim_faults_delay(const cJSON *spec)
{
	const cJSON *delay = get(spec, "delay");

	return delay ? (int64_t)llround(delay->valuedouble * 1e6) : 0;
}

bool sim_faults_loses_answer(const cJSON *spec)
{
	return cJSON_IsTrue(get(spec, "carried_out"));
}

static void write_deep(struct sim_text *text)
{
	sim_text_str(text, "{\"data\":");
	for (int i = 0; i < DEPTH; i++)
		sim_text_char(text, '[');
	for (int i = 0; i < DEPTH; i++)
		sim_text_char(text, ']');
	sim_text_str(text, ",\"pagination\":null}");
}

static const char *default_message(unsigned int status)
{
	switch (status) {
	case 403:
		return "Access denied: Permission control::backups::list is required";
	case 404:
		return "Resource not found";
	case 429:
		return "Too many requests";
	case 500:
		return "Internal server error";
	case 503:
		return "Service unavailable";
	default:
		return "Simulated failure";
	}
}

static int add_headers(const cJSON *spec, struct sim_reply *reply)
{
	const char *after = get_string(spec, "retry_after");
	const char *location = get_string(spec, "location");
	const cJSON *item;
	int r = 0;

	if (after)
		r = sim_reply_header(reply, "Retry-After", after);
	if (r == 0 && location)
		r = sim_reply_header(reply, "Location", location);
	cJSON_ArrayForEach(item, get(spec, "headers")) {
		if (r == 0)
			r = sim_reply_header(reply, item->string, item->valuestring);
	}
	return r;
}

static int write_body(enum sim_fault kind, const cJSON *spec, unsigned int status,
		      struct sim_reply *reply)
{
	const char *type = get_string(spec, "content_type");
	const char *body = get_string(spec, "body");

	if (!body && kind == SIM_FAULT_STATUS && status >= 400)
		return sim_reply_error(reply, status, NULL, default_message(status));
	if (body)
		sim_text_str(&reply->body, body);
	else if (kind == SIM_FAULT_GARBAGE)
		sim_text_str(&reply->body, "\x01\xfe{not json]]");
	else if (kind == SIM_FAULT_DEEP)
		write_deep(&reply->body);
	else if (kind == SIM_FAULT_HALF)
		sim_text_str(&reply->body, "{\"data\":[],\"pagination\":null,\"filler\":\"....\"}");
	return sim_reply_start(reply, status, type ? type : "application/json");
}

int sim_faults_reply(enum sim_fault kind, const cJSON *spec, struct sim_reply *ret_reply)
{
	const cJSON *item = get(spec, "status");
	unsigned int status = kind == SIM_FAULT_REDIRECT ? 302 : 200;
	int r;

	if (item)
		status = (unsigned int)item->valueint;
	r = write_body(kind, spec, status, ret_reply);
	if (r == 0)
		r = add_headers(spec, ret_reply);
	return r < 0 ? r : sim_text_error(&ret_reply->body);
}

void sim_faults_render(const struct sim_faults *faults, struct sim_text *text)
{
	sim_text_char(text, '[');
	for (size_t i = 0; i < faults->n; i++) {
		char *spec = cJSON_PrintUnformatted(faults->rules[i].spec);

		if (!spec) {
			text->failed = true;
			return;
		}
		sim_text_str(text, i > 0 ? ",{\"rule\":" : "{\"rule\":");
		sim_text_str(text, spec);
		sim_text_str(text, ",\"hits\":");
		sim_text_number(text, (int64_t)faults->rules[i].hits);
		sim_text_char(text, '}');
		cJSON_free(spec);
	}
	sim_text_char(text, ']');
}

void sim_faults_clear(struct sim_faults *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		cJSON_Delete(faults->rules[i].spec);
	faults->n = 0;
}
