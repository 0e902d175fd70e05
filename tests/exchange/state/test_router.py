"""Whom reports of a book with the rules of a venue reach: owners get all of their orders, the feed what is shown."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import numpy as np
import pytest

from pricetime import Instrument
from pricetime.core.builder import BookBuilder
from pricetime.exchange.state.machine import Machine
from pricetime.exchange.state.router import PUBLIC_REASONS, count_public
from pricetime.log.batch import Position
from pricetime.log.configuration import Configuration
from pricetime.log.snapshot import restore
from pricetime.profiles import Venue
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import REPORT, CommandType, ReportKind
from tests.reference.public_feed import public
from tests.reference.test_venue_flow import reports_of
from tests.reference.venue_flow import Flow, random_settings

Records = np.ndarray[Any, Any]

SHIFT = 48
TRADES = {ReportKind.TRADE, ReportKind.AUCTION_TRADE}
OF_AN_ORDER = {
    ReportKind.ACCEPTED, ReportKind.CANCELLED, ReportKind.REPLACED, ReportKind.REDUCED, ReportKind.EXPIRED,
    ReportKind.TRIGGERED, ReportKind.REFRESHED, ReportKind.HIDDEN,
}  # fmt: skip
ROOM: dict[str, Any] = {"stream_reports": 2**14, "feed_reports": 2**14}


class Told(NamedTuple):
    """One report in the stream of an owner."""

    kind: int
    order_id: int
    price: int
    quantity: int


class Expected:
    """What the feed and the owners receive, with dicts."""

    def __init__(self) -> None:
        self.references: dict[int, int] = {}
        self.feed: list[tuple[int, ...]] = []
        self.streams: dict[int, list[Told]] = {}
        self.accepted = 0
        self.hidden_books = 0

    def tell(self, reports: Records, session: int) -> None:
        for report in reports_of(reports):
            if report.kind == ReportKind.ACCEPTED:
                self.accepted += 1
                self.references[report.order_id] = self.accepted
            elif report.kind == ReportKind.REPLACED:
                self.references[report.order_id] = self.references.pop(report.maker_id)
            self._tell_owners(report, session)
            self._tell_feed(report)

    def _tell_owners(self, report: Any, session: int) -> None:
        owner = session
        if report.kind in TRADES or report.kind in OF_AN_ORDER:
            owner = report.order_id >> SHIFT
        ids = [(owner, report.order_id)]
        if report.kind in TRADES:
            ids.append((report.maker_id >> SHIFT, report.maker_id))
        for one, order_id in ids:
            told = Told(report.kind, order_id & (1 << SHIFT) - 1, report.price, report.quantity)
            if one:
                self.streams.setdefault(one, []).append(told)

    def _tell_feed(self, report: Any) -> None:
        told = public(report)
        if told is None or report.kind not in FEED:
            return
        order_id = maker_id = 0
        if report.kind in TRADES or report.kind in OF_AN_ORDER:
            order_id = self.references[report.order_id]
        if report.kind in TRADES:
            maker_id = self.references[report.maker_id]
        elif report.kind == ReportKind.REPLACED:
            maker_id = order_id
        elif report.kind in (ReportKind.INDICATIVE, ReportKind.UNCROSSED):
            maker_id = report.maker_id
        reason = told.reason if told.reason in PUBLIC_REASONS else 0
        self.feed.append((told.kind, told.side, reason, order_id, maker_id, told.price, told.quantity))


FEED = (OF_AN_ORDER | TRADES | {
    ReportKind.INDICATIVE, ReportKind.UNCROSSED, ReportKind.PHASE_CHANGED, ReportKind.PRICE_SET,
}) - {ReportKind.HIDDEN}  # fmt: skip


class World:
    """A machine and a reference book that run the same commands."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        settings = random_settings(rng) | {"capacity": 1000, "refresh_limit": None, "level_capacity": None}
        self.book = ReferenceBook(**settings)
        venue: Venue = settings["venue"]
        names = ("self_trade", "replace_policy", "low_price", "high_price")
        rules = {name: settings[name] for name in names if name in settings}
        instrument = Instrument(0, venue=venue, **rules)
        self.configuration = Configuration((instrument,), 1000, 1000, settings["owner_limit"])
        self.machine = Machine(self.configuration, **ROOM)
        self.flow = Flow(rng, all_or_none=venue.all_or_none)
        self.expected = Expected()
        self.sequence = 0

    def step(self) -> None:
        """The next command, with its extension."""
        known = list(self.book.by_id)
        rows = self.flow.next(known).copy()
        self._own(rows)
        rows["sequence"] = self.sequence + 1 + np.arange(len(rows))
        self.sequence += len(rows)
        reports = apply(self.book, rows)
        self.expected.tell(reports, int(rows["session"][0]))
        self.machine.run(rows)

    def _own(self, rows: Records) -> None:
        """Give each order an owner, whose number is in its id, as in an exchange."""
        kind, order_id = rows["type"][0], int(rows["order_id"][0])
        if kind == CommandType.NEW_ORDER:
            owner = int(rows["owner"][0]) or 4
            rows["owner"][0] = owner
            rows["order_id"][0] = owner << SHIFT | order_id
        elif kind == CommandType.REPLACE_ORDER_AS:
            owner = order_id >> SHIFT
            rows["owner"][0], rows["tag"][0] = rows["owner"][0], owner << SHIFT - 32
        elif kind == CommandType.MASS_CANCEL:
            owner = int(rows["owner"][0])
        else:
            owner = order_id >> SHIFT
        rows["session"] = owner

    @property
    def feed(self) -> Records:
        store = self.machine.store
        return store.array(1, store.next_sequence - 1)

    def streams(self) -> dict[int, list[Told]]:
        owners, reports = self.machine.streams.dump(2**14)
        found, done = {}, 0
        for owner, kept, _ in owners.tolist():
            part = reports[done : done + kept]
            found[owner] = [Told(*row) for row in part[["kind", "order_id", "price", "quantity"]].tolist()]
            done += kept
        return found


@pytest.mark.parametrize("seed", range(60))
def test_what_the_feed_and_the_owners_receive(seed: int) -> None:
    world = World(seed)
    for _ in range(200):
        world.step()
    feed = world.feed
    names = ["kind", "side", "reason", "order_id", "maker_id", "price", "quantity"]
    assert feed[names].tolist() == world.expected.feed
    assert world.streams() == world.expected.streams
    builder = BookBuilder([Instrument(0)], capacity=2000)
    builder.apply(feed)
    assert builder.digest() == world.machine.digest()
    builder.check()


@pytest.mark.parametrize("seed", range(20))
def test_a_machine_from_a_snapshot_goes_on_alike(seed: int) -> None:
    world = World(seed)
    for _ in range(100 + seed):
        world.step()
    snapshot = world.machine.snapshot(Position(1, 4096, 0, world.sequence), term=1, **ROOM)
    world.machine = Machine(world.configuration, engine=restore(snapshot, world.configuration), **ROOM)
    world.machine.load(snapshot)
    for _ in range(100):
        world.step()
    names = ["kind", "side", "reason", "order_id", "maker_id", "price", "quantity"]
    assert world.feed[names].tolist() == world.expected.feed
    assert world.streams() == world.expected.streams


def test_every_kind_reaches_the_feed_or_does_not() -> None:
    world = World(1)
    for seed in range(20):
        world = World(seed)
        for _ in range(150):
            world.step()
        assert count_public(world.feed) == len(world.feed)
    rows = np.zeros(20, REPORT)
    rows["kind"], rows["quantity"] = range(20), 5
    assert count_public(rows[1:]) == len(FEED)
