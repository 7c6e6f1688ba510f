#ifndef PROGRAMS_H
#define PROGRAMS_H
/*
 * programs.h - small programs that use all of the runtime, and go on when it has no memory.
 *
 * Each of them ends by itself whatever fails: who gets a MemoryError does without, and who gets NULL
 * too. What must hold nevertheless is checked: no lock is left held, nobody waits for ever, no item
 * is lost that was put.
 */

struct program {
	const char *name;
	void (*run)(void);
};

/* The last one has no name. */
extern const struct program programs[];

#endif
