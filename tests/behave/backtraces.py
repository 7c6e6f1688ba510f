"""Stacks and local variables through the program: of a live one, and the same of its trace, at every event."""
import json
import re
from support import begin

program, checks, folder = begin()
DEMOS = ["channel", "averager", "producer_consumer"]


def script(name):
    """For every event of a demo: there, the stack and variables of every body that lives."""
    trace = folder / f"{name}.plan"
    program.record(name, trace)
    last = json.loads(program.run("stat", "--json", trace)[1])["events"]
    lines, bodies = [], 0
    for n in range(1, last + 1):
        lines.append(f"goto {n}")
        ps = program.run("ps", "--json", "--at", n, trace)[1]
        for one in json.loads(ps):
            if one["kind"] in ("generator", "coroutine", "async_generator") and one["state"] in ("created", "suspended"):
                lines += [f"stack {one['id']} all", f"locals {one['id']}"]
                bodies += 1
    return lines, bodies


def same(past, present):
    """Whether a line of the trace says what the live one does. What a pointer leads to is not recorded: there, and
    only there, the trace may say less: of an object that somebody has a value of, its id alone."""
    if past == present:
        return True
    pattern = re.escape(past)
    pattern = pattern.replace(re.escape("<memory not recorded>"), ".*")
    pattern = re.sub(r"0x[0-9a-f]+", ".*", pattern)
    pattern = re.sub(r"object\\ \\#(\d+)", r"\\w+ #\1(?: [\\w-]+)?", pattern)
    return re.fullmatch(pattern, present) is not None


for name in DEMOS:
    lines, bodies = script(name)
    trace = folder / f"{name}.coro"
    status, live, err = program.run("run", "--batch", "--virtual", program.demo(name),
                                    stdin="\n".join(lines + [f"save {trace}", "quit kill"]) + "\n")
    checks.check(f"{name}: live", status == 0 and bodies > 10, err)
    status, replayed, err = program.run("replay", "--batch", trace, stdin="\n".join(lines) + "\n")
    checks.check(f"{name}: replayed", status == 0, err)
    present = [line for line in live.splitlines() if not line.startswith("| ") and " saved in " not in line]
    past = replayed.splitlines()
    moves = re.compile(r"^event \d+/")
    present = [line for line in present if not moves.match(line)]
    past = [line for line in past if not moves.match(line)]
    different = [f"{a!r} live {b!r}" for a, b in zip(past, present) if not same(a, b)]
    checks.check(f"{name}: the past of {bodies} bodies is what was the present", not different and len(past) == len(present),
                 "\n    ".join(different[:5]) or f"{len(past)} lines and {len(present)}")
    frames = [line for line in past if re.match(r" +\d+  ", line)]
    checks.check(f"{name}: there are frames with places", len(frames) > bodies // 4 and
                 all(re.search(r"\.c:\d+$", line) for line in frames), str(frames[:3]))

# The subcommand: folded, one, JSON, variables.
trace = folder / "queue.coro"
program.record("producer_consumer", trace)
status, out, err = program.run("stack", "--at", 60, trace)
checks.check("equal stacks are one, with a count", re.search(r"cook #\d+  ×2\neater  suspended\n +0  eater +producer_consumer\.c:\d+", out), out)
status, out, err = program.run("stack", "--json", "--at", 60, "--locals", trace)
every = json.loads(out)
bakers = [one for one in every if one["name"] in ("ann", "bob")]
checks.check("JSON has all tasks", {one["name"] for one in every} == {"amain", "cook", "chef", "ann", "bob"}, out)
checks.check("JSON: complete, with frames and variables", len(bakers) == 2 and all(
    one["complete"] and one["count"] == 1 and one["frames"][0]["function"] == "baker" and
    {"bread", "i", "me"} <= {local["name"] for local in one["frames"][0]["locals"]} for one in bakers), out)
one = bakers[0]["id"]
status, out, err = program.run("stack", "--at", 60, trace, f"#{one}")
checks.check("one task, by its id", re.match(rf"ann #{one}  task  .*\nbaker #\d+  coroutine  suspended\n +0  baker +producer_consumer\.c:\d+\n"
                                                              r"created at producer_consumer\.c:\d+ by amain #\d+\ncreated at producer_consumer\.c:\d+ by main\n$", out), out)
status, out, err = program.run("stack", "--at", 60, "--all", trace, one)
checks.check("with the runtime's frames", "coro__trampoline" in out and "coro_sleep" in out, out)

for arguments, words in {
    (trace, 9999): "stack: object #9999 does not exist at event ",
    (trace, "worker"): "stack: the id: 'worker' is not a number",
    ("--at", 1, trace, 1): "stack: object #1 has no stack",
    (): "stack: which trace file? see coroscope stack --help",
    ("--depth", trace): "stack: unknown option '--depth': see coroscope stack --help",
}.items():
    status, out, err = program.run("stack", *arguments)
    checks.check(f"stack {arguments[-1:]}: one line", status in (2, 3) and words in err and err.count("\n") == 1, err)

# The debugger's commands.
answers = program.run("replay", "--batch", trace, stdin=f"goto 60\nselect {one}\nlocals\nprint i\nprint bread\n")[1]
checks.check("locals: heading and variables", re.search(r"baker #\d+  frame 0  baker  producer_consumer\.c:\d+", answers) and
             re.search(r"^i +=", answers, re.M), answers)
for line, words in {
    "print": "print: which expression?",
    "print cuont": "print: column 1: no variable is called 'cuont'",
    "print (i": "print: column 3: ",
    "locals 3 x": "locals: 'x' is not the number of a frame",
    "locals 3 77": "locals: there is no frame 77: see stack",
    "stack 3 some": "stack: 'some' is not 'all'",
    "stack shelf": "has no stack: it is a queue",
    "stack 77777": "object #77777 does not exist at this event",
}.items():
    status, out, err = program.run("replay", "--batch", trace, stdin=f"goto 60\nselect {one}\n{line}\n")
    checks.check(f"{line}: says why not", words in out + err, out + err)

# Without stacks in the trace: a reason, and no more.
program.run("record", "--virtual", "--stacks", "none", "-o", folder / "bare.coro", "--", program.demo("producer_consumer"))
status, out, err = program.run("stack", "--at", 60, folder / "bare.coro", one)
checks.check("--stacks none: says so", status == 0 and "no stack of it was recorded: see record --stacks" in out, out + err)
checks.end()
