"""Who holds a lock and who waits for it or for a queue: in ps, tree and select, as text and as JSON."""
import json
import os
import sys
from support import begin

crossed = os.path.realpath(sys.argv.pop(4))
program, checks, folder = begin()
trace = folder / "crossed.coro"
status, out, err = program.run("record", "--virtual", "-o", trace, "--", crossed)
checks.check("recorded", status == 0 and out == "nobody eats\n", f"{status}: {out}{err}")

# The moment at which both wait.
events = [json.loads(line) for line in program.run("events", "--json", trace)[1].splitlines()]
waits = [event["n"] for event in events if event["kind"] == "await"]
at = next(event["n"] for event in events if event["kind"] == "select" and event["n"] > waits[-1])
objects = {each["name"]: each for each in json.loads(program.run("ps", "--all", "--json", "--at", at, trace)[1])
           if each["kind"] in ("lock", "task")}
fork, knife, left, right = (objects[name] for name in ("fork", "knife", "left", "right"))
checks.check("ps --json: owners", fork["owner"] == left["id"] and knife["owner"] == right["id"], str(objects))
checks.check("ps --json: waiters", fork["waiters"] == [right["id"]] and knife["waiters"] == [left["id"]], str(objects))
checks.check("ps --json: only what can be held has them", "owner" not in left and "waiters" not in left)

text = program.run("ps", "--all", "--at", at, trace)[1]
words = f"owner left #{left['id']}, waiting right #{right['id']} (lock)"
checks.check("ps --all: the same in words", any("fork" in line and words in line for line in text.splitlines()), text)
checks.check("ps: no word of it", "owner" not in program.run("ps", "--at", at, trace)[1])
status, out, err = program.run("replay", "--batch", trace, stdin=f"goto {at}\nselect fork\n")
checks.check("select: the same in words", words in out, out + err)

tree = program.run("tree", "--at", at, trace)[1].splitlines()
begin_of_left = next(i for i, line in enumerate(tree) if line.startswith("left "))
checks.check("tree: a lock leads to its owner", any(line.startswith("  right ") for line in tree[begin_of_left:]), str(tree))
checks.check("tree: and round to a cycle", f"    left #{left['id']}  (cycle)" in tree, "\n".join(tree))
tree = program.run("tree", "--all", "--at", at, trace)[1]
lines = [line.strip().split(" ")[0] for line in tree.splitlines()]
checks.check("tree --all: by the future and the lock", "(cycle)" in tree and "knife" in lines and "fork" in lines, tree)
tree = program.run("tree", "--json", "--at", at, trace)[1]
checks.check("tree --json: the cycle", '"remark":"cycle"' in tree, tree)

# A queue: who waits to put and to get, in the order in which they came.
trace = folder / "shelf.coro"
program.record("producer_consumer", trace)
shelf = next(each for each in json.loads(program.run("ps", "--all", "--json", "--at", 60, trace)[1]) if each["kind"] == "queue")
text = program.run("ps", "--all", "--at", 60, trace)[1]
checks.check("queue: waiters", shelf["waiters"] == [6, 8] and "owner" not in shelf, str(shelf))
checks.check("queue: in words", "waiting cook #6 (get), waiting chef #8 (get)" in text, text)

# Names where an id could be.
status, out, err = program.run("replay", "--batch", trace, stdin="goto 60\nselect ann\nselect\nchain bob\nsource shelf\nselect eater\n")
lines = out.splitlines()
checks.check("select: a name", status == 0 and lines[1] == lines[2] and lines[1].startswith("ann #10  task"), out + err)
checks.check("chain: a name", any(line.startswith("bob #12") for line in lines), out)
checks.check("select: which, when there are several", lines[-1] == "eater is the name of 2 objects: #5 #7", out)

# The step goes on with whoever runs when the followed one has finished.
trace = folder / "channel.coro"
program.record("channel", trace)
status, out, err = program.run("replay", "--batch", trace, stdin="over\n" * 30)
numbers = [int(line.split("/")[0].removeprefix("event ")) for line in out.splitlines() if line.startswith("event ")]
checks.check("over: goes on to the last thing that runs", status == 0 and len(numbers) >= 6 and
             numbers == sorted(set(numbers)) and "is finished" not in out, out)
status, out, err = program.run("replay", "--batch", trace, stdin="find return\nselect internal\nover\n")
checks.check("over: what was selected stays the subject", out.splitlines()[-1].startswith("internal #2 is finished: "), out)

# goto runs a live program to an event that it has not come to, and says when it ends before.
status, out, err = program.run("run", "--batch", program.demo("channel"), stdin="goto 7\nback 3\ngoto 9\ngoto 1000\nevent\n")
places = [line.split("/")[0] for line in out.splitlines() if line.startswith("event ")]
checks.check("goto: there, back and beyond", status == 0 and places == ["event 7", "event 4", "event 9", "event 26"], out + err)
checks.check("goto: no farther than its end", out.count("the program has ended with exit status 0") == 2, out)

# How it ended.
status, out, err = program.run("stat", trace)
checks.check("stat: the exit status", "\nended          with exit status 0\n" in out, out)
checks.check("stat --json: the exit status", json.loads(program.run("stat", "--json", trace)[1])["exit_status"] == 0)

# Output that was written while the program was held stands exactly; at full speed it does not.
recorded = program.run("events", trace)[1]
checks.check("events: at full speed, marked", "~| main: received 0" in recorded and " | main" not in recorded, recorded)
held = folder / "held.coro"
program.run("run", "--batch", "-o", held, program.demo("channel"), stdin="continue\n")
stepped = program.run("events", held)[1]
checks.check("events: stepped, not marked", " | main: received 0" in stepped and "~|" not in stepped, stepped)
told = [json.loads(line) for line in program.run("events", "--json", held)[1].splitlines()]
checks.check("events --json: the same", all("approximate" not in each for each in told))

checks.end()
