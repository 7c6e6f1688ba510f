"""export --format ctf, read by babeltrace2: as many events as there are, the losses where they happened, names
and values as everywhere."""
import re
import subprocess
from export_support import begin, consumer, end, export
from support import PATIENCE

program, checks, folder, traces = begin()
babeltrace = consumer("babeltrace2")
EVENT = re.compile(r"^\[(\d+)\.(\d{9})\] \(.*?\) (?:\(.*?\) )?(\w+): \{ (?:kind = \d+, )?n = (\d+), co = (\d+), .*$")
DISCARDED = re.compile(r"Tracer discarded (\d+) events? between \[(\d+)\.(\d{9})\] and \[(\d+)\.(\d{9})\]")


def read(*arguments):
    done = subprocess.run([babeltrace, *map(str, arguments)], capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def unescaped(text):
    """A string as babeltrace2 prints it."""
    return re.sub(r"\\(.)", r"\1", text)


for trace in traces:
    out = folder / f"{trace.name}.ctf"
    report = export(program, checks, trace, "ctf", out)
    if not report:
        continue
    streams = sorted(file.name for file in out.iterdir())
    threads = {event["thread"] for event in trace.events if event["thread"] <= 1024} | \
        {lost["thread"] for lost in trace.lost if lost["thread"] <= 1024}
    checks.check(f"{trace.name}: a stream a thread", {f"thread_{thread}" for thread in threads} | {"metadata"} ==
                 set(streams) - {"unreadable"}, str(streams))
    metadata = (out / "metadata").read_text()
    checks.check(f"{trace.name}: metadata", metadata.startswith("/* CTF 1.8 */\n") and
                 all(c == "\n" or c == "\t" or c >= " " for c in metadata))
    if not babeltrace:
        continue
    real = trace.name not in ("channel", "producer_consumer")
    if real:
        checks.check(f"{trace.name}: the clock has both offsets", "\toffset_s = 1700000000;\n\toffset = 123456789;\n" in metadata)

    status, text, err = read("-c", "sink.utils.counter", out)
    messages = {name: int(count) for count, name in re.findall(r"(?m)^ *(\d+) (.*?)s?$", text)}
    checks.check(f"{trace.name}: babeltrace2: status and stderr", status == 0 and err == "", f"{status}: {err}")
    checks.check(f"{trace.name}: babeltrace2 counts the events", messages.get("Event message") == report["exported"], text)

    status, text, err = read("--clock-seconds", "--no-delta", out)
    lines = text.splitlines()
    told = [EVENT.match(line) for line in lines]
    checks.check(f"{trace.name}: babeltrace2: each line is an event", status == 0 and all(told) and
                 len(told) == report["exported"], next((line for line, match in zip(lines, told) if not match), err))
    if not all(told):
        continue
    # What was lost, in sum and in place.
    losses = [tuple(map(int, match)) for match in DISCARDED.findall(err)]
    gone = sum(lost["count"] for lost in trace.lost) + trace.unreadable
    checks.check(f"{trace.name}: babeltrace2 counts the losses", sum(loss[0] for loss in losses) == gone ==
                 report["lost"] + trace.unreadable and err.count("\n") == len(losses), f"{gone}: {err}")
    # The events themselves.
    events = {event["n"]: event for event in trace.events}
    for line, match in zip(lines, told):
        event = events.pop(int(match[4]), None)
        name = unescaped(re.search(r' name = "((?:[^"\\]|\\.)*)"', line)[1])
        kind = re.search(r' co_kind = \( (?:"(\w+)"|<\w+>)', line)[1] or "unknown"
        value = unescaped(re.search(r' value = "((?:[^"\\]|\\.)*)"', line)[1])
        site = unescaped(re.search(r' site = "((?:[^"\\]|\\.)*)"', line)[1])
        good = event and match[3] == event["kind"] and int(match[5]) == event.get("co", 0) and \
            name == (event.get("name") or kind) and value == event.get("value", "-") and site == event.get("site", "-")
        if not good:
            checks.check(f"{trace.name}: an event as everywhere", False, f"{line}\n    {event}")
            break
    checks.check(f"{trace.name}: every event that can be", all(event["thread"] > 1024 for event in events.values()),
                 str(list(events.values())[:3]))
    if trace.name == "lossy":
        def t(n):
            return 1700000000123456789 + trace.events[n - 1]["t"]
        # Of thread 1: before the first event, in a slice, between slices, at the end; of thread 2; of a fourth one.
        places = [(count, int(a) * 10 ** 9 + int(b), int(c) * 10 ** 9 + int(d)) for count, a, b, c, d in
                  ((loss[0], *loss[1:]) for loss in losses)]
        ring = {thread: [event["n"] for event in trace.events if event["thread"] == thread] for thread in (1, 2)}

        def between(thread, after):
            before = [n for n in ring[thread] if n <= after]
            behind = [n for n in ring[thread] if n > after]
            return (t(before[-1]) if before else t(behind[0])), t(behind[0] if behind else len(trace.events))
        expected = []
        for lost in trace.lost:
            if lost["thread"] in ring:
                expected.append((lost["count"], *between(lost["thread"], lost["after"])))
        checks.check("lossy: losses stand where they happened",
                     sorted(place for place in places if place[0] != 11) == sorted(expected), f"{places}\n    {expected}")
    if trace.name == "threads":
        # Two streams, merged by time.
        times = [int(match[1]) * 10 ** 9 + int(match[2]) for match in told]
        checks.check("threads: in the order of time", times == sorted(times) and
                     [int(match[4]) for match in told] == list(range(1, len(told) + 1)))

end(checks, babeltrace)
