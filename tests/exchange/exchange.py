"""An exchange without threads that records its calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pricetime.core.instrument import Instrument
from pricetime.exchange.standby.depth import BookDepth, SideDepth
from pricetime.native.histogram import Histogram
from pricetime.types import COMMAND, CommandType, Phase, PriceKind, Reason, ReportKind, Side
from pricetime.wire.types import AcknowledgementLevel, SessionReason
from tests.exchange.control.test_retransmission import FakeBooks, FakeStore

if TYPE_CHECKING:
    from pricetime.exchange.standby.journal import Journal


class FakeExchange:
    def __init__(self) -> None:
        self.store = FakeStore()
        self.follower = FakeBooks()
        self.term = 1
        self.failure: str | None = None
        self.journal_failure: str | None = None
        self.journal: Journal | None = None
        self.level = AcknowledgementLevel.VOLATILE
        self.phases = {1: Phase.CONTINUOUS, 2: Phase.CONTINUOUS}
        self.changes = 0  # of phases
        self.scheduled_ns = {1: 0, 2: 0}
        self.answers: list[tuple[int, int, int, int, int, int, int]] = []
        self.rejects: dict[CommandType, Reason] = {}  # commands that are rejected
        self.auction = (Reason.NONE, Side.BID, 100, 40, 7)  # reason, side, price, volume and surplus
        self.told: list[object] = []
        self.full = 0  # how many commands find no room
        self.drains = True
        self.stuck = False  # nothing is executed any more
        self.open: list[tuple[int, int, int, int, int]] = []  # owner, id, side, price, quantity
        self.fds: list[int] = []
        self.events: list[tuple[int, int, int, int, int]] = []

    def admit(self, fd: int, owner: int, flags: int, next_sequence: int) -> bool:
        self.told.append(("admit", owner, flags, next_sequence))
        self.fds.append(fd)
        return True

    @property
    def instruments(self) -> dict[int, Instrument]:
        return {number: Instrument(number, f"I{number}") for number in self.phases}

    def phase(self, instrument: int) -> Phase:
        return self.phases[instrument]

    def phase_changes(self) -> int:
        return self.changes

    def begin(self, instrument: int, phase: Phase) -> None:
        """An order, a schedule or the operator begins a phase."""
        self.phases[instrument] = phase
        self.changes += 1

    def command(
        self, kind: CommandType, instrument: int, flags: int = 0, price: int = 0, number: int = 0, due_ns: int = 0
    ) -> bool:
        self.full -= 1
        if self.full >= 0:
            return False
        self.told.append((kind.name.lower(), instrument, *self._words(kind, flags, price)))
        if not self.stuck:
            self.answers.append((number, *self._answer(kind, instrument, flags, price)))
        return True

    def _words(self, kind: CommandType, flags: int, price: int) -> tuple[object, ...]:
        if kind in {CommandType.SET_PHASE, CommandType.UNCROSS}:
            return (Phase(flags).name,)
        return (PriceKind(flags).name, price) if kind is CommandType.SET_PRICE else ()

    def _answer(
        self, kind: CommandType, instrument: int, flags: int, price: int
    ) -> tuple[int, int, int, int, int, int]:
        """Kind, reason, side, price, quantity and surplus."""
        if kind in self.rejects:
            return ReportKind.REJECTED, self.rejects[kind], 0, 0, 0, 0
        if kind in {CommandType.SET_PHASE, CommandType.UNCROSS}:
            self.begin(instrument, Phase(flags))
        if kind is CommandType.SET_PHASE:
            return ReportKind.PHASE_CHANGED, 0, 0, 0, flags, 0
        if kind is CommandType.SET_PRICE:
            return ReportKind.PRICE_SET, 0, 0, price, flags, 0
        if kind is CommandType.EXPIRE:
            return ReportKind.EXPIRY_DONE, 0, 0, 0, 3, 0
        uncrossed = ReportKind.UNCROSSED if kind is CommandType.UNCROSS else ReportKind.INDICATIVE
        return uncrossed, *self.auction

    def take_answers(self) -> list[tuple[int, int, int, int, int, int, int]]:
        answers, self.answers = self.answers, []
        return answers

    def want_snapshot(self) -> bool:
        self.told.append("want_snapshot")
        return self.level != AcknowledgementLevel.VOLATILE

    def remove(self, owner: int, session_reason: int, cancel_reason: int) -> bool:
        self.full -= 1
        if self.full < 0:
            self.told.append(("remove", owner, SessionReason(session_reason).name, Reason(cancel_reason).name))
            if cancel_reason:
                self.open = [order for order in self.open if order[0] != owner]
        return self.full < 0

    def is_done(self, owner: int) -> bool:
        return not self.stuck

    def progress(self) -> tuple[int, int]:
        return 5, 5

    def open_orders(self, owner: int) -> NDArray[np.void]:
        if self.stuck:
            raise RuntimeError("the matcher does not answer")
        rows = [order for order in self.open if order[0] == owner]
        made = np.zeros(len(rows), COMMAND)
        for row, (of, number, side, price, quantity) in zip(made, rows, strict=True):
            row["order_id"], row["side"], row["instrument"] = of << 48 | number, side, 1
            row["price"], row["quantity"] = price, quantity
        return made

    def sessions(self) -> list[tuple[int, int, int, int]]:
        return [(7, 48, 250_000_000, 3)]

    def begin_stop(self) -> None:
        self.told.append("begin_stop")

    def wait_drained(self, timeout_s: float) -> bool:
        self.told.append(("wait_drained", timeout_s))
        return self.drains

    def take_events(self) -> list[tuple[int, int, int, int, int]]:
        events, self.events = self.events, []
        return events

    def digest(self) -> int:
        return 0xB00C

    def stats(self) -> Mapping[str, int | float]:
        rings = {"commands_in_ring": 0, "reports_in_ring": 0}
        return {
            "commands": 5,
            "feed_next_sequence": 1,
            "log_first": 1,
            "log_sequence": 5,
            "follower_sequence": 5,
            **rings,
        }

    def latencies(self) -> Mapping[str, Mapping[str, Histogram]]:
        return {}

    def report_counts(self) -> Mapping[tuple[int, int], int]:
        return {}

    def depth(self, instrument: int) -> BookDepth:
        nothing = SideDepth(0, 0, 0.0, None)
        return BookDepth(Phase.CONTINUOUS, nothing, nothing)

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)
