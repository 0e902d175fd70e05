"""The latencies that a page shows, in ns since the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...measure.histogram import Histogram

#: The columns.
PERCENTILES = (50.0, 99.0, 99.9, 100.0)
NAMES = ("p50", "p99", "p99.9", "max")


def percentiles(latencies: Mapping[str, Mapping[str, Histogram]]) -> list[dict[str, Any]]:
    """A row for each interval and kind of command of which there is one."""
    return [
        {"interval": interval, "kind": kind, **dict(zip(NAMES, histogram.percentiles(PERCENTILES), strict=True))}
        for interval, kinds in latencies.items()
        for kind, histogram in kinds.items()
        if histogram.count
    ]
