"""Convert perf's samples of a server to stacks of functions and lines of its .py files.

The compiled modules carry the line numbers of their sources (``make build``), so every address in them maps to a line
of a .py file, also in inlined code. Frames outside pricetime get a short name: a system call, a function of libc, the
Python interpreter.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FRAME = re.compile(r"^\s+([0-9a-f]+) (.*?)(?:\+0x[0-9a-f]+)? \((.*)\)$")
HEAD = re.compile(r"\b(\d+)/(\d+)\b")
#: A suffix of ``addr2line`` that distinguishes several pieces of code of one line.
DISCRIMINATOR = re.compile(r" \(discriminator \d+\)$")
MANGLED = re.compile(r"^__pyx_(?:f|p[wf]|tp_\w+?|gb|fuse_\d+)_(?=\d)")

#: Functions that only one thread of a server runs.
THREADS = {
    "exchange/io/loop.py Gateway._run": "event loop",
    "exchange/state/matcher.py Matcher._run": "matcher",
    "exchange/state/playback.py Playback._run": "follower",
    "native/mapping.py Mapping.populate": "syncer",
    "native/mapping.py Mapping.sync": "syncer",
}
OTHERS = "control thread and others"


@dataclass
class Sample:
    """One sample of a thread, outermost frame first: (address, symbol, file) each."""

    thread: int
    frames: list[tuple[int, str, str]] = field(default_factory=list)


def samples_of(text: str) -> list[Sample]:
    """Parse the output of ``perf script -F pid,tid,ip,sym,symoff,dso``."""
    samples: list[Sample] = []
    for block in text.split("\n\n"):
        head, *lines = block.strip("\n").split("\n")
        if not (numbers := HEAD.search(head)):
            continue
        found = [FRAME.match(line) for line in lines]
        frames = [(int(frame[1], 16), frame[2], frame[3]) for frame in found if frame]
        samples.append(Sample(int(numbers[2]), frames[::-1]))
    return samples


def stacks_of(samples: Iterable[Sample]) -> dict[tuple[str, ...], int]:
    """Count each stack: the thread, functions from the outermost on, and the line that ran."""
    samples = list(samples)
    places = Places()
    for sample in samples:
        for depth, (address, _, file) in enumerate(sample.frames, 1):
            places.want(file, address - (depth < len(sample.frames)))  # the address of a caller is that after the call
    places.look_up()
    named = [(sample.thread, places.names(sample)) for sample in samples]
    threads: dict[int, str] = {}
    for thread, names in named:
        for name in names:
            if name in THREADS:
                threads[thread] = THREADS[name]
    stacks: dict[tuple[str, ...], int] = defaultdict(int)
    for thread, names in named:
        stacks[threads.get(thread, OTHERS), *names] += 1
    return dict(stacks)


class Places:
    """Look up functions and lines of addresses in compiled modules, all at once: ``addr2line`` is slow to start."""

    def __init__(self) -> None:
        self._wanted: dict[str, set[int]] = defaultdict(set)
        self._found: dict[tuple[str, int], list[tuple[str, str]]] = {}

    def want(self, file: str, address: int) -> None:
        if is_ours(file):
            self._wanted[file].add(address)

    def look_up(self) -> None:
        for file, addresses in self._wanted.items():
            asked = "".join(f"{address:#x}\n" for address in sorted(addresses))
            told = subprocess.run(
                ["addr2line", "-a", "-f", "-i", "-e", file], input=asked, capture_output=True, text=True, check=True
            ).stdout
            self._take(file, told.splitlines())

    def _take(self, file: str, lines: list[str]) -> None:
        at = 0
        address = 0
        while at < len(lines):
            if lines[at].startswith("0x"):
                address = int(lines[at], 16)
                self._found[file, address] = []
                at += 1
            else:
                self._found[file, address].insert(0, (lines[at], DISCRIMINATOR.sub("", lines[at + 1])))
                at += 2

    def names(self, sample: Sample) -> list[str]:
        """Return the functions from the outermost on, and the line that ran if it is in pricetime."""
        names: list[str] = []
        inside_kernel = ""
        for depth, (address, symbol, file) in enumerate(sample.frames, 1):
            if file.startswith("[kernel"):
                inside_kernel = inside_kernel or system_call(symbol)
                continue
            here = self._found.get((file, address - (depth < len(sample.frames))), [])
            name = readable(symbol) if is_ours(file) else outsider(symbol, file)
            for found in [readable(function) for function, _ in here] or [name]:
                if found and (not names or names[-1] != found):
                    names.append(found)
            if here and depth == len(sample.frames):
                names.append(line_of(here[-1][1]))
        if sample.frames and sample.frames[-1][2].startswith("[kernel"):
            names.append(f"kernel: {inside_kernel or 'interrupt'}")
        return names


def is_ours(file: str) -> bool:
    return "/pricetime/" in file and file.endswith(".so")


def system_call(symbol: str) -> str:
    """Return ``recvfrom`` for ``__x64_sys_recvfrom``; empty if it is not a system call."""
    return symbol.partition("_sys_")[2] if symbol.startswith("__") else ""


def outsider(symbol: str, file: str) -> str:
    """Return a short name for a frame outside pricetime; empty for frames that start every thread."""
    if "python" in Path(file).name:
        return "python"
    if symbol in {"start_thread", "clone3", "__clone3", "_start", "main"} or "libc_start" in symbol:
        return ""
    return f"{Path(file).name.partition('.')[0].strip('[]')} {symbol.partition('@')[0]}"


@cache
def readable(symbol: str) -> str:
    """Return ``core/book.py Books._match`` for ``__pyx_f_9pricetime_4core_4book_5Books__match``."""
    head = MANGLED.match(symbol)
    if head is None:
        return symbol.partition(".")[0]
    parts, rest = [], symbol[head.end() :]
    while numbered := re.match(r"(\d+)", rest):
        name = rest[numbered.end() :]
        length = int(numbered[1])
        if len(name) <= length or name[length] != "_":
            rest = name  # the index of a method in its class, not a length
            break
        parts.append(name[:length])
        rest = name[length + 1 :]
    function = rest.partition(".")[0]
    modules = [part for part in parts if part[0].islower()]
    classes = [part for part in parts if not part[0].islower()]
    path = "/".join(modules[1:] if modules[:1] == ["pricetime"] else modules)
    return f"{path}.py {'.'.join([*classes, function])}"


@cache
def line_of(place: str) -> str:
    """Return ``book.py:423 text of the line``."""
    file, _, number = place.rpartition(":")
    path = Path(file)
    if not number.isdigit() or path.suffix != ".py":
        return f"{path.name}:{number}"
    lines = source_of(path.name, path.parent.name)
    text = lines[int(number) - 1].strip() if int(number) <= len(lines) else ""
    return f"{path.name}:{number} {text}".rstrip()


@cache
def source_of(name: str, folder: str) -> list[str]:
    """Return the lines of a source of pricetime. The compiler may record only its file name."""
    import pricetime

    root = Path(pricetime.__file__).parent
    found = [path for path in root.rglob(name) if path.parent.name == folder] or sorted(root.rglob(name))
    return found[0].read_text(encoding="utf-8").splitlines() if len(found) == 1 else []
