"""References: each accepted order has the next number, keeps it until it is done, and no other has it."""

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pricetime import COMPILED, CommandType, Engine, Instrument
from pricetime.core import layout as layout_module
from pricetime.core.builder import BookBuilder
from pricetime.errors import InvalidSetting, SnapshotMismatch
from pricetime.reference.queues import mix
from pricetime.types import REPORT, ReportKind
from tests.books import command
from tests.engines import ReferenceEngine, random_commands, random_instruments

Records = NDArray[np.void]
ACCEPTED, TRADE, CANCELLED, REPLACED, REDUCED, EXPIRED = list(ReportKind)[:6]
OPEN_ORDER = ReportKind.OPEN_ORDER


class Known:
    """What it is to do, with a dict."""

    def __init__(self) -> None:
        self.orders: dict[tuple[int, int], list[int]] = {}  # reference and open quantity, by instrument and id
        self.next = 1
        self.beside: list[int | None] = []  # the reference that goes with each report, None if it is about no order

    def follow(self, reports: Records) -> None:
        for _, kind, _, _, instrument, _, order_id, maker_id, _, quantity in reports.tolist():
            if kind == ACCEPTED:
                assert (instrument, order_id) not in self.orders
                self.orders[instrument, order_id] = [self.next, quantity]
                self.next += 1
            elif kind == REPLACED:
                reference, _ = self.orders.pop((instrument, maker_id))
                self.orders[instrument, order_id] = [reference, quantity]
            about = maker_id if kind == TRADE else order_id
            of_an_order = kind <= EXPIRED or kind == OPEN_ORDER
            self.beside.append(self.orders[instrument, about][0] if of_an_order else None)
            if kind in {TRADE, CANCELLED, REDUCED}:
                for number in [order_id, *[maker_id] * (kind == TRADE)]:
                    self.orders[instrument, number][1] -= quantity
                    if self.orders[instrument, number][1] == 0:
                        del self.orders[instrument, number]


def references_of(engine: Engine) -> dict[tuple[int, int], int]:
    """The reference of every resting order, by instrument and id."""
    orders = engine.dump().resting
    return {(int(o["instrument"]), int(o["order_id"])): int(o["reference"]) for o in orders}


@pytest.mark.parametrize("seed", range(20))
def test_random_flows_against_a_dict(seed: int) -> None:
    """Ids are used again all the time; in between, engines continue from a copy, a pickle or a restore."""
    rng = random.Random(seed)
    instruments = random_instruments(rng)
    room: dict[str, Any] = {"capacity": rng.choice([3, 20, 200]), "owner_limit": 25}
    engine, reference, known = Engine(instruments, **room), ReferenceEngine(instruments, **room), Known()
    for given in random_commands(rng, 600, reference):
        known.follow(engine.apply(given))
        reference.apply(given)
        assert engine.next_reference == known.next
        if rng.random() < 0.1:
            check(engine, known)
        if rng.random() < 0.02:
            records, state = engine.dump(), (engine.seq_num, engine.next_reference)
            engine = rng.choice([copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])(engine)
            restored = Engine(instruments, **room)
            restored.restore(records, *state)
            engine = rng.choice([engine, restored])
            check(engine, known)
    check(engine, known)


def check(engine: Engine, known: Known) -> None:
    engine.check()
    assert references_of(engine) == {order: reference for order, (reference, _) in known.orders.items()}
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
    assert engine.digest(references=True) == value


@pytest.mark.skipif(COMPILED, reason="compiled, it is for compiled callers; the tests of the router read it there")
@pytest.mark.parametrize("seed", range(20))
def test_each_report_has_a_reference_beside_it(seed: int) -> None:
    from pricetime.native.uncompiled import ArrayMemory, Memory

    rng = random.Random(seed)
    layout: Any = layout_module
    instruments = random_instruments(rng)
    engine: Any = Engine(instruments, capacity=100, owner_limit=25)
    reference, known = ReferenceEngine(instruments, capacity=100, owner_limit=25), Known()
    books = engine.books
    for given in random_commands(rng, 300, reference):
        known.follow(reference.apply(given))
        books.reports = Memory(48 * books.report_bound(1, 1, books.order_count)).cells_of(layout.Report)
        books.references = [None] * books.report_bound(1, 1, books.order_count)
        books.report_count = 0
        books.run(ArrayMemory(given).cells_of(layout.Command), 1, [0])
        expected, known.beside = known.beside, []
        assert len(expected) == books.report_count
        for found, wanted in zip(books.references, expected, strict=False):
            assert wanted is None or found == wanted


def flow() -> Engine:
    """Two books with orders, some of which have traded, and ids that were used before."""
    engine = Engine([Instrument(1), Instrument(2)], capacity=100, owner_limit=9)
    rng = np.random.default_rng(5)
    for n in range(300):
        fields = {"instrument": 1 + n % 2, "side": int(rng.integers(1, 3)), "price": int(rng.integers(95, 106))}
        order = {"order_id": int(rng.integers(0, 60)), "quantity": int(rng.integers(1, 9)), "owner": n % 9}
        engine.apply(command(CommandType.NEW_ORDER, **fields, **order))
    assert len(engine) > 10
    return engine


def test_a_subscriber_has_the_same_digest() -> None:
    """Who has the references in the place of the ids, as the feed has them."""
    engine = flow()
    orders = engine.dump().resting
    public = np.zeros(len(orders), REPORT)
    public["type"], public["kind"], public["seq_num"] = 16, ACCEPTED, np.arange(1, len(orders) + 1)
    for name in ("side", "instrument", "price"):
        public[name] = orders[name]
    public["order_id"], public["quantity"] = orders["reference"], orders["remaining"]
    builder = BookBuilder([1, 2])
    builder.apply(public)
    assert builder.digest() == engine.digest(references=True) != engine.digest()


def test_orders_without_a_reference_get_the_next_ones() -> None:
    engine = flow()
    records = engine.dump()
    given = records.resting["reference"]
    given[3:6] = 0
    again = Engine(engine.instruments.values(), capacity=100)
    again.restore(records, 0, 1000)
    assert list(references_of(again).values())[:7] == [
        *given[:3],
        1000,
        1001,
        1002,
        given[6],
    ]
    assert again.next_reference == 1003
    assert given[3] == 0, "the array that was given is not changed"


def test_by_default_the_next_is_above_the_highest() -> None:
    engine = flow()
    again = Engine(engine.instruments.values(), capacity=100)
    again.restore(engine.dump())
    assert again.next_reference == engine.dump().resting["reference"].max() + 1
    assert references_of(again) == references_of(engine)
    empty = Engine([Instrument(1)], capacity=1)
    empty.restore(empty.dump())
    assert empty.next_reference == 1
    empty.restore(empty.dump(), 0, 7)
    assert empty.next_reference == 7


def test_references_can_be_skipped_and_never_go_back() -> None:
    engine = Engine([Instrument(1)], capacity=9)
    new = {"instrument": 1, "side": 1, "price": 1, "quantity": 1}
    for order_id, following in enumerate([1, 100, 50, 0, 2**64 - 1], 1):
        engine.skip_references(following)
        engine.apply(command(CommandType.NEW_ORDER, order_id=order_id, **new))
    assert list(references_of(engine).values()) == [1, 100, 101, 102, 2**64 - 1]
    for wrong in (-1, 2**64, "1"):
        with pytest.raises(InvalidSetting, match="next_reference"):
            engine.skip_references(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spoil", "next_reference"),
    [
        (lambda given: None, 2),
        (lambda given: given.__setitem__(0, given[1]), 10**6),
        (lambda given: given.__setitem__(0, 10**6), 10**6),
    ],
)
def test_references_that_cannot_be(spoil: Any, next_reference: int) -> None:
    records = flow().dump()
    spoil(records.resting["reference"])
    again = Engine([Instrument(1), Instrument(2)], capacity=100)
    with pytest.raises(SnapshotMismatch, match=f"below {next_reference}, each once"):
        again.restore(records, 0, next_reference)
    assert (len(again), again.next_reference) == (0, 1)
    with pytest.raises(InvalidSetting, match="next_reference"):
        again.restore(records, 0, -1)
