#ifndef TRACER_FACTS_H
#define TRACER_FACTS_H
/*
 * facts.h - what an object is like at the playhead, beyond its state.
 *
 *     lock         owner, who waits
 *     queue        items, unfinished, who waits to get, to put, to join; of as_completed: how many
 *                  of its children are done
 *     channel      items, who waits to send, to receive, in a select
 *     event        its flag, who waits
 *     semaphore    places that are free, who waits
 *     condition    its lock, who waits
 *     barrier      how many of its parties have come, its phase, who waits
 *     descriptor   who waits
 *     group        the task whose section it is, how many of its tasks are done, those that are not
 *     timeout      the task that it cancels, its deadline
 *     timer        when it is due
 *     task         the deadline of its timeout that is due first
 *
 * Each fact is a key, one word, and words that follow it well: "owner" "left #7". Lists,
 * trees and the screen show the same ones.
 */
#include "session.h"
#include "text.h"

/* `object`: the one that the fact names, 0: none. The strings are valid during the call. */
typedef void facts_function(void *context, const char *key, const char *words, uint64_t object);

/* Tells the facts of an object, one after the other. */
void facts_tell(struct session *session, const struct world_object *object, facts_function *tell,
                void *context);

/* All of them in one line: "owner left #7, waiting right #8 (lock)"; nothing where there is
 * none. */
void text_add_facts(struct text *text, struct session *session, const struct world_object *object);

#endif
