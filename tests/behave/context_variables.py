"""Who sees which value of a context variable. The twin of context_variables.c. Needs Python 3.12."""
import asyncio
import contextvars
import re

name = contextvars.ContextVar("name")
depth = contextvars.ContextVar("depth", default=0)
MISSING = object()


def show(where):
    value = name.get(None)
    print(f"{where}: name={value!r} depth={depth.get()!r}")


def attempt(what, function, *arguments):
    try:
        print(f"{what}: {function(*arguments)!r}")
    except Exception as error:
        text = re.sub(r" at 0x[0-9a-f]+", "", str(error))
        print(f"{what}: {type(error).__name__}: {text}")


# ---- Variables and tokens

def variables():
    attempt("get unset", name.get)
    attempt("get with default", name.get, "other")
    attempt("get default of its own", depth.get)
    attempt("get with a default that goes first", depth.get, 7)
    token = name.set("first")
    second = name.set("second")
    attempt("get", name.get)
    attempt("reset of another", depth.reset, token)
    copy = contextvars.copy_context()
    attempt("reset in another context", copy.run, name.reset, token)
    attempt("reset", name.reset, second)
    attempt("get", name.get)
    attempt("reset twice", name.reset, second)
    attempt("reset twice, of another", depth.reset, second)
    attempt("reset", name.reset, token)
    attempt("get", name.get)
    token = depth.set(1)
    attempt("reset", depth.reset, token)
    attempt("reset again", depth.reset, token)


# ---- Contexts

def inside(value):
    before = name.get(None)
    name.set(value)
    return before


def contexts():
    name.set("outer")
    copy = contextvars.copy_context()
    attempt("run", copy.run, inside, "inner")
    attempt("run again", copy.run, inside, "more")
    show("outside of run")
    print("in it:", repr(copy.get(name)), name in copy, depth in copy, copy.get(depth, "none"), len(copy))
    empty = contextvars.Context()
    attempt("run in an empty one", empty.run, inside, "filled")
    twin = empty.copy()
    attempt("run in its copy", twin.run, inside, "copied")
    print("both:", repr(empty.get(name)), repr(twin.get(name)))
    attempt("itself within", copy.run, copy.run, show, "never")
    other = copy.copy()
    attempt("below another", copy.run, other.run, copy.run, show, "never")
    attempt("others within", copy.run, other.run, show, "innermost")
    attempt("and again after that", copy.run, show, "after")

    def fails():
        name.set("failed")
        raise KeyError("left")
    attempt("an error leaves it", copy.run, fails)
    attempt("what it had set stays", copy.run, name.get)
    attempt("token of another run", name.reset, copy.run(name.set, "token"))
    show("at the end")


# ---- Generators

def numbers():
    show("generator begins")
    name.set("generator")
    yield 1
    show("generator goes on")
    yield 2


def generators():
    name.set("caller")
    each = numbers()
    next(each)
    show("after next")
    name.set("changed")
    contextvars.copy_context().run(next, each)
    show("after next in a copy")
    each.close()


# ---- Tasks

async def child(label):
    show(f"{label} begins")
    name.set(label)
    await asyncio.sleep(0)
    show(f"{label} ends")


async def awaited():
    show("awaited begins")
    name.set("awaited")
    await asyncio.sleep(0)
    depth.set(5)


async def items():
    show("async generator begins")
    name.set("async generator")
    yield 1
    await asyncio.sleep(0)
    show("async generator goes on")
    try:
        yield 2
    finally:
        show("async generator ends")


async def tasks():
    loop = asyncio.get_running_loop()
    name.set("main")
    first = asyncio.create_task(child("first"))
    name.set("main later")
    second = asyncio.create_task(child("second"))
    await first
    await second
    show("main after tasks")
    await awaited()
    show("main after awaited")
    await asyncio.gather(child("left"), child("right"))
    show("main after gather")
    await asyncio.wait_for(awaited(), 5)
    show("main after wait_for")
    await asyncio.shield(child("shielded"))
    async for item in items():
        show(f"item {item}")
        name.set("consumer")
    show("main after async for")
    async with asyncio.TaskGroup() as group:
        group.create_task(child("member"))
        shared = contextvars.copy_context()
        group.create_task(child("one of two"), context=shared)
        group.create_task(child("two of two"), context=shared)
    show("main after group")
    print("shared:", repr(shared.get(name)))
    task = asyncio.create_task(child("given"), context=shared)
    await task
    print("shared:", repr(shared.get(name)), task.get_context() is shared)
    task.add_done_callback(lambda task: show("done callback"))
    task.add_done_callback(lambda task: show("done callback in shared"), context=shared)
    name.set("main at callbacks")
    loop.call_soon(show, "soon")
    loop.call_soon(show, "soon in shared", context=shared)
    loop.call_soon(name.set, "nobody sees it")
    loop.call_later(0.001, show, "later")
    loop.call_at(loop.time() + 0.002, show, "at")
    loop.call_later(0.003, show, "later in shared", context=shared)
    loop.call_at(loop.time() + 0.004, show, "at in shared", context=shared)
    loop.call_later(0.005, lambda: name.set("in shared"), context=shared)
    loop.call_later(0.006, show, "after that in shared", context=shared)
    name.set("main after callbacks")
    await asyncio.sleep(0.1)
    show("main after sleep")


async def eager():
    loop = asyncio.get_running_loop()
    name.set("main")
    loop.set_task_factory(asyncio.eager_task_factory)
    task = asyncio.create_task(child("eager"))
    show("main after eager begin")
    await task
    loop.set_task_factory(None)
    show("main after eager")
    loop.call_soon(lambda: (name.set("callback"), asyncio.create_task(child("of callback"))))
    await asyncio.sleep(0.01)


async def dropped():
    each = items()
    name.set("dropper")
    await anext(each)
    await anext(each)
    name.set("at the drop")
    del each
    name.set("after the drop")
    await asyncio.sleep(0.01)


def main():
    for part in (variables, contexts, generators):
        print(f"-- {part.__name__}")
        contextvars.Context().run(part)
    for part in (tasks, eager, dropped):
        print(f"-- {part.__name__}")
        asyncio.run(part())
    show("thread")
    name.set("thread")

    async def look():
        show("main task")
        name.set("main task")
    asyncio.run(look())
    show("thread")


main()
