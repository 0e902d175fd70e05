"""A small tape after its replay, and what a case expects of it."""

from typing import Any, TypeAlias

from pricetime import Side
from pricetime.tape.outcome import Verdict

Queue: TypeAlias = list[tuple[Any, int]]

#: What a case expects, by what is looked at: a verdict or a fact and its count, or the queue at a price.
Expected: TypeAlias = dict[Any, Any]


class Replayed:
    def __init__(self, replay: Any) -> None:
        self.replay = replay
        self.outcome = replay.run()
        self.facts = self.outcome.facts

    @property
    def verdicts(self) -> dict[Verdict, int]:
        return dict(self.outcome.verdicts)

    def queue(self, side: Side, price: float) -> Queue:
        """Id and size of each order at a price."""
        raise NotImplementedError

    def bids(self, price: float) -> Queue:
        return self.queue(Side.BID, price)

    def asks(self, price: float) -> Queue:
        return self.queue(Side.ASK, price)

    def is_as(self, expected: Expected) -> None:
        """Hold it to a case, which names every verdict that there is."""
        assert self.verdicts == {what: count for what, count in expected.items() if isinstance(what, Verdict)}
        assert self.outcome.trades == sum(self.verdicts.values())
        for what, value in expected.items():
            if isinstance(what, tuple):
                assert self.queue(*what) == value, what
            elif not isinstance(what, Verdict):
                assert self.facts[what] == value, what


def bids(price: float) -> tuple[Side, float]:
    return Side.BID, price


def asks(price: float) -> tuple[Side, float]:
    return Side.ASK, price
