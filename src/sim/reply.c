/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sim_reply_header(struct sim_reply *reply, const char *name, const char *value)
{
	unsigned int n = reply->n_headers;

	if (n == SIM_REPLY_HEADERS)
		return -E2BIG;
	reply->headers[n].name = strdup(name);
	reply->headers[n].value = strdup(value);
	reply->n_headers++; /* also when one failed: finish frees the other */
	return reply->headers[n].name && reply->headers[n].value ? 0 : -ENOMEM;
}

int sim_reply_start(struct sim_reply *reply, unsigned int status, const char *type)
{
	reply->status = status;
	return sim_reply_header(reply, "Content-Type", type);
}

static const char *code_of(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *code;
	} codes[] = {
		{400, "INVALID_ARGUMENT"},
		{401, "UNAUTHENTICATED"},
		{402, "PAYMENT_REQUIRED"},
		{403, "PERMISSION_DENIED"},
		{404, "NOT_FOUND"},
		{405, "METHOD_NOT_ALLOWED"},
		{408, "TIMEOUT"},
		{409, "ALREADY_EXISTS"},
		{412, "FAILED_PRECONDITION"},
		{413, "PAYLOAD_TOO_LARGE"},
		{422, "UNPROCESSABLE_ENTITY"},
		{429, "RESOURCE_EXHAUSTED"},
		{501, "UNIMPLEMENTED"},
		{502, "UNAVAILABLE"},
		{503, "UNAVAILABLE"},
		{504, "DEADLINE_EXCEEDED"},
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].status == status)
			return codes[i].code;
	}
	return "UNKNOWN";
}

int sim_reply_error(struct sim_reply *reply, unsigned int status, const char *code,
		    const char *message)
{
	sim_text_str(&reply->body, "{\"error\":{\"code\":");
	sim_text_quoted(&reply->body, code ? code : code_of(status));
	sim_text_str(&reply->body, ",\"message\":");
	sim_text_quoted(&reply->body, message);
	sim_text_str(&reply->body, "},\"status\":");
	sim_text_number(&reply->body, status);
	sim_text_char(&reply->body, '}');
	return sim_reply_start(reply, status, "application/json");
}

int sim_reply_missing(struct sim_reply *reply, const char *noun, const char *id)
{
	struct sim_text message = {0};
	char *str;
	int r;

	sim_text_str(&message, noun);
	sim_text_char(&message, ' ');
	sim_text_str(&message, id);
	sim_text_str(&message, " not found.");
	str = sim_text_take(&message);
	r = str ? sim_reply_error(reply, 404, NULL, str) : -ENOMEM;
	free(str);
	return r;
}

void sim_reply_finish(struct sim_reply *reply)
{
	for (unsigned int i = 0; i < reply->n_headers; i++) {
		free(reply->headers[i].name);
		free(reply->headers[i].value);
	}
	sim_text_finish(&reply->body);
	*reply = (struct sim_reply){0};
}
