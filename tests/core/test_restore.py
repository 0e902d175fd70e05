"""A state goes into records and comes out of them: whole, whatever the rules are by then, or not at all."""

from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, COMPILED, CommandType, Engine, Instrument, Phase, SelfTrade, Side, TimeInForce
from pricetime.errors import InvalidRecords, InvalidSetting, LevelsFull, OrdersFull, RefreshesFull, SnapshotMismatch
from pricetime.phases import PHASES
from pricetime.profiles import Venue
from pricetime.types import (
    INSTRUMENT_STATE,
    RESTING_ORDER,
    UNFINISHED_CANCEL,
    BookRecords,
    Instruction,
    OrderType,
    PriceKind,
    Reason,
    ReportKind,
)
from tests.books import U64, ask, bid, command, dumped, queue, state

NEW, MASS_CANCEL = CommandType.NEW_ORDER, CommandType.MASS_CANCEL
AT_LEVEL, IN_CALL, AT_TRIGGER, FOR_OPEN, FOR_CLOSE, FOR_WHOLE = range(6)
NOTHING = BookRecords(*(np.zeros(0, dtype) for dtype in (INSTRUMENT_STATE, RESTING_ORDER, UNFINISHED_CANCEL)))
CONTINUOUS, HALTED = Phase.CONTINUOUS, Phase.HALTED


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


def restored(records: BookRecords, *instruments: Instrument, seq_num: int = 0, **room: Any) -> Engine:
    engine = Engine(instruments, **({"capacity": 40, "owner_limit": 4} | room))
    engine.restore(records, seq_num)
    engine.check()
    return engine


def test_nothing_makes_an_empty_engine() -> None:
    engine = restored(NOTHING, Instrument(1), seq_num=7)
    assert (len(engine), engine.seq_num) == (0, 7)
    assert engine.apply(new(1, instrument=1))["seq_num"].tolist() == [8]


@pytest.mark.parametrize("before", Phase)
@pytest.mark.parametrize("after", Phase)
@pytest.mark.parametrize("now", Phase)
@pytest.mark.parametrize("orders", [0, 2])
def test_each_book_is_in_the_phase_that_it_was_in(before: Phase, after: Phase, now: Phase, orders: int) -> None:
    """Whatever phase its instrument begins with, there and here."""
    engine = Engine([Instrument(1, phase=before)], capacity=5)
    book = engine.book(1)
    if orders:
        if before in (HALTED, Phase.CLOSED):
            book.set_phase(CONTINUOUS)
        bid(book, 1, 10, 5)
        bid(book, 2, 10, 5)
    ends = PHASES[book.phase].collects and PHASES[after].matches
    engine.apply(command(CommandType.UNCROSS if ends else CommandType.SET_PHASE, instrument=1, flags=after))
    assert book.phase == after
    other = restored(engine.dump(), Instrument(1, phase=now), capacity=5)
    assert state(other.book(1)) == state(book)


def test_orders_stay_that_the_rules_would_refuse_by_now() -> None:
    engine = full()
    rules = Instrument(5, tick_size=7, lot_size=30, low_price=99, high_price=150, order_limit=1)
    other = restored(engine.dump(), rules, Instrument(2, order_limit=2, phase=HALTED))
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
    other = restored(engine.dump(), Instrument(1, order_limit=3), capacity=1000)
    assert other.digest() == engine.digest()
    assert all(order_id in other.book(1) for order_id in range(700))
    assert queue(other.book(1), Side.BID, 4) == queue(engine.book(1), Side.BID, 4)


def test_an_instrument_without_a_record_keeps_its_phase() -> None:
    other = restored(full().dump(), Instrument(5, phase=HALTED), Instrument(2), Instrument(7, phase=HALTED))
    assert [other.phase(number) for number in (2, 5, 7)] == [CONTINUOUS, CONTINUOUS, HALTED]


def test_what_an_order_was_entered_with_comes_along() -> None:
    engine = Engine([Instrument(0)], capacity=5, owner_limit=9)
    given = {"owner": 3, "tag": 2**32 - 1, "timestamp": U64, "instructions": Instruction.POST_ONLY}
    engine.apply(new(U64, -(2**63), 2**63 - 1, flags=SelfTrade.DECREMENT, **given))
    records = engine.dump()
    assert dumped(restored(records, Instrument(0), capacity=5, owner_limit=9)) == dumped(engine)
    assert dict(zip(RESTING_ORDER.names or (), records.resting[0].item(), strict=True)) == {
        "timestamp": U64, "order_id": U64, "reference": 1, "price": -(2**63), "remaining": 2**63 - 1, "owner": 3,
        "tag": 2**32 - 1, "instrument": 0, "side": 1, "time_in_force": TimeInForce.GTC,
        "self_trade": SelfTrade.DECREMENT, "order_type": OrderType.LIMIT, "instructions": Instruction.POST_ONLY,
        "place": 0, "zero": 0, "protection": 0, "trigger_price": 0, "display_quantity": 0, "hidden_quantity": 0,
        "expiry_ns": 0, "filled": 0, "entered": 0,
    }  # fmt: skip
    assert records.instruments.tolist() == [(0, CONTINUOUS, *[0] * 12)]
    assert len(records.unfinished) == 0


def test_without_owners_the_orders_of_a_book_are_in_priority_order() -> None:
    engine = Engine([Instrument(3), Instrument(1)], capacity=9)
    for order_id, (price, side) in enumerate([(5, 1), (7, 1), (5, 1), (9, 2), (8, 2), (8, 2)]):
        engine.apply(new(order_id, price, side=side, instrument=1))
    engine.apply(new(9, instrument=3))
    orders = engine.dump().resting
    assert orders["order_id"].tolist() == [1, 0, 2, 4, 5, 3, 9]
    assert orders["instrument"].tolist() == [1] * 6 + [3]


# ---------------------------------------------------------------------- what does not fit

ORDER = {"order_id": 77, "price": 50, "remaining": 5, "side": 1, "instrument": 5}

MISFITS: list[tuple[str, dict[str, int], str]] = [
    ("resting", {"instrument": 3}, "instrument is unknown"),
    ("resting", {"instrument": 2**32 - 1}, "instrument is unknown"),
    ("resting", {"side": 0}, "no side"),
    ("resting", {"side": 3}, "no side"),
    ("resting", {"time_in_force": TimeInForce.IOC}, "not in this place"),
    ("resting", {"time_in_force": TimeInForce.FOK}, "not in this place"),
    ("resting", {"time_in_force": 6}, "not in this place"),
    ("resting", {"time_in_force": TimeInForce.DAY}, "entry number"),
    ("resting", {"time_in_force": TimeInForce.DAY, "entered": 1}, "entry number"),  # more than were given
    ("resting", {"entered": 1}, "entry number"),
    ("resting", {"order_type": OrderType.MARKET}, "not in this place"),
    ("resting", {"order_type": 5, "place": FOR_OPEN}, "not in this place"),
    ("resting", {"instructions": 16}, "not in this place"),
    ("resting", {"instructions": Instruction.ALL_OR_NONE}, "not in this place"),
    ("resting", {"place": 6}, "not in this place"),
    ("resting", {"place": IN_CALL}, "not in this place"),
    ("resting", {"place": AT_TRIGGER}, "not in this place"),
    ("resting", {"place": FOR_OPEN}, "not in this place"),
    ("resting", {"place": FOR_CLOSE}, "not in this place"),
    ("resting", {"place": FOR_WHOLE}, "not in this place"),
    ("resting", {"place": IN_CALL, "order_type": OrderType.MARKET, "price": 1, "entered": 1}, "without a price"),
    ("resting", {"place": IN_CALL, "order_type": OrderType.MARKET, "price": 0, "entered": 1}, "were collected"),
    ("resting", {"place": AT_TRIGGER, "order_type": OrderType.STOP_LIMIT, "entered": 1}, "hidden lots"),
    ("resting", {"self_trade": 7}, "self-trade mode"),
    ("resting", {"remaining": 0}, "invalid quantity"),
    ("resting", {"remaining": 2**63}, "invalid quantity"),
    ("resting", {"trigger_price": -1}, "trigger price and protection"),
    ("resting", {"protection": 1}, "trigger price and protection"),
    ("resting", {"display_quantity": 1}, "entry number"),
    ("resting", {"hidden_quantity": 1}, "hidden lots"),
    ("resting", {"display_quantity": 1, "hidden_quantity": 5, "entered": 1}, "hidden lots"),
    ("resting", {"expiry_ns": 1}, "expiry time"),
    ("resting", {"time_in_force": TimeInForce.GTD}, "expiry time"),
    ("resting", {"zero": 1}, "must be 0"),
    ("resting", {"place": IN_CALL, "order_type": 1, "price": 0, "entered": 1, "display_quantity": 1}, "hidden lots"),
    ("resting", {"order_id": 1}, "order id is in use"),
    ("resting", {"price": 200}, "crossed"),
    ("instruments", {"instrument": 5, "phase": 7}, "phase is unknown"),
    ("instruments", {"instrument": 3}, "instrument is unknown"),
    ("instruments", {"instrument": 5, "has": 64}, "must be 0"),
    ("instruments", {"instrument": 5, "has": 128}, "must be 0"),
    ("instruments", {"instrument": 5, "surplus_side": 3}, "the surplus of its auction"),
    ("instruments", {"instrument": 5, "zero": 1}, "must be 0"),
]


@pytest.mark.parametrize(("part", "fields", "message"), MISFITS)
def test_what_does_not_fit_leaves_the_engine_as_it_was_made(part: str, fields: dict[str, int], message: str) -> None:
    records = full().dump()
    known = getattr(records, part)
    misfit = np.zeros(1, known.dtype)
    for name, value in ((ORDER | fields) if part == "resting" else fields).items():
        misfit[name] = value
    engine = Engine([Instrument(5, phase=HALTED, order_limit=3), Instrument(2)], capacity=40, owner_limit=4)
    before = [state(engine.book(number)) for number in (2, 5)]
    with pytest.raises(SnapshotMismatch, match=message):
        engine.restore(records._replace(**{part: np.concatenate([known, misfit])}), 9)
    assert [state(engine.book(number)) for number in (2, 5)] == before
    assert engine.seq_num == 0
    engine.restore(records, 9)  # and it may be tried again
    assert engine.digest() == full().digest()
    engine.check()


@pytest.mark.parametrize(
    ("room", "error"), [({"capacity": 5}, OrdersFull), ({"level_capacity": 4}, LevelsFull)], ids=["orders", "levels"]
)
def test_there_must_be_room(room: dict[str, Any], error: type[Exception]) -> None:
    engine = Engine([Instrument(5, order_limit=1), Instrument(2)], **({"capacity": 40} | room))
    with pytest.raises(error, match="larger"):
        engine.restore(full().dump())
    assert len(engine) == 0
    engine.check()


def test_quantities_that_add_up_to_too_much() -> None:
    engine = Engine([Instrument(5)], capacity=5)
    orders = np.zeros(3, RESTING_ORDER)
    orders["order_id"], orders["remaining"], orders["side"], orders["instrument"] = range(3), 2**63 - 1, 1, 5
    with pytest.raises(SnapshotMismatch, match=r"record 2 of resting.*too much"):
        engine.restore(NOTHING._replace(resting=orders))
    assert len(engine) == 0


def test_an_engine_that_has_orders_keeps_them() -> None:
    engine = full()
    before = dumped(engine)
    with pytest.raises(SnapshotMismatch, match="18 orders are in this engine"):
        engine.restore(engine.dump())
    assert dumped(engine) == before


def test_arguments() -> None:
    engine = Engine([Instrument(5)], capacity=5)
    none: Any = None
    wrong: list[Any] = [None, tuple(NOTHING), NOTHING._replace(resting=none)]
    wrong += [NOTHING._replace(instruments=np.zeros(3, np.uint8)), NOTHING._replace(unfinished=np.zeros(3, COMMAND))]
    wrong += [NOTHING._replace(resting=np.zeros(4, RESTING_ORDER)[::2])]
    for records in wrong:
        with pytest.raises(InvalidRecords):
            engine.restore(records)
    numbers: list[Any] = [-1, 2**64, 1.0, None]
    for seq_num in numbers:
        with pytest.raises(InvalidSetting, match="seq_num"):
            engine.restore(NOTHING, seq_num)
    engine.restore(NOTHING, U64)
    assert engine.seq_num == U64


def test_a_long_queue_and_a_long_chain_need_no_depth() -> None:
    """One owner, one price, then every order moved to a second level, the newest first."""
    n = 3000 if COMPILED else 1200
    engine = Engine([Instrument(0)], capacity=n, owner_limit=3)
    engine.apply(np.concatenate([new(order_id, 5, owner=1 + order_id % 2) for order_id in range(n)]))
    for order_id in reversed(range(0, n, 3)):
        engine.book(0).replace_order(order_id, 6, 10)
    other = restored(engine.dump(), Instrument(0), capacity=n)
    assert dumped(other) == dumped(engine)
    asked = np.concatenate([command(MASS_CANCEL, owner=owner) for owner in (1, 2)])
    assert other.apply(asked)["order_id"].tolist() == engine.apply(asked)["order_id"].tolist()


def test_an_ask_alone_crosses_nothing() -> None:
    engine = Engine([Instrument(0)], capacity=5)
    ask(engine.book(0), 1, 5, 5)
    assert restored(engine.dump(), Instrument(0)).digest() == engine.digest()


def test_prices_that_commands_set_come_along() -> None:
    engine = Engine([Instrument(1, low_price=5, high_price=500)], capacity=5)
    prices = {PriceKind.REFERENCE: 100, PriceKind.LAST: 101, PriceKind.LOW: 90, PriceKind.HIGH: 110}
    for kind, price in prices.items():
        engine.apply(command(CommandType.SET_PRICE, instrument=1, flags=kind, price=price))
    records = engine.dump()
    assert records.instruments.tolist() == [(1, CONTINUOUS, 2 + 4 + 8 + 16, 0, 0, 0, 100, 101, 90, 110, *[0] * 4)]
    for instrument in (Instrument(1), Instrument(1, low_price=95, high_price=96)):
        other = restored(records, instrument)
        assert dumped(other) == dumped(engine)
        outside = [new(1, 89, instrument=1), new(2, 111, instrument=1), new(3, 110, instrument=1, side=2)]
        reasons = [int(other.apply(row)["reason"][0]) for row in outside]
        assert reasons == [Reason.PRICE_OUTSIDE_BAND, Reason.PRICE_OUTSIDE_BAND, Reason.NONE]


def test_an_end_of_the_band_without_a_command_is_that_of_the_instrument() -> None:
    engine = Engine([Instrument(1, low_price=5, high_price=500)], capacity=5)
    engine.apply(command(CommandType.SET_PRICE, instrument=1, flags=PriceKind.LOW, price=90))
    other = restored(engine.dump(), Instrument(1, low_price=1, high_price=600))
    reasons = [int(other.apply(new(n, price, instrument=1))["reason"][0]) for n, price in enumerate((89, 90, 600, 601))]
    assert reasons == [Reason.PRICE_OUTSIDE_BAND, Reason.NONE, Reason.NONE, Reason.PRICE_OUTSIDE_BAND]


def test_more_refreshes_than_the_engine_may_have_by_now() -> None:
    engine = Engine([Instrument(1)], capacity=5)
    engine.book(1).add_order(1, Side.BID, 100, 50, display_quantity=5)
    other = Engine([Instrument(1)], capacity=5, refresh_limit=8)
    with pytest.raises(RefreshesFull, match="refresh_limit"):
        other.restore(engine.dump())
    assert len(other) == 0
    other.check()


def test_two_orders_with_one_entry_number() -> None:
    engine = Engine([Instrument(1)], capacity=5)
    for order_id in (1, 2):
        engine.book(1).add_order(order_id, Side.BID, 100, 50, time_in_force=TimeInForce.DAY)
    records = engine.dump()
    records.resting["entered"] = 1
    with pytest.raises(SnapshotMismatch, match="same entry number"):
        restored(records, Instrument(1))


def test_orders_for_the_day_come_in_the_order_of_their_entry() -> None:
    engine = Engine([Instrument(1)], capacity=5)
    for order_id in (1, 2):
        engine.book(1).add_order(order_id, Side.BID, 100 + order_id, 50, time_in_force=TimeInForce.DAY)
    records = engine.dump()
    with pytest.raises(SnapshotMismatch, match=r"record 1 of resting: .*entry number"):
        restored(records._replace(resting=records.resting[::-1].copy()), Instrument(1))


def test_more_orders_that_end_than_an_instrument_may_have_by_now() -> None:
    engine = Engine([Instrument(1)], capacity=100)
    for order_id in range(60):
        kinds = {"time_in_force": TimeInForce.GTD, "expiry_ns": 1000 - order_id % 7}
        engine.book(1).add_order(order_id, Side.BID, 100, 5, **kinds)  # type: ignore[arg-type]
    other = restored(engine.dump(), Instrument(1, order_limit=3), seq_num=engine.seq_num, capacity=100)
    late = command(CommandType.EXPIRE, instrument=1, quantity=2000)
    assert other.apply(late).tobytes() == engine.apply(late).tobytes()
    other.check()


@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.DAY])
def test_lots_that_have_traded_are_not_counted_under_rules_that_do_not_need_it(time_in_force: TimeInForce) -> None:
    engine = Engine([Instrument(1, venue=Venue(replace_total=True))], capacity=40, owner_limit=4)
    engine.apply(
        np.concatenate([new(1, instrument=1, time_in_force=time_in_force), new(2, side=2, quantity=4, instrument=1)])
    )
    records = engine.dump()
    assert records.resting["filled"].tolist() == [4]
    after = restored(records, Instrument(1), seq_num=engine.seq_num)
    assert after.dump().resting["filled"].tolist() == [0]
    after.book(1).cancel_order(1)
    after.check()


def test_the_states_of_all_instruments_are_a_part_of_the_dump() -> None:
    engine = full()
    engine.set_phase(2, HALTED)
    states = engine.states()
    assert states.tobytes() == engine.dump().instruments.tobytes()
    assert states["phase"].tolist() == [HALTED, CONTINUOUS]
