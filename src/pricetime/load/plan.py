"""A flow of orders, encoded as the bytes that each session sends."""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..tape.flow import PRESETS, Flow, MarketFlow, generate, prelude
from ..tape.flow.terms import is_extended
from ..types import COMMAND, ORDER_EXTENSION, CommandType
from ..wire.bulk import SENT_SIZES, Commands, encode_commands
from ..wire.messages import SIZES

#: In order ids of the scheme "session", the session number starts at this bit.
OWNER_SHIFT = 32

#: Bytes of one order, the share of free memory that orders may use, and how many orders are always allowed.
ORDER_BYTES, SHARE_OF_MEMORY, LEAST_MADE = 40, 0.5, 1 << 20

#: More commands than a run sends.
ENDLESS = 2**62

_SIZES = np.frombuffer(SIZES, np.uint8)
_EXTENSION_BYTES = _SIZES[CommandType.ORDER_EXTENSION]


@dataclass(frozen=True)
class Plan:
    """Encoded commands in the order of the flow. Arrays of shape (bytes,), (count,) and (count,).

    An extended order and its extension are one command, because the exchange answers them together.
    """

    data: NDArray[np.uint8]
    sizes: NDArray[np.uint8]  #: of each command, in bytes
    sessions: NDArray[np.uint16]  #: which session sends it, counted from 0

    @property
    def count(self) -> int:
        """Number of commands."""
        return len(self.sizes)

    def bytes_of(self, session: int) -> bytes:
        """The bytes that one session sends. O(bytes)."""
        return self._only(self.sessions == session).data.tobytes()

    def part(self, first: int, end: int | None = None) -> Plan:
        """The commands from number ``first`` up to ``end``, as a view without a copy. O(first)."""
        start = int(self.sizes[:first].sum(dtype=np.int64))
        sizes = self.sizes[first:end]
        return Plan(self.data[start : start + int(sizes.sum(dtype=np.int64))], sizes, self.sessions[first:end])

    def rest(self, done: Mapping[int, int]) -> Plan:
        """The plan without the first ``done[session]`` commands of each session."""
        left = np.ones(self.count, bool)
        for session, count in done.items():
            left[np.flatnonzero(self.sessions == session)[:count]] = False
        return self._only(left)

    def _only(self, chosen: NDArray[np.bool_]) -> Plan:
        return Plan(self.data[np.repeat(chosen, self.sizes)], self.sizes[chosen], self.sessions[chosen])


def make_plans(
    preset: str | Flow,
    count: int,
    sessions: int,
    *,
    instrument: int = 1,
    seed: int = 0,
    chunk: int = 1 << 18,
    start_ns: int = 0,
) -> tuple[Plan, Iterator[Plan]]:
    """The plan that fills the book, and an iterator of plans with the flow after it, ``chunk`` commands at most each.

    ``sessions`` share the flow, and each counts its own order ids. A command takes about 36 bytes.
    ``start_ns``: when the flow begins, ns since 1970, for the expiry times of its orders.
    """
    flow = PRESETS[preset] if isinstance(preset, str) else preset
    flow = replace(flow, owners=sessions, ids="session")
    first = encode(np.concatenate([*prelude(flow, seed=seed)]), instrument)
    if not (isinstance(flow, MarketFlow) and flow.has_venue_orders):
        return first, (encode(part, instrument) for part in generate(flow, count, seed=seed, chunk=chunk))
    return first, _plans_of(whole_orders(generate(flow, ENDLESS, seed=seed, chunk=chunk)), count, instrument, start_ns)


def _plans_of(parts: Iterator[Commands], count: int, instrument: int, start_ns: int) -> Iterator[Plan]:
    """Plans of the first commands of a flow without end. Those of the exchange itself and extensions do not count."""
    while count:
        commands = next(parts)
        extensions = commands.view(ORDER_EXTENSION)
        timed = (extensions["type"] == CommandType.ORDER_EXTENSION) & (extensions["expiry_ns"] != 0)
        extensions["expiry_ns"][timed] += np.uint64(start_ns)
        plan = encode(commands, instrument).part(0, count)
        count -= plan.count
        yield plan


def whole_orders(parts: Iterator[Commands]) -> Iterator[Commands]:
    """Arrays of commands, cut again so that no order is apart from its extension."""
    held = np.empty(0, COMMAND)
    for part in parts:
        commands = np.concatenate([held, part])
        end = len(commands) - int(is_extended(commands[-1:]).sum())
        held = commands[end:]
        yield commands[:end]


def encode(commands: Commands, instrument: int) -> Plan:
    """Encode commands whose order ids name their session, from 1 on. Sets their instrument.

    Leaves out what only an exchange itself sends: phases, auctions, expiry.
    """
    commands = commands[SENT_SIZES[commands["type"]] != 0]
    extensions = commands["type"] == CommandType.ORDER_EXTENSION
    commands["instrument"][~extensions] = instrument
    data, _ = encode_commands(commands)
    sizes, order_ids = _SIZES[commands["type"]], commands["order_id"]
    if extensions.any():
        sizes = sizes[~extensions] + np.where(np.append(extensions[1:], False), _EXTENSION_BYTES, 0)[~extensions]
        order_ids = order_ids[~extensions]
    sessions = (order_ids >> np.uint64(OWNER_SHIFT)) - np.uint64(1)
    return Plan(data, sizes.astype(np.uint8), sessions.astype(np.uint16))


def join(plans: list[Plan]) -> Plan:
    """Concatenate plans."""
    return Plan(
        np.concatenate([plan.data for plan in plans]),
        np.concatenate([plan.sizes for plan in plans]),
        np.concatenate([plan.sessions for plan in plans]),
    )


def made_ahead(plans: Iterator[Plan], on_made: Callable[[int], None] = lambda _: None) -> Iterator[Plan]:
    """Make as many orders now as fit into memory, and the others, if any, when the first ones are taken."""
    made: deque[Plan] = deque()
    left = most_made()
    for plan in plans:
        made.append(plan)
        on_made(plan.count)
        left -= plan.count
        if left <= 0:
            break
    return _taken(made, plans)


def _taken(made: deque[Plan], plans: Iterator[Plan]) -> Iterator[Plan]:
    while made:
        yield made.popleft()
    yield from plans


def most_made() -> int:
    """How many orders fit into memory before the first one is sent."""
    free_bytes = 0
    with contextlib.suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
        free_bytes = int(found[1]) * 1024 if found else 0
    return max(LEAST_MADE, int(free_bytes * SHARE_OF_MEMORY / ORDER_BYTES))
