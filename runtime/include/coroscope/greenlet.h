#ifndef COROSCOPE_GREENLET_H
#define COROSCOPE_GREENLET_H
/*
 * greenlet.h - bodies that switch to each other: Python's package greenlet.
 *
 *     static struct coro_greenlet *ping, *pong;
 *
 *     static coro_value pings(coro_value unused)
 *     {
 *         puts("ping");
 *         CORO_TRY(coro_greenlet_switch(pong, CORO_NONE));
 *         return coro_str("done");
 *     }
 *     static coro_value pongs(coro_value unused)
 *     {
 *         puts("pong");
 *         return coro_greenlet_switch(ping, CORO_NONE);
 *     }
 *     ...
 *     ping = coro_greenlet(pings, CORO_NONE);
 *     pong = coro_greenlet(pongs, CORO_NONE);
 *     coro_value result = coro_greenlet_switch(ping, CORO_NONE);     // "done"
 *
 * A generator gives its values to whoever resumed it. A greenlet says itself who goes on: a
 * switch leaves the one that runs, where it is, for any other one. One of them runs, all others
 * wait in a switch (or have not started), and what is switched to them is what their switch
 * gives. It is
 *
 *     created --switch--> running --switch to another--> suspended --switch, throw--> running
 *        |                   |
 *        +--throw, free      +--return, exception--> dead
 *
 * What is outside of all greenlets that the program made is one too: the thread's main greenlet.
 *
 * Parents. Each but the main one has a parent: the one that ran when it was made. It is
 * where its end goes, and so a tree is what is left of calling:
 *
 *     main
 *      |--- hub            a hub: the program's own scheduler. Its greenlets switch to
 *            |--- worker   it to wait, it switches to whoever can go on; a worker that ends,
 *            |--- worker   or fails, ends into it.
 *
 * Rules (greenlet's documentation, "Switching" and "Parents")
 * - GL1 Making one runs nothing. The first switch starts it: it calls function(argument).
 *   When that argument is None, the function gets what the switch brings, as in Python. When
 *   it is not, the first switch brings None; anything else is one argument too many: the
 *   greenlet ends with TypeError.
 * - GL2 A switch gives what is switched back to the one that made it, by whomever; or raised,
 *   what is thrown into it, or left one whose parent it is.
 * - GL3 The value that the function returns goes to the parent, as if switched to it. So does an
 *   exception that leaves it: it is raised there. GreenletExit is the exception: it is
 *   caught, and becomes the value, not raised.
 * - GL4 A parent that is dead passes on to its own parent; one that has not started is started,
 *   or, by an exception, ended by it. The main greenlet is never dead.
 * - GL5 A switch to a dead greenlet goes to its nearest parent that lives, and that may be who
 *   switches: then it gives the value at once. So does a switch to itself.
 * - GL6 An exception that is thrown into one that has not started ends it without running. Thrown
 *   into a dead one it goes where a switch would go; GreenletExit is a value there.
 * - GL7 It stays with its thread: from another one, GreenletError "cannot switch to a
 *   different thread".
 * - GL8 Each has its own exceptions: what is being handled in the one that switches is no
 *   context for what the other one raises.
 *
 * Together with generators, coroutines and loops
 * - GL9 A greenlet is a base for them, as the thread is: a switch leaves all bodies that run in it,
 *   one within the other, and a switch back goes on in the innermost. Meanwhile they
 *   count as executing: next() of such a generator is ValueError "generator already executing".
 *   A body that is suspended belongs to no greenlet; whichever resumes it runs it.
 * - GL10 The function itself is outside of all bodies, as main is: coro_yield() and coro_await()
 *   there are RuntimeError. What it wants to have awaited, it switches to a coroutine that
 *   awaits it, and gets the result switched back.
 * - GL11 A task that switches stops its whole loop, which runs in the same greenlet, until
 *   that is switched to again. So a task switches to what switches back before the loop is
 *   needed. coro_task_current() is, in a greenlet, the task that it was switched to from.
 * - GL12 Not in a tasklet (tasklet.h), which has its own way to switch: GreenletError "cannot
 *   switch greenlets in a tasklet". The main tasklet is the thread; there it is fine.
 *
 * Beyond Python: the package greenlet 3, whose rules these are, down to the texts of errors.
 *
 * Handles. The one that made it owns it. One that is freed is dead, and its children have its
 * parent for theirs. What is left at the end of its thread is ended as by coro_greenlet_free().
 */
#include "generator.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coro_greenlet;

/* ---- Making and freeing ------------------------------------------------ */

/* A greenlet that will run function(argument); its parent is the one that runs. NULL when memory is
 * out, or in a tasklet. */
#define coro_greenlet(function, argument)                                                          \
	coro_greenlet_named((function), (argument), #function, CORO_SITE_HERE)

/* The same with a name of its own. `name` and `site` are borrowed and must outlive it. */
CORO_API struct coro_greenlet *coro_greenlet_named(coro_function *function, coro_value argument,
												   const char *name, const char *site);

/* Frees it. One that is suspended gets GreenletExit raised before, and as long as that lasts
 * the greenlet that frees it is its parent: there its end goes. An exception that leaves it goes
 * to the report handler. If it switches away instead of ending, "GreenletExit did not kill
 * <greenlet object NAME>" is reported, and it lives, and its handle is valid, until it ends.
 * NULL is fine. One that runs, and the main greenlet, cannot be freed: that ends the program. */
CORO_API void coro_greenlet_free(struct coro_greenlet *greenlet);

/* Frees a greenlet at the end of the block that declares it. */
CORO_API void coro__greenlet_free_at_end(struct coro_greenlet **greenlet);
#define CORO_AUTO_GREENLET __attribute__((cleanup(coro__greenlet_free_at_end)))

/* ---- Switching --------------------------------------------------------- */

/* greenlet.switch(value): leaves the greenlet that runs for this one, whose switch gives `value`.
 * Returns what is switched back, or raised what comes back (GL2). A raised `value` is not
 * switched but returned, as in any other expression. */
CORO_API coro_value coro_greenlet_switch(struct coro_greenlet *greenlet, coro_value value);
#define coro_greenlet_switch(greenlet, value)                                                      \
	CORO__CALLED((coro_greenlet_switch)((greenlet), (value)))

/* greenlet.throw(exception): the same, but its switch raises `exception` (raised or not). None:
 * GreenletExit. */
CORO_API coro_value coro_greenlet_throw(struct coro_greenlet *greenlet, coro_value exception);
#define coro_greenlet_throw(greenlet, exception)                                                   \
	CORO__CALLED((coro_greenlet_throw)((greenlet), (exception)))

/* ---- Looking ----------------------------------------------------------- */

/* getcurrent(): the one that runs; outside of those that the program made, the thread's main
 * greenlet, which is not to be freed. NULL when memory is out, or in a tasklet. */
CORO_API struct coro_greenlet *coro_greenlet_current(void);

/* greenlet.parent: where its end goes; NULL: of the main greenlet. */
CORO_API struct coro_greenlet *coro_greenlet_parent(const struct coro_greenlet *greenlet);

/* greenlet.parent = parent. None, or raised: ValueError "cyclic parent chain" or "parent cannot
 * be on a different thread"; AttributeError "cannot set the parent of a main greenlet". */
CORO_API coro_value coro_greenlet_set_parent(struct coro_greenlet *greenlet,
											 struct coro_greenlet *parent);
#define coro_greenlet_set_parent(greenlet, parent)                                                 \
	CORO__CALLED((coro_greenlet_set_parent)((greenlet), (parent)))

/* greenlet.dead: it has ended. */
CORO_API bool coro_greenlet_dead(const struct coro_greenlet *greenlet);

/* bool(greenlet): it has started, and has not ended. */
CORO_API bool coro_greenlet_active(const struct coro_greenlet *greenlet);

#ifdef __cplusplus
}
#endif
#endif
