"""One instrument as pages show it: its book, its phase, its newest trades, and its last minutes second by second."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.instrument import Instrument
from ..phases import PHASES
from ..prices import decimals
from ..types import DEPTH, OrderType, Phase, Reason, ReportKind, Side, TimeInForce

#: Levels of each side in a frame, and trades on the tape.
LEVELS, TRADES = 40, 60

#: Seconds of history; each has one point.
HISTORY_S = 300

#: The newest points of the history that are in each frame: the second that has ended last, and the one that goes on.
NEWEST_POINTS = 2

#: The largest integer that JavaScript holds exactly. Larger ones are sent as text.
MOST_EXACT = 2**53 - 1

#: Fields of a trade on the tape, and the names of its sides.
SHOWN, SIDES = ["seq_num", "price", "quantity", "side"], {int(side): side.name.lower() for side in Side}

#: In place of a side: the trades of an auction have no taker.
AUCTION = "auction"

#: A point: ms since 1970 at which its second begins; best bid and ask, in ticks; lots of the shown bids and asks; lots
#: that takers bought and sold, and that auctions traded, in this second. While orders are collected, the book is
#: crossed, and the indicative price stands in place of bid and ask.
Point = list[Any]

#: Kinds of reports that a page shows. Of an auction it shows the price and the volume, not each trade.
KINDS = (
    ReportKind.TRADE,
    ReportKind.INDICATIVE,
    ReportKind.UNCROSSED,
    ReportKind.AUCTION_TRADE,
    ReportKind.PHASE_CHANGED,
)


def exact(number: int) -> int | str:
    """An integer as JavaScript can take it without rounding."""
    return number if -MOST_EXACT <= number <= MOST_EXACT else str(number)


def names(members: Iterable[OrderType | TimeInForce]) -> list[str]:
    """Names of order types and times in force, as the order form has them."""
    return [member.name.lower().replace("_", "-") for member in members]


@dataclass(frozen=True)
class Auction:
    """Where an auction would trade, or has traded."""

    price: int | None  #: ticks; None: no two orders can trade
    quantity: int | None  #: lots that trade; None if that is unknown
    surplus: int | None  #: lots that one side has more at this price
    side: int  #: of the surplus; 0 for none
    at_ms: int | None  #: when it was seen
    phase: Phase  #: in which orders were collected

    @property
    def shown(self) -> dict[str, Any]:
        """The auction as a page shows it."""
        numbers = {"price": self.price, "quantity": self.quantity, "surplus": self.surplus}
        shown = {name: None if number is None else exact(number) for name, number in numbers.items()}
        return {**shown, "side": SIDES.get(self.side), "at": self.at_ms, "phase": self.phase.name.lower()}


@dataclass
class Listed:
    """An instrument, and what is kept of it."""

    instrument: Instrument
    phase: Phase = Phase.CONTINUOUS
    indicative: Auction | None = None  #: where the auction would trade now
    auction: Auction | None = None  #: where the last auction traded
    interrupted_ms: int | None = None  #: when a trade outside a price range has begun the current phase
    bids: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, DEPTH))
    asks: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, DEPTH))
    tape: deque[list[Any]] = field(default_factory=lambda: deque(maxlen=TRADES))  #: the newest trade first
    points: deque[Point] = field(default_factory=lambda: deque(maxlen=HISTORY_S))  #: the oldest point first
    _bought: int = 0  # lots that takers bought since the last point was updated
    _sold: int = 0
    _auctioned: int = 0
    _collected: Phase = Phase.PRE_OPEN  # the last phase in which orders were collected

    @property
    def description(self) -> dict[str, Any]:
        """What does not change. One tick is worth ``unit`` / 10 ** ``decimals``."""
        one, venue = self.instrument, self.instrument.venue
        digits = decimals(one.price_unit)
        rejected: list[OrderType | TimeInForce] = [kind for kind in OrderType if kind not in venue.order_types]
        rejected += [time for time in TimeInForce if time not in venue.times_in_force]
        return {
            "id": one.id,
            "symbol": one.symbol or f"#{one.id}",
            "tick_size": exact(one.tick_size),
            "lot_size": exact(one.lot_size),
            "unit": exact(int(one.price_unit.scaleb(digits))),
            "decimals": digits,
            "rejects": names(rejected) + ([] if venue.all_or_none else ["all-or-none"]),
        }

    @property
    def row(self) -> dict[str, Any]:
        """The row in the list of instruments."""
        return {
            "id": self.instrument.id,
            "phase": self.phase.name.lower(),
            "indicative": self.collecting.shown["price"] if self.collecting else None,
            "bid": _best(self.bids),
            "ask": _best(self.asks),
            "last": self.tape[0][1] if self.tape else None,
            "side": self.tape[0][3] if self.tape else None,
        }

    @property
    def collecting(self) -> Auction | None:
        """Where the auction would trade; None while no orders are collected, and before that is known."""
        return self.indicative if PHASES[self.phase].collects else None

    @property
    def book(self) -> dict[str, Any]:
        """Phase, levels, trades, and the newest points of the history."""
        return {
            "instrument": self.instrument.id,
            "phase": self.phase.name.lower(),
            "collects": PHASES[self.phase].collects,
            "interrupted": self.interrupted_ms if self.phase is Phase.VOLATILITY_AUCTION else None,
            "indicative": self.collecting.shown if self.collecting else None,
            "auction": self.auction.shown if self.auction else None,
            "bids": _levels(self.bids),
            "asks": _levels(self.asks),
            "tape": list(self.tape),
            "points": list(self.points)[-NEWEST_POINTS:],
        }

    def show(self, phase: Phase, bids: NDArray[np.void], asks: NDArray[np.void]) -> None:
        """Take the book of this moment. ``bids``, ``asks``: as of ``OrderBook.depth``."""
        self.phase, self.bids, self.asks = phase, bids, asks
        if PHASES[phase].collects:
            self._collected = phase

    def read(self, reports: NDArray[np.void], at_ms: int | None) -> None:
        """Take reports of this instrument, of ``KINDS``, in their order.

        ``at_ms``: when they were seen, None if that is unknown.
        """
        trades = reports["kind"] == ReportKind.TRADE
        self._trade(reports[trades], at_ms)
        in_auction = reports["kind"] == ReportKind.AUCTION_TRADE
        first = np.flatnonzero(in_auction)[:1]
        if len(first) and not (reports["kind"][: first[0]] == ReportKind.UNCROSSED).any():
            self._miss_uncross(reports[first[0]], at_ms)
        for report in reports[~(trades | in_auction)]:
            match report["kind"]:
                case ReportKind.INDICATIVE:
                    self.indicative = self._auction(report, at_ms)
                case ReportKind.UNCROSSED:
                    self._uncross(report, at_ms)
                case ReportKind.PHASE_CHANGED:
                    self._change_phase(int(report["quantity"]), int(report["reason"]), at_ms)

    def _trade(self, trades: NDArray[np.void], at_ms: int | None) -> None:
        """Add trades, the oldest first."""
        for seq_num, price, quantity, side in trades[-TRADES:][SHOWN].tolist():
            self.tape.appendleft([exact(seq_num), exact(price), exact(quantity), SIDES[side], at_ms])
        if at_ms is not None:
            bought = trades["side"] == Side.BID
            self._bought += sum(trades["quantity"][bought].tolist())
            self._sold += sum(trades["quantity"][~bought].tolist())

    def _auction(self, report: np.void, at_ms: int | None) -> Auction:
        if report["reason"] == Reason.NO_AUCTION_PRICE:
            return Auction(None, 0, 0, 0, at_ms, self._collected)
        price, quantity, surplus, side = (int(report[name]) for name in ("price", "quantity", "maker_id", "side"))
        return Auction(price, quantity, surplus, side, at_ms, self._collected)

    def _uncross(self, report: np.void, at_ms: int | None) -> None:
        """The auction traded: on the tape it is one trade."""
        self.indicative, self.auction = None, self._auction(report, at_ms)
        price, quantity = self.auction.price, self.auction.quantity
        if price is not None and quantity is not None:
            self.tape.appendleft([exact(int(report["seq_num"])), exact(price), exact(quantity), AUCTION, at_ms])
            self._auctioned += quantity if at_ms is not None else 0

    def _miss_uncross(self, trade: np.void, at_ms: int | None) -> None:
        """An auction had more trades than are read: its price is known, its volume is not."""
        self.indicative = None
        self.auction = Auction(int(trade["price"]), None, None, 0, at_ms, self._collected)
        self.tape.appendleft([exact(int(trade["seq_num"])), exact(int(trade["price"])), None, AUCTION, at_ms])

    def _change_phase(self, phase: int, reason: int, at_ms: int | None) -> None:
        if PHASES[phase].collects:
            self._collected = Phase(phase)
        else:
            self.indicative = None
        self.interrupted_ms = at_ms if reason == Reason.OUTSIDE_RANGE else None

    def note(self, at_ms: int) -> None:
        """Bring the point of the current second up to date, or begin it."""
        second_ms = at_ms - at_ms % 1000
        same = bool(self.points) and self.points[-1][0] == second_ms
        before = self.points[-1][5:] if same else (0, 0, 0)
        traded = (self._bought, self._sold, self._auctioned)
        point = [
            second_ms, *self._touch(), _lots(self.bids), _lots(self.asks),
            *(exact(int(lots) + more) for lots, more in zip(before, traded, strict=True)),
        ]  # fmt: skip
        self._bought = self._sold = self._auctioned = 0
        if same:
            self.points[-1] = point
        else:
            self.points.append(point)

    def _touch(self) -> tuple[int | str | None, int | str | None]:
        """Best bid and ask; while orders are collected the indicative price in place of both."""
        if PHASES[self.phase].collects:
            price = None if self.indicative is None or self.indicative.price is None else exact(self.indicative.price)
            return price, price
        return _best(self.bids), _best(self.asks)


def _best(levels: NDArray[np.void]) -> int | str | None:
    return exact(int(levels["price"][0])) if len(levels) else None


def _lots(levels: NDArray[np.void]) -> int | str:
    return exact(sum(levels["quantity"].tolist()))


def _levels(levels: NDArray[np.void]) -> list[tuple[int | str, int | str, int]]:
    return [(exact(price), exact(quantity), count) for price, quantity, count in levels.tolist()]
