"""An exchange without threads that records its calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pricetime.exchange.standby.depth import BookDepth, SideDepth
from pricetime.native.histogram import Histogram
from pricetime.types import COMMAND, Phase, Reason
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

    def set_phase(self, instrument: int, state: Phase) -> bool:
        self.full -= 1
        if self.full < 0:
            self.told.append(("set_phase", instrument, state.name))
        return self.full < 0

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
