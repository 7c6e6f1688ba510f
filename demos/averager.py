"""A generator that is talked to: send, throw, close. The twin of averager.c."""


class Reset(Exception):
    """Asks the averager to start again."""


def averager():
    total = average = 0.0
    count = 0
    while True:
        try:
            term = yield average
        except Reset:
            print(f"averager: starts again after {count} terms")
            total = average = 0.0
            count = 0
            continue
        except GeneratorExit:
            print(f"averager: closed, the average was {average:.2f}")
            return count
        except BaseException as error:
            print(f"averager: cannot handle {type(error).__name__}")
            raise
        total += term
        count += 1
        average = total / count


def feed(to, term):
    average = to.send(term)
    print(f"main: sent {term:.1f}, the average is {average:.2f}")


def close(generator):
    """close() that gives what the generator returned, as Python 3.13's does."""
    try:
        generator.throw(GeneratorExit)
    except GeneratorExit:
        return None
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("generator ignored GeneratorExit")


def main():
    one = averager()
    other = averager()

    next(one)
    feed(one, 10)
    feed(one, 20)
    feed(one, 3)

    average = one.throw(Reset("please"))
    print(f"main: threw Reset, the average is {average:.2f}")
    feed(one, 7)

    count = close(one)
    print(f"main: closed it, it had {count} term")

    next(other)
    feed(other, 1.5)
    try:
        other.throw(ValueError("not a number"))
    except ValueError as error:
        print(f"main: caught ValueError: {error}")
    try:
        next(other)
    except StopIteration:
        print("main: nothing more comes from it")


main()
