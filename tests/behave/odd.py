"""A trace that no well-behaved program leaves: everything of it is told, nothing reaches the terminal raw, and
what is lost or cannot be read is said where it is missing."""
import json
import subprocess
import sys
from support import begin

maker = sys.argv.pop(4)
program, checks, folder = begin()
trace = folder / "odd.coro"
subprocess.run([maker, trace], check=True)
LARGE = 2 ** 53 + 1


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


status, out, err = program.run("events", "--json", trace)
events = lines(out)
checks.check("events: status", status == 0 and err == "", f"{status}: {err}")
checks.check("events: a number beyond 2^53 keeps its digits", events[0]["co"] == LARGE, str(events[0]))
checks.check("events: losses stand where they were", [e for e in events if e["kind"] == "lost"] == [
    {"after": 1, "kind": "lost", "thread": 1, "count": 3}, {"after": 1, "kind": "lost", "thread": 2, "count": 2}], out)
checks.equal("events: output that is no UTF-8 is made some, and the two descriptors are kept apart",
             "\n".join(f"{e['fd']} {e['text']!r}" for e in events if e["kind"] == "output"),
             "1 'out '\n2 'error\\n'\n" + "1 " + repr("café € 😀|\ufffd|\ufffd|\ufffd\ufffd|" + "\ufffd" * 3 + "|" +
                                                       "\ufffd" * 4 + "|\ufffd\ufffd|" + "\ufffd" * 3 + "|" +
                                                       "\ufffd" * 4 + "|\ufffd|\ufffd"))
name = "odd \\x1b]0;title\\x07\\xe2\\x80\\xae"
checks.equal("events: values of every kind", "\n".join(e["value"] for e in events if e["kind"] == "yield"),
             f"None\nTrue\n3.141590118408203\n<{name} #{LARGE}>\n-9223372036854775808\nTrue\n<#0>\n"
             "\"it's\\n\"\n'the beginning of…'\nb'\\x01z\\xff'\n<struct thing>\nstruct thing: oops")
checks.check("events: names are filtered", events[0]["name"] == name, events[0]["name"])

status, out, err = program.run("events", trace)
checks.check("events as text: losses", "[LOST 3] of thread 1" in out and
             "[LOST 2] of thread 2" in out, out)
checks.check("events as text: nothing drives the terminal", all(c == "\n" or c >= " " for c in out) and
             "\u202e" not in out, repr(out))

status, out, err = program.run("stat", trace)
for words in ("program        odd\\x1b[2J with arguments", "events         32", "lost           5", "duration       3.03 ms",
              "coroutines     1", "tasks          1", "turns          0", "longest slice  worker #5, 2 ms up to event 32",
              "busiest task   worker #5, 3 ms in 3 slices", "yield   12"):
    checks.check(f"stat: {words}", words in out, out)
checks.check("stat: bytes", f"bytes          {trace.stat().st_size}, " in out and "an event" in out, out)
checks.check("stat: the same as JSON", json.loads(program.run("stat", "--json", trace)[1])["lost"] == 5)

# Questions about values.
for question, count in {'value == "it\'s\n"': 1, "value == 'None'": 1, "value == True": 2, "value > 3": 1,
                        "value < -9000000000000000000": 1, 'value ~ "^b"': 1, "value != None": 31,
                        f"co == {LARGE}": 25, "peer == 3": 0, "t >= 1ms and t < 2000us": 2,
                        'kind ~ "^(step|ready)$"': 6, 'co ~ "^90"': 25, "thread != 1": 6, "site == odd.c:7": 32}.items():
    status, out, err = program.run("events", "--json", "--filter", question, trace)
    checks.check(f"filter: {question}", status == 0 and len(lines(out)) == count, f"{count}: {err}{out}")

# A part in the middle that is damaged: it is the only one that is missing, and it is said.
whole = trace.read_bytes()
torn = [at for at in range(64, len(whole), 37)]
kinds = {(e["n"], e["kind"]) for e in events if "n" in e}
unreadable = without_output = 0
for at in torn:
    bad = folder / "damaged.coro"
    bad.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:])
    status, out, err = program.run("events", "--json", bad)
    if status:
        checks.check(f"damage at {at}: one line", status == 3 and err.count("\n") == 1, f"{status}: {err}")
        continue
    told = lines(out)
    missing = sum(e["count"] for e in told if e["kind"] == "unreadable")
    statistics = json.loads(program.run("stat", "--json", bad)[1])
    there = [e for e in told if "n" in e]
    checks.check(f"damage at {at}: what is left is true", {(e["n"], e["kind"]) for e in there} <= kinds, out)
    checks.check(f"damage at {at}: it is said", err.count("\n") == 1 or told == events, f"{err}{out}")
    checks.check(f"damage at {at}: events and gaps are all", len(there) + missing == statistics["events"] and
                 statistics.get("unreadable", 0) == missing, f"{len(there)} + {missing}: {statistics}")
    if missing:
        unreadable += 1
        gap = next(e["after"] for e in told if e["kind"] == "unreadable") + 1
        text = program.run("events", bad)[1]
        checks.check(f"damage at {at}: as text", f"events {gap}-{gap + missing - 1} could not be read" in text, text)
        checks.check(f"damage at {at}: stat", f"unreadable     {missing}" in program.run("stat", bad)[1])
        status, out, err = program.run("replay", "--batch", bad, stdin=f"event\ngoto {gap}\nevent\nevents 5\noutput\ngoto end\nps\nback\n")
        checks.check(f"damage at {at}: replay goes on", status == 0 and "cannot be read" in out, f"{status}: {out}{err}")
        checks.check(f"damage at {at}: and says which line needed it", err.startswith("coroscope: replay: line ") and
                     err.count("\n") == 1 and "damaged" in err, err)
        for command in ("ps", "tree"):
            status, out, err = program.run(command, "--all", "--at", gap, bad)
            checks.check(f"damage at {at}: {command} says so", status == 0 and err.count("\n") == 1 and "damaged" in err, err)
        status, out, err = program.run("events", bad)
        checks.check(f"damage at {at}: events says which", f"events {gap}-{gap + missing - 1} could not be read" in err, err)
    elif '"output"' not in out:
        without_output += 1
        status, out, err = program.run("replay", "--batch", bad, stdin="goto end\noutput\n")
        checks.check(f"damage at {at}: output", "some of the output cannot be read" in out, out)
checks.check("damage: some of it hits events", unreadable > 0)
checks.check("damage: some of it hits the output", without_output > 0)

checks.end()
