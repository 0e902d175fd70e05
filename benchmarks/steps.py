"""The four steps from a plain Python book to the fast one, with the same rules, commands and reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pricetime import OrderBook

from .build import ready

CAPACITY = 1 << 20  #: orders and levels of every measured book


@dataclass(frozen=True)
class Step:
    number: int
    name: str
    description: str


REFERENCE = Step(1, "reference", "plain Python: a dict of deques, the best price by search")
HASHED = Step(2, "hashed-levels", "compiled: an arena of orders, levels in a hash table, the next level by scanning")
SORTED = Step(3, "sorted-levels", "the same with ordered levels: a sorted array in chunks")
BOOK = Step(4, "book", "pricetime.OrderBook: a radix tree over price")

STEPS = {step.name: step for step in (REFERENCE, HASHED, SORTED, BOOK)}


class CompiledBook(Protocol):
    """The interface of steps 2 to 4."""

    def apply(self, commands: NDArray[np.void]) -> NDArray[np.void]: ...

    def __len__(self) -> int: ...


def compiled(step: Step) -> Callable[[], CompiledBook]:
    """Return a function that makes empty books of step 2, 3 or 4. Compiles the alternatives if needed."""
    ready()
    from .alternatives.hashed_levels import HashedLevels
    from .alternatives.sorted_levels import SortedLevels

    makers: dict[Step, Callable[[], CompiledBook]] = {
        HASHED: lambda: HashedLevels(CAPACITY, CAPACITY),
        SORTED: lambda: SortedLevels(CAPACITY, CAPACITY),
        BOOK: lambda: OrderBook(CAPACITY),
    }
    return makers[step]
