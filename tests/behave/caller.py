"""Where an event happened is a place in the program, never one in the library: however the two
were optimised, and also where the program ends a function with the call."""
import json
import pathlib
import sys
from support import begin

program, checks, folder = begin()
caller = sys.argv[4]
own = {path.name for path in (program.sources.parent / "runtime").rglob("*.[chS]")}
checks.check("the library has files", len(own) > 30)

subjects = {name: [program.demo(name)] for name in ("channel", "averager", "producer_consumer")}
subjects["caller"] = [str(pathlib.Path(caller).resolve())]
for name, command in subjects.items():
    trace = str(folder / f"{name}.coro")
    status, out, err = program.run("record", "--virtual", "-o", trace, "--", *command)
    checks.check(f"{name}: ends well", status == 0, err)
    events = [json.loads(line) for line in program.run("events", "--json", trace)[1].splitlines()]
    places = [event for event in events if event.get("site")]
    checks.check(f"{name}: events have places", len(places) > 10, f"{len(places)} of {len(events)}")
    for event in places:
        file = pathlib.Path(event["site"].rsplit(":", 1)[0]).name
        checks.check(f"{name}: {event['kind']} of {event.get('co')} {event.get('name')} is not in the library",
                     file == f"{name}.c", event["site"])

checks.end()
