"""Who is asked for what, when, and what is left. The twin of iterators.c."""
import asyncio
import functools
import itertools


tell_closing = False  # while nothing depends on when it is collected


def source(label, count, raises=None):
    """Gives 1 ... count and tells of each request; raises after that, if it is told to."""
    try:
        for number in range(1, count + 1):
            print(f"  {label} gives {number}")
            yield number
        print(f"  {label} ends")
        if raises:
            raise raises(label)
    except GeneratorExit:
        if tell_closing:
            print(f"  {label} is closed")
        raise


class Counter:
    """An iterator that goes on behind its errors: it raises at each third request."""

    def __init__(self, label):
        self.label, self.requests = label, 0

    def __iter__(self):
        return self

    def __next__(self):
        self.requests += 1
        if self.requests == 8:
            print(f"  {self.label} ends")
            raise StopIteration
        if self.requests % 3 == 0:
            raise OSError(self.label)
        print(f"  {self.label} gives {self.requests}")
        return self.requests


def text(value):
    return "(" + ", ".join(map(text, value)) + ")" if isinstance(value, tuple) else repr(value)


def drain(what, iterator, requests):
    print(f"{what}:")
    for _ in range(requests):
        try:
            print(f"  -> {text(next(iterator))}")
        except Exception as error:
            print(f"  -> {error!r}")


def double(item):
    print(f"  double {item}")
    return 2 * item


def refuse_two(item):
    if item == 2:
        raise KeyError("two")
    return item


def stop_at_two(item):
    if item == 2:
        raise StopIteration("stop")
    return item


def is_odd(item):
    return item % 2


def sync():
    drain("array", iter(["a", 1]), 4)
    drain("range", iter(range(1, 8, 3)), 5)
    drain("range down", iter(range(3, -3, -2)), 5)
    drain("range of nothing", iter(range(3, 3, 1)), 1)
    top = 2**63 - 1
    drain("range at the top", iter(range(top - 2, top, 2)), 3)
    drain("range over all", iter(range(-top - 1, top, top)), 4)
    drain("map", map(double, source("a", 2)), 4)
    drain("map of what raises", map(double, source("a", 1, OSError)), 3)
    drain("map of what goes on", map(double, Counter("c")), 9)
    drain("map that raises", map(refuse_two, source("a", 3)), 5)
    drain("map that stops", map(stop_at_two, source("a", 3)), 5)
    drain("filter", filter(is_odd, source("a", 5)), 5)
    drain("filter of truth", filter(None, iter([0, 1, None, "", "x", 0.0, 2.5, b"", b"y", False, True])), 6)
    drain("filter that raises", filter(refuse_two, source("a", 3)), 4)
    drain("take", itertools.islice(source("a", 5), 2), 4)
    drain("take nothing", itertools.islice(source("a", 5), 0), 2)
    drain("take more", itertools.islice(source("a", 1), 3), 3)
    drain("take of what goes on", itertools.islice(Counter("c"), 5), 5)
    left = source("a", 4)
    drain("take two", itertools.islice(left, 2), 3)
    drain("what is left", left, 3)
    drain("enumerate", enumerate(source("a", 2), 5), 4)
    drain("enumerate of what goes on", enumerate(Counter("c"), 0), 5)
    drain("chain", itertools.chain(source("a", 2), source("b", 0), source("c", 1)), 5)
    drain("chain of nothing", itertools.chain(), 2)
    drain("chain of what raises", itertools.chain(source("a", 1, OSError), source("b", 1)), 4)
    drain("chain of what goes on", itertools.chain(Counter("c"), source("b", 1)), 10)
    long, short = source("long", 4), source("short", 1)
    drain("zip", zip(long, short), 4)
    drain("left of the longer", long, 2)
    long, short = source("long", 4), source("short", 1)
    drain("zip, the shorter first", zip(short, long), 3)
    drain("left of the longer", long, 1)
    drain("zip of nothing", zip(), 2)
    drain("zip of what goes on", zip(source("a", 9), Counter("c")), 6)
    for sizes in ((2, 2), (2, 1), (1, 2), (2, 2, 1), (2, 2, 3), (1, 2, 1), (1, 1, 1)):
        sources = [source(f"s{number}", size) for number, size in enumerate(sizes)]
        drain(f"strict zip {text(sizes)}", zip(*sources, strict=True), 3)
    drain("strict zip of what raises", zip(source("a", 1), source("b", 1, OSError), strict=True), 3)
    drain("strict zip of what raises first", zip(source("a", 1, OSError), source("b", 1), strict=True), 3)
    drain("all of them",
          itertools.islice(enumerate(map(double, filter(is_odd, itertools.chain(source("a", 3), range(4, 9)))), 1), 4), 5)
    print("list:", list(map(double, source("a", 3))))
    try:
        list(source("a", 2, OSError))
    except OSError as error:
        print(f"list: {error!r}")
    print("reduce:", functools.reduce(lambda left, right: left * 10 + right, source("a", 3), 7))
    try:
        functools.reduce(lambda left, right: left + refuse_two(right), source("a", 3), 0)
    except KeyError as error:
        print(f"reduce: {error!r}")


# ---- Loops and yield from

def until(iterator, last):
    for number in iterator:
        print(f"  loop {number}")
        if number == last:
            break


def loops():
    print("loops:")
    left = source("a", 4)
    until(left, 2)
    print("  between")
    until(left, 9)
    broken = source("b", 1, ValueError)
    try:
        until(broken, 9)
    except ValueError as error:
        print(f"  {error!r}")


def delegates(iterator):
    try:
        result = yield from iterator
        print(f"  result {result!r}")
    except BaseException as error:
        print(f"  delegate left by {error!r}")
        raise


def ways(what, make):
    print(f"yield from {what}:")
    drain("to its end", delegates(make()), 4)
    outer = delegates(make())
    next(outer)
    try:
        print(f"  send: {outer.send('sent')!r}")
    except Exception as error:
        print(f"  send: {type(error).__name__}: {error}")
    outer.close()
    inner = make()
    outer = delegates(inner)
    next(outer)
    try:
        outer.throw(KeyError("thrown"))
    except Exception as error:
        print(f"  throw: {error!r}")
    drain("after throw", inner, 1)
    inner = make()
    outer = delegates(inner)
    next(outer)
    print(f"  close: {outer.close()!r}")
    drain("after close", inner, 1)


def delegation():
    global tell_closing
    tell_closing = True
    ways("generator", lambda: source("a", 2))
    ways("array", lambda: iter([1, 2]))
    ways("range", lambda: iter(range(1, 3)))
    ways("map", lambda: map(double, iter([1, 2])))
    ways("filter", lambda: filter(None, iter([1, 2])))
    ways("take", lambda: itertools.islice(iter([1, 2]), 2))
    ways("chain", lambda: itertools.chain(iter([1, 2])))
    ways("enumerate", lambda: enumerate(iter([1, 2])))
    ways("zip", lambda: zip(iter([1, 2])))
    tell_closing = False


# ---- Awaiting: as if written with async for

async def asource(label, count, raises=None):
    for number in range(1, count + 1):
        await asyncio.sleep(0.001)
        print(f"  {label} gives {number}")
        yield number
    print(f"  {label} ends")
    if raises:
        raise raises(label)


class amap:
    def __init__(self, function, iterable):
        self.function, self.iterator = function, aiter(iterable)

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await self.function(await anext(self.iterator))


class atake:
    def __init__(self, iterable, count):
        self.iterator, self.left = aiter(iterable), count

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        try:
            return await anext(self.iterator)
        except BaseException:
            self.left = 0
            raise


class azip:
    def __init__(self, *iterables):
        self.iterators = [aiter(iterable) for iterable in iterables]

    def __aiter__(self):
        return self

    async def __anext__(self):
        return tuple([await anext(iterator) for iterator in self.iterators])


async def afilter(function, iterable):
    async for item in iterable:
        if await function(item):
            yield item


async def achain(*iterables):
    for iterable in iterables:
        async for item in iterable:
            yield item


async def aenumerate(iterable, start):
    index = start
    async for item in iterable:
        yield index, item
        index += 1


async def afrom(iterable):
    for item in iterable:
        yield item


async def adrain(what, iterator, requests):
    print(f"{what}:")
    for _ in range(requests):
        try:
            print(f"  -> {text(await anext(iterator))}")
        except Exception as error:
            print(f"  -> {error!r}")


async def slow_double(item):
    await asyncio.sleep(0.001)
    print(f"  double {item}")
    return 2 * item


async def slow_is_odd(item):
    await asyncio.sleep(0.001)
    return item % 2


async def main():
    await adrain("async map", amap(slow_double, asource("a", 2)), 4)
    await adrain("async map of what raises", amap(slow_double, asource("a", 1, OSError)), 3)
    await adrain("async filter", afilter(slow_is_odd, asource("a", 3)), 3)
    left = asource("a", 4)
    await adrain("async take", atake(left, 2), 3)
    await adrain("what is left", left, 3)
    await adrain("async chain", achain(asource("a", 1), asource("b", 0), asource("c", 1)), 4)
    await adrain("async enumerate", aenumerate(asource("a", 2), 1), 3)
    long = asource("long", 4)
    await adrain("async zip", azip(long, asource("short", 1)), 3)
    await adrain("left of the longer", long, 1)
    await adrain("async from", afrom(map(double, source("a", 1))), 2)
    print("async for:")
    async for item in atake(amap(slow_double, asource("a", 9)), 2):
        print(f"  loop {item}")
    try:
        async for item in amap(slow_double, asource("a", 1, ValueError)):
            print(f"  loop {item}")
    except ValueError as error:
        print(f"  {error!r}")
    print("list:", [item async for item in amap(slow_double, asource("a", 3))])
    try:
        [item async for item in asource("a", 1, OSError)]
    except OSError as error:
        print(f"list: {error!r}")


print("-- iterators")
sync()
print("-- loops")
loops()
delegation()
print("-- async")
asyncio.run(main())
