"""What was lost is counted for each thread, and the parts are the whole."""
import json
import subprocess
import sys

from support import begin

program, checks, folder = begin()
trace = folder / "lossy.coro"
subprocess.run([sys.argv[4], "lossy", trace], check=True)

told = json.loads(program.run("stat", "--json", trace)[1])
checks.equal("as JSON", json.dumps(told["threads"]), json.dumps([
    {"thread": 1, "events": 14, "lost": 43},
    {"thread": 2, "events": 10, "lost": 2},
    {"thread": 4, "events": 0, "lost": 11}]))
checks.check("all events", sum(thread["events"] for thread in told["threads"]) == told["events"])
checks.check("all losses", sum(thread["lost"] for thread in told["threads"]) == told["lost"])
listed = [json.loads(line) for line in program.run("events", "--json", trace)[1].splitlines()]
for thread in told["threads"]:
    lost = sum(entry["count"] for entry in listed
               if entry["kind"] == "lost" and entry["thread"] == thread["thread"])
    checks.check(f"as `events` lists them, thread {thread['thread']}", lost == thread["lost"], str(lost))

lines = program.run("stat", trace)[1].splitlines()
checks.equal("as text", "\n".join(lines[3:7]), """lost           56
  thread 1     14 events, 43 lost
  thread 2     10 events, 2 lost
  thread 4     0 events, 11 lost""")

whole = folder / "channel.coro"
program.record("channel", whole)
text = program.run("stat", whole)[1]
checks.check("of one thread that lost nothing nothing is said", "thread" not in text, text)
checks.equal("but as JSON", json.dumps([thread["lost"] for thread in
                                        json.loads(program.run("stat", "--json", whole)[1])["threads"]]), "[0]")

checks.end()
