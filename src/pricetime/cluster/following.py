"""A node that does not lead: it applies the stream to its machine and its journal, and takes over when it is asked to.

It runs the same code as recovery. At each checkpoint of a page it compares the reports of its machine with those of the
leader, and stops at the first difference.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..core.snapshot import Snapshot
from ..exchange.settings.config import GatewayConfig
from ..exchange.settings.server_log import Log
from ..exchange.standby.books import instruments_of, public_orders
from ..exchange.standby.journal import Journal
from ..log.batch import Commands
from ..log.reader import LIMIT
from ..log.replayer import Replayer
from ..log.snapshot import SnapshotFile, keep_two, write
from ..types import SNAPSHOT_ORDER
from ..wire.types import AcknowledgementLevel
from .page import TermRecord
from .page_reader import PageReader
from .stream import Stored

#: Pause while the journal has no room for more commands, in seconds.
ROOM_S = 0.001


class Following:
    """Applies messages of the stream, in order, to the recovered machine of ``journal`` and to its files.

    It is also what a recovery server asks for snapshots of the books. Raises JournalError and OSError.
    """

    def __init__(self, settings: GatewayConfig, journal: Journal, events: Log) -> None:
        self.machine = journal.machine
        self.journal = journal
        self.newest = journal.snapshot  #: last command of the newest snapshot in the journal
        self.term = 0  #: of the last message
        self.stream_sequence = 0  #: of the last message
        self.digest = b""  #: of the last message
        self.record: TermRecord | None = None  #: the newest that was applied
        self._settings, self._events = settings, events
        # an order that waits for its extension is in the journal, and not in the machine
        self._reader = PageReader(self.journal_sequence, self.machine.configuration, self.machine.epoch)
        self._replayer = Replayer(self.machine, self._reader, journal.whole)
        self._is_open = False
        self._waiting: SnapshotFile | None = None  # taken, and not in a file yet
        self._taken_s = time.monotonic()
        self._books = threading.Lock()

    @property
    def sequence(self) -> int:
        """Sequence of the last command in the journal."""
        return self._replayer.sequence

    @property
    def journal_sequence(self) -> int:
        """Sequence of the last command in the journal when it was recovered."""
        held = self.journal.whole.held
        return int(held["sequence"][-1]) if len(held) else self.machine.sequence

    # ------------------------------------------------------------------ messages

    async def apply(self, stored: Stored) -> None:
        """Apply the next message of the stream."""
        message = stored.page
        if isinstance(message, TermRecord):
            self._begin_term(message)
        elif not self._is_open:
            self._open(message.term)
        batch = self._reader.add(message)
        if batch is None or not len(batch.commands):
            self._run(LIMIT)
        else:
            await self._append(batch.commands)
        self.term, self.stream_sequence, self.digest = message.term, stored.sequence, message.digest
        await self._write_snapshots()

    def _begin_term(self, record: TermRecord) -> None:
        """The journal continues in a segment of the new term, with its configuration and epoch."""
        self._close()
        self.record = record

    def _open(self, term: int) -> None:
        self.journal.open(AcknowledgementLevel.MEMORY, term=term)
        self.journal.log.start()
        self._is_open = True

    def _close(self) -> None:
        if self._is_open:
            self.journal.close_log()
            self._is_open = False

    async def _append(self, commands: Commands) -> None:
        """Append commands to the journal. It may have no room for all: those that it has are executed before the rest.

        So each checkpoint in the journal has the reports of the machine at its place.
        """
        log, machine, done = self.journal.log, self.machine, 0
        while done < len(commands):
            taken = log.append_records(commands[done:], machine.engine.seq_num, machine.matcher.report_checksum)
            if log.failure is not None:
                raise OSError(log.failure)
            if taken:
                self._run(taken)
                done += taken
            else:
                await asyncio.sleep(ROOM_S)

    def _run(self, count: int) -> None:
        """Execute the next commands of the last message."""
        with self._exclusive():
            self._replayer.step(count)

    def close(self) -> None:
        """Close the log of the journal, so that it can be opened for a term of this node."""
        self._close()

    # ------------------------------------------------------------------ snapshots in files

    async def _write_snapshots(self) -> None:
        """Write a snapshot if one is due: it is taken at once, and written when its last command is on the disk."""
        if self._waiting is None and self._is_due():
            self._taken_s = time.monotonic()
            self._waiting = self.machine.snapshot(
                self.journal.log.reader(self.sequence).position,
                term=self.term,
                stream_reports=self._settings.snapshot_stream_reports,
                feed_reports=self._settings.snapshot_feed_reports,
            )
        if self._waiting is not None and self._is_open and self.journal.log.durable >= self._waiting.sequence:
            snapshot, self._waiting = self._waiting, None
            await asyncio.to_thread(self._write, snapshot)

    def _is_due(self) -> bool:
        settings, behind = self._settings, self.sequence - self.newest
        if behind <= 0 or not self._is_open or len(self._replayer.whole.held):
            return False
        every, interval_s = settings.snapshot_every, settings.snapshot_interval_s
        return bool(every and behind >= every) or bool(interval_s and time.monotonic() - self._taken_s >= interval_s)

    def _write(self, snapshot: SnapshotFile) -> None:
        self.newest = snapshot.sequence
        try:
            path = write(self.journal.directory, snapshot)
            keep_two(self.journal.directory, keep_segments=self._settings.keep_segments)
        except OSError as error:
            self._events.error("snapshot failed", sequence=snapshot.sequence, error=str(error))
        else:
            self._events.info("snapshot", sequence=snapshot.sequence, file=path.name)

    # ------------------------------------------------------------------ for subscribers

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._books:
            yield

    def snapshot(self) -> Snapshot:
        """All books after the last report of the feed, with its number and the feed's checksum. O(orders)."""
        with self._exclusive():
            store, engine = self.machine.store, self.machine.engine
            number = self.machine.next_sequence
            checksum = store.checksum_before(number)
            assert checksum is not None
            orders, digest = public_orders(engine.dump().resting), engine.digest(references=True)
            return Snapshot(number - 1, instruments_of(engine), orders, digest, checksum)

    def instruments(self) -> Snapshot:
        """The instruments with their phases, without orders, digest and checksum. O(instruments)."""
        with self._exclusive():
            known = instruments_of(self.machine.engine)
            return Snapshot(self.machine.next_sequence - 1, known, np.empty(0, SNAPSHOT_ORDER), 0, 0)
