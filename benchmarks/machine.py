"""What a figure was measured on, where the benchmarks look for it."""

from __future__ import annotations

from pricetime.measure.machine import describe

__all__ = ["describe"]
