/* SPDX-License-Identifier: MIT */
/* What is sent: the URL, the headers and the body of a request. libcurl's memory and ours are wiped
 * when they are freed, since the headers have the key: see http_memory.c. */
#include "http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int copy_headers(const char *const headers[], struct curl_slist **ret_list)
{
	struct curl_slist *list = NULL;

	for (; *headers; headers++) {
		struct curl_slist *longer = curl_slist_append(list, *headers);

		if (!longer) {
			curl_slist_free_all(list);
			return -ENOMEM;
		}
		list = longer;
	}
	*ret_list = list;
	return 0;
}

void pfs_request_free(struct pfs_http_request *request)
{
	curl_slist_free_all(request->headers);
	pfs_attempt_drop_body(request);
	free(request->url);
	free(request->label);
	free(request->post);
	free(request);
}

struct pfs_http_request *pfs_request_create(struct pfs_http *http, const char *url,
					    const char *const headers[], const char *label)
{
	struct pfs_http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->http = http;
	request->url = strdup(url);
	request->label = strdup(label);
	if (request->url && request->label && !copy_headers(headers, &request->headers))
		return request;
	pfs_request_free(request);
	return NULL;
}
