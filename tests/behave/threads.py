"""Events of several threads stand in an order in which they can have happened."""
import json
import sys
from support import begin

relay = sys.argv.pop(4)
program, checks, folder = begin()
THREADS, HOPS = 4, 2000

for policy in (["--policy", "block"], ["--policy", "overwrite", "--last", "64M"]):
    trace = folder / "relay.coro"
    status, out, err = program.run("record", *policy, "-o", trace, "--", relay, THREADS, HOPS)
    what = policy[1]
    checks.check(f"{what}: recorded", status == 0 and out == f"{HOPS} handed on\n", f"{status}: {out}{err}")
    status, out, err = program.run("events", "--json", "--filter", "kind == send or kind == yield", trace)
    numbers, threads = [], set()
    for line in out.splitlines():
        event = json.loads(line)
        # The number goes round once more, to end them all.
        if event.get("value", "").isdecimal() and int(event["value"]) <= HOPS:
            numbers.append((int(event["value"]), event["kind"]))
            threads.add(event["thread"])
    expected = [(number, kind) for number in range(1, HOPS + 1) for kind in ("send", "yield")]
    wrong = next((i for i, (got, want) in enumerate(zip(numbers, expected)) if got != want), None)
    checks.check(f"{what}: each number after the one before", numbers == expected,
                 f"{len(numbers)} of {len(expected)}; {wrong}: {numbers[max(wrong - 2, 0):wrong + 3] if wrong is not None else ''}")
    checks.check(f"{what}: by several threads", len(threads) == THREADS, str(threads))
    status, out, err = program.run("stat", "--json", trace)
    found = json.loads(out)
    # Those who are busy may write over what they did.
    checks.check(f"{what}: nothing is missing, nothing cannot be", found["damage"] == 0 and (found["lost"] == 0 or what == "overwrite"), out)
    trace.unlink()

# Event by event: the main thread waits for the others to end, and never comes to the gate.
status, out, err = program.run("run", "--batch", relay, 3, 20, stdin="goto 300\nback 100\nevent\ncontinue\n")
checks.check("step by step: moves", status == 0 and "event 300/" in out and "event 201/" in out, f"{status}: {out[-400:]}{err}")
checks.check("step by step: ends", "the program has ended with exit status 0" in out, out[-400:])
checks.end()
