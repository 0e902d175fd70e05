"""The reports of the owners of a reference book with the rules of a venue, as an exchange sends them to each owner."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import numpy as np

from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import EXECUTION_REPORT, CommandType, Reason, ReportKind, Side
from pricetime.wire.messages import ExecutionReport
from pricetime.wire.types import ORDER_ID_BITS
from tests.reference.venue_flow import Flow

Commands = np.ndarray[Any, Any]

OWN = (1 << ORDER_ID_BITS) - 1

#: Kinds of reports whose ``maker_id`` is the public number of the order, which is its order id here.
REFERRING = {ReportKind.ACCEPTED, ReportKind.REPLACED, ReportKind.OPEN_ORDER}

#: Kinds of reports about a command, whatever order they name.
OF_COMMAND = {ReportKind.REJECTED, ReportKind.MASS_CANCELLED, ReportKind.OPEN_ORDERS_END, ReportKind.PHASE_CHANGED}

#: Kinds of reports that only the feed has.
PUBLIC = {ReportKind.INDICATIVE, ReportKind.UNCROSSED, ReportKind.EXPIRY_DONE, ReportKind.PRICE_SET}

#: Commands about one order.
CHANGES = (CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER, CommandType.REPLACE_ORDER)


class VenueStreams:
    """``book`` has one instrument, 1. Order ids are the owner's in the low bits, the owner in the high ones."""

    def __init__(self, book: ReferenceBook) -> None:
        self.book = book
        self.count: dict[int, int] = defaultdict(int)

    def give(self, commands: Commands, owner: int = 0) -> dict[int, bytes]:
        """Execute commands of an owner, 0 for the operator. Returns what each owner receives."""
        sent: dict[int, bytes] = defaultdict(bytes)
        for row in apply(self.book, commands).tolist():
            for to, own in own_reports(row, owner):
                self.count[to] += 1
                sent[to] += ExecutionReport._make((*own[:4], 1, self.count[to], *own[6:])).encode()
        return sent

    def ids_of(self, owner: int) -> list[int]:
        """The owner's order ids of its open orders."""
        return [order_id & OWN for order_id in self.book.by_id if order_id >> ORDER_ID_BITS == owner]


def own_reports(row: tuple[int, ...], owner: int) -> list[tuple[int, tuple[int, ...]]]:
    """To whom a report goes, and how it looks there."""
    _, kind, side, reason, _, _, order_id, maker_id, price, quantity = row
    if kind in PUBLIC or (kind in OF_COMMAND and not owner):
        return []
    to = owner if kind in OF_COMMAND else order_id >> ORDER_ID_BITS
    if kind in (ReportKind.TRADE, ReportKind.AUCTION_TRADE):
        taker = (side, 0) if kind == ReportKind.TRADE else (Side.BID, 0)
        maker = (3 - side, Reason.AS_MAKER) if kind == ReportKind.TRADE else (Side.ASK, 0)
        parties = ((order_id, maker_id, *taker), (maker_id, order_id, *maker))
        return [
            (own >> ORDER_ID_BITS, (EXECUTION_REPORT, kind, of, why, 1, 0, own & OWN, other, price, quantity))
            for own, other, of, why in parties
        ]
    if kind in REFERRING and not (kind == ReportKind.OPEN_ORDER and reason == Reason.WAITS):
        maker_id = order_id
    return [(to, (EXECUTION_REPORT, kind, side, reason, 1, 0, order_id & OWN, maker_id, price, quantity))]


class OwnedFlow:
    """Random commands of the owners 1 to 3, and of the operator, owner 0: see ``tests.reference.venue_flow``."""

    def __init__(self, rng: random.Random, streams: VenueStreams) -> None:
        self.rng, self.streams = rng, streams
        self.flow = Flow(rng, all_or_none=streams.book.venue.all_or_none)

    def next(self) -> tuple[int, Commands]:
        """Owner and command, with its extension."""
        while True:
            commands = self.flow.next(list(self.streams.book.by_id))
            kind = commands["type"][0]
            commands["instrument"][0] = 1
            if kind == CommandType.NEW_ORDER:
                owner = int(commands["owner"][0]) or 1
                commands["owner"][0] = owner
                commands["order_id"][0] |= np.uint64(owner << ORDER_ID_BITS)
                return owner, commands
            if kind in CHANGES:
                owner = int(commands["order_id"][0]) >> ORDER_ID_BITS
                commands["owner"][0] = owner
                return owner, commands
            if kind == CommandType.MASS_CANCEL:
                commands["flags"] = Reason.BY_MASS_CANCEL
                return int(commands["owner"][0]), commands
            if kind != CommandType.REPLACE_ORDER_AS:
                return 0, commands
