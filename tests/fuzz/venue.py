"""Random flows of all kinds of commands through books with all settings of venues."""

import copy
import json
import pickle
import random
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from pricetime import COMMAND, Engine, Instrument, OrderBook, OwnerLimits
from pricetime.profiles import Venue
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.reference.icebergs import refreshes, refreshes_left
from pricetime.types import ORDER_EXTENSION, CommandType, OrderType, PriceKind, TimeInForce
from tests.books import state
from tests.fuzz.case import Case
from tests.reference.venue_flow import Commands, Flow, command, random_settings

#: Types of orders that are at no level in a call phase.
UNPRICED = (OrderType.MARKET, OrderType.MARKET_TO_LIMIT)

#: Fields of commands that may have any value.
ODD = [name for name in COMMAND.names or () if name not in ("sequence", "length", "session", "instrument")]

#: More orders than a flow of this many steps can leave: books of the core need a capacity.
ROOM = 4096


def settings_of(rng: random.Random) -> dict[str, Any]:
    """Settings of a book: those of most flows, and now and then sizes, limits and kinds that are not accepted."""
    settings = {**random_settings(rng), "tick_size": rng.choice([1, 1, 1, 2]), "lot_size": rng.choice([1, 1, 1, 3])}
    settings["refresh_limit"] = settings["refresh_limit"] or 10_000  # a book of the core always has a limit
    if rng.random() < 0.2:
        limit = OwnerLimits(open_orders=rng.choice([None, 2]), quantity=rng.choice([None, 8]), price_distance=5)
        settings["limits"] = {rng.choice([0, 1]): limit}
    if rng.random() < 0.2:
        kinds = frozenset(rng.sample(list(OrderType), 3)) | {OrderType.LIMIT}
        times = frozenset(rng.sample(list(TimeInForce), 4)) | {TimeInForce.GTC}
        settings["venue"] = replace(settings["venue"], order_types=kinds, times_in_force=times)
    return settings


class FuzzFlow(Flow):
    """A flow with a character, queries, mass cancels in parts, ends of the price band, and fields at random."""

    def __init__(self, rng: random.Random, *, all_or_none: bool) -> None:
        super().__init__(rng, all_or_none=all_or_none)
        self.odd = rng.choice([0.0, 0.0, 0.02])
        self.others = rng.choice([0.0, 0.02, 0.1])
        self.middle, self.width = rng.choice([100, 101]), rng.choice([1, 3, 7])

    def _price(self) -> int:
        return self.middle + self.rng.randint(-self.width, self.width)

    def next(self, known: list[int]) -> Commands:
        if self.rng.random() < self.others:
            return self._other()
        commands = super().next(known)
        if self.rng.random() < self.odd:
            name = self.rng.choice(ODD)
            value = self.rng.choice([0, 1, 2**62, 2**63 - 1]) % 2 ** (8 * COMMAND[name].itemsize - 1)
            commands[name][0] = np.array(value).astype(COMMAND[name])
        return commands

    def _other(self) -> Commands:
        rng = self.rng
        owner = rng.choice([1, 2, 3])
        kind = rng.randrange(5)
        if kind == 0:
            return command(CommandType.MASS_CANCEL, owner=owner, tag=rng.choice([1, 2]), order_id=rng.randrange(9))
        if kind == 1:
            return command(CommandType.CONTINUE, owner=owner, tag=rng.choice([0, 1]))
        if kind == 2:
            return command(CommandType.OPEN_ORDERS, owner=owner)
        price = self.middle + rng.choice([-self.width, self.width, 0]) * 2
        return command(CommandType.SET_PRICE, flags=rng.choice(list(PriceKind)), price=price)


class VenueCase(Case):
    """Settings of a book, and commands as arrays: an extended one is one step with its extension."""

    @classmethod
    def draw(cls, seed: int, count: int) -> Self:
        """Draw a flow. Each command depends on what the ones before left in the book."""
        rng = random.Random(seed)
        case = cls(settings_of(rng), [])
        book = ReferenceBook(**case.settings)
        flow = FuzzFlow(rng, all_or_none=book.venue.all_or_none)
        for _ in range(count):
            case.steps.append(flow.next(list(book.by_id)))
            apply(book, case.steps[-1])
        return case

    @classmethod
    def load(cls, path: Path) -> Self:
        stored = json.loads(path.read_text(encoding="utf-8"))
        settings = stored["settings"]
        settings["venue"] = Venue(**settings["venue"])
        settings["limits"] = {owner: OwnerLimits(**given) for owner, given in settings["limits"]}
        return cls(settings, [np.array([tuple(row) for row in step], COMMAND) for step in stored["steps"]])

    def save(self, path: Path) -> None:
        limits = [(owner, asdict(given)) for owner, given in self.settings.get("limits", {}).items()]
        settings = self.settings | {"venue": self.settings["venue"].settings(), "limits": limits}
        lines = ",\n".join(json.dumps(step.tolist()) for step in self.steps)
        path.write_text(f'{{"settings": {json.dumps(settings)}, "steps": [\n{lines}\n]}}\n', encoding="utf-8")

    def play(self, compare_every: int = 1) -> None:
        """Raises AssertionError where the core and the reference differ."""
        given = {name: value for name, value in self.settings.items() if value is not None}
        room = {"capacity": ROOM, "level_capacity": ROOM} | given
        reference, book = ReferenceBook(**self.settings), OrderBook(**room)
        expected = b""
        first = 1
        for number, commands in enumerate(self.steps, start=1):
            bound = most_reports(reference, commands)
            reports = apply(reference, commands, first=first)
            assert book.apply(commands).tobytes() == reports.tobytes(), f"step {number}: the reports differ"
            assert len(reports) <= bound, f"step {number}: too many reports"
            first += len(reports)
            expected += reports.tobytes()
            if number % compare_every == 0:
                compare(book, reference, number)
        compare(book, reference, len(self.steps))
        for again in (copy.copy(book), pickle.loads(pickle.dumps(book))):
            assert state(again) == state(reference), "a copy differs"
        engine = engine_of(self.settings)
        assert engine.apply(np.concatenate([np.zeros(0, COMMAND), *self.steps])).tobytes() == expected, "at once"
        renewed = engine_of(self.settings)
        renewed.restore(engine.dump(), engine.seq_num, engine.next_reference)
        renewed.check()
        assert [part.tobytes() for part in renewed.dump()] == [part.tobytes() for part in engine.dump()], "restored"


def compare(book: OrderBook, reference: ReferenceBook, number: int) -> None:
    """The whole state of both."""
    assert state(book) == state(reference), f"step {number}: the books differ"
    assert book.indicative() == reference.indicative(), f"step {number}: the indicative prices differ"
    prices = (book.last_price, book.reference_price)
    assert prices == (reference.last, reference.reference), f"step {number}: the prices differ"


def most_reports(book: ReferenceBook, commands: Commands) -> int:
    """The bound of the core for one step: see "Room for reports" in docs/reference/limits.md."""
    orders = list(book.by_id.values())
    apart = sum(order.waits or order.order_type in UNPRICED for order in orders)
    least = book.venue.minimum_display
    left = sum(refreshes_left(order, least) for order in orders)
    old = book.by_id.get(int(commands["order_id"][0]))
    given = int(commands[1:].view(ORDER_EXTENSION)["display_quantity"][0]) if len(commands) > 1 else 0
    for display in {given, old.display_quantity if old else 0}:
        left += refreshes(int(commands["quantity"][0]), display, least)
    return 4 * len(commands) + 2 * (len(orders) + apart + len(commands)) + 3 * left


def load(path: Path) -> Case:
    """A case of either kind."""
    of_a_venue = "venue" in json.loads(path.read_text(encoding="utf-8"))["settings"]
    return VenueCase.load(path) if of_a_venue else Case.load(path)


def engine_of(settings: dict[str, Any]) -> Engine:
    """An engine with one instrument and the settings of a book."""
    shared = ("capacity", "level_capacity", "owner_limit", "limits", "refresh_limit")
    given = {name: value for name, value in settings.items() if value is not None}
    room = {"capacity": ROOM, "level_capacity": ROOM} | {name: given.pop(name) for name in shared if name in given}
    return Engine([Instrument(0, **given)], **room)
