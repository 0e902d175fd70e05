"""``pricetime latency``: percentiles of .hlog files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..native.histogram import Histogram


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def latency(files: tuple[Path, ...]) -> None:
    """Show latency percentiles of .hlog files.

    `pricetime serve --latency-log` and `pricetime load --out` write such files. The table has a row for each interval
    and for each kind of command in it: p99 is the time that 99 % of the commands did not exceed. Several files are
    added together.

    \b
        pricetime latency run.hlog
    """
    from ..load.record import intervals_of
    from ..load.run import by_kind
    from ..native.hlog import read
    from .load_show import latencies

    found: dict[str, Histogram] = {}
    for file in files:
        for name, histogram in read(file).items():
            if name in found:
                found[name].merge(histogram)
            else:
                found[name] = histogram
    if not any(histogram.count for histogram in found.values()):
        names = ", ".join(file.name for file in files)
        raise click.ClickException(f"{names} has no latencies: give .hlog files of a run that had orders")
    latencies({interval: by_kind(kinds) for interval, kinds in intervals_of(found).items()})
