"""An engine to hold the real one against: a reference book for each instrument, and the rules they share."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from pricetime import COMMAND, REPORT, CommandType, Instrument, Reason, Side, TimeInForce
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.reference.queues import mix
from pricetime.types import EXECUTION_REPORT, MAX_QUANTITY, ReportKind, SelfTrade
from tests.books import I64_MAX, I64_MIN, U64, as_command
from tests.fuzz.flow import random_steps

Row = dict[str, int]


class ReferenceEngine:
    """What ``Engine`` is to do, one command at a time and without a thought for speed."""

    def __init__(self, instruments: list[Instrument], *, capacity: int, level_capacity: int | None = None) -> None:
        self.instruments = {instrument.id: instrument for instrument in instruments}
        self.capacity, self.level_capacity = capacity, level_capacity or capacity
        self.books = {
            i.id: ReferenceBook(self_trade=i.self_trade, replace_policy=i.replace_policy) for i in instruments
        }
        self.seq_num = 0

    def apply(self, command: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The reports of an array of one command."""
        row: Row = dict(zip(COMMAND.names or (), command[0].item(), strict=True))
        reason = self._refusal(row)
        if reason is None:
            reports = apply(self._book_with_room(row["instrument"]), command, first=self.seq_num + 1)
        else:
            head = (EXECUTION_REPORT, ReportKind.REJECTED, row["side"], reason, 0, self.seq_num + 1)
            reports = np.array([(*head, row["order_id"], 0, row["price"], row["quantity"])], REPORT)
        reports["instrument"] = row["instrument"]
        self.seq_num += len(reports)
        return reports

    def _refusal(self, row: Row) -> Reason | None:
        """Why a command is refused whatever is in the books."""
        instrument = self.instruments.get(row["instrument"])
        if instrument is None:
            return Reason.UNKNOWN_INSTRUMENT
        kind = row["type"]
        if kind not in set(CommandType):
            return Reason.UNKNOWN_COMMAND
        if kind == CommandType.CANCEL_ORDER:
            return None
        if kind == CommandType.NEW_ORDER:
            if row["side"] not in set(Side):
                return Reason.INVALID_SIDE
            if row["time_in_force"] not in set(TimeInForce):
                return Reason.INVALID_TIME_IN_FORCE
            if row["flags"] not in {0, *SelfTrade}:
                return Reason.INVALID_SELF_TRADE
        if not 1 <= row["quantity"] <= MAX_QUANTITY or row["quantity"] % instrument.lot_size:
            return Reason.INVALID_QUANTITY
        market = kind == CommandType.NEW_ORDER and row["time_in_force"] == TimeInForce.MARKET
        if kind != CommandType.REDUCE_ORDER and not market and row["price"] % instrument.tick_size:
            return Reason.INVALID_PRICE
        return None

    def _book_with_room(self, instrument: int) -> ReferenceBook:
        """The book, told how much of what all of them share the others leave to it."""
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
    """One to four, with rules of their own, in any order."""
    return [
        Instrument(
            number,
            tick_size=rng.choice([1, 1, 2, 5, 2**40]),
            lot_size=rng.choice([1, 1, 2, 100]),
            self_trade=rng.choice(list(SelfTrade)),
            replace_policy=rng.randrange(2),  # type: ignore[arg-type]
            order_limit=rng.choice([None, None, 1, 10]),
        )
        for number in rng.sample([0, 1, 2, 3, 63, 64, 1000, 2**20 - 1], rng.randint(1, 4))
    ]


def random_commands(rng: random.Random, count: int, reference: ReferenceEngine) -> Iterator[np.ndarray[Any, Any]]:
    """Commands for the instruments in turn, most of them well formed; apply each before the next is drawn."""
    flows = {number: random_steps(rng, count, book) for number, book in reference.books.items()}
    for _ in range(count):
        number = rng.choice(list(flows))
        command = as_command(next(flows[number]))
        command["instrument"] = number
        if rng.random() < 0.95:
            instrument = reference.instruments[number]
            command["price"] = max(I64_MIN, min(I64_MAX, int(command["price"][0]) * instrument.tick_size))
            command["quantity"] = min(U64, int(command["quantity"][0]) * instrument.lot_size)
        if rng.random() < 0.05:
            name = rng.choice(["type", "side", "time_in_force", "flags", "instrument", "quantity"])
            command[name] = rng.choice([0, 1, 5, 6, 7, 255, rng.getrandbits(8 * command[name].itemsize) >> 1])
        yield command
