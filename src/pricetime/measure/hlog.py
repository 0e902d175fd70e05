"""Histograms in a file of HdrHistogram's log format, which its tools read: a line for each, with its tag."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PricetimeError
from ..extras import require
from .histogram import Histogram

#: HdrHistogram with these has the buckets of ours.
LOWEST_NS, HIGHEST_NS, DIGITS = 1, 2**40 - 1, 3

HEAD = (
    "#[Histogram log format version 1.3]\n#[StartTime: {:.3f} (seconds since epoch)]\n"
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
)


class BadLog(PricetimeError):
    """The file is no log of histograms, or one of other buckets than ours."""


def write(path: Path, histograms: Mapping[str, Histogram], *, started_at: float, ended_at: float) -> None:
    """One line for each histogram, tagged with its name; times in seconds since the epoch. Raises MissingExtra."""
    lines = [HEAD.format(started_at)]
    for tag, histogram in histograms.items():
        theirs = _hdrh().HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
        counts = histogram.array()
        for index in np.flatnonzero(counts).tolist():
            theirs.record_value(theirs.get_value_from_index(index), int(counts[index]))
        payload = theirs.encode().decode()
        lines.append(f"Tag={tag},{0:.3f},{ended_at - started_at:.3f},{histogram.largest / 1e6:.3f},{payload}\n")
    path.write_text("".join(lines), encoding="ascii")


def read(path: Path) -> dict[str, Histogram]:
    """The histograms of a file by tag, lines of one tag added up. Raises BadLog and MissingExtra."""
    hdrh = _hdrh()
    found: dict[str, Histogram] = {}
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        for line in lines:
            if line.startswith("Tag="):
                tag, *_, payload = line.removeprefix("Tag=").split(",")
                theirs = hdrh.HdrHistogram.decode(payload)
                counts = np.frombuffer(theirs.counts, np.int64).astype(np.uint64)
                ours = Histogram.from_array(counts)
                if tag in found:
                    found[tag].merge(ours)
                else:
                    found[tag] = ours
    except OSError:
        raise
    except Exception as error:  # the package raises whatever its decoder met
        raise BadLog(f"{path} is no log of histograms that can be read: {error}") from error
    return found


def _hdrh() -> Any:
    return require("hdrh.histogram", "latency", "an .hlog file")
