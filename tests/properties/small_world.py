"""A world small enough to try everything: 2 prices, 2 quantities, 2 sides and a few kinds of command.

The reference is asked once for each pair of a state and a command; every sequence of commands is then put
together from these answers, so that millions of sequences cost what the book under test costs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from pricetime.phases import PHASES
from pricetime.reference import ReferenceBook
from pricetime.reference.records import Order
from pricetime.types import COMMAND, REPORT, OrderType, Phase, ReportKind, Side
from tests.books import REASON_OF_ERROR, Step, as_command, play, rejection

PRICES = (100, 101)
QUANTITIES = (1, 2)

#: The commands that may come at a place of the sequence; the order entered at place i has id i + 1.
Alphabet: TypeAlias = Callable[[int], list[Step]]

#: The phase of the book, and every resting order in the order of entry: all that there is to know of a book.
State: TypeAlias = tuple[int, tuple[tuple[Any, ...], ...]]

#: What an order was made with: the state of the rules of venues is not part of this world.
GIVEN = [item.name for item in fields(Order)][:10]
EMPTY: State = (Phase.CONTINUOUS, ())

#: Ids of one sequence, those of the two sweeps at its end included.
IDS = 16


def adds(place: int, **options: Any) -> list[Step]:
    return [
        ("add_order", {"order_id": place + 1, "side": side, "price": price, "quantity": quantity, **options})
        for side, price, quantity in product(Side, PRICES, QUANTITIES)
    ]


def cancels(place: int) -> list[Step]:
    return [("cancel_order", {"order_id": earlier + 1}) for earlier in range(place)]


def reduces(place: int) -> list[Step]:
    return [("reduce_order", {"order_id": earlier + 1, "by": 1}) for earlier in range(place)]


def replaces(place: int) -> list[Step]:
    return [
        ("replace_order", {"order_id": earlier + 1, "price": price, "quantity": quantity})
        for earlier, price, quantity in product(range(place), PRICES, QUANTITIES)
    ]


def mass_cancels(owners: tuple[int, ...]) -> list[Step]:
    return [("mass_cancel", {"owner": owner, "side": side}) for owner, side in product(owners, (None, *Side))]


def states() -> list[Step]:
    """Phases that do not collect orders: what a book keeps of one that does is not part of this world."""
    return [("set_phase", {"phase": int(phase)}) for phase in Phase if not PHASES[phase].collects]


def reopen(place: int) -> list[Step]:
    return states()[:1]


def sweep(side: Side) -> Alphabet:
    """Take all of the other side: what it trades with is what rested there, in priority order."""
    everything = {"order_id": IDS - side, "side": side, "price": 0, "quantity": 1000}
    return lambda _: [("add_order", {**everything, "order_type": OrderType.MARKET})]


@dataclass
class Place:
    """One place of the sequence: what may come there, in every state that can be there."""

    steps: list[Step]
    commands: np.ndarray[Any, Any]  #: (commands,) of COMMAND, the same
    after: np.ndarray[Any, Any]  #: (states, commands): index of the state that follows
    first: np.ndarray[Any, Any]  #: (states, commands): where in ``reports`` the answer begins
    count: np.ndarray[Any, Any]  #: (states, commands): how many reports it has
    reports: np.ndarray[Any, Any]  #: of REPORT


@dataclass
class SmallWorld:
    """Every sequence of ``length`` commands of an alphabet, and two sweeps that show what it left behind.

    ``halts``: it may leave the book halted, which is opened again before the sweeps.
    """

    alphabet: Alphabet
    length: int
    settings: dict[str, Any] = field(default_factory=dict)
    halts: bool = False

    def __post_init__(self) -> None:
        self.places: list[Place] = []
        states: list[State] = [EMPTY]
        for place in range(self.length):
            states = self._add_place(states, self.alphabet(place))
        for ending in [*([reopen] if self.halts else []), *map(sweep, Side)]:
            states = self._add_place(states, ending(self.length))
        assert states == [EMPTY]

    def _add_place(self, states: list[State], steps: list[Step]) -> list[State]:
        shape = len(states), len(steps)
        after, first, count = (np.zeros(shape, np.int64) for _ in range(3))
        found: dict[State, int] = {}
        rows: list[Any] = []
        for i, j in product(range(shape[0]), range(shape[1])):
            book = self.book(states[i])
            error = play(book, steps[j])
            reports = [rejection(steps[j], error)] if error in REASON_OF_ERROR else book.reports
            after[i, j] = found.setdefault(state_of(book), len(found))
            first[i, j], count[i, j] = len(rows), len(reports)
            rows += [(16, r.kind, r.side, r.reason, 0, 0, r.order_id, r.maker_id, r.price, r.quantity) for r in reports]
        commands = np.concatenate([as_command(step) for step in steps])
        self.places.append(Place(steps, commands, after, first, count, np.array(rows, REPORT)))
        return list(found)

    def book(self, state: State) -> ReferenceBook:
        book = ReferenceBook(**self.settings)
        book.phase, orders = state
        for order in orders:
            book._rest(Order(*order))
        return book

    def __len__(self) -> int:
        """How many sequences there are."""
        return int(np.prod([len(place.commands) for place in self.places]))

    def sequence(self, number: int) -> list[Step]:
        """One of them, as steps."""
        steps = []
        for place in self.places:
            number, which = divmod(number, len(place.steps))
            steps.append(place.steps[which])
        return steps

    def sequences(self, size: int) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """All of them, about ``size`` at a time: the commands of many sequences in a row, and the reports to expect."""
        seq_num = 0
        for start in range(0, len(self), size):
            commands, expected = self._some(np.arange(start, min(start + size, len(self))))
            expected["seq_num"] = seq_num + 1 + np.arange(len(expected))
            seq_num += len(expected)
            yield commands, expected

    def _some(self, numbers: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        base = numbers.astype(np.uint64) * np.uint64(IDS)
        shape = len(numbers), len(self.places)
        commands = np.empty(shape, as_bytes(COMMAND))
        first, count = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        state = np.zeros(len(numbers), np.int64)
        offset = 0
        for i, place in enumerate(self.places):
            numbers, which = np.divmod(numbers, len(place.commands))
            commands[:, i] = place.commands.view(commands.dtype)[which]
            first[:, i], count[:, i] = offset + place.first[state, which], place.count[state, which]
            state = place.after[state, which]
            offset += len(place.reports)
        commands = commands.view(COMMAND)
        commands["order_id"] += base[:, np.newaxis]
        reports = np.concatenate([place.reports.view(as_bytes(REPORT)) for place in self.places])
        expected = reports[runs(first.ravel(), count.ravel())].view(REPORT)
        base = np.repeat(base, count.sum(axis=1))
        expected["order_id"] += np.where(expected["kind"] != ReportKind.PHASE_CHANGED, base, np.uint64(0))
        expected["maker_id"] += np.where(expected["maker_id"] > 0, base, np.uint64(0))
        return commands.ravel(), expected


def as_bytes(dtype: np.dtype[Any]) -> np.dtype[np.void]:
    """Records as a whole: NumPy copies them faster than field by field."""
    return np.dtype((np.void, dtype.itemsize))


def runs(first: np.ndarray[Any, Any], count: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """first[0], first[0] + 1, ... count[0] of them, then those from first[1], and so on."""
    ends = np.cumsum(count)
    starts = np.repeat(first - ends + count, count)
    return starts + np.arange(len(starts))


def state_of(book: ReferenceBook) -> State:
    orders = sorted(book.by_id.values(), key=lambda order: order.entered)
    return book.phase, tuple(tuple(getattr(o, name) for name in GIVEN) for o in orders)
