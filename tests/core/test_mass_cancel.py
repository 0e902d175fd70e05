"""Mass cancel: which orders of an owner go, in which order, and what is said of it."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from pricetime import ALL_INSTRUMENTS, CommandType, Engine, Instrument, OrderBook, Side, TimeInForce
from pricetime.errors import (
    InvalidOwner,
    InvalidSetting,
    InvalidSide,
    MassCancelUnfinished,
    SnapshotMismatch,
    UnknownInstrument,
)
from pricetime.reference import ReferenceBook
from pricetime.types import GTC_AND_GTD, Reason, ReportKind
from tests.books import ask, bid, command, dumped, reports_of, state

Report = tuple[ReportKind, int, int, int, int]


@pytest.fixture
def book(make_book: Any) -> Any:
    return make_book(100, owner_limit=4)


def asked(**fields: int) -> np.ndarray[Any, Any]:
    return command(CommandType.MASS_CANCEL, **fields)


def cancelled(book: Any, owner: int, **which: Any) -> list[int]:
    """The ids that a mass cancel takes, in the order in which they are reported."""
    before = {order.id for order in book}
    if isinstance(book, OrderBook):
        fields = {name: int(value) for name, value in which.items()}
        ids = [r.order_id for r in reports_of(book.apply(asked(owner=owner, **fields)))[:-1]]
    else:
        seen = len(book.reports)
        assert book.mass_cancel(owner, **which) == len(book.reports) - seen - 1
        ids = [r.order_id for r in book.reports[seen:-1]]
    assert set(ids) == before - {order.id for order in book}
    return ids


def place(book: Any) -> None:
    """Orders of three owners on both sides, owner 1's under the ids from 11."""
    bid(book, 11, 100, 5, owner=1)
    ask(book, 21, 110, 5, owner=2)
    ask(book, 12, 109, 5, owner=1)
    bid(book, 1, 100, 5)
    bid(book, 13, 101, 5, owner=1)
    bid(book, 14, 100, 5, owner=1)
    ask(book, 31, 109, 5, owner=3)


def test_the_orders_of_one_owner_go_oldest_first(book: Any) -> None:
    place(book)
    assert cancelled(book, 1) == [11, 12, 13, 14]
    assert [order.id for order in book] == [1, 31, 21]
    assert cancelled(book, 1) == []


def test_a_replace_that_loses_its_place_counts_from_then_on(book: Any) -> None:
    place(book)
    book.replace_order(11, 100, 4)  # it keeps its place
    book.replace_order(12, 108, 5, new_id=15)
    book.replace_order(13, 101, 9)
    assert cancelled(book, 1) == [11, 14, 15, 13]


@pytest.mark.parametrize("owner_limit", [0, 1, 2, 3])
def test_any_owner_without_an_owner_limit(make_book: Any, owner_limit: int) -> None:
    book = make_book(100, owner_limit=owner_limit)
    place(book)
    assert cancelled(book, 1, side=Side.BID) == [11, 13, 14]
    assert cancelled(book, 1) == [12]
    assert cancelled(book, 3) == [31]
    assert cancelled(book, 3) == []
    assert [order.id for order in book] == [1, 21]


def test_many_owners_in_few_buckets(make_book: Any) -> None:
    """The lists of owners come and go: every slot of theirs is used again."""
    book = make_book(6)
    owners = [1, 2, 7, 2**16, 2**31, 2**32 - 1]
    for first in range(4):
        for order_id, owner in enumerate(owners):
            bid(book, order_id, 100 + order_id % 2, 5, owner=owner)
        ask(book, 50, 100, 15, time_in_force=TimeInForce.IOC)  # fills 1, 3 and 5
        state(book)
        for order_id, owner in list(enumerate(owners))[first:] + list(enumerate(owners))[:first]:
            assert cancelled(book, owner) == ([] if order_id % 2 else [order_id])
            state(book)


def test_the_oldest_of_several_owners_in_one_bucket_goes_first() -> None:
    """Among so many owners three share a bucket, whatever the multiplier of the hash."""
    owners = range(1, 1001)
    book = OrderBook(capacity=len(owners))
    for owner in owners:
        book.add_order(owner, Side.BID, 100, 1, owner=owner)
    for owner in owners:
        assert book.mass_cancel(owner) == 1
        if owner % 100 == 0:
            book.check()
    assert len(book) == 0


def test_an_owner_without_a_number_is_cancelled_whole() -> None:
    """Only owners below the owner_limit are cancelled in parts: ``tag`` counts for no others."""
    engine = engine_with(5, owner=4, owner_limit=4)
    reports = reports_of(engine.apply(asked(owner=4, tag=2, instrument=ALL_INSTRUMENTS)))
    assert [r.order_id for r in reports] == [0, 1, 2, 3, 4, 0]
    assert (reports[-1].reason, engine.unfinished()) == (Reason.NONE, [])
    [refused] = reports_of(engine.apply(command(CommandType.CONTINUE, owner=4)))
    assert refused.reason == Reason.UNKNOWN_COMMAND
    engine.check()


def test_the_calls_of_an_engine() -> None:
    engine = two_instruments()
    assert engine.mass_cancel(1, instrument=7) == 3
    assert engine.mass_cancel(1, side=Side.ASK) == 0
    assert engine.mass_cancel(1) == 3
    assert engine.mass_cancel(2, side=Side.ASK) == 6
    assert len(engine) == 0
    with pytest.raises(UnknownInstrument):
        engine.mass_cancel(1, instrument=5)
    with pytest.raises(InvalidSide):
        engine.mass_cancel(1, side=3)


@pytest.mark.parametrize("kind", [OrderBook, ReferenceBook])
def test_what_is_no_owner(kind: Any) -> None:
    """The calls raise; a command of owner 0 cancels nothing, as the next test says."""
    book = kind(100, owner_limit=4)
    place(book)
    before = state(book)
    for owner in (0, 2**32, -1, "1", None, True):
        with pytest.raises(InvalidOwner):
            book.mass_cancel(owner)
    for side in (0, 3, "B"):
        with pytest.raises(InvalidSide):
            book.mass_cancel(1, side=side)
    assert state(book) == before


def test_owner_0_is_named_in_the_error() -> None:
    with pytest.raises(InvalidOwner, match="owner 0 means that an order has no owner: give an owner from 1 to"):
        OrderBook(10).mass_cancel(0)
    with pytest.raises(InvalidOwner, match="owner 0 means"):
        Engine([Instrument(1)]).mass_cancel(0)


@pytest.mark.parametrize("owner_limit", [0, 1, 3])
def test_a_command_of_an_owner_without_orders_cancels_nothing(owner_limit: int) -> None:
    book = OrderBook(10, owner_limit=owner_limit)
    for order_id, owner in enumerate((0, 3, 2**32 - 1)):
        bid(book, order_id, 100, 5, owner=owner)
    before = state(book)
    for owner in (0, 1, 4, 2**32 - 2):
        reports = book.apply(asked(order_id=7, owner=owner, side=2, price=9, quantity=9))
        assert reports_of(reports) == [(ReportKind.MASS_CANCELLED, 2, Reason.NONE, 7, 0, 0, 0)]
    assert state(book) == before


@pytest.mark.parametrize("limit", [-1, 2**31 + 1, 1.5, True, None, "8"])
def test_a_bad_limit(limit: Any) -> None:
    for make in (lambda: OrderBook(10, owner_limit=limit), lambda: Engine([Instrument(0)], owner_limit=limit)):
        with pytest.raises(InvalidSetting, match=r"owner limit.*0 to 2147483648"):
            make()


def test_the_reports() -> None:
    book = OrderBook(10, owner_limit=2)
    bid(book, 5, 100, 7, owner=1)
    ask(book, 6, 105, 9, owner=1)
    book.reduce_order(6, 2)
    assert reports_of(book.apply(asked(order_id=77, owner=1, tag=3))) == [
        (ReportKind.CANCELLED, Side.BID, Reason.BY_MASS_CANCEL, 5, 0, 100, 7),
        (ReportKind.CANCELLED, Side.ASK, Reason.BY_MASS_CANCEL, 6, 0, 105, 7),
        (ReportKind.MASS_CANCELLED, 0, Reason.NONE, 77, 0, 0, 2),
    ]


def test_the_command_may_name_the_reason() -> None:
    book = OrderBook(10, owner_limit=2)
    bid(book, 5, 100, 7, owner=1)
    reports = reports_of(book.apply(asked(owner=1, flags=Reason.BY_DISCONNECT)))
    assert [(r.kind, r.reason) for r in reports] == [
        (ReportKind.CANCELLED, Reason.BY_DISCONNECT),
        (ReportKind.MASS_CANCELLED, Reason.NONE),
    ]


def two_instruments() -> Engine:
    """Orders of owner 1 in turn in both, each under the number of its turn."""
    engine = Engine([Instrument(7), Instrument(3)], capacity=20, owner_limit=3)
    for turn in range(6):
        bid(engine.book(7 if turn % 2 else 3), turn, 100 + turn % 3, 5, owner=1)
        ask(engine.book(3), 100 + turn, 200, 5, owner=2)
    return engine


def taken(engine: Engine, **fields: int) -> list[tuple[int, int]]:
    """Instrument and id of what a mass cancel takes; its own report is checked."""
    reports = engine.apply(asked(order_id=9, **fields))
    last = reports[-1]
    assert (last["kind"], last["instrument"], last["quantity"]) == (
        ReportKind.MASS_CANCELLED,
        fields["instrument"],
        len(reports) - 1,
    )
    engine.check()
    return [(int(r["instrument"]), int(r["order_id"])) for r in reports[:-1]]


def test_over_all_instruments() -> None:
    engine = two_instruments()
    assert taken(engine, instrument=ALL_INSTRUMENTS, owner=1) == [(3, 0), (7, 1), (3, 2), (7, 3), (3, 4), (7, 5)]
    assert len(engine) == 6


def test_of_one_instrument() -> None:
    engine = two_instruments()
    assert taken(engine, instrument=3, owner=1) == [(3, 0), (3, 2), (3, 4)]
    assert taken(engine, instrument=3, owner=1) == []
    assert taken(engine, instrument=ALL_INSTRUMENTS, owner=1) == [(7, 1), (7, 3), (7, 5)]


def test_what_is_refused() -> None:
    engine = two_instruments()
    before = engine.digest()
    for fields, reason in (
        ({"instrument": 4}, Reason.UNKNOWN_INSTRUMENT),
        ({"instrument": ALL_INSTRUMENTS - 1, "side": 3}, Reason.UNKNOWN_INSTRUMENT),
        ({"instrument": 3, "side": 3}, Reason.INVALID_SIDE),
        ({"instrument": ALL_INSTRUMENTS, "side": 255}, Reason.INVALID_SIDE),
    ):
        [report] = reports_of(engine.apply(asked(owner=1, order_id=5, price=-3, quantity=8, **fields)))
        assert report == (ReportKind.REJECTED, fields.get("side", 0), reason, 5, 0, -3, 8)
    assert engine.digest() == before


def test_a_book_of_an_engine_cancels_its_own_alone() -> None:
    engine = two_instruments()
    assert engine.book(7).mass_cancel(1) == 3
    assert taken(engine, instrument=ALL_INSTRUMENTS, owner=1) == [(3, 0), (3, 2), (3, 4)]


def test_there_is_room_for_the_reports_of_all_that_rest() -> None:
    book = OrderBook(5000, owner_limit=2)
    for order_id in range(5000):
        bid(book, order_id, order_id % 7, 5, owner=1)
    reports = book.apply(asked(owner=1))
    assert reports["order_id"][:-1].tolist() == list(range(5000))
    assert reports["quantity"][-1] == 5000
    assert len(book) == 0
    book.check()


# ---------------------------------------------------------------------- in parts


def parts(books: Any, owner: int, limit: int, **fields: int) -> list[list[int]]:
    """Cancel in parts that look at so many orders: the ids that each cancels, then what it says."""
    found = []
    commands = [asked(owner=owner, tag=limit, **fields)]
    while commands:
        reports = reports_of(books.apply(commands.pop()))
        assert {report.kind for report in reports[:-1]} <= {ReportKind.CANCELLED}
        assert reports[-1].kind is ReportKind.MASS_CANCELLED
        found.append([report.order_id for report in reports[:-1]])
        assert reports[-1].quantity == sum(map(len, found))
        if reports[-1].reason == Reason.UNFINISHED:
            commands.append(command(CommandType.CONTINUE, owner=owner, tag=limit))
        books.check()
    return found


def engine_with(orders: int, *, owner: int = 1, owner_limit: int = 4) -> Engine:
    """Bids of one owner in two books in turn, under the ids from 0."""
    engine = Engine([Instrument(0), Instrument(1)], capacity=1000, owner_limit=owner_limit)
    for order_id in range(orders):
        instrument = order_id % 2
        engine.apply(
            command(
                CommandType.NEW_ORDER,
                order_id=order_id,
                instrument=instrument,
                side=1,
                price=100 - order_id,
                quantity=5,
                owner=owner,
            )
        )
    return engine


def test_no_command_looks_at_more_orders_than_its_limit() -> None:
    assert parts(engine_with(10), 1, 4, instrument=ALL_INSTRUMENTS) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert parts(engine_with(8), 1, 4, instrument=ALL_INSTRUMENTS) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert parts(engine_with(10), 1, 4, instrument=1) == [[1, 3], [5, 7], [9]]
    assert parts(engine_with(10), 1, 4, instrument=1, side=2) == [[], [], []]
    assert parts(engine_with(0), 1, 4, instrument=1) == [[]]
    assert parts(engine_with(10), 1, 0, instrument=ALL_INSTRUMENTS) == [list(range(10))]


def test_the_answer_says_what_was_asked_for() -> None:
    engine = engine_with(5)
    first = engine.apply(asked(owner=1, tag=2, instrument=1, side=1, order_id=77, flags=Reason.BY_DISCONNECT))
    last = engine.apply(command(CommandType.CONTINUE, owner=1))
    assert first[["kind", "reason", "order_id", "instrument", "side", "quantity"]].tolist() == [
        (ReportKind.CANCELLED, Reason.BY_DISCONNECT, 1, 1, 1, 5),
        (ReportKind.MASS_CANCELLED, Reason.UNFINISHED, 77, 1, 1, 1),
    ]
    assert last[["kind", "reason", "order_id", "instrument", "side", "quantity"]].tolist() == [
        (ReportKind.CANCELLED, Reason.BY_DISCONNECT, 3, 1, 1, 5),
        (ReportKind.MASS_CANCELLED, Reason.NONE, 77, 1, 1, 2),
    ]


def test_an_order_that_comes_between_two_parts_stays() -> None:
    engine = engine_with(6)
    engine.apply(asked(owner=1, tag=2, instrument=ALL_INSTRUMENTS))
    new = {"side": 1, "quantity": 5, "owner": 1}
    engine.apply(command(CommandType.NEW_ORDER, order_id=50, price=10, **new))
    engine.apply(command(CommandType.REPLACE_ORDER, order_id=5, instrument=1, price=20, quantity=5))  # moves: it is new
    engine.apply(command(CommandType.REPLACE_ORDER, order_id=4, price=96, quantity=4))  # keeps its place
    engine.apply(command(CommandType.NEW_ORDER, order_id=60, instrument=1, side=2, price=97, quantity=5))  # fills 3
    engine.check()
    assert [r.order_id for r in reports_of(engine.apply(command(CommandType.CONTINUE, owner=1)))[:-1]] == [2, 4]
    assert sorted(order.id for number in (0, 1) for order in engine.book(number)) == [5, 50]


def lasting(engine: Engine) -> None:
    """An order of each time in force that rests, in both books, under the ids from 100 and from 200."""
    for first, instrument in ((100, 0), (200, 1)):
        for tif in (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD):
            expiry_ns = 10**9 if tif is TimeInForce.GTD else 0
            engine.book(instrument).add_order(
                first + tif, Side.BID, 90, 5, owner=1, time_in_force=tif, expiry_ns=expiry_ns
            )


@pytest.mark.parametrize("limit", [0, 1, 2, 5])
@pytest.mark.parametrize(
    ("keeps", "left"),
    [
        (0, []),
        (GTC_AND_GTD, [100, 102, 200, 202]),
        (1 << TimeInForce.DAY, [101, 201]),
        (2**64 - 1, [100, 101, 102, 200, 201, 202]),
    ],
)
def test_it_keeps_orders_of_some_times_in_force(limit: int, keeps: int, left: list[int]) -> None:
    """Also after a copy that is made while it is unfinished. What it keeps counts as visited, not as cancelled."""
    engine = engine_with(0)
    lasting(engine)
    kept = len(left)
    reports = reports_of(engine.apply(asked(owner=1, tag=limit, instrument=ALL_INSTRUMENTS, quantity=keeps)))
    while reports[-1].reason == Reason.UNFINISHED:
        copied = copy.copy(engine)
        assert dumped(copied) == dumped(engine)
        engine = copied
        reports += reports_of(engine.apply(command(CommandType.CONTINUE, owner=1, tag=limit)))
    engine.check()
    assert (reports[-1].kind, reports[-1].quantity) == (ReportKind.MASS_CANCELLED, 6 - kept)
    assert sum(report.kind == ReportKind.CANCELLED for report in reports) == 6 - kept
    assert [order.id for number in (0, 1) for order in engine.book(number)] == left


def test_what_is_left_may_go_by_itself() -> None:
    engine = engine_with(4)
    engine.apply(asked(owner=1, tag=3, instrument=ALL_INSTRUMENTS))
    engine.apply(command(CommandType.CANCEL_ORDER, order_id=3, instrument=1))
    engine.check()
    assert engine.unfinished() == [1]
    [last] = reports_of(engine.apply(command(CommandType.CONTINUE, owner=1, tag=1)))
    assert (last.kind, last.reason, last.quantity) == (ReportKind.MASS_CANCELLED, Reason.NONE, 3)
    assert engine.unfinished() == []


def test_one_at_a_time_of_each_owner() -> None:
    engine = engine_with(4)
    goes_on = command(CommandType.CONTINUE, owner=1, instrument=7)
    [refused] = reports_of(engine.apply(goes_on))
    assert (refused.kind, refused.reason) == (ReportKind.REJECTED, Reason.UNKNOWN_COMMAND)
    engine.apply(asked(owner=1, tag=1, instrument=ALL_INSTRUMENTS))
    [refused] = reports_of(engine.apply(asked(owner=1)))
    assert (refused.kind, refused.reason) == (ReportKind.REJECTED, Reason.MASS_CANCEL_UNFINISHED)
    with pytest.raises(MassCancelUnfinished, match="owner 1 is unfinished"):
        engine.book(0).mass_cancel(1)
    assert engine.unfinished() == [1]
    engine.apply(goes_on)
    assert engine.book(0).mass_cancel(1) == 0


@pytest.mark.parametrize("looked_at", range(1, 6))
def test_a_copy_goes_on_where_it_is(looked_at: int) -> None:
    engine = engine_with(6)
    engine.apply(asked(owner=1, tag=looked_at, instrument=1, order_id=9))
    engine.apply(command(CommandType.CANCEL_ORDER, order_id=5, instrument=1))
    for other in (copy.copy(engine), pickle.loads(pickle.dumps(engine))):
        other.check()
        assert other.unfinished() == [1]
        assert dumped(other) == dumped(engine)
        goes_on = command(CommandType.CONTINUE, owner=1)
        assert other.apply(goes_on).tobytes() == copy.copy(engine).apply(goes_on).tobytes()


@pytest.mark.parametrize(
    "change", [{"owner": 0}, {"owner": 4}, {"older": 5}, {"waiting": 6}, {"side": 3}, {"older": 2**32 - 1}], ids=str
)
def test_a_mass_cancel_that_cannot_go_on_so(change: dict[str, int]) -> None:
    engine = engine_with(6)
    engine.apply(asked(owner=1, tag=1, instrument=ALL_INSTRUMENTS))
    records = engine.dump()
    for name, value in change.items():
        records.unfinished[name] = value
    other = engine_with(0)
    with pytest.raises(SnapshotMismatch):
        other.restore(records)
    records = engine.dump()
    with pytest.raises(SnapshotMismatch, match="record 1 of unfinished: the owner has no such orders"):
        other.restore(records._replace(unfinished=np.tile(records.unfinished, 2)))
    other.check()
    assert (len(other), other.unfinished()) == (0, [])
    other.restore(engine.dump())
    assert other.unfinished() == [1]
