"""Phases and auctions as text."""

from __future__ import annotations

from collections.abc import Callable

from ..types import Phase, Side

SIDES = {Side.BID: "to buy", Side.ASK: "to sell"}


def phase_text(phase: Phase) -> str:
    """A phase in words; empty if trading is continuous."""
    if phase is Phase.CONTINUOUS:
        return ""
    return "pre-open" if phase is Phase.PRE_OPEN else phase.name.lower().replace("_", " ")


def auction_text(
    price: int | None,
    quantity: int,
    surplus: int,
    side: Side | None,
    write: Callable[[int], str],
    *,
    final: bool = False,
) -> str:
    """Where an auction would trade or, if it is ``final``, traded. ``write``: how a price is written."""
    if price is None:
        return "no auction price" if final else "no indicative price"
    text = f"{'auction' if final else 'indicative'} {quantity:,} at {write(price)}"
    return text if final or side is None else f"{text}, surplus {surplus:,} {SIDES[side]}"
