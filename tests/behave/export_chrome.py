"""export --format chrome: strict JSON; begins and ends nest on each track; arrows and lives have both ends in order;
each event of the trace is there once."""
import json
from export_support import Slices, begin, end, export

program, checks, folder, traces = begin()
MARKS = ("lost", "unreadable", "output")


def strict(text):
    def pairs(items):
        assert len({key for key, _ in items}) == len(items), f"a key twice: {items}"
        return dict(items)

    def constant(word):
        raise ValueError(word)
    return json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=str)


def nanoseconds(ts):
    whole, _, part = str(ts).partition(".")
    assert len(part) == 3, ts
    return int(whole + part)


for trace in traces:
    out = folder / f"{trace.name}.chrome.json"
    report = export(program, checks, trace, "chrome", out)
    if not report:
        continue
    raw = out.read_bytes()
    checks.check(f"{trace.name}: no control character is written as it is", all(byte >= 32 or byte == 10 for byte in raw))
    whole = strict(raw.decode())
    records = whole["traceEvents"]
    slices = Slices(checks, trace)
    names, begun, lives, numbers, cut, arrows = {}, {}, {}, [], 0, []
    marks = {mark: [] for mark in MARKS}
    by_number = {event["n"]: event for event in trace.events}
    for record in records:
        phase, tid, arguments = record["ph"], record["tid"], record.get("args", {})
        if phase == "M":
            if record["name"] == "thread_name":
                checks.check(f"{trace.name}: a track is named once", tid not in names)
                names[tid] = arguments["name"]
            continue
        t = nanoseconds(record["ts"])
        if record.get("cat") in MARKS:
            marks[record["cat"]].append(arguments)
            continue
        if tid not in names:
            slices.fail(f"a track without a name: {record}")
        if phase == "B":
            slices.begin(tid, t, record["name"])
        elif phase == "E":
            slices.end(tid, t)
            arguments = arguments["end"]
            cut += arguments["kind"] == "cut"
        elif phase in "sf":
            # It binds to the slice around it.
            if not slices.open.get(tid):
                slices.fail(f"an arrow without a slice: {record}")
            if phase == "f" and (record["id"] not in begun or record["bp"] != "e"):
                slices.fail(f"an arrow ends that was not begun: {record}")
            (begun.__setitem__ if phase == "s" else lambda *_: arrows.append(int(record["id"], 16)))(record["id"], t)
            continue
        elif phase == "b":
            if record["id"] in lives:
                slices.fail(f"born twice: {record}")
            lives[record["id"]] = record["name"]
        elif phase == "e":
            if not lives.pop(record["id"], None):
                slices.fail(f"gone before it was there: {record}")
        elif phase == "i":
            slices.at(tid, t)
        else:
            slices.fail(f"phase {phase}")
        if arguments.get("kind") == "cut":
            continue
        numbers.append(arguments.pop("n"))
        event = by_number[numbers[-1]]
        if arguments != {key: event[key] for key in event if key in ("kind", "co", "name", "peer", "value", "site")}:
            slices.fail(f"not as in the trace: {record} {event}")
    slices.close()
    checks.check(f"{trace.name}: as many events as it says, each once", len(numbers) == report["exported"] ==
                 len(set(numbers)), f"{len(numbers)} {report}")
    checks.check(f"{trace.name}: cut slices are counted", cut == report["cut"], f"{cut} {report}")
    checks.check(f"{trace.name}: losses", [(mark["after"], mark["count"]) for mark in marks["lost"]] ==
                 [(lost["after"], lost["count"]) for lost in trace.lost if lost["thread"] <= 1024])
    checks.check(f"{trace.name}: gaps", sum(mark["count"] for mark in marks["unreadable"]) == trace.unreadable)
    checks.check(f"{trace.name}: output", [(mark["after"], mark["fd"], mark["text"]) for mark in marks["output"]] ==
                 [(line["after"], line["fd"], line["text"]) for line in trace.lines if line["kind"] == "output"])
    if trace.name == "threads":
        wakes = {event["n"] for event in trace.events if event["kind"] == "wake"}
        checks.check("threads: an arrow for each wake", set(arrows) == wakes and len(arrows) == len(wakes), str(arrows))
        checks.check("threads: a track for each thread and task", sorted(names.values()) ==
                     ["client #120", "server #110", "thread 1", "thread 2"], str(names))
    if trace.name == "producer_consumer":
        # A turn of the loop for each, a step for each step, a body for each resume.
        kinds = trace.stat["kinds"]
        resumes = sum(kinds.get(kind, 0) for kind in ("next", "send", "throw"))
        checks.check("producer_consumer: as many slices as there are turns, steps and resumes",
                     slices.count == kinds["turn_begin"] + kinds["step"] + resumes, f"{slices.count} {kinds}")

end(checks)
