"""Commands that are to be sent later: the cancels and changes of orders that have already arrived."""

from __future__ import annotations

import numpy as np

from ...types import COMMAND, CommandType, Side
from .base import CANCEL_LENGTH, Commands, Ints, join
from .mid import Path


class Pending:
    """Commands and the time at which each is due, in ns. A pending cancel still has the side and price of its order."""

    def __init__(self) -> None:
        self.commands: Commands = np.empty(0, COMMAND)
        self.due: Ints = np.empty(0, np.int64)
        self.since: Ints = np.empty(0, np.int64)  # the arrival of the block that it belongs to, -1 for an earlier block

    def add(self, commands: Commands, due: Ints, since: Ints) -> None:
        self.commands = join(self.commands, commands)
        self.due = np.concatenate([self.due, due])
        self.since = np.concatenate([self.since, since])

    def pull(self, rng: np.random.Generator, share: float, path: Path, times: Ints) -> None:
        """Bring forward the cancels of orders that the mid runs over: this share of them, to the moment it happens."""
        price = self.commands["price"]
        near = np.flatnonzero((price >= path.low) & (price < path.high))
        near = near[self.commands["type"][near] == CommandType.CANCEL_ORDER]
        near = near[rng.random(near.size) < share]
        when = path.run_over(self.commands["side"][near] == Side.BID, price[near], self.since[near])
        met = when >= 0
        self.due[near[met]] = np.minimum(self.due[near[met]], times[when[met]])

    def take(self, until: int) -> Commands:
        """What falls due up to this time, its timestamps set, in no order."""
        due = self.due <= until
        ready = self.commands.compress(due)
        ready["timestamp"] = self.due[due]
        late = ~due
        self.commands, self.due = self.commands.compress(late), self.due.compress(late)
        self.since = np.full(self.due.size, -1)
        cancels = ready["type"] == CommandType.CANCEL_ORDER
        ready["side"][cancels] = 0
        ready["price"][cancels] = 0
        return ready


def cancels_of(orders: Commands) -> Commands:
    """Cancels of these orders, with their side and price as long as they are pending."""
    cancels = np.zeros(orders.size, COMMAND)
    cancels["type"] = CommandType.CANCEL_ORDER
    cancels["length"] = CANCEL_LENGTH
    for name in ("order_id", "side", "price"):
        cancels[name] = orders[name]
    return cancels


def merge(first: Commands, second: Commands) -> Commands:
    """All of them by timestamp; of equal ones those of ``first`` first."""
    both = join(first, second)
    return both.take(np.argsort(both["timestamp"], kind="stable"))
