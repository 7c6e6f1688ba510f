#!/usr/bin/env python3
"""Checks every #include of the tree against docs/architecture.md: who may include whom.

    includes.py TREE

Prints each include that breaks a rule, and exits with 1 if there is one.
"""
import re
import sys
from pathlib import Path

# What a folder may include of the project: prefixes of paths in the tree, besides the
# folder itself. The most specific row counts.
TRACE_ABI = ["runtime/include/coroscope/trace_abi.h", "runtime/include/coroscope/trace_events.def"]
PROBE = TRACE_ABI + ["runtime/include/coroscope/probe.h"]
RULES = {
    "runtime/include/coroscope": [],
    "runtime": ["runtime/include/coroscope/"],
    "runtime/probe": PROBE,
    "tracer/include/tracer": TRACE_ABI,
    "tracer/model": TRACE_ABI + ["tracer/include/tracer/event.h", "tracer/include/tracer/world.h"],
    "tracer/file": TRACE_ABI + ["tracer/include/tracer/"],
    "tracer/symbols": TRACE_ABI + ["tracer/include/tracer/"],
    "tracer/unwind": TRACE_ABI + ["tracer/include/tracer/"],
    "tracer/source": TRACE_ABI + ["tracer/include/tracer/"],
    "tracer/control": TRACE_ABI + ["tracer/include/tracer/"],
    "tracer/export": TRACE_ABI + ["tracer/include/tracer/"],
    "tracer/command": TRACE_ABI + ["tracer/include/tracer/"],
    "tui": ["tracer/include/tracer/"],
    "demos": ["runtime/include/coroscope/"],
}

# What it may include of other projects, besides the C library.
LIBRARIES = {
    # What tools want to know of stacks: headers alone, used where they are.
    "runtime/context": ["valgrind/", "sanitizer/"],
    "tracer/file": ["zstd.h"],
    "tracer/symbols": ["elfutils/", "gelf.h", "libelf.h", "dwarf.h"],
    "tracer/include/tracer": ["cjson/", "elfutils/"],
    "tracer/unwind": ["libunwind.h", "libunwind-common.h", "elfutils/", "gelf.h", "libelf.h", "dwarf.h"],
    "tracer/export": ["cjson/"],
    "tracer/command": ["cjson/"],
    "tui": ["ncurses.h", "curses.h", "term.h", "ncursesw/"],
}

C_LIBRARY = set("""
aio.h alloca.h assert.h ctype.h dirent.h dlfcn.h elf.h endian.h err.h errno.h execinfo.h fcntl.h
features.h float.h fnmatch.h getopt.h glob.h grp.h inttypes.h langinfo.h libgen.h limits.h link.h locale.h
malloc.h math.h mntent.h netdb.h paths.h poll.h pthread.h pty.h pwd.h regex.h sched.h
search.h semaphore.h setjmp.h signal.h spawn.h stdalign.h stdarg.h stdatomic.h stdbool.h
stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h syscall.h termios.h
threads.h time.h ucontext.h uchar.h unistd.h utime.h utmp.h wait.h wchar.h wctype.h
""".split())
C_LIBRARY_FOLDERS = ("sys/", "linux/", "asm/", "bits/", "net/", "netinet/", "arpa/")
# Those of the compiler.
COMPILER = {"cet.h", "cpuid.h", "immintrin.h", "nmmintrin.h", "x86intrin.h", "emmintrin.h", "arm_acle.h"}

# The model is pure: events in, World out. So it has no way to the outside.
PURE = {"tracer/model": set("assert.h endian.h errno.h inttypes.h limits.h stdbool.h stddef.h stdint.h "
                            "stdlib.h string.h".split())}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
PUBLIC = ["runtime/include", "tracer/include"]


def row_of(table, path):
    rows = [row for row in table if path.startswith(row + "/")]
    return max(rows, key=len) if rows else None


def resolve(tree, path, quote, name):
    """The path in the tree of an include, or None when it is not the project's."""
    if quote == '"':
        near = (tree / path).parent / name
        if near.is_file():
            return near.resolve().relative_to(tree).as_posix()
    for public in PUBLIC:
        if (tree / public / name).is_file():
            return f"{public}/{name}"
    return None


def allowed_outside(path, name):
    pure = row_of(PURE, path)
    if pure:
        return name in PURE[pure]
    if name in C_LIBRARY or name in COMPILER or name.startswith(C_LIBRARY_FOLDERS):
        return True
    libraries = LIBRARIES.get(row_of(LIBRARIES, path), [])
    return any(name == entry or entry.endswith("/") and name.startswith(entry)
               for entry in libraries)


def allowed_inside(path, target):
    row = row_of(RULES, path)
    if row is None:
        return False
    # A folder's own files, but not through another row's: runtime/task may not look into
    # the probe.
    own = target.startswith(row + "/") and row_of(RULES, target) == row
    return own or any(target == entry or entry.endswith("/") and target.startswith(entry)
                      for entry in RULES[row])


def circles(graph):
    """Headers that include themselves in the end, each as a path."""
    found, done = [], set()

    def walk(node, trail):
        if node in trail:
            found.append(trail[trail.index(node):] + [node])
            return
        if node in done:
            return
        for target in graph.get(node, []):
            walk(target, trail + [node])
        done.add(node)

    for node in sorted(graph):
        walk(node, [])
    return found


def main():
    tree = Path(sys.argv[1]).resolve()
    mistakes, files, graph = [], 0, {}
    for folder in ("runtime", "tracer", "tui", "demos"):
        for file in sorted((tree / folder).rglob("*")):
            if file.suffix not in (".c", ".h", ".S", ".def") or not file.is_file():
                continue
            path = file.relative_to(tree).as_posix()
            files += 1
            if row_of(RULES, path) is None:
                mistakes.append(f"{path}: its folder is not in the table of who may include whom")
            text = file.read_text()
            for match in INCLUDE.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                target = resolve(tree, path, *match.groups())
                if target is None:
                    good = allowed_outside(path, match[2])
                else:
                    good = allowed_inside(path, target)
                    graph.setdefault(path, []).append(target)
                if not good:
                    mistakes.append(f"{path}:{line}: may not include {target or match[2]}")
    headers = {a: [b for b in bs if b.endswith(".h")] for a, bs in graph.items() if a.endswith(".h")}
    mistakes += ["headers in a circle: " + " -> ".join(circle) for circle in circles(headers)]
    if files < 20:
        mistakes.append(f"only {files} files found below {tree}")
    print("\n".join(mistakes) or f"{files} files include only what they may")
    return 1 if mistakes else 0


sys.exit(main())
