"""Orders of venues explained from a journal: random commands of every kind, against the reference book."""

import random
from collections import Counter

import numpy as np

from pricetime import Instrument
from pricetime.explanation import Explanation
from pricetime.log.configuration import Configuration
from pricetime.log.order_replay import OrderReplay, Wanted
from pricetime.profiles import StopTrigger
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.standing import OrderState
from pricetime.types import CommandType, Reason, ReportKind
from tests.log.memory import directory_of
from tests.log.written import Segment
from tests.reference.venue_flow import Commands, Flow, command, extension, random_settings

#: Settings of the reference book that an engine has for all its books.
OF_ENGINE = ("capacity", "level_capacity", "refresh_limit", "owner_limit")


def numbered(parts: list[Commands]) -> Commands:
    """Commands of instrument 1 with sequences and times."""
    commands = np.concatenate(parts)
    orders = commands["type"] != CommandType.ORDER_EXTENSION
    commands["instrument"][orders] = 1
    commands["sequence"] = np.arange(1, len(commands) + 1)
    return commands


def journal_of(commands: Commands, instrument: Instrument) -> dict[str, bytes]:
    segment = Segment(Configuration((instrument,), 1024, 1024, 5), segment_bytes=32 * 4096)
    segment.commands(commands)
    return {"00000001.journal": segment.data()}


def explain(files: dict[str, bytes], order_id: int, at: int | None = None) -> Explanation:
    return OrderReplay(directory_of(files), Wanted(order_id), at=at).run()


def test_random_commands() -> None:
    states = sum((states_of(seed) for seed in range(12)), Counter())
    assert set(states) == set(OrderState)


def states_of(seed: int) -> Counter[OrderState]:
    """Explain orders of a random journal, and compare with the reference book. Returns their states."""
    rng = random.Random(seed)
    settings = {name: value for name, value in random_settings(rng).items() if name not in OF_ENGINE}
    book = ReferenceBook(owner_limit=5, **settings)
    flow = Flow(rng, all_or_none=book.venue.all_or_none)
    parts = []
    for _ in range(120):
        parts.append(flow.next(list(book.by_id)))
        apply(book, parts[-1])
    files = journal_of(numbered(parts), Instrument(1, **settings))
    entered = {int(part["order_id"][0]) for part in parts if part["type"][0] == CommandType.NEW_ORDER}
    states: Counter[OrderState] = Counter()
    for order_id in range(1, flow.ids + 1, 3):
        if order_id not in book.by_id and order_id not in entered:
            continue  # the id that a rejected replace would have given
        found = explain(files, order_id)
        order = book.by_id.get(found.order_id)  # a replace may have given it a new id
        states[found.state] += 1
        assert (found.state in (OrderState.RESTING, OrderState.WAITING)) == (order is not None)
        if order is None:
            continue
        assert found.place_now is not None
        assert (found.remaining, found.hidden, found.filled) == (order.quantity, order.hidden, order.filled)
        assert (found.state is OrderState.WAITING) == order.waits
        assert found.place_now.orders == book.queue_position(order.id).orders
        if order.is_stop:
            assert found.terms.trigger_price == order.trigger_price
            price = book.last
            if book.venue.stop_trigger is StopTrigger.BEST_QUOTE:
                price = book.best_ask if order.side == 1 else book.best_bid
            if price is None:
                assert found.distance is None
            else:
                away = order.trigger_price - price if order.side == 1 else price - order.trigger_price
                assert found.distance == max(0, away)
    return states


def test_a_stop_that_is_not_triggered_and_one_that_is() -> None:
    new = CommandType.NEW_ORDER
    parts = [
        command(new, order_id=1, side=2, price=100, quantity=5),
        command(new, order_id=2, side=1, quantity=4, order_type=4, price=103, instructions=128),
        extension(trigger_price=102),
        command(new, order_id=3, side=1, quantity=6, order_type=3, instructions=128),
        extension(trigger_price=102),
        command(new, order_id=4, side=1, price=100, quantity=2),
        command(new, order_id=5, side=2, price=102, quantity=1),
        command(new, order_id=6, side=1, price=102, quantity=4),
    ]
    files = journal_of(numbered(parts), Instrument(1))
    waits = explain(files, 3, at=6)
    assert (waits.state, waits.distance, waits.place_then, waits.place_now) == (
        OrderState.WAITING, 2, (1, 4, 0), (1, 4, 0),
    )  # fmt: skip
    assert waits.why == "no trade has reached its trigger price 102: the last trade was at 100, 2 ticks away"
    assert waits.terms.text() == "bid 6, stop, GTC, trigger price 102"
    first = explain(files, 2)
    assert [event.kind for event in first.events][:2] == [ReportKind.ACCEPTED, ReportKind.TRIGGERED]
    assert first.events[0].reason is Reason.WAITS
    assert first.events[1].sequence == 8
    assert explain(files, 3).state is OrderState.CANCELLED
    assert explain(files, 3).why.startswith("no more orders were there to trade with")


def test_an_iceberg_and_an_auction() -> None:
    new = CommandType.NEW_ORDER
    parts = [
        command(new, order_id=1, side=2, price=100, quantity=9, instructions=128),
        extension(display_quantity=3),
        command(new, order_id=2, side=2, price=100, quantity=5),
        command(new, order_id=3, side=1, price=100, quantity=4),
        command(CommandType.SET_PHASE, flags=4),
        command(new, order_id=4, side=1, price=99, quantity=4),
        command(new, order_id=5, side=1, quantity=2, order_type=1),
        command(CommandType.UNCROSS, flags=0),
    ]
    files = journal_of(numbered(parts), Instrument(1))
    iceberg = explain(files, 1, at=4)
    assert (iceberg.state, iceberg.remaining, iceberg.hidden, iceberg.place_now) == (
        OrderState.RESTING, 6, 3, (1, 4, 0),
    )  # fmt: skip
    assert [event.kind for event in iceberg.events] == [ReportKind.ACCEPTED, ReportKind.TRADE, ReportKind.REFRESHED]
    assert "6 lots, 3 of them hidden, 3 lots traded after command 4" in str(iceberg)
    collected = explain(files, 5, at=7)
    assert (collected.terms.price, collected.why) == (
        None, "orders are collected in opening auction: they trade in its auction, not before",
    )  # fmt: skip
    assert explain(files, 4, at=7).place_now == (0, 0, 2)
    auction = explain(files, 5)
    assert [(trade.kind, trade.price, trade.quantity) for trade in auction.trades] == [
        (ReportKind.AUCTION_TRADE, 100, 2)
    ]
    assert auction.why == "it traded whole, the last 2 lots at 100"
    assert explain(files, 4).ahead == ((100, 1, 2),)
    assert explain(files, 4).why == "the best ask is 100, 1 tick away from its price"
