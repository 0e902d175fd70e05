"""A journal that a server writes. Its thread, the syncer, writes it to the disk and prepares room ahead of the engine.

The syncer may be slow, but the engine must not wait for it. So the engine hands over whole pages (``Writer.turn``) and
continues on others. The syncer does long work in small steps, and checks for an awaited commit between any two of them.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter

from ..native.crc import crc32c
from ..native.schedule import take_short_turns
from ..wire.types import AcknowledgementLevel
from . import segment
from .batch import Position
from .configuration import Configuration
from .directory import Directory
from .errors import JournalFailed
from .layout import PAGE
from .live import CHUNK, LiveSegment, whole_chunks
from .reader import Reader, position_after
from .segment import SegmentHead
from .unsynced import unsynced
from .writer import Writer

#: Prepared bytes ahead of the engine: what it fills in 10 ms at its fastest.
LEAD = 16 << 20

#: With less than this ahead of the engine, preparing room has priority: a page fault in the engine delays all clients.
SHORT = LEAD // 4

#: Prepared pages are refreshed after this time: after 30 s the system writes them out, and a store would fault.
REFRESH_NS = 1_000_000_000

DEFAULT_SEGMENT_BYTES = 64 << 20

#: An engine that fills this many chunks between two syncs gets chunked segments.
SWIFT_CHUNKS = 2


class FileLog(Writer):
    """A journal in ``directory``, which is locked: what the engine appends, the thread ``run`` writes to the disk.

    ``position``: after the last record of the journal so far; None for a new journal; with segment 0 for one that
    begins after its command. ``level``: an ``AcknowledgementLevel``; from DURABLE on everything appended is synced at
    once, ``window_ns`` after the first command of a group, otherwise every ``interval_ns``. ``term``: that of a
    cluster, which is not below any in the directory; 0: the next one. ``wake_fd``: an eventfd, written when something
    awaited (``CommitLog.want``) may be answered, and after a failure.

    The first file operation that fails ends all syncing for good: nothing is appended or becomes durable any more, and
    ``failure`` says what happened.
    """

    def __init__(
        self,
        directory: Directory,
        configuration: Configuration,
        *,
        position: Position | None = None,
        level: int,
        term: int = 0,
        epoch: int = 0,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        window_ns: int = 0,
        interval_ns: int = 10_000_000,
        wake_fd: int | None = None,
    ) -> None:
        self.level = level
        self.term = term
        self.directory = directory
        self.disk = directory.disk
        self.configuration = configuration
        self.position = position
        self.epoch = epoch
        self.segment_bytes = segment_bytes
        self.window_ns = window_ns
        self.interval_ns = interval_ns
        self.wake_fd = wake_fd
        self.counts = Counter[str]()  #: commits, their ns and bytes; any thread may read them
        self.synced_place = (0, 0, 0)  #: sequence, segment, offset: everything before is on the disk
        self._journal = b""  # id of the journal; known once it is open
        self._doing = ""
        self._ended = False
        self._thread: threading.Thread | None = None
        self._live: list[LiveSegment] = []  #: taken by the engine and not completely on the disk; the last is in use
        self._ready: LiveSegment | None = None  #: offered to the engine, and not known to be taken
        self._sync_due_ns = self._refresh_due_ns = 0
        self._places: list[tuple[int, int, int]] = []  #: sequence, segment, offset at which the engine was seen
        #: bytes of the segment that the engine left last, and how long it took to fill them
        self._filled = self._filled_ns = 0
        self._taken_ns = time.monotonic_ns()  #: when the engine began the one in use

    # ------------------------------------------------------------------ from outside

    def open(self) -> None:
        """Make the first segment, in use and on the disk with everything before it. Raises JournalFailed."""
        try:
            self._open()
        except OSError as error:
            self._fail(error)
            raise JournalFailed(error.errno, self.failure) from error

    def start(self) -> None:
        """Start the thread of the syncer. It inherits the processors of the calling thread."""
        self._thread = threading.Thread(target=self.run, name="journal", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """The thread's body. Returns after ``close``, when everything is on the disk, or after a failure."""
        try:
            take_short_turns()
            while not self._ended:
                self._step()
            self._commit()
            self._remove_ready()
        except Exception as error:
            self._fail(error)

    def reader(self, sequence: int) -> Reader:
        return Reader(self.directory, position_after(self.directory, sequence))

    def lose(self, error: OSError) -> None:
        if self.failure is None:
            self._doing = "reading the files"
            self._fail(error)

    def replicate(self, sequence: int) -> None:
        """Note that everything up to here is in the replicated stream."""
        if self.publish_replicated(sequence):
            self._tell()

    def refuse(self, why: str) -> None:
        """Fail, because this process may not write the log any more. Commands that wait are not acknowledged."""
        self.fail()
        self.failure = self.failure or why
        self._tell()

    def close(self) -> None:
        self._ended = True
        self.call()
        if self._thread is None:
            if self.failure is None:
                self.run()
        else:
            self._thread.join()
        self.release()
        for live in (*self._live, *([self._ready] if self._ready else [])):
            live.close()
        self._live, self._ready = [], None

    # ------------------------------------------------------------------ the thread

    def _open(self) -> None:
        self._doing = "checking the journal"
        self.directory.remove_temporary()
        before = self.directory.segments()
        self._doing = "finding what was not synced"
        last = before[-2:]  # older segments were synced before the last of these was made
        again = unsynced(self.directory, last, self.position) if self.position and last else {}
        for number in last:
            self._doing = f"syncing {segment.name(number)}"
            self.disk.sync_file(self.directory.path_of(number), *again.get(number, ()))
        self._journal = self.directory.head(before[-1]).journal if before else os.urandom(16)
        self.term = self.term or self.directory.newest_term() + 1
        live = self._create(before[-1] + 1 if before else 1)
        self._live.append(live)
        while live.populate(LEAD):
            pass
        sequence = self.position.sequence if self.position else 0
        link = self.position.link if self.position else crc32c(self.configuration.to_json())
        self.begin(live.mapping, live.number, live.first_offset, sequence, link, live.limit)
        self._sync(live, live.first_offset)
        self.synced_place = (sequence, live.number, live.first_offset)
        self._shorten()

    def _shorten(self) -> None:
        """Cut off the unused end of the segment before. The new one continues it, so no start takes it for a loss."""
        if self.position is None or not self.position.segment:
            return
        path = self.directory.path_of(self.position.segment)
        if self.disk.size(path) > self.position.offset:
            self._doing = f"cutting {path.name}"
            self.disk.truncate(path, self.position.offset)

    def _step(self) -> None:
        """Make one commit if it is due, and one step of preparing room. Sleep if there is nothing to do."""
        if self._is_due():
            self._commit()
        if not self._make_room():
            self._idle()
        elif self._is_short():
            self._catch_up()

    def _is_due(self) -> bool:
        if len(self._live) > 1:
            return True  # the next segment cannot be made before that
        if self.level < AcknowledgementLevel.DURABLE:
            return time.monotonic_ns() >= self._sync_due_ns
        if self.window_ns and self.has_new:
            time.sleep(self.window_ns / 1e9)
        return True

    def _idle(self) -> None:
        if len(self._live) > 1:
            return
        if self.level >= AcknowledgementLevel.DURABLE:
            self.wait(self.interval_ns, unless_new=True)
        else:
            self.wait(max(1, self._sync_due_ns - time.monotonic_ns()), unless_new=False)

    def _commit(self) -> None:
        """Sync everything appended so far."""
        self._sync_due_ns = time.monotonic_ns() + self.interval_ns
        if not self.has_new:
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
        waited_for = self.publish_synced(sequence)
        if waited_for:
            self._tell()
        took_ns = time.monotonic_ns() - began_ns
        self.counts["commits"] += 1
        self.counts["sync_ns"] += took_ns
        self.counts["sync_last_ns"] = took_ns
        self.counts["sync_longest_ns"] = max(self.counts["sync_longest_ns"], took_ns)

    def _claim(self) -> tuple[int, int, int] | None:
        """Return what to sync next: a sequence and a position with everything up to it before pages that are in use.

        None if nothing can be claimed yet.
        """
        sequence, number, offset = self.progress()
        self._notice_taken(number)
        in_use = self._live[-1]
        if not in_use.chunked or self._ended:
            self._places = []
            return self.turn()
        self._places.append((sequence, number, offset))
        whole = whole_chunks(offset)
        if whole > in_use.synced or len(self._live) > 1:
            return self._behind(number, whole)
        if self._ready is None:
            return None
        # The engine has become slow, and the chunk in use must be synced. It cannot continue in a chunk of which a part
        # was synced, so it leaves the segment; the next one is made for its present speed.
        self._places = []
        claimed = self.turn(in_use.number)
        if claimed[1] == in_use.number:
            in_use.end = claimed[2]
        return claimed

    def _behind(self, number: int, whole: int) -> tuple[int, int, int]:
        """Return the newest sequence known to be before this position, with this position."""
        before = [seen for seen in self._places if seen[1:] <= (number, whole)]
        self._places = self._places[len(before) :]
        return before[-1][0] if before else self.durable, number, whole

    def _sync(self, live: LiveSegment, offset: int) -> None:
        self._doing = f"syncing {segment.name(live.number)}"
        while n_bytes := live.sync(offset):
            self.counts["synced_bytes"] += n_bytes
            if live.synced < offset:
                self._catch_up()  # much to sync, so the engine is fast
                self._doing = f"syncing {segment.name(live.number)}"

    def _make_room(self) -> bool:
        """Do one step of preparation. Returns False if there is nothing to do."""
        _, number, offset = self.progress()
        self._notice_taken(number)
        in_use, ready = self._live[-1], self._ready
        self._doing = f"preparing {segment.name(number)}"
        if in_use.populate(offset + LEAD):
            self.allow(in_use.number, in_use.limit)
            return True
        if ready is None:
            if len(self._live) > 1:
                return False  # the commit comes first: _open relies on only the last two segments not being on the disk
            self._ready = ready = self._create(number + 1)
            ready.populate(PAGE)
            self.offer(ready.mapping, ready.number, ready.first_offset, ready.limit)
            return True
        if ready.populate(offset + LEAD - in_use.n_bytes):
            self.allow(ready.number, ready.limit)
            return True
        if time.monotonic_ns() >= self._refresh_due_ns:
            self._refresh_due_ns = time.monotonic_ns() + REFRESH_NS
            in_use.refresh(offset)
            ready.refresh(0)
        return False

    def _catch_up(self) -> None:
        """Prepare room while the engine is close behind."""
        while self._is_short() and self._make_room():
            pass

    def _is_short(self) -> bool:
        _, number, offset = self.progress()
        in_use = self._live[-1]
        ahead = in_use.populated - offset if in_use.number == number else 0
        if in_use.populated == in_use.n_bytes and self._ready is not None:
            ahead += self._ready.populated
        return ahead < SHORT

    def _notice_taken(self, number: int) -> None:
        """Note whether the engine has moved to the offered segment."""
        if self._ready is not None and self._ready.number <= number:
            now_ns = time.monotonic_ns()
            self._filled, self._filled_ns = self._live[-1].end, now_ns - self._taken_ns
            self._taken_ns = now_ns
            self._live.append(self._ready)
            self._ready = None

    def _create(self, number: int) -> LiveSegment:
        self._doing = f"making {segment.name(number)}"
        head = SegmentHead(
            self.configuration.to_json(), number, self.segment_bytes, self.term, self.epoch,
            segment.boot_id(), self._journal, self.level,
        )  # fmt: skip
        zeroed = self.level >= AcknowledgementLevel.DURABLE
        chunked = not zeroed and self._is_fast()
        return LiveSegment(self.directory, head, zeroed=zeroed, chunked=chunked)

    def _is_fast(self) -> bool:
        """Return whether the engine filled the last segment so fast that each sync finds whole chunks."""
        return self._filled * self.interval_ns >= SWIFT_CHUNKS * CHUNK * self._filled_ns > 0

    def _remove_ready(self) -> None:
        """Remove the segment to which nothing was appended."""
        if self._ready is None:
            return
        self._doing = f"removing {segment.name(self._ready.number)}"
        self.release()
        self._ready.close()
        self.disk.unlink(self.directory.path_of(self._ready.number))
        self.disk.sync_folder(self.directory.path)
        self._ready = None

    def _fail(self, error: Exception) -> None:
        self.fail()
        self.failure = f"{self.directory.path}: {self._doing} failed: {error}"
        self._tell()

    def _tell(self) -> None:
        """Wake the event loop."""
        if self.wake_fd is not None:
            os.eventfd_write(self.wake_fd, 1)
