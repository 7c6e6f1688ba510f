/* arena.c - a list of chunks, the newest first; see arena.h. */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16384, ALIGNMENT = 16 };

struct arena_chunk {
	struct arena_chunk *before;
	size_t filled, room;
	_Alignas(ALIGNMENT) unsigned char bytes[];
};

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
	size_t room = size > CHUNK ? size : CHUNK;
	struct arena_chunk *chunk =
		arena->used + room <= arena->most ? malloc(sizeof *chunk + room) : NULL;

	if (!chunk)
		return NULL;
	*chunk = (struct arena_chunk){.before = arena->last, .room = room};
	arena->last = chunk;
	arena->used += room;
	return chunk;
}

void *arena_take(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->last;
	void *taken;

	if (size < arena->most)
		size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!chunk || chunk->room - chunk->filled < size)
		chunk = add_chunk(arena, size);
	if (!chunk) {
		arena->failed = true;
		return NULL;
	}
	taken = chunk->bytes + chunk->filled;
	chunk->filled += size;
	return memset(taken, 0, size);
}

char *arena_string(struct arena *arena, const char *text)
{
	size_t length = strlen(text) + 1;
	char *copy = arena_take(arena, length);

	return copy ? memcpy(copy, text, length) : NULL;
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark){
		.last = arena->last,
		.filled = arena->last ? arena->last->filled : 0,
	};
}

void arena_return(struct arena *arena, struct arena_mark mark)
{
	while (arena->last != mark.last) {
		struct arena_chunk *before = arena->last->before;

		arena->used -= arena->last->room;
		free(arena->last);
		arena->last = before;
	}
	if (arena->last)
		arena->last->filled = mark.filled;
}

void arena_done(struct arena *arena)
{
	arena_return(arena, (struct arena_mark){0});
}
