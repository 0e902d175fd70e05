"""How far a feed can be trusted, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple


class FeedState(Enum):
    """How far the books of a subscriber can be trusted."""

    WAITING = auto()  #: there are no books yet: a snapshot is awaited
    GAP = auto()  #: reports are missing: the books are out of date
    UNVERIFIED = auto()  #: a heartbeat contradicts the books: the recovery server is asked
    SILENT = auto()  #: no heartbeat yet, or none for a while: later reports may be missing
    WHOLE = auto()  #: all known reports are in the books, and heartbeats come


class EventKind(Enum):
    """What happened to a feed besides reports."""

    GAP = auto()  #: reports from ``seq_num`` on are missing, ``reports`` of them as far as known
    WHOLE = auto()  #: nothing is missing any more; ``seq_num`` is the last report
    SNAPSHOT = auto()  #: a snapshot as of ``seq_num`` replaced the books
    EPOCH = auto()  #: a new feed began
    TERM = auto()  #: the feed goes on in a new term: the exchange was started again, or a different node leads
    MISMATCH = auto()  #: the report ``seq_num`` did not fit the books
    UNVERIFIED = auto()  #: a heartbeat contradicts the books, which go up to the report ``seq_num``
    DIVERGED = auto()  #: the reports up to ``seq_num`` were not the exchange's: a snapshot will replace the books
    SILENT = auto()  #: no heartbeat for a while; the last report is ``seq_num``
    HEARD = auto()  #: heartbeats come again


class FeedEvent(NamedTuple):
    """An event of a feed. ``EventKind`` says what the numbers mean; a number without a meaning is 0."""

    kind: EventKind  #: what happened
    seq_num: int = 0  #: of a report
    reports: int = 0  #: how many


@dataclass
class FeedStatistics:
    """Counts since the feed was joined."""

    datagrams: int = 0  #: received datagrams of all kinds
    reports: int = 0  #: reports returned, each once
    heartbeats: int = 0  #: received heartbeats
    malformed: int = 0  #: datagrams that are neither reports nor a heartbeat
    duplicates: int = 0  #: reports received before
    reordered: int = 0  #: datagrams that came late and filled a gap
    gaps: int = 0  #: times that reports were missing
    filled: int = 0  #: reports that the exchange sent again
    dropped: int = 0  #: early reports dropped for lack of memory
    snapshots: int = 0  #: snapshots that replaced the books
    epochs: int = 0  #: times that a new feed began
    terms: int = 0  #: times that the feed went on in a new term
    outdated: int = 0  #: heartbeats and answers of a term that is over
    mismatches: int = 0  #: reports that did not fit the books
    unverified: int = 0  #: heartbeats that contradicted the books
    diverged: int = 0  #: times that the recovery server contradicted the books too
    foreign: int = 0  #: heartbeats of an epoch that the recovery server had denied
    silences: int = 0  #: times that no heartbeat came for a while
