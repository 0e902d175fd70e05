"""The flow of a market: orders around a random mid price that are cancelled after a while unless they trade."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Source
from .settings import MarketSettings
from .source import MarketSource


@dataclass(frozen=True, kw_only=True)
class MarketFlow(MarketSettings):
    """A flow of a market with these settings."""

    def source(self, seed: int) -> Source:
        """One run of this flow. The same seed gives the same run."""
        return MarketSource(self, seed)
