# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How many commands an owner may send: new orders, replaces and lists of open orders have one account,
all other commands another.

An account is the time at which it is even again. A command moves that on by one interval, and may not when it comes to
lie more than a burst ahead. The accounts are in the owner's ``Session``, which outlives its connections.
"""

from __future__ import annotations

import cython


@cython.final
@cython.cclass
class Throttle:
    """``settings``: a GatewayConfig; without ``orders_per_second`` nothing is too much."""

    def __init__(self, settings):
        rate = settings.orders_per_second
        self.order_interval_ns = 1_000_000_000 // rate if rate else 0
        self.cancel_interval_ns = self.order_interval_ns // 2
        self.burst_ns = (settings.burst or rate) * self.order_interval_ns

    def takes(self, s, kind, now_ns):
        """Charge a command. False, with nothing charged, when it is more than the owner is allowed."""
        if self.order_interval_ns == 0:
            return True
        orders: cython.bint = kind == NEW_ORDER or kind == REPLACE_ORDER or kind == OPEN_ORDERS
        due: u64 = max(s.orders_due_ns if orders else s.cancels_due_ns, now_ns)
        if kind == OPEN_ORDERS:  # it counts as many orders, because its answer may be long
            due += min(OPEN_ORDERS_COST * self.order_interval_ns, self.burst_ns)
        else:
            due += self.order_interval_ns if orders else self.cancel_interval_ns
        if due - now_ns > self.burst_ns:
            return False
        if orders:
            s.orders_due_ns = due
        else:
            s.cancels_due_ns = due
        return True

    def charge_cancel(self, s, now_ns):
        """Charge the cancel of the owner's orders when its session ends, which cannot be refused."""
        s.cancels_due_ns = max(s.cancels_due_ns, now_ns) + self.cancel_interval_ns

    def is_exhausted(self, s, now_ns):
        """Has the owner no cancel left, so that one more session would end with one too many?"""
        return self.order_interval_ns != 0 and s.cancels_due_ns > now_ns + self.burst_ns
