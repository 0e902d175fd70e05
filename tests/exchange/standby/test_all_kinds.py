"""Orders of every kind, phases, auctions and expiries on an exchange with a journal.

The commands of its journal, given to the reference, lead to the same books, streams of owners, and feed. What is
recovered after a kill, and what the follower has, is identical.
"""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pricetime import COMMAND
from pricetime.core.builder import BookBuilder
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.exchange.state.router import PUBLIC_REASONS
from pricetime.log.directory import Directory
from pricetime.log.reader import Reader
from pricetime.types import ORDER_EXTENSION, REPORT, CommandType, Reason, ReportKind, Side
from pricetime.wire.bulk import encode_commands
from tests.counts import count
from tests.exchange.accounts import ORDER_ID
from tests.exchange.harness import Harness
from tests.exchange.kept import Kept, check_same, kept_feed, kept_streams
from tests.exchange.standby.test_journal import ROOM, SMALL, settle
from tests.exchange.test_random import Oracle, Row
from tests.reference.venue_flow import Commands, Flow

SEEDS = count(3, 300)

OWNERS = (1, 2, 3)

INSTRUMENTS = (
    InstrumentConfig(id=1, reference_price=100, dynamic_range=6, all_or_none=True),
    InstrumentConfig(id=2, profile="cme", tick_size=1, low_price=90, high_price=112),
)

SETTINGS: dict[str, Any] = SMALL | ROOM | {
    "instruments": INSTRUMENTS, "expiry_interval_ms": 10, "indicative_interval_ms": 10, "keep_segments": True,
}  # fmt: skip

#: Time between two commands in the units of ``Flow``, in ns: its GTD orders expire while it lasts.
STEP_NS = 1_000_000

#: Kinds of reports about an instrument.
PUBLIC = {ReportKind.INDICATIVE, ReportKind.UNCROSSED, ReportKind.PRICE_SET, ReportKind.PHASE_CHANGED}

OF_OPERATOR = {CommandType.SET_PHASE, CommandType.UNCROSS, CommandType.INDICATE, CommandType.SET_PRICE}


class VenueOracle(Oracle):
    """What owners and the feed receive, of orders of all kinds."""

    def __init__(self, here: Harness) -> None:
        super().__init__(here)
        self.streams = {owner: [] for owner in OWNERS}

    def tell(self, owner: int, report: Row) -> None:
        _, kind, side, reason, instrument, _, key, maker, price, quantity = report
        if kind in PUBLIC:
            public = reason if reason in PUBLIC_REASONS else 0
            self.add(self.feed, kind, side, public, instrument, 0, maker, price, quantity)
            if owner:  # its order began a volatility auction
                self.add(self.streams[owner], kind, side, reason, instrument, 0, maker, price, quantity)
        elif kind == ReportKind.AUCTION_TRADE:
            buyer, seller = self.references[instrument, key], self.references[instrument, maker]
            self.add(self.feed, kind, 0, 0, instrument, buyer, seller, price, quantity)
            for own, to, other in ((Side.BID, key, seller), (Side.ASK, maker, buyer)):
                self.add(self.streams[to >> 48], kind, own, 0, instrument, to & ORDER_ID, other, price, quantity)
        elif kind != ReportKind.EXPIRY_DONE and reason != Reason.UNFINISHED:  # the event loop's own reports
            super().tell(owner, report)


class Crowd:
    """The owners and the operator, who send what ``flow`` draws."""

    def __init__(self, here: Kept, rng: random.Random, flow: Flow) -> None:
        self.here, self.rng, self.flow = here, rng, flow
        self.clients = {owner: here.client(owner, keep_orders=True) for owner in OWNERS}

    def step(self) -> None:
        known = self.here.exchange.engine.dump().resting["order_id"].tolist()
        commands = self.flow.next(known)
        self.give(commands)
        settle(self.here)
        for client in self.clients.values():
            client.receive()

    def give(self, commands: Commands) -> None:
        kind, instrument = CommandType(int(commands["type"][0])), self.rng.choice([1, 1, 2])
        commands["instrument"][0] = instrument
        if kind in OF_OPERATOR | {CommandType.EXPIRE}:
            self.here.exchange.command(kind, instrument, int(commands["flags"][0]), int(commands["price"][0]))
        elif kind != CommandType.REPLACE_ORDER_AS:
            owner = self._owned(commands, kind)
            self.clients[owner].send_bytes(encode_commands(commands)[0].tobytes())

    def _owned(self, commands: Commands, kind: CommandType) -> int:
        """The owner that sends it, with the order ids and times as a client gives them."""
        if kind in (CommandType.NEW_ORDER, CommandType.MASS_CANCEL):
            owner = int(commands["owner"][0]) or 1
        else:
            owner = int(commands["order_id"][0]) >> 48
            commands["order_id"][0] &= np.uint64(ORDER_ID)
        if kind == CommandType.NEW_ORDER and len(commands) == 2:
            more = commands[1:].view(ORDER_EXTENSION)
            if more["expiry_ns"][0]:
                more["expiry_ns"] = time.time_ns() + (int(more["expiry_ns"][0]) - self.flow.now) * STEP_NS
        return owner


def journaled(folder: Path) -> NDArray[np.void]:
    """All commands of a journal."""
    reader, parts = Reader(Directory(folder)), [np.zeros(0, COMMAND)]
    while not (batch := reader.read(256)).at_end:
        parts.append(batch.commands)
    return np.concatenate(parts)


def check_against_the_reference(here: Harness, folder: Path) -> Counter[int]:
    """Returns how many reports of each kind the feed and the owners have."""
    oracle, commands = VenueOracle(here), journaled(folder)
    assert len(commands) == here.exchange.machine.sequence
    for n in range(len(commands)):
        for report in oracle.engine.apply(commands[n : n + 1]).tolist():
            oracle.tell(int(commands["session"][n]), report)
    assert here.exchange.engine.digest() == oracle.engine.digest()
    for owner, reports in kept_streams(here, 1 << 30).items():
        same_end(reports, oracle.streams[owner])
    feed = same_end(kept_feed(here), oracle.feed)
    builder = BookBuilder([config.instrument() for config in INSTRUMENTS], capacity=4096)
    builder.apply(feed)
    assert builder.digest() == here.exchange.digest() == here.exchange.follower.snapshot().digest
    own = np.concatenate([np.array(rows, REPORT) for rows in oracle.streams.values() if rows])
    return Counter([*feed["kind"].tolist(), *own["kind"].tolist()])


def same_end(kept: NDArray[np.void], told: list[Row]) -> NDArray[np.void]:
    """The kept reports are the last of the expected ones. Returns all expected ones."""
    expected = np.array(told, REPORT)
    assert kept.tolist() == expected[int(kept["seq_num"][0]) - 1 :].tolist()
    return expected


@pytest.mark.slow
def test_books_streams_and_feed_are_those_of_the_reference_over_kills(tmp_path: Path) -> None:
    found = Counter[int]()
    for seed in range(SEEDS):
        found += live(random.Random(seed), tmp_path / str(seed))
    kinds = set(ReportKind) - {ReportKind.EXPIRY_DONE, ReportKind.OPEN_ORDER, ReportKind.OPEN_ORDERS_END}
    assert not kinds - set(found), f"no report of kind {kinds - set(found)}"


def live(rng: random.Random, folder: Path) -> Counter[int]:
    """Several lives of an exchange, each ended by a kill. Returns how many reports of each kind there were."""
    flow, found = Flow(rng, all_or_none=True), Counter[int]()
    for generation in range(3):
        here = Kept(folder / str(generation), **SETTINGS)
        crowd = Crowd(here, rng, flow)
        for _ in range(rng.randint(50, 200)):
            crowd.step()
            if rng.random() < 0.05:
                here.follow(snapshot=rng.random() < 0.5)
        here.commit()
        copy = here.copy_to(folder / str(generation + 1))
        again = Kept(copy, **SETTINGS)
        check_same(here, again)
        found += check_against_the_reference(here, copy)
        again.kill()
        here.kill()
    return found
