"""Icebergs trade in slices: each is like an order of the display quantity, and the next follows when it is used up."""

from __future__ import annotations

from .records import Order


def begin(order: Order) -> None:
    """Display the next slice of an order, all lots of an order that does not hide any."""
    order.hidden = order.quantity - min(order.quantity, order.display_quantity or order.quantity)


def is_due(order: Order, minimum: int) -> bool:
    """Must it be refreshed: is its slice used up, or less than a venue's minimum with more behind it?"""
    return order.hidden > 0 and not order.waits and order.shown < min(max(minimum, 1), order.display_quantity)


def refreshes(quantity: int, display: int, minimum: int) -> int:
    """How often an order of this quantity can be refreshed: that many lots at least trade between two refreshes."""
    if not display:
        return 0
    between = display - min(max(minimum, 1), display) + 1
    return -(-(quantity - min(quantity, display)) // between)


def refreshes_left(order: Order, minimum: int) -> int:
    """How often an order can still be refreshed; one that waits has yet to begin its first slice."""
    if order.waits or not order.display_quantity:
        return refreshes(order.quantity, order.display_quantity, minimum)
    return refreshes(order.hidden + order.display_quantity, order.display_quantity, minimum)
