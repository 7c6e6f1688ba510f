/*
 * crossed.c - two tasks that take two locks in opposite orders, and wait for each other for ever.
 *
 * Then main says so, and ends.
 */
#include <stdio.h>
#include <coroscope/coro.h>

static struct coro_lock *fork_lock, *knife_lock;

struct pair {
	struct coro_lock *first, *second;
};

static coro_value take_both(coro_value argument)
{
	struct pair *pair = coro_as_ptr(argument);

	CORO_TRY(coro_lock_acquire(pair->first));
	CORO_TRY(coro_sleep(0));
	CORO_TRY(coro_lock_acquire(pair->second));
	return CORO_NONE;
}

static coro_value amain(coro_value unused)
{
	struct pair left, right;

	fork_lock = coro_lock_new("fork");
	knife_lock = coro_lock_new("knife");
	left = (struct pair){fork_lock, knife_lock};
	right = (struct pair){knife_lock, fork_lock};
	coro_spawn(take_both, coro_ptr(&left), "left");
	coro_spawn(take_both, coro_ptr(&right), "right");
	CORO_TRY(coro_sleep(0.01));
	puts("nobody eats");
	return CORO_NONE;
}

int main(void)
{
	int status = coro_run(amain, CORO_NONE);

	coro_lock_free(fork_lock);
	coro_lock_free(knife_lock);
	return status;
}
