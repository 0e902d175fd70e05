"""Runs the schedules of all instruments: sends each step when it is due, and tells the schedules how phases change."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Mapping

from ...types import CommandType, Phase, ReportKind
from ..exchange import Exchange
from ..settings.server_log import Log
from .commands import Answer, Commands, Refused
from .schedule import Schedule, Step

#: Longest wait before the clock reads the time and the phases again, in seconds.
TICK_S = 0.1


class Clock:
    """``schedules``: by instrument. ``now_ns``: the time, ns since 1970."""

    def __init__(
        self,
        exchange: Exchange,
        commands: Commands,
        schedules: Mapping[int, Schedule],
        log: Log,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._exchange = exchange
        self._commands = commands
        self._schedules = schedules
        self._log = log
        self._now_ns = now_ns
        self._due: list[tuple[int, int]] = []  # heap of times in ns and instruments, which may be out of date
        self._planned: dict[int, int] = {}  # by instrument: its time in the heap
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._changes = -1

    async def start(self) -> None:
        """Begin all schedules in the phases of their instruments, and wait until what is due now is done."""
        now_ns = self._now_ns()
        self._changes = self._exchange.phase_changes()
        for instrument, phase in self._exchange.phases.items():
            if instrument in self._schedules:
                self._schedules[instrument].start(now_ns, phase, self._exchange.scheduled_ns[instrument])
                self._plan(instrument)
        self.advance()
        await asyncio.gather(*self._busy.values())

    async def run(self) -> None:
        """Send what is due until it is cancelled. Only after ``start``."""
        try:
            while True:
                await asyncio.sleep(self.advance())
        finally:
            for task in self._busy.values():
                task.cancel()

    def advance(self) -> float:
        """Begin the steps that are due now. Returns the time until the next call, in seconds."""
        now_ns = self._now_ns()
        changes = self._exchange.phase_changes()
        if changes != self._changes:
            self._changes = changes
            for instrument, phase in self._exchange.phases.items():
                self._see(instrument, phase, now_ns)
        while self._due and self._due[0][0] <= now_ns:
            due_ns, instrument = heapq.heappop(self._due)
            if self._planned.get(instrument) == due_ns:
                del self._planned[instrument]
                self._begin(instrument)
        wait_ns = self._due[0][0] - now_ns if self._due else 0
        return min(TICK_S, wait_ns / 1e9) if wait_ns else TICK_S

    def _see(self, instrument: int, phase: Phase, now_ns: int) -> None:
        """Note a phase, unless steps of the instrument are under way: these note it at their end."""
        if instrument in self._schedules and instrument not in self._busy:
            self._schedules[instrument].see(now_ns, phase)
            self._plan(instrument)

    def _plan(self, instrument: int) -> None:
        """Put the next step of an instrument into the heap, if its time has changed."""
        due_ns = self._schedules[instrument].next_ns
        if due_ns is None:
            self._planned.pop(instrument, None)
        elif self._planned.get(instrument) != due_ns:
            self._planned[instrument] = due_ns
            heapq.heappush(self._due, (due_ns, instrument))

    def _begin(self, instrument: int) -> None:
        if instrument not in self._busy:
            self._busy[instrument] = asyncio.create_task(self._take_steps(instrument))

    async def _take_steps(self, instrument: int) -> None:
        """Send the steps of one instrument that are due, one after the other."""
        schedule = self._schedules[instrument]
        try:
            while (step := schedule.take(self._now_ns())) is not None:
                await self._take_step(instrument, step)
                schedule.see(self._now_ns(), self._exchange.phase(instrument))
        finally:
            del self._busy[instrument]
        self._see(instrument, self._exchange.phase(instrument), self._now_ns())

    async def _take_step(self, instrument: int, step: Step) -> None:
        try:
            answer = await self._send(instrument, step)
        except Refused as error:
            self._log.error("schedule", instrument=instrument, step=step.why, error=str(error))
            return
        facts: dict[str, object] = {"instrument": instrument, "step": step.why}
        if answer.is_rejected:
            self._log.error("schedule", **facts, rejected=answer.reason.name)
        elif answer.kind is ReportKind.EXPIRY_DONE:
            self._log.info("schedule", **facts, expired=answer.quantity)
        elif answer.kind is ReportKind.UNCROSSED:
            auction = {"price": answer.price, "quantity": answer.quantity, "surplus": answer.surplus}
            self._log.info("schedule", **facts, phase=step.phase.name, **auction)
        else:
            self._log.info("schedule", **facts, phase=step.phase.name)

    async def _send(self, instrument: int, step: Step) -> Answer:
        if step.command is CommandType.UNCROSS:
            return await self._commands.uncross(instrument, step.phase, step.due_ns)
        if step.command is CommandType.EXPIRE:
            return await self._commands.expire(instrument)
        return await self._commands.set_phase(instrument, step.phase, step.due_ns)
