"""Random traffic of several owners over several instruments, held against a book that knows nothing of gateways."""

import random
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, Instrument
from pricetime.core.builder import BookBuilder
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.exchange.state.router import PUBLIC_REASONS
from pricetime.reference.commands import apply
from pricetime.types import ALL_INSTRUMENTS, EXECUTION_REPORT, CommandType, Phase, Reason, ReportKind, SelfTrade
from pricetime.wire.messages import Message, NewOrder, OrderExtension, ReplaceOrder
from tests.counts import count as number_of
from tests.engines import ReferenceEngine
from tests.exchange.accounts import (
    ORDER_ID,
    as_array,
    check_streams,
    displayed_orders,
    engine_orders,
    open_orders,
)
from tests.exchange.harness import Client, Harness, harness
from tests.exchange.orders import EXTENDED, POST_ONLY, cancel, extension, mass_cancel, new, reduce, replace
from tests.exchange.orders import open_orders as ask_open_orders
from tests.fuzz.gateway import command_of, commands_of_extended

ACCEPTED, TRADE, CANCELLED, REPLACED, REDUCED = list(ReportKind)[:5]
REJECTED, MASS_CANCELLED = ReportKind.REJECTED, ReportKind.MASS_CANCELLED
OPEN_ORDER, OPEN_ORDERS_END = ReportKind.OPEN_ORDER, ReportKind.OPEN_ORDERS_END
OWNERS = [1, 2, 7, 300, 65535]
INSTRUMENTS = (
    InstrumentConfig(id=1),
    InstrumentConfig(id=3, tick_size=5, lot_size=2, self_trade=SelfTrade.DECREMENT),
    InstrumentConfig(id=70, low_price=90, high_price=110, self_trade=SelfTrade.CANCEL_OLDEST, order_limit=30),
)
Row = tuple[int, ...]


def array_of(*rows: dict[str, int]) -> np.ndarray[Any, np.dtype[np.void]]:
    commands = np.zeros(len(rows), COMMAND)
    for command, fields in zip(commands, rows, strict=True):
        for name, value in fields.items():
            command[name] = value
    return commands


#: Kinds of reports whose maker id is the hidden part of the quantity, and kinds that the owner of their order receives.
HIDING = {ACCEPTED, CANCELLED, REDUCED, ReportKind.EXPIRED, ReportKind.TRIGGERED}
OWNED = HIDING | {TRADE, REPLACED, ReportKind.REFRESHED, ReportKind.HIDDEN}


class Oracle:
    """What every owner and the feed must receive: a reference engine, and the rules of routing."""

    def __init__(self, here: Harness) -> None:
        instruments = [config.instrument() for config in here.settings.instruments]
        self.engine = ReferenceEngine(
            instruments, capacity=here.settings.order_capacity, level_capacity=here.settings.level_capacity,
            owner_limit=65536,
        )  # fmt: skip
        self.references: dict[tuple[int, int], int] = {}  # of every order that there was, the newest of an id
        self.accepted = 0
        self.extended: NewOrder | ReplaceOrder = NewOrder()
        self.streams: dict[int, list[Row]] = {owner: [] for owner in OWNERS}
        self.feed: list[Row] = []

    def take(self, owner: int, message: Message) -> None:
        if isinstance(message, OrderExtension):
            self.apply_extended(owner, commands_of_extended(self.extended, message, owner))
        elif isinstance(message, NewOrder | ReplaceOrder) and message.instructions & EXTENDED:
            self.extended = message  # its extension follows
        else:
            self.apply(**command_of(message, owner))

    def apply(self, **fields: int) -> None:
        for report in self.engine.apply(array_of(fields)).tolist():
            self.tell(fields["session"], report)

    def apply_extended(self, owner: int, rows: list[dict[str, int]]) -> None:
        """An order and its extension, which only one book executes; or the command that rejects both."""
        book = self.engine.books.get(rows[0]["instrument"])
        if len(rows) == 1 or book is None:
            self.apply(**rows[0] | {"instructions": 0})
            return
        reports = apply(book, array_of(*rows))
        reports["instrument"] = rows[0]["instrument"]
        for report in reports.tolist():
            self.tell(owner, report)

    def tell(self, owner: int, report: Row) -> None:
        _, kind, side, reason, instrument, _, key, maker, price, quantity = report
        if kind == ACCEPTED:
            self.accepted += 1
            self.references[instrument, key] = self.accepted
        if kind in OWNED and key >> 48:
            owner = key >> 48
        hidden = self.references[instrument, key] if kind in OWNED | {OPEN_ORDER} else 0
        hidden_maker = self.references[instrument, maker] if kind in {TRADE, REPLACED} else 0
        other = hidden if kind in {ACCEPTED, REPLACED, OPEN_ORDER} else hidden_maker if kind == TRADE else maker
        if (kind, reason) == (OPEN_ORDER, Reason.WAITS):
            other = maker  # its trigger price
        own_id = key if reason == Reason.INVALID_ORDER_ID else key & ORDER_ID
        if owner:
            self.add(self.streams[owner], kind, side, reason, instrument, own_id, other, price, quantity)
        if kind == TRADE:
            stream = self.streams[maker >> 48]
            as_maker = Reason.AS_MAKER
            self.add(stream, TRADE, 3 - side, as_maker, instrument, maker & ORDER_ID, hidden, price, quantity)
        shown = quantity - (maker if kind in HIDING else 0)
        private = kind in {REJECTED, MASS_CANCELLED, OPEN_ORDER, OPEN_ORDERS_END, ReportKind.HIDDEN}
        if not private and (shown or kind not in HIDING) and (kind, reason) != (REPLACED, Reason.WAITS):
            public = reason if reason in PUBLIC_REASONS else 0
            self.add(self.feed, kind, side, public, instrument, hidden, hidden_maker, price, shown)

    @staticmethod
    def add(stream: list[Row], kind: int, side: int, reason: int, instrument: int, *rest: int) -> None:
        stream.append((EXECUTION_REPORT, kind, side, reason, instrument, len(stream) + 1, *rest))


class Crowd:
    """The owners, who send at random, leave, and come back."""

    def __init__(self, here: Harness, rng: random.Random) -> None:
        self.here = here
        self.rng = rng
        self.streams: dict[int, list[Any]] = {owner: [] for owner in OWNERS}
        self.clients = {owner: here.client(owner) for owner in OWNERS}
        self.builder = BookBuilder([Instrument(i.id) for i in INSTRUMENTS], capacity=4096)
        self.feed: list[Row] = []

    def messages(self, owner: int, count: int) -> list[Message]:
        """What an owner may send now: much of it is about its own orders, and some of it is wrong."""
        resting = list(displayed_orders(self.here.exchange.engine).get(owner, {}))
        found: list[Message] = []
        for _ in range(count):
            found.append(self.message(resting))
            if isinstance(found[-1], NewOrder | ReplaceOrder) and found[-1].instructions & EXTENDED:
                found.append(extension(self.rng.randrange(100)))
        return found

    def message(self, resting: list[tuple[int, int]]) -> Message:
        rng = self.rng
        number, own = rng.choice([config.id for config in INSTRUMENTS]), rng.randrange(50)
        tick, lot = (5, 2) if number == 3 else (1, 1)
        side = rng.choice([1, 2])
        if resting and rng.random() < 0.8:
            number, own = rng.choice(resting)
        price, quantity = (rng.randrange(92, 106) + 3 * side) * tick, rng.randint(1, 20) * lot
        order = new(
            rng.randrange(50), side, price, quantity, instrument=number, flags=rng.choice([0] * 9 + list(range(7))),
            order_type=rng.choice([0] * 9 + [1, 3]), time_in_force=rng.choice([0] * 8 + [1, 2, 3, 4]),
            instructions=rng.choice([0] * 12 + [POST_ONLY, EXTENDED]),
        )  # fmt: skip
        changed = replace(own, price, quantity, number)._replace(instructions=rng.choice([0] * 9 + [EXTENDED]))
        others: list[Message] = [cancel(own, number), changed, reduce(own, lot, number)]
        chosen = order if rng.random() < 0.6 else rng.choice(others)
        if rng.random() < 0.005:
            return mass_cancel(own, rng.choice([0, 1, 2]), rng.choice([number, ALL_INSTRUMENTS]))
        if rng.random() < 0.02:
            chosen = ask_open_orders(own, rng.choice([None, own]), number)
        if rng.random() < 0.05:
            field = rng.choice([name for name in chosen.FIELDS if name != "owner"])
            large = 200 if field in SMALL else 2**31
            chosen = chosen._replace(**{field: rng.choice([0, 3, 5, 7, 9, large])})
        return chosen

    def gather(self) -> None:
        """What all clients and the feed received."""
        for owner, client in self.clients.items():
            self.streams[owner] += client.reports(client.receive())
        reports = self.here.feed.reports()
        self.builder.apply(reports)
        self.feed += reports.tolist()

    def come_back(self, owner: int) -> Client:
        """Log in anew, and go on where it was."""
        client = self.clients[owner] = self.here.client(owner, resume_from=len(self.streams[owner]) + 1)
        assert client.is_active
        self.streams[owner] += client.reports()
        return client


SMALL = {"side", "order_type", "time_in_force", "instructions", "flags"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(number_of(5, 12)))
def test_each_owner_and_the_feed_receive_their_reports(seed: int) -> None:
    rng = random.Random(seed)
    room = {"order_capacity": rng.choice([60, 4096]), "ring_capacity": rng.choice([16, 64, 1024])}
    with harness(instruments=INSTRUMENTS, stream_reports=2**13, outbound_bytes=2**13 * 48, **room) as here:
        oracle, crowd = Oracle(here), Crowd(here, rng)
        for step in range(80):
            owner = rng.choice(OWNERS)
            client = crowd.clients[owner]
            messages = crowd.messages(owner, rng.randint(1, 30))
            client.send(*messages)
            for message in messages:
                oracle.take(owner, message)
            here.settle()
            crowd.gather()
            if rng.random() < 0.1:
                client.close(reset=False)
                here.settle()
                oracle.apply(
                    session=owner, type=CommandType.MASS_CANCEL, flags=Reason.BY_DISCONNECT, owner=owner,
                    instrument=ALL_INSTRUMENTS, order_id=owner << 48,
                )  # fmt: skip
                crowd.come_back(owner)
            if rng.random() < 0.1:
                number, state = rng.choice([1, 3, 70]), rng.choice([0, 0, 1])
                assert here.exchange.command(CommandType.SET_PHASE, number, state)
                here.settle()
                oracle.apply(session=0, type=CommandType.SET_PHASE, instrument=number, flags=state)
            if step % 10 == 0:
                check(here, oracle, crowd)
        here.settle()
        check(here, oracle, crowd)


def check(here: Harness, oracle: Oracle, crowd: Crowd) -> None:
    here.settle()
    crowd.gather()
    for owner in OWNERS:
        assert [tuple(report) for report in crowd.streams[owner]] == oracle.streams[owner]
    assert crowd.feed == oracle.feed
    assert here.exchange.engine.digest() == oracle.engine.digest()
    check_books(here, crowd)


def check_books(here: Harness, crowd: Crowd) -> None:
    """The subscriber's books, the follower's and the engine's; and of each owner its own orders."""
    exchange = here.exchange
    assert crowd.builder.digest() == exchange.follower.snapshot().digest == exchange.digest()
    exchange.engine.check()
    orders = engine_orders(exchange.engine)
    for owner in OWNERS:
        assert open_orders(as_array(crowd.streams[owner])) == orders.get(owner, {})


@pytest.mark.parametrize("seed", range(8))
def test_all_at_once_in_any_pieces(seed: int) -> None:
    """In any order in which the exchange reads the messages, all reports are consistent."""
    rng = random.Random(seed)
    ring = rng.choice([16, 128, 1024])
    with harness(instruments=INSTRUMENTS, stream_reports=2**13, outbound_bytes=2**13 * 48, ring_capacity=ring) as here:
        crowd = Crowd(here, rng)
        waiting = dict.fromkeys(OWNERS, b"")
        sent = 0
        while sent < 3000 or any(waiting.values()):
            for owner in rng.sample(OWNERS, rng.randint(1, 5)):
                if not waiting[owner] and sent < 3000:
                    waiting[owner] = b"".join(message.encode() for message in crowd.messages(owner, 50))
                    sent += 50
                size = rng.choice([1, 16, 100, 1000, 5000])
                crowd.clients[owner].send_bytes(waiting[owner][:size])
                waiting[owner] = waiting[owner][size:]
            here.iterate(rng.choice([0, 1, 1, 2]))
            if rng.random() < 0.1:
                crowd.gather()
                here.exchange.follower.snapshot()
            if rng.random() < 0.02:
                here.exchange.command(CommandType.SET_PHASE, rng.choice([1, 3, 70]), Phase(rng.choice([0, 0, 1])))
        here.settle()
        crowd.gather()
        here.settle()
        crowd.gather()
        streams = {owner: as_array(crowd.streams[owner]) for owner in OWNERS}
        check_streams(streams, as_array(crowd.feed))
        check_books(here, crowd)
        answers = sum(
            int(np.isin(s["kind"], [ACCEPTED, REJECTED, REPLACED, MASS_CANCELLED, OPEN_ORDERS_END]).sum())
            for s in streams.values()
        )
        assert 1500 < answers < 3000
