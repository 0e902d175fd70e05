"""The builder of books: what it takes, what does not fit, snapshots, and what its books may not do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pricetime import ASK, BID, COMPILED, REPORT, Instrument, OrderBook, Reason, ReportKind
from pricetime.core import layout as layout_module
from pricetime.core.builder import BookBuilder
from pricetime.core.snapshot import Snapshot
from pricetime.errors import (
    InvalidCommands,
    InvalidReports,
    InvalidSetting,
    LevelsFull,
    OrdersFull,
    PricetimeError,
    ReadOnlyBook,
    ReportMismatch,
    SnapshotMismatch,
    UnknownInstrument,
)
from pricetime.native.uncompiled import ArrayMemory
from pricetime.types import SNAPSHOT_ORDER, Phase

layout: Any = layout_module

Fields = dict[str, int]


def report(kind: int, **fields: int) -> Fields:
    given = {"type": 16, "kind": kind, "side": BID, "instrument": 1, "price": 100, "quantity": 10}
    return {**given, **fields}


def accepted(order_id: int, **fields: int) -> Fields:
    return report(ReportKind.ACCEPTED, order_id=order_id, **fields)


def reports(*rows: Fields, first: int = 1) -> np.ndarray[Any, Any]:
    made = np.zeros(len(rows), REPORT)
    for i, row in enumerate(rows):
        for name, value in {"seq_num": first + i, **row}.items():
            made[name][i] = value
    return made


def builder(*rows: Fields, **settings: int) -> BookBuilder:
    """Books of the instruments 1 and 2 after some reports."""
    made = BookBuilder([1, Instrument(2)], **{"capacity": 20, **settings})
    made.apply(reports(*rows))
    return made


def queue(made: BookBuilder) -> list[tuple[int, int, int, int]]:
    return [(int(o.side), o.price, o.id, o.quantity) for o in made.book(1)]


TRADE, CANCELLED, REDUCED, REPLACED = (ReportKind.TRADE, ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.REPLACED)
REFRESHED = ReportKind.REFRESHED


# ---------------------------------------------------------------------- what reports do


@pytest.mark.parametrize("orders", [0, 7, 1000])
def test_memory_that_is_taken_up_keeps_what_is_in_it(orders: int) -> None:
    made, other = builder(accepted(1)), builder(accepted(1))
    made.prefault(orders)
    made.check()
    more = reports(accepted(2), report(CANCELLED, order_id=1), first=2)
    made.apply(more)
    other.apply(more)
    assert made.digest() == other.digest()
    with pytest.raises(InvalidSetting, match="orders"):
        made.prefault(-1)


def test_a_taker_is_beside_its_book_until_it_is_known_to_rest() -> None:
    made = builder(accepted(1), accepted(2, quantity=4), accepted(3, side=ASK, price=99, quantity=16))
    assert (made.in_progress, made.book(1).best_ask, 3 in made.book(1), len(made)) == (True, None, False, 2)
    made.check()
    made.apply(reports(report(TRADE, order_id=3, maker_id=1, side=ASK), first=4))
    assert (made.in_progress, queue(made)) == (True, [(BID, 100, 2, 4)])
    made.apply(reports(report(TRADE, order_id=3, maker_id=2, side=ASK, quantity=4), first=5))
    assert made.in_progress is False
    made.check()
    made.apply(reports(accepted(9, instrument=2), first=6))
    assert queue(made) == [(ASK, 99, 3, 2)]


@pytest.mark.parametrize("price", [0, 98, 100, 102])
def test_an_order_that_never_rests_is_never_shown(price: int) -> None:
    """An IOC order inside the spread, and a market order, whose price is 0."""
    made = builder(accepted(1), accepted(2, side=ASK, price=102))
    before = queue(made), made.digest()
    made.apply(reports(accepted(3, price=price, quantity=12, reason=Reason.NEVER_RESTS), first=3))
    assert made.in_progress
    assert (queue(made), made.digest()) == before
    made.apply(reports(report(TRADE, order_id=3, maker_id=2, price=102), first=4))
    assert (made.in_progress, queue(made)) == (True, [(BID, 100, 1, 10)])
    made.apply(reports(report(CANCELLED, order_id=3, price=price, quantity=2), first=5))
    assert (made.in_progress, queue(made)) == (False, [(BID, 100, 1, 10)])
    made.apply(reports(accepted(3), first=6))
    assert len(made) == 2


def test_the_state_of_an_instrument() -> None:
    made = builder(report(ReportKind.PHASE_CHANGED, instrument=2, quantity=1))
    assert [made.instruments[number].phase for number in (1, 2)] == [Phase.CONTINUOUS, Phase.HALTED]
    made.apply(reports(report(ReportKind.PHASE_CHANGED, instrument=2, quantity=0), first=2))
    assert made.instruments[2].phase is Phase.CONTINUOUS


# ---------------------------------------------------------------------- what does not fit

MISFITS: list[tuple[Fields, str]] = [
    (accepted(9, seq_num=3), "does not follow report 3"),
    (accepted(9, seq_num=5), "does not follow report 3"),
    (accepted(9, type=48), "not an execution report"),
    (report(77), "not an execution report"),
    (report(0), "not an execution report"),
    (accepted(9, instrument=3), "instrument is unknown"),
    (accepted(1), "in the book already"),
    (accepted(9, side=0), "side is not"),
    (accepted(9, side=3), "side is not"),
    (accepted(9, quantity=0), "quantity does not fit"),
    (accepted(9, quantity=2**63), "quantity does not fit"),
    (report(CANCELLED, order_id=9), "not in the book"),
    (report(CANCELLED, order_id=1, instrument=2), "not in the book"),
    (report(CANCELLED, order_id=1, quantity=9), "quantity does not fit"),
    (report(CANCELLED, order_id=1, quantity=11), "quantity does not fit"),
    (report(CANCELLED, order_id=1, price=101), "price is not"),
    (report(CANCELLED, order_id=1, side=ASK), "side is not"),
    (report(REDUCED, order_id=1, quantity=0), "quantity does not fit"),
    (report(REDUCED, order_id=1, quantity=11), "quantity does not fit"),
    (report(TRADE, order_id=9, maker_id=1), "not in the book"),
    (report(TRADE, order_id=1, maker_id=9), "not in the book"),
    (report(TRADE, order_id=1, maker_id=3, price=200, quantity=5), "not in the book"),
    (report(REPLACED, order_id=9, maker_id=9), "not in the book"),
    (report(REPLACED, order_id=2, maker_id=1), "in the book already"),
    (report(REPLACED, order_id=1, maker_id=1, side=ASK), "side is not"),
    (report(REPLACED, order_id=1, maker_id=1, quantity=0), "quantity does not fit"),
    (report(REPLACED, order_id=1, maker_id=1, quantity=2**63), "quantity does not fit"),
    (report(REPLACED, order_id=1, maker_id=1, reason=Reason.KEPT_PLACE, price=101), "price is not"),
    (report(REPLACED, order_id=1, maker_id=1, reason=Reason.KEPT_PLACE, quantity=11), "quantity does not fit"),
    (report(ReportKind.PHASE_CHANGED, quantity=7), "phase is unknown"),
    (accepted(9, maker_id=11), "quantity does not fit"),
    (report(CANCELLED, order_id=1, maker_id=11), "quantity does not fit"),
    (report(CANCELLED, order_id=1, maker_id=1), "quantity does not fit"),
    (accepted(9, price=0, reason=Reason.AT_MARKET), "in which this does not happen"),
    (report(REPLACED, order_id=1, maker_id=1, reason=Reason.AT_MARKET), "price is not"),
    (report(REPLACED, order_id=1, maker_id=1, reason=Reason.PRICED), "price is not"),
    (report(REPLACED, order_id=9, maker_id=9, reason=Reason.PRICED), "not in the book"),
    (report(REFRESHED, order_id=1, side=ASK), "side is not"),
    (report(REFRESHED, order_id=1, price=99), "price is not"),
    (report(REFRESHED, order_id=1, quantity=0), "quantity does not fit"),
    (report(REFRESHED, order_id=1, quantity=2**63), "quantity does not fit"),
    (report(REFRESHED, order_id=9, side=0), "side is not"),
    (report(REFRESHED, order_id=9, quantity=0), "quantity does not fit"),
    (report(ReportKind.TRIGGERED, order_id=1), "in the book already"),
    (report(ReportKind.TRIGGERED, order_id=9, side=3), "side is not"),
    (report(ReportKind.AUCTION_TRADE, order_id=1, maker_id=3, side=0), "in which this does not happen"),
    (report(ReportKind.INDICATIVE, side=0), "in which this does not happen"),
    (report(ReportKind.UNCROSSED, side=0), "in which this does not happen"),
]


@pytest.mark.parametrize(("row", "why"), MISFITS, ids=[f"{i} {row[1]}" for i, row in enumerate(MISFITS)])
def test_a_report_that_does_not_fit_is_named_and_changes_nothing(row: Fields, why: str) -> None:
    made = builder(accepted(1), accepted(2), accepted(3, side=ASK, price=200, quantity=5))
    before = made.digest()
    with pytest.raises(
        ReportMismatch, match=f"report {row.get('seq_num', 4)} does not fit the books: .*{why}"
    ) as misfit:
        made.apply(reports(row, first=4))
    assert misfit.value.seq_num == row.get("seq_num", 4)
    assert (made.digest(), made.seq_num) == (before, 3)
    made.check()
    made.apply(reports(accepted(4), first=4))


#: What does not fit while a bid of 12 takes, which has met orders of 10 at 99 and at 100.
MISFITS_OF_A_COMMAND: list[tuple[Fields, str]] = [
    (accepted(9), "not complete"),
    (accepted(9, instrument=2), "not complete"),
    (report(REPLACED, order_id=1, maker_id=1), "not complete"),
    (report(ReportKind.PHASE_CHANGED, quantity=Phase.CONTINUOUS), "not complete"),
    (report(REFRESHED, order_id=3), "not complete"),
    (report(ReportKind.TRIGGERED, order_id=9), "not complete"),
    (report(ReportKind.AUCTION_TRADE, order_id=3, maker_id=1, side=0), "not complete"),
    (report(ReportKind.UNCROSSED, side=0), "not complete"),
    (report(ReportKind.EXPIRED, order_id=1), "not complete"),
    (report(ReportKind.REJECTED), "not complete"),
    (report(ReportKind.MASS_CANCELLED), "not complete"),
    (report(CANCELLED, order_id=5, instrument=2), "not complete"),
    (report(TRADE, order_id=5, maker_id=1, price=99), "not in the book"),
    (report(TRADE, order_id=3, maker_id=9, price=99), "not in the book"),
    (report(TRADE, order_id=3, maker_id=3, price=99), "not in the book"),
    (report(TRADE, order_id=3, maker_id=1, price=99, side=ASK), "side is not"),
    (report(TRADE, order_id=3, maker_id=4, price=90), "side is not"),
    (report(TRADE, order_id=3, maker_id=1, price=100), "price is not"),
    (report(TRADE, order_id=3, maker_id=1, price=99, quantity=0), "quantity does not fit"),
    (report(TRADE, order_id=3, maker_id=1, price=99, quantity=11), "quantity does not fit"),
    (report(CANCELLED, order_id=3, quantity=11), "quantity does not fit"),
    (report(CANCELLED, order_id=3, quantity=12, price=99), "price is not"),
    (report(CANCELLED, order_id=3, quantity=12, side=ASK), "side is not"),
    (report(REDUCED, order_id=3, quantity=13), "quantity does not fit"),
    (report(REDUCED, order_id=3, quantity=0), "quantity does not fit"),
]


@pytest.mark.parametrize(
    ("row", "why"), MISFITS_OF_A_COMMAND, ids=[f"{i} {row[1]}" for i, row in enumerate(MISFITS_OF_A_COMMAND)]
)
def test_a_report_that_does_not_fit_the_command_in_progress(row: Fields, why: str) -> None:
    made = builder(
        accepted(5, instrument=2),
        accepted(1, side=ASK, price=99),
        accepted(2, side=ASK, price=100),
        accepted(4, price=90),
        accepted(3, quantity=12),
    )
    before = made.digest()
    with pytest.raises(ReportMismatch, match=f"report 6 does not fit the books: .*{why}"):
        made.apply(reports(row, first=6))
    assert (made.digest(), made.seq_num, made.in_progress) == (before, 5, True)
    made.check()
    made.apply(reports(report(TRADE, order_id=3, maker_id=1, price=99), first=6))


def test_the_quantities_at_a_price_do_not_wrap() -> None:
    most = 2**63 - 1
    made = builder(accepted(1, quantity=most), accepted(2, quantity=most), accepted(3, price=99))
    for row in (accepted(4, quantity=2), report(REPLACED, order_id=3, maker_id=3, quantity=2)):
        with pytest.raises(ReportMismatch, match=r"report 4 does not fit the books: .*add up to"):
            made.apply(reports(row, first=4))
    assert made.book(1).depth()[0]["quantity"].tolist() == [2**64 - 2, 10]
    # An order that never rests adds nothing to the level.
    made.apply(reports(accepted(4, quantity=most, reason=Reason.NEVER_RESTS), first=4))
    made.apply(reports(report(CANCELLED, order_id=4, quantity=most), accepted(5, quantity=1), first=5))
    made.check()
    snapshot = made.snapshot()
    orders = snapshot.orders.copy()
    orders["price"] = 100
    with pytest.raises(SnapshotMismatch, match="add up to"):
        builder().load_snapshot(snapshot._replace(orders=orders))


@pytest.mark.skipif(COMPILED, reason="compiled, it is for compiled callers")
def test_a_run_says_which_report_does_not_fit() -> None:
    made: Any = builder()
    for rows, expected in (((accepted(1), accepted(2)), 2), ((accepted(3), accepted(3), accepted(4)), -2)):
        given = reports(*rows, first=made.seq_num + 1)
        assert made.apply_run(ArrayMemory(given).cells_of(layout.Report), len(given)) == expected
    assert made.seq_num == 3


def test_those_before_it_are_applied() -> None:
    made = builder()
    with pytest.raises(ReportMismatch, match="report 3"):
        made.apply(reports(accepted(1), accepted(2), accepted(2), accepted(3)))
    assert (made.seq_num, len(made)) == (2, 2)


def test_room_for_as_many_as_the_engine_and_for_one_that_never_rests() -> None:
    made = builder(accepted(1), accepted(2), capacity=2)
    for row in (accepted(3), accepted(3, side=ASK, price=100)):
        with pytest.raises(OrdersFull, match=r"report 3 does not fit the books: .*larger capacity"):
            made.apply(reports(row, first=3))
    made.apply(reports(accepted(3, side=ASK, price=100, reason=Reason.NEVER_RESTS), first=3))
    other = builder(capacity=2)
    other.load_snapshot(made.snapshot())
    for one in (made, other):
        one.apply(reports(report(TRADE, order_id=3, maker_id=1, side=ASK), first=4))
        one.apply(reports(accepted(4), first=5))
        assert len(one) == 2


def test_room_for_as_many_levels_as_the_engine() -> None:
    made = builder(accepted(1), accepted(2), accepted(3, price=101), capacity=10, level_capacity=2)
    for row in (
        accepted(6, price=103),
        accepted(6, side=ASK, price=99),
        report(REPLACED, order_id=1, maker_id=1, price=103),
    ):
        with pytest.raises(LevelsFull, match=r"report 4 does not fit the books: .*larger level_capacity"):
            made.apply(reports(row, first=4))
    made.apply(reports(report(REPLACED, order_id=1, maker_id=1, price=101), first=4))
    made.apply(reports(report(REPLACED, order_id=2, maker_id=2, price=104), first=5))
    made.check()


# ---------------------------------------------------------------------- snapshots


def busy() -> BookBuilder:
    return builder(
        accepted(3),
        accepted(1, quantity=4),
        accepted(2, price=101),
        accepted(7, side=ASK, price=200, quantity=1),
        accepted(3, instrument=2, price=-5),
        report(ReportKind.PHASE_CHANGED, instrument=2, quantity=1),
    )


def test_a_snapshot_is_every_order_in_its_place() -> None:
    made = busy()
    snapshot = made.snapshot()
    assert snapshot.seq_num == 6
    assert [instrument.id for instrument in snapshot.instruments] == [1, 2]
    assert snapshot.instruments[1].phase is Phase.HALTED
    assert snapshot.digest == made.digest()
    names = ["type", "side", "instrument", "order_id", "price", "quantity"]
    assert snapshot.orders[names].tolist() == [
        (54, BID, 1, 2, 101, 10),
        (54, BID, 1, 3, 100, 10),
        (54, BID, 1, 1, 100, 4),
        (54, ASK, 1, 7, 200, 1),
        (54, BID, 2, 3, -5, 10),
    ]
    assert not any(snapshot.orders[name].any() for name in ("taking", "zero", "zero2"))


@pytest.mark.parametrize("instruments", [[1, 2], [5], [1, 2, 3]])
def test_a_snapshot_takes_the_place_of_whatever_there_was(instruments: list[int]) -> None:
    made, other = busy(), BookBuilder(instruments, capacity=20)
    other.apply(reports(*[accepted(99 + number, instrument=number) for number in instruments]))
    view = other.book(instruments[0])
    other.load_snapshot(made.snapshot())
    assert other.snapshot()[:2] == made.snapshot()[:2]
    assert other.digest() == made.digest()
    other.check()
    assert list(view) == (list(other.book(1)) if instruments == [1, 2] else [])
    other.apply(reports(accepted(8), first=7))


@pytest.mark.parametrize(("reason", "taking"), [(Reason.NONE, 1), (Reason.NEVER_RESTS, 2)])
def test_a_snapshot_in_the_middle_of_a_command(reason: Reason, taking: int) -> None:
    made = builder(accepted(1), accepted(2, side=ASK, price=99, quantity=12, reason=reason))
    snapshot = made.snapshot()
    assert snapshot.orders["taking"].tolist() == [0, taking]
    other = builder()
    other.load_snapshot(snapshot)
    assert other.in_progress
    assert len(other) == 1
    other.apply(reports(report(TRADE, order_id=2, maker_id=1, side=ASK), first=3))
    assert (other.in_progress, len(other)) == ((False, 1) if reason is Reason.NONE else (True, 0))


def spoilt(change: Callable[[np.ndarray[Any, Any]], object], **fields: Any) -> Snapshot:
    snapshot = busy().snapshot()
    orders = snapshot.orders.copy()
    change(orders)
    return snapshot._replace(orders=orders, **fields)


@pytest.mark.parametrize(
    ("snapshot", "why"),
    [
        (spoilt(lambda orders: None, digest=5), "digest of its orders is not 5"),
        (spoilt(lambda orders: orders["order_id"].put(1, 2)), "order 2: its order id is in the book already"),
        (spoilt(lambda orders: orders["instrument"].put(0, 9)), "order 2: its instrument is unknown"),
        (spoilt(lambda orders: orders["quantity"].put(3, 0)), "order 7: its quantity"),
        (spoilt(lambda orders: orders["price"].put(3, 50)), "order 7: whether orders rest or take"),
        (spoilt(lambda orders: orders["price"].put(3, 201)), "digest"),
        (spoilt(lambda orders: orders["taking"].put(3, 1)), "order 7: whether"),
        (spoilt(lambda orders: orders["taking"].put(3, 4)), "order 7: whether"),
        (spoilt(lambda orders: orders["taking"].put(3, 3)), "order 7: its phase"),
        (spoilt(lambda orders: orders["taking"].put([2, 3], 2)), "order 7: whether"),
        (spoilt(lambda orders: orders["taking"].put([3, 4], 2)), "order 3: whether"),
        (spoilt(lambda orders: orders["side"].put(0, 3)), "order 2: its side"),
    ],
)
def test_a_snapshot_that_contradicts_itself_leaves_nothing(snapshot: Snapshot, why: str) -> None:
    made = busy()
    with pytest.raises(SnapshotMismatch, match=why):
        made.load_snapshot(snapshot)
    assert (len(made), made.seq_num, made.in_progress) == (0, 0, False)
    made.check()
    made.load_snapshot(busy().snapshot())
    assert made.digest() == busy().digest()


@pytest.mark.parametrize(
    "fields",
    [
        {"seq_num": -1},
        {"seq_num": 2**64},
        {"instruments": ()},
        {"instruments": (1,)},
        {"instruments": (Instrument(1),) * 2},
    ],
)
def test_a_snapshot_with_what_cannot_be_changes_nothing(fields: dict[str, Any]) -> None:
    made = busy()
    with pytest.raises(InvalidSetting):
        made.load_snapshot(busy().snapshot()._replace(**fields))
    assert (made.digest(), made.seq_num) == (busy().digest(), 6)


def test_a_snapshot_that_is_too_large() -> None:
    small = builder(capacity=2)
    with pytest.raises(OrdersFull, match="5 orders in a snapshot, room for 2"):
        small.load_snapshot(busy().snapshot())
    flat = builder(level_capacity=1)
    with pytest.raises(LevelsFull, match="larger level_capacity"):
        flat.load_snapshot(busy().snapshot())
    assert len(flat) == 0


# ---------------------------------------------------------------------- what its books do not do

COMMANDS: list[Callable[[OrderBook], object]] = [
    lambda book: book.add_order(9, BID, 1, 1),
    lambda book: book.match_order(9, BID, 1, 1),
    lambda book: book.cancel_order(1),
    lambda book: book.reduce_order(1, 1),
    lambda book: book.replace_order(1, 1, 1),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_its_books_take_no_commands(command: Callable[[OrderBook], object]) -> None:
    made = busy()
    before = made.digest()
    with pytest.raises(ReadOnlyBook, match="rebuilt from reports"):
        command(made.book(1))
    assert made.digest() == before
    with pytest.raises(InvalidCommands):
        made.book(1).apply(np.zeros(0, REPORT))


def test_its_books_answer() -> None:
    book = busy().book(1)
    assert (book.best_bid, book.best_ask, len(book), 3 in book) == (101, 200, 4, True)
    assert book.queue_position(1) == (1, 10)
    with pytest.raises(UnknownInstrument):
        busy().book(9)


def test_an_empty_one_is_true() -> None:
    assert builder()
    assert len(builder()) == 0


def test_names() -> None:
    assert repr(busy()) == "<pricetime.BookBuilder: 2 instruments, 5 orders, report 6>"


# ---------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([1], InvalidReports),
        (np.zeros(3, SNAPSHOT_ORDER), InvalidReports),
        (np.zeros((2, 2), REPORT), InvalidReports),
        (np.zeros(4, REPORT)[::2], InvalidReports),
    ],
)
def test_what_is_no_array_of_reports(given: Any, error: type[PricetimeError]) -> None:
    with pytest.raises(error, match=r"pricetime\.REPORT"):
        builder().apply(given)
    with pytest.raises(error, match="SNAPSHOT_ORDER"):
        builder().load_snapshot(busy().snapshot()._replace(orders=np.zeros(2, REPORT)))


@pytest.mark.parametrize(
    "settings", [{"capacity": 0}, {"capacity": 2**31 + 1}, {"level_capacity": 0}, {"capacity": 1.5}]
)
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        BookBuilder([1], **settings)
    for instruments in ([], [1, 1], [-1], ["x"]):
        with pytest.raises(InvalidSetting):
            BookBuilder(instruments)  # type: ignore[arg-type]


def test_it_is_made_once() -> None:
    made = busy()
    with pytest.raises(TypeError, match="only once"):
        made.__init__([1])
    assert len(made) == 5


@pytest.mark.parametrize(
    "call",
    [
        lambda made: made.apply(reports()),
        lambda made: made.book(1),
        lambda made: made.digest(),
        lambda made: made.check(),
        lambda made: made.snapshot(),
        lambda made: made.load_snapshot(busy().snapshot()),
        lambda made: made.seq_num,
        lambda made: made.in_progress,
        lambda made: made.instruments,
        len,
        repr,
    ],
)
def test_what_was_never_made_answers_nothing(call: Callable[[Any], object]) -> None:
    with pytest.raises((AttributeError, TypeError)):
        call(BookBuilder.__new__(BookBuilder))


def test_a_slice_that_its_level_has_no_room_for() -> None:
    made = builder(accepted(1, quantity=2**63 - 1), accepted(2, quantity=2**63 - 1), accepted(3, quantity=1))
    with pytest.raises(ReportMismatch, match=r"would add up to 2\*\*64 or more"):
        made.apply(reports(report(ReportKind.REFRESHED, order_id=3, quantity=2), first=4))
    made.apply(reports(report(ReportKind.REFRESHED, order_id=3, quantity=1), first=4))
