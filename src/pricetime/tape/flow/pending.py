"""Scheduled commands: the cancels and changes of orders that have arrived."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...types import COMMAND, CommandType, Side
from .base import CANCEL_LENGTH, WHOLE, Commands, Ints, join
from .mid import Path

NEVER = 2**63 - 1  #: the due time of an empty slot
NOWHERE = 2**63 - 1  #: the price of a command that the mid cannot bring forward


class Plan(NamedTuple):
    """Commands that follow some orders, and when. A cancel keeps side and price of its order until it is sent."""

    commands: Commands
    due: Ints  #: ns
    since: Ints  #: the arrival of the current block that it belongs to, -1 for an earlier block
    price: Ints  #: of the order, for a cancel; NOWHERE for other commands


class Pending:
    """Commands that are due after their own block, in slots that are reused, so that a block copies only changes."""

    def __init__(self) -> None:
        self.commands: Commands = np.empty(0, COMMAND)
        self.due: Ints = np.empty(0, np.int64)
        self.price: Ints = np.empty(0, np.int64)
        self.free: Ints = np.empty(0, np.int64)

    @property
    def plan(self) -> Plan:
        """All slots, for ``pull``."""
        return Plan(self.commands, self.due, np.broadcast_to(np.int64(-1), self.due.size), self.price)

    def put(self, commands: Commands, due: Ints, price: Ints) -> None:
        if self.free.size < commands.size:
            self._grow(max(commands.size, self.due.size // 4))
        slots, self.free = self.free[: commands.size], self.free[commands.size :]
        self.commands.view(WHOLE)[slots] = commands.view(WHOLE)
        self.due[slots] = due
        self.price[slots] = price

    def _grow(self, count: int) -> None:
        self.free = np.concatenate([self.free, self.due.size + np.arange(count)])
        self.commands = join(self.commands, np.zeros(count, COMMAND))
        self.due = np.concatenate([self.due, np.full(count, NEVER)])
        self.price = np.concatenate([self.price, np.full(count, NOWHERE)])

    def exchange(self, plan: Plan, until: int) -> Commands:
        """Remove and return, unsorted, the commands due until this time. Store those of the plan that are not due."""
        slots, now = np.flatnonzero(self.due <= until), plan.due <= until
        ready = join(self.commands.take(slots), plan.commands.compress(now))
        ready["timestamp"] = np.concatenate([self.due[slots], plan.due[now]])
        cancels = np.flatnonzero(ready["type"] == CommandType.CANCEL_ORDER)
        ready["side"][cancels] = 0
        ready["price"][cancels] = 0
        self.due[slots], self.price[slots] = NEVER, NOWHERE
        self.free = np.concatenate([self.free, slots])
        self.put(plan.commands.compress(~now), plan.due[~now], plan.price[~now])
        return ready


def pull(rng: np.random.Generator, share: float, path: Path, times: Ints, plan: Plan) -> None:
    """Bring forward this share of the cancels of orders that the mid crosses, to the time of the crossing."""
    near = np.flatnonzero((plan.price >= path.low) & (plan.price < path.high))
    near = near[rng.random(near.size) < share]
    when = path.run_over(plan.commands["side"][near] == Side.BID, plan.price[near], plan.since[near])
    met, when = near[when >= 0], when[when >= 0]
    plan.due[met] = np.minimum(plan.due[met], times[when])


def cancels_of(orders: Commands) -> Commands:
    """Cancels of these orders, which keep side and price until they are sent."""
    cancels = np.zeros(orders.size, COMMAND)
    cancels["type"] = CommandType.CANCEL_ORDER
    cancels["length"] = CANCEL_LENGTH
    for name in ("order_id", "side", "price"):
        cancels[name] = orders[name]
    return cancels


def merge(first: Commands, second: Commands) -> Commands:
    """Merge by timestamp. Commands of ``first`` come first among equal timestamps."""
    both = join(first, second)
    return both.take(np.argsort(both["timestamp"], kind="stable"))
