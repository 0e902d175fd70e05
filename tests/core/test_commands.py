"""Command arrays: what each field may hold, how a command is refused, and which arrays are taken at all."""

from typing import Any

import numpy as np
import pytest

from pricetime import COMPILED, OrderBook
from pricetime.errors import InvalidCommands
from pricetime.types import COMMAND, CommandType, Instruction, OrderType, Reason, ReportKind, Side, TimeInForce
from tests.books import U64, ask, bid, command, ladder, reports_of, state

NEW, CANCEL, REPLACE, REDUCE, REPLACE_AS = list(CommandType)[:5]
ADD = {"order_id": 50, "side": 1, "price": 100, "quantity": 5}


@pytest.fixture
def book() -> OrderBook:
    book = OrderBook(6, level_capacity=4)
    bid(book, 1, 100, 10, owner=1)
    bid(book, 2, 100, 2**63 - 1)
    bid(book, 3, 99, 10, post_only=True)
    ask(book, 4, 110, 10)
    return book


REFUSED: list[tuple[CommandType | int, dict[str, int], Reason]] = [
    (0, ADD, Reason.UNKNOWN_COMMAND),
    (9, ADD, Reason.UNKNOWN_COMMAND),
    (16, ADD, Reason.UNKNOWN_COMMAND),
    (255, ADD, Reason.UNKNOWN_COMMAND),
    (NEW, {**ADD, "instrument": 1}, Reason.UNKNOWN_INSTRUMENT),
    (NEW, {**ADD, "instrument": 2**32 - 1}, Reason.UNKNOWN_INSTRUMENT),
    (CANCEL, {"order_id": 1, "instrument": 7}, Reason.UNKNOWN_INSTRUMENT),
    (255, {"instrument": 7}, Reason.UNKNOWN_INSTRUMENT),
    *((NEW, {**ADD, "side": side}, Reason.INVALID_SIDE) for side in (0, 3, 255)),
    *((NEW, {**ADD, "order_type": kind}, Reason.INVALID_ORDER_TYPE) for kind in (5, 255)),
    *((NEW, {**ADD, "order_type": kind}, Reason.INVALID_TRIGGER_PRICE) for kind in list(OrderType)[3:]),
    *((NEW, {**ADD, "time_in_force": tif}, Reason.INVALID_TIME_IN_FORCE) for tif in (6, 255)),
    (NEW, {**ADD, "time_in_force": TimeInForce.GFA}, Reason.NOT_IN_PHASE),
    (NEW, {**ADD, "time_in_force": TimeInForce.GTD}, Reason.INVALID_EXPIRY),
    *((NEW, {**ADD, "instructions": bits}, Reason.INVALID_INSTRUCTION) for bits in (6, 7, 9, 10, 16, 32, 64, 127)),
    (NEW, {**ADD, "instructions": Instruction.ALL_OR_NONE}, Reason.NOT_SUPPORTED),
    *((NEW, {**ADD, "flags": flags}, Reason.INVALID_SELF_TRADE) for flags in (7, 8, 9, 128, 255)),
    *((NEW, {**ADD, "quantity": size}, Reason.INVALID_QUANTITY) for size in (0, 2**63, 2**64 - 5, U64)),
    *((REDUCE, {"order_id": 1, "quantity": size}, Reason.INVALID_QUANTITY) for size in (0, 2**63, U64)),
    *((REPLACE, {"order_id": 1, "price": 1, "quantity": size}, Reason.INVALID_QUANTITY) for size in (0, 2**63, U64)),
    (REPLACE_AS, {"order_id": 1, "price": 1, "quantity": 0, "owner": 9}, Reason.INVALID_QUANTITY),
    (NEW, {**ADD, "order_id": 1}, Reason.DUPLICATE_ORDER_ID),
    (NEW, {**ADD, "order_id": 1, "price": 110}, Reason.DUPLICATE_ORDER_ID),
    (NEW, {**ADD, "order_id": 4, "order_type": OrderType.MARKET}, Reason.DUPLICATE_ORDER_ID),
    (REPLACE_AS, {"order_id": 1, "price": 100, "quantity": 1, "owner": 2}, Reason.DUPLICATE_ORDER_ID),
    (CANCEL, {"order_id": 77}, Reason.UNKNOWN_ORDER),
    (CANCEL, {"order_id": 1, "owner": 2}, Reason.UNKNOWN_ORDER),
    (CANCEL, {"order_id": 2, "owner": 2}, Reason.UNKNOWN_ORDER),
    (REDUCE, {"order_id": 77, "quantity": 1}, Reason.UNKNOWN_ORDER),
    (REDUCE, {"order_id": 1, "quantity": 1, "owner": 2}, Reason.UNKNOWN_ORDER),
    (REPLACE, {"order_id": 77, "price": 100, "quantity": 1}, Reason.UNKNOWN_ORDER),
    (REPLACE, {"order_id": 1, "price": 100, "quantity": 1, "owner": 2}, Reason.UNKNOWN_ORDER),
    (REPLACE_AS, {"order_id": 77, "price": 100, "quantity": 1, "owner": 9}, Reason.UNKNOWN_ORDER),
    (NEW, {**ADD, "price": 110, "instructions": Instruction.POST_ONLY}, Reason.WOULD_CROSS),
    (REPLACE, {"order_id": 3, "price": 110, "quantity": 1}, Reason.WOULD_CROSS),
    (REPLACE_AS, {"order_id": 3, "price": 110, "quantity": 1, "owner": 9}, Reason.WOULD_CROSS),
    (NEW, {**ADD, "quantity": 2**63 - 1}, Reason.LEVEL_QUANTITY_FULL),
    (REPLACE, {"order_id": 3, "price": 100, "quantity": 2**63 - 1}, Reason.LEVEL_QUANTITY_FULL),
]


@pytest.mark.parametrize(("kind", "fields", "reason"), REFUSED)
def test_a_command_is_refused(book: OrderBook, kind: CommandType | int, fields: dict[str, int], reason: Reason) -> None:
    before = state(book)
    refused = command(CommandType.NEW_ORDER, **fields)
    refused["type"] = kind
    reports = book.apply(refused)
    assert [(r.kind, r.reason, r.order_id) for r in reports_of(reports)] == [
        (ReportKind.REJECTED, reason, fields.get("order_id", 0))
    ]
    assert reports["instrument"].tolist() == [fields.get("instrument", 0)]
    assert state(book) == before


def test_fields_that_a_book_does_not_read_change_nothing(book: OrderBook) -> None:
    noise = {"sequence": U64, "session": 7, "length": 3}
    book.apply(command(NEW, **ADD, **noise, timestamp=77, tag=5))
    assert book.order(50).timestamp == 77
    book.apply(
        command(
            CANCEL,
            order_id=50,
            side=9,
            order_type=9,
            time_in_force=9,
            instructions=255,
            flags=255,
            price=-1,
            quantity=0,
            **noise,
        )
    )
    assert 50 not in book


def two_orders() -> np.ndarray[Any, Any]:
    commands = np.zeros(2, COMMAND)
    commands["type"], commands["side"], commands["quantity"] = NEW, Side.BID, 5
    commands["order_id"] = [60, 61]
    return commands


def wrong_arrays() -> dict[str, Any]:
    good = two_orders()
    spaced = np.zeros(4, COMMAND)
    spaced[::2] = good
    wider = np.zeros(2, [*COMMAND.descr, ("more", "u1")])
    pairs = np.zeros(2, [("one", COMMAND), ("two", COMMAND)])
    renamed = good.view([("x" + name, COMMAND[name]) for name in COMMAND.names or ()])
    return {
        "other dtype": np.zeros(64, np.uint8),
        "floats": np.zeros(2),
        "objects": np.array([None, None]),
        "reports": np.zeros(2, "V48"),
        "raw bytes of the size": good.view("V64"),
        "other names": renamed,
        "wider": wider,
        "byte order": good.astype(COMMAND.newbyteorder(">")),
        "two dimensions": good.reshape(1, 2),
        "no dimension": good[0],
        "zero-dimensional": good[0:1].reshape(()),
        "spaced": spaced[::2],
        "backwards": good[::-1],
        "a column": pairs["one"],
        "broadcast": np.broadcast_to(good[:1], 2),
        "list": good.tolist(),
        "list of arrays": [good],
        "bytes": good.tobytes(),
        "memoryview": memoryview(good.tobytes()),
        "none": None,
        "number": 5,
        "text": "commands",
    }


@pytest.mark.parametrize("kind", wrong_arrays())
def test_a_wrong_array_is_refused(book: OrderBook, kind: str) -> None:
    before = state(book)
    with pytest.raises(InvalidCommands, match=r"pricetime\.COMMAND|contiguous"):
        book.apply(wrong_arrays()[kind])
    assert state(book) == before
    assert len(book.apply(command(CANCEL, order_id=1))) == 1  # and the book serves on


def test_an_array_may_be_read_only_a_subclass_a_slice_or_unaligned() -> None:
    good = two_orders()
    read_only = good.copy()
    read_only.flags.writeable = False
    padded = np.zeros(4, COMMAND)
    padded[1:3] = good
    arrays = [
        good,
        read_only,
        padded[1:3],
        good.view(np.recarray),
        np.frombuffer(good.tobytes(), COMMAND),
        np.frombuffer(b"?" + good.tobytes(), COMMAND, offset=1),
        good.reshape(2, 1)[:, 0],
    ]
    for array in arrays:
        book = OrderBook(6)
        assert len(book.apply(array)) == 2
        assert ladder(book) == ([(0, 10, 2)], [])
        assert array.tobytes() == good.tobytes()


@pytest.mark.parametrize("owners", [1, 7])
def test_a_long_run_over_very_many_levels(monkeypatch: pytest.MonkeyPatch, owners: int) -> None:
    """More orders and levels than the cache holds, where a run looks further ahead; orders of every kind among them."""
    n = 40_000
    if not COMPILED:  # there the numbers that count as many can be changed
        n = 400
        monkeypatch.setattr("pricetime.core.book.MANY_LEVELS", 300)
        monkeypatch.setattr("pricetime.core.book.MANY_ORDERS", 300)
        monkeypatch.setattr("pricetime.core.book.MANY_IDS", 256)
    rng = np.random.default_rng(1)
    commands = np.zeros(n, COMMAND)
    commands["type"], commands["quantity"], commands["order_id"] = NEW, 1 + np.arange(n) % 5, np.arange(n)
    commands["side"], commands["owner"] = 1 + np.arange(n) % 2, np.arange(n) % owners
    away = rng.permutation(n)
    commands["price"] = np.where(commands["side"] == Side.BID, -1 - away, 1 + away)
    book = OrderBook(n + 4)
    assert set(book.apply(commands)["kind"].tolist()) == {ReportKind.ACCEPTED}
    mixed = np.concatenate([commands[:200], commands[:200], commands[:200]])
    mixed["type"][:400] = np.resize([CANCEL, NEW, REDUCE], 400)
    mixed["side"][-1] = 9
    expected = [ReportKind.CANCELLED, ReportKind.REJECTED, ReportKind.REDUCED]
    kinds = book.apply(mixed)["kind"]
    assert kinds[:200].tolist() == np.resize(expected, 200).tolist()
    assert kinds[-1] == ReportKind.REJECTED
    gone = {int(order_id) for order_id in commands["order_id"]} - {order.id for order in book}
    bids, asks = ladder(book)
    left = {int(c["order_id"]): int(c["price"]) for c in commands if int(c["order_id"]) not in gone}
    assert [level[0] for level in asks] == sorted(price for price in left.values() if price > 0)
    assert [level[0] for level in bids] == sorted((price for price in left.values() if price < 0), reverse=True)
    assert len(left) == len(book) > n - 200
    between = commands[:4].copy()
    between["order_id"], between["price"], between["owner"] = n + np.arange(4), 0, [8, 8, 8, 9]
    between["side"], between["quantity"] = [Side.ASK, Side.ASK, Side.ASK, Side.BID], [1, 1, 1, 3]
    trades = book.apply(between)[4:]
    assert (trades["maker_id"] - n).tolist() == [0, 1, 2]
    book.check()
