"""The latencies that a page shows: percentiles in ns since the server started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..native.histogram import Histogram

#: The columns, and their names.
PERCENTILES = (50.0, 99.0, 99.9, 100.0)
NAMES = ("p50", "p99", "p99.9", "max")


def percentiles(latencies: Mapping[str, Mapping[str, Histogram]]) -> list[dict[str, Any]]:
    """One row for each interval and kind of command that has been measured."""
    return [
        {"interval": interval, "kind": kind, **dict(zip(NAMES, histogram.percentiles(PERCENTILES), strict=True))}
        for interval, kinds in latencies.items()
        for kind, histogram in kinds.items()
        if histogram.count
    ]
