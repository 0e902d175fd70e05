"""The latencies that a page shows, in ns since the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The columns.
PERCENTILES = (50.0, 99.0, 99.9, 100.0)
NAMES = ("p50", "p99", "p99.9", "max")


def percentiles(exchange: Any, stats: Mapping[str, int | float]) -> list[dict[str, Any]]:
    """A row for each interval and kind of command of which there is one; of all kinds where they are not told apart."""
    if not hasattr(exchange, "latencies"):
        row = {name: stats.get(f"tick_to_trade_{name}_ns", 0) for name in NAMES}
        return [{"interval": "tick_to_trade", "kind": "all", **row}] if row["max"] else []
    return [
        {"interval": interval, "kind": kind, **dict(zip(NAMES, histogram.percentiles(PERCENTILES), strict=True))}
        for interval, kinds in exchange.latencies().items()
        for kind, histogram in kinds.items()
        if histogram.count
    ]
