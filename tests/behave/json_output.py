"""--json: valid, with the keys that docs/commands.md names, in that order, and the same from run
to run, times and sizes apart."""
import json
import pathlib
from support import begin

program, checks, folder = begin()
ORDER = ["n", "t", "turn", "thread", "kind", "co", "name", "peer", "value", "site"]


def in_order(keys, order):
    return [key for key in order if key in keys] == list(keys)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def without_times(text):
    values = lines(text)
    for value in values:
        if isinstance(value, dict):
            for key in ("t", "duration_ns", "bytes", "longest_turn", "longest_slice", "busiest_task"):
                value.pop(key, None)
    return json.dumps(values)


for demo in ("channel", "averager", "producer_consumer"):
    traces = [str(folder / f"{demo}-{i}.coro") for i in range(3)]
    outputs = [program.record(demo, trace)[0] for trace in traces]
    events = lines(program.run("events", "--json", traces[0])[1])
    numbered = [event for event in events if "n" in event]
    text = "".join(event["text"] for event in events if event["kind"] == "output")

    checks.check(f"{demo}: events have their numbers in order",
                 [event["n"] for event in numbered] == list(range(1, len(numbered) + 1)))
    checks.check(f"{demo}: keys", all(in_order(event, ORDER) for event in numbered))
    checks.check(f"{demo}: every event has time, thread and kind",
                 all({"t", "thread", "kind", "co"} <= event.keys() for event in numbered))
    checks.check(f"{demo}: every other line is output",
                 all(list(event) == ["after", "kind", "fd", "approximate", "text"] and event["approximate"] is True
                     for event in events if "n" not in event))
    checks.check(f"{demo}: turns only where there is a loop",
                 any("turn" in event for event in numbered) == (demo == "producer_consumer"))
    checks.equal(f"{demo}: output is in the trace", text.replace("\r\n", "\n"), outputs[0])
    checks.check(f"{demo}: output is after an event that there is",
                 all(0 <= event["after"] <= len(numbered) for event in events if "n" not in event))

    middle = len(numbered) // 2
    for command in (["events"], ["ps", "--at", middle], ["ps", "--all", "--at", middle], ["tree", "--at", middle],
                    ["stat"]):
        answers = [program.run(*command, "--json", trace) for trace in traces]
        checks.check(f"{demo}: {command[0]}: status", all(a[0] == 0 and a[2] == "" for a in answers))
        for answer in answers[1:]:
            checks.equal(f"{demo}: {command[0]}: the same from run to run",
                         without_times(answer[1]), without_times(answers[0][1]))

    objects = json.loads(program.run("ps", "--json", "--all", "--at", middle, traces[0])[1])
    ids = [each["id"] for each in objects]
    checks.check(f"{demo}: ps: keys", all(
        {"id", "name", "kind", "state", "awaits", "awaited_by", "created_at", "resumes"} <= each.keys()
        for each in objects) and objects)
    checks.check(f"{demo}: ps: ids in order, each once", ids == sorted(set(ids)))
    checks.check(f"{demo}: ps: who awaits is awaited by", all(
        other["id"] in next(each for each in objects if each["id"] == target)["awaited_by"]
        for other in objects if other["kind"] == "task" for target in other["awaits"] if target in ids))
    coroutines = json.loads(program.run("ps", "--json", "--at", middle, traces[0])[1])
    checks.check(f"{demo}: ps: bodies and tasks alone",
                 {each["kind"] for each in coroutines} <= {"generator", "coroutine", "task"} and coroutines)
    checks.check(f"{demo}: ps: bodies have stacks", all((each.get("stack_bytes") == 65536) == (each["kind"] != "task")
                                                         for each in coroutines))

    statistics = json.loads(program.run("stat", "--json", traces[0])[1])
    checks.check(f"{demo}: stat: keys",
                 {"program", "events", "lost", "damage", "duration_ns", "coroutines", "kinds", "bytes"} <= statistics.keys())
    if statistics["tasks"]:
        # What the text says besides.
        text = program.run("stat", traces[0])[1]
        turn, slice_, busiest = (statistics[key] for key in ("longest_turn", "longest_slice", "busiest_task"))
        checks.check(f"{demo}: stat: longest and busiest", 1 <= turn["turn"] <= statistics["turns"] and
                     numbered[turn["at"] - 1]["kind"] == "turn_end" and numbered[slice_["at"] - 1]["co"] == slice_["id"] and
                     0 < slice_["duration_ns"] <= busiest["duration_ns"] and busiest["slices"] > 0 and
                     f"{slice_['name']} #{slice_['id']}" in text and f"\nlongest turn   {turn['turn']}, " in text, f"{statistics}{text}")
    checks.check(f"{demo}: stat: counts", statistics["events"] == len(numbered) and
                 sum(statistics["kinds"].values()) == len(numbered) and statistics["lost"] == 0)
    checks.check(f"{demo}: stat: bytes", statistics["bytes"] == pathlib.Path(traces[0]).stat().st_size)

# The filter of events, against the same question asked of the JSON.
trace = str(folder / "producer_consumer-0.coro")
events = [e for e in lines(program.run("events", "--json", trace)[1]) if "n" in e]
QUESTIONS = {
    "kind == yield": lambda e: e["kind"] == "yield",
    "kind != yield": lambda e: e["kind"] != "yield",
    'name == "shelf"': lambda e: e.get("name") == "shelf",
    'name ~ "^(ann|bob)$"': lambda e: e.get("name") in ("ann", "bob"),
    "name != ann": lambda e: e.get("name") != "ann",
    "co == 4 and kind == queue_put": lambda e: e["co"] == 4 and e["kind"] == "queue_put",
    "kind==queue_put and value > 12": lambda e: e["kind"] == "queue_put" and int(e["value"]) > 12,
    "n >= 10 and n < 20": lambda e: 10 <= e["n"] < 20,
    "n <= 3 or n > 420": lambda e: e["n"] <= 3 or e["n"] > 420,
    "not (kind == yield or kind == next)": lambda e: e["kind"] not in ("yield", "next"),
    "not not kind == step and turn == 2": lambda e: e["kind"] == "step" and e.get("turn") == 2,
    "kind == step or kind == done and n < 100": lambda e: e["kind"] == "step" or e["kind"] == "done" and e["n"] < 100,
    "peer == 8": lambda e: e.get("peer") == 8,
    'site ~ "producer_consumer"': lambda e: "producer_consumer" in e.get("site", ""),
    "thread == 1": lambda e: True,
    "t >= 0ns and t < 1000s": lambda e: True,
    "t > 1000s": lambda e: False,
}
for question, holds in QUESTIONS.items():
    status, out, err = program.run("events", "--json", "--filter", question, trace)
    checks.check(f"filter: {question}", status == 0 and lines(out) == [e for e in events if holds(e)],
                 err or f"{len(out.splitlines())} lines")
MISTAKES = {
    "kind = yield": 6, "kind == ": 9, "": 1, "foo == 3": 1, "kind == yeild": 9, "(kind == yield": 15,
    "kind == yield name == x": 15, 'name == "ann': 9, 'name ~ "("': 8, "co == ann": 7, "name < ann": 8,
    "kind == yield and": 18, "not": 4, "(" * 200: 102,
}
for question, position in MISTAKES.items():
    status, out, err = program.run("events", "--filter", question, trace)
    checks.check(f"filter: mistake in {question[:30]}",
                 status == 2 and out == "" and err.count("\n") == 1 and f"at position {position} " in err,
                 f"{status}: {err}")

# --from and --to.
part = lines(program.run("events", "--json", "--from", 10, "--to", 12, trace)[1])
checks.check("from, to", [event["n"] for event in part] == [10, 11, 12])
checks.check("from, to: turns are counted from the start", part[0] == events[9])

checks.end()
