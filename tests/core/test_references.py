"""References: each accepted order has the next number, keeps it until it is done, and no other has it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pricetime import CommandType, Engine, Instrument
from pricetime.core.builder import BookBuilder
from pricetime.core.references import References
from pricetime.errors import SnapshotMismatch
from pricetime.reference.queues import mix
from pricetime.types import REPORT, RESTING_ORDER, ReportKind
from tests.books import command
from tests.engines import ReferenceEngine, random_commands, random_instruments

Records = NDArray[np.void]
ACCEPTED, TRADE, CANCELLED, REPLACED, REDUCED = list(ReportKind)[:5]


class Known:
    """What it is to do, with a dict."""

    def __init__(self) -> None:
        self.orders: dict[tuple[int, int], list[int]] = {}  # reference and open quantity, by instrument and id
        self.next = 1

    def follow(self, reports: Records) -> None:
        for _, kind, _, _, instrument, _, order_id, maker_id, _, quantity in reports.tolist():
            if kind == ACCEPTED:
                assert (instrument, order_id) not in self.orders
                self.orders[instrument, order_id] = [self.next, quantity]
                self.next += 1
            elif kind == REPLACED:
                reference, _ = self.orders.pop((instrument, maker_id))
                self.orders[instrument, order_id] = [reference, quantity]
            elif kind in {TRADE, CANCELLED, REDUCED}:
                for number in [order_id, *[maker_id] * (kind == TRADE)]:
                    self.orders[instrument, number][1] -= quantity
                    if self.orders[instrument, number][1] == 0:
                        del self.orders[instrument, number]


def looked_up(references: References, orders: list[tuple[int, int]]) -> list[int]:
    records = np.zeros(len(orders), RESTING_ORDER)
    for at, (instrument, order_id) in enumerate(orders):
        records[at]["instrument"], records[at]["order_id"] = instrument, order_id
    references.write(records)
    return [int(number) for number in records["reference"]]


@pytest.mark.parametrize("seed", range(20))
def test_random_flows_against_a_dict(seed: int) -> None:
    rng = random.Random(seed)
    instruments = random_instruments(rng)
    capacity = rng.choice([3, 20, 200])
    engine = Engine(instruments, capacity=capacity, owner_limit=25)
    reference = ReferenceEngine(instruments, capacity=capacity, owner_limit=25)
    references, known = References(capacity), Known()
    for given in random_commands(rng, 600, reference):
        reports = engine.apply(given)
        reference.apply(given)
        references.apply(reports)
        known.follow(reports)
        assert references.next == known.next
        if rng.random() < 0.1:
            check(engine, references, known)
    check(engine, references, known)


def check(engine: Engine, references: References, known: Known) -> None:
    resting = [(number, order.id) for number in engine.instruments for order in engine.book(number)]
    assert set(resting) == set(known.orders), "those that are open, and no others"
    assert looked_up(references, resting) == [known.orders[order][0] for order in resting]
    gone = [(number, order_id + 1) for number, order_id in resting if (number, order_id + 1) not in known.orders]
    assert not any(looked_up(references, [(n, i & 2**64 - 1) for n, i in gone if i < 2**64]))
    value = 0
    for number in sorted(engine.instruments):
        book = 0
        for side in (1, 2):
            book = mix(book, side)
            for order in engine.book(number):
                if order.side == side:
                    for part in (order.price, known.orders[number, order.id][0], order.quantity):
                        book = mix(book, part)
        value = mix(mix(value, number), book)
    assert engine.digest(references) == value


def test_a_full_table_of_ids_that_stand_together() -> None:
    """Every entry has neighbours; they go in any order."""
    rng = random.Random(1)
    engine = Engine([Instrument(1), Instrument(2)], capacity=400)
    references, known = References(400), Known()
    ids = [(1 + n % 2, 8 * (n // 16) + n % 8) for n in range(400)]
    rng.shuffle(ids)
    for action in ("enter", "leave") * 3:
        for instrument, order_id in ids[: 400 if action == "enter" else rng.randrange(200, 401)]:
            kind = CommandType.NEW_ORDER if action == "enter" else CommandType.CANCEL_ORDER
            price = {"side": 1, "price": 5, "quantity": 2} if action == "enter" else {}
            reports = engine.apply(command(kind, instrument=instrument, order_id=order_id, **price))
            reports = reports[reports["kind"] != ReportKind.REJECTED]
            references.apply(reports)
            known.follow(reports)
        check(engine, references, known)
        rng.shuffle(ids)


def flow() -> tuple[Engine, References]:
    """Two books with orders, some of which have traded, and ids that were used before."""
    engine, references = Engine([Instrument(1), Instrument(2)], capacity=100, owner_limit=9), References(100)
    rng = np.random.default_rng(5)
    for n in range(300):
        fields = {"instrument": 1 + n % 2, "side": int(rng.integers(1, 3)), "price": int(rng.integers(95, 106))}
        order = {"order_id": int(rng.integers(0, 60)), "quantity": int(rng.integers(1, 9)), "owner": n % 9}
        references.apply(engine.apply(command(CommandType.NEW_ORDER, **fields, **order)))
    assert len(engine) > 10
    return engine, references


def test_all_reports_at_once_or_one_by_one() -> None:
    instruments = [Instrument(1), Instrument(2)]
    rng = random.Random(3)
    reference = ReferenceEngine(instruments, capacity=100, owner_limit=25)
    commands = []
    for given in random_commands(rng, 500, reference):
        reference.apply(given)
        commands.append(given)
    engine = Engine(instruments, capacity=100, owner_limit=25)
    reports = engine.apply(np.concatenate(commands))
    whole, one_by_one = References(100), References(100)
    whole.prefault()
    whole.apply(reports)
    for n in range(len(reports)):
        one_by_one.apply(reports[n : n + 1])
    assert (reports["kind"] == TRADE).sum() > 10
    assert whole.next == one_by_one.next > 50
    assert engine.digest(whole) == engine.digest(one_by_one)


def test_they_come_back_from_the_records_of_an_engine() -> None:
    engine, references = flow()
    engine.apply(command(CommandType.SET_PHASE, instrument=2, flags=1))
    records = engine.dump()
    orders = records.resting
    references.write(orders)
    again, others = Engine([Instrument(1), Instrument(2)], capacity=300, owner_limit=9), References(300)
    again.restore(records, engine.seq_num)
    others.load(orders, references.next)
    assert again.digest(others) == engine.digest(references) != engine.digest()
    assert others.next == references.next
    assert orders["reference"].all()
    new = command(CommandType.NEW_ORDER, instrument=1, order_id=99, side=1, price=1, quantity=1)
    for one, its in ((engine, references), (again, others)):
        its.apply(one.apply(new))
    assert again.digest(others) == engine.digest(references)


def test_a_subscriber_has_the_same_digest() -> None:
    """Who has the references in the place of the ids, as the feed has them."""
    engine, references = flow()
    records = engine.dump()
    orders = records.resting
    references.write(orders)
    public = np.zeros(len(orders), REPORT)
    public["type"], public["kind"], public["seq_num"] = 16, ACCEPTED, np.arange(1, len(orders) + 1)
    for name in ("side", "instrument", "price"):
        public[name] = orders[name]
    public["order_id"], public["quantity"] = orders["reference"], orders["remaining"]
    builder = BookBuilder([1, 2])
    builder.apply(public)
    assert builder.digest() == engine.digest(references)


@pytest.mark.parametrize(
    ("spoil", "next_reference"),
    [
        (lambda given: None, 2),
        (lambda given: None, 0),
        (lambda given: given.__setitem__(0, 0), 10**6),
        (lambda given: given.__setitem__(0, given[1]), 10**6),
        (lambda given: given.__setitem__(0, 10**6), 10**6),
    ],
)
def test_references_that_cannot_be(spoil: Any, next_reference: int) -> None:
    engine, references = flow()
    records = engine.dump()
    orders = records.resting
    references.write(orders)
    spoil(orders["reference"])
    others = References(100)
    with pytest.raises(SnapshotMismatch, match=f"below {next_reference}, each once"):
        others.load(orders, next_reference)
    assert others.next == 1
    assert not any(looked_up(others, [(int(c["instrument"]), int(c["order_id"])) for c in orders]))


def test_no_orders_at_all() -> None:
    references = References(1)
    references.load(np.zeros(0, RESTING_ORDER), 7)
    assert references.next == 7
    with pytest.raises(SnapshotMismatch):
        References(1).load(np.zeros(0, RESTING_ORDER), 0)
