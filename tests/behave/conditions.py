"""Breakpoints with conditions, and marks: the same in a script on a recording and on a live program."""
from support import begin

program, checks, folder = begin()
trace = folder / "queue.coro"
program.record("producer_consumer", trace)


def replay(*commands):
    return program.run("replay", "--batch", trace, stdin="\n".join(commands) + "\n")


def live(*commands):
    return program.run("run", "--batch", "--virtual", program.demo("producer_consumer"), stdin="\n".join(commands) + "\n")


def stops(out):
    """The lines of the events at which it stopped."""
    return [line.split("  ", 1)[1].rsplit("  ", 1)[0] for line in out.splitlines() if line.startswith("event ")]


def listed(expression):
    """What the filter finds: the lines from the object's name on, without the place."""
    out = program.run("events", "--filter", expression, trace)[1]
    return [line.split(None, 2)[2].rsplit("  ", 1)[0] for line in out.splitlines()]


# A condition stops where the filter says so, forward, backward, and in a live program.
for condition, expression in {
    "queue_put value > 10": "kind == queue_put and value > 10",
    "queue_put value 11": "kind == queue_put and value == 11",
    "any in s* value ~ '^1'": "name ~ '^s' and value ~ '^1'",
    "queue_get when turn > 3 and turn < 9": "kind == queue_get and turn > 3 and turn < 9",
    "queue_put in shelf value > 3 when not (n < 90)": "kind == queue_put and name == shelf and value > 3 and n >= 90",
    'any when value == "when"': 'value == "when"',
}.items():
    expected = listed(expression)[:20]
    again = ["continue"] * len(expected)
    status, out, err = replay(f"break {condition}", *again)
    checks.equal(f"break {condition}", "\n".join(stops(out)), "\n".join(expected))
    checks.check(f"break {condition}: as it was written", out.startswith(f"breakpoint 1  {condition}"[:30]), out)
    if expected:
        out = live(f"break {condition}", *again)[1]
        checks.equal(f"live: break {condition}", "\n".join(stops(out)), "\n".join(expected))
        back = replay("goto end", f"break {condition}", "reverse-continue")[1]
        checks.check(f"back: break {condition}", stops(back)[-1] == listed(expression)[-1], back)

status, out, err = replay("tbreak queue_put value > 3", "continue", "breakpoints")
checks.check("tbreak stops once", "breakpoint 1  once queue_put value > 3" in out and out.endswith("there are no breakpoints\n"), out)

# Mistakes: with the position in the line.
for line, words in {
    "break yield value": "break: at position 18: a value is missing",
    "break yield value >": "break: at position 20: a value is missing",
    "break yield when": "break: at position 17: a field is missing",
    "break yield when kinds == 3": "break: at position 18: a field is missing",
    "break yield  when  kind = 3": "break: at position 25: an operator is missing",
    "break yield value > 3 when co == x": "break: at position 34: this field is a number",
    "b yield value ~ '['": "b: at position 17: ",
    "break yield value 3 4": "break: at position 21: 'and' or 'or' is missing",
    "tbreak yield wenn co == 1": "tbreak: 'wenn' is not understood",
    "break yield when value == 'open": "this quote is not closed",
}.items():
    status, out, err = replay(line)
    checks.check(f"{line}: refused", status == 2 and words in err and err.count("\n") == 1, f"{status}: {err}")

# Marks.
for run in (replay, live):
    status, out, err = run("event 5", "mark here", "event 3", "mark two", "goto 'here", "goto 'two", "event", "mark here",
                           "goto start", "goto 'here", "goto 'nowhere", "goto '3'")
    numbers = [line.split()[1].split("/")[0] for line in out.splitlines() if line.startswith("event ")]
    checks.equal("marks", " ".join(numbers), "5 5 8 8 5 8 9 9 0 9 3")
    checks.check("marks: answers", "event 5 is marked here\n" in out and "no event is marked nowhere\n" in out and status == 0, out + err)
for line, words in {"mark": "mark: under which name?", "mark a b": "one argument too many", "mark " + "x" * 40: "is not a name for a mark",
                    "goto 'a b'": "is not an event's number, start or end", "goto '": "is not an event's number"}.items():
    status, out, err = replay(line)
    checks.check(f"{line[:20]}: refused", status == 2 and words in err, f"{status}: {err}")

# What `record` can choose.
for arguments, words in {("--stacks", "none"): None, ("--stacks", "full"): None, ("--clock", "switch"): None, ("--policy", "block"): None,
                         ("--policy", "drop"): None, ("--policy", "overwrite"): None,
                         ("--policy", "overwrite", "--last", "16K"): None, ("--block-timeout", "5"): None,
                         ("--stacks", "some"): "--stacks: 'some' is not known: full and none are",
                         ("--clock", "full"): "--clock full is not part of this version: only switch is",
                         ("--clock", "never"): "--clock: 'never' is not known: only switch is"}.items():
    status, out, err = program.run("record", *arguments, "-o", folder / "chosen.coro", program.demo("channel"))
    if words:
        checks.check(f"record {arguments}: refused", status == 2 and words in err and err.count("\n") == 1, f"{status}: {err}")
    else:
        checks.check(f"record {arguments}: done", status == 0, f"{status}: {err}")

checks.end()
