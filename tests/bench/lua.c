/* lua.c - Lua's coroutines: what a fast interpreter needs for the same. */
#include "subject.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>

/* Each operation is a function of this chunk. */
static const char chunk[] =
	"local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield\n"
	"local function forever() local i = 0; while true do yield(i); i = i + 1 end end\n"
	"local generator = create(forever)\n"
	"function resume_yield(count)\n"
	"  local sum = 0\n"
	"  for _ = 1, count do local _, i = resume(generator); sum = sum + i end\n"
	"  return sum\n"
	"end\n"
	"local function at_once() end\n"
	"function create_destroy(count) for _ = 1, count do resume(create(at_once)) end end\n";

static void call(const char *function, uint64_t count)
{
	static lua_State *state;

	if (!state) {
		state = luaL_newstate();
		if (!state)
			abort();
		luaL_openlibs(state);
		if (luaL_dostring(state, chunk))
			abort();
	}
	lua_getglobal(state, function);
	lua_pushinteger(state, (lua_Integer)count);
	if (lua_pcall(state, 1, 0, 0))
		abort();
}

static void resume_yield(uint64_t count)
{
	call("resume_yield", count);
}

static void create_destroy(uint64_t count)
{
	call("create_destroy", count);
}

const struct subject subject_lua = {
	.name = "lua",
	.resume_yield = resume_yield,
	.create_destroy = create_destroy,
};
