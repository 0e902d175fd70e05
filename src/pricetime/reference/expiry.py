"""The end of orders that are good till a time or for the day."""

from __future__ import annotations

from collections.abc import Iterator

from ..types import Phase, Reason, TimeInForce
from .records import Order


def expired(orders: Iterator[Order], now_ns: int, phase: int) -> list[tuple[Order, Reason]]:
    """The orders that end, with the reason: by expiry time and entry; once the instrument is closed those for the day.

    The books's clock is the command: it reads none itself.
    """
    known = sorted(orders, key=lambda order: (order.expiry_ns, order.entered))
    timed = [o for o in known if o.time_in_force is TimeInForce.GTD and o.expiry_ns <= now_ns]
    daily = [o for o in known if o.time_in_force is TimeInForce.DAY and phase == Phase.CLOSED]
    return [(o, Reason.EXPIRY_REACHED) for o in timed] + [(o, Reason.DAY_ENDED) for o in daily]
