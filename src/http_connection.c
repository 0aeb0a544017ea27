/* SPDX-License-Identifier: MIT */
/*
 * Which connections are open, and which of them may carry new attempts.
 *
 * A connection can die silently: the peer is gone, a NAT forgot it, our own address has changed.
 * libcurl doesn't notice where we end an attempt ourselves, and goes on reusing the connection; an
 * HTTP/2 connection that is always in use, for as long as the kernel tries to send. So each socket
 * is in a list from its opening to its closing, and each attempt knows which one it was sent on. A
 * connection that isn't trusted any more is shut down: libcurl finds it closed, as if the peer had
 * closed it. CURLOPT_FORBID_REUSE and CURLOPT_MAXLIFETIME_CONN affect only idle connections, and
 * CURLOPT_FRESH_CONNECT leaves the dead one to later attempts.
 *
 * A connection is
 *
 *	being made	no attempt was sent on it yet: libcurl's own business
 *	in use		an attempt was sent on it, and hasn't ended
 *	idle		all attempts on it have ended; shut down at the first doubt
 *	retired		gets no further attempt; shut down once those on it have ended
 */
#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
	TAILQ_ENTRY(connection) link;
	int fd;		  /* libcurl's */
	uint64_t number;  /* from 1 on */
	int64_t heard_at; /* monotonic: opened, or brought a part of an answer */
	unsigned users;	  /* attempts that are on it now */
	bool used;	  /* there was one */
	bool retired;
};

/* --- the list ------------------------------------------------------------------------------ */

static void forget(struct pfs_http *http, int fd)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &http->connections, link) {
		if (connection->fd == fd) {
			TAILQ_REMOVE(&http->connections, connection, link);
			free(connection);
			break;
		}
	}
}

/* libcurl 7.88 itself closes a socket that it abandons before it is connected; we aren't called. */
curl_socket_t pfs_connection_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct pfs_http *http = arg;
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return CURL_SOCKET_BAD;
	connection->fd =
		socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (connection->fd < 0) {
		free(connection);
		return CURL_SOCKET_BAD;
	}
	forget(http, connection->fd);
	connection->number = ++http->connections_opened;
	connection->heard_at = pfs_loop_now(http->loop);
	TAILQ_INSERT_HEAD(&http->connections, connection, link);
	return connection->fd;
}

int pfs_connection_close(void *arg, curl_socket_t fd)
{
	forget(arg, fd);
	return close(fd);
}

void pfs_connections_forget(struct pfs_http *http)
{
	struct connection *connection;

	while ((connection = TAILQ_FIRST(&http->connections))) {
		TAILQ_REMOVE(&http->connections, connection, link);
		free(connection);
	}
}

static struct connection *find(const struct pfs_http *http, uint64_t number)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &http->connections, link) {
		if (connection->number == number)
			return connection;
	}
	return NULL;
}

/* Is this the socket's local address? */
static bool is_local(int fd, const char *ip, int port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} name = {0};
	socklen_t size = sizeof(name);
	char text[INET6_ADDRSTRLEN] = "";
	bool is_six;

	if (getsockname(fd, &name.any, &size))
		return false;
	is_six = name.any.sa_family == AF_INET6;
	if (ntohs(is_six ? name.six.sin6_port : name.four.sin_port) != port)
		return false;
	(void)inet_ntop(name.any.sa_family,
			is_six ? (void *)&name.six.sin6_addr : (void *)&name.four.sin_addr, text,
			sizeof(text));
	return !strcmp(text, ip);
}

/* --- attempts on a connection -------------------------------------------------------------- */

bool pfs_connection_take(struct pfs_http_request *request, const char *ip, int port)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &request->http->connections, link) {
		if (!is_local(connection->fd, ip, port))
			continue;
		if (connection->retired)
			return false;
		connection->used = true;
		connection->users++;
		request->connection = connection->number;
		break;
	}
	return true;
}

void pfs_connection_heard(const struct pfs_http_request *request)
{
	struct connection *connection = find(request->http, request->connection);

	if (connection)
		connection->heard_at = pfs_loop_now(request->http->loop);
}

void pfs_connection_leave(struct pfs_http_request *request)
{
	struct connection *connection = find(request->http, request->connection);

	request->connection = 0;
	if (connection && !--connection->users && connection->retired)
		(void)shutdown(connection->fd, SHUT_RDWR);
}

/* --- doubt --------------------------------------------------------------------------------- */

/*
 * From 8.16 on libcurl can be notified, and needs it: it checks at most once a second whether an
 * idle connection is still open. Before that, and where it chooses a retired one all the same,
 * pfs_connection_take refuses. Names of hosts may have other addresses now, too.
 */
static void notify_libcurl(struct pfs_http *http)
{
#ifdef CURLMNWC_CLEAR_CONNS
	curl_multi_setopt(http->multi, CURLMOPT_NETWORK_CHANGED,
			  (long)(CURLMNWC_CLEAR_CONNS | CURLMNWC_CLEAR_DNS));
#endif
}

void pfs_connections_drop_idle(struct pfs_http *http, const struct pfs_http_request *except)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &http->connections, link) {
		unsigned others = connection->users;

		if (except && except->connection == connection->number)
			others--;
		if (connection->used && !others) {
			connection->retired = true;
			(void)shutdown(connection->fd, SHUT_RDWR);
		}
	}
}

void pfs_connections_retire(struct pfs_http *http)
{
	struct connection *connection;

	pfs_connections_drop_idle(http, NULL);
	TAILQ_FOREACH(connection, &http->connections, link)
		connection->retired = true;
	notify_libcurl(http);
}

/* When the oldest of the attempts on this connection was sent. */
static int64_t used_since(const struct pfs_http *http, const struct connection *connection)
{
	const struct pfs_http_request *request;
	int64_t since = pfs_loop_now(http->loop);

	TAILQ_FOREACH(request, &http->requests, link) {
		if (request->connection == connection->number && request->sent_at < since)
			since = request->sent_at;
	}
	return since;
}

/*
 * Half of a request's time is enough for an answer. An attempt that was sent later than that, since
 * it waited for the budget or wasn't the first, proves nothing about the connection.
 */
bool pfs_connection_is_dead(const struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;
	struct connection *connection = find(http, request->connection);
	int64_t now = pfs_loop_now(http->loop), since;
	int64_t enough = (request->deadline - request->asked_at) / 2;

	if (!connection)
		return false;
	since = used_since(http, connection);
	if (now - (connection->heard_at > since ? connection->heard_at : since) >= enough) {
		connection->retired = true;
		(void)shutdown(connection->fd, SHUT_RDWR);
		notify_libcurl(http);
		return true;
	}
	/* It answers others; but new attempts had better use another. */
	if (now - request->sent_at >= enough) {
		connection->retired = true;
		notify_libcurl(http);
	}
	return false;
}
