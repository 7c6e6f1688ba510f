"""export --format json: the lines of events --json."""
from export_support import begin, end, export

program, checks, folder, traces = begin()
for trace in traces:
    out = folder / f"{trace.name}.jsonl"
    report = export(program, checks, trace, "json", out)
    if report:
        checks.equal(f"{trace.name}: the lines of events --json", out.read_text(),
                     program.run("events", "--json", trace.path)[1])
        checks.check(f"{trace.name}: all of it", report["exported"] == len(trace.events) and
                     report["output"] == report["output_exported"] ==
                     sum(line["kind"] == "output" for line in trace.lines), str(report))
end(checks)
