"""Measures latencies by kind of command.

*match*: the time to append a command to the log and to execute it, for one command in ``every``. It is executed as a
batch of its own, so that the time is that of one command. *tick_to_trade*: from the recv call that returned a command
until the datagram with its last report is sent, for all commands.
"""

from __future__ import annotations

import cython

from pricetime.exchange.state.matcher import Matcher
from pricetime.exchange.state.sequencer import Sequencer
from pricetime.native.latency import Latencies

#: Percentiles in the log and in ``stats``, by name.
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "p99.9": 99.9, "p99.99": 99.99, "max": 100}


@cython.final
@cython.cclass
class Timing:
    """Times the commands of ``matcher``. ``every``: one command in this many is sampled; 0: none."""

    if not cython.compiled:
        kinds = counts = cython.NULL

    def __init__(self, matcher: Matcher, sequencer: Sequencer, every: int) -> None:
        self.matcher = matcher
        self.sequencer = sequencer
        self.match, self.tick_to_trade = Latencies(), Latencies()
        self.every = every or NEVER
        self.unsampled = self.every - 1
        self.began_ns = 0
        number: cython.int
        for number in range(TYPES):
            self.kinds[number] = OTHER
        self.kinds[NEW_ORDER] = RESTS
        self.kinds[CANCEL_ORDER] = self.kinds[REDUCE_ORDER] = CANCEL
        self.kinds[REPLACE_ORDER] = self.kinds[REPLACE_ORDER_AS] = REPLACE

    def prefault(self) -> None:
        """Take the memory of the histograms from the system."""
        self.match.prefault()
        self.tick_to_trade.prefault()

    def begin(self, count: u64) -> u64:
        """Begin a batch of at most ``count`` commands. Returns how many it may have."""
        if self.unsampled != 0:
            return min(count, self.unsampled)
        if self.began_ns == 0:  # otherwise it began earlier, and the log had no room
            self.began_ns = monotonic_ns()
        return 1

    def end(self, count: u64) -> None:
        """The batch, of ``count`` commands, is executed."""
        if self.began_ns == 0:
            self.unsampled -= count
            return
        time_ns: u64 = monotonic_ns() - self.began_ns
        place: u64 = self.sequencer.place(self.sequencer.executed)
        bounds: cython.pointer[u64] = cython.address(self.sequencer.bounds[place])
        self.match.record(self._kind(cython.address(self.sequencer.commands[place]), bounds[0], bounds[1]), time_ns)
        self.began_ns = 0
        self.unsampled = self.every - 1

    def answered(self, first: u64, count: u64, sent_ns: u64) -> None:
        """The reports of ``count`` commands from ``first`` on, side by side in the sequencer, are sent."""
        place: u64 = self.sequencer.place(first)
        command: cython.pointer[Command] = cython.address(self.sequencer.commands[place])
        bounds: cython.pointer[u64] = cython.address(self.sequencer.bounds[place])
        arrived_ns: u64 = command.timestamp
        i: u64
        for i in range(count):
            if command[i].timestamp != arrived_ns:
                self._add(sent_ns - arrived_ns)
                arrived_ns = command[i].timestamp
            self.counts[self._kind(cython.address(command[i]), bounds[i], bounds[i + 1])] += 1
        self._add(sent_ns - arrived_ns)

    def _add(self, taken_ns: u64) -> None:
        """Record the counted commands, which arrived in the same read, and start a new count."""
        kind: cython.int
        for kind in range(KINDS):
            if self.counts[kind] != 0:
                self.tick_to_trade.add(kind, taken_ns, self.counts[kind])
                self.counts[kind] = 0

    def _kind(self, command: cython.pointer[cython.const[Command]], first: u64, end: u64) -> u32:
        """The kind of a command, from its type and its reports ``first`` to ``end``.

        It uses a table of types, because branches on the type of a command are hard to predict for the processor.
        """
        if first == end or self.matcher.block[first].kind == REJECTED:
            return OTHER
        kind: u32 = self.kinds[command.type & (TYPES - 1)]
        if kind != RESTS or end - first == 1:
            return kind
        i: u64
        for i in range(first + 1, end):
            if self.matcher.block[i].kind == TRADE:
                return TRADES
            if self.matcher.block[i].kind == CANCELLED and self.matcher.block[i].order_id == command.order_id:
                kind = OTHER
        return kind

    def figures(self) -> dict[str, int]:
        """Percentiles over all kinds of commands, by name."""
        found: dict[str, int] = {}
        for interval, latencies in (("match", self.match), ("tick_to_trade", self.tick_to_trade)):
            values = latencies.all().percentiles(tuple(PERCENTILES.values()))
            found |= {f"{interval}_{name}_ns": ns for name, ns in zip(PERCENTILES, values, strict=True)}
        return found
