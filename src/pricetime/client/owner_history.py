"""Explains an owner's orders from the reports of its sessions.

    history = OwnerHistory(owner=3)
    history.take(client.read())
    print(history.explain(7, book=subscriber.book(1)))

A client that logs in with ``resume_from=1`` receives the reports of earlier sessions again, as far back as the exchange
keeps them. The exchange tells an owner what happened to its orders, not how the market stood; ``explain`` takes that
from the book of a subscriber, if it is given one.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from ..core.book_view import BookView
from ..errors import UnknownOrder
from ..explanation import Explanation, why_ended
from ..log.history import ABOUT, TRADES, OrderHistory, Said
from ..prices import in_currency
from ..profiles import StopTrigger
from ..standing import OrderState, Place, Spot, Standing, Terms, lots_of
from ..types import Instruction, Reason, ReportArray, ReportKind, Side

#: Why an order that waits does not trade, as far as its owner's reports tell.
WAITS = "it waits for its trigger price, for its auction or to trade whole: it is not in the market yet"
RESTS = "it rests; give the book of a subscriber for its place and the other side"

#: Kinds of reports that say something about an order.
WATCHED = ABOUT | TRADES | {ReportKind.REPLACED}

_NAMES = ["seq_num", "instrument", "kind", "side", "reason", "order_id", "maker_id", "price", "quantity"]


class OwnerHistory:
    """The orders of one owner, by instrument and id. ``owner``: its number.

    Of orders with the same id the newest counts. It keeps about 100 bytes for each report of an order.
    """

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.sequence = 0  #: of the last report
        self._orders: dict[tuple[int, int], OrderHistory] = {}

    def take(self, reports: ReportArray) -> None:
        """Learn from reports of the owner's stream, the next ones. O(reports)."""
        for number, instrument, kind, side, reason, order_id, maker_id, price, quantity in reports[_NAMES].tolist():
            self.sequence = number
            own = order_id if kind == ReportKind.REPLACED else 0  # the report has the reference of the other order
            said = Said(number, 0, kind, side, reason, order_id, own, price, quantity)
            key = instrument, order_id
            history = self._orders.get(key)
            if kind == ReportKind.ACCEPTED or (kind == ReportKind.REJECTED and history is None):
                history = OrderHistory(order_id, self.owner, terms_of(said), None, maker_id)
                self._orders[key] = history
                history.begin(said)
            elif history is None:
                continue
            elif kind == ReportKind.REJECTED:
                history.rejected(said)
            elif history.is_open and kind in WATCHED:
                history.take(said)

    def explain(self, order_id: int, *, instrument: int = 1, book: BookView | None = None) -> Explanation:
        """Explain an order. ``book``: the book of its instrument at a subscriber, for its place and the other side.

        The events have the numbers of the reports in the owner's stream, and no times. Raises UnknownOrder if no report
        named the order. O(orders ahead, levels) with a book.
        """
        history = self._orders.get((instrument, order_id))
        if history is None:
            raise UnknownOrder(f"no report of owner {self.owner} names an order {order_id} on instrument {instrument}")
        standing = None if book is None else standing_in(book, history, instrument)
        unit = Decimal(1) if book is None else book.price_unit
        why = WAITS if history.state is OrderState.WAITING else RESTS
        if not history.is_open:
            why = why_ended(history.state, history.last, history.terms, None, partial(in_currency, unit=unit))
        elif standing is not None:
            why = standing.why(partial(in_currency, unit=unit))
        return Explanation(
            order_id=order_id, instrument=instrument, owner=self.owner, reference=history.reference, sequence=None,
            state=history.state, why=why, terms=history.terms, remaining=history.remaining, filled=history.filled,
            hidden=0 if standing is None else standing.hidden, accepted=history.accepted,
            place_now=None if standing is None else standing.place,
            distance=None if standing is None else standing.distance,
            events=tuple(history.events), price_unit=unit,
        )  # fmt: skip


def terms_of(said: Said) -> Terms:
    """What the first report of an order tells of its terms."""
    price = None if said.reason == Reason.AT_MARKET else said.price
    side = Side(said.side) if said.side in set(Side) else Side.BID
    return Terms(side, None, None, Instruction(0), price, said.quantity)


def standing_in(book: BookView, history: OrderHistory, instrument: int) -> Standing | None:
    """Where an order rests in a subscriber's book, which names orders by their references; None if it does not."""
    if history.state is not OrderState.RESTING or history.reference not in book:
        return None
    shown, ahead = book.order(history.reference), book.queue_position(history.reference)
    bids, asks = book.depth(None)
    buys = shown.side is Side.BID
    own, others = (bids, asks) if buys else (asks, bids)
    better = own["quantity"][own["price"] > shown.price if buys else own["price"] < shown.price]
    return Standing(
        history.order_id, instrument, history.owner, history.reference, 0,
        history.terms._replace(quantity=history.remaining), history.remaining - shown.quantity, history.filled,
        Spot.LEVEL, Place(ahead.orders, ahead.quantity, lots_of(better)), book.phase,
        int(others["price"][0]) if len(others) else None, None, StopTrigger.LAST_TRADE,
    )  # fmt: skip
