"""Histograms in files of HdrHistogram's log format, which its tools read: each with a tag that says what it is of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PricetimeError
from ..extras import require

if TYPE_CHECKING:
    from .histogram import Histogram

#: HdrHistogram's settings that give the buckets of ``Histogram``.
LOWEST, HIGHEST, DIGITS = 1, 2**40, 3

#: In the file, the largest value of each stands in ms.
NS_PER_MS = 1e6


class LogError(PricetimeError, ValueError):
    """A file that is no log of histograms."""


def _require() -> Any:
    return require("hdrh.histogram", "measure", "reading and writing .hlog files").HdrHistogram


def write(path: Path, histograms: Mapping[str, Histogram], *, started_at: float, ended_at: float) -> None:
    """Write histograms by tag, all of one time: seconds since 1970. Raises MissingExtra, OSError."""
    hdr_histogram = _require()
    lines = ["#[Histogram log format version 1.3]", f"#[StartTime: {started_at:.3f} (seconds since epoch)]"]
    lines += ['"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"']
    for tag, histogram in histograms.items():
        made = hdr_histogram(LOWEST, HIGHEST, DIGITS)
        counts = histogram.array()
        for index in np.flatnonzero(counts).tolist():
            made.record_value(made.get_value_from_index(index), int(counts[index]))
        payload = made.encode().decode("ascii")
        length, most = max(ended_at - started_at, 0.0), made.get_max_value() / NS_PER_MS
        lines.append(f"Tag={tag},{started_at:.3f},{length:.3f},{most:.6f},{payload}")
    path.write_text("\n".join([*lines, ""]), encoding="ascii")


def read(path: Path) -> dict[str, Histogram]:
    """The histograms of a file by tag; those of one tag are merged. Raises MissingExtra, LogError and OSError."""
    from .histogram import Histogram

    hdr_histogram = _require()
    found: dict[str, Histogram] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.startswith("Tag="):
            continue
        tag, _, rest = line.removeprefix("Tag=").partition(",")
        try:
            decoded = hdr_histogram.decode(rest.rsplit(",", 1)[-1])
            counts = np.array([decoded.get_count_at_index(i) for i in range(len(Histogram().array()))], np.uint64)
        except Exception as error:  # whatever the decoder stumbles over
            raise LogError(f"{path}, line {number}: is no histogram: {error}") from error
        found.setdefault(tag, Histogram()).merge(Histogram.from_array(counts))
    if not found:
        raise LogError(f"{path}: there is no histogram with a tag in it: give a .hlog that pricetime has written")
    return found
