"""Limits the commands per second of an owner. It has two accounts: new orders, replaces and lists of open orders share
one, all other commands share the other.

An account is a due time (the generic cell rate algorithm). Each command moves it forward by one interval, and is
rejected if the due time would then be more than a burst in the future. An owner keeps its accounts over its
connections, so logging in again does not reset them.
"""

from __future__ import annotations

import cython

from pricetime.exchange.settings.config import GatewayConfig


@cython.final
@cython.cclass
class Throttle:
    """If ``orders_per_second`` is 0, there is no limit."""

    def __init__(self, settings: GatewayConfig) -> None:
        rate = settings.orders_per_second
        self.order_interval_ns = 1_000_000_000 // rate if rate else 0
        self.cancel_interval_ns = self.order_interval_ns // 2
        self.burst_ns = (settings.burst or rate) * self.order_interval_ns

    def takes(self, account: cython.pointer[Account], kind: u32, now_ns: u64) -> cython.bint:
        """Charge a command. False, without a charge, if it exceeds the owner's rate."""
        if self.order_interval_ns == 0:
            return True
        orders: cython.bint = kind == NEW_ORDER or kind == REPLACE_ORDER or kind == OPEN_ORDERS
        due: u64 = max(account.orders_due_ns if orders else account.cancels_due_ns, now_ns)
        if kind == OPEN_ORDERS:  # charged as several orders, because its reply may be long
            due += min(OPEN_ORDERS_COST * self.order_interval_ns, self.burst_ns)
        else:
            due += self.order_interval_ns if orders else self.cancel_interval_ns
        if due - now_ns > self.burst_ns:
            return False
        if orders:
            account.orders_due_ns = due
        else:
            account.cancels_due_ns = due
        return True

    def charge_cancel(self, account: cython.pointer[Account], now_ns: u64) -> None:
        """Charge the mass cancel at the end of a session, which is never rejected."""
        account.cancels_due_ns = max(account.cancels_due_ns, now_ns) + self.cancel_interval_ns

    def is_exhausted(self, account: cython.pointer[Account], now_ns: u64) -> cython.bint:
        """Has the owner no cancel left for the end of one more session?"""
        return self.order_interval_ns != 0 and account.cancels_due_ns > now_ns + self.burst_ns
