/*
 * relay.c - threads with a loop each hand a number around in a circle, and others are busy
 * meanwhile.
 *
 *     relay THREADS HOPS [FILE [wait]]
 *
 * Whoever has the number sends it to a generator, which yields it back, and hands on the next
 * one: what is told of a number happened after all that is told of those before. A thread by itself
 * is the main one, and hands on to itself; nobody else is busy then, and with `wait` it has the
 * first number from standard input, a socket. At the end it says so, in FILE if there is one.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <coroscope/coro.h>

#define THREADS_MOST 16

static int number_of_threads;
static int64_t hops;
static int ends[THREADS_MOST][2]; /* from whom a thread hears; to it */
static atomic_bool over;

static coro_value echo(coro_value number)
{
	for (;;)
		number = CORO_TRY(coro_yield(number));
}

static coro_value hand_on(coro_value self)
{
	CORO_AUTO struct coro_generator *echoes = coro_generator(echo, CORO_NONE);
	int next = ((int)coro_as_int(self) + 1) % number_of_threads;
	int64_t number;

	CORO_TRY(coro_next(echoes));
	for (;;) {
		coro_value got = CORO_TRY(coro_recv(ends[coro_as_int(self)][0], &number, sizeof(number)));

		if (coro_as_int(got) != sizeof(number))
			return CORO_NONE;
		CORO_TRY(coro_send(echoes, coro_int(number)));
		number++;
		CORO_TRY(coro_send_all(ends[next][1], &number, sizeof(number)));
		if (number > hops)
			return CORO_NONE;
	}
}

static coro_value work(coro_value unused)
{
	CORO_AUTO struct coro_generator *echoes = coro_generator(echo, CORO_NONE);

	CORO_TRY(coro_next(echoes));
	while (!over) {
		for (int i = 0; i < 100; i++)
			CORO_TRY(coro_send(echoes, CORO_NONE));
		CORO_TRY(coro_sleep(0));
	}
	return CORO_NONE;
}

static coro_value wait_and_hand_on(coro_value self)
{
	int64_t first;

	CORO_TRY(coro_recv(STDIN_FILENO, &first, sizeof(first)));
	CORO_TRY(coro_send_all(ends[0][1], &first, sizeof(first)));
	return hand_on(self);
}

static void *run_hand_on(void *self)
{
	coro_run(hand_on, coro_int((int64_t)(intptr_t)self));
	return NULL;
}

static void *run_work(void *unused)
{
	coro_run(work, CORO_NONE);
	return NULL;
}

int main(int argc, char **argv)
{
	FILE *file = argc > 3 ? fopen(argv[3], "w") : stdout;
	pthread_t threads[THREADS_MOST], busy[2];
	int64_t first = 1;

	number_of_threads = argc > 1 ? atoi(argv[1]) : 2;
	hops = argc > 2 ? atoll(argv[2]) : 1000;
	if (!file || number_of_threads < 1 || number_of_threads > THREADS_MOST)
		return 2;
	for (int i = 0; i < number_of_threads; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[i]))
			return 1;
	if (argc <= 4 && send(ends[0][1], &first, sizeof(first), 0) != sizeof(first))
		return 1;
	if (argc > 4) {
		coro_run(wait_and_hand_on, coro_int(0));
	} else if (number_of_threads == 1) {
		coro_run(hand_on, coro_int(0));
	} else {
		for (int i = 0; i < 2; i++)
			pthread_create(&busy[i], NULL, run_work, NULL);
		for (intptr_t i = 0; i < number_of_threads; i++)
			pthread_create(&threads[i], NULL, run_hand_on, (void *)i);
		for (int i = 0; i < number_of_threads; i++)
			pthread_join(threads[i], NULL);
		over = true;
		for (int i = 0; i < 2; i++)
			pthread_join(busy[i], NULL);
	}
	fprintf(file, "%" PRId64 " handed on\n", hops);
	return fclose(file) ? 1 : 0;
}
