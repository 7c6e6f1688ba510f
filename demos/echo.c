/*
 * echo.c - a TCP server on the loop: sends back what it gets.
 *
 *     echo [PORT] [--connections N]
 *
 * PORT 0, the default, lets the system choose one. The server says where it listens, serves
 * each connection with a task of its own, and with --connections ends when N of them
 * are closed. Try it:
 *
 *     $ build/demos/echo 7000 &
 *     $ nc 127.0.0.1 7000
 *
 * There is no thread here and no callback: a task that finds nothing to receive is suspended,
 * and the loop runs the others until its descriptor is readable.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <coroscope/coro.h>

struct server {
	uint16_t port;
	int64_t limit;           /* connections to serve; 0: no end */
	int64_t closed;          /* connections served */
	struct coro_future *end; /* done when `closed` has reached `limit`, or on an error */
};

struct connection {
	struct server *server;
	int fd;
};

static coro_value echo(int fd)
{
	char buffer[4096];

	for (;;) {
		coro_value got = CORO_TRY(coro_recv(fd, buffer, sizeof(buffer)));

		if (coro_as_int(got) == 0)
			return CORO_NONE;
		CORO_TRY(coro_send_all(fd, buffer, (size_t)coro_as_int(got)));
	}
}

static coro_value serve(coro_value arg)
{
	struct connection connection = *(struct connection *)coro_as_ptr(arg);
	struct server *server = connection.server;
	coro_value result;

	free(coro_as_ptr(arg));
	result = echo(connection.fd);
	coro_close_descriptor(connection.fd);
	if (++server->closed == server->limit && server->end)
		CORO_TRY(coro_future_set_result(server->end, CORO_NONE));

	/* A client that is gone is no reason to complain. */
	return coro_is(result, CORO_ConnectionError) ? CORO_NONE : result;
}

/* A socket that listens, or raised. */
static coro_value open_listener(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		return coro_raise_errno(errno);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 128) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
		coro_value error = coro_raise_errno(errno);

		close(fd);
		return error;
	}
	printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return coro_int(fd);
}

/* Accepts for ever: ends only by an error, or when it is cancelled. */
static coro_value accept_all(struct server *server, int listener)
{
	for (int64_t number = 1;; number++) {
		coro_value accepted = CORO_TRY(coro_accept(listener));
		struct connection *connection = malloc(sizeof(*connection));
		char name[32];

		if (!connection)
			return coro_raise(CORO_MemoryError, "no room for a connection");
		*connection = (struct connection){server, (int)coro_as_int(accepted)};
		snprintf(name, sizeof(name), "client %" PRId64, number);
		/* Nobody awaits it: we give up the handle, and the loop keeps the task alive. */
		coro_task_free(coro_spawn(serve, coro_ptr(connection), name));
	}
}

static coro_value acceptor(coro_value arg)
{
	struct server *server = coro_as_ptr(arg);
	coro_value listener = open_listener(server->port);
	coro_value result = listener;

	if (!coro_raised(listener)) {
		result = accept_all(server, (int)coro_as_int(listener));
		coro_close_descriptor((int)coro_as_int(listener));
	}
	if (server->end && !coro_future_done(server->end))
		CORO_TRY(coro_future_set_exception(server->end, result));
	return CORO_NONE;
}

static coro_value amain(coro_value arg)
{
	struct server *server = coro_as_ptr(arg);
	coro_value result;

	server->end = coro_future_new(CORO_REASON_NONE, NULL);
	coro_task_free(coro_spawn(acceptor, arg, "acceptor"));
	result = coro_await(server->end);
	coro_future_free(server->end);
	server->end = NULL;

	/* What still runs, the acceptor for one, is cancelled by coro_run. */
	return result;
}

static int usage(void)
{
	fprintf(stderr, "usage: echo [PORT] [--connections N]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct server server = {0};

	for (int i = 1; i < argc; i++) {
		bool connections = !strcmp(argv[i], "--connections");
		const char *word = connections ? argv[++i] : argv[i];
		char *end = NULL;
		long long number = word ? strtoll(word, &end, 10) : -1;

		if (number < 0 || *end || end == word || (!connections && number > 65535))
			return usage();
		if (connections)
			server.limit = number;
		else
			server.port = (uint16_t)number;
	}
	return coro_run(amain, coro_ptr(&server));
}
