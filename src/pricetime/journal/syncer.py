"""The thread behind the engine: brings the journal to the disk, and has room ready ahead of the engine.

It may be slow, the engine may not: so the engine hands over whole pages (``Writer.turn``) and goes on elsewhere. What
takes long is done in small steps, and a commit that somebody waits for comes between any two of them.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

from ..native.crc import crc32c
from ..native.schedule import take_short_turns
from ..wire.types import AcknowledgementLevel
from . import segment
from .configuration import Configuration
from .directory import Directory
from .errors import JournalFailed
from .live import CHUNK, LiveSegment, whole_chunks
from .position import Position
from .unsynced import unsynced
from .writer import Writer

#: Bytes ahead of the engine that can be stored into without a fault: what it fills in 10 ms at its fastest.
LEAD = 16 << 20

#: With less than this ahead of the engine, room comes before all else: an engine that faults is late for everyone.
SHORT = LEAD // 4

#: The system writes out by itself what has lain in memory for 30 s, and a store into such a page would fault.
REFRESH_NS = 1_000_000_000

DEFAULT_SEGMENT_BYTES = 64 << 20

#: An engine that fills so many chunks between two syncs is given chunked segments.
SWIFT_CHUNKS = 2


@dataclass
class SyncCounts:
    """What was brought to the disk so far. Another thread may read it at any time."""

    commits: int = 0  #: each makes all durable that was appended when it began
    n_bytes: int = 0
    last_ns: int = 0  #: from turning the page until all was on the disk
    longest_ns: int = 0
    total_ns: int = 0


class Syncer:
    """``writer`` is given segments of ``directory``, which is locked, and what it appends is brought to the disk.

    ``position``: behind the last record of the journal so far; None for a new journal. ``level``: an
    ``AcknowledgementLevel``: with DURABLE whatever is appended is synced at once, ``window_ns`` after the first of a
    group; else every ``interval_ns``. ``wake_fd``: an eventfd, written when somebody wants something durable
    (``Writer.want``) and it is, and after a failure.

    The first call that fails ends all syncing for good: nothing is appended, nothing becomes durable any more, and
    ``failure`` says what happened.
    """

    def __init__(
        self,
        writer: Writer,
        directory: Directory,
        configuration: Configuration,
        *,
        position: Position | None = None,
        level: int,
        epoch: int = 0,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        window_ns: int = 0,
        interval_ns: int = 10_000_000,
        wake_fd: int | None = None,
    ) -> None:
        self.writer = writer
        self.directory = directory
        self.disk = directory.disk
        self.configuration = configuration
        self.position = position
        self.level = level
        self.epoch = epoch
        self.segment_bytes = segment_bytes
        self.window_ns = window_ns
        self.interval_ns = interval_ns
        self.wake_fd = wake_fd
        self._journal = b""  # which journal the segments are a part of; known once it is open
        self.counts = SyncCounts()
        self.failure: str | None = None
        self.synced_place = (0, 0, 0)  #: sequence, segment, offset: all before it is on the disk
        self.error: OSError | None = None  #: what ``failure`` tells of, when it was the system
        self._doing = ""
        self._ended = False
        self._thread: threading.Thread | None = None
        self._live: list[LiveSegment] = []  #: taken by the engine, and not all on the disk; the last is in use
        self._ready: LiveSegment | None = None  #: offered, and not taken as far as is known
        self._sync_due_ns = self._refresh_due_ns = 0
        self._places: list[tuple[int, int, int]] = []  #: sequence, segment, offset that the engine was seen at
        self._filled = self._filled_ns = 0  #: bytes of the segment that the engine left last, and how long that took
        self._taken_ns = time.monotonic_ns()  #: when it began the one in use

    # ------------------------------------------------------------------ from outside

    def open(self) -> None:
        """Make the first segment, in use and on the disk, with whatever lies before it. Raises JournalFailed."""
        try:
            self._open()
        except OSError as error:
            self._fail(error)
            raise JournalFailed(error.errno, self.failure) from error

    def start(self) -> None:
        """``run`` in a thread of its own, until ``end``."""
        self._thread = threading.Thread(target=self.run, name="journal", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """The thread's body: returns after ``end``, when all is on the disk, or after a failure."""
        try:
            take_short_turns()
            while not self._ended:
                self._step()
            self._commit()
            self._remove_ready()
        except Exception as error:
            self._fail(error)

    def lose(self, error: OSError) -> None:
        """The files cannot be read back, says another thread: what is appended may be lost, and nothing more is."""
        if self.failure is None:
            self._doing = "reading what was written"
            self._fail(error)

    def end(self) -> None:
        """Everything appended is on the disk when this returns, unless something failed. The engine must have ended."""
        self._ended = True
        self.writer.call()
        if self._thread is None:
            if self.failure is None:
                self.run()
        else:
            self._thread.join()
        self.writer.close()
        for live in (*self._live, *([self._ready] if self._ready else [])):
            live.close()
        self._live, self._ready = [], None

    # ------------------------------------------------------------------ the thread

    def _open(self) -> None:
        self._doing = "looking at the journal"
        self.directory.remove_temporary()
        before = self.directory.segments()
        self._doing = "looking at what was not synced"
        last = before[-2:]  # further back all was synced before the last of these was made
        again = unsynced(self.directory, last, self.position) if self.position else {}
        for number in last:
            self._doing = f"syncing {segment.name(number)}"
            self.disk.sync_file(self.directory.path_of(number), *again.get(number, ()))
        self._journal = self._journal_of(before)
        live = self._create(before[-1] + 1 if before else 1)
        self._live.append(live)
        while live.populate(LEAD):
            pass
        sequence = self.position.sequence if self.position else 0
        link = self.position.link if self.position else crc32c(self.configuration.to_json())
        self.writer.start(live.mapping, live.number, live.first_offset, sequence, link, live.limit)
        self._sync(live, live.first_offset)
        self.synced_place = (sequence, live.number, live.first_offset)
        self._shorten()

    def _journal_of(self, numbers: list[int]) -> bytes:
        """The id in the newest of these segments; a new one if there is none."""
        if not numbers:
            return os.urandom(16)
        return segment.read_head(self.disk, self.directory.path_of(numbers[-1])).journal

    def _shorten(self) -> None:
        """Cut off the room that the segment before has left: another carries on, so nobody takes it for a loss."""
        if self.position is None:
            return
        path = self.directory.path_of(self.position.segment)
        if self.disk.size(path) > self.position.offset:
            self._doing = f"cutting {path.name}"
            self.disk.truncate(path, self.position.offset)

    def _step(self) -> None:
        """One commit when it is due, a step of making room; sleeps when there is nothing to do."""
        if self._is_due():
            self._commit()
        if not self._make_room():
            self._wait()
        elif self._is_short():
            self._catch_up()

    def _is_due(self) -> bool:
        if len(self._live) > 1:
            return True  # the next segment cannot be made before
        if self.level != AcknowledgementLevel.DURABLE:
            return time.monotonic_ns() >= self._sync_due_ns
        if self.window_ns and self.writer.has_new:
            time.sleep(self.window_ns / 1e9)
        return True

    def _wait(self) -> None:
        if len(self._live) > 1:
            return
        if self.level == AcknowledgementLevel.DURABLE:
            self.writer.wait(self.interval_ns, unless_new=True)
        else:
            self.writer.wait(max(1, self._sync_due_ns - time.monotonic_ns()), unless_new=False)

    def _commit(self) -> None:
        """Have everything on the disk that is appended now."""
        self._sync_due_ns = time.monotonic_ns() + self.interval_ns
        if not self.writer.has_new:
            return
        began_ns = time.monotonic_ns()
        claimed = self._claim()
        if claimed is None:
            return
        sequence, number, offset = claimed
        self._notice_taken(number)
        while self._live[0].number != number:
            old = self._live[0]
            self._sync(old, old.end)
            old.close()
            del self._live[0]
        self._sync(self._live[0], offset)
        self.synced_place = (sequence, number, offset)
        waited_for = self.writer.publish_synced(sequence)
        if waited_for:
            self._wake()
        took_ns = time.monotonic_ns() - began_ns
        self.counts.commits += 1
        self.counts.last_ns = took_ns
        self.counts.total_ns += took_ns
        self.counts.longest_ns = max(self.counts.longest_ns, took_ns)

    def _claim(self) -> tuple[int, int, int] | None:
        """What is synced next: a sequence that is all in the pages before a place, which are stored into no more.

        None when there is nothing that can be claimed yet.
        """
        sequence, number, offset = self.writer.progress()
        self._notice_taken(number)
        in_use = self._live[-1]
        if not in_use.chunked or self._ended:
            self._places = []
            return self.writer.turn()
        self._places.append((sequence, number, offset))
        whole = whole_chunks(offset)
        if whole > in_use.synced or len(self._live) > 1:
            return self._behind(number, whole)
        if self._ready is None:
            return None
        # The engine has become slow, and the chunk in use is to be synced. It cannot go on in a chunk of which a part
        # was synced, so it leaves the segment; the next one is made for it as it is now.
        self._places = []
        claimed = self.writer.turn(in_use.number)
        if claimed[1] == in_use.number:
            in_use.end = claimed[2]
        return claimed

    def _behind(self, number: int, whole: int) -> tuple[int, int, int]:
        """The newest sequence that was seen to be all before this place, with this place."""
        before = [seen for seen in self._places if seen[1:] <= (number, whole)]
        self._places = self._places[len(before) :]
        return before[-1][0] if before else self.writer.synced(), number, whole

    def _sync(self, live: LiveSegment, offset: int) -> None:
        self._doing = f"syncing {segment.name(live.number)}"
        while n_bytes := live.sync(offset):
            self.counts.n_bytes += n_bytes
            if live.synced < offset:
                self._catch_up()  # much is to be synced, so the engine is fast
                self._doing = f"syncing {segment.name(live.number)}"

    def _make_room(self) -> bool:
        """One step ahead of the engine: False when there is nothing to do."""
        _, number, offset = self.writer.progress()
        self._notice_taken(number)
        in_use, ready = self._live[-1], self._ready
        self._doing = f"making room in {segment.name(number)}"
        if in_use.populate(offset + LEAD):
            self.writer.allow(in_use.number, in_use.limit)
            return True
        if ready is None:
            if len(self._live) > 1:
                return False  # a commit comes first: _open counts on it that only the last two are not on the disk
            self._ready = ready = self._create(number + 1)
            ready.populate(segment.PAGE)
            self.writer.offer(ready.mapping, ready.number, ready.first_offset, ready.limit)
            return True
        if ready.populate(offset + LEAD - in_use.n_bytes):
            self.writer.allow(ready.number, ready.limit)
            return True
        if time.monotonic_ns() >= self._refresh_due_ns:
            self._refresh_due_ns = time.monotonic_ns() + REFRESH_NS
            in_use.refresh(offset)
            ready.refresh(0)
        return False

    def _catch_up(self) -> None:
        """Steps ahead of the engine while it is close behind."""
        while self._is_short() and self._make_room():
            pass

    def _is_short(self) -> bool:
        _, number, offset = self.writer.progress()
        in_use = self._live[-1]
        ahead = in_use.populated - offset if in_use.number == number else 0
        if in_use.populated == in_use.n_bytes and self._ready is not None:
            ahead += self._ready.populated
        return ahead < SHORT

    def _notice_taken(self, number: int) -> None:
        """The engine may have gone on in the segment that was ready."""
        if self._ready is not None and self._ready.number <= number:
            now_ns = time.monotonic_ns()
            self._filled, self._filled_ns = self._live[-1].end, now_ns - self._taken_ns
            self._taken_ns = now_ns
            self._live.append(self._ready)
            self._ready = None

    def _create(self, number: int) -> LiveSegment:
        self._doing = f"making {segment.name(number)}"
        fd, mapping = segment.create(
            self.disk,
            self.directory.path,
            number,
            self.segment_bytes,
            self.configuration,
            self.epoch,
            self.level,
            self._journal,
        )
        first_offset = segment.first_offset(len(self.configuration.to_json()))
        zeroed = self.level == AcknowledgementLevel.DURABLE
        chunked = not zeroed and self._is_fast()
        return LiveSegment(self.disk, fd, mapping, number, first_offset, zeroed=zeroed, chunked=chunked)

    def _is_fast(self) -> bool:
        """Did the engine fill the last segment so quickly that there are whole chunks to sync whenever it is due?"""
        return self._filled * self.interval_ns >= SWIFT_CHUNKS * CHUNK * self._filled_ns > 0

    def _remove_ready(self) -> None:
        """The segment that nothing was appended to."""
        if self._ready is None:
            return
        self._doing = f"removing {segment.name(self._ready.number)}"
        self.writer.close()
        self._ready.close()
        self.disk.unlink(self.directory.path_of(self._ready.number))
        self.disk.sync_folder(self.directory.path)
        self._ready = None

    def _fail(self, error: Exception) -> None:
        self.writer.fail()
        self.failure = f"{self.directory.path}: {self._doing} failed: {error}"
        self.error = error if isinstance(error, OSError) else None
        self._wake()

    def _wake(self) -> None:
        if self.wake_fd is not None:
            os.eventfd_write(self.wake_fd, 1)
