/* SPDX-License-Identifier: MIT */
/* Checks of URLs and header values, which need no transfer. */
#include "pinefs/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "pinefs/text.h"

/* A hundred years in seconds: as good as for ever, and doesn't overflow in ns. */
#define FOR_EVER INT64_C(3155760000)

/*
 * 127.0.0.0/8, ::1, and the name localhost, which libcurl resolves to these by itself (RFC 6761,
 * section 6.3), whatever the resolver says.
 */
static bool is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;
	char bare[64];
	size_t length = strlen(host);

	if (!strcasecmp(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (length < 3 || length >= sizeof(bare) || host[0] != '[')
		return false;
	memcpy(bare, host + 1, length - 2);
	bare[length - 2] = '\0';
	return inet_pton(AF_INET6, bare, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int refuse(const char *url, const char *why, char *text, size_t size)
{
	char shown[300];

	(void)snprintf(text, size, "%s: %s", pfs_escape(url, shown, sizeof(shown)), why);
	return -EINVAL;
}

static bool has_part(CURLU *parsed, CURLUPart part)
{
	char *value = NULL;
	bool has = !curl_url_get(parsed, part, &value, 0);

	curl_free(value);
	return has;
}

static int check_parsed(CURLU *parsed, const char *url, const char *scheme, const char *host,
			char *text, size_t size)
{
	/* The URL may hold a password: it is not quoted then. */
	if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
		return refuse("the API's URL", "must not hold a user or password", text, size);
	if (has_part(parsed, CURLUPART_QUERY) || has_part(parsed, CURLUPART_FRAGMENT))
		return refuse(url, "must not hold a query or fragment", text, size);
	if (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)
		return refuse(url, "must begin with https://", text, size);
	if (!strcasecmp(scheme, "http") && !is_loopback(host))
		return refuse(url,
			      "plain http would send the API key in clear; use https:// "
			      "(http:// is for loopback only)",
			      text, size);
	return 0;
}

int pfs_http_check_url(const char *url, char *text, size_t size)
{
	CURLU *parsed = curl_url();
	char *scheme = NULL, *host = NULL;
	CURLUcode code;
	int error;

	if (!parsed)
		return -ENOMEM;
	code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
	if (code == CURLUE_BAD_PORT_NUMBER)
		error = refuse(url, "the port must be a number from 0 to 65535", text, size);
	else if (code || curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) ||
		 curl_url_get(parsed, CURLUPART_HOST, &host, 0))
		error = refuse(url, "is no URL that pinefs can use", text, size);
	else
		error = check_parsed(parsed, url, scheme, host, text, size);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parsed);
	return error;
}

int64_t pfs_http_retry_after(const char *value, int64_t wall_now)
{
	int64_t seconds = 0;
	time_t date;

	if (!*value)
		return -1;
	if (value[strspn(value, "0123456789")]) {
		date = curl_getdate(value, NULL);
		if (date == -1)
			return -1;
		seconds = (int64_t)date - wall_now / PFS_SECOND;
		value = "";
	}
	for (; *value && seconds < FOR_EVER; value++)
		seconds = seconds * 10 + (*value - '0');
	if (seconds > FOR_EVER)
		seconds = FOR_EVER;
	return seconds > 0 ? seconds * PFS_SECOND : 0;
}
