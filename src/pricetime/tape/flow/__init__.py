"""Synthetic order flow: seeded, streaming, in the records that ``apply`` takes.

A flow has two parts. The prelude fills the book; the flow proper, which is what a benchmark times, assumes that
the prelude has been applied first::

    for commands in prelude("balanced", seed=1):
        book.apply(commands)
    for commands in generate("balanced", 1_000_000, seed=1):
        book.apply(commands)

Both are functions of the flow and the seed alone: ``chunk`` only says how the commands are cut into arrays.
"""

from __future__ import annotations

from .base import Flow
from .market import MarketFlow
from .paired import PairedFlow
from .presets import PRESETS
from .stream import generate, prelude

__all__ = ["PRESETS", "Flow", "MarketFlow", "PairedFlow", "generate", "prelude"]
