"""A flow as arrays of commands: found by name, cut to the length that is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...checks import whole
from ...errors import InvalidSetting
from ...types import COMMAND
from .base import WHOLE, Commands, Flow, Source
from .presets import PRESETS


def prelude(preset: str | Flow, *, seed: int = 0, chunk: int = 65_536) -> Iterator[Commands]:
    """The commands that fill the book before the flow starts: ``flow.resting`` new orders, none of which trades.

    Yields arrays of dtype ``COMMAND`` of ``chunk`` commands, the last one shorter. Sequences count from 1;
    timestamps, in ns, never decrease, here and into the flow that follows.
    """
    flow = find(preset)
    whole(chunk, 1, 2**31 - 1, InvalidSetting, "chunk")
    return cut(iter([start(flow, seed).prelude()]), flow.resting, chunk, first=1)


def generate(preset: str | Flow, count: int, *, seed: int = 0, chunk: int = 65_536) -> Iterator[Commands]:
    """The first ``count`` commands of a flow, for a book to which its ``prelude`` of the same seed has been applied.

    Yields arrays of dtype ``COMMAND`` of ``chunk`` commands, the last one shorter. Time grows with ``count``, memory
    only with the orders that rest and with ``chunk``. Raises ``InvalidSetting`` for a name that is no preset and for a
    count that the flow cannot give.
    """
    flow = find(preset)
    whole(count, 0, 2**63 - 1 if flow.longest is None else flow.longest, InvalidSetting, "count")
    whole(chunk, 1, 2**31 - 1, InvalidSetting, "chunk")
    source = start(flow, seed)
    source.prelude()
    return cut(source.blocks(), count, chunk, first=flow.resting + 1)


def find(preset: str | Flow) -> Flow:
    """The flow itself, or the preset of this name."""
    if isinstance(preset, Flow):
        return preset
    if preset not in PRESETS:
        raise InvalidSetting(f"no flow is called {preset!r}: the presets are {', '.join(PRESETS)}")
    return PRESETS[preset]


def start(flow: Flow, seed: int) -> Source:
    """A run of the flow."""
    return flow.source(whole(seed, 0, 2**64 - 1, InvalidSetting, "seed"))


def cut(blocks: Iterator[Commands], count: int, chunk: int, *, first: int) -> Iterator[Commands]:
    """``count`` commands of the blocks in arrays of ``chunk``, their sequences counted from ``first``."""
    block, used = np.empty(0, COMMAND), 0
    for start in range(0, count, chunk):
        out = np.empty(min(chunk, count - start), COMMAND)
        whole_out, filled = out.view(WHOLE), 0
        while filled < out.size:
            if used == block.size:
                block, used = next(blocks), 0
            take = min(out.size - filled, block.size - used)
            whole_out[filled : filled + take] = block[used : used + take].view(WHOLE)
            filled, used = filled + take, used + take
        out["sequence"] = np.arange(first + start, first + start + out.size, dtype=np.uint64)
        yield out
