/* SPDX-License-Identifier: MIT */
#include "inject.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* A body that a client should refuse to read to its end: a little over 16 MiB. */
#define HUGE_SIZE ((double)17 * 1024 * 1024)

#define DRIP_US INT64_C(1000000)

/* Around the filler of a huge body, so that it is JSON all the same. */
static const char head[] = "{\"data\":[],\"pagination\":null,\"filler\":\"";
static const char tail[] = "\"}";

void sim_inject_reset(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	/*
	 * Closing with SO_LINGER 0 would do if libmicrohttpd didn't shut the socket
	 * down first, which the peer sees as an orderly end. Dissolving the
	 * association sends the reset right now.
	 */
	if (info)
		(void)connect(info->connect_fd, &nowhere, sizeof(nowhere));
}

static ssize_t read_half(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct sim_stream *stream = cls;
	size_t half = stream->reply.body.len / 2;
	size_t n = half - (size_t)pos < max ? half - (size_t)pos : max;

	if (n == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	memcpy(buf, stream->reply.body.data + pos, n);
	return (ssize_t)n;
}

static char drip_byte(const struct sim_stream *stream)
{
	const char *begin = "{\"data\":[";
	size_t len = strlen(begin);

	if (stream->reply.body.len > 0) {
		begin = stream->reply.body.data;
		len = stream->reply.body.len;
	}
	return stream->sent < len ? begin[stream->sent] : ' ';
}

static ssize_t read_drip(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct sim_stream *stream = cls;

	if (stream->over)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (stream->sent > 0 && !stream->paused_once) {
		stream->paused_once = true;
		stream->pause(stream, DRIP_US);
		return 0;
	}
	stream->paused_once = false;
	buf[0] = drip_byte(stream);
	stream->sent++;
	return 1;
}

static ssize_t read_huge(void *cls, uint64_t pos, char *buf, size_t max)
{
	const struct sim_stream *stream = cls;
	uint64_t tail_at = stream->size - (sizeof(tail) - 1);
	size_t n = 0;

	if (pos >= stream->size)
		return MHD_CONTENT_READER_END_OF_STREAM;
	for (; n < max && pos + n < stream->size; n++) {
		uint64_t at = pos + n;

		if (at < sizeof(head) - 1)
			buf[n] = head[at];
		else if (at >= tail_at)
			buf[n] = tail[at - tail_at];
		else
			buf[n] = 'x';
	}
	return (ssize_t)n;
}

static struct MHD_Response *make_response(struct sim_stream *stream, bool chunked)
{
	uint64_t size;

	switch (stream->kind) {
	case SIM_FAULT_HALF:
		size = stream->reply.body.len;
		return MHD_create_response_from_callback(size, 4096, read_half, stream, NULL);
	case SIM_FAULT_DRIP:
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 64, read_drip, stream,
							 NULL);
	default:
		size = chunked ? MHD_SIZE_UNKNOWN : stream->size;
		return MHD_create_response_from_callback(size, 65536, read_huge, stream, NULL);
	}
}

static uint64_t huge_size(const cJSON *spec)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(spec, "size");
	double size = item ? item->valuedouble : HUGE_SIZE;
	uint64_t least = sizeof(head) - 1 + sizeof(tail) - 1;

	return size > (double)least ? (uint64_t)size : least;
}

int sim_inject_stream(struct sim_stream *stream, enum sim_fault kind, const cJSON *spec,
		      struct MHD_Response **ret_response)
{
	const cJSON *chunked = cJSON_GetObjectItemCaseSensitive(spec, "chunked");
	int r;

	stream->kind = kind;
	stream->size = huge_size(spec);
	r = sim_faults_reply(kind, spec, &stream->reply);
	if (r < 0)
		return r;
	*ret_response = make_response(stream, cJSON_IsTrue(chunked));
	return *ret_response ? 0 : -ENOMEM;
}

void sim_inject_finish(struct sim_stream *stream)
{
	sim_reply_finish(&stream->reply);
}
