"""Measure a snapshot and a start: a replay of the whole journal, and a recovery with the snapshot.

    python -m benchmarks.recovery
    python -m benchmarks.recovery --commands 10000000 --behind 1000000 --directory DIR

A server writes the journal of the flow ``balanced``, with a snapshot ``--behind`` commands before its end, and is
killed. *Replay* is what ``pricetime replay`` does: the books alone, from the first command on; it verifies every
record, and every report against the checkpoints. *Recovery* is what a server does before it serves: it loads and checks
the snapshot, then runs the rest, so that streams and feed are complete. Files are in the page cache; a cold disk adds
the time to read them.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import click

from pricetime.load.load import Load, Pace
from pricetime.load.plan import make_plans
from pricetime.load.run import Run, fill
from pricetime.load.server import Event, ServerProcess
from pricetime.log.directory import Directory
from pricetime.log.replay import Replay

from .report import directory_option, rounds_option, show_machine

SESSIONS = 4


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--commands", default=10_000_000, show_default=True, type=click.IntRange(1), help="Commands in the journal."
)
@click.option(
    "--behind", default=1_000_000, show_default=True, type=click.IntRange(1), help="Commands after the snapshot."
)
@rounds_option(5)
@directory_option
def main(commands: int, behind: int, rounds: int, directory: Path) -> None:
    """Time a snapshot, a replay and a recovery."""
    if behind > commands // 2:
        raise click.UsageError("--behind must be at most half of --commands, so that there is one snapshot")
    directory.mkdir(parents=True, exist_ok=True)
    show_machine()
    with tempfile.TemporaryDirectory(dir=directory) as made:
        journal = Path(made) / "journal"
        snapshot = write_journal(journal, commands, behind)
        print(f"  {'snapshot':<34}{snapshot['seconds']:.3f} s, {snapshot['orders']:,} orders rest")
        report("replay of the journal", *zip(*(replay(journal) for _ in range(rounds)), strict=True))
        report("recovery with the snapshot", *zip(*(recovery(journal) for _ in range(rounds)), strict=True))


def report(what: str, seconds: tuple[float, ...], commands: tuple[int, ...]) -> None:
    """Print median and range."""
    median = statistics.median(seconds)
    print(
        f"  {what:<34}{median:.3f} s ({min(seconds):.3f} to {max(seconds):.3f}), {commands[0]:,} commands, "
        f"{commands[0] / median / 1e6:.1f} M commands/s"
    )


def serve(journal: Path, *options: str) -> ServerProcess:
    return ServerProcess("--open", "--stats-interval-ms", "0", "--no-prefault", "--journal", str(journal), *options)


def write_journal(journal: Path, commands: int, behind: int) -> Event:
    """Write a journal with a snapshot ``behind`` commands before its end; return what the server logged of it."""
    first, plans = make_plans("balanced", commands, SESSIONS)
    with (
        serve(journal, "--snapshot-every", str(commands - behind)) as server,
        Load(server.host, server.port, SESSIONS) as load,
    ):
        fill(load, first)
        run = Run(load, Pace(0))
        run.go(plans)
        if run.result.failure:
            raise SystemExit(run.result.failure)
        snapshot = server.wait_for("snapshot", 60)
        server.kill()
    return snapshot


def replay(journal: Path) -> tuple[float, int]:
    """Return the seconds of one replay from the first command, and the commands."""
    began = time.perf_counter()
    outcome = Replay(Directory(journal))
    outcome.run_to_end()
    return time.perf_counter() - began, outcome.sequence


def recovery(journal: Path) -> tuple[float, int]:
    """Return the seconds of one recovery, and the commands after the snapshot; the journal is not changed."""
    copy = journal.with_name("copy")
    shutil.copytree(journal, copy)
    with serve(copy) as server:
        recovered = server.last("recovered")
    shutil.rmtree(copy)
    return recovered["seconds"], recovered["replayed"]


if __name__ == "__main__":
    main()
