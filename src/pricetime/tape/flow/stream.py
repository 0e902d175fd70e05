"""``prelude`` and ``generate``: a flow as arrays of commands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...checks import whole
from ...errors import InvalidSetting
from ...types import COMMAND
from .base import WHOLE, Commands, Flow
from .market import MarketFlow
from .paired import PairedFlow, PairedSource
from .presets import PRESETS
from .source import MarketSource
from .terms import is_extended, make_plain


def prelude(preset: str | Flow, *, seed: int = 0, chunk: int = 65_536) -> Iterator[Commands]:
    """The commands that fill the book: ``flow.resting`` new orders that do not trade.

    Yields arrays of dtype ``COMMAND`` with ``chunk`` commands each, the last one shorter. Sequences count from 1 and
    continue in the flow. Timestamps, in ns, never decrease.
    """
    flow = find(preset)
    whole(chunk, 1, 2**31 - 1, InvalidSetting, "chunk")
    return cut(iter([start(flow, seed).prelude()]), flow.resting, chunk, first=1)


def generate(preset: str | Flow, count: int, *, seed: int = 0, chunk: int = 65_536) -> Iterator[Commands]:
    """The first ``count`` commands of a flow. Apply its ``prelude`` of the same seed first.

    Yields arrays of dtype ``COMMAND`` with ``chunk`` commands each, the last one shorter. Memory depends on the resting
    orders and on ``chunk``, not on ``count``. Raises ``InvalidSetting`` for an unknown preset and for a count beyond
    the length of the flow.
    """
    flow = find(preset)
    whole(count, 0, 2**63 - 1 if flow.longest is None else flow.longest, InvalidSetting, "count")
    whole(chunk, 1, 2**31 - 1, InvalidSetting, "chunk")
    source = start(flow, seed)
    source.prelude()
    return cut(source.blocks(), count, chunk, first=flow.resting + 1)


def find(preset: str | Flow) -> Flow:
    """Return a flow unchanged, or the preset of this name."""
    if isinstance(preset, Flow):
        return preset
    if preset not in PRESETS:
        raise InvalidSetting(f"no flow is called {preset!r}: the presets are {', '.join(PRESETS)}")
    return PRESETS[preset]


def start(flow: Flow, seed: int) -> MarketSource | PairedSource:
    """Start a run of the flow: call ``prelude`` once, then ``blocks``."""
    whole(seed, 0, 2**64 - 1, InvalidSetting, "seed")
    if isinstance(flow, MarketFlow):
        return MarketSource(flow, seed)
    assert isinstance(flow, PairedFlow)
    return PairedSource(flow, seed)


def cut(blocks: Iterator[Commands], count: int, chunk: int, *, first: int) -> Iterator[Commands]:
    """Cut blocks into arrays of ``chunk`` commands, ``count`` in all, with sequences from ``first``."""
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
        if start + out.size == count and is_extended(out[-1:])[0]:
            make_plain(out[-1:])  # its extension would follow
        out["sequence"] = np.arange(first + start, first + start + out.size, dtype=np.uint64)
        yield out
