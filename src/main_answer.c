/* SPDX-License-Identifier: MIT */
/*
 * What to do if the API's first answer is a failure. The text beside it comes from the API, a proxy
 * or libcurl, and says what happened; the advice here depends on numbers only, but for a 400, which
 * may or may not be about the API version.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "main.h"
#include "pinefs/api.h"
#include "pinefs/text.h"

#define OR_NO_CHECK "; --no-check mounts all the same"
#define LATER	    "try again later" OR_NO_CHECK

static const char *about_status(const struct pfs_api_answer *answer)
{
	static const struct {
		int first, last;
		const char *advice;
	} rows[] = {
		/* An answer all the same, but not the API's. */
		{200, 399,
		 "check --api-url, and that no login page of the network is in between" OR_NO_CHECK},
		{401, 401, "check the key, see THE KEY in pinefs(1)"},
		{402, 402, "the project's bill has to be paid first" OR_NO_CHECK},
		{403, 403, "the key lacks a permission" OR_NO_CHECK},
		{404, 405, "check --api-url" OR_NO_CHECK},
		{407, 407, "a proxy is in between, and wants a user and a password" OR_NO_CHECK},
		{408, 408, LATER},
		{421, 421, "check --api-url" OR_NO_CHECK},
		{425, 425, LATER},
		{429, 429, LATER},
		{431, 431, "check $PINECONE_ADDITIONAL_HEADERS"},
		{451, 451, "a law forbids it where you or the API are" OR_NO_CHECK},
		{501, 501, "check --api-url and --api-version" OR_NO_CHECK},
		{505, 505, "check --api-url" OR_NO_CHECK},
		{511, 511, "the network wants you to log in first" OR_NO_CHECK},
		{500, 599, LATER},
	};

	if (answer->status == 400 && strcasestr(answer->text, "version"))
		return "check --api-version";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (answer->status >= rows[i].first && answer->status <= rows[i].last)
			return rows[i].advice;
	}
	return "check --api-url, --api-version and $PINECONE_ADDITIONAL_HEADERS" OR_NO_CHECK;
}

static const char *about_proxy(int status)
{
	if (status == 407)
		return "give it a user and a password that it knows: "
		       "https_proxy=http://USER:PASSWORD@HOST:PORT" OR_NO_CHECK;
	if (status >= 500)
		return "check the network behind it and --api-url, or name the host in "
		       "no_proxy" OR_NO_CHECK;
	return "ask who runs it to let you through to --api-url, or name the host in "
	       "no_proxy" OR_NO_CHECK;
}

/* May libcurl have used a proxy? no_proxy may have kept it from that. */
static bool has_proxy(void)
{
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return true;
	}
	return false;
}

static const char *advice(const struct pfs_api_answer *answer, const char *url)
{
	bool plain = !strncasecmp(url, "http:", 5);

	switch (answer->outcome) {
	case PFS_HTTP_ANSWERED:
		return about_status(answer);
	case PFS_HTTP_PROXY:
		return answer->proxy_status ? about_proxy(answer->proxy_status)
					    : "check https_proxy and all_proxy" OR_NO_CHECK;
	case PFS_HTTP_RESOLVE:
	case PFS_HTTP_CONNECT:
		return has_proxy() && !plain
			       ? "check the network, https_proxy and --api-url" OR_NO_CHECK
			       : "check the network and --api-url" OR_NO_CHECK;
	case PFS_HTTP_TLS:
		return "check --api-url; if the certificate is your own, see --cacert";
	case PFS_HTTP_NO_TLS:
		return "check --api-url: what is there may not speak TLS";
	case PFS_HTTP_BROKEN:
		return plain ? "check --api-url: what is there may speak TLS, or no HTTP" OR_NO_CHECK
			     : LATER;
	case PFS_HTTP_TOO_LARGE:
		return "check --api-url" OR_NO_CHECK;
	default:
		return LATER;
	}
}

void answer_explain(const char *url, const struct pfs_api_answer *answer, char *text, size_t size)
{
	char said[400];

	(void)snprintf(text, size, "%s: %s: %s", url, pfs_escape(answer->text, said, sizeof(said)),
		       advice(answer, url));
}
