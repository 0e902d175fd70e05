"""What a page shows of the exchange: looked at once for all pages, ten times a second, and only while there is one.

The books come from the replica and the trades from the feed, as any subscriber would have them: the threads that carry
orders notice nothing. What is read and kept is bounded, however busy the exchange is.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.instrument import Instrument
from ...measure.histogram import Histogram
from ...types import REPORT, InstrumentState, ReportKind, Side
from .latency import percentiles

#: Levels of each side in a frame, trades on the tape, instruments in the list.
LEVELS, TRADES, MOST_INSTRUMENTS = 16, 32, 100

#: Newest reports that are searched for trades at a time. Of a market that is quicker nobody could read the tape.
MOST_READ = 2048

#: Counts and percentiles are looked at in every tenth frame.
COUNTS_EVERY = 10

#: A point of the charts in every second frame, for two minutes.
POINT_EVERY, POINTS = 2, 600

#: What JavaScript holds exactly. Larger numbers go as text.
MOST_EXACT = 2**53 - 1

#: Of a trade on the tape, and how its side is called.
SHOWN, SIDES = ["seq_num", "price", "quantity", "side"], {int(side): side.name.lower() for side in Side}

Depths = Mapping[int, tuple[InstrumentState, NDArray[np.void], NDArray[np.void]]]
Level = tuple[int | str, int | str, int]


class Replica(Protocol):
    """The books as the feed tells them."""

    def depths(self, instruments: Sequence[int], levels: int) -> Depths | None:
        """The best levels of each book; None when that cannot be told in this moment."""


class Store(Protocol):
    """The newest reports of the feed."""

    @property
    def oldest(self) -> int: ...
    @property
    def next_sequence(self) -> int: ...
    def copy(self, first: int, count: int) -> bytes | None: ...


class Exchange(Protocol):
    """What is looked at."""

    @property
    def replica(self) -> Any: ...
    @property
    def store(self) -> Any: ...
    def stats(self) -> Mapping[str, int | float]: ...
    def latencies(self) -> Mapping[str, Mapping[str, Histogram]]: ...


def exact(number: int) -> int | str:
    """A number as JavaScript can take it."""
    return number if -MOST_EXACT <= number <= MOST_EXACT else str(number)


def compact(value: object) -> str:
    """As JSON, without spaces."""
    return json.dumps(value, separators=(",", ":"))


class Frame:
    """What all pages show at one moment, each of one instrument. Encoded once, and for each instrument once."""

    def __init__(self, common: dict[str, Any], books: Mapping[int, dict[str, Any]]) -> None:
        self.common, self.books = common, books
        self._common: str | None = None
        self._encoded: dict[int, str] = {}

    def text(self, instrument: int, more: str = "") -> str:
        """The message to a page. ``more``: what else goes into it, encoded."""
        if self._common is None:
            self._common = compact({"type": "frame", **self.common})[:-1]
        if instrument not in self._encoded:
            self._encoded[instrument] = compact(self.books[instrument])
        return f'{self._common},"book":{self._encoded[instrument]}{more}}}'


@dataclass
class Listed:
    """What is remembered of an instrument while pages are there."""

    instrument: Instrument
    state: InstrumentState = InstrumentState.OPEN
    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)
    tape: deque[list[Any]] = field(default_factory=lambda: deque(maxlen=TRADES))  #: the newest first
    points: deque[list[Any]] = field(default_factory=lambda: deque(maxlen=POINTS))

    @property
    def row(self) -> dict[str, Any]:
        """In the list of instruments."""
        return {
            "id": self.instrument.id,
            "state": self.state.name.lower(),
            "bid": self.bids[0][0] if self.bids else None,
            "ask": self.asks[0][0] if self.asks else None,
            "last": self.tape[0][1] if self.tape else None,
            "side": self.tape[0][3] if self.tape else None,
        }

    @property
    def book(self) -> dict[str, Any]:
        """Ladder and tape."""
        return {"instrument": self.instrument.id, "bids": self.bids, "asks": self.asks, "tape": list(self.tape)}


class Market:
    """The exchange as pages show it. ``instruments``: those that are traded."""

    def __init__(self, exchange: Exchange, instruments: Iterable[Instrument]) -> None:
        self._exchange = exchange
        known = sorted(instruments, key=lambda instrument: instrument.id)
        self.listed = {instrument.id: Listed(instrument) for instrument in known[:MOST_INSTRUMENTS]}
        self.unlisted = len(known) - len(self.listed)
        self.rest()

    def rest(self) -> None:
        """Nobody looks any more: what was remembered would have a gap when somebody does again."""
        self._frames = 0
        self._next = 0  # number of the next report to be read; 0: as far back as is read at a time
        self._counted: tuple[float, Mapping[str, int | float]] | None = None
        self._counts: dict[str, Any] = {}
        for listed in self.listed.values():
            listed.tape.clear()
            listed.points.clear()

    def hello(self) -> dict[str, Any]:
        """What does not change."""
        return {
            "instruments": [
                {
                    "id": one.instrument.id,
                    "symbol": one.instrument.symbol or f"#{one.instrument.id}",
                    "tick_size": exact(one.instrument.tick_size),
                    "lot_size": exact(one.instrument.lot_size),
                }
                for one in self.listed.values()
            ],
            "unlisted": self.unlisted,
            "levels": LEVELS,
        }

    def history(self, instrument: int) -> dict[str, Any]:
        """The points of the charts so far."""
        return {"type": "history", "instrument": instrument, "points": list(self.listed[instrument].points)}

    def frame(self, looked_at: Iterable[int]) -> Frame:
        """Look once: what all pages show, with the books of the instruments that some page shows."""
        at_ms = time.time_ns() // 1_000_000
        self._look_at_books(at_ms)
        skipped = self._read_trades(at_ms)
        if self._frames % COUNTS_EVERY == 0:
            self._count()
        self._frames += 1
        common = {
            "at": at_ms,
            "sequence": exact(int(self._exchange.store.next_sequence) - 1),
            "skipped": skipped,
            "instruments": [listed.row for listed in self.listed.values()],
            **self._counts,
        }
        return Frame(common, {number: self.listed[number].book for number in looked_at})

    def _look_at_books(self, at_ms: int) -> None:
        depths: Depths | None = self._exchange.replica.depths(list(self.listed), LEVELS)
        if depths is None:  # the books of the last frame stand for this one
            return
        for number, (state, bids, asks) in depths.items():
            listed = self.listed[number]
            listed.state, listed.bids, listed.asks = state, _levels(bids), _levels(asks)
            if self._frames % POINT_EVERY == 0:
                listed.points.append([
                    at_ms,
                    listed.bids[0][0] if listed.bids else None,
                    listed.asks[0][0] if listed.asks else None,
                    exact(sum(bids["quantity"].tolist())),
                    exact(sum(asks["quantity"].tolist())),
                ])  # fmt: skip

    def _read_trades(self, at_ms: int) -> int:
        """Bring the tapes up to date: how many reports were left out, because there were too many."""
        store = self._exchange.store
        newest = int(store.next_sequence)
        begin = self._next or max(int(store.oldest), newest - MOST_READ)
        first = max(begin, newest - MOST_READ, int(store.oldest))
        copied = store.copy(first, newest - first)
        told_ms = at_ms if self._next else None  # nobody saw when those before the first frame were made
        self._next = newest
        if copied is None:
            return newest - begin
        reports = np.frombuffer(copied, REPORT)
        trades = reports[reports["kind"] == ReportKind.TRADE]
        for number in np.unique(trades["instrument"]).tolist():
            listed = self.listed.get(number)
            if listed is not None:  # of a busy market most trades of a tenth of a second are off the tape at once
                newest_trades = trades[trades["instrument"] == number][-TRADES:]
                for seq_num, price, quantity, side in newest_trades[SHOWN].tolist():
                    row = [exact(seq_num), exact(price), exact(quantity), SIDES[side], told_ms]
                    listed.tape.appendleft(row)
        return first - begin

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


def _levels(depth: NDArray[np.void]) -> list[Level]:
    return [(exact(price), exact(quantity), count) for price, quantity, count in depth.tolist()]
