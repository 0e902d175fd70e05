"""The result of a replay: how the fills of the book compare with those of the tape, trade by trade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias

from ..auctions import AuctionPrice
from ..execution import Trade
from ..types import Side
from .market import Book
from .skipped import Skipped

#: The resting orders that a trade took, and the lots of each: (order id, quantity).
Fills: TypeAlias = tuple[tuple[int, int], ...]


class Verdict(Enum):
    """How the book's fills of one trade compare with the tape's."""

    EXACT = "same orders and quantities, in the same order"
    LISTED = "same orders and quantities, listed in a different order"
    INFERRED = "same orders and quantities, with the hidden lots of inferred icebergs"
    ICEBERG = "an iceberg gave more than it displayed"
    UNKNOWN = "the tape took an order that it never showed"
    PRICE = "the book trades at a different price"
    QUEUE = "the book takes other orders or quantities"
    CLOSED = "bids and asks cross: no continuous trading"

    @property
    def exact(self) -> bool:
        """Did the book take the same orders with the same quantities?"""
        return self is Verdict.EXACT or self is Verdict.LISTED or self is Verdict.INFERRED


class Unmatched(Enum):
    """Why a trade of the tape was applied to the book without matching."""

    AUCTION = "trades of an auction"
    NO_SIDE = "trades whose aggressing side is unknown: applied, not matched"


class TapeTrade(NamedTuple):
    """One trade of the tape: an aggressing order that trades at one price."""

    time_ns: int  #: on the time scale of the tape
    sequence: int  #: the exchange's number of the message, or the line of the file
    taker_id: int  #: 0 if the tape does not name it
    side: Side  #: of the aggressing order; without meaning for an ``Unmatched`` trade
    price: int  #: in units of the tape
    quantity: int  #: lots
    fills: Fills  #: the resting orders taken


class Auction(NamedTuple):
    """One auction of the tape, and the one that the replay computed from the orders that it had collected."""

    time_ns: int  #: on the time scale of the tape
    price: int  #: of the tape, in its units
    volume: int  #: lots that traded on the tape
    computed: AuctionPrice | None  #: None if there is no price, or if the tape does not name both sides of each trade
    bought: int  #: lots of buyers that the tape never showed; they took part as market orders
    sold: int  #: the same of sellers
    exact: bool  #: whether price, volume, and the lots of each order that the tape had shown are the same


class Difference(NamedTuple):
    """A trade in which the book and the tape differ."""

    trade: TapeTrade  #: of the tape
    fills: Fills  #: of the book
    verdict: Verdict  #: how the two fills compare


@dataclass
class Outcome:
    """The counts so far. Every trade that was sent to the book has one verdict."""

    records: int = 0  #: read from the tape
    elapsed_s: float = 0.0  #: reading, matching and comparing
    verdicts: Counter[Verdict] = field(default_factory=Counter)  #: how many trades have each verdict
    differences: list[Difference] = field(default_factory=list)  #: every trade that is not exact, in order
    auctions: list[Auction] = field(default_factory=list)  #: those of the tape, in order
    facts: Counter[str] = field(default_factory=Counter)  #: other counts, by a description
    skipped: Skipped = field(default_factory=Skipped)  #: unusable lines and records

    @property
    def trades(self) -> int:
        """Trades that were sent to the book. O(1)."""
        return self.verdicts.total()

    @property
    def exact(self) -> int:
        """Trades in which the book took the same orders and quantities, in any order. O(1)."""
        return sum(count for verdict, count in self.verdicts.items() if verdict.exact)

    @property
    def differing(self) -> int:
        """Trades that are not exact. O(1)."""
        return self.trades - self.exact

    def add(self, trade: TapeTrade, taken: Sequence[Trade], verdict: Verdict) -> None:
        """Count a trade of the tape and what the book took for it. O(fills)."""
        self.verdicts[verdict] += 1
        if verdict is not Verdict.EXACT:
            self.differences.append(Difference(trade, fills_of(taken), verdict))


def fills_of(trades: Sequence[Trade]) -> Fills:
    """The fills of some trades, in order. O(trades)."""
    return tuple([(trade.maker_id, trade.quantity) for trade in trades])


def judge(trade: TapeTrade, taken: Sequence[Trade], book: Book) -> Verdict:
    """Compare what the book took with what the tape says. Call it before the book changes again. O(fills)."""
    if any(ours.price != trade.price for ours in taken):
        return Verdict.PRICE
    if (fills := fills_of(taken)) == trade.fills:
        return Verdict.EXACT
    ours, theirs = dict(fills), lots_by_order(trade.fills)
    if ours == theirs:
        return Verdict.LISTED
    more = {order_id: quantity - ours.get(order_id, 0) for order_id, quantity in theirs.items()}
    if any(order_id not in ours and order_id not in book for order_id in theirs):
        return Verdict.UNKNOWN
    # The verdict is ICEBERG only if hidden lots explain the whole difference: the book took every displayed lot at this
    # price, and the further lots of the tape came from orders that the book took whole.
    if ours.keys() <= theirs.keys() and all(n == 0 or (n > 0 and i not in book) for i, n in more.items()):
        return Verdict.ICEBERG
    return Verdict.QUEUE


def lots_by_order(fills: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The lots of each order in some fills. O(fills)."""
    total: Counter[int] = Counter()
    for order_id, quantity in fills:
        total[order_id] += quantity
    return dict(total)
