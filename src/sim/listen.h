/* SPDX-License-Identifier: MIT */
/*
 * listen: the socket that clients connect to, and how many may.
 *
 * 127.0.0.1 and nothing else: the simulator takes any key that looks like one,
 * so there is no option to show it to a network.
 */
#ifndef SIM_LISTEN_H
#define SIM_LISTEN_H

/*
 * A listening, non-blocking socket on 127.0.0.1:@port (0: any free port), which
 * the caller closes. @ret_port is the port that it got. Returns the
 * descriptor, or what socket, bind and listen give, as -errno.
 */
int sim_listen_open(unsigned int port, unsigned int *ret_port);

/*
 * Take as many descriptors as this process may have; the number of connections
 * that these allow.
 */
unsigned int sim_listen_limit(void);

#endif
