"""Synthetic order flow from a seed, as arrays of commands for ``apply``.

A flow has two parts: the prelude fills the book, and the flow itself continues from there::

    for commands in prelude("balanced", seed=1):
        book.apply(commands)
    for commands in generate("balanced", 1_000_000, seed=1):
        book.apply(commands)

Both depend on the flow and the seed only; ``chunk`` sets the length of the arrays.
"""

from __future__ import annotations

from .base import Flow
from .market import MarketFlow
from .paired import PairedFlow
from .presets import PRESETS
from .stream import generate, prelude

__all__ = ["PRESETS", "Flow", "MarketFlow", "PairedFlow", "generate", "prelude"]
