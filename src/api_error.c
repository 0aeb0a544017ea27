/* SPDX-License-Identifier: MIT */
/* What a failure means: its errno, the fate of a command, and words for people. */
#include "api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pinefs/json.h"
#include "pinefs/text.h"

#define MAX_TEXT 500 /* characters of an error that are shown */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The one table from HTTP to errno: the first row that fits counts. A command is told more, and by
 * error.code where the same status means several things; the texts differ from day to day. */
static const struct {
	int first, last;
	const char *code; /* NULL: any, or none */
	int error;
	bool command; /* only what a command is told */
} by_status[] = {
	{200, 299, NULL, 0, false},
	{300, 399, NULL, -EREMOTEIO, false},
	{400, 400, NULL, -EINVAL, true},
	{401, 401, NULL, -EACCES, false},
	{402, 402, NULL, -EPERM, true},
	{403, 403, "FORBIDDEN", -EDQUOT, true}, /* a quota, or deletion protection */
	{403, 403, NULL, -EACCES, false},	/* PERMISSION_DENIED */
	{404, 404, NULL, -ENOENT, false},
	{408, 408, NULL, -ETIMEDOUT, false},
	{409, 409, NULL, -EEXIST, true},
	{412, 412, NULL, -EBUSY, true},
	{422, 422, NULL, -EINVAL, true},
	{429, 429, NULL, -EAGAIN, true},
	{429, 429, NULL, -EBUSY, false},
};

/* Copy a string to out, if it isn't empty. */
static bool take_text(struct pfs_json_value value, char *out, size_t size)
{
	if (value.type != PFS_JSON_STRING || !value.length)
		return false;
	(void)snprintf(out, size, "%.*s", (int)value.length, value.text);
	return true;
}

/* error.code of an answer's body, or "". */
static void read_code(const struct pfs_http_answer *http, char *out, size_t size)
{
	struct pfs_json json = {0};

	if (!pfs_json_parse(http->body, http->length, PFS_JSON_DEPTH, &json))
		(void)take_text(pfs_json_at(&json, "error.code"), out, size);
	pfs_json_finish(&json);
}

int pfs_api_errno(enum pfs_http_outcome outcome, int status)
{
	static const int by_outcome[] = {
		[PFS_HTTP_RESOLVE] = -EHOSTUNREACH, [PFS_HTTP_CONNECT] = -EHOSTUNREACH,
		[PFS_HTTP_PROXY] = -EHOSTUNREACH,   [PFS_HTTP_TLS] = -EPROTO,
		[PFS_HTTP_NO_TLS] = -EPROTO,	    [PFS_HTTP_TIMEOUT] = -ETIMEDOUT,
		[PFS_HTTP_BROKEN] = -EIO,	    [PFS_HTTP_TOO_LARGE] = -EFBIG,
		[PFS_HTTP_NO_MEMORY] = -ENOMEM,
	};

	if (outcome != PFS_HTTP_ANSWERED)
		return by_outcome[outcome];
	for (size_t i = 0; i < COUNT(by_status); i++) {
		if (status >= by_status[i].first && status <= by_status[i].last &&
		    !by_status[i].command)
			return by_status[i].error;
	}
	return -EIO;
}

int pfs_api_command_errno(const struct pfs_http_answer *http)
{
	char code[64] = "";

	if (http->outcome != PFS_HTTP_ANSWERED)
		return pfs_api_errno(http->outcome, http->status);
	read_code(http, code, sizeof(code));
	for (size_t i = 0; i < COUNT(by_status); i++) {
		if (http->status >= by_status[i].first && http->status <= by_status[i].last &&
		    (!by_status[i].code || !strcmp(by_status[i].code, code)))
			return by_status[i].error;
	}
	return -EIO;
}

/*
 * An answer of 3xx or 4xx says that it wasn't carried out; but not one that says that the server
 * was too slow. One of 5xx says nothing: a gateway may have lost the answer of who carried it out.
 */
enum pfs_api_fate pfs_api_fate(const struct pfs_http_answer *http)
{
	if (!http->sent)
		return PFS_FATE_NOT_DONE;
	if (http->outcome != PFS_HTTP_ANSWERED)
		return PFS_FATE_UNKNOWN;
	if (http->status >= 200 && http->status < 300)
		return PFS_FATE_DONE;
	return http->status >= 300 && http->status < 500 && http->status != 408 ? PFS_FATE_NOT_DONE
										: PFS_FATE_UNKNOWN;
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
void pfs_api_explain(const struct pfs_http_answer *http, char *out, size_t size)
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
