"""What the ends of sections see and do. The twin of with_blocks.c. Needs Python 3.12."""
import asyncio
import contextlib


class Manager:
    """Logs, and does at its ends what it is told: a name of an exception, or "swallow"."""

    def __init__(self, label, at_enter=None, at_exit=None, waits=False):
        self.label, self.at_enter, self.at_exit, self.waits = label, at_enter, at_exit, waits

    def begin(self):
        print(f"  enter {self.label}")
        if self.at_enter:
            raise self.at_enter(f"enter of {self.label}")

    def end(self, error):
        print(f"  exit {self.label}: {error!r}")
        if self.at_exit == "swallow":
            return True
        if self.at_exit:
            raise self.at_exit(f"exit of {self.label}")

    def __enter__(self):
        self.begin()

    def __exit__(self, kind, error, traceback):
        return self.end(error)

    async def __aenter__(self):
        await asyncio.sleep(0)
        self.begin()

    async def __aexit__(self, kind, error, traceback):
        await asyncio.sleep(0)
        return self.end(error)


def chain(error):
    links = []
    while error:
        links.append(f"{error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " <- ".join(links)


def attempt(what, function, *arguments):
    print(f"{what}:")
    try:
        print(f"  returned {function(*arguments)!r}")
    except BaseException as error:
        print(f"  raised {chain(error)}")


async def aattempt(what, function, *arguments):
    print(f"{what}:")
    try:
        print(f"  returned {await function(*arguments)!r}")
    except BaseException as error:
        print(f"  raised {chain(error)}")


def body(raises=None):
    print("  body")
    if raises:
        raise raises("body")
    return "value"


def one(manager, raises=None):
    with manager:
        return body(raises)


def nested(outer, inner, raises=None):
    with outer:
        with inner:
            return body(raises)


def ends(manager):
    with manager:
        body()
    return "behind"


def breaks(manager):
    while True:
        with manager:
            body()
            break
    return "behind"


def numbers():
    try:
        yield 1
        yield 2
    finally:
        print("  numbers closed")


def closing():
    with contextlib.closing(numbers()) as each:
        print(f"  number {next(each)}")
        body(KeyError)


def stubborn():
    try:
        yield 1
    except GeneratorExit:
        yield 2


def closing_stubborn():
    with contextlib.closing(stubborn()) as each:
        next(each)
        body(KeyError)


def sync():
    attempt("plain", one, Manager("a"))
    attempt("enter raises", one, Manager("a", OSError))
    attempt("body raises", one, Manager("a"), KeyError)
    attempt("exit raises", one, Manager("a", None, OSError))
    attempt("both raise", one, Manager("a", None, OSError), KeyError)
    attempt("swallowed", one, Manager("a", None, "swallow"), KeyError)
    attempt("nothing to swallow", one, Manager("a", None, "swallow"))
    attempt("nested", nested, Manager("a"), Manager("b"), KeyError)
    attempt("inner swallows", nested, Manager("a"), Manager("b", None, "swallow"), KeyError)
    attempt("outer swallows", nested, Manager("a", None, "swallow"), Manager("b"), KeyError)
    attempt("inner enter raises", nested, Manager("a"), Manager("b", OSError))
    attempt("inner exit raises", nested, Manager("a"), Manager("b", None, OSError), KeyError)
    attempt("both exits raise", nested, Manager("a", None, ValueError), Manager("b", None, OSError), KeyError)
    attempt("end of block", ends, Manager("a"))
    attempt("exit raises at the end", ends, Manager("a", None, OSError))
    attempt("break", breaks, Manager("a"))
    attempt("exit raises at break", breaks, Manager("a", None, OSError))
    attempt("closing", closing)
    attempt("closing what will not", closing_stubborn)


async def aone(manager, raises=None):
    async with manager:
        await asyncio.sleep(0)
        return body(raises)


async def anested(outer, inner, raises=None):
    async with outer:
        async with inner:
            await asyncio.sleep(0)
            return body(raises)


async def aends(manager):
    async with manager:
        body()
    return "behind"


async def late(delay):
    async with asyncio.timeout(delay):
        await asyncio.sleep(1)
        return "in time"


async def late_with(delay, manager):
    async with asyncio.timeout(delay):
        async with manager:
            await asyncio.sleep(1)


async def child(delay, raises=None):
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        print(f"  child {delay} cancelled")
        raise
    print(f"  child {delay}")
    if raises:
        raise raises("child")


async def group(raises_body=None, raises_child=None):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(child(0.1))
        tasks.create_task(child(0.2, raises_child))
        tasks.create_task(child(0.3))
        body(raises_body)
        if raises_child:
            await asyncio.sleep(5)
    return "all"


async def holds(thing, raises=None):
    async with thing:
        return body(raises)


async def anumbers():
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0)
        print("  numbers closed")


async def aclosing():
    async with contextlib.aclosing(anumbers()) as each:
        print(f"  number {await anext(each)}")
        body(KeyError)


async def cancelled():
    task = asyncio.create_task(aone(Manager("a")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel("stop")
    await task


async def main():
    await aattempt("plain", aone, Manager("a"))
    await aattempt("enter raises", aone, Manager("a", OSError))
    await aattempt("body raises", aone, Manager("a"), KeyError)
    await aattempt("both raise", aone, Manager("a", None, OSError), KeyError)
    await aattempt("swallowed", aone, Manager("a", None, "swallow"), KeyError)
    await aattempt("nested", anested, Manager("a", None, ValueError), Manager("b"), KeyError)
    await aattempt("exit raises at the end", aends, Manager("a", None, OSError))
    await aattempt("in time", late, 5)
    await aattempt("too late", late, 0.5)
    await aattempt("too late within", late_with, 0.5, Manager("a"))
    await aattempt("too late, and an exit that raises", late_with, 0.5, Manager("a", None, OSError))
    await aattempt("too late, and swallowed", late_with, 0.5, Manager("a", None, "swallow"))
    await aattempt("group", group)
    await aattempt("group, the body raises", group, KeyError)
    await aattempt("group, a child raises", group, None, ValueError)
    lock = asyncio.Lock()
    await aattempt("lock", holds, lock)
    await aattempt("lock, the body raises", holds, lock, KeyError)
    print(lock.locked())
    condition = asyncio.Condition()
    await aattempt("condition", holds, condition, KeyError)
    print(condition.locked())
    semaphore = asyncio.BoundedSemaphore(1)
    await aattempt("semaphore", holds, semaphore, KeyError)
    print(semaphore.locked())
    await aattempt("aclosing", aclosing)
    await aattempt("cancelled", cancelled)

print("-- with")
sync()
print("-- async with")
asyncio.run(main())
