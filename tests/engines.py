"""A reference engine to compare the real one with: a reference book per instrument, and the rules they share."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from pricetime import (
    ALL_INSTRUMENTS,
    COMMAND,
    COMPILED,
    REPORT,
    CommandType,
    Instrument,
    OwnerLimits,
    Phase,
    Reason,
    Side,
)
from pricetime.core.instrument import MAX_INSTRUMENTS
from pricetime.reference import ReferenceBook
from pricetime.reference import records as reference
from pricetime.reference.commands import apply, due, told
from pricetime.reference.mass_cancel import MassCancel
from pricetime.reference.queues import mix
from pricetime.types import EXECUTION_REPORT, GTC_AND_GTD, ReportKind, SelfTrade
from tests.books import I64_MAX, I64_MIN, U64, as_command
from tests.fuzz.flow import random_band, random_steps

Row = dict[str, int]

#: Numbers to draw from. The uncompiled form walks a table up to the highest, which takes seconds for large numbers.
NUMBERS = [0, 1, 2, 3, 63, 64, 1000, MAX_INSTRUMENTS - 1 if COMPILED else 4095]


class ReferenceEngine:
    """What ``Engine`` must do, one command at a time, simple and slow."""

    def __init__(
        self,
        instruments: list[Instrument],
        *,
        capacity: int,
        level_capacity: int | None = None,
        owner_limit: int = 0,
        limits: dict[int, OwnerLimits] | None = None,
    ) -> None:
        self.instruments = {instrument.id: instrument for instrument in instruments}
        self.capacity, self.level_capacity = capacity, level_capacity or capacity
        self.books = {i.id: self._book(i, owner_limit, limits) for i in instruments}
        self.seq_num = 0
        self.owner_limit = owner_limit
        self.unfinished: dict[int, MassCancel] = {}
        self.kept: reference.Row | None = None
        entries = count(1)
        open_orders: Counter[int] = Counter()
        for book in self.books.values():
            book.entries = entries
            book.open_orders = open_orders
            book.unfinished = self.unfinished

    @staticmethod
    def _book(instrument: Instrument, owner_limit: int, limits: dict[int, OwnerLimits] | None) -> ReferenceBook:
        book = ReferenceBook(
            self_trade=instrument.self_trade,
            replace_policy=instrument.replace_policy,
            low_price=instrument.low_price,
            high_price=instrument.high_price,
            owner_limit=owner_limit,
            tick_size=instrument.tick_size,
            lot_size=instrument.lot_size,
            limits=limits,
            venue=instrument.venue,
        )
        book.phase = instrument.phase
        return book

    def apply(self, command: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the reports of an array of one command."""
        row = reference.Row._make(command[0].item())
        rows = due(self, row)
        commands = [np.array([due_row], COMMAND) for due_row in rows]
        if row.type == CommandType.ORDER_EXTENSION and rows[0].type != CommandType.GATEWAY_REJECT:
            commands = [np.array([*rows, row], COMMAND)]  # an order and its extension
        return np.concatenate([np.zeros(0, REPORT), *map(self._execute, commands)])

    def _execute(self, command: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the reports of a command, which may have its extension behind it."""
        row: Row = dict(zip(COMMAND.names or (), command[0].item(), strict=True))
        reason = self._refusal(row)
        if reason is not None:
            reports = self._report(row, ReportKind.REJECTED, reason, row["price"], row["quantity"])
        elif row["type"] == CommandType.OPEN_ORDERS:
            reports = self._open_orders(row)
        elif row["type"] == CommandType.MASS_CANCEL:
            reports = self._mass_cancel(row)
        elif row["type"] == CommandType.CONTINUE:
            reports = self._go_on(row["owner"], row["tag"])
        else:
            reports = apply(self._book_with_room(row["instrument"]), command)
            reports["instrument"] = row["instrument"]
        reports["seq_num"] = self.seq_num + 1 + np.arange(len(reports))
        self.seq_num += len(reports)
        return reports

    @staticmethod
    def _report(row: Row, kind: ReportKind, reason: int, price: int, quantity: int) -> np.ndarray[Any, Any]:
        """Return a report with the fields of the command."""
        head = (EXECUTION_REPORT, kind, row["side"], reason, row["instrument"], 0, row["order_id"], 0)
        return np.array([(*head, price, quantity)], REPORT)

    def _mass_cancel(self, row: Row) -> np.ndarray[Any, Any]:
        """Start a mass cancel over all instruments, the oldest order first."""
        self.unfinished[row["owner"]] = MassCancel(
            self.books.values(),
            row["owner"],
            Side(row["side"]) if row["side"] else None,
            only=self.books.get(row["instrument"]),
            instrument=row["instrument"],
            order_id=row["order_id"],
            reason=row["flags"] or Reason.BY_MASS_CANCEL,
            keeps=row["quantity"],
        )
        return self._go_on(row["owner"], row["tag"] if row["owner"] < self.owner_limit else 0)

    def _go_on(self, owner: int, limit: int) -> np.ndarray[Any, Any]:
        """Run the next part of a mass cancel."""
        cancel = self.unfinished[owner]
        numbers = {id(book): number for number, book in self.books.items()}
        reports = []
        for book, order, quantity in cancel.part(limit):
            fields = {"instrument": numbers[id(book)], "side": order.side, "order_id": order.id}
            reports.append(self._report(fields, ReportKind.CANCELLED, cancel.reason, order.price, quantity))
            reports[-1]["maker_id"] = self.books[fields["instrument"]].reports[-1].maker_id  # the hidden part
        reason = Reason.UNFINISHED
        if cancel.is_done:
            del self.unfinished[owner]
            reason = Reason.NONE
        fields = {"instrument": cancel.instrument, "side": cancel.side or 0, "order_id": cancel.order_id}
        reports.append(self._report(fields, ReportKind.MASS_CANCELLED, reason, 0, cancel.cancelled))
        return np.concatenate(reports)

    def _open_orders(self, row: Row) -> np.ndarray[Any, Any]:
        """Return the owner's open orders over all instruments, the oldest first."""
        found = [(o.entered, number, o) for number, book in self.books.items() for o in book.orders_of(row["owner"])]
        found = found if row["owner"] < self.owner_limit else []
        own = [(number, order) for _, number, order in sorted(found)]
        named = (row["instrument"], row["quantity"])
        behind = [place for place, (number, order) in enumerate(own, 1) if (number, order.id) == named]
        orders, reason = told(own, next(iter(behind), None) if row["flags"] & 1 else 0)
        reports = [np.zeros(0, REPORT)]
        for number, order in orders:
            fields = {"instrument": number, "side": order.side, "order_id": order.id}
            reason_of_order, more = (Reason.WAITS, order.trigger_price) if order.waits else (Reason.NONE, order.hidden)
            reports.append(self._report(fields, ReportKind.OPEN_ORDER, reason_of_order, order.price, order.quantity))
            reports[-1]["maker_id"] = more % 2**64
        end = self._report({**row, "side": 0}, ReportKind.OPEN_ORDERS_END, reason, 0, len(orders))
        return np.concatenate([*reports, end])

    def _refusal(self, row: Row) -> int | None:
        """Return why a command is rejected independent of the books, or None."""
        instrument = self.instruments.get(row["instrument"])
        kind = row["type"]
        if kind == CommandType.GATEWAY_REJECT:
            return row["flags"]
        if kind == CommandType.CONTINUE:
            return None if row["owner"] in self.unfinished else Reason.UNKNOWN_COMMAND
        if kind == CommandType.OPEN_ORDERS:
            return None
        everywhere = kind == CommandType.MASS_CANCEL and row["instrument"] == ALL_INSTRUMENTS
        if instrument is None and not everywhere:
            return Reason.UNKNOWN_INSTRUMENT
        if kind not in set(CommandType):
            return Reason.UNKNOWN_COMMAND
        if kind == CommandType.MASS_CANCEL and row["side"] not in {0, *Side}:
            return Reason.INVALID_SIDE
        if kind == CommandType.MASS_CANCEL:
            return Reason.MASS_CANCEL_UNFINISHED if row["owner"] in self.unfinished else None
        if kind == CommandType.SET_PHASE:
            return None if row["flags"] in set(Phase) else Reason.INVALID_PHASE
        return None

    def _book_with_room(self, instrument: int) -> ReferenceBook:
        """Return the book, with its capacities set to what the other books leave free."""
        book = self.books[instrument]
        others = [other for other in self.books.values() if other is not book]
        free = self.capacity - sum(map(len, others))
        limit = self.instruments[instrument].order_limit
        book.capacity = free if limit is None else min(limit, free)
        book.level_capacity = self.level_capacity - sum(len(side) for other in others for side in other.levels.values())
        return book

    def digest(self) -> int:
        value = 0
        for instrument in sorted(self.books):
            value = mix(mix(value, instrument), self.books[instrument].digest())
        return value


def random_instruments(rng: random.Random) -> list[Instrument]:
    """Return one to four instruments with random rules, in any order."""
    bands: list[dict[str, int]] = [{}, {}, random_band(rng)]
    return [
        Instrument(
            number,
            tick_size=rng.choice([1, 1, 2, 5, 2**40]),
            lot_size=rng.choice([1, 1, 2, 100]),
            self_trade=rng.choice(list(SelfTrade)),
            replace_policy=rng.randrange(2),  # type: ignore[arg-type]
            order_limit=rng.choice([None, None, 1, 10]),
            phase=rng.choice([*[Phase.CONTINUOUS] * 4, Phase.HALTED]),
            **rng.choice(bands),  # type: ignore[arg-type]
        )
        for number in rng.sample(NUMBERS, rng.randint(1, 4))
    ]


def random_commands(rng: random.Random, count: int, reference: ReferenceEngine) -> Iterator[np.ndarray[Any, Any]]:
    """Yield random commands, most of them well formed; apply each before drawing the next."""
    flows = {number: random_steps(rng, count, book) for number, book in reference.books.items()}
    for _ in range(count):
        number = rng.choice(list(flows))
        command = as_command(next(flows[number]))
        command["instrument"] = number
        if command["type"] == CommandType.MASS_CANCEL:
            command["flags"], command["order_id"] = rng.choice([0, 38]), rng.getrandbits(64)
            resting = [order.owner for book in reference.books.values() for order in book.by_id.values()]
            if resting and rng.random() < 0.8:
                command["owner"] = rng.choice(resting)
            command["instrument"] = rng.choice([number, ALL_INSTRUMENTS])
            command["tag"] = rng.choice([0, 0, 1, 2, 7])
            if command["flags"] and command["tag"]:
                command["quantity"] = GTC_AND_GTD
            if reference.unfinished and rng.random() < 0.8:
                command["type"], command["owner"] = CommandType.CONTINUE, rng.choice(list(reference.unfinished))
        if rng.random() < 0.02:
            command["type"], command["flags"], command["order_id"] = CommandType.OPEN_ORDERS, rng.choice([0, 1]), 7
            orders = [(n, order) for n, book in reference.books.items() for order in book.by_id.values()]
            if orders:
                command["instrument"], order = rng.choice(orders)
                command["owner"], command["quantity"] = order.owner, order.id
            yield command
            continue
        if rng.random() < 0.95:
            instrument = reference.instruments[number]
            command["price"] = max(I64_MIN, min(I64_MAX, int(command["price"][0]) * instrument.tick_size))
            command["quantity"] = min(U64, int(command["quantity"][0]) * instrument.lot_size)
        if rng.random() < 0.05:
            names = ["type", "side", "order_type", "time_in_force", "instructions", "flags", "instrument", "quantity"]
            name = rng.choice(names)
            numbers = [0, 1, 5, 6, 7, 8, 11, 128, 255, rng.getrandbits(8 * command[name].itemsize) >> 1]
            command[name] = rng.choice(numbers)
            command["instructions"] &= 127  # an order that waits for its extension has no state to compare
        yield command
