#ifndef TRACER_MODEL_STATE_H
#define TRACER_MODEL_STATE_H
/*
 * state.h - what a World is made of. Private to the model.
 *
 *     objects    serial              -> struct node      the World itself
 *     uppers     (below, above)      -> -                who delegates to, or drives, whom
 *     waiters    (awaited, who)      -> -                who waits for whom; of a select, which
 *                                                        waits for several: (SELECTS, it); of
 *                                                        a future that has children also
 *                                                        (PARENTS, it)
 *     ready      (since event, task) -> -                the ready queue
 *     running    ring                -> serial           who has control
 *
 * Invariants
 * - uppers, waiters and ready say nothing that the objects do not say: each of their keys
 *   is a link of an object, looked up from its other end. state_replace() keeps them so.
 *   They are not serialised.
 * - running[r] is STATE_NOT_KNOWN if the trace began in the middle of things; then it is the first
 *   event that tells who has control.
 * - running[r] is the body or task that ring r ran last. It may lag by one event, when a
 *   body has finished: control then is on its way to whoever resumed it (world_running).
 * - Objects and their lists of children are counted references, shared by copies of the
 *   World as the nodes of the trees are, and copied before they are changed.
 */
#include <tracer/world.h>
#include "schema.h"
#include "tree.h"

/* What AWAIT_CHILD and CHANNEL_WAIT events named, in their order: object.children of them. A list is
 * blocks, the last one first: all but that are full, and are shared by copies for good, so that one
 * more for a million costs no copy of them. */
struct children {
	uint32_t references;
	uint32_t room;
	uint64_t before;           /* how many stand in `previous` and those before it */
	struct children *previous; /* one reference; NULL: this is the first */
	uint64_t serials[];
};
#define CHILDREN_BLOCK 512 /* the room of all but the last */

#define STATE_SELECTS   UINT64_MAX
#define STATE_PARENTS   (UINT64_MAX - 1)
#define STATE_NOT_KNOWN UINT64_MAX /* as a serial: nobody's */

struct node {
	uint32_t references;
	struct world_object object;
	struct children *children; /* the last block, one reference; NULL: none */
};

/* The node of a serial in world.objects, as it was found last: most events are about an object that
 * an event was about just before. */
struct recent {
	uint64_t serial; /* 0: none */
	struct node *node;
	uint64_t owned; /* world.copies when the node and the way to it were the World's alone */
};
#define RECENT 256 /* by the low bits of the serial; a power of two */

#define STATE_KINDS  64 /* more than there are; those above share */
#define STATE_STATES 16

struct world {
	struct recent recent[RECENT]; /* of the node in `objects`, whoever else has that, too */
	uint64_t copies;              /* how often it shared all it has, plus 1 */
	uint64_t at;      /* number of the last event */
	int64_t time;     /* its t */
	uint64_t changed; /* serial of the object that it changed; 0: none, or gone */
	uint64_t turn, damage, missing;
	uint64_t lost, lost_at; /* slots; the last event before the last of them */
	struct tree objects, uppers, waiters, ready;
	uint32_t tally[STATE_KINDS][STATE_STATES]; /* objects of each kind in each state */
	uint64_t *running;     /* owned; serials by ring; 0: main, or the loop */
	uint32_t rings;        /* how many of them; <= CORO_RINGS */
	uint32_t ring;         /* the last event's */
	bool late;             /* objects were adopted */
	struct tree_pool pool; /* for the next event */
	struct node *spare;    /* owned; for the next new object, or NULL */
	struct schema schema;
};

extern const struct tree_values state_nodes; /* of world.objects */

/* Memory for one event that changes `serial`, of ring `ring`, and may give it a child, and that
 * `actor` did, who gets a new place (0: nobody does): 0 or -ENOMEM, and the World is the same
 * after either. After it, one change of that object, by the functions below, cannot fail. */
int state_reserve(struct world *world, uint64_t serial, uint64_t actor, uint32_t ring, bool child);

const struct node *state_find(const struct world *world, uint64_t serial); /* NULL: none */
/* The same, which remembers it: for whoever changes the World. */
const struct node *state_look_up(struct world *world, uint64_t serial);

/* Makes the object of that serial be `object`, or adds it, and updates the links. With
 * `child` its list of children gets that one more, else the list stays. */
void state_replace(struct world *world, const struct world_object *object, uint64_t child);
/* Gives an object of the World one more child. 0 or -ENOMEM. */
int state_add_child(struct world *world, uint64_t serial, uint64_t child);
/* The i-th child, of those that it has; looked for from the last one on. */
uint64_t state_child(const struct node *node, uint64_t i);
void state_remove(struct world *world, uint64_t serial);
/* The place of the actor that memory was reserved for. */
void state_set_place(struct world *world, uint64_t actor, uint32_t site, bool is_string);

/* Makes a World of objects that come in the order of their serials: it is empty, and is nobody
 * else's, and has its links only when state_loaded() has been called. */
struct state_loader;
struct state_loader *state_load(struct world *world); /* NULL: memory is out */
/* One more, of which no children are known yet. 0 or -ENOMEM. *ret is borrowed. */
int state_load_object(struct state_loader *loader, const struct world_object *object,
					  struct node **ret);
/* One more child of the last object. 0 or -ENOMEM. */
int state_load_child(struct node *node, uint64_t child);
int state_loaded(struct state_loader *loader); /* 0 or -ENOMEM */
void state_loader_free(struct state_loader *loader);

/* Whom a link down leads to: the delegate, or the coroutine that a task drives. */
uint64_t state_below(const struct world_object *object);

bool state_is_finished(const struct world_object *object);
bool state_is_body(const struct world_object *object);
/* world_running() of any ring. */
const struct world_object *state_running(const struct world *world, uint32_t ring);
/* Has it control, on some ring? */
bool state_has_control(const struct world *world, uint64_t serial);

/* How many objects a walk along links may come to: a trace's links may be circles, and a walk that
 * comes to more than there are goes round in one. */
enum { STATE_DEEPEST = 1 << 16 };
static inline unsigned state_deepest(const struct world *world)
{
	return world->objects.count < STATE_DEEPEST ? (unsigned)world->objects.count : STATE_DEEPEST;
}

#endif
