"""A state goes into commands and comes out of them: whole, whatever the rules are by then, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pricetime import (
    ALL_INSTRUMENTS,
    COMMAND,
    CommandType,
    Engine,
    Instrument,
    InstrumentState,
    SelfTrade,
    Side,
    TimeInForce,
)
from pricetime.errors import InvalidCommands, InvalidSetting, LevelsFull, OrdersFull, SnapshotMismatch
from pricetime.types import Reason, ReportKind
from tests.books import U64, ask, bid, command, queue, state

NEW, CANCEL, MASS_CANCEL, SET_STATE = (
    CommandType.NEW_ORDER, CommandType.CANCEL_ORDER, CommandType.MASS_CANCEL, CommandType.SET_STATE,
)  # fmt: skip
OPEN, HALTED = InstrumentState


def new(order_id: int, price: int = 100, quantity: int = 10, side: int = 1, **fields: int) -> np.ndarray[Any, Any]:
    return command(NEW, **({"order_id": order_id, "price": price, "quantity": quantity, "side": side} | fields))


def full() -> Engine:
    """Two books, four owners whose orders lie in both."""
    engine = Engine([Instrument(5), Instrument(2)], capacity=40, owner_limit=4)
    for order_id in range(16):
        instrument, owner = 5 if order_id % 3 else 2, order_id % 5
        engine.apply(new(order_id, 100 - order_id % 4, instrument=instrument, owner=owner, tag=order_id, timestamp=7))
    engine.apply(np.concatenate([new(20, 200, side=2, instrument=5), new(21, 201, side=2, instrument=2, owner=1)]))
    engine.book(5).replace_order(1, 98, 20)
    return engine


def restored(commands: np.ndarray[Any, Any], *instruments: Instrument, seq_num: int = 0, **room: Any) -> Engine:
    engine = Engine(instruments, **({"capacity": 40, "owner_limit": 4} | room))
    engine.restore(commands, seq_num)
    engine.check()
    return engine


def test_an_engine_goes_on_as_the_other_does() -> None:
    engine = full()
    other = restored(engine.commands(), Instrument(5), Instrument(2), seq_num=engine.seq_num)
    for number in (2, 5):
        assert state(other.book(number)) == state(engine.book(number))
    asked = np.concatenate([command(MASS_CANCEL, instrument=ALL_INSTRUMENTS, owner=owner) for owner in range(5)])
    assert other.apply(asked).tobytes() == engine.apply(asked).tobytes()


def test_nothing_makes_an_empty_engine() -> None:
    engine = restored(np.zeros(0, COMMAND), Instrument(1), seq_num=7)
    assert (len(engine), engine.seq_num) == (0, 7)
    assert engine.apply(new(1, instrument=1))["seq_num"].tolist() == [8]


@pytest.mark.parametrize("before", InstrumentState)
@pytest.mark.parametrize("after", InstrumentState)
@pytest.mark.parametrize("now", InstrumentState)
@pytest.mark.parametrize("orders", [0, 2])
def test_each_book_is_in_the_state_that_it_was_in(
    before: InstrumentState, after: InstrumentState, now: InstrumentState, orders: int
) -> None:
    """Whatever state its instrument begins with, there and here."""
    engine = Engine([Instrument(1, state=before)], capacity=5)
    book = engine.book(1)
    if orders:
        book.set_state(OPEN)
        bid(book, 1, 10, 5)
        bid(book, 2, 10, 5)
    book.set_state(after)
    other = restored(engine.commands(), Instrument(1, state=now), capacity=5)
    assert state(other.book(1)) == state(book)
    applied = Engine([Instrument(1, state=before)], capacity=5)
    applied.apply(engine.commands())
    assert state(applied.book(1)) == state(book)


def test_orders_stay_that_the_rules_would_refuse_by_now() -> None:
    engine = full()
    rules = Instrument(5, tick_size=7, lot_size=30, low_price=99, high_price=150, order_limit=1)
    other = restored(engine.commands(), rules, Instrument(2, order_limit=2, state=HALTED))
    assert other.digest() == engine.digest()
    [refused] = other.apply(new(50, 105, 30, instrument=5))
    assert (refused["kind"], refused["reason"]) == (ReportKind.REJECTED, Reason.ORDERS_FULL)
    for order in list(other.book(5)):
        other.book(5).cancel_order(order.id)
    assert other.apply(new(50, 105, 30, instrument=5))["kind"].tolist() == [ReportKind.ACCEPTED]
    other.check()


def test_far_more_orders_than_an_instrument_may_have_by_now() -> None:
    """Its table of ids was made for a handful."""
    engine = Engine([Instrument(1)], capacity=1000)
    engine.apply(np.concatenate([new(order_id, order_id % 9, instrument=1) for order_id in range(700)]))
    other = restored(engine.commands(), Instrument(1, order_limit=3), capacity=1000)
    assert other.digest() == engine.digest()
    assert all(order_id in other.book(1) for order_id in range(700))
    assert queue(other.book(1), Side.BID, 4) == queue(engine.book(1), Side.BID, 4)


def test_what_an_order_was_entered_with_comes_along() -> None:
    engine = Engine([Instrument(0)], capacity=5, owner_limit=9)
    given = {"owner": 3, "tag": 2**32 - 1, "timestamp": U64}
    engine.apply(new(U64, -(2**63), 2**63 - 1, flags=SelfTrade.DECREMENT, time_in_force=TimeInForce.POST_ONLY, **given))
    commands = engine.commands()
    assert restored(commands, Instrument(0), capacity=5, owner_limit=9).commands().tobytes() == commands.tobytes()
    row = dict(zip(COMMAND.names or (), commands[0].item(), strict=True))
    assert row == {
        "sequence": 1, "timestamp": U64, "session": 0, "length": 40, "reserved": 0, "type": NEW, "side": 1,
        "time_in_force": TimeInForce.POST_ONLY, "flags": SelfTrade.DECREMENT, "instrument": 0, "order_id": U64,
        "price": -(2**63), "quantity": 2**63 - 1, "owner": 3, "tag": 2**32 - 1,
    }  # fmt: skip


def test_without_chains_the_orders_of_a_book_are_in_priority_order() -> None:
    engine = Engine([Instrument(3), Instrument(1)], capacity=9)
    for order_id, (price, side) in enumerate([(5, 1), (7, 1), (5, 1), (9, 2), (8, 2), (8, 2)]):
        engine.apply(np.concatenate([new(order_id, price, side=side, instrument=number) for number in (1,)]))
    engine.apply(new(9, instrument=3))
    commands = engine.commands()
    assert commands["order_id"].tolist() == [1, 0, 2, 4, 5, 3, 9]
    assert commands["instrument"].tolist() == [1] * 6 + [3]


# ---------------------------------------------------------------------- what does not fit

ROW = {"order_id": 77, "price": 50, "quantity": 5, "side": 1, "instrument": 5}

MISFITS: list[tuple[dict[str, int], type[Exception], str]] = [
    ({"type": 0}, SnapshotMismatch, "neither a new order nor a state"),
    ({"type": CANCEL}, SnapshotMismatch, "neither a new order nor a state"),
    ({"instrument": 3}, SnapshotMismatch, "instrument is unknown"),
    ({"instrument": 2**32 - 1}, SnapshotMismatch, "instrument is unknown"),
    ({"side": 0}, SnapshotMismatch, "no side"),
    ({"side": 3}, SnapshotMismatch, "no side"),
    ({"time_in_force": TimeInForce.IOC}, SnapshotMismatch, "does not rest"),
    ({"time_in_force": TimeInForce.MARKET}, SnapshotMismatch, "does not rest"),
    ({"flags": 7}, SnapshotMismatch, "self-trade mode"),
    ({"quantity": 0}, SnapshotMismatch, "invalid quantity"),
    ({"quantity": 2**63}, SnapshotMismatch, "invalid quantity"),
    ({"order_id": 1}, SnapshotMismatch, "order id is in use"),
    ({"type": SET_STATE, "flags": 2}, SnapshotMismatch, "state is unknown"),
    ({"price": 200}, SnapshotMismatch, "crossed"),
]


@pytest.mark.parametrize(("fields", "error", "message"), MISFITS)
def test_what_does_not_fit_leaves_the_engine_as_it_was_made(
    fields: dict[str, int], error: type[Exception], message: str
) -> None:
    misfit = command(NEW, **ROW)
    for name, value in fields.items():
        misfit[name] = value
    engine = Engine([Instrument(5, state=HALTED, order_limit=3), Instrument(2)], capacity=40, owner_limit=4)
    before = [state(engine.book(number)) for number in (2, 5)]
    with pytest.raises(error, match=message):
        engine.restore(np.concatenate([full().commands(), misfit]), 9)
    assert [state(engine.book(number)) for number in (2, 5)] == before
    assert engine.seq_num == 0
    engine.restore(full().commands(), 9)  # and it may be tried again
    assert engine.digest() == full().digest()
    engine.check()


@pytest.mark.parametrize(
    ("room", "error"), [({"capacity": 5}, OrdersFull), ({"level_capacity": 4}, LevelsFull)], ids=["orders", "levels"]
)
def test_there_must_be_room(room: dict[str, Any], error: type[Exception]) -> None:
    engine = Engine([Instrument(5, order_limit=1), Instrument(2)], **({"capacity": 40} | room))
    with pytest.raises(error, match="larger"):
        engine.restore(full().commands())
    assert len(engine) == 0
    engine.check()


def test_quantities_that_add_up_to_too_much() -> None:
    engine = Engine([Instrument(5)], capacity=5)
    orders = np.concatenate([new(n, quantity=2**63 - 1, instrument=5) for n in range(3)])
    with pytest.raises(SnapshotMismatch, match=r"command 2, of order 2.*too much"):
        engine.restore(orders)
    assert len(engine) == 0


def test_an_engine_that_has_orders_keeps_them() -> None:
    engine = full()
    before = engine.commands().tobytes()
    with pytest.raises(SnapshotMismatch, match="18 orders are in this engine"):
        engine.restore(engine.commands())
    assert engine.commands().tobytes() == before


def test_arguments() -> None:
    engine = Engine([Instrument(5)], capacity=5)
    wrong: list[Any] = [None, np.zeros(3, np.uint8), np.zeros(4, COMMAND)[::2]]
    for commands in wrong:
        with pytest.raises(InvalidCommands):
            engine.restore(commands)
    numbers: list[Any] = [-1, 2**64, 1.0, None]
    for seq_num in numbers:
        with pytest.raises(InvalidSetting, match="seq_num"):
            engine.restore(np.zeros(0, COMMAND), seq_num)
    engine.restore(np.zeros(0, COMMAND), U64)
    assert engine.seq_num == U64


def test_the_commands_of_one_book_of_several() -> None:
    """Orders of other books lie between those of an owner, before and behind."""
    engine = full()
    for number in (2, 5):
        other = restored(engine.book(number).commands(), Instrument(number))
        assert state(other.book(number))[:-1] == state(engine.book(number))[:-1]
        asked = np.concatenate([command(MASS_CANCEL, instrument=number, owner=owner) for owner in range(5)])
        taken, expected = other.apply(asked), engine.apply(asked)
        assert taken["order_id"].tolist() == expected["order_id"].tolist()


def test_a_long_queue_and_a_long_chain_need_no_depth() -> None:
    """One owner, one price, then every order moved to a second level, the newest first."""
    n = 3000
    engine = Engine([Instrument(0)], capacity=n, owner_limit=3)
    engine.apply(np.concatenate([new(order_id, 5, owner=1 + order_id % 2) for order_id in range(n)]))
    for order_id in reversed(range(0, n, 3)):
        engine.book(0).replace_order(order_id, 6, 10)
    other = restored(engine.commands(), Instrument(0), capacity=n)
    assert other.commands().tobytes() == engine.commands().tobytes()
    asked = np.concatenate([command(MASS_CANCEL, owner=owner) for owner in (1, 2)])
    assert other.apply(asked)["order_id"].tolist() == engine.apply(asked)["order_id"].tolist()


def test_an_ask_alone_crosses_nothing() -> None:
    engine = Engine([Instrument(0)], capacity=5)
    ask(engine.book(0), 1, 5, 5)
    assert restored(engine.commands(), Instrument(0)).digest() == engine.digest()
