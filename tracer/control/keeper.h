#ifndef TRACER_KEEPER_H
#define TRACER_KEEPER_H
/*
 * keeper.h - the little process between the debugger and the program.
 *
 *     debugger ──socket── keeper (session leader, holds the terminal) ──parent── program
 *
 * It exists so that the program is not harmed by the death of the debugger: it keeps the
 * pty's master, so that nobody hangs the terminal up, and when the debugger is gone it goes
 * on reading what the program writes, so that the program does not wait for a full pty. It
 * is the program's parent, tells the debugger when it was stopped and how it ended, and leaves
 * when nobody can write any more.
 */
#include <stdint.h>
#include <sys/types.h>

/* What the keeper tells. */
struct keeper_news {
	enum { KEEPER_STARTED = 1, KEEPER_FAILED, KEEPER_ENDED, KEEPER_STOPPED, KEEPER_CONTINUED } what;
	int32_t number; /* pid; errno of exec; status as from waitpid; signal; 0 */
};

/* What it needs to start the program. All borrowed; descriptors stay the caller's. */
struct keeper_plan {
	const char *path; /* of the program */
	char *const *argv;
	char *const *environment;
	const char *terminal; /* path of the pty's slave; NULL: no pty */
	int stdio[3];         /* the program's; -1: the terminal */
	int launch;           /* socket that the program inherits; -1: none */
	int source[3];        /* where the program's output is read: pty, stdout, stderr; -1 */
	int copy[3];          /* where it is copied to after the debugger's death; -1: nowhere */
	int socket;           /* the keeper's end */
};

/* Forks the keeper. Returns its pid or -errno. */
pid_t keeper_start(const struct keeper_plan *plan);

#endif
