"""Measure a start: a replay of the whole journal, and a recovery with a snapshot.

    python -m benchmarks.recovery
    python -m benchmarks.recovery --commands 10000000 --behind 1000000 --directory DIR

The writer and the syncer of a server write a journal of the flow ``balanced``, with a snapshot ``--behind`` commands
before its end. *Replay* is what ``pricetime replay`` does: the books alone, from the first command on; it verifies
every record, and every report against the checkpoints. *Recovery* is what a server does before it serves: it loads and
checks the snapshot, then runs the rest through matcher and router, so that streams and feed are complete. Files are in
the page cache; a cold disk adds the time to read them.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from pricetime.exchange.settings.config import GatewayConfig, InstrumentConfig
from pricetime.exchange.settings.fields import LogLevel
from pricetime.exchange.settings.server_log import make_log
from pricetime.exchange.standby.journal import make_machine, recover
from pricetime.exchange.state.machine import Machine
from pricetime.load.machine import describe
from pricetime.log.directory import Directory
from pricetime.log.replay import Replay
from pricetime.log.snapshot import write
from pricetime.log.syncer import Syncer
from pricetime.log.writer import Writer
from pricetime.tape.flow import generate, prelude
from pricetime.types import COMMAND

#: Commands appended at a time.
RUN = 1 << 12


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--commands", default=10_000_000, show_default=True, type=click.IntRange(1), help="Commands in the journal."
)
@click.option(
    "--behind", default=1_000_000, show_default=True, type=click.IntRange(0), help="Commands after the snapshot."
)
@click.option("--turns", default=5, show_default=True, type=click.IntRange(1), help="Measurements of each.")
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), help="Folder for the journal.")
def main(commands: int, behind: int, turns: int, directory: Path | None) -> None:
    """Time a replay and a recovery."""
    for name, value in describe().items():
        print(f"  {name:<34}{value}")
    with tempfile.TemporaryDirectory(dir=directory) as made:
        settings = GatewayConfig(
            journal=Path(made) / "journal",
            instruments=(InstrumentConfig(id=0),),
            prefault=False,
            log_level=LogLevel.ERROR,
        )
        resting = write_journal(settings, commands, behind)
        print(f"  {'journal':<34}{commands:,} commands of 'balanced', {resting:,} orders rest")
        report("replay of the journal", [replay(settings) for _ in range(turns)], commands)
        report("recovery with the snapshot", [recovery(settings) for _ in range(turns)], behind)


def report(what: str, seconds: list[float], commands: int) -> None:
    """Print median and range."""
    median = statistics.median(seconds)
    print(
        f"  {what:<34}{median:.3f} s ({min(seconds):.3f} to {max(seconds):.3f}), "
        f"{commands / median / 1e6:.1f} M commands/s"
    )


def write_journal(settings: GatewayConfig, commands: int, behind: int) -> int:
    """Write a journal with a snapshot ``behind`` commands before its end; return the orders resting at the end."""
    assert settings.journal is not None
    directory = Directory(settings.journal)
    directory.lock()
    writer: Any = Writer()
    state = make_machine(settings, settings.configuration())
    state.store.epoch = time.time_ns()
    syncer = Syncer(writer, directory, state.configuration, level=1, epoch=state.store.epoch)
    syncer.open()
    syncer.start()
    done = 0
    for run in runs(commands):
        take(writer, state, run)
        done += len(run)
        if commands - behind <= done < commands - behind + RUN:
            keep(settings, directory, writer, state)
    resting = len(state.engine)
    syncer.end()
    directory.unlock()
    return resting


def keep(settings: GatewayConfig, directory: Directory, writer: Any, state: Machine) -> None:
    """Write a snapshot of the current state."""
    from pricetime.log.reader import Reader

    reader = Reader(directory)
    while not reader.read().at_end:
        pass
    while writer.synced() < reader.position.sequence:
        time.sleep(0.001)
    image = state.snapshot(
        reader.position,
        term=reader.term,
        stream_reports=settings.snapshot_stream_reports,
        feed_reports=settings.snapshot_feed_reports,
    )
    write(directory.disk, directory.path, image)


def take(writer: Any, state: Machine, commands: np.ndarray[Any, Any]) -> None:
    """Append and then execute, as the matcher does; waits if no segment is ready."""
    while len(commands):
        took = writer.append_records(commands, state.engine.seq_num, state.matcher.report_checksum)
        state.run(commands[:took])
        commands = commands[took:]
        if not took:
            if writer.failed():
                raise SystemExit("the journal failed")
            time.sleep(0.0005)


def runs(commands: int) -> Iterator[np.ndarray[Any, np.dtype[np.void]]]:
    """Yield the flow of four owners, numbered as in a gateway."""
    sequence = 0
    for part in [*prelude("balanced"), *generate("balanced", commands)]:
        for first in range(0, len(part), RUN):
            run = np.array(part[first : first + RUN], COMMAND)
            run = run[: commands - sequence]
            if not len(run):
                return
            run["sequence"] = np.arange(sequence + 1, sequence + len(run) + 1)
            owner = run["order_id"] % 4 + 1
            run["owner"] = run["session"] = owner
            run["order_id"] &= np.uint64(2**48 - 1)  # a client's own, below its owner
            run["order_id"] |= owner.astype(np.uint64) << np.uint64(48)
            run["timestamp"] = time.time_ns()
            sequence += len(run)
            yield run


def replay(settings: GatewayConfig) -> float:
    """Return the seconds of one replay from the first command."""
    assert settings.journal is not None
    began = time.perf_counter()
    Replay(Directory(settings.journal)).run_to_end()
    return time.perf_counter() - began


def recovery(settings: GatewayConfig) -> float:
    """Return the seconds of one recovery; the journal is not changed."""
    assert settings.journal is not None
    copy = settings.journal.with_name("copy")
    shutil.copytree(settings.journal, copy, copy_function=shutil.copy)
    directory = Directory(copy)
    directory.lock()
    log = make_log(settings.log_level, settings.log_format)

    began = time.perf_counter()
    recover(settings, directory, log)
    took = time.perf_counter() - began
    directory.unlock()
    shutil.rmtree(copy)
    return took


if __name__ == "__main__":
    main()
