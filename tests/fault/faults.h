#ifndef FAULTS_H
#define FAULTS_H
/*
 * faults.h - the n-th taking of memory fails.
 *
 * Linked with a runtime that was built with CORO_FAULTS, and with the linker's --wrap for what it
 * calls of the C library: malloc and its like, mmap, and the descriptors that it makes. Each of these
 * calls, and each object out of a pool, is one taking. The tests' own files are compiled with
 * own_memory.h, so that theirs never fail and do not count.
 *
 *     takings   1   2   3   4   5   6 ...
 *     once      .   .   X   .   .   .          the third alone fails
 *     for good  .   .   X   X   X   X          the third and all that follow
 */
#include <stdbool.h>
#include <stddef.h>

/* From now on the n-th taking fails, counted from 1; 0: none does. */
void faults_arm(size_t n, bool for_good);
/* Nothing fails any more. How many takings there were; *ret_failed: one of them failed. */
size_t faults_disarm(bool *ret_failed);

/* What the runtime holds: blocks, and mappings but for the table of rows, which is the process's. */
size_t faults_blocks(void);
size_t faults_mappings(void);

/* A child that dies of a signal, hangs, or says that something is wrong. Runs `program` in a new
 * process, there in a thread of its own, with the n-th taking failing, and looks whether anything
 * was left. */
enum faults_result {
	FAULTS_PASSED, /* fewer takings than n: nothing failed */
	FAULTS_FAILED, /* one did, and nothing else is wrong */
	FAULTS_BROKEN, /* it has said what */
};
enum faults_result faults_run(void (*program)(void *context), void *context, size_t n,
							  bool for_good);

/* In a program: ends the process here and now, without looking at what is left. */
void faults_leave(int status) __attribute__((noreturn));

/* In a program: ends the process as broken. */
void faults_wrong(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
