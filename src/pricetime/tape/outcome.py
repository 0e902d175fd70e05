"""What a replay found: how each trade of the tape compares with what the book did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias

from ..execution import Trade
from ..types import Side
from .market import Book
from .skipped import Skipped

#: Resting orders taken by one trade and the lots taken of each: (order id, quantity).
Fills: TypeAlias = tuple[tuple[int, int], ...]


class Verdict(Enum):
    """How the book's fills of one trade compare with the tape's."""

    EXACT = "same orders and quantities, in the same order"
    LISTED = "same orders and quantities, listed in another order"
    ICEBERG = "an iceberg gave more than it displayed"
    UNKNOWN = "the tape took an order that it never showed"
    PRICE = "the book trades at another price"
    QUEUE = "the book takes other orders or quantities"
    CLOSED = "bids and asks cross: no continuous trading"

    @property
    def exact(self) -> bool:
        """Did the book take the same orders, and of each the same quantity?"""
        return self is Verdict.EXACT or self is Verdict.LISTED


class Unmatched(Enum):
    """Why a trade of the tape was applied to the book and not matched."""

    AUCTION = "trades of an auction: applied, not matched"
    NO_SIDE = "trades whose aggressing side is unknown: applied, not matched"


class TapeTrade(NamedTuple):
    """One trade as the tape tells it: an aggressing order that trades at one price."""

    time_ns: int  #: as the tape counts
    sequence: int  #: the exchange's number of the message, or the line of the file
    taker_id: int  #: 0 where the tape does not say
    side: Side  #: of the aggressing order; of an ``Unmatched`` trade, which has none, without meaning
    price: int  #: in units of the tape
    quantity: int  #: lots
    fills: Fills  #: the resting orders taken


class Difference(NamedTuple):
    """A trade in which the book did not do what the tape says."""

    trade: TapeTrade  #: as the tape tells it
    fills: Fills  #: what the book did
    verdict: Verdict  #: how the two compare


@dataclass
class Outcome:
    """The count so far. Every trade that was sent to the book has one verdict."""

    records: int = 0  #: read from the tape
    elapsed_s: float = 0.0  #: reading, matching and comparing
    verdicts: Counter[Verdict] = field(default_factory=Counter)  #: how many trades had each
    differences: list[Difference] = field(default_factory=list)  #: every trade that is not exact, in order
    facts: Counter[str] = field(default_factory=Counter)  #: what else there was, by a name that explains itself
    skipped: Skipped = field(default_factory=Skipped)  #: lines and records that could not be used

    @property
    def trades(self) -> int:
        """Trades that were sent to the book. O(1)."""
        return self.verdicts.total()

    @property
    def exact(self) -> int:
        """Trades in which the book took the same orders and quantities, however the tape lists them. O(1)."""
        return sum(count for verdict, count in self.verdicts.items() if verdict.exact)

    @property
    def differing(self) -> int:
        """The other trades. O(1)."""
        return self.trades - self.exact

    def add(self, trade: TapeTrade, taken: Sequence[Trade], verdict: Verdict) -> None:
        """Count a trade of the tape with what the book took for it. O(fills)."""
        self.verdicts[verdict] += 1
        if verdict is not Verdict.EXACT:
            self.differences.append(Difference(trade, fills_of(taken), verdict))


def fills_of(trades: Sequence[Trade]) -> Fills:
    """What trades took of each resting order, in their order. O(trades)."""
    return tuple([(trade.maker_id, trade.quantity) for trade in trades])


def judge(trade: TapeTrade, taken: Sequence[Trade], book: Book) -> Verdict:
    """Compare what the book has just done with what the tape says. O(fills)."""
    if any(ours.price != trade.price for ours in taken):
        return Verdict.PRICE
    if (fills := fills_of(taken)) == trade.fills:
        return Verdict.EXACT
    ours, theirs = dict(fills), _by_order(trade.fills)
    if ours == theirs:
        return Verdict.LISTED
    more = {order_id: quantity - ours.get(order_id, 0) for order_id, quantity in theirs.items()}
    if any(order_id not in ours and order_id not in book for order_id in theirs):
        return Verdict.UNKNOWN
    # An iceberg explains a difference only where it explains all of it: the book took whatever was displayed at
    # this price, and what the tape took beyond that came from orders which the book had taken whole.
    if ours.keys() <= theirs.keys() and all(n == 0 or (n > 0 and i not in book) for i, n in more.items()):
        return Verdict.ICEBERG
    return Verdict.QUEUE


def _by_order(fills: Fills) -> dict[int, int]:
    total: Counter[int] = Counter()
    for order_id, quantity in fills:
        total[order_id] += quantity
    return dict(total)
