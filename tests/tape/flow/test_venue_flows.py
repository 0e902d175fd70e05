"""Flows with stop orders, icebergs and days: what their orders are, and what they do in a book."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from pricetime import OrderBook
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.tape.flow import MarketFlow, generate, prelude
from pricetime.tape.flow.base import Commands
from pricetime.tape.flow.day import LAST_PARTS
from pricetime.tape.flow.terms import is_extended
from pricetime.types import (
    ORDER_EXTENSION,
    CommandType,
    Instruction,
    OrderType,
    Phase,
    Reason,
    ReportKind,
    Side,
    TimeInForce,
)
from tests.tape.flow.flows import OF_VENUES, joined, market

each_flow = pytest.mark.parametrize("flow", OF_VENUES.values(), ids=OF_VENUES.keys())

LENGTH = 8_000


def orders_and_extensions(commands: Commands) -> tuple[Commands, Commands]:
    """The extended orders, and the extension of each."""
    at = np.flatnonzero(is_extended(commands))
    return commands[at], commands[at + 1].view(ORDER_EXTENSION)


@each_flow
@pytest.mark.parametrize("chunk", [1, 777])
def test_an_extension_follows_each_extended_order(flow: MarketFlow, chunk: int) -> None:
    commands = joined(generate(flow, LENGTH, seed=2, chunk=chunk))
    orders, extensions = orders_and_extensions(commands)
    kinds = commands["type"] == CommandType.ORDER_EXTENSION
    assert kinds.sum() == orders.size > LENGTH / 30
    assert (extensions["type"] == CommandType.ORDER_EXTENSION).all()
    assert (extensions["timestamp"] == orders["timestamp"]).all()
    unused = ("zero", "zero2", "zero3", "session", "minimum_quantity")
    assert not any(extensions[name].any() for name in unused)


@each_flow
def test_the_terms_of_the_orders(flow: MarketFlow) -> None:
    commands = joined(generate(flow, 40_000, seed=2))
    orders, extensions = orders_and_extensions(commands)
    arrived = np.count_nonzero(commands["type"] == CommandType.NEW_ORDER)
    stops = np.isin(orders["order_type"], [OrderType.STOP, OrderType.STOP_LIMIT])
    icebergs = extensions["display_quantity"] > 0
    assert np.count_nonzero(stops) / arrived == pytest.approx(flow.stops, rel=0.15)
    assert np.count_nonzero(icebergs) / arrived == pytest.approx(flow.icebergs, rel=0.15)
    assert (stops == (extensions["trigger_price"] != 0)).all()
    assert not (stops & icebergs).any()
    slices = orders["quantity"][icebergs] / extensions["display_quantity"][icebergs]
    assert (slices.min(), slices.max()) == (2, 10)
    limits = orders["order_type"] == OrderType.STOP_LIMIT
    away = orders["price"][limits] - extensions["trigger_price"][limits]
    assert set(np.where(orders["side"][limits] == Side.BID, away, -away)) == {flow.slack + 1}
    assert not (extensions["protection"][orders["order_type"] != OrderType.STOP]).any()
    assert set(np.unique(extensions["protection"][orders["order_type"] == OrderType.STOP])) == {0, flow.slack + 1}
    untils = extensions["expiry_ns"] > 0
    assert ((orders["time_in_force"] == TimeInForce.GTD) == untils).all()
    assert (extensions["expiry_ns"][untils] > orders["timestamp"][untils]).all()
    assert untils.any() == (flow.day > 0)


@each_flow
def test_a_flow_may_end_with_an_order_but_not_without_its_extension(flow: MarketFlow) -> None:
    whole = joined(generate(flow, 3_000, seed=4))
    ends = np.flatnonzero(is_extended(whole))
    kinds = Counter((int(whole["order_type"][end]), int(whole["time_in_force"][end])) for end in ends)
    assert len(kinds) >= 3
    for end in ends[:60]:
        part = joined(generate(flow, int(end) + 1, seed=4))
        assert part[:-1].tobytes() == whole[:end].tobytes()
        last = part[-1]
        assert (last["order_id"], last["instructions"]) == (whole["order_id"][end], 0)
        assert last["order_type"] in (OrderType.LIMIT, OrderType.MARKET)
        assert last["time_in_force"] != TimeInForce.GTD


@each_flow
def test_the_reference_book_accepts_the_orders(flow: MarketFlow) -> None:
    """A rejection follows from what happened in the book, never from the terms of the order."""
    book = ReferenceBook(venue=flow.venue)
    for commands in prelude(flow, seed=3):
        apply(book, commands)
    found: Counter[tuple[int, int]] = Counter()
    for commands in generate(flow, LENGTH, seed=3, chunk=1_000):
        reports = apply(book, commands)
        found.update(zip(reports["kind"].tolist(), reports["reason"].tolist(), strict=True))
    rejected = {reason for kind, reason in found if kind == ReportKind.REJECTED}
    assert rejected <= {Reason.UNKNOWN_ORDER, Reason.NOT_IN_PHASE}
    kinds = {kind for kind, _ in found}
    assert {ReportKind.TRIGGERED, ReportKind.REFRESHED, ReportKind.HIDDEN, ReportKind.TRADE} <= kinds
    assert (ReportKind.ACCEPTED, Reason.WAITS) in found
    if flow.day:
        assert {ReportKind.INDICATIVE, ReportKind.UNCROSSED, ReportKind.AUCTION_TRADE, ReportKind.EXPIRY_DONE} <= kinds
        assert found[ReportKind.EXPIRED, Reason.DAY_ENDED] > 0
        assert found[ReportKind.EXPIRED, Reason.EXPIRY_REACHED] > 0
        assert found[ReportKind.PHASE_CHANGED, Reason.OUTSIDE_RANGE] > 0
        assert (ReportKind.ACCEPTED, Reason.AT_MARKET) in found


def test_the_phases_of_a_day() -> None:
    flow = OF_VENUES["auction-day"]
    book = ReferenceBook(venue=flow.venue)
    phases: list[int] = []
    for commands in [*prelude(flow, seed=5), *generate(flow, LENGTH, seed=5)]:
        reports = apply(book, commands)
        of_phase = (reports["kind"] == ReportKind.PHASE_CHANGED) & (reports["reason"] == Reason.NONE)
        phases += reports["quantity"][of_phase].tolist()
    day = [Phase.PRE_OPEN, Phase.OPENING_AUCTION, Phase.CONTINUOUS, Phase.CLOSING_AUCTION, Phase.CLOSED]
    without_ends = [phase for n, phase in enumerate(phases) if not (phase == Phase.CONTINUOUS and phases[n - 1] == 0)]
    assert without_ends[:10] == day * 2
    assert len(without_ends) >= 10


def test_a_day_ends_without_orders_for_the_day() -> None:
    flow = OF_VENUES["auction-day"]
    book = ReferenceBook(venue=flow.venue)
    commands = joined([*prelude(flow, seed=6), *generate(flow, LENGTH, seed=6)])
    (closed, *_) = np.flatnonzero((commands["type"] == CommandType.UNCROSS) & (commands["flags"] == Phase.CLOSED))
    apply(book, commands[: closed + LAST_PARTS + 2])
    assert book.phase == Phase.CLOSED
    assert len(book)
    assert {order.time_in_force for order in book.by_id.values()} <= {TimeInForce.GTC, TimeInForce.GTD}
    ended_ns = commands["timestamp"][closed]
    assert not any(order.expiry_ns and order.expiry_ns <= ended_ns for order in book.by_id.values())
    following = commands[closed + LAST_PARTS + 2 :]
    phases = following[following["type"] == CommandType.SET_PHASE]
    assert phases["flags"][0] == Phase.PRE_OPEN


def test_orders_for_an_auction() -> None:
    """Only plain limit orders are for one auction; orders for the opening auction come before it."""
    commands = joined(generate(OF_VENUES["auction-day"], LENGTH, seed=7))
    for instruction in (Instruction.AT_THE_OPEN, Instruction.AT_THE_CLOSE):
        chosen = commands[(commands["type"] == CommandType.NEW_ORDER) & (commands["instructions"] == instruction)]
        assert chosen.size
        assert (chosen["order_type"] == OrderType.LIMIT).all()
        assert set(np.unique(chosen["time_in_force"])) <= {TimeInForce.GTC, TimeInForce.DAY}


def test_settings_of_venues_change_nothing_else() -> None:
    """The terms come from numbers of their own: a flow without them has the same orders in the same sequence."""
    plain = joined(generate(replace(market("stops-and-icebergs"), stops=0.0, icebergs=0.0), 20_000, seed=8))
    venue = joined(generate("stops-and-icebergs", 20_000, seed=8))
    rest = venue[venue["type"] != CommandType.ORDER_EXTENSION]
    assert (rest["order_id"] == plain["order_id"][: rest.size]).all()
    assert (rest["timestamp"] == plain["timestamp"][: rest.size]).all()
    changed = (rest["price"] != plain["price"][: rest.size]) | (rest["quantity"] != plain["quantity"][: rest.size])
    assert 0 < changed.mean() < 0.06


@each_flow
def test_core_and_reference_agree(flow: MarketFlow) -> None:
    """Every report and the books, also when the commands come in arrays that part an order from its extension."""
    core, book = OrderBook(venue=flow.venue), ReferenceBook(venue=flow.venue)
    count = 0
    for commands in [*prelude(flow, seed=9), *generate(flow, LENGTH, seed=9, chunk=997)]:
        reports = core.apply(commands)
        assert_same_reports(reports, apply(book, commands, first=count + 1))
        count += len(reports)
    assert core.digest() == book.digest()
    core.check()


def assert_same_reports(ours: Commands, theirs: Commands) -> None:
    differ = np.flatnonzero(ours[: len(theirs)] != theirs[: len(ours)])
    if differ.size:
        at = int(differ[0])
        raise AssertionError(f"report {at}: {ours[at]} instead of {theirs[at]}")
    assert len(ours) == len(theirs)
