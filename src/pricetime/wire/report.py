"""The fields of an execution report, as the owner that receives it understands them."""

from __future__ import annotations

from ..types import Phase, Reason, ReportKind, Side

KINDS: dict[int, ReportKind] = {int(kind): kind for kind in ReportKind}
SIDES: dict[int, Side] = {int(side): side for side in Side}
REASONS: dict[int, Reason] = {int(reason): reason for reason in Reason}


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
        """The order's id on the feed, in an ACCEPTED, REPLACED or OPEN_ORDER report; else None."""
        return self._id_if(ReportKind.ACCEPTED, ReportKind.REPLACED, ReportKind.OPEN_ORDER)

    @property
    def counterparty_id(self) -> int | None:
        """The other order's id on the feed, in a TRADE report; else None."""
        return self._id_if(ReportKind.TRADE)

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
        if kind in {ReportKind.MASS_CANCELLED, ReportKind.OPEN_ORDERS_END}:
            return f"{name} {quantity} orders, request {order_id}"
        if kind == ReportKind.PHASE_CHANGED:
            return f"{name} to {Phase(quantity).name if quantity in set(Phase) else quantity}"
        parts = [f"{SIDES[side].name.lower() if side in SIDES else 'no side'} {quantity}@{price}, order {order_id}"]
        if self.public_id is not None:
            parts.append(f"public {self.public_id}")
        if self.counterparty_id is not None:
            parts.append(f"counterparty {self.counterparty_id}")
        if self.reason:
            parts.append(getattr(self.reason, "name", f"reason {self.reason}"))
        return f"{name} {', '.join(parts)}"


#: Base classes with further properties, by the name of the message.
NAMES = {"ExecutionReport": ReportNames}
