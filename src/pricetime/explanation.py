"""``Explanation``: what happened to one order, where it stands, and why it does not trade."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from .errors import ERROR_OF_REASON
from .prices import in_currency
from .standing import OrderState, Place, PriceText, Standing, Terms, counted, words
from .types import Instruction, Phase, Reason, ReportKind, Side

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


#: Why a report took the last lots of an order, or some of them.
ENDS: dict[int, str] = {
    Reason.NONE: "its owner cancelled it",
    Reason.IOC_REMAINDER: "the rest of it could not trade at once",
    Reason.FOK_UNFILLABLE: "it could not trade whole at once",
    Reason.MARKET_REMAINDER: "no more orders were there to trade with",
    Reason.SELF_TRADE: "it met an order of the same owner",
    Reason.BY_MASS_CANCEL: "its owner cancelled many orders at once",
    Reason.BY_DISCONNECT: "the session of its owner ended",
    Reason.BY_OPERATOR: "the operator of the exchange cancelled it",
    Reason.AUCTION_REMAINDER: "it was for this auction only",
    Reason.MINIMUM_UNFILLABLE: "fewer lots than its minimum quantity could trade",
    Reason.OUTSIDE_RANGE: "it would have traded outside a price range",
    Reason.EXPIRY_REACHED: "its expiry time was reached",
    Reason.DAY_ENDED: "the day ended",
    Reason.TRADED_MORE: "it had already traded the whole quantity that a replace gave it",
    Reason.LEVELS_FULL: "no price level was left for the rest of it",
    Reason.LEVEL_QUANTITY_FULL: "the quantities at its price would have added up to 2**64 or more",
    Reason.MALFORMED: "a field that must be 0 is not, or its extension is missing",
    Reason.BUSY: "the exchange could not acknowledge commands when it arrived",
    Reason.THROTTLED: "its owner sent more orders than the session may send",
    Reason.UNKNOWN_COMMAND: "the exchange does not know this command",
}

#: Of these reasons the other side of the book, when the order came, is a part.
FOR_LACK_OF_ORDERS = {
    Reason.IOC_REMAINDER,
    Reason.FOK_UNFILLABLE,
    Reason.MARKET_REMAINDER,
    Reason.MINIMUM_UNFILLABLE,
}


#: Kinds of reports that take lots without a trade.
LOST = {ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED}


class Event(NamedTuple):
    """One report about the order."""

    sequence: int  #: of the command that made it; in an owner's stream that of the report
    time_ns: int  #: of that command, since 1970; 0: unknown
    kind: ReportKind
    reason: Reason
    price: int  #: ticks
    quantity: int  #: lots


class Ahead(NamedTuple):
    """Trades of other orders of its side, at its price or a better one."""

    price: int  #: ticks
    trades: int
    quantity: int  #: lots


class Entry(NamedTuple):
    """The market when the order came."""

    phase: Phase
    opposite: int | None  #: the best price of the other side


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened to one order up to a moment, and why it does or did not trade. ``str`` gives the text.

    A book knows the present only. What it says has no ``events``, and None for ``accepted``, ``entry`` and
    ``place_then``; ``ahead`` is empty. A replay of a journal gives everything.
    """

    order_id: int  #: in its book: of an exchange ``owner << 48 | id of the client``
    instrument: int
    owner: int
    reference: int  #: its public number; 0: it has none, or it is unknown
    sequence: int | None  #: of the last command that is taken into account
    state: OrderState
    why: str  #: why it does not trade, or how it ended: one sentence
    terms: Terms  #: as they were entered, or as the last replace gave them; the book gives the open quantity
    remaining: int  #: lots that are open
    filled: int  #: lots that have traded
    hidden: int = 0  #: open lots that the market does not see
    accepted: Event | None = None  #: None: before the log begins, or never
    entry: Entry | None = None
    place_then: Place | None = None  #: when it was accepted; None: it did not rest, or is unknown
    place_now: Place | None = None  #: None: it is not open
    distance: int | None = None  #: ticks that the market must move until it trades or is triggered
    ahead: tuple[Ahead, ...] = ()  #: since it was accepted, while it rested; by price, the best first
    events: tuple[Event, ...] = ()  #: every report about it, in order
    price_unit: Decimal = Decimal(1)  #: the value of one tick in currency, for the text

    @property
    def trades(self) -> tuple[Event, ...]:
        """Its own trades, in order."""
        return tuple(event for event in self.events if event.kind in (ReportKind.TRADE, ReportKind.AUCTION_TRADE))

    def to_dict(self) -> dict[str, Any]:
        """The fields as dicts, lists, numbers and text, for JSON: enumerations by name, the price unit as text."""
        values = {name: plain(value) for name, value in asdict(self).items() if name not in ("ahead", "events")}
        for name in ("accepted", "entry", "place_then", "place_now", "terms"):
            part = getattr(self, name)
            values[name] = None if part is None else named(part)
        return values | {name: [named(part) for part in getattr(self, name)] for name in ("ahead", "events")}

    def __str__(self) -> str:
        price = partial(in_currency, unit=self.price_unit)
        reference = f", reference {self.reference}" if self.reference else ""
        lines = [
            f"order {order_text(self.order_id, self.owner)} on instrument {self.instrument}{reference}",
            f"  terms     {self.terms.text(price)}",
        ]
        if self.accepted is not None:
            lines.append(f"  accepted  {moment_text(self.accepted)}")
        if self.place_then is not None:
            lines.append(f"  then      {self.place_then.text()}")
        lines += [f"  {event_text(event, price)}" for event in self.events if event is not self.accepted]
        lines += [f"  ahead     {ahead_text(part, price)}" for part in self.ahead]
        done = f", {counted(self.filled, 'lot')} traded" if self.filled else ""
        after = "" if self.sequence is None else f" after command {self.sequence:,}"
        hidden = f", {self.hidden:,} of them hidden" if self.hidden and self.state is OrderState.RESTING else ""
        still = f" with {counted(self.remaining, 'lot')}{hidden}" if self.remaining else ""
        lines.append(f"  now       {words(self.state)}{still}{done}{after}")
        if self.place_now is not None:
            lines.append(f"  place     {self.place_now.text()}")
        return "\n".join([*lines, f"  why       {self.why}"])


def present(standing: Standing, price_unit: Decimal, sequence: int | None = None) -> Explanation:
    """What a book knows of an open order."""
    price = partial(in_currency, unit=price_unit)
    return Explanation(
        standing.order_id, standing.instrument, standing.owner, standing.reference, sequence,
        standing.state, standing.why(price), standing.terms, standing.terms.quantity, standing.filled, standing.hidden,
        place_now=standing.place, distance=standing.distance, price_unit=price_unit,
    )  # fmt: skip


def why_ended(state: OrderState, last: Event, terms: Terms, entry: Entry | None, price_text: PriceText) -> str:
    """How an order ended, or why it was rejected, as one sentence. ``last``: the report that said so."""
    if state is OrderState.FILLED:
        return f"it traded whole, the last {counted(last.quantity, 'lot')} at {price_text(last.price)}"
    if state is OrderState.REJECTED:
        return why_rejected(last.reason)
    if last.kind is ReportKind.REDUCED and last.reason is Reason.NONE:
        return "its owner took the last lots off it"
    text = ENDS.get(last.reason, words(last.reason))
    if last.reason not in FOR_LACK_OF_ORDERS or entry is None:
        return text
    other = words(Side(3 - terms.side))
    if entry.opposite is None:
        return f"{text}: no {other} rested when it arrived"
    away = 0
    if terms.price is not None:
        away = entry.opposite - terms.price if terms.side is Side.BID else terms.price - entry.opposite
    if away > 0:
        best = f"the best {other} was {price_text(entry.opposite)}, {counted(away, 'tick')} away"
        return f"{text}: when it arrived, {best}"
    return f"{text}: too few lots rested that it could trade with"


def why_rejected(reason: Reason) -> str:
    """What the reason of a rejection means."""
    error = ERROR_OF_REASON.get(reason)
    text = ENDS.get(reason, words(reason)) if error is None else " ".join(str(error.__doc__).split())
    return f"rejected with {reason.name}: {text[0].lower()}{text[1:].rstrip('.')}"


def order_text(order_id: int, owner: int) -> str:
    """An order id of a book: of an exchange the owner and the id of the client."""
    if owner and order_id >> 48 == owner:
        return f"{order_id & (1 << 48) - 1} of owner {owner}"
    return f"{order_id}"


def moment_text(event: Event) -> str:
    """When a report was made."""
    when = f" at {time_text(event.time_ns)}" if event.time_ns else ""
    return f"command {event.sequence:,}{when}"


def time_text(time_ns: int) -> str:
    """A time in UTC with microseconds."""
    return (EPOCH + timedelta(microseconds=time_ns // 1000)).strftime("%Y-%m-%d %H:%M:%S.%f")


def event_text(event: Event, price: PriceText) -> str:
    """A report about the order as a line."""
    reason = f" ({words(event.reason)})" if event.reason else ""
    what = words(event.kind)
    if event.kind is ReportKind.REJECTED:
        return f"{'rejected':<9} {moment_text(event)}: a command about it{reason}"
    at = (
        ""
        if event.kind in (ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED)
        else f" at {price(event.price)}"
    )
    return f"{what.replace('auction trade', 'auction'):<9} {moment_text(event)}: {event.quantity:,}{at}{reason}"


def ahead_text(part: Ahead, price: PriceText) -> str:
    """Trades ahead of the order as a line."""
    return f"{counted(part.quantity, 'lot')} at {price(part.price)} in {counted(part.trades, 'trade')}"


def named(part: Any) -> dict[str, Any]:
    """A named tuple as a dict of plain values."""
    return {name: plain(value) for name, value in part._asdict().items()}


def plain(value: Any) -> Any:
    """An enumeration member by its name, instructions by their names, a decimal as text, anything else unchanged."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Instruction):
        return [bit.name for bit in Instruction if bit & value]
    return getattr(value, "name", value)
