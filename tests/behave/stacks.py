"""Suspended stacks, from outside: the functions that the program's source says, and the very frames and
registers that gdb finds, for each way to build the program; from the process, and from a copy of the stack and the files."""
import concurrent.futures
import os
import pathlib
import shutil
import struct
import subprocess
import sys
from support import PATIENCE, SCRATCH, Checks

unwound, library, include, own_compiler, built_with = sys.argv[1:6]
here = pathlib.Path(__file__).parent
checks = Checks()
folder = pathlib.Path(SCRATCH.name)

EXPECTED = {
    "plain": ["leaf", "registers"] + ["recursive"] * 6 + ["plain_body"],
    "aligned": ["leaf", "with_alloca", "with_vla", "with_alignment", "with_both", "aligned_body"],
    "sorting": ["leaf", "compare", "sorting", "sorting_body"],
    "library": ["leaf", "called", "stacks_call", "through_library", "stacks_call", "through_loaded", "library_body"],
    "noreturn": ["leaf", "ends", "never_returns", "noreturn_body"],
    "inner": ["leaf", "inner_of_two", "inner_body"],
    "outer": ["outer_body"],
    "created": [],
}
OWN = {name for names in EXPECTED.values() for name in names}


def run(*command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PATIENCE)
    assert done.returncode == 0, f"{command}: {done.stdout.decode()}"
    return done.stdout.decode()


class Variant:
    """A way to build the program. `changed` does something to the built program; `names`: functions are known; `gdb`: it
    can unwind this."""

    def __init__(self, name, compiler, *options, static=False, changed=None, names=True, gdb=True):
        self.name = f"{compiler} {name}"
        self.compiler, self.options, self.static = compiler, list(options), static
        self.changed, self.names, self.gdb = changed, names, gdb

    def build(self):
        place = folder / self.name.replace(" ", "_").replace("=", "_").replace(",", "_")
        place.mkdir()
        command = [self.compiler, "-g", "-Wno-vla", f"-I{include}", *self.options, *built_with.split()]
        self.path = place / "stacks"
        self.loaded = place / "loaded.so"
        sources = [here / "stacks.c"]
        if self.static:
            sources += [here / "stacks_library.c"]
            link = []
        else:
            run(*command, "-shared", "-fPIC", here / "stacks_library.c", "-o", place / "libstacks.so")
            shutil.copy(place / "libstacks.so", self.loaded)
            link = [f"-L{place}", "-lstacks", f"-Wl,-rpath,{place}"]
        run(*command, *sources, "-o", self.path, *link, library, "-lpthread", "-ldl")
        for line in run("nm", self.path).splitlines():
            if line.endswith(" coro__switch_resume"):
                self.resume = int(line.split()[0], 16)
        if self.changed:
            self.changed(self.path)
        return self

    def lines(self, *command, **environment):
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, **environment}, timeout=PATIENCE)
        return [line.split("\t") for line in done.stdout.decode().splitlines() if "\t" in line], done.stderr.decode()

    def resume_address(self, pid):
        """Where the program has coro__switch_resume: its first mapping is that of its first segment."""
        header = self.path.read_bytes()[:64]
        if struct.unpack_from("<H", header, 16)[0] == 2:  # ET_EXEC
            return self.resume
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            if line.endswith(str(self.path)):
                return self.resume + int(line.split("-")[0], 16)
        raise AssertionError("the program is not mapped")

    def look(self):
        """The lines of unwound, its errors, and the lines of gdb."""
        program = subprocess.Popen([self.path] + ([] if self.static else [self.loaded]), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env={**os.environ, "COROSCOPE": "off"})
        with program:
            try:
                bodies = []
                while not bodies or not bodies[-1].startswith("created="):
                    line = program.stdout.readline().decode()
                    assert line, f"{self.name}: ended with {program.wait()}"
                    bodies.append("=".join(line.split()))
                found, errors = self.lines(unwound, self.path.with_name("trace.coro"), program.pid, *bodies)
                theirs = []
                if self.gdb and shutil.which("gdb"):
                    theirs, _ = self.lines(
                        "gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex",
                        "set debug-file-directory /nonexistent", "-iex", "set auto-load no", "-p", program.pid, "-x",
                        here / "stacks_gdb.py",
                        STACKS_BODIES=" ".join(bodies), STACKS_RESUME=f"{self.resume_address(program.pid):x}")
            finally:
                program.kill()
        return found, errors, [line for line in theirs if line[0] == "gdb"]


def separate_debug(path):
    debug = path.with_name("stacks.debug")
    run("objcopy", "--only-keep-debug", path, debug)
    run("strip", "--strip-all", path)
    run("objcopy", f"--add-gnu-debuglink={debug}", path)


def strip(path):
    run("strip", "--strip-all", path)


def no_section_headers(path):
    """As programs that were made small by force."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<Q", content, 40, 0)
    struct.pack_into("<HHH", content, 58, 0, 0, 0)
    path.write_bytes(content)


DEBUG_FRAME = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]
if "sanitize" in built_with:
    variants = [Variant(f"O{level}", own_compiler, f"-O{level}") for level in (0, 2)]
else:
    variants = [
        Variant("O0", "gcc", "-O0"),
        Variant("Og", "gcc", "-Og"),
        Variant("O2", "gcc", "-O2"),
        Variant("O3", "gcc", "-O3", "-march=native"),
        Variant("frame pointers", "gcc", "-O2", "-fno-omit-frame-pointer"),
        Variant("not PIE", "gcc", "-O2", "-fno-pie", "-no-pie"),
        Variant("separate debug information", "gcc", "-O2", changed=separate_debug),
        Variant("stripped", "gcc", "-O2", changed=strip, names=False),
        Variant("no section headers", "gcc", "-O2", changed=no_section_headers, names=False,
                gdb=False),
        Variant("static", "gcc", "-O2", "-static", static=True),
        Variant("static PIE", "gcc", "-O2", "-static-pie", static=True),
        Variant("no .eh_frame_hdr", "gcc", "-O2", "-Wl,--no-eh-frame-hdr"),
        Variant(".debug_frame", "gcc", "-O2", *DEBUG_FRAME),
        Variant(".debug_frame compressed", "gcc", "-O2", "-gz", *DEBUG_FRAME),
        Variant(".debug_frame separate", "gcc", "-O2", *DEBUG_FRAME, changed=separate_debug),
        Variant("LTO", "gcc", "-O2", "-flto"),
        Variant("split DWARF", "gcc", "-O2", "-gsplit-dwarf"),
        Variant("O0", "clang", "-O0"),
        Variant("Og", "clang", "-Og"),
        Variant("O2", "clang", "-O2"),
        Variant("O3", "clang", "-O3"),
        Variant("not PIE", "clang", "-O2", "-fno-pie", "-no-pie"),
        Variant("frame pointers", "clang", "-O2", "-fno-omit-frame-pointer"),
        Variant("static", "clang", "-O2", "-static", static=True),
        Variant(".debug_frame", "clang", "-O2", *DEBUG_FRAME),
        Variant("LTO", "clang", "-O2", "-flto", "-fuse-ld=lld"),
    ]
    variants = [variant for variant in variants if shutil.which(variant.compiler)]
    # What a library needs that was built for coverage, its own compiler has.
    variants = [variant for variant in variants if not built_with or variant.compiler == own_compiler]
    variants = [variant for variant in variants
                if "-fuse-ld=lld" not in variant.options or shutil.which("ld.lld")]
# By the name of a build and of a body: the last digits of its frames, which are where in a page they are.
pages = {}
compared = 0
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for variant, (found, errors, lines) in zip(variants, pool.map(lambda variant: variant.build().look(), variants)):
        gdb = {line[1]: line[2:] for line in lines}
        for what in ("live", "recorded"):
            stacks = {line[1]: line[2:] for line in found if line[0] == what}
            checks.equal(f"{variant.name}, {what}: all bodies", " ".join(stacks), " ".join(EXPECTED))
            for name, (end, *frames) in stacks.items():
                where = f"{variant.name}, {what}, {name}"
                checks.equal(f"{where}: how it ends", end, "complete")
                functions = [frame.split(":")[1].split(".")[0] for frame in frames]
                if variant.names:
                    checks.equal(f"{where}: functions", "\n".join(function for function in functions if function in OWN),
                                 "\n".join(EXPECTED[name]))
                pages[variant.name, name] = [frame.split(":")[0][-3:] for frame in frames]
                if variant.name == "gcc no section headers":
                    checks.equal(f"{where}: as with them", "\n".join(pages[variant.name, name]),
                                 "\n".join(pages["gcc O2", name]))
                if name in gdb:
                    compared += 1
                    checks.equal(f"{where}: gdb's frames", "\n".join(frame.split(":")[0] for frame in frames),
                                 "\n".join(frame.split(":")[0] for frame in gdb[name]))
                    for number, (frame, theirs) in enumerate(zip(frames, gdb[name])):
                        ours = frame.split(":")[2].split(",")
                        # The trampoline has no rbp any more, and says so; gdb shows it all the same.
                        checks.check(f"{where}: all registers of frame {number}", all(ours) or number + 1 == len(frames),
                                     frame)
                        known = [own or value for own, value in zip(ours, theirs.split(":")[1].split(","))]
                        checks.equal(f"{where}: gdb's registers of frame {number}", ",".join(known),
                                     theirs.split(":")[1])
        if "Operation not permitted" in errors:
            print(f"skipped: another process's memory must not be read here: {errors}")
            sys.exit(77)
        checks.equal(f"{variant.name}: errors", errors, "")
print(f"{len(variants)} builds, {compared} stacks compared with gdb's")
checks.end()
