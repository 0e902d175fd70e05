"""What the control side and the live page see of an exchange. Each part of them takes the smallest of these views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.snapshot import Snapshot
from ...native.histogram import Histogram
from ...types import Phase
from ...wire.types import AcknowledgementLevel

if TYPE_CHECKING:
    from ..standby.depth import BookDepth
    from ..standby.journal import Journal


class Store(Protocol):
    """The newest reports of the feed. The gateway writes them, the recovery server reads them."""

    @property
    def oldest(self) -> int:
        """Sequence number of the oldest stored report."""

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next report of the feed."""

    @property
    def epoch(self) -> int:
        """Start of the feed, ns since 1970."""

    def checksum_before(self, number: int) -> int | None:
        """Checksum of all reports before ``number``, which may be the next one; None if it is not known."""

    def copy(self, first: int, count: int) -> bytes | None:
        """``count`` reports of 48 bytes from ``first`` on; None if the store does not hold all of them."""


class Depths(Protocol):
    """The books as pages read them."""

    def depths(
        self, instruments: Sequence[int], levels: int
    ) -> Mapping[int, tuple[Phase, NDArray[np.void], NDArray[np.void]]] | None:
        """The best levels of each book, as (phase, bids, asks); None if the copy is busy at this moment."""


class Books(Protocol):
    """The books as subscribers get them."""

    def snapshot(self) -> Snapshot:
        """All books at one moment. May block; called in a separate thread, one call at a time."""

    def instruments(self) -> Snapshot:
        """The instruments without orders, digest and checksum 0. Called in a separate thread; takes microseconds."""


class Copy(Books, Depths, Protocol):
    """A second copy of the books, which follows the exchange."""


class Counted(Protocol):
    """The counters of an exchange. No call takes a lock that could delay the thread that carries orders."""

    def stats(self) -> Mapping[str, int | float]:
        """Counters since the start, by name."""

    def latencies(self) -> Mapping[str, Mapping[str, Histogram]]:
        """Histograms recorded so far: {interval: {kind of command: Histogram}}, in ns."""


class Watched(Counted, Protocol):
    """What the live page reads."""

    @property
    def store(self) -> Store:
        """The newest reports of the feed."""

    @property
    def follower(self) -> Depths:
        """The second copy of the books, which follows the log."""


class Measured(Counted, Protocol):
    """What the metrics read, in a thread of their own."""

    def report_counts(self) -> Mapping[tuple[int, int], int]:
        """Number of reports since the start, by (ReportKind, Reason)."""

    def depth(self, instrument: int) -> BookDepth:
        """Totals of a book, read from the follower. Do not call it in the event loop: it waits for the follower."""


class Exchange(Measured, Protocol):
    """The exchange as the control side sees it. Its threads run before ``Control`` starts.

    ``wait_drained``, ``depth`` and ``open_orders`` may block. All other methods return at once.
    """

    @property
    def store(self) -> Store:
        """The newest reports of the feed."""

    @property
    def follower(self) -> Copy:
        """The second copy of the books, which follows the log."""

    @property
    def term(self) -> int:
        """Term of the log: it grows with every start as its writer."""

    @property
    def failure(self) -> str | None:
        """Why the exchange has failed; None if it has not."""

    @property
    def journal_failure(self) -> str | None:
        """Why the journal has failed; None if it has not, or without a journal."""

    @property
    def level(self) -> AcknowledgementLevel:
        """The acknowledgement level: what a command survives once its report is sent."""

    @property
    def phases(self) -> Mapping[int, Phase]:
        """The phases of the instruments at the start, by instrument."""

    def admit(self, fd: int, owner: int, flags: int, next_sequence: int) -> bool:
        """See ``login.Admit``."""

    def set_phase(self, instrument: int, phase: Phase) -> bool:
        """Send the command that changes the phase of an instrument. False if there is no room for it now."""

    def begin_stop(self) -> None:
        """Accept no more orders, and log out every client after its last report."""

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait until every report is sent, and end the threads. False if the reports were not sent in time.

        Called once, after ``begin_stop``, in a separate thread.
        """

    def take_events(self) -> Iterable[tuple[int, int, int, int, int]]:
        """Session events since the last call: kind, owner, SessionReason, ns since 1970, next sequence number."""

    def digest(self) -> int:
        """Digest of all books as subscribers see them. Called once, after ``wait_drained`` returned True."""

    @property
    def journal(self) -> Journal | None:
        """The service that writes the journal; None without a journal."""

    def remove(self, owner: int, session_reason: int, cancel_reason: int) -> bool:
        """End an owner's session unless ``session_reason`` is 0; cancel its orders unless ``cancel_reason`` is 0.

        False if there is no room for the request.
        """

    def is_done(self, owner: int) -> bool:
        """True if all requests have been read and this owner has no pending mass cancel."""

    def progress(self) -> tuple[int, int]:
        """Sequence numbers of the last command received and of the last command answered."""

    def open_orders(self, owner: int) -> NDArray[np.void]:
        """An owner's open orders. Blocks; one call at a time. Raises RuntimeError."""

    def sessions(self) -> list[tuple[int, int, int, int]]:
        """For each session: owner, unsent bytes, ns since its last message, number of its next report."""

    def want_snapshot(self) -> bool:
        """Request a snapshot of the journal. False without a journal."""
