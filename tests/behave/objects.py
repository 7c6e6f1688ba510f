"""What is known of each kind of object, moment by moment: ps --all as JSON and in words, and tree."""
import json
import os
import sys
from support import begin

objects_program = os.path.realpath(sys.argv.pop(4))
program, checks, folder = begin()
trace = folder / "objects.coro"
# Event by event: so that each line of output stands exactly where it was written.
status, out, err = program.run("run", "--batch", "--virtual", "-o", trace, objects_program, stdin="event 100000\n")
checks.check("it runs to its end", status == 0 and "exit status 0" in out, f"{status}: {out[-300:]}{err}")
lines = [json.loads(line) for line in program.run("events", "--json", trace)[1].splitlines()]
moments = {line["text"].strip(): line["after"] for line in lines if line["kind"] == "output"}
names = {line["co"]: line["name"] for line in lines if "co" in line and "name" in line}
answers = {}


def named(value):
    """Ids as names."""
    if isinstance(value, list):
        return [names.get(each, each) for each in value]
    return names.get(value, value)


def at(moment, kind, name=None):
    n = moments[moment]
    if n not in answers:
        answers[n] = json.loads(program.run("ps", "--all", "--json", "--at", n, trace)[1])
    return [each for each in answers[n] if each["kind"] == kind and (name is None or each["name"] == name)]


IDS = ("owner", "lock", "waiters", "getters", "putters", "joiners", "children", "pending")


def expect(moment, kind, *expected, name=None):
    """The objects of that kind have just these facts, as far as they are named."""
    found = at(moment, kind, name)
    shown = [{key: named(each[key]) if key in IDS else each[key] for key in facts if key in each}
             for each, facts in zip(found, expected)]
    wanted = [{key: value for key, value in facts.items() if value is not None} for facts in expected]
    checks.check(f"{moment}", len(found) == len(expected) and shown == wanted, f"{shown}\n    {wanted}")


def words(moment, *phrases):
    text = program.run("ps", "--all", "--at", moments[moment], trace)[1]
    for phrase in phrases:
        checks.check(f"{moment}: in words: {phrase}", phrase in text, text)


expect("lock: held", "lock", dict(state="locked", owner="amain", waiters=["b", "c", "d"]))
expect("lock: cancelled", "lock", dict(state="locked", owner="amain", waiters=["b", "c", "d"]))
expect("lock: left", "lock", dict(state="locked", owner="amain", waiters=["b", "d"]))
# The first waiter stands in the line until it runs: nobody overtakes it.
expect("lock: handed on", "lock", dict(state="unlocked", owner=None, waiters=["b", "d"]))
expect("lock: free", "lock", dict(state="unlocked", owner=None, waiters=[]))
words("lock: cancelled", "owner amain #3, waiting b #6 (lock), waiting c #8 (lock, cancelled), waiting d #10 (lock)")
words("lock: handed on", "waiting b #6 (lock, woken), waiting d #10 (lock)")

expect("queue: empty", "queue", dict(length=0, capacity=2, unfinished=0, getters=["getter"], putters=[], joiners=[]))
expect("queue: full", "queue", dict(length=2, capacity=2, unfinished=2, getters=[], putters=["first", "second"],
                                    joiners=["joiner"], waiters=["first", "second", "joiner"]))
expect("queue: a place", "queue", dict(length=1, unfinished=2, putters=["second"], joiners=["joiner"]))
expect("queue: one done", "queue", dict(length=2, unfinished=2, putters=["second"], joiners=["joiner"]))
expect("queue: shut", "queue", dict(state="closed", length=0, unfinished=0, putters=[], joiners=[]))
words("queue: full", "items 2 of 2, unfinished 2, waiting first #", "(put), waiting joiner #")

expect("semaphore: one left", "semaphore", dict(places=1, waiters=[]))
expect("semaphore: none left", "semaphore", dict(places=0, waiters=["b", "c"]))
# Whoever is told has the place at once.
expect("semaphore: given", "semaphore", dict(places=0, waiters=["b", "c"]))
expect("semaphore: passed on", "semaphore", dict(places=1, waiters=[]))
expect("semaphore: all left", "semaphore", dict(places=2, waiters=[]))
words("semaphore: given", "places 0, waiting b #", "(semaphore, woken), waiting c #")

expect("event: clear", "event", dict(set=False, waiters=["waiter"]))
expect("event: set", "event", dict(set=True, waiters=["waiter"]))
expect("event: clear again", "event", dict(set=False, waiters=[]))
words("event: set", "flag set, waiting waiter #")

expect("condition: waited for", "condition", dict(lock="condition", waiters=["waiter"]))
expect("condition: waited for", "lock", dict(state="unlocked", waiters=[]))
expect("condition: notified", "condition", dict(waiters=[]))
expect("condition: notified", "lock", dict(owner="amain", waiters=["waiter"]))

expect("barrier: filling", "barrier", dict(parties=3, inside=2, phase="filling", waiters=["b", "c"]))
expect("barrier: draining", "barrier", dict(parties=3, inside=2, phase="draining", waiters=["b", "c"]))
expect("barrier: drained", "barrier", dict(inside=0, phase="filling", waiters=[]))
expect("barrier: broken", "barrier", dict(state="closed", inside=1, phase="broken", waiters=["b"]))
expect("barrier: reset", "barrier", dict(state="open", inside=0, phase="filling", waiters=[]))
words("barrier: draining", "parties 2 of 3, phase draining, waiting b #")

tasks = ["short", "failing", "slow"]
expect("group: all run", "group", dict(owner="parent", children=tasks, pending=tasks, aborting=False))
expect("group: one done", "group", dict(owner="parent", children=tasks, pending=tasks[1:], aborting=False))
expect("group: aborting", "group", dict(owner="parent", children=tasks, pending=["slow"], aborting=True))
words("group: one done", "tasks 1/3 done, task failing #", "wait group 1/3")
words("group: aborting", "tasks 2/3 done, aborting, task slow #")

begun = at("timeout: entered", "timeout")[0]["deadline"] - 10 * 10**9
expect("timeout: entered", "timeout", dict(owner="limited", deadline=begun + 10 * 10**9, expired=False))
expect("timeout: rescheduled", "timeout", dict(owner="limited", deadline=begun + 10 * 10**9, expired=False),
       dict(owner="limited", deadline=begun + 5 * 10**9, expired=False))
expect("timeout: rescheduled", "task", dict(deadline=begun + 5 * 10**9), name="limited")
expect("timeout: for ever", "timeout", dict(owner="limited", deadline=None, expired=False), dict(expired=False))
expect("timeout: expired", "timeout", dict(owner="limited", expired=False), dict(owner="limited", expired=True))
expect("timeout: expired", "task", dict(deadline=None), name="limited")
expect("timeout: left", "timeout", dict(owner="limited", expired=False))
words("timeout: for ever", "deadline never, owner limited #")
words("timeout: expired", ", expired, owner limited #")

both = ["quick", "lazy"]


def made_of_both(moment, pending):
    futures = [each for each in at(moment, "future") if "children" in each]
    completed = at(moment, "queue", "as_completed")
    for each in futures + completed:
        checks.check(f"{moment}: {each['name']} {each.get('waits_on')}",
                     (named(each["children"]), named(each["pending"])) == (both, pending), str(each))
    checks.check(f"{moment}: gather, wait and as_completed", len(futures) == 2 and len(completed) == 1)
    words(moment, f"gather {2 - len(pending)}/2", f"wait {2 - len(pending)}/2", f"children {2 - len(pending)}/2 done")


made_of_both("combinators: both run", both)
made_of_both("combinators: one done", both[1:])
words("combinators: both run", "shield lazy")
reader = at("descriptor: waited for", "descriptor")[0]
checks.check("descriptor", named(reader["waiters"]) == ["reader"] and reader["name"] == f"fd {reader['fd']}", str(reader))

# The tree: what a group, as_completed and a shield lead to.
def below(moment, name, *options):
    """The names of the lines under that line, with their depth."""
    text = program.run("tree", *options, "--at", moments[moment], trace)[1].splitlines()
    depths = [len(line) - len(line.lstrip()) for line in text]
    first = next(i for i, line in enumerate(text) if line.lstrip().startswith(name + " "))
    last = next((i for i in range(first + 1, len(text)) if depths[i] <= depths[first]), len(text))
    return [(depths[i] - depths[first], text[i].split()[0]) for i in range(first + 1, last)]


tree = below("group: one done", "parent")
checks.check("tree: a task in exit leads to the tasks of its group", [(2, "failing"), (4, "fail_after")] == tree[1:3] and
             (2, "slow") in tree and all(name != "short" for _, name in tree), str(tree))
tree = below("group: one done", "group", "--all")
checks.check("tree --all: a group leads to all of them",
             [name for depth, name in tree if depth == 2] == tasks, str(tree))
for name in ("completer", "gatherer", "waiter", "shielder"):
    tree = program.run("tree", "--json", "--at", moments["combinators: both run"], trace)[1]
    node = next(each for each in json.loads(tree) if each["name"] == name)
    checks.check(f"tree: {name}", (both if name != "shielder" else ["lazy"]) ==
                 [each["name"] for each in node["awaits"] if each["kind"] == "task"], str(node))
words("timeout: expired", "limited")
text = program.run("tree", "--at", moments["timeout: rescheduled"], trace)[1]
checks.check("tree: a task has its deadline", "limited #" in text and ", deadline " not in text.split("\n")[0] and
             "deadline " in text, text)
text = program.run("tree", "--all", "--at", moments["timeout: rescheduled"], trace)[1]
checks.check("tree --all: timeouts", text.count("  timeout  open  deadline ") == 2, text)

# The events of all that, in words.
text = program.run("events", trace)[1]
for phrase in ("queue_task_done 2 left by amain", "queue_shutdown 2 dropped by amain", "group_enter by parent",
               "timeout_reschedule due ", "timeout_expire of limited", "barrier_phase draining by amain",
               "barrier_phase broken by amain", "sync_acquire 1 free by amain", "sync_release 1 free by b",
               "create due "):
    checks.check(f"events: {phrase}", phrase in text)
stat = json.loads(program.run("stat", "--json", trace)[1])
checks.check("nothing that could not be", stat["damage"] == 0 and stat["lost"] == 0, str(stat))
checks.end()
