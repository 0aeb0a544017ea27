/* SPDX-License-Identifier: MIT */
/*
 * inject: faults of the transport, carried out on a connection.
 *
 * With serve the only room that knows libmicrohttpd. The streams made here
 * give their bytes when they are asked and pause where a fault wants time.
 */
#ifndef SIM_INJECT_H
#define SIM_INJECT_H

#include "faults.h"

#include <microhttpd.h>

/* An answer that is made while it goes out. Lives inside the request that it answers. */
struct sim_stream {
	enum sim_fault kind;
	struct sim_reply reply; /* what it begins with */
	uint64_t size;		/* of the body, for huge */
	uint64_t sent;		/* bytes, for drip */
	/* Park the connection for @us microseconds; set by the owner. */
	void (*pause)(struct sim_stream *stream, int64_t us);
	bool paused_once; /* since the last byte */
	bool over;	  /* nobody listens any more */
};

/* Break the connection off at once: the peer sees a reset, not an end. */
void sim_inject_reset(struct MHD_Connection *connection);

/*
 * Make the response of a half, drip or huge fault. @stream must outlive the
 * response. Returns -ENOMEM, -E2BIG.
 */
int sim_inject_stream(struct sim_stream *stream, enum sim_fault kind, const cJSON *spec,
		      struct MHD_Response **ret_response);

/* Free what the stream owns. */
void sim_inject_finish(struct sim_stream *stream);

#endif
