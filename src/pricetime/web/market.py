"""What the pages show of the exchange, sampled once for all pages.

The books come from the follower, trades and auctions from the feed's store, as any subscriber would see them, so the
threads that carry orders never wait for a page. While pages are open the market is sampled for each frame; without a
page it is sampled once a second, for the history. What is read and kept is bounded, however busy the exchange is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..core.instrument import Instrument
from ..exchange.exchange import Exchange
from ..native.histogram import Histogram
from ..types import REPORT
from ..wire.types import AcknowledgementLevel
from .listed import HISTORY_S, KINDS, LEVELS, Listed, exact

#: Instruments in the list.
MOST_INSTRUMENTS = 100

#: Newest reports that are searched for trades and auctions in a frame. In a faster market the others are counted, not
#: read.
MOST_READ = 2048

#: Newest reports that are read between two frames, so that trades have exact times. More are left to the next frame.
MOST_READ_BETWEEN = 128

#: Counts and latencies are read for every tenth frame.
COUNTS_EVERY = 10


#: The percentiles of latencies that a page shows, by name.
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}


def compact(value: object) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


class Frame:
    """What all pages show at one moment; each page shows one instrument. Each part is encoded once for all pages."""

    def __init__(self, common: dict[str, Any], books: Mapping[int, dict[str, Any]]) -> None:
        self.common, self.books = common, books
        self._common: str | None = None
        self._encoded: dict[int, str] = {}

    def text(self, instrument: int, more: str = "") -> str:
        """The message to a page. ``more``: further encoded fields, each with a comma in front."""
        if self._common is None:
            self._common = compact({"type": "frame", **self.common})[:-1]
        if instrument not in self._encoded:
            self._encoded[instrument] = compact(self.books[instrument])
        return f'{self._common},"book":{self._encoded[instrument]}{more}}}'


class Market:
    """The exchange as pages show it. ``instruments``: those that are traded."""

    def __init__(self, exchange: Exchange, instruments: Iterable[Instrument]) -> None:
        self._exchange = exchange
        known = sorted(instruments, key=lambda instrument: instrument.id)
        self.listed = {one.id: Listed(one, one.phase) for one in known[:MOST_INSTRUMENTS]}
        self.unlisted = len(known) - len(self.listed)
        self._frames = 0
        self._next = 0  # number of the next report to read; 0: none has been read
        self._skipped = 0  # reports since the last frame that were not read
        self._counted: tuple[float, Mapping[str, int | float]] | None = None
        self._counts: dict[str, Any] = {}

    def hello(self) -> dict[str, Any]:
        """What does not change."""
        return {
            "instruments": [one.description for one in self.listed.values()],
            "unlisted": self.unlisted,
            "levels": LEVELS,
            "history_s": HISTORY_S,
            "role": self._role(),
        }

    def _role(self) -> str:
        """Role, term and acknowledgement level of a node of a cluster; empty for a server without one."""
        level = self._exchange.level
        if level is not AcknowledgementLevel.REPLICATED:
            return ""
        return f"leader, term {self._exchange.term}, {level.name.lower()}"

    def history(self, instrument: int) -> dict[str, Any]:
        """The last minutes of an instrument, one point for each second."""
        return {"type": "history", "instrument": instrument, "points": list(self.listed[instrument].points)}

    def sample(self, most_read: int) -> int:
        """Read books and reports, and add them to the history: ms since 1970. ``most_read``: newest reports to read."""
        at_ms = time.time_ns() // 1_000_000
        self._read_books()
        self._read_reports(at_ms, most_read)
        for listed in self.listed.values():
            listed.note(at_ms)
        return at_ms

    def sample_alone(self, seconds: int) -> None:
        """Sample for the history while no page is open, after so many seconds."""
        self.sample(MOST_READ * COUNTS_EVERY * seconds)
        self._skipped = self._frames = 0
        self._counted = None  # rates start anew with the next page

    def frame(self, looked_at: Iterable[int]) -> Frame:
        """Sample for all pages. ``looked_at``: the instruments that at least one page shows."""
        at_ms = self.sample(MOST_READ)
        if self._frames % COUNTS_EVERY == 0:
            self._count()
        self._frames += 1
        skipped, self._skipped = self._skipped, 0
        common = {
            "at": at_ms,
            "sequence": exact(int(self._exchange.store.next_sequence) - 1),
            "skipped": skipped,
            "instruments": [listed.row for listed in self.listed.values()],
            **self._counts,
        }
        return Frame(common, {number: self.listed[number].book for number in looked_at})

    def read_new_reports(self) -> None:
        """Read the reports since the last call if they are few, so that the times of trades are exact."""
        if self._next and int(self._exchange.store.next_sequence) - self._next <= MOST_READ_BETWEEN:
            self._read_reports(time.time_ns() // 1_000_000, MOST_READ_BETWEEN)

    def _read_books(self) -> None:
        depths = self._exchange.follower.depths(list(self.listed), LEVELS)
        if depths is None:  # the books of the last sample stay
            return
        for number, (phase, bids, asks) in depths.items():
            self.listed[number].show(phase, bids, asks)

    def _read_reports(self, at_ms: int, most: int) -> None:
        """Take the newest reports about trades, auctions and phases. Those too many to read are counted as skipped."""
        store = self._exchange.store
        newest = int(store.next_sequence)
        begin = self._next or max(int(store.oldest), newest - most)
        first = max(begin, newest - most, int(store.oldest))
        copied = store.copy(first, newest - first) if newest > first else b""
        seen_ms = at_ms if self._next else None  # the time of trades before the first sample is unknown
        self._next = newest
        if copied is None:
            self._skipped += newest - begin
            return
        self._skipped += first - begin
        reports = np.frombuffer(copied, REPORT)
        shown = reports[np.isin(reports["kind"], KINDS)]
        for number in np.unique(shown["instrument"]).tolist():
            if number in self.listed:
                self.listed[number].read(shown[shown["instrument"] == number], seen_ms)

    def _count(self) -> None:
        stats, now = self._exchange.stats(), time.monotonic()
        rates = {"commands_per_s": 0.0, "reports_per_s": 0.0}
        if self._counted is not None:
            then, before = self._counted
            for name in ("commands", "reports"):
                rates[f"{name}_per_s"] = round((stats.get(name, 0) - before.get(name, 0)) / max(now - then, 1e-3), 1)
        self._counted = now, stats
        names = {"commands", "gateway_rejects", "reports", "slow_readers"}
        counts = {name: value for name, value in stats.items() if name in names}
        self._counts = {"rates": rates, "counts": counts, "latency": percentiles(self._exchange.latencies())}


def percentiles(latencies: Mapping[str, Mapping[str, Histogram]]) -> list[dict[str, Any]]:
    """The latencies in ns since the server started: a row for each interval and kind of command that was measured."""
    return [
        {"interval": interval, "kind": kind}
        | dict(zip(PERCENTILES, histogram.percentiles(tuple(PERCENTILES.values())), strict=True))
        for interval, kinds in latencies.items()
        for kind, histogram in kinds.items()
        if histogram.count
    ]
