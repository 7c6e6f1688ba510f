# coroscope-gdb.py - coroutines in gdb: of a program that it has stopped, and of a core.
#
#     info coroutines             what there is, where it is suspended, what it waits for
#     coroutine ID                its frames: bt, up, frame N, info locals ... are about them
#     coroutine ID bt             with those that it delegates to, down to the innermost
#     coroutine apply all bt
#     help coroutine
#
# gdb loads this file by itself for libcoroscope.so; for a program that is linked statically:
#     (gdb) source PREFIX/share/coroscope/coroscope-gdb.py
#
# Everything is read from the program's memory: nothing runs in it, nothing is changed, and
# neither a segment nor a debugger of ours needs to be there. It begins with an ELF note, which
# leads to coro__layout (runtime/loop/layout.h), a table of numbers: so neither symbols nor debug
# information of the runtime are needed.
#
#     note -> coro__layout.chunks -> chunk -> chunk ...   [ slot | slot | ... ]   a body, task, lock ...
#
# How a coroutine is shown. gdb takes frame 0 from the registers of a thread, which a core does not
# let it change, and a program should keep. So frame 0 stays, and is hidden; an unwinder says that
# it was called from where the coroutine was left:
#
#     thread            #0  epoll_wait        (hidden, while a coroutine is selected)
#     the coroutine's   #1  coro_queue_get    (hidden, unless `set coroscope runtime-frames on`)
#     stack             #2  reader            <- selected
#                       #3  coro__body_main   (hidden)
#
# What is in memory may be damaged: each list is walked once, each number is looked at before it is
# used, and what cannot be is said in a line.
import os
import re
import struct

import gdb
import gdb.FrameDecorator
import gdb.unwinder

# ---- What is pinned --------------------------------------------------------
# tests/structure/gdb_layout.py compares this with the headers.

# The note of coro__layout.
NOTE_SECTION, NOTE_NAME, NOTE_TYPE = ".note.coroscope", b"Coroscope\0", 2

# The fields of coro__layout, after `magic` and `bytes`, in their order: runtime/loop/layout.h.
LAYOUT_MAGIC = 0x54554F59414C4F43
LAYOUT = (
    "frame_version chunks thread_active thread_local_part active_current active_thread local_sp "
    "chunk_next chunk_kind chunk_stride chunk_first chunk_bytes slot_bytes slot_body slot_kinds "
    "slot_objects slot_gather slot_tasklet_channel body_bytes body_sp body_stack_base body_stack "
    "body_root body_resumer_sp body_resumer body_delegate body_flags flag_stepping body_function "
    "body_task future_waited task_bytes task_body task_awaited"
).split()

# struct coro_object: magic, row, serial, cseq, kind, state, reason, flags, waits_on, parent, name,
# creation_site, gen, resumes.
OBJECT = struct.Struct("<IIQIBBBBIIQQII")
OBJECT_MAGIC = 0x4F524F43

# CORO_OBJECT_KINDS, CORO_STATES, CORO_REASONS, each by its number.
KINDS = (
    "? generator coroutine async_generator task future loop timer descriptor lock queue event "
    "condition semaphore barrier channel group greenlet tasklet timeout"
).split()
STATES = (
    "none created running ready suspended delegating done failed cancelled pending open closed "
    "unlocked locked"
).split()
REASONS = (
    "none sleep readable writable lock get put gather event condition semaphore barrier join "
    "select thread shield wait send receive"
).split()
FINISHED = ("done", "failed", "cancelled")

# What a switch saves: offsets from the saved stack pointer, and how far above it the caller's
# stack begins; the thread pointer's register. runtime/context/context.h.
FRAMES = {
    1: dict(saved={"r15": 0, "r14": 8, "r13": 16, "r12": 24, "rbx": 32, "rbp": 40}, pc=("rip", 48),
            sp=("rsp", 56), thread="fs_base"),
    2: dict(saved={f"x{19 + i}": 64 + 8 * i for i in range(11)}, pc=("pc", 152), sp=("sp", 160),
            thread="tpidr"),
}

# A slot's key: generation, kind and thread; a handle: generation and address. coroscope/handle.h
KEY_GENERATION, THREAD_MASK, ADDRESS_MASK = 48, (1 << 32) - 1, (1 << 48) - 1
NOTES_MOST, CHUNKS_MOST, NAME_MOST = 1 << 16, 1 << 20, 120


class Trouble(gdb.GdbError):
    """What the user is told, in one line."""


# ---- Memory ----------------------------------------------------------------

def read(address, size, what):
    try:
        return gdb.selected_inferior().read_memory(address, size).tobytes()
    except (gdb.error, OverflowError, ValueError):
        raise Trouble(f"Cannot read {what} at {address:#x}: the memory is damaged, or the core does "
                      "not have it, or is of another build.") from None


def word(data, offset=0):
    return int.from_bytes(data[offset:offset + 8], "little")


def read_text(address):
    """A C string, as what a terminal may be given."""
    data = b""
    while address and len(data) < NAME_MOST and b"\0" not in data:
        size = min(4096 - (address + len(data)) % 4096, NAME_MOST - len(data))
        try:
            data += read(address + len(data), size, "a name")
        except Trouble:
            return f"<name at {address:#x} cannot be read>"
    return printable(data.split(b"\0")[0].decode("utf-8", "replace"))


def printable(text):
    return "".join(c if c.isprintable() else "\\x%02x" % ord(c) for c in text)


def notes():
    """Addresses of the coro__layout of each program and library that has one."""
    files = gdb.execute("info files", to_string=True)
    for begin, end in re.findall(rf"(0x[0-9a-f]+) - (0x[0-9a-f]+) is {re.escape(NOTE_SECTION)}\b", files):
        begin, size = int(begin, 16), min(int(end, 16) - int(begin, 16), NOTES_MOST)
        data = read(begin, size, "a note of libcoroscope")
        at = 0
        while at + 12 <= len(data):
            name_size, size, kind = struct.unpack_from("<III", data, at)
            name, content = at + 12, at + 12 + (name_size + 3 & ~3)
            at = content + (size + 3 & ~3)
            if kind == NOTE_TYPE and data[name:name + name_size] == NOTE_NAME and at <= len(data) and size == 8:
                yield (begin + content + word(data, content)) & (1 << 64) - 1


class Layout:
    """The program's coro__layout."""

    def __init__(self):
        if not gdb.selected_inferior().threads():
            raise Trouble("No coroutines: the program is not being run, and there is no core.")
        tables = [self.table(address) for address in notes()]
        if not tables:
            raise Trouble("No coroutines: neither the program nor a library that it has loaded contains libcoroscope.")
        # There may be several copies of the library: the one that is used.
        table = next((each for each in tables if each["thread_active"]), tables[0])
        for name, number in table.items():
            setattr(self, name, number)
        self.frame = FRAMES.get(self.frame_version)
        if self.frame is None:
            raise Trouble(f"The program's switch saves what this script does not know (version {self.frame_version}).")
        if not (0 < self.chunk_first < self.chunk_bytes <= 1 << 24 and
                max(self.body_bytes, self.task_bytes) < self.chunk_bytes):
            raise Trouble("coro__layout is damaged: its sizes cannot be.")

    @staticmethod
    def table(address):
        magic, size = struct.unpack("<QQ", read(address, 16, "coro__layout"))
        if magic != LAYOUT_MAGIC:
            raise Trouble(f"coro__layout at {address:#x} is damaged: it does not begin with its magic.")
        if size < 16 + 8 * len(LAYOUT):
            raise Trouble("The program's libcoroscope is older than this script: coro__layout has "
                          f"{size} bytes, {16 + 8 * len(LAYOUT)} are needed.")
        data = read(address + 16, 8 * len(LAYOUT), "coro__layout")
        return dict(zip(LAYOUT, struct.unpack(f"<{len(LAYOUT)}Q", data)))


# ---- Objects ---------------------------------------------------------------

class Object:
    """A struct coro_object, and the bytes that follow it in its slot."""

    def __init__(self, address, data, key=0):
        self.address, self.data = address, data
        self.generation, self.thread = key >> KEY_GENERATION, key & THREAD_MASK
        (self.magic, self.row, self.serial, _, kind, state, reason, _, _, _, self.name_address,
         self.site_address, _, self.resumes) = OBJECT.unpack_from(data)
        self.kind = KINDS[kind] if kind < len(KINDS) else "?"
        self.state = STATES[state] if state < len(STATES) else "?"
        self.reason = REASONS[reason] if reason < len(REASONS) else "?"

    def is_there(self):
        return self.magic == OBJECT_MAGIC and self.state != "none"

    @property
    def name(self):
        return read_text(self.name_address)

    def finished(self):
        return self.state in FINISHED

    def __str__(self):
        """The words of coro_dump(): "task 'reader' #10"."""
        named = f" '{self.name}'" if self.name_address else ""
        return f"{self.kind.replace('_', ' ')}{named} #{self.serial}"


class Body(Object):
    """A struct coro_generator."""

    def __init__(self, layout, address, data, key):
        super().__init__(address, data, key)
        for name in LAYOUT:
            if name.startswith("body_") and name != "body_bytes":
                setattr(self, name[5:], word(data, getattr(layout, name)))
        self.delegators = []
        self.callee = None    # what it has resumed, and what runs for it now
        self.steps = None     # the async generator that it waits for, in the middle of a step
        self.stepper = None   # of such a one: who waits
        self.owner = None     # the task that drives it
        self.stepping = bool(self.flags & layout.flag_stepping)

    def is_switched_to(self):
        """Nobody resumes it. When such a one is left, those that run in it keep their states."""
        return self.kind in ("greenlet", "tasklet")

    def on_stack(self, address):
        return self.stack and self.stack <= address <= self.stack_base


class Task(Object):
    """A struct coro_task."""

    def __init__(self, layout, address, data, key):
        super().__init__(address, data, key)
        self.body = word(data, layout.task_body)
        self.awaited = word(data, layout.task_awaited)


class Census:
    """All objects of all threads, as they stand in memory now."""

    def __init__(self):
        self.layout = Layout()
        Sources.find()
        self.objects = {}   # by address
        self.troubles = []  # lines about what was damaged
        self.read_chunks()
        self.bodies = {a: o for a, o in self.objects.items() if isinstance(o, Body)}
        self.link()
        self.threads = Threads(self)

    def read_chunks(self):
        layout = self.layout
        seen = set()
        chunk = word(read(layout.chunks, 8, "the list of chunks"))
        while chunk:
            if chunk in seen or len(seen) > CHUNKS_MOST:
                self.troubles.append(f"The list of chunks is damaged: it runs in a circle at {chunk:#x}.")
                return
            seen.add(chunk)
            try:
                data = read(chunk, layout.chunk_bytes, "a chunk of objects")
            except Trouble as trouble:
                self.troubles.append(str(trouble))
                return
            self.read_chunk(chunk, data)
            chunk = word(data, layout.chunk_next)

    def read_chunk(self, chunk, data):
        layout = self.layout
        kind = word(data, layout.chunk_kind) & (1 << 32) - 1
        stride = word(data, layout.chunk_stride)
        if kind >= layout.slot_kinds or stride < layout.slot_bytes + 8:
            self.troubles.append(f"The chunk at {chunk:#x} is damaged: kind {kind}, stride {stride}.")
            return
        if kind >= layout.slot_objects and kind not in (layout.slot_gather, layout.slot_tasklet_channel):
            return
        for slot in range(layout.chunk_first, layout.chunk_bytes - stride + 1, stride):
            key = word(data, slot)
            if not key & (1 << KEY_GENERATION) - 1:
                continue  # it is free
            start = slot + layout.slot_bytes
            found = self.make(kind, chunk + start, data[start:slot + stride], key)
            if found and found.is_there():
                self.objects[found.address] = found

    def make(self, kind, address, data, key):
        layout = self.layout
        if kind == layout.slot_body:
            needed, made = layout.body_bytes, lambda: Body(layout, address, data, key)
        elif kind == KINDS.index("task"):
            needed, made = layout.task_bytes, lambda: Task(layout, address, data, key)
        else:
            needed, made = OBJECT.size, lambda: Object(address, data, key)
        return made() if len(data) >= needed else None

    def link(self):
        for task in self.objects.values():
            if isinstance(task, Task) and task.body in self.bodies:
                self.bodies[task.body].owner = task
        for body in self.bodies.values():
            task = self.objects.get(body.task)
            if isinstance(task, Task):
                body.owner = body.owner or task
            if body.state == "delegating" and body.delegate in self.bodies:
                self.bodies[body.delegate].delegators.append(body)
            # Who resumed it last waits for it: nobody else could, in between.
            stepper = self.bodies.get(body.resumer) if body.stepping and not body.finished() else None
            if stepper and body.state in ("suspended", "delegating") and stepper.state == "suspended":
                body.stepper, stepper.steps = stepper, body
            root = self.bodies.get(body.root) if body.state == "running" else None
            if root and not root.is_switched_to():
                resumer = self.bodies.get(root.resumer)
                if resumer:
                    resumer.callee = body

    def object_at(self, address):
        """Any object: also one that is in no slot. None: there is none."""
        found = self.objects.get(address)
        if found or not address:
            return found
        try:
            found = Object(address, read(address, OBJECT.size, "an object"))
        except Trouble:
            return None
        return found if found.magic == OBJECT_MAGIC else None

    def inner(self, body):
        """Who goes on for a body: its delegate, or what it resumed or steps; and None of the innermost."""
        return self.bodies.get(body.delegate) if body.state == "delegating" else body.callee or body.steps

    def chain(self, body):
        """A body and those below it, the innermost last."""
        chain = {}
        while body is not None:
            if body.address in chain:
                self.troubles.append(f"The chain below {next(iter(chain.values()))} is damaged: it runs in a circle.")
                break
            chain[body.address] = body
            body = self.inner(body)
        return list(chain.values())

    def task_of(self, body):
        """The task that drives the chain that a body is in; or None."""
        seen = set()
        while body and body.address not in seen:
            if body.owner:
                return body.owner
            seen.add(body.address)
            body = body.delegators[0] if body.delegators else body.stepper
        return None

    # ---- Words

    def awaits(self, task):
        """The words of coro_dump(): "awaits get of queue 'jobs' #7"."""
        future = self.object_at(task.awaited)
        if not future:
            return "awaits what cannot be read"
        if future.kind != "task" and future.reason != "none":
            words = f"awaits {future.reason}"
        else:
            words = f"awaits {future}"
        slot = future.data[self.layout.future_waited:self.layout.future_waited + 8]
        waited = self.object_at(word(slot)) if len(slot) == 8 and not future.finished() else None
        return words + (f" of {waited}" if waited else "")

    def waits(self, body):
        """What a body waits for; "" for nothing that is known."""
        if body.state == "delegating":
            inner = self.bodies.get(body.delegate)
            return f"delegates to {inner}" if inner else "delegates to an iterator"
        if body.state == "running":
            if body.callee:
                return f"has resumed {self.bodies.get(body.callee.root)}"
            thread = self.threads.of_current(body)
            if thread:
                return f"on thread {thread.num}"
            return "in a greenlet or tasklet that was left" if body.stack_base else "the thread itself"
        if body.steps:
            return f"steps {body.steps}"
        task = self.task_of(body) if body.state == "suspended" and not body.is_switched_to() else None
        if task is None:
            return ""
        return self.awaits(task) if task.state == "suspended" else f"{task.state}: {task}"

    def tell_body(self, body):
        waits = self.waits(body)
        return f"{body}: " + (waits if body.state == "delegating"
                              else body.state + (f", {waits}" if waits else ""))

    def tell_task(self, task):
        return f"{task}: {task.state}" + (f", {self.awaits(task)}" if task.state == "suspended" else "")

    # ---- Choice

    def choose(self, text):
        """The body that the user means: by its id, by its task's, by an expression that is a handle."""
        chosen = self.by_id(text) if text.isascii() and text.isdigit() else self.by_handle(text)
        if isinstance(chosen, Task):
            body = self.bodies.get(chosen.body)
            if not body:
                raise Trouble(f"{capital(chosen)} is {chosen.state}: its coroutine is gone.")
            return body
        if not isinstance(chosen, Body):
            raise Trouble(f"{capital(chosen)} has no stack: only coroutines, generators, tasks and the like have.")
        return chosen

    def by_id(self, text):
        found = next((each for each in self.objects.values() if each.serial == int(text)), None)
        if not found:
            raise Trouble(f"No coroutine or task has the id {text}: it is over, or there never was one. "
                          "`info coroutines` lists them.")
        return found

    def by_handle(self, text):
        try:
            handle = int(gdb.parse_and_eval(text)) & (1 << 64) - 1
        except (gdb.error, ValueError, OverflowError):
            raise Trouble(f"\"{text}\" is not the id of a coroutine, nor a handle of one.") from None
        found = self.objects.get(handle & ADDRESS_MASK)
        if not found or handle > ADDRESS_MASK and handle >> KEY_GENERATION != found.generation:
            raise Trouble(f"\"{text}\" is not the id of a coroutine, nor a handle of one that is there.")
        return found

    def sorted_bodies(self):
        return sorted(self.bodies.values(), key=lambda body: body.serial)


def capital(thing):
    text = str(thing)
    return text[:1].upper() + text[1:]


# ---- Threads ---------------------------------------------------------------

class Threads:
    """Which of gdb's threads is which of the runtime's, and what runs on it. It is found by the
    thread pointer, without libthread_db; and where there is no such register, by the stack pointer."""

    def __init__(self, census):
        self.parts = {}      # of gdb's threads: their number, what runs, where their part is (0: not known)
        self.by_number = {}  # the runtime's number: gdb's thread
        self.current = {}    # a body's address: the thread on which it runs, innermost
        with Restored():
            for thread in gdb.selected_inferior().threads():
                try:
                    self.add(census, thread)
                except (gdb.error, Trouble):
                    pass  # it runs, or has no registers: then nothing is known of it

    def add(self, census, thread):
        layout = census.layout
        thread.switch()
        frame = gdb.newest_frame()
        sp = register(frame, layout.frame["sp"][0])
        pointer = register(frame, layout.frame["thread"]) if layout.thread_active else 0
        if pointer:
            active = (pointer + layout.thread_active) & (1 << 64) - 1
            data = read(active, layout.active_thread + 4, "a thread's part")
            number = int.from_bytes(data[layout.active_thread:], "little")
            current = word(data, layout.active_current)
            if number:
                self.by_number[number] = thread
                self.parts[thread.ptid] = number, current, (pointer + layout.thread_local_part) & (1 << 64) - 1
            body = census.bodies.get(current)
            if body:
                self.current[body.address] = thread
            return
        for body in census.bodies.values():
            if body.state == "running" and body.on_stack(sp):
                self.current[body.address] = thread
                self.by_number[body.thread] = thread
                self.parts[thread.ptid] = body.thread, body.address, 0

    def of_current(self, body):
        return self.current.get(body.address)

    def of(self, body):
        return self.current.get(body.address) or self.by_number.get(body.thread)


def register(frame, name):
    try:
        return int(frame.read_register(name)) & (1 << 64) - 1
    except (ValueError, gdb.error):
        return 0


# ---- Unwinding -------------------------------------------------------------

class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class Selection:
    """A stack in place of what a thread does: a body's, or, without one, the thread's own."""

    def __init__(self, layout, thread, saved_sp, body=None):
        frame = layout.frame
        size = frame["sp"][1]
        what = str(body) if body else f"thread {thread.num}"
        if saved_sp % 8 or body and not (body.on_stack(saved_sp) and body.on_stack(saved_sp + size)):
            raise Trouble(f"{capital(what)} is damaged: its saved stack pointer {saved_sp:#x} is not on its stack.")
        data = read(saved_sp, size, f"the stack of {what}")
        if not word(data, frame["pc"][1]):
            raise Trouble(f"The stack of {what} is not in the core: gdb's generate-core-file leaves out what is "
                          "behind a guard page. Have the system write the core.")
        self.body, self.thread = body, thread
        self.registers = {name: word(data, offset) for name, offset in frame["saved"].items()}
        self.registers[frame["pc"][0]] = word(data, frame["pc"][1])
        self.registers[frame["sp"][0]] = self.sp = saved_sp + size
        self.pc_name, self.sp_name = frame["pc"][0], frame["sp"][0]
        self.here = None      # pc and sp of what the thread does
        self.first_level = 0  # of the stack's frames; above 1 where the thread is in an inlined function


class CoroutineUnwinder(gdb.unwinder.Unwinder):
    """Frame 0 of the selection's thread was called from the coroutine."""

    def __init__(self):
        super().__init__("coroscope")
        self.selection = None
        self.types = {}  # of registers, by their names

    def __call__(self, pending):
        selection = self.selection
        if selection is None:
            return None
        thread = gdb.selected_thread()
        if thread is None or thread.ptid != selection.thread.ptid:
            return None
        # Other frames are not the thread's own, nor is that of a call by gdb.
        here = tuple(int(pending.read_register(name)) for name in (selection.pc_name, selection.sp_name))
        if selection.here != here:
            return None
        info = pending.create_unwind_info(FrameId(gdb.Value(selection.sp), gdb.Value(selection.here[0])))
        for name, value in selection.registers.items():
            if isinstance(value, int):
                kind = self.types.get(name) or self.types.setdefault(name, pending.read_register(name).type)
                value = selection.registers[name] = gdb.Value(value).cast(kind)
            info.add_saved_register(name, value)
        return info

    def select(self, selection):
        self.selection = None
        filter_of_frames.enabled = selection is not None
        if selection:
            selection.thread.switch()
            if selection.here is None:
                frame = gdb.newest_frame()
                selection.here = register(frame, selection.pc_name), register(frame, selection.sp_name)
            self.selection = selection
        gdb.invalidate_cached_frames()
        if selection:
            frame = gdb.newest_frame()
            while frame.type() == gdb.INLINE_FRAME:
                frame = frame.older()
            selection.first_level = frame.level() + 1
        gdb.set_convenience_variable("_coroutine", selection.body.serial if selection and selection.body else 0)


class Restored:
    """What the user has selected is so again at the end: thread, coroutine, frame."""

    def __enter__(self):
        self.thread, self.selection = gdb.selected_thread(), unwinder.selection
        try:
            self.level = gdb.selected_frame().level()
        except gdb.error:
            self.level = 0
        return self

    def __exit__(self, *_):
        if self.thread and self.thread.is_valid():
            self.thread.switch()
        if unwinder.selection is not self.selection:
            unwinder.select(self.selection)
        select_level(self.level)


def select_level(level):
    try:
        frame = gdb.newest_frame()
        while frame.level() < level and frame.older():
            frame = frame.older()
        frame.select()
    except gdb.error:
        pass  # the thread runs


def enter(census, body):
    """Makes gdb's frames those of a body; where it runs, those are its thread's as they are."""
    thread = census.threads.of_current(body)
    if thread:
        unwinder.select(None)
        thread.switch()
        return
    if body.finished():
        raise Trouble(f"{capital(body)} is {body.state}: it has no stack any more.")
    if not body.stack_base:
        raise Trouble(f"{capital(body)} has no stack of its own: it is what the thread itself runs.")
    saved_sp = census.bodies[body.callee.root].resumer_sp if body.callee else body.sp
    thread = census.threads.of(body) or gdb.selected_thread()
    unwinder.select(Selection(census.layout, thread, saved_sp, body))


def enter_thread(census, thread):
    """The same for what the thread has on its own stack, below all coroutines that run on it."""
    active = census.threads.parts.get(thread.ptid)
    number, current = active[:2] if active else (0, 0)
    unwinder.select(None)
    if current not in census.bodies:
        return
    # What was resumed by no body was resumed there; or else a switch has left it.
    roots = (census.bodies.get(body.root) for body in census.bodies.values()
             if body.state == "running" and body.thread == number)
    saved_sp = next((root.resumer_sp for root in roots
                     if root and not root.is_switched_to() and not root.resumer), None)
    if saved_sp is None and not active[2]:
        raise Trouble(f"Where thread {thread.num} has left its own stack is not known: gdb does not tell its "
                      "thread pointer.")
    if saved_sp is None:
        saved_sp = word(read(active[2] + census.layout.local_sp, 8, "a thread's part"))
    unwinder.select(Selection(census.layout, thread, saved_sp))


def frames():
    """The frames of what is selected now, without the one that stands for the thread."""
    first = unwinder.selection.first_level if unwinder.selection else 0
    frame = gdb.newest_frame()
    while frame:
        if frame.level() >= first:
            yield frame
        frame = frame.older()


# ---- The runtime's own frames ----------------------------------------------

class Sources:
    """The folder of the runtime's sources, as its debug information has it; None: it has none."""
    folder = None

    @classmethod
    def find(cls):
        try:
            # Of all its functions this one is in a file of its own, whatever is optimised.
            symtab = gdb.find_pc_line(int(gdb.parse_and_eval("(unsigned long)&coro__switch"))).symtab
        except gdb.error:
            symtab = None
        cls.folder = os.path.dirname(os.path.dirname(path_of(symtab))) + os.sep if symtab else None


def path_of(symtab):
    return os.path.normpath(symtab.fullname())


def is_runtime(frame):
    """Its function is one of libcoroscope: by the library, by the source, or, without those, by its
    name. (Without debug information gdb may take the name for one of Ada, and show a dot.)"""
    library = gdb.solib_name(frame.pc())
    if library and os.path.basename(library).startswith("libcoroscope.so"):
        return True
    name, symtab, function = frame.name() or "", frame.find_sal().symtab, frame.function()
    if name.startswith(("coro__", "coro.")):
        return True
    if symtab is None:
        return name.startswith("coro_")
    # The line's file, which is right after link time optimisation too. But a line of a public header
    # may stand for what was inlined into a function of the program.
    if is_header(symtab) and frame.type() != gdb.INLINE_FRAME and function:
        symtab = function.symtab
    return is_header(symtab) or bool(Sources.folder) and path_of(symtab).startswith(Sources.folder)


def is_header(symtab):
    path = path_of(symtab)
    return path.endswith(".h") and os.path.basename(os.path.dirname(path)) == "coroscope"


def shown(frame):
    return runtime_frames.value or not is_runtime(frame)


class CoroutineFilter:
    """Of `bt`, while a coroutine is selected: neither the thread's frame nor the runtime's."""

    def __init__(self):
        self.name, self.priority, self.enabled = "coroscope", 100, False

    def filter(self, iterator):
        first = unwinder.selection.first_level
        every = [Decorator(each) for each in iterator if each.inferior_frame().level() >= first]
        return iter([each for each in every if shown(each.inferior_frame())] or every)


class Decorator(gdb.FrameDecorator.FrameDecorator):
    """As gdb shows a frame when nobody filters."""

    def function(self):
        name = super().function()
        return name if isinstance(name, str) else self.inferior_frame().name() or "??"


def place(census, body):
    """Where a body is: "fetch () at server.c:12"."""
    if body.finished() or not body.stack_base and not census.threads.of_current(body):
        return ""
    if body.state == "created":
        return f"{function_name(body.function)} (not started)"
    try:
        enter(census, body)
        return place_of_frame(next((frame for frame in frames() if not is_runtime(frame)), None) or next(frames()))
    except (gdb.error, Trouble) as error:
        return f"<{error}>"


def place_of_frame(frame):
    sal = frame.find_sal()
    name = printable(frame.name() or f"{frame.pc():#x}")
    if sal.symtab is None:
        return f"{name} ()"
    return f"{name} () at {printable(os.path.basename(sal.symtab.filename))}:{sal.line}"


def function_name(address):
    block = None
    try:
        block = gdb.block_for_pc(address)
    except (RuntimeError, gdb.error):
        pass
    if block and block.function:
        return str(block.function)
    match = re.match(r"(\S+)", gdb.execute(f"info symbol {address}", to_string=True))
    return match[1] if match and not match[0].startswith("No") else f"{address:#x}"


# ---- Commands --------------------------------------------------------------

def write(text=""):
    gdb.write(text + "\n")


def tell_troubles(census):
    for trouble in dict.fromkeys(census.troubles):
        write(f"warning: {trouble}")
    census.troubles = []


class Command(gdb.Command):
    """A command whose mistakes are one line, whatever the program's memory is like."""

    def invoke(self, args, from_tty):
        try:
            self.run(args)
        except gdb.GdbError:
            raise
        except StopIteration:
            raise Trouble("gdb has no frame to show.") from None
        except (RuntimeError, ValueError, OverflowError, struct.error) as error:  # gdb.error is one of the first
            raise gdb.GdbError(str(error)) from None


class InfoCoroutines(Command):
    """List coroutines, generators, greenlets and tasklets of all threads.
Usage: info coroutines [ID]...

Each has its id, which is the number that coroscope and coro_dump() show; its kind, name and state;
the frame in which it is suspended (the innermost that is not the runtime's); and what it waits for.
A star marks the selected one, or else what runs on the selected thread. With IDs, of coroutines or
of tasks, only those are listed."""

    def __init__(self):
        super().__init__("info coroutines", gdb.COMMAND_STATUS)

    def run(self, args):
        census = Census()
        bodies = [census.choose(each) for each in args.split()] or census.sorted_bodies()
        rows = [("", "Id", "Kind", "Name", "State", "Task", "Frame", "Waits for")]
        selected = current_body(census)
        with Restored():
            for body in bodies:
                task = census.task_of(body)
                rows.append(("*" if body is selected else "", str(body.serial), body.kind.replace("_", " "), body.name,
                             body.state, f"#{task.serial} {task.name}" if task else "",
                             place(census, body), census.waits(body)))
        if len(rows) == 1 and not census.troubles:
            write("No coroutines.")
        elif len(rows) > 1:
            widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
            for row in rows:
                write("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        tell_troubles(census)


def current_body(census):
    """The body that is selected, or that runs on the selected thread; None: neither."""
    if unwinder.selection:
        return census.bodies.get(unwinder.selection.body.address) if unwinder.selection.body else None
    thread = gdb.selected_thread()
    for address, runs_on in census.threads.current.items():
        if thread and runs_on.ptid == thread.ptid:
            return census.bodies[address]
    return None


class Coroutine(Command):
    """Select a coroutine, or run a command for one.
Usage: coroutine ID
       coroutine ID COMMAND
       coroutine [running]

ID is a number that `info coroutines` shows, that of a task (its coroutine is meant), or an expression
that is a handle, such as a variable of type struct coro_generator *.

"coroutine ID" selects it and its thread: backtrace, frame, up, down, info locals, print, finish ... are
about the frames on its stack, from the one in which it is suspended. The program is not changed. Frame
0 remains the thread's own, and `backtrace` does not show it. When the program goes on, or with
"coroutine" or "coroutine running", gdb is back at what the thread really does.

"coroutine ID COMMAND" runs one command for it. "coroutine ID bt [-full] [COUNT]" shows the logical
stack: its frames, above them those of the coroutine that it delegates to or has resumed, and so on
up to the innermost. The frames of the runtime are left out; -full shows them, and all local variables.

See also: info coroutines, coroutine apply, coroutine thread, set coroscope runtime-frames."""

    def __init__(self):
        super().__init__("coroutine", gdb.COMMAND_STACK, gdb.COMPLETE_EXPRESSION, True)

    def run(self, args):
        words = args.split(None, 1)
        if not words:
            return go_back()
        census = Census()
        body = census.choose(words[0])
        if len(words) == 1:
            return select(census, lambda: enter_frame(census, body), capital(census.tell_body(body)))
        with Restored():
            run_for(census, body, words[1])
        tell_troubles(census)


def go_back():
    if not gdb.selected_thread():
        raise Trouble("No coroutines: the program is not being run, and there is no core.")
    selection = unwinder.selection
    unwinder.select(None)
    if selection and before.thread and before.thread.is_valid():
        before.thread.switch()
    thread = gdb.selected_thread()
    write(f"[Thread {thread.num} itself]")
    gdb.execute("frame 0")


class Before:
    """The thread that was selected before a coroutine was."""
    thread = None


before = Before()


def select(census, enter_it, told):
    """enter_it() for good; `told` names what is selected then."""
    if unwinder.selection is None:
        before.thread = gdb.selected_thread()
    with Restored() as restored:
        level = enter_it()  # or it cannot be, and what was selected is so again
        restored.thread, restored.selection, restored.level = gdb.selected_thread(), unwinder.selection, level
    write(f"[{told}]")
    tell_troubles(census)
    gdb.execute("frame")


def select_innermost():
    """The innermost frame that is not the runtime's. Returns its number."""
    own = next((frame for frame in frames() if shown(frame)), None) or next(frames())
    own.select()
    return own.level()


def enter_frame(census, body):
    enter(census, body)
    return select_innermost()


def enter_thread_frame(census, thread):
    enter_thread(census, thread)
    return select_innermost()


def run_for(census, body, command):
    words = command.split()
    if words[0] in ("bt", "backtrace", "where"):
        options = words[1:]
        full = any(each in ("-full", "full") for each in options)
        numbers = [each for each in options if each not in ("-full", "full")]
        if all(each.isdigit() for each in numbers) and len(numbers) < 2:
            return backtrace(census, body, full, int(numbers[0]) if numbers else None)
    enter_frame(census, body)
    gdb.execute(command)
    return [body]


# The whole of a frame in one line; its number is what `coroutine ID frame N` takes.
FRAME_LINE = "with print frame-info location -- frame"


def backtrace(census, body, full, most):
    """The logical stack, the innermost first. Returns the bodies that it shows."""
    chain = census.chain(body)
    count = 0
    for each in reversed(chain):
        write(f"-- {census.tell_body(each)}")
        if each.state == "created":
            write(f"   {function_name(each.function)} (not started)")
            continue
        try:
            enter(census, each)
        except Trouble as trouble:
            write(f"   {trouble}")
            continue
        every = list(frames())
        own = every if full else [frame for frame in every if shown(frame)] or every
        for frame in own:
            if most is not None and count >= most:
                write("(More stack frames follow...)")
                return chain
            count += 1
            frame.select()
            write(gdb.execute(FRAME_LINE, to_string=True).rstrip())
            if full:
                for line in gdb.execute("info locals", to_string=True).splitlines():
                    write(f"        {line}")
    if body.owner:
        write(f"-- {census.tell_task(body.owner)}")
    return chain


class CoroutineApply(Command):
    """Apply a command to coroutines.
Usage: coroutine apply all [-q | -c | -s] COMMAND
       coroutine apply ID... [-q | -c | -s] COMMAND

All are those that have a stack. Each is named before its output. -q: is not. An error in COMMAND
ends it; -c: is printed, and it goes on; -s: it goes on, and nothing is printed of a coroutine where
COMMAND fails or prints nothing.

With "bt" as COMMAND each stack is shown once: a coroutine that another one delegates to, or has
resumed, is shown in that one's."""

    def __init__(self):
        super().__init__("coroutine apply", gdb.COMMAND_STACK)

    def run(self, args):
        words = args.split()
        ids = []
        while words and (words[0] == "all" or words[0].isdigit()):
            ids.append(words.pop(0))
        flags = set()
        while words and words[0] in ("-q", "-c", "-s"):
            flags.add(words.pop(0))
        if not ids or not words:
            raise Trouble("Usage: coroutine apply all|ID... [-q | -c | -s] COMMAND")
        census = Census()
        if "all" in ids:
            bodies = [each for each in census.sorted_bodies() if each.stack_base and not each.finished()]
        else:
            bodies = [census.choose(each) for each in ids]
        command = " ".join(words)
        is_bt = words[0] in ("bt", "backtrace", "where")
        if is_bt:
            inner = {census.inner(each) for each in bodies}
            bodies = [each for each in bodies if each not in inner] + [each for each in bodies if each in inner]
        self.apply(census, bodies, command, flags, is_bt)
        tell_troubles(census)

    def apply(self, census, bodies, command, flags, once):
        done = set()
        for body in bodies:
            if body.address in done:
                continue
            done.add(body.address)
            heading = "" if "-q" in flags or once else f"\n{capital(census.tell_body(body))}:\n"
            with Restored():
                try:
                    if once:
                        write()
                        chain = run_for(census, body, command)
                        done.update(each.address for each in chain)
                        continue
                    if "-s" not in flags:
                        gdb.write(heading)
                        run_for(census, body, command)
                        continue
                    enter_frame(census, body)
                    text = gdb.execute(command, to_string=True)
                    if text:
                        gdb.write(heading + text)
                except (gdb.error, gdb.GdbError) as error:
                    if "-s" in flags:
                        continue
                    if "-c" not in flags:
                        raise
                    write(str(error))


class CoroutineRunning(Command):
    """Go back from a coroutine to what the thread really does.
Usage: coroutine running"""

    def __init__(self):
        super().__init__("coroutine running", gdb.COMMAND_STACK)

    def run(self, args):
        go_back()


class CoroutineThread(Command):
    """Select what the thread has on its own stack, below the coroutines that run on it.
Usage: coroutine thread [COMMAND]

A thread's own frames (main, the loop) cannot be seen while a coroutine runs, which has a stack of
its own. With COMMAND, that is run for them, and nothing is selected."""

    def __init__(self):
        super().__init__("coroutine thread", gdb.COMMAND_STACK, gdb.COMPLETE_COMMAND)

    def run(self, args):
        census = Census()
        thread = gdb.selected_thread()
        if not args:
            return select(census, lambda: enter_thread_frame(census, thread), f"Thread {thread.num}, its own stack")
        with Restored():
            enter_thread_frame(census, thread)
            gdb.execute(args)


class SetCoroscope(gdb.Command):
    """Settings for coroutines."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_STACK, prefix=True)


class RuntimeFrames(gdb.Parameter):
    """Whether the frames of the coroutine library itself are shown."""

    set_doc = "Set whether the frames of the coroutine library itself are shown."
    show_doc = "Show whether the frames of the coroutine library itself are shown."

    def __init__(self):
        super().__init__("coroscope runtime-frames", gdb.COMMAND_STACK, gdb.PARAM_BOOLEAN)
        self.value = False

    def get_set_string(self):
        return ""

    def get_show_string(self, value):
        return f"Frames of the coroutine library are {'shown' if value == 'on' else 'hidden'}."


# ---- Events ----------------------------------------------------------------

class Events:
    """The program goes on: what was selected is no more. A call that gdb makes in it (print f(1))
    comes back to where it was, and leaves the selection."""

    def __init__(self):
        self.calls = 0
        gdb.events.inferior_call.connect(self.on_call)
        gdb.events.cont.connect(self.on_end)
        gdb.events.exited.connect(self.on_end)

    def on_call(self, event):
        self.calls += 1 if isinstance(event, gdb.InferiorCallPreEvent) else -1

    def on_end(self, _):
        if self.calls == 0 and unwinder.selection:
            unwinder.select(None)

    def disconnect(self):
        gdb.events.inferior_call.disconnect(self.on_call)
        gdb.events.cont.disconnect(self.on_end)
        gdb.events.exited.disconnect(self.on_end)


# Loaded again (for another copy of the library, or by `source`), it takes the place of itself.
if hasattr(gdb, "coroscope_events"):
    gdb.coroscope_events.disconnect()
filter_of_frames = CoroutineFilter()
gdb.frame_filters[filter_of_frames.name] = filter_of_frames
unwinder = CoroutineUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)
gdb.coroscope_events = Events()
SetCoroscope("set coroscope")
SetCoroscope("show coroscope")
runtime_frames = RuntimeFrames()
InfoCoroutines()
Coroutine()
CoroutineApply()
CoroutineRunning()
CoroutineThread()
