/*
 * emitter.c - another runtime's program: it emits through probe.h alone.
 *
 *     emitter COUNT [FILE] [WORD...]
 *
 * Makes one generator, resumes it COUNT times, and writes a line to stdout after each
 * yield. The same lines go to FILE ("-": none). Words change what happens:
 *
 *     quiet     no lines on stdout
 *     end       abort in the end
 *     kill      kill itself with SIGKILL in the end
 *     fork      forks in the middle; the child emits too, and must not be seen
 *     signals   a timer's signal handler emits all the time
 *     closes    closes all descriptors that it does not know, first of all
 *     churn     makes and drops many objects
 *     many      makes 5000 objects with long names of their own, then drops them all
 *     wait      reads a byte, or the end, of stdin first of all
 *     pause     the same in the middle
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <coroscope/probe.h>

static struct coro_object generator;

static bool said(int argc, char **argv, const char *word)
{
	for (int i = 3; i < argc; i++)
		if (!strcmp(argv[i], word))
			return true;
	return false;
}

static void resume(long i)
{
	struct coro_probe_value value = {.kind = CORO_VALUE_INT, .integer = i};

	coro_probe_event(&generator, i ? CORO_EVENT_SEND : CORO_EVENT_NEXT, CORO_STATE_RUNNING, 0, 0,
					 i ? &value : NULL);
	coro_probe_event(&generator, CORO_EVENT_YIELD, CORO_STATE_SUSPENDED, 0, 0, &value);
}

static struct coro_object alarm_object;

static void on_alarm(int number)
{
	(void)number;
	coro_probe_event(&alarm_object, CORO_EVENT_NOTE, CORO_STATE_CREATED, 0, 0, NULL);
}

static void churn(void)
{
	static char name[32];
	static int count;
	struct coro_object object;

	snprintf(name, sizeof(name), "churned %d", count++ % 1000);
	coro_probe_object_init(&object, CORO_OBJECT_QUEUE, name, CORO_SITE_HERE);
	coro_probe_event(&object, CORO_EVENT_CREATE, CORO_STATE_OPEN, generator.row, 0, NULL);
	coro_probe_event(&object, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&object);
}

static void make_many(void)
{
	enum { MANY = 5000 };
	static struct coro_object objects[MANY];
	static char names[MANY][64];

	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]),
				 "number %d of those that are all there at the same time", i);
		coro_probe_object_init(&objects[i], CORO_OBJECT_QUEUE, names[i], CORO_SITE_HERE);
		coro_probe_event(&objects[i], CORO_EVENT_CREATE, CORO_STATE_OPEN, generator.row, 0, NULL);
	}
	for (int i = 0; i < MANY; i++) {
		coro_probe_event(&objects[i], CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
		coro_probe_object_done(&objects[i]);
	}
}

static void fork_one(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (long i = 1; i < 100; i++)
			resume(i);
		churn();
		exit(coro_probe_segment() == NULL ? 7 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		WEXITSTATUS(status) != 7)
		_exit(3);
}

static void start_alarms(void)
{
	struct itimerval often = {{0, 200}, {0, 200}};

	coro_probe_object_init(&alarm_object, CORO_OBJECT_EVENT, "alarm", CORO_SITE_HERE);
	coro_probe_event(&alarm_object, CORO_EVENT_CREATE, CORO_STATE_CREATED, 0, 0, NULL);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 3;
	bool quiet = said(argc, argv, "quiet"), churns = said(argc, argv, "churn");
	struct itimerval never = {{0, 0}, {0, 0}};
	FILE *file = NULL;

	if (said(argc, argv, "wait"))
		getchar();
	if (said(argc, argv, "closes"))
		for (int fd = 3; fd < 64; fd++)
			close(fd);
	if (argc > 2 && strcmp(argv[2], "-") && !(file = fopen(argv[2], "w")))
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	coro_probe_object_init(&generator, CORO_OBJECT_GENERATOR, "counter", CORO_SITE_HERE);
	coro_probe_event(&generator, CORO_EVENT_CREATE, CORO_STATE_CREATED, 0, 0, NULL);
	if (said(argc, argv, "signals"))
		start_alarms();
	for (long i = 0; i < count; i++) {
		resume(i);
		if (!quiet)
			printf("line %ld\n", i);
		if (file)
			fprintf(file, "line %ld\n", i);
		if (churns)
			churn();
		if (i == count / 2 && said(argc, argv, "fork"))
			fork_one();
		if (i == count / 2 && said(argc, argv, "pause"))
			getchar();
	}
	setitimer(ITIMER_REAL, &never, NULL);
	if (said(argc, argv, "many"))
		make_many();
	if (file && fclose(file))
		return 2;
	if (said(argc, argv, "kill"))
		kill(getpid(), SIGKILL);
	if (said(argc, argv, "end"))
		abort();
	coro_probe_event(&generator, CORO_EVENT_CLOSE, CORO_STATE_DONE, 0, 0, NULL);
	coro_probe_event(&generator, CORO_EVENT_DESTROY, CORO_STATE_NONE, 0, 0, NULL);
	coro_probe_object_done(&generator);
	return 0;
}
