"""The fields of an execution report, as the owner that receives it understands them."""

from __future__ import annotations

from ..types import Phase, PriceKind, Reason, ReportKind, Side

KINDS: dict[int, ReportKind] = {int(kind): kind for kind in ReportKind}
SIDES: dict[int, Side] = {int(side): side for side in Side}
REASONS: dict[int, Reason] = {int(reason): reason for reason in Reason}
PHASES: dict[int, str] = {int(phase): phase.name for phase in Phase}
PRICES: dict[int, str] = {int(price): price.name for price in PriceKind}

#: Kinds whose quantity is a number of orders.
COUNTING = frozenset({ReportKind.MASS_CANCELLED, ReportKind.OPEN_ORDERS_END, ReportKind.EXPIRY_DONE})


class ReportNames(tuple[int, ...]):
    """Properties of ``ExecutionReport`` beside its fields. A number that this version does not know stays an int."""

    __slots__ = ()

    @property
    def kind(self) -> ReportKind:
        """What happened."""
        number: int = self[1]
        return KINDS.get(number, number)  # type: ignore[arg-type]

    @property
    def side(self) -> Side | int:
        """Side of the order; 0 if the report is not about one side."""
        number: int = self[2]
        return SIDES.get(number, number)

    @property
    def reason(self) -> Reason:
        """Why it happened; ``Reason.NONE`` if the owner requested it."""
        number: int = self[3]
        return REASONS.get(number, number)  # type: ignore[arg-type]

    @property
    def public_id(self) -> int | None:
        """The order's id on the feed, in an ACCEPTED or REPLACED report, and in an OPEN_ORDER of an order that does not
        wait; else None.
        """
        if self.kind == ReportKind.OPEN_ORDER and self.reason == Reason.WAITS:
            return None
        return self._id_if(ReportKind.ACCEPTED, ReportKind.REPLACED, ReportKind.OPEN_ORDER)

    @property
    def counterparty_id(self) -> int | None:
        """The other order's id on the feed, in a TRADE or AUCTION_TRADE report; else None."""
        return self._id_if(ReportKind.TRADE, ReportKind.AUCTION_TRADE)

    @property
    def hidden(self) -> int | None:
        """Lots of the quantity that the market did not see, in a TRIGGERED, CANCELLED, REDUCED or EXPIRED report; else
        None.
        """
        return self._id_if(ReportKind.TRIGGERED, ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED)

    @property
    def trigger_price(self) -> int | None:
        """Trigger price in ticks, in an OPEN_ORDER of an order that waits (0 if not for a price); else None."""
        if self.kind != ReportKind.OPEN_ORDER or self.reason != Reason.WAITS:
            return None
        number: int = self[7]
        return number - 2**64 if number >> 63 else number

    def _id_if(self, *kinds: ReportKind) -> int | None:
        number: int = self[7]
        return number if self.kind in kinds else None

    def __repr__(self) -> str:
        _, _, _, _, instrument, seq_num, _, _, _, _ = self
        return f"ExecutionReport({self.text()}, instrument {instrument}, seq_num {seq_num})"

    def text(self) -> str:
        """The report as text: ``ACCEPTED ask 5@101, order 7, public 31``."""
        _, _, side, _, _, _, order_id, _, price, quantity = self
        kind = self.kind
        name = getattr(kind, "name", f"kind {kind}")
        if kind in COUNTING:
            return f"{name} {quantity} orders, request {order_id}"
        if kind == ReportKind.PHASE_CHANGED:
            return f"{name} to {PHASES.get(quantity, quantity)}"
        if kind == ReportKind.PRICE_SET:
            return f"{name} {PRICES.get(quantity, quantity)} to {price}"
        if kind in {ReportKind.INDICATIVE, ReportKind.UNCROSSED}:
            return f"{name} {self._auction_text()}"
        parts = [f"{SIDES[side].name.lower() if side in SIDES else 'no side'} {quantity}@{price}, order {order_id}"]
        if self.public_id is not None:
            parts.append(f"public {self.public_id}")
        if self.hidden:
            parts.append(f"hidden {self.hidden}")
        if self.trigger_price is not None:
            parts.append(f"trigger price {self.trigger_price}")
        if self.counterparty_id is not None:
            parts.append(f"counterparty {self.counterparty_id}")
        if self.reason:
            parts.append(getattr(self.reason, "name", f"reason {self.reason}"))
        return f"{name} {', '.join(parts)}"

    def _auction_text(self) -> str:
        """Where an auction trades: ``500@201, surplus bid 100``."""
        _, _, side, _, _, _, _, surplus, price, quantity = self
        if self.reason == Reason.NO_AUCTION_PRICE:
            return "no price"
        more = f", surplus {SIDES[side].name.lower()} {surplus}" if side in SIDES else ""
        return f"{quantity}@{price}{more}"


#: Base classes with further properties, by the name of the message.
NAMES = {"ExecutionReport": ReportNames}
