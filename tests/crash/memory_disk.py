"""A disk in memory that knows what it would hold if the power went out now: any of many states, all of them legal.

What is written lies in the page cache first. The disk has it for certain after a sync alone; before that, each sector
is as it was at the last sync or as it was at any moment since, the size of a file likewise, and each name of the folder
that was made, moved or removed since the folder's sync may have been, or not. (No file system is as bad as that at
once; each of them is as bad as that somewhere.)
"""

from __future__ import annotations

import errno
import itertools
import math
import mmap
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pricetime.native.disk import Disk

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from pricetime.native.mapping import Mapping

SECTOR, PAGE = 512, 4096

#: What is between two contents of a file; fewer than so many of them.
Between: TypeAlias = "Callable[[bytes, bytes], Iterable[bytes]]"
MOST_BETWEEN = 16

#: The folder of every journal here.
FOLDER = Path("/journal")


class File:
    """Bytes as the page cache has them, and what of them the disk may have."""

    def __init__(self, on_disk: bytes = b"") -> None:
        self.on_disk = on_disk  #: as of the last sync
        self.cache: bytes | bytearray | mmap.mmap = on_disk
        self.memory = -1  #: descriptor of what can be mapped
        self.sizes = [len(on_disk)]  #: at the last sync, and every one since
        self.changed: dict[int, list[tuple[int, bytes]]] = {}  #: by sector: when, and what it became
        self.lost: set[int] = set()  #: sectors that a sync failed to write; the next sync skips them
        self._seen = on_disk

    def __del__(self) -> None:
        if self.memory >= 0:
            os.close(self.memory)

    def allocate(self, n_bytes: int) -> None:
        self.memory = os.memfd_create("journal")
        os.ftruncate(self.memory, n_bytes)
        self.cache = mmap.mmap(self.memory, n_bytes)
        self._resized(n_bytes)

    def write(self, data: ReadableBuffer, offset: int) -> None:
        data = bytes(data)
        if isinstance(self.cache, bytes):
            self.cache = bytearray(self.cache)
        if offset + len(data) > len(self.cache):
            assert isinstance(self.cache, bytearray), "an allocated file does not grow"
            self.cache.extend(bytes(offset + len(data) - len(self.cache)))
        self.cache[offset : offset + len(data)] = data
        self._resized(len(self.cache))
        self.lost.difference_update(range(offset // SECTOR, -(-(offset + len(data)) // SECTOR)))

    def truncate(self, n_bytes: int) -> None:
        self.observe(0)
        self.cache = bytearray(bytes(self.cache)[:n_bytes].ljust(n_bytes, b"\0"))
        self._resized(n_bytes)
        self._seen = bytes(self.cache)

    def _resized(self, n_bytes: int) -> None:
        if self.sizes[-1] != n_bytes:
            self.sizes.append(n_bytes)

    def observe(self, moment: int, between: Between | None = None) -> None:
        """Remember the sectors that are not as they were, also where a mapping was stored into."""
        now = bytes(self.cache[:])
        if now == self._seen:
            return
        if between is not None and self.memory >= 0 and len(now) == len(self._seen):
            for part in between(self._seen, now):
                self._see(part, moment)
                moment += 1
        self._see(now, moment)

    def _see(self, now: bytes, moment: int) -> None:
        before, after = (
            np.frombuffer(padded(data, len(now)), np.uint8).reshape(-1, SECTOR) for data in (self._seen, now)
        )
        for sector in np.flatnonzero((before != after).any(axis=1)).tolist():
            self.changed.setdefault(sector, []).append((moment, after[sector].tobytes()))
        self._seen = now

    def synced(self, moment: int, first: int = 0, n_bytes: int | None = None) -> None:
        """These bytes are on the disk, all of them with the size when no range is given; not what is lost."""
        self.observe(moment)
        if n_bytes is None:
            n_bytes, self.sizes = len(self.cache), [len(self.cache)]
            self.on_disk = self.on_disk[:n_bytes]
        image = bytearray(self.on_disk.ljust(-(-len(self.cache) // SECTOR) * SECTOR, b"\0"))
        for sector in [s for s in self.changed if first <= s * SECTOR < first + n_bytes and s not in self.lost]:
            image[sector * SECTOR : (sector + 1) * SECTOR] = self.changed.pop(sector)[-1][1]
        self.on_disk = bytes(image[: len(self.cache)])
        self.changed = {sector: seen for sector, seen in self.changed.items() if sector * SECTOR < len(self.cache)}

    def not_synced(self, first: int = 0, n_bytes: int | None = None) -> None:
        """A sync failed."""
        end = len(self.cache) if n_bytes is None else first + n_bytes
        self.lost.update(sector for sector in self.changed if first <= sector * SECTOR < end)

    # ------------------------------------------------------------------ what the disk may have

    def axes(self, unit: int) -> list[Sequence[Any]]:
        """What may be old or new: the size, then each unit of sectors that changed: (sectors, moment)."""
        units: dict[int, set[int]] = {}
        for sector, versions in self.changed.items():
            units.setdefault(sector * SECTOR // unit, {-1}).update(moment for moment, _ in versions)
        return [
            self.sizes,
            *([(number, moment) for moment in sorted(moments)] for number, moments in sorted(units.items())),
        ]

    def image(self, unit: int, choice: Sequence[Any]) -> bytes:
        """The bytes of one state."""
        size, *units = choice
        if not units and size == len(self.on_disk):
            return self.on_disk
        found = bytearray(self.on_disk[:size].ljust(-(-size // SECTOR) * SECTOR, b"\0"))
        for number, moment in units:
            for sector in range(number * unit // SECTOR, (number + 1) * unit // SECTOR):
                versions = [data for when, data in self.changed.get(sector, ()) if when <= moment]
                if versions and sector * SECTOR < size:
                    found[sector * SECTOR : (sector + 1) * SECTOR] = versions[-1]
        return bytes(found[:size])


class MemoryDisk(Disk):
    """One folder of files. ``called``: called before and after every call that changes something.

    ``between``: what a mapped file was like on the way from one content that was observed to the next, as far as its
    writer's stores may have been seen one by one.
    """

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = {name: File(data) for name, data in (files or {}).items()}
        self.called: Callable[[str], object] = lambda call: None
        self.between: Between | None = None
        self.vain_syncs = 0  #: syncs of a file whose sync had failed before
        self._named = dict(self.files)  # as of the folder's last sync
        self._renamed: list[dict[str, File | None]] = []  # what was done to its names since
        self._open: dict[int, File] = {}
        self._mapped: dict[int, File] = {}
        self._next_fd = 1 << 20  # not real descriptors: a call that bypasses this disk fails
        self._moment = 0

    # ------------------------------------------------------------------ looking

    def names(self, folder: Path) -> list[str]:
        return list(self.files)

    def size(self, path: Path) -> int:
        return len(self._file(path).cache)

    def read(self, path: Path) -> ReadableBuffer:
        cache = self._file(path).cache
        return bytes(cache) if isinstance(cache, bytearray) else cache

    def _file(self, path: Path) -> File:
        if path.name not in self.files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return self.files[path.name]

    # ------------------------------------------------------------------ a file that is written

    def create(self, path: Path, n_bytes: int = 0) -> int:
        with self._call("create"):
            if path.name in self.files:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
            file = File()
            if n_bytes:
                file.allocate(n_bytes)
            self._rename({path.name: file})
            return self._opened(file)

    def _pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        with self._call("write"):
            self._open[fd].write(data, offset)
            return len(data)

    def sync(self, fd: int) -> None:
        with self._call("sync", self._open[fd]):
            self._open[fd].synced(self._moment)

    def sync_file(self, path: Path, first: int = 0, end: int = 0) -> None:
        fd = self._opened(self._file(path))
        try:
            self._sync_again(fd, path, first, end)
        finally:
            self.close(fd)

    def close(self, fd: int) -> None:
        del self._open[fd]

    def map(self, fd: int, n_bytes: int) -> Mapping:
        with self._call("map"):
            mapping = super().map(self._open[fd].memory, n_bytes)
            self._mapped[id(mapping)] = self._open[fd]
            return mapping

    def populate(self, mapping: Mapping, first: int, n_bytes: int) -> None:
        with self._call("populate"):
            super().populate(mapping, first, n_bytes)

    def sync_range(self, mapping: Mapping, first: int, n_bytes: int) -> None:
        file = self._mapped[id(mapping)]
        with self._call("sync_range", file, first, n_bytes):
            file.synced(self._moment, first, n_bytes)

    # ------------------------------------------------------------------ files and folders

    def truncate(self, path: Path, n_bytes: int) -> None:
        file = self._file(path)
        with self._call("truncate"):
            file.truncate(n_bytes)
        self.sync_file(path)

    def rename(self, old: Path, new: Path) -> None:
        with self._call("rename"):
            self._rename({old.name: None, new.name: self._file(old)})

    def unlink(self, path: Path) -> None:
        with self._call("unlink"):
            self._file(path)
            self._rename({path.name: None})

    def sync_folder(self, folder: Path) -> None:
        with self._call("sync_folder"):
            self._named, self._renamed = dict(self.files), []

    def make_folder(self, path: Path) -> None:
        pass

    def lock(self, path: Path) -> int:
        return self._opened(self.files.setdefault(path.name, File()))

    def _opened(self, file: File) -> int:
        self._next_fd += 1
        self._open[self._next_fd] = file
        return self._next_fd

    def _rename(self, names: dict[str, File | None]) -> None:
        self._renamed.append(names)
        apply(names, self.files)

    # ------------------------------------------------------------------ a power loss

    def _call(self, name: str, *synced: Any) -> Call:
        return Call(self, name, *synced)

    def observe(self) -> None:
        """Take note of what was stored through mappings. Call it as often as states in between are wanted."""
        self._moment += MOST_BETWEEN
        for file in {id(file): file for file in (*self.files.values(), *self._open.values())}.values():
            file.observe(self._moment, self.between)

    def states(self, rng: random.Random, most: int, unit: int = SECTOR) -> Iterator[dict[str, bytes]]:
        """What the disk may hold if the power goes out now: all states where they are few, else so many drawn ones."""
        self.observe()
        known: list[File | None] = [*self._named.values()]
        known += [file for change in self._renamed for file in change.values()]
        files = [*{id(file): file for file in known if file is not None}.values()]
        axes: list[Sequence[Any]] = [(False, True)] * len(self._renamed)
        spans: list[slice] = []  # of the axes, those of each file
        for file in files:
            own = file.axes(unit)
            spans.append(slice(len(axes), len(axes) + len(own)))
            axes += own
        for choice in choices(axes, rng, most):
            names: dict[str, File | None] = dict(self._named)
            for done, change in zip(choice, self._renamed, strict=False):
                if done:
                    names.update(change)
            images = {id(file): file.image(unit, choice[span]) for file, span in zip(files, spans, strict=True)}
            yield {name: images[id(file)] for name, file in names.items() if file is not None}

    def killed(self) -> None:
        """The process is gone, the machine is not: the page cache stays, and what is open is closed."""
        self.observe()
        self.between = None
        self._open.clear()
        self._mapped.clear()


class Call:
    """Around a call that changes something. ``file``: what of it is synced."""

    def __init__(
        self, disk: MemoryDisk, name: str, file: File | None = None, first: int = 0, n_bytes: int | None = None
    ) -> None:
        self.disk, self.name, self.file, self.range = disk, name, file, (first, n_bytes)

    def __enter__(self) -> None:
        self.disk.observe()
        if self.file is not None:
            self.disk.vain_syncs += bool(self.file.lost)
        try:
            self.disk.called(self.name)
        except OSError:
            if self.file is not None:
                self.file.not_synced(*self.range)
            raise

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.disk.observe()
        if kind is None:
            self.disk.called("")


def choices(axes: Sequence[Sequence[Any]], rng: random.Random, most: int) -> Iterator[tuple[Any, ...]]:
    """One of each axis: every combination, or ``most`` drawn ones, among them all that is old and all that is new."""
    if math.prod(map(len, axes)) <= most:
        yield from itertools.product(*axes)
        return
    yield tuple(axis[0] for axis in axes)
    yield tuple(axis[-1] for axis in axes)
    for _ in range(most - 2):
        newer = rng.choice((0.05, 0.3, 0.5, 0.7, 0.95))
        yield tuple(
            rng.choice(axis) if rng.random() < 0.2 else axis[-1] if rng.random() < newer else axis[0] for axis in axes
        )


def apply(change: dict[str, File | None], names: dict[str, File]) -> None:
    for name, file in change.items():
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def padded(data: bytes, n_bytes: int) -> bytes:
    """Whole sectors, as long as the other."""
    return data[:n_bytes].ljust(-(-n_bytes // SECTOR) * SECTOR, b"\0")
