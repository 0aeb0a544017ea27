/* SPDX-License-Identifier: MIT */
/*
 * serve: HTTP on the loopback, one loop, no threads.
 *
 * Takes requests off libmicrohttpd, has them answered by api, faults and
 * control, and keeps those that must wait (latency, delays, silence) parked
 * until they are due or their client has gone.
 */
#ifndef SIM_SERVE_H
#define SIM_SERVE_H

#include "sim.h"

struct sim_server;

/*
 * Listen on 127.0.0.1:@port (0: any free port). @sim is the caller's and must
 * outlive the server. Returns -EADDRINUSE, -EACCES and what else socket, bind
 * and listen give; -EIO if libmicrohttpd refuses; -ENOMEM.
 */
int sim_server_create(struct sim *sim, unsigned int port, struct sim_server **ret_server);

/* The port that it listens on. */
unsigned int sim_server_port(const struct sim_server *server);

/* Serve until @stop_fd is readable. Blocks. Returns 0 or what epoll gave. */
int sim_server_run(struct sim_server *server, int stop_fd);

/* Break off what is under way and free everything. Takes NULL. */
void sim_server_destroy(struct sim_server *server);

#endif
