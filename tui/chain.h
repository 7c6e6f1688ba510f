#ifndef TUI_CHAIN_H
#define TUI_CHAIN_H
/*
 * chain.h - who stands above whom, and what passed between them.
 *
 *     loop                         a level is an object; above each level is a link, with
 *      │ ▼ next                    the last thing that went down through it and the last
 *     main #3          await       that came up.
 *      │ ▼ send 4   ▲ yield 1
 *     internal #4      suspended   An event between a resumer and the innermost body passes
 *                                  all links between the two.
 *
 * A body that runs because another body resumed it (not by delegation) has that one's chain
 * above its own, as on a call stack.
 */
#include <stddef.h>
#include <tracer/session.h>

enum { CHAIN_LEVELS = 64 };

struct chain_level {
	uint64_t serial;
	uint64_t down_at; /* event that went down through the link above it last; 0: none did */
	uint64_t up_at;   /* event that came up */
	bool called;      /* resumed by the level above, not delegated to or driven by it */
};

struct chain {
	struct chain_level level[CHAIN_LEVELS];
	size_t count;
	size_t subject; /* its level */
	bool cut;       /* there were more */
	bool outer;     /* somebody resumed the outermost level: main, or who `resumer` says */
	uint64_t resumer; /* 0: main; of a task: the loop */
};

void chain_make(struct session *session, uint64_t subject, struct chain *ret);

#endif
