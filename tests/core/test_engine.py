"""Many instruments behind one ``apply``: books of their own over one pool of orders."""

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

from pricetime import ALL_INSTRUMENTS, Engine, Instrument, OrderBook, Phase, ReplacePolicy, SelfTrade, TimeInForce
from pricetime.core.instrument import MAX_INSTRUMENTS
from pricetime.errors import (
    DuplicateOrderId,
    InvalidCommands,
    InvalidPhase,
    InvalidPrice,
    InvalidQuantity,
    InvalidSetting,
    OrdersFull,
    UnknownInstrument,
    UnknownOrder,
)
from pricetime.types import COMMAND, ORDER_EXTENSION, CommandType, Reason, ReportKind
from tests.books import ask, bid, command, dumped, reports_of

NEW, CANCEL, REPLACE, REDUCE, REPLACE_AS = list(CommandType)[:5]


def new(instrument: int, order_id: int, side: int, price: int, quantity: int, **more: int) -> np.ndarray[Any, Any]:
    given = {"instrument": instrument, "order_id": order_id, "side": side, "price": price, "quantity": quantity}
    return command(NEW, **given, **more)


def answer(engine: Engine, commands: np.ndarray[Any, Any]) -> list[tuple[Any, ...]]:
    return [(r.kind, r.reason) for r in reports_of(engine.apply(commands))]


def test_reports_say_which_instrument_and_are_numbered_together() -> None:
    engine = Engine([Instrument(0), Instrument(1_048_575)], capacity=10)
    reports = engine.apply(np.concatenate([new(0, 1, 2, 100, 5), new(1_048_575, 1, 1, 100, 5), new(7, 1, 1, 1, 1)]))
    assert reports["instrument"].tolist() == [0, 1_048_575, 7]
    assert reports["seq_num"].tolist() == [1, 2, 3]
    assert reports["reason"].tolist() == [0, 0, Reason.UNKNOWN_INSTRUMENT]


def test_which_command_made_which_report() -> None:
    engine = Engine([Instrument(0), Instrument(1)], capacity=10)
    extended = new(1, 5, 1, 90, 9, instructions=128)
    more = np.zeros(1, ORDER_EXTENSION)
    more["type"], more["display_quantity"] = CommandType.ORDER_EXTENSION, 3
    commands = [new(0, 1, 2, 100, 5), new(0, 2, 1, 100, 2), new(7, 3, 1, 1, 1), extended, more.view(COMMAND)]
    reports, ends = engine.apply_with_ends(np.concatenate(commands))
    assert ends.tolist() == [1, 3, 4, 4, 5]
    assert reports["order_id"].tolist() == [1, 2, 2, 3, 5]
    assert reports["seq_num"].tolist() == [1, 2, 3, 4, 5]
    same = Engine([Instrument(0), Instrument(1)], capacity=10)
    assert (same.apply(np.concatenate(commands)) == reports).all()
    empty, none = engine.apply_with_ends(np.zeros(0, COMMAND))
    assert (len(empty), len(none)) == (0, 0)
    with pytest.raises(InvalidCommands):
        engine.apply_with_ends([1, 2])  # type: ignore[arg-type]


def test_the_ends_of_commands_that_need_more_room() -> None:
    """Icebergs of many slices: their reports fit no block that is made before they trade."""
    engine = Engine([Instrument(0)], capacity=10)
    icebergs = []
    for order_id in (1, 2, 3):
        more = np.zeros(1, ORDER_EXTENSION)
        more["type"], more["display_quantity"] = CommandType.ORDER_EXTENSION, 1
        icebergs += [new(0, order_id, 2, 100, 900, instructions=128), more.view(COMMAND)]
        icebergs.append(new(0, 10 + order_id, 1, 100, 900))
    reports, ends = engine.apply_with_ends(np.concatenate(icebergs))
    taken = reports["kind"] == ReportKind.TRADE
    assert np.add.reduceat(taken, [0, *ends[:-1]]).tolist()[2::3] == [900, 900, 900]
    assert ends[-1] == len(reports)


def test_reports_of_calls_are_numbered_too() -> None:
    engine = Engine([Instrument(0), Instrument(1)], capacity=10)
    assert engine.apply(np.concatenate([new(0, 1, 1, 100, 1), new(1, 1, 1, 100, 1)]))["seq_num"].tolist() == [1, 2]
    ask(engine.book(1), 2, 100, 1)  # accepted, then a trade: 3 and 4
    with pytest.raises(UnknownOrder):
        engine.book(1).cancel_order(2)  # nothing happened
    assert engine.apply(new(0, 2, 1, 100, 1))["seq_num"].tolist() == [5]


def test_the_same_ids_in_several_books() -> None:
    engine = Engine([Instrument(number) for number in range(3)], capacity=20)
    for number in range(3):
        bid(engine.book(number), 7, 100 + number, 1 + number)
    with pytest.raises(DuplicateOrderId):
        bid(engine.book(1), 7, 1, 1)
    engine.book(1).cancel_order(7)
    assert [7 in engine.book(number) for number in range(3)] == [True, False, True]
    assert engine.book(2).order(7).price == 102
    assert [trade.maker_id for trade in ask(engine.book(0), 8, 100, 5)] == [7]
    assert engine.book(2).order(7).quantity == 3
    engine.check()


def test_a_replace_under_a_new_id_stays_with_its_instrument() -> None:
    engine = Engine([Instrument(3), Instrument(4)], capacity=10)
    new_id = 0xFEDC_BA98_7654_3210
    engine.apply(np.concatenate([new(3, 1, 1, 100, 5, owner=9), new(4, 1, 1, 100, 5), new(4, new_id, 1, 100, 5)]))
    given = {"order_id": 1, "price": 101, "quantity": 6, "owner": new_id & 0xFFFF_FFFF, "tag": new_id >> 32}
    assert answer(engine, command(REPLACE_AS, instrument=3, **given)) == [(ReportKind.REPLACED, Reason.NONE)]
    assert engine.book(3).order(new_id) == (new_id, 1, 101, 6, 0, 9)
    duplicate = [(ReportKind.REJECTED, Reason.DUPLICATE_ORDER_ID)]
    assert answer(engine, command(REPLACE_AS, instrument=4, **given)) == duplicate
    assert [1 in engine.book(number) for number in (3, 4)] == [False, True]
    engine.check()


#: Commands that need no known instrument.
WITHOUT_INSTRUMENT = {
    CommandType.GATEWAY_REJECT, CommandType.CONTINUE, CommandType.OPEN_ORDERS, CommandType.ORDER_EXTENSION,
}  # fmt: skip


@pytest.mark.parametrize("unknown", [1, 2, 4, 1_048_575, 1_048_576, 2**32 - 1])
@pytest.mark.parametrize("kind", sorted(set(CommandType) - WITHOUT_INSTRUMENT))
def test_an_unknown_instrument_is_refused(kind: CommandType, unknown: int) -> None:
    engine = Engine([Instrument(0), Instrument(3)], capacity=10)
    engine.apply(new(3, 1, 1, 100, 5))
    before = engine.digest()
    if kind == CommandType.MASS_CANCEL and unknown == ALL_INSTRUMENTS:
        pytest.skip("it says: all instruments")
    asked = command(kind, instrument=unknown, order_id=1, side=1, price=1, quantity=1)
    assert answer(engine, np.repeat(asked, 100)) == [(ReportKind.REJECTED, Reason.UNKNOWN_INSTRUMENT)] * 100
    assert engine.digest() == before


def test_calls_name_the_tick_and_the_lot_size() -> None:
    book = Engine([Instrument(0, tick_size=5, lot_size=10)], capacity=10).book(0)
    with pytest.raises(InvalidPrice, match="103 is not a multiple of the tick size 5"):
        bid(book, 1, 103, 10)
    with pytest.raises(InvalidQuantity, match="15 is not a multiple of the lot size 10"):
        bid(book, 1, 105, 15)
    assert len(book) == 0


def test_the_pool_is_shared_and_each_book_has_its_limit() -> None:
    engine = Engine([Instrument(0, order_limit=2), Instrument(1)], capacity=3)
    engine.apply(np.concatenate([new(0, 1, 1, 5, 1), new(0, 2, 1, 5, 1)]))
    assert answer(engine, new(0, 3, 1, 5, 1)) == [(ReportKind.REJECTED, Reason.ORDERS_FULL)]
    assert answer(engine, new(1, 3, 1, 5, 1)) == [(ReportKind.ACCEPTED, Reason.NONE)]
    assert answer(engine, new(1, 4, 1, 5, 1)) == [(ReportKind.REJECTED, Reason.ORDERS_FULL)]
    with pytest.raises(OrdersFull):
        bid(engine.book(1), 4, 5, 1)
    engine.book(0).cancel_order(1)
    bid(engine.book(1), 4, 5, 1)
    assert len(engine) == 3
    engine.check()


def test_an_order_limit_beyond_the_capacity_is_the_capacity() -> None:
    engine = Engine([Instrument(0, order_limit=2**31)], capacity=1)
    engine.apply(new(0, 1, 1, 5, 1))
    assert answer(engine, new(0, 2, 1, 5, 1)) == [(ReportKind.REJECTED, Reason.ORDERS_FULL)]


def test_the_digest_is_over_all_books_in_the_order_of_their_ids() -> None:
    def made(*instruments: int) -> Engine:
        engine = Engine([Instrument(number) for number in instruments], capacity=10)
        for number in instruments:
            bid(engine.book(number), 1, 100 + number, 1)
        return engine

    assert made(1, 2).digest() == made(2, 1).digest()
    assert made(1, 2).digest() != made(1, 3).digest()
    changed = made(1, 2)
    before = changed.digest()
    changed.book(2).reduce_order(1, 1)
    assert changed.digest() != before


def test_a_book_of_an_engine_is_the_engines_own() -> None:
    engine = Engine([Instrument(4), Instrument(5)], capacity=10)
    book = engine.book(5)
    bid(book, 1, 100, 5, owner=7, timestamp=8)
    engine.apply(new(5, 2, 1, 100, 6))
    assert [order.id for order in book] == [1, 2]
    assert book.queue_position(2) == (1, 5)
    assert book.best_bid == 100
    assert engine.book(4).best_bid is None
    del engine  # the book keeps what it stands on
    assert book.cancel_order(1) == 5
    with pytest.raises(UnknownOrder):
        book.cancel_order(1)


def test_an_engine_lives_as_long_as_a_book_of_it() -> None:
    engine = Engine([Instrument(0), Instrument(1)], capacity=100)
    book, seen = engine.book(1), weakref.ref(engine)
    del engine
    gc.collect()
    assert seen() is not None
    for order_id in range(100):
        bid(book, order_id, order_id, 1)
    book.check()
    assert len(ask(book, 100, 50, 99, time_in_force=TimeInForce.IOC)) == 50
    del book
    gc.collect()
    assert seen() is None


def test_what_a_book_of_an_engine_leaves_to_the_engine() -> None:
    book = Engine([Instrument(0), Instrument(1)], capacity=10).book(0)
    with pytest.raises(InvalidCommands, match="call apply of the engine"):
        book.apply(np.zeros(0, COMMAND))
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="copy the engine"):
            duplicate(book)


def test_the_highest_instrument_that_there_may_be() -> None:
    highest = MAX_INSTRUMENTS - 1
    engine = Engine([Instrument(0), Instrument(highest)], capacity=10)
    reports = engine.apply(np.concatenate([new(highest, 1, 1, 100, 5), new(highest, 2, 2, 100, 2), new(0, 1, 1, 9, 1)]))
    assert reports["instrument"].tolist() == [highest, highest, highest, 0]
    assert engine.book(highest).order(1).quantity == 3
    engine.check()


@pytest.mark.parametrize("unknown", [2, -1, 1 << 20, 1.0, True, "1", None, [1]])
def test_an_engine_has_no_book_of_another(unknown: Any) -> None:
    engine = Engine([Instrument(0), Instrument(1)], capacity=10)
    with pytest.raises(UnknownInstrument) as raised:
        engine.book(unknown)
    assert repr(unknown) in str(raised.value)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda engine: pickle.loads(pickle.dumps(engine))])
def test_a_copy_of_an_engine(duplicate: Any) -> None:
    instruments = [Instrument(7, "ESH4", 5, 10, SelfTrade.DECREMENT, ReplacePolicy.ALWAYS_LOSE, 3), Instrument(1)]
    engine = Engine(instruments, capacity=5, level_capacity=4)
    engine.apply(np.concatenate([new(7, 1, 1, 100, 20, tag=9, owner=3), new(1, 1, 2, 101, 7), new(1, 2, 1, 99, 2)]))
    other = duplicate(engine)
    assert other.instruments == engine.instruments
    assert other.digest() == engine.digest()
    assert dumped(other) == dumped(engine)
    other.check()
    commands = np.concatenate(
        [new(7, 2, 2, 100, 30, owner=3), new(1, 5, 1, 98, 1), new(1, 6, 1, 97, 1), new(1, 7, 1, 96, 1)]
    )
    assert other.apply(commands).tobytes() == engine.apply(commands).tobytes()
    other.book(1).cancel_order(2)
    assert 2 in engine.book(1)


def test_instruments_are_handed_out_as_a_copy() -> None:
    engine = Engine([Instrument(2, "B"), Instrument(1, "A")], capacity=10)
    assert engine.instruments == {2: Instrument(2, "B"), 1: Instrument(1, "A")}
    engine.instruments.clear()
    assert len(engine.instruments) == 2
    assert repr(engine) == "<pricetime.Engine: 2 instruments, 0 orders>"


@pytest.mark.parametrize("instruments", [[], [Instrument(1), Instrument(1)], [1], ["ESH4"], [None], [Instrument(1), 2]])
def test_an_engine_needs_instruments(instruments: Any) -> None:
    with pytest.raises(InvalidSetting):
        Engine(instruments)


@pytest.mark.parametrize(
    "settings",
    [
        {"id": -1},
        {"id": 1 << 20},
        {"id": 1.0},
        {"id": "1"},
        {"id": 1, "tick_size": 0},
        {"id": 1, "tick_size": 2**63},
        {"id": 1, "tick_size": 0.25},
        {"id": 1, "lot_size": 0},
        {"id": 1, "lot_size": -1},
        {"id": 1, "self_trade": 0},
        {"id": 1, "replace_policy": 9},
        {"id": 1, "order_limit": 0},
        {"id": 1, "order_limit": 2**31 + 1},
    ],
)
def test_a_bad_instrument(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting) as raised:
        Instrument(**settings)
    assert repr(list(settings.values())[-1]) in str(raised.value)


class Shifty:
    """A number with a different value at each conversion."""

    def __init__(self, *values: int) -> None:
        self.values = list(values)

    def __index__(self) -> int:
        return self.values.pop(0)


def test_an_instrument_keeps_the_plain_numbers_that_were_checked() -> None:
    odd: Any = {"id": Shifty(5, 2**40), "tick_size": Shifty(2, 0), "lot_size": np.int64(3), "order_limit": Shifty(7, 0)}
    instrument = Instrument(**odd, self_trade=np.uint8(3), replace_policy=np.uint8(1))  # type: ignore[arg-type]
    plain = Instrument(5, "", 2, 3, SelfTrade.CANCEL_OLDEST, ReplacePolicy.ALWAYS_LOSE, 7)
    assert instrument == plain
    assert repr(instrument) == repr(plain)


def test_the_names_of_a_book_with_an_instrument() -> None:
    engine = Engine([Instrument(7, tick_size=5, lot_size=10), Instrument(8)], capacity=10)
    assert (engine.tick_size(7), engine.lot_size(7)) == (engine.book(7).tick_size, engine.book(7).lot_size) == (5, 10)
    assert (engine.tick_size(8), engine.lot_size(8)) == (1, 1)
    engine.set_phase(7, Phase.HALTED)
    assert engine.phase(7) is engine.book(7).phase is Phase.HALTED
    assert engine.phase(8) is Phase.CONTINUOUS
    for call in (engine.tick_size, engine.lot_size, lambda number: engine.set_phase(number, 0)):
        with pytest.raises(UnknownInstrument):
            call(9)
    with pytest.raises(InvalidPhase):
        engine.set_phase(7, 7)


def test_a_book_may_have_a_tick_size_and_a_lot_size() -> None:
    book = OrderBook(10, tick_size=5, lot_size=100)
    assert (book.tick_size, book.lot_size) == (5, 100)
    book.add_order(1, 1, 20, 300)
    with pytest.raises(InvalidPrice, match="21 is not a multiple of the tick size 5"):
        book.add_order(2, 1, 21, 300)
    with pytest.raises(InvalidQuantity, match="30 is not a multiple of the lot size 100"):
        book.add_order(2, 1, 20, 30)
    again = copy.copy(book)
    assert (again.tick_size, again.lot_size, again.digest()) == (5, 100, book.digest())
