"""Reads and writes ``.hlog`` files, the text format of HdrHistogram's tools, through the package ``hdrhistogram``.

A file has one line for each histogram, with its name as a tag. Reading gives the same count in every bucket, and so the
same percentiles in every HdrHistogram tool.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PricetimeError
from ..extras import require
from .histogram import TOPS, Histogram

#: The parameters of an HdrHistogram that has the same buckets as ``Histogram``.
LOWEST, HIGHEST, DIGITS = 1, 2**40 - 1, 3

#: Each line has its maximum in plain text, by convention in ms.
NS_PER_MS = 1e6

HEAD = """\
#[Histogram log format version 1.3]
#[StartTime: {0:.3f} (seconds since epoch), {1}]
#[Latencies of pricetime in ns. Interval_Max is in ms.]
"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
"""


class BadLog(PricetimeError, ValueError):
    """The file is not a valid ``.hlog``, or its histograms do not have 3 digits from 1 ns on."""


def write(path: Path, histograms: Mapping[str, Histogram], *, started_at: float, ended_at: float) -> None:
    """Replace a file by these histograms by name, all of the same period (seconds since 1970).

    The replacement is atomic: a reader sees the old file or the new one. A name has no comma and no line end. Raises
    ValueError, OSError and MissingExtra.
    """
    lines = [HEAD.format(started_at, datetime.fromtimestamp(started_at, UTC).isoformat(timespec="seconds"))]
    for name, histogram in histograms.items():
        if not name or set(name) & set(",\n\r"):
            raise ValueError(
                f"{name!r} is not a valid name for a histogram: it must have text, without commas and line ends"
            )
        made = to_hdr(histogram)
        times = f"{started_at:.3f},{max(0.0, ended_at - started_at):.3f},{made.get_max_value() / NS_PER_MS:.6f}"
        lines.append(f"Tag={name},{times},{made.encode().decode('ascii')}\n")
    new = path.with_name(f"{path.name}.new")
    try:
        new.write_text("".join(lines), encoding="utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Histogram]:
    """The histograms of a file by name. Equal names are merged; the name of an untagged histogram is "".

    ``largest`` of each is the top of its last bucket, because the file has only the buckets. Raises BadLog, OSError and
    MissingExtra.
    """
    reader = package("log").HistogramLogReader(str(path), None)
    found: dict[str, Histogram] = {}
    codec = package("codec")
    broken: tuple[type[Exception], ...] = (
        ValueError, TypeError, IndexError, zlib.error,
        codec.HdrCookieException, codec.HdrLengthException, codec.HdrHistogramSettingsException,
    )  # fmt: skip
    try:
        while (interval := reader.get_next_interval_histogram()) is not None:
            found.setdefault(interval.get_tag() or "", Histogram()).merge(from_hdr(interval))
    except BadLog as error:
        raise BadLog(f"{path}: {error}") from error
    except broken as error:
        raise BadLog(f"{path}: a histogram of this file cannot be read: {error or type(error).__name__}") from error
    finally:
        reader.close()
    return found


def to_hdr(histogram: Histogram) -> Any:
    """An ``hdrh.histogram.HdrHistogram`` with the same counts. Raises MissingExtra."""
    made = package("histogram").HdrHistogram(LOWEST, HIGHEST, DIGITS)
    counts = histogram.array()
    for place in np.flatnonzero(counts):
        made.record_value(int(TOPS[place]), int(counts[place]))
    return made


def from_hdr(histogram: Any) -> Histogram:
    """A ``Histogram`` with the same counts. Raises BadLog if the buckets differ or a value is 2**40 or more."""
    if histogram.significant_figures != DIGITS or histogram.unit_magnitude:
        raise BadLog(
            f"a histogram has {histogram.significant_figures} digits from {histogram.lowest_trackable_value} on: "
            f"pricetime reads only {DIGITS} digits from 1 on"
        )
    counts = np.array(histogram.counts, dtype=np.uint64)
    if counts[TOPS.size :].any():
        raise BadLog(f"a histogram has the value {histogram.get_max_value()}: values must be below 2^40")
    made: Histogram = Histogram.from_array(np.append(counts, np.zeros_like(TOPS))[: TOPS.size])
    return made


def package(module: str) -> Any:
    """A module of the package ``hdrhistogram``. Raises MissingExtra."""
    require("hdrh", "measure", "an .hlog file")
    return import_module(f"hdrh.{module}")
