"""The days of a flow: when phases begin, and the other commands of the exchange itself.

A day has so many arrivals. It begins before the opening auction and ends with the expiry of orders; the next day
follows. The generator does not match, so it does not know whether a price range has interrupted trading: while trading
is continuous it sends an uncross again and again, which the book rejects unless it collects orders.
"""

from __future__ import annotations

import numpy as np

from ...types import COMMAND, CommandType, Phase
from .base import CANCEL_LENGTH, Commands, Ints
from .terms import Moments

#: When a phase begins, as a share of the day. An auction begins the phase after it.
PHASES = ((0.0, Phase.PRE_OPEN), (0.05, Phase.OPENING_AUCTION), (0.1, Phase.CONTINUOUS), (0.92, Phase.CLOSING_AUCTION))

#: How often a day has indicative prices while orders are collected; attempts to end an interruption; expiries.
INDICATIONS, ATTEMPTS, EXPIRIES = 512, 32, 64

#: Orders that one EXPIRE command ends while the market is open, and how many such commands end the day before the last
#: one, which ends all others.
PART, LAST_PARTS = 64, 8


class Days:
    """The days of one flow. ``length``: arrivals of a day."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.begins = [int(share * length) for share, _ in PHASES]
        self.arrived = 0

    def next(self, times: Ints) -> tuple[Commands, Moments]:
        """The commands of the exchange while orders arrive at these times, and the phases of these orders."""
        of_day = (self.arrived + np.arange(times.size)) % self.length
        self.arrived += times.size
        phase = np.searchsorted(self.begins, of_day, side="right") - 1
        collects = np.isin(phase, [n for n, (_, phase_) in enumerate(PHASES) if phase_ is not Phase.CONTINUOUS])
        rows = [self._row(CommandType.SET_PHASE, times, np.flatnonzero(of_day == self.begins[n]), PHASES[n][1])
                for n in (0, 1, 3)]  # fmt: skip
        opens = np.flatnonzero(of_day == self.begins[2])
        rows.append(self._row(CommandType.UNCROSS, times, opens, Phase.CONTINUOUS))
        often = np.flatnonzero(collects & (of_day % max(1, self.length // INDICATIONS) == 0))
        rows.append(self._row(CommandType.INDICATE, times, often))
        tried = np.flatnonzero(~collects & (of_day % max(1, self.length // ATTEMPTS) == 0))
        rows.append(self._row(CommandType.UNCROSS, times, tried, Phase.CONTINUOUS))
        due = np.flatnonzero(of_day % max(1, self.length // EXPIRIES) == 0)
        rows.append(self._row(CommandType.EXPIRE, times, due, part=PART))
        close = self._row(CommandType.UNCROSS, times, np.flatnonzero(of_day == self.length - 1), Phase.CLOSED, after=1)
        ends = np.repeat(close, LAST_PARTS + 1)
        ends["type"], ends["flags"], ends["quantity"] = CommandType.EXPIRE, 0, ends["timestamp"]
        ends["tag"] = np.tile([*[PART] * LAST_PARTS, 0], close.size)
        commands = np.concatenate([close, ends, *rows])
        moments = Moments(collects, of_day < self.begins[2])
        return commands.take(np.argsort(commands["timestamp"], kind="stable")), moments

    @staticmethod
    def _row(
        kind: CommandType, times: Ints, places: Ints, flags: int = 0, *, part: int = 0, after: int = 0
    ) -> Commands:
        """Commands of one kind at these arrivals, or ``after`` ns later."""
        commands = np.zeros(places.size, COMMAND)
        commands["type"], commands["length"] = kind, CANCEL_LENGTH
        commands["timestamp"] = times[places] + after
        commands["flags"], commands["tag"] = flags, part
        if kind is CommandType.EXPIRE:
            commands["quantity"] = commands["timestamp"]
        return commands
