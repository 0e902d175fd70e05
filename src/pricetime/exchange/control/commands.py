"""Sends commands of the operator and of schedules to the event loop, and waits for their answers.

Each is a command in the journal. Its answer arrives when it is executed and, with a journal, acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from itertools import count
from typing import NamedTuple

from ...errors import PricetimeError
from ...types import CommandType, Phase, PriceKind, Reason, ReportKind, Side
from ..exchange import Exchange

#: Timeout for the execution of a command, in seconds.
COMMAND_TIMEOUT_S = 10.0

#: Interval of checks whether it is done, in seconds.
POLL_S = 0.005

#: Commands that may wait for their answers. The channel to the event loop has room for more.
MOST_WAITING = 1024


class Refused(PricetimeError):
    """A request of the operator cannot be executed. The message says why and what to do."""


class Answer(NamedTuple):
    """The report that says what a command did. Prices in ticks, quantities in lots."""

    kind: ReportKind
    reason: Reason
    side: Side | None  #: of the surplus
    price: int
    quantity: int  #: the volume of an auction, the number of expired orders, or what ``ReportKind`` says
    surplus: int

    @property
    def is_rejected(self) -> bool:
        return self.kind is ReportKind.REJECTED


class Commands:
    """Sends commands to ``exchange``, at most MOST_WAITING at a time, in one event loop of asyncio."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._numbers = count(1)
        self._room = asyncio.Semaphore(MOST_WAITING)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._expiring: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._reader: asyncio.Task[None] | None = None

    async def set_phase(self, instrument: int, phase: Phase, due_ns: int = 0) -> Answer:
        """Begin a phase. ``due_ns``: when its row of a schedule was due; 0 without."""
        return await self._send(CommandType.SET_PHASE, instrument, flags=phase, due_ns=due_ns)

    async def uncross(self, instrument: int, phase: Phase, due_ns: int = 0) -> Answer:
        """Trade at the auction price and begin a phase. The answer has price, volume and surplus.

        ``due_ns``: as in ``set_phase``.
        """
        return await self._send(CommandType.UNCROSS, instrument, flags=phase, due_ns=due_ns)

    async def indicate(self, instrument: int) -> Answer:
        """Publish where the auction would trade now. The answer has the same fields as that of ``uncross``."""
        return await self._send(CommandType.INDICATE, instrument)

    async def set_price(self, instrument: int, kind: PriceKind, price: int) -> Answer:
        """Set one price of an instrument, in ticks."""
        return await self._send(CommandType.SET_PRICE, instrument, flags=kind, price=price)

    async def expire(self, instrument: int) -> Answer:
        """Expire the orders that are due, in as many parts as it takes. The answer has their number."""
        async with self._expiring[instrument]:
            return await self._send(CommandType.EXPIRE, instrument)

    async def _send(
        self, kind: CommandType, instrument: int, *, flags: int = 0, price: int = 0, due_ns: int = 0
    ) -> Answer:
        """Send a command and wait for its answer. Raises Refused after COMMAND_TIMEOUT_S."""
        number = next(self._numbers)
        try:
            async with self._room, asyncio.timeout(COMMAND_TIMEOUT_S):
                while not self._exchange.command(kind, instrument, flags, price, number, due_ns):
                    await asyncio.sleep(POLL_S)
                self._waiting[number] = asyncio.get_running_loop().create_future()
                if self._reader is None or self._reader.done():
                    self._reader = asyncio.create_task(self._read())
                return await self._waiting[number]
        except TimeoutError:
            raise Refused(
                f"not executed within {COMMAND_TIMEOUT_S:.0f} s; the server may still execute it. Is the disk of the "
                "journal busy? See the log of the server"
            ) from None
        finally:
            self._waiting.pop(number, None)

    async def _read(self) -> None:
        """Give the answers to those that wait for them, until no command waits."""
        while self._waiting:
            for number, kind, reason, side, price, quantity, surplus in self._exchange.take_answers():
                waiting = self._waiting.get(number)
                if waiting is not None and not waiting.done():
                    on = Side(side) if side else None
                    waiting.set_result(Answer(ReportKind(kind), Reason(reason), on, price, quantity, surplus))
            await asyncio.sleep(POLL_S)
