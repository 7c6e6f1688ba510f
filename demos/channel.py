"""yield from opens a channel to the innermost generator: the twin of channel.c."""


def internal(name, limit):
    """Yields 0, 1, 2, ... below the limit, and says what it got for each."""
    for i in range(limit):
        got = yield i
        print(f"{name}: got {got}")
    return name


def general():
    """Opens a channel to the first, then to the second."""
    finished = 0
    for part, limit in ("first", 3), ("second", 2):
        name = yield from internal(part, limit)
        print(f"general: {name} is finished")
        finished += 1
    return finished


def main():
    channel = general()
    try:
        item = next(channel)
        while True:
            print(f"main: received {item}")
            item = channel.send(item + 100)
    except StopIteration as stop:
        print(f"main: general finished {stop.value}")


main()
