#!/usr/bin/env python3
"""Checks that the benchmark tells what docs say it tells: every metric, in both forms.

    bench_test.py BENCH

No figure is judged: only that there is one.
"""
import json
import subprocess
import sys

METRICS = ["resume_yield", "resume_yield_deep100", "create_destroy", "task_switch_2",
           "task_switch_100", "spawn_join", "queue_1", "queue_128", "channel_0", "channel_128",
           "event_untraced", "event_switch_clock", "event_full_clock", "stack_copy_500", "record_sustained",
           "record_bytes_per_event", "trace_open_100m", "trace_seek", "trace_back", "trace_memory",
           "trace_seek_1m", "trace_back_1m", "trace_memory_1m", "screen_frame_1m",
           "viewer_death_delay", "viewer_stop_delay", "unwind_10k", "locals_one"]
UNITS = {"record_sustained": "M/s", "record_bytes_per_event": "bytes", "trace_open_100m": "ms",
         "trace_seek": "ms", "trace_back": "ms", "trace_memory": "MiB", "trace_seek_1m": "ms",
         "trace_back_1m": "ms", "trace_memory_1m": "MiB", "screen_frame_1m": "ms",
         "viewer_death_delay": "ms", "viewer_stop_delay": "ms", "unwind_10k": "ms",
         "locals_one": "ms"}
WITH_UCONTEXT = {"resume_yield", "create_destroy", "task_switch_2", "task_switch_100"}
FIELDS = {"metric", "value", "unit", "better", "peers", "ratio", "limit"}


def run(*arguments):
    return subprocess.run([sys.argv[1], *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)


def main():
    told = run("--json", "--quick")
    assert told.returncode == 0, told.stderr
    results = json.loads(told.stdout)
    assert [result["metric"] for result in results] == METRICS, results
    for result in results:
        assert set(result) == FIELDS, result
        assert result["value"] >= 0 and result["unit"] == UNITS.get(result["metric"], "ns"), result
        assert result["better"] == ("higher" if result["unit"] == "M/s" else "lower"), result
        peers = result["peers"]
        assert ("ucontext" in peers) == (result["metric"] in WITH_UCONTEXT), result
        assert (result["ratio"] is not None) == bool(peers), result
        assert all(value > 0 for value in peers.values()), result

    lines = run("--quick", "resume_yield", "event_untraced").stdout.splitlines()
    assert len(lines) == 2, lines
    assert lines[0].split()[0] == "resume_yield" and " ratio " in lines[0], lines
    assert lines[1].split()[0] == "event_untraced" and " ratio " not in lines[1], lines

    assert json.loads(run("--list", "--json").stdout) == METRICS
    assert [line.split()[0] for line in run("--list").stdout.splitlines()] == METRICS
    wrong = run("nonsense")
    assert wrong.returncode == 2 and "nonsense" in wrong.stderr, wrong


main()
