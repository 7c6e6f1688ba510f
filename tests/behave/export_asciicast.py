"""export --format asciicast: what the program wrote, played by asciinema."""
import json
import os
import pty
import re
from export_support import begin, consumer, end, export

program, checks, folder, traces = begin()
asciinema = consumer("asciinema")


def play(path):
    """What `asciinema cat` writes to a terminal of its own that changes nothing."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["LC_ALL"] = "C.UTF-8"
        os.execv("/bin/sh", ["sh", "-c", 'stty -opost && exec "$0" cat "$1"', asciinema, str(path)])
    text = b""
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(fd)
    status = os.waitpid(pid, 0)[1]
    return status, text.decode()


for trace in traces:
    out = folder / f"{trace.name}.cast"
    report = export(program, checks, trace, "asciicast", out)
    if not report:
        continue
    header, *lines = [json.loads(line) for line in out.read_text().splitlines()]
    checks.check(f"{trace.name}: header", header["version"] == 2 and (header["width"], header["height"]) == (80, 24) and
                 all(c >= " " for c in header["title"]), str(header))
    checks.check(f"{trace.name}: lines", all(kind == "o" and isinstance(text, str) and text for _, kind, text in lines))
    times = [t for t, *_ in lines]
    checks.check(f"{trace.name}: times do not go back", times == sorted(times) and all(t >= 0 for t in times))
    checks.check(f"{trace.name}: no event is exported", report["exported"] == 0 and report["output"] ==
                 report["output_exported"])
    text = "".join(text for *_, text in lines)
    written = "".join(line["text"] for line in trace.lines if line["kind"] == "output")
    if trace.name in ("channel", "producer_consumer"):
        # They wrote into a pipe.
        checks.equal(f"{trace.name}: what it wrote", text, written.replace("\n", "\r\n"))
    if trace.name == "output":
        checks.equal("output: as it was written", repr(text),
                     repr("café \033[1mbold\033[0m\r\nup\nraw 😀 \ufffd\ufffdx\r\n\ufffd"))
        checks.check("output: a pause", times[-1] - times[0] > 1.4, str(times))
        checks.check("output: when", header["timestamp"] == 1700000000)
    if trace.name == "pipe":
        checks.equal("pipe: with carriage returns", repr(text),
                     repr("one\r\ntwo\r\nthrerror\r\nee\r\n\ufffd\ufffd\ufffd\r\n"))
    if asciinema:
        status, played = play(out)
        checks.check(f"{trace.name}: asciinema: status", status == 0, played[-500:])
        checks.equal(f"{trace.name}: asciinema plays it", repr(played), repr(text))

end(checks, asciinema)
