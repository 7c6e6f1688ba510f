"""export --format perfetto, decoded by protoc with Perfetto's messages: no field that is not one of them, names
told before they are used, slices that nest, an arrow for each wake."""
import pathlib
import re
import subprocess
from export_support import Slices, begin, consumer, end, export
from support import PATIENCE

program, checks, folder, traces = begin()
protoc = consumer("protoc")
proto = pathlib.Path(__file__).with_name("perfetto.proto")
BEGIN, END, INSTANT = "TYPE_SLICE_BEGIN", "TYPE_SLICE_END", "TYPE_INSTANT"


def string(text):
    """A string of protobuf's text format."""
    raw = re.sub(rb"\\([0-7]{3}|.)", lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else
                 {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(m[1], m[1]), text.encode())
    return raw.decode()


def parse(text):
    """Protobuf's text format: a dictionary of lists."""
    stack = [{}]
    for line in text.splitlines():
        line = line.strip()
        if line == "}":
            stack.pop()
        elif line.endswith(" {"):
            inner = {}
            stack[-1].setdefault(line[:-2], []).append(inner)
            stack.append(inner)
        else:
            key, value = line.split(": ", 1)
            stack[-1].setdefault(key, []).append(string(value[1:-1]) if value[0] == '"' else
                                                 int(value, 0) if value[-1].isdigit() else value)
    return stack[0]


class Reader:
    """Reads packets as Perfetto does."""

    def __init__(self, trace):
        self.trace = trace
        self.names, self.tracks, self.flows = None, {}, set()
        self.slices = Slices(checks, trace)
        self.numbers, self.marks, self.arrows, self.cut = [], [], [], 0

    def intern(self, packet):
        if packet.get("sequence_flags", [0])[0] & 1:
            self.names = {"event_categories": {}, "event_names": {}, "debug_annotation_names": {}}
        for data in packet.get("interned_data", []):
            for table, entries in data.items():
                for entry in entries:
                    self.names[table][entry["iid"][0]] = entry["name"][0]

    def track(self, descriptor):
        uuid = descriptor["uuid"][0]
        parent = descriptor.get("parent_uuid", [None])[0]
        checks.check(f"{self.trace.name}: a track is told once, below one that was", uuid not in self.tracks and
                     (parent is None) == ("process" in descriptor) and (parent is None or parent in self.tracks))
        self.tracks[uuid] = descriptor.get("name", ["the process"])[0]

    def event(self, packet):
        event = packet["track_event"][0]
        t, kind, track = packet["timestamp"][0], event["type"][0], event["track_uuid"][0]
        notes = {self.names["debug_annotation_names"][note["name_iid"][0]]:
                 (note.get("uint_value") or note.get("string_value"))[0] for note in event.get("debug_annotations", [])}
        name = self.names["event_names"][event["name_iid"][0]] if kind != END else None
        categories = [self.names["event_categories"][iid] for iid in event.get("category_iids", [])]
        if track not in self.tracks:
            self.slices.fail("an event is on a track that was not told")
        if kind == BEGIN:
            self.slices.begin(track, t, name)
        elif kind == END:
            self.slices.end(track, t)
        elif self.tracks[track] != "the process":
            self.slices.at(track, t)
        self.flows |= set(event.get("flow_ids", []))
        for flow in event.get("terminating_flow_ids", []):
            if flow not in self.flows:
                self.slices.fail("an arrow ends that was not begun")
            self.arrows.append((flow, notes["n"]))
        self.cut += kind == END and notes.get("end_kind") == "cut"
        if "n" in notes or "end_n" in notes:
            self.numbers.append(notes.get("n", notes.get("end_n")))
            self.told(kind, name, categories, notes)
        elif kind == INSTANT:
            self.marks.append((name, notes, packet.get("previous_packet_dropped"), t, self.tracks[track]))

    def told(self, kind, name, categories, notes):
        """An event of the trace, as it stands there."""
        event = self.trace.by_number[self.numbers[-1]]
        end_ = "end_" if kind == END else ""
        good = notes[end_ + "kind"] == event["kind"] and notes.get(end_ + "value", "") == event.get("value", "") and \
            notes.get(end_ + "site", "") == event.get("site", "")
        if not end_:
            good = good and notes.get("co", 0) == event.get("co", 0) and notes.get("name", "") == event.get("name", "") and \
                notes.get("peer", 0) == event.get("peer", 0) and len(categories) == 1
        if kind == INSTANT:
            good = good and name == event["kind"]
        if not good:
            self.slices.fail(f"not as in the trace: {notes} {event}")


for trace in traces:
    out = folder / f"{trace.name}.pftrace"
    report = export(program, checks, trace, "perfetto", out)
    if not report or not protoc:
        continue
    done = subprocess.run([protoc, f"--proto_path={proto.parent}", "--decode=perfetto.protos.Trace", proto.name],
                          stdin=out.open("rb"), capture_output=True, timeout=PATIENCE)
    text = done.stdout.decode()
    checks.check(f"{trace.name}: protoc: status and stderr", done.returncode == 0 and not done.stderr,
                 done.stderr.decode())
    checks.check(f"{trace.name}: protoc: every field is known", not re.search(r"(?m)^ *\d+[: ]", text))
    packets = parse(text).get("packet", [])
    trace.by_number = {event["n"]: event for event in trace.events}
    reader = Reader(trace)
    for packet in packets:
        if packet.get("trusted_packet_sequence_id") != [1]:
            checks.check(f"{trace.name}: one sequence", False, str(packet))
            break
        reader.intern(packet)
        for descriptor in packet.get("track_descriptor", []):
            reader.track(descriptor)
        if "track_event" in packet:
            reader.event(packet)
    reader.slices.close()
    checks.check(f"{trace.name}: the first packet says so, and tells the clocks", "clock_snapshot" in packets[0] and
                 [packet.get("first_packet_on_sequence") for packet in packets].count(["true"]) == 1 and
                 packets[0]["first_packet_on_sequence"] == ["true"])
    checks.check(f"{trace.name}: as many events as it says, each once", len(reader.numbers) == report["exported"] ==
                 len(set(reader.numbers)), f"{len(reader.numbers)} {report}")
    checks.check(f"{trace.name}: cut slices are counted", reader.cut == report["cut"], f"{reader.cut} {report}")
    losses = [(notes["after"], notes["count"]) for name, notes, *_ in reader.marks if name == "lost"]
    checks.check(f"{trace.name}: losses", losses == [(lost["after"], lost["count"]) for lost in trace.lost
                                                     if lost["thread"] <= 1024], str(losses))
    gaps = [mark for mark in reader.marks if mark[0] == "unreadable"]
    checks.check(f"{trace.name}: gaps", sum(mark[1]["count"] for mark in gaps) == trace.unreadable)
    checks.check(f"{trace.name}: where something is missing, names are told anew",
                 all(mark[2] == [1] for mark in reader.marks if mark[0] in ("lost", "unreadable")))
    outputs = [(notes["after"], notes["text"]) for name, notes, *_ in reader.marks if name == "output"]
    checks.check(f"{trace.name}: output", outputs == [(line["after"], line["text"]) for line in trace.lines
                                                      if line["kind"] == "output"], str(outputs))
    if trace.name == "threads":
        wakes = [event for event in trace.events if event["kind"] == "wake"]
        steps = [next(event["n"] for event in trace.events if event["kind"] == "step" and event["co"] == wake["co"] and
                      event["n"] > wake["n"]) for wake in wakes]
        checks.check("threads: an arrow from each wake to the next step", sorted(reader.arrows) ==
                     sorted(zip((wake["n"] for wake in wakes), steps)) and len(wakes) == 8, str(reader.arrows))
        checks.check("threads: a track for each thread and task", sorted(reader.tracks.values()) ==
                     ["client #120", "server #110", "the process", "thread 1", "thread 2"], str(reader.tracks))
        checks.check("threads: nothing is cut", report["cut"] == report["moved"] == 0, str(report))
    if trace.name == "lossy":
        # Loop, task and coroutine where events were lost; the same at the end, where the loss is the last.
        checks.check("lossy: what ran where something was lost is cut", report["cut"] == 6, str(report))
        checks.check("lossy: the thread without events has a track", "thread 4" in reader.tracks.values())

end(checks, protoc)
