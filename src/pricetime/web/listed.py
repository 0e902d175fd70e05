"""One instrument as pages show it: its book, its newest trades, and its last minutes second by second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.instrument import Instrument
from ..prices import decimals
from ..types import DEPTH, Phase, Side

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

#: A point: ms since 1970 at which its second begins; best bid and ask, in ticks; lots of the shown bids and asks; lots
#: that takers bought and sold in this second.
Point = list[Any]


def exact(number: int) -> int | str:
    """An integer as JavaScript can take it without rounding."""
    return number if -MOST_EXACT <= number <= MOST_EXACT else str(number)


@dataclass
class Listed:
    """An instrument, and what is kept of it."""

    instrument: Instrument
    phase: Phase = Phase.CONTINUOUS
    bids: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, DEPTH))
    asks: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, DEPTH))
    tape: deque[list[Any]] = field(default_factory=lambda: deque(maxlen=TRADES))  #: the newest trade first
    points: deque[Point] = field(default_factory=lambda: deque(maxlen=HISTORY_S))  #: the oldest point first
    _bought: int = 0  # lots that takers bought since the last point was updated
    _sold: int = 0

    @property
    def description(self) -> dict[str, Any]:
        """What does not change. One tick is worth ``unit`` / 10 ** ``decimals``."""
        one = self.instrument
        digits = decimals(one.price_unit)
        return {
            "id": one.id,
            "symbol": one.symbol or f"#{one.id}",
            "tick_size": exact(one.tick_size),
            "lot_size": exact(one.lot_size),
            "unit": exact(int(one.price_unit.scaleb(digits))),
            "decimals": digits,
        }

    @property
    def row(self) -> dict[str, Any]:
        """The row in the list of instruments."""
        return {
            "id": self.instrument.id,
            "phase": self.phase.name.lower(),
            "bid": _best(self.bids),
            "ask": _best(self.asks),
            "last": self.tape[0][1] if self.tape else None,
            "side": self.tape[0][3] if self.tape else None,
        }

    @property
    def book(self) -> dict[str, Any]:
        """Levels, trades, and the newest points of the history."""
        return {
            "instrument": self.instrument.id,
            "bids": _levels(self.bids),
            "asks": _levels(self.asks),
            "tape": list(self.tape),
            "points": list(self.points)[-NEWEST_POINTS:],
        }

    def trade(self, trades: NDArray[np.void], at_ms: int | None) -> None:
        """Add trades of this instrument, the oldest first. ``at_ms``: when they were seen, None if that is unknown."""
        for seq_num, price, quantity, side in trades[-TRADES:][SHOWN].tolist():
            self.tape.appendleft([exact(seq_num), exact(price), exact(quantity), SIDES[side], at_ms])
        if at_ms is not None:
            bought = trades["side"] == Side.BID
            self._bought += sum(trades["quantity"][bought].tolist())
            self._sold += sum(trades["quantity"][~bought].tolist())

    def note(self, at_ms: int) -> None:
        """Bring the point of the current second up to date, or begin it."""
        second_ms = at_ms - at_ms % 1000
        same = bool(self.points) and self.points[-1][0] == second_ms
        bought, sold = self.points[-1][5:] if same else (0, 0)
        point = [
            second_ms, _best(self.bids), _best(self.asks), _lots(self.bids), _lots(self.asks),
            exact(int(bought) + self._bought), exact(int(sold) + self._sold),
        ]  # fmt: skip
        self._bought = self._sold = 0
        if same:
            self.points[-1] = point
        else:
            self.points.append(point)


def _best(levels: NDArray[np.void]) -> int | str | None:
    return exact(int(levels["price"][0])) if len(levels) else None


def _lots(levels: NDArray[np.void]) -> int | str:
    return exact(sum(levels["quantity"].tolist()))


def _levels(levels: NDArray[np.void]) -> list[tuple[int | str, int | str, int]]:
    return [(exact(price), exact(quantity), count) for price, quantity, count in levels.tolist()]
