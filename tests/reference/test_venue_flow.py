"""Random commands of every kind: what must hold after each of them."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from pricetime.reference import ReferenceBook, icebergs
from pricetime.reference.commands import apply
from pricetime.reference.records import Order, Report
from pricetime.types import ORDER_EXTENSION, CommandType, OrderType, Reason, ReportKind
from tests.reference.public_feed import PublicBook, public
from tests.reference.venue_flow import Flow, random_settings

ENDS = {ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED}

SEEDS = range(150)
LENGTH = 150


def reports_of(records: Any) -> list[Report]:
    names = ["kind", "side", "reason", "order_id", "maker_id", "price", "quantity"]
    return [Report(*fields) for fields in records[names].tolist()]


class Accounts:
    """The lots of every order: what it was given, and where they went."""

    def __init__(self) -> None:
        self.open: dict[int, int] = {}

    def apply(self, report: Report) -> None:
        match report.kind:
            case ReportKind.ACCEPTED:
                self.open[report.order_id] = report.quantity
            case ReportKind.REPLACED:
                del self.open[report.maker_id]
                self.open[report.order_id] = report.quantity
            case ReportKind.HIDDEN:
                self.open[report.order_id] += report.quantity
            case ReportKind.TRADE | ReportKind.AUCTION_TRADE:
                self.open[report.order_id] -= report.quantity
                self.open[report.maker_id] -= report.quantity
            case ReportKind.TRIGGERED:
                assert self.open[report.order_id] == report.quantity
            case kind if kind in ENDS:
                self.open[report.order_id] -= report.quantity
        assert all(lots >= 0 for lots in self.open.values())

    def known(self) -> dict[int, int]:
        return {order_id: lots for order_id, lots in self.open.items() if lots}


def check_order(book: ReferenceBook, order: Order) -> None:
    assert order in order.ladder[order.key]
    assert 0 <= order.hidden <= order.quantity
    if order.waits:
        assert order.hidden == order.quantity
        assert order.is_stop or order.auction_only or order.all_or_none
    elif order.unpriced:
        assert book.collecting
        assert order.order_type in (OrderType.MARKET, OrderType.MARKET_TO_LIMIT)
    else:
        assert order.ladder is book.levels[order.side]
        assert order.key == order.price
        assert order.order_type is OrderType.LIMIT
        assert order.shown > 0
    if order.display_quantity and not order.waits:
        assert not order.hidden or order.shown >= min(book.venue.minimum_display, order.display_quantity)


def check_book(book: ReferenceBook, *, cascaded: bool) -> None:
    """What holds between two commands. ``cascaded``: a command that can trigger came since the last mass cancel."""
    for order in book.by_id.values():
        check_order(book, order)
    assert book.level_capacity is None or sum(map(len, book.levels.values())) <= book.level_capacity
    assert book.refresh_limit is None or refreshes_left(book) <= book.refresh_limit
    assert book.capacity is None or len(book.by_id) <= book.capacity
    owners = Counter(order.owner for order in book.by_id.values())
    assert +book.open_orders == owners
    if not book.rule.matches:
        return
    assert not book.collecting
    assert book.best_bid is None or book.best_ask is None or book.best_bid < book.best_ask
    if cascaded:
        waiting = [order for order in book.by_id.values() if order.is_stop]
        assert not any(book._is_reached(order.side, order.trigger_price) for order in waiting)
        assert book._next_whole() is None
    assert not any(order.auction_only and not order.waits for order in book.by_id.values())


def refreshes_left(book: ReferenceBook) -> int:
    return sum(icebergs.refreshes_left(order, book.venue.minimum_display) for order in book.by_id.values())


def report_bound(book: ReferenceBook, commands: Any) -> int:
    """The most reports of a command, as docs/internals/rules.md says: known before it is executed."""
    orders, waiting = len(book.by_id), sum(order.waits for order in book.by_id.values())
    display = int(commands.view(ORDER_EXTENSION)["display_quantity"][-1]) if len(commands) > 1 else 0
    quantity = int(commands["quantity"][0])
    least = book.venue.minimum_display
    refreshes = refreshes_left(book) + icebergs.refreshes(quantity, display, least)
    if commands["type"][0] in (CommandType.REPLACE_ORDER, CommandType.REPLACE_ORDER_AS):
        old = book.by_id.get(int(commands["order_id"][0]))
        refreshes += icebergs.refreshes(quantity, old.display_quantity, least) if old else 0
    match = 2 * orders + 3 * refreshes + 2 * waiting + 6
    return match + 2 * orders + 4 if commands["type"][0] in (CommandType.UNCROSS, CommandType.EXPIRE) else match


def check_uncross(reports: list[Report]) -> None:
    """All trades of an auction are at its price, and as many lots as it said."""
    for place, report in enumerate(reports):
        if report.kind == ReportKind.UNCROSSED:
            trades = [r for r in reports[place:] if r.kind == ReportKind.AUCTION_TRADE]
            assert sum(trade.quantity for trade in trades) == report.quantity
            assert {trade.price for trade in trades} <= {report.price}


def check_ranges(book: ReferenceBook, reports: list[Report], reference: int | None) -> None:
    most = book.venue.static_range
    for report in reports:
        if report.kind == ReportKind.TRADE and most and reference is not None and book.reference == reference:
            assert abs(report.price - reference) <= most


@pytest.mark.parametrize("seed", SEEDS)
def test_what_holds_after_each_command(seed: int) -> None:
    rng = random.Random(seed)
    book = ReferenceBook(**random_settings(rng))
    flow = Flow(rng, all_or_none=book.venue.all_or_none)
    accounts, feed, cascaded = Accounts(), PublicBook(), True
    for _ in range(LENGTH):
        reference, commands = book.reference, flow.next(list(book.by_id))
        bound = report_bound(book, commands)
        reports = reports_of(apply(book, commands))
        assert 0 < len(reports) <= bound
        for report in reports:
            accounts.apply(report)
            if (told := public(report)) is not None:
                feed.apply(told)
        if any(r.kind == ReportKind.UNCROSSED for r in reports) and not book.rule.collects:
            assert book.best_bid is None or book.best_ask is None or book.best_bid < book.best_ask
        if commands["type"][0] == CommandType.MASS_CANCEL:
            cascaded = False
        elif reports[0].kind not in (ReportKind.REJECTED, ReportKind.INDICATIVE):
            cascaded = True
        check_book(book, cascaded=cascaded)
        check_uncross(reports)
        check_ranges(book, reports, reference)
        assert accounts.known() == {order.id: order.quantity for order in book.by_id.values()}
        assert feed.digest() == book.digest()


def test_the_flow_reaches_every_kind_and_reason() -> None:
    """Random tests that never reach a rule show nothing about it."""
    kinds: Counter[int] = Counter()
    reasons: Counter[int] = Counter()
    for seed in SEEDS:
        rng = random.Random(seed)
        book = ReferenceBook(**random_settings(rng))
        flow = Flow(rng, all_or_none=book.venue.all_or_none)
        for _ in range(LENGTH):
            reports = reports_of(apply(book, flow.next(list(book.by_id))))
            kinds.update(r.kind for r in reports)
            reasons.update(r.reason for r in reports)
    assert set(ReportKind) - {ReportKind.OPEN_ORDER, ReportKind.OPEN_ORDERS_END} <= set(kinds)
    of_venues = {Reason.INVALID_TRIGGER_PRICE, *range(28, 32), *range(44, 54), *range(64, 69)}
    assert of_venues <= set(reasons), of_venues - set(reasons)


def test_the_same_commands_give_the_same_reports() -> None:
    def run() -> tuple[list[Report], int]:
        rng = random.Random(7)
        book = ReferenceBook(**random_settings(rng))
        flow = Flow(rng, all_or_none=True)
        found = [r for _ in range(200) for r in reports_of(apply(book, flow.next(list(book.by_id))))]
        return found, book.full_digest()

    assert run() == run()
