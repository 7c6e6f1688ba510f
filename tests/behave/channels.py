"""The demo with channels prints what it says, and the debugger tells who waits at which side."""
import json
import re

from support import begin

program, checks, folder = begin()

EXPECTED = """count: 1 is on its way
count: 2 is on its way
count: 3 is on its way
main: square 1
count: 4 is on its way
main: square 4
count: 5 is on its way
main: square 9
main: tick 1
main: square 16
main: square 25
main: no more squares
main: tick 2
main: no more ticks
"""

trace = folder / "pipeline.coro"
status, out, err = program.run("record", "--virtual", "-o", trace, program.demo("pipeline"))
checks.equal("the demo's lines", out, EXPECTED)
checks.equal("the demo's status", str(status), "0")

events = program.run("events", trace)[1].splitlines()


def number_of(pattern):
    """The number of the first event whose line has this."""
    return next(int(line.split()[0]) for line in events if re.search(pattern, line))


def at(n):
    """Each object's row at event n, by its name and kind."""
    lines = program.run("ps", "--all", "--at", str(n), trace)[1].splitlines()[1:]
    return {tuple(line.split()[1:3]): " ".join(line.split()[3:]) for line in lines}


# Count has filled the channel, and waits; main selects, and is told by both of its channels.
objects = at(number_of(r"count #\d+  await"))
checks.check("a full channel names who waits to send", "waiting count #" in objects["numbers", "channel"] and
             "(send)" in objects["numbers", "channel"], objects["numbers", "channel"])
checks.check("a task names the channel and the side", "send numbers" in objects["count", "task"], objects["count", "task"])
for name in ("squares", "ticks"):
    checks.check(f"{name} names the select", re.search(r"waiting \w+ #\d+ \(select\)", objects[name, "channel"]), objects[name, "channel"])
checks.check("a select names its cases", "select receive squares, receive ticks" in objects["future", "future"] or
             any("select receive squares, receive ticks" in row for row in objects.values()), str(objects))

ids = {(each["name"], each["kind"]): each for each in json.loads(program.run(
    "ps", "--all", "--json", "--at", str(number_of(r"count #\d+  await")), trace)[1])}
numbers, squares = ids["numbers", "channel"], ids["squares", "channel"]
checks.check("ps --json: who waits to send", numbers["senders"] == [ids["count", "task"]["id"]] and numbers["receivers"] == []
             and numbers["length"] == numbers["capacity"], str(numbers))
checks.check("ps --json: who waits in a select", squares["receivers"] == squares["waiters"] != [] and squares["senders"] == [],
             str(squares))

# Each value goes in and comes out, also those that are handed over.
for name, values in {"numbers": range(1, 6), "squares": [1, 4, 9, 16, 25], "ticks": [1, 2]}.items():
    for kind in ("channel_send", "channel_recv"):
        found = re.findall(rf"  {name} #\d+  {kind} (\d+) by", "\n".join(events))
        checks.equal(f"{name}: {kind}", str(found), str([str(value) for value in values]))
    checks.check(f"{name} is closed", any(re.search(rf"  {name} #\d+  channel_close by", line) for line in events), "")

status, out, err = program.run("stat", trace)
checks.check("nothing is damaged", status == 0 and err == "", f"{status}: {out}{err}")

checks.end()
