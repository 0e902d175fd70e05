"""Prints the results of ``pricetime journal``."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from ..log.configuration import Configuration
from ..log.errors import JournalError, SnapshotDamaged
from ..log.layout import RECORD_BYTES
from ..log.reader import Reader, start_before
from ..log.repair import plan as planned
from ..log.segment import BadHead, SegmentHead
from ..log.snapshot import load
from ..native.crc import linked
from ..types import COMMAND
from .table import Column, Grid, figures, print_titled
from .words import Units, command_line, units_of

if TYPE_CHECKING:
    from ..log.batch import Position
    from ..log.directory import Directory
    from ..log.tail import Tail
    from ..log.verify import Findings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEVELS = {1: "memory", 2: "durable"}


def overview(directory: Directory) -> None:
    """Print segments, snapshots, the configuration and how the journal ends."""
    _segments(directory)
    _snapshots(directory)
    _configuration(directory)
    _end(directory)


def _segments(directory: Directory) -> None:
    left_out = {"bytes": 1, "level": 2, "feed since": 3, "settings": 4}
    names = ("segment", "first", "last", "bytes", "level", "feed since", "settings")
    table = Grid(*(Column(name, left_out.get(name, 0)) for name in names))
    numbers = directory.segments()
    heads: dict[int, SegmentHead] = {}
    for number in numbers:
        try:
            heads[number] = directory.head(number)
        except BadHead as error:
            click.echo(f"{directory.path_of(number)}: {error}")
    for number in range(min(numbers, default=0), max(numbers, default=-1) + 1):
        if number not in numbers:
            table.add_row(f"{number}", "missing", "", "", "", "", "", style="bold")
            continue
        size = f"{directory.disk.size(directory.path_of(number)):,}"
        head, behind = heads.get(number), heads.get(number + 1)
        if head is None:
            table.add_row(f"{number}", "invalid", "", size, "", "", "", style="bold")
        elif not head.in_use:
            table.add_row(f"{number}", "not in use", "", size, "", "", "")
        else:
            first, last = f"{head.first_sequence:,}", ""
            if behind is not None and behind.in_use:
                last = f"{behind.first_sequence - 1:,}"
            level = LEVELS.get(head.level, str(head.level))
            table.add_row(f"{number}", first, last, size, level, time_text(head.epoch)[:19], head.digest.hex()[:8])
    print_titled(f"segments of {directory.path}", table)


def _snapshots(directory: Directory) -> None:
    left_out = {"time": 1, "reports": 2, "owners": 3}
    names = ("snapshot", "time", "orders", "owners", "reports", "digest")
    table = Grid(*(Column(name, left_out.get(name, 0)) for name in names))
    sequences = directory.snapshots()
    for sequence in sequences:
        try:
            found = load(directory, sequence)
        except SnapshotDamaged as error:
            table.add_row(f"{sequence:,}", "invalid", "", "", "", "", style="bold")
            click.echo(str(error))
            continue
        counts = [f"{count:,}" for count in (len(found.records.resting), len(found.owners), found.seq_num)]
        table.add_row(f"{sequence:,}", time_text(found.timestamp), *counts, f"{found.books:016x}")
    if sequences:
        print_titled("snapshots", table)


def _newest_head(directory: Directory) -> SegmentHead | None:
    """The newest good head of a segment."""
    for number in reversed(directory.segments()):
        with suppress(BadHead):
            return directory.head(number)
    return None


def _configuration(directory: Directory) -> None:
    if (head := _newest_head(directory)) is None:
        return
    configuration = Configuration.from_json(head.configuration)
    table = figures(2)
    table.add_row("journal", head.journal.hex())
    for name in ("capacity", "level_capacity", "owner_limit"):
        table.add_row(name, f"{getattr(configuration, name):,}")
    table.add_row("instruments", f"{len(configuration.instruments):,}")
    for instrument in configuration.instruments[:10]:
        unit = "" if instrument.price_unit == 1 else f"price unit {instrument.price_unit}"
        table.add_row(f"  {instrument.id}", f"{instrument.symbol} {unit}".strip())
    if len(configuration.instruments) > 10:
        table.add_row(f"  and {len(configuration.instruments) - 10:,} more", "")
    table.add_row("owners with limits", f"{len(configuration.limits):,}")
    print_titled(f"configuration of segment {head.number}", table)


def _end(directory: Directory) -> None:
    try:
        tail = planned(directory)
    except JournalError as error:
        click.echo(f"The journal cannot be read: {error}")
        return
    place = f"{tail.path.name}, byte {tail.position.offset:,}"
    click.echo(f"Valid up to command {tail.position.sequence:,}: {place}, CRC {tail.position.link:08x}.")
    click.echo(_tail_text(directory.path, tail))


def _tail_text(folder: Path, tail: Tail) -> str:
    if tail.damage is not None:
        return f"Damaged: {tail.damage.why}.\nTo see what a repair would do: pricetime journal repair {folder}"
    if not tail.clean:
        return (
            f"The last {tail.cut_bytes:,} bytes are incomplete: a crash or a running server leaves such an end. "
            "The next start cuts them."
        )
    return "Nothing follows it."


def around(directory: Directory, sequence: int, margin: int) -> None:
    """Print the records around a command, and the bytes of an invalid one after them."""
    start = start_before(directory, sequence)
    end = Reader(directory, start).skip_to(sequence).sequence
    reader = Reader(directory, start)
    reader.skip_to(min(end, sequence - 1) - margin)
    head = _newest_head(directory)
    units = units_of(Configuration.from_json(head.configuration).instruments) if head else {}
    for batch in reader.batches(1):
        at = reader.position
        for found in batch.checkpoints:
            click.echo(
                f"{at.segment}:{'':<12}checkpoint after {found.sequence}: synced up to {found.synced}, "
                f"{found.seq_num} reports, report checksum {found.report_checksum:08x}"
            )
        for command in batch.commands:
            if at.sequence > sequence + margin:
                return
            mark = " <--" if at.sequence == sequence else ""
            click.echo(f"{at.segment}:{at.offset - RECORD_BYTES:<12}{command_line(command, units)}{mark}")
    _beyond(directory, reader.position, units)
    if reader.position.sequence < sequence:
        click.echo(f"There is no command {sequence:,}: the journal ends at command {reader.position.sequence:,}.")


def _beyond(directory: Directory, at: Position, units: Units) -> None:
    """Print what follows the last valid record."""
    data = memoryview(directory.disk.read(directory.path_of(at.segment))).cast("B")
    found = bytes(data[at.offset : at.offset + RECORD_BYTES])
    if not any(found):
        click.echo(f"{at.segment}:{at.offset:<12}zeros or the end of the file")
        return
    click.echo(f"{at.segment}:{at.offset:<12}an invalid record:")
    for first in range(0, len(found), 24):
        click.echo(f"{'':>14}{found[first : first + 24].hex(' ')}")
    length, crc = (int.from_bytes(found[first : first + 4], "little") for first in (0, 4))
    body = found[8:].ljust(COMMAND.itemsize, b"\0")
    computed = linked(at.link, body)
    click.echo(f"{'':>14}length {length} (expected 64), crc {crc:08x} (computed {computed:08x})")
    click.echo(f"{'':>14}read as a command: {command_line(np.frombuffer(body, COMMAND)[0], units)}")


def findings(folder: Path, found: Findings) -> None:
    """Print what was verified and every fault."""
    table = figures(2)
    table.add_row("commands read", f"{found.records:,}")
    table.add_row("commands replayed", f"{found.replayed:,}")
    table.add_row("checkpoints that match their reports", f"{found.checkpoints:,}")
    table.add_row("valid snapshots", f"{len(found.snapshots):,}")
    table.add_row("  that match the commands", f"{len(found.compared):,}")
    if found.digest is not None:
        table.add_row("digest of the books", f"{found.digest:016x}")
    print_titled(f"{folder}", table)
    if found.tail is not None and found.tail.damage is None:
        click.echo(_tail_text(folder, found.tail))
    for fault in found.faults:
        click.echo(f"FAULT: {fault}")
    if found.faults:
        click.echo(f"Restore the file from a copy, or see what a repair would do: pricetime journal repair {folder}")
    else:
        click.echo("No faults.")


def plan(folder: Path, tail: Tail) -> None:
    """Print what a repair would do."""
    click.echo(f"{folder} is valid up to command {tail.position.sequence:,}.")
    if tail.clean:
        click.echo("There is nothing to cut.")
        return
    if tail.damage is not None:
        click.echo(f"After it: {tail.damage.why}.")
        click.echo(f"A repair would remove at least {tail.records:,} valid records after the damage.")
        if tail.missing:
            click.echo(
                "If you have a copy of the missing file, restore it instead: a repair cannot recover its commands."
            )
    else:
        click.echo("After it is what a crash leaves: the next start of the server does this repair itself.")
    click.echo("A repair would")
    for step in tail.steps():
        click.echo(f"  - {step}")
    click.echo("and keep what it cuts in files that end in .broken. To do it:")
    click.echo(f"  pricetime journal repair {folder} --cut {tail.at}")


def time_text(ns: int) -> str:
    """A time in UTC with microseconds."""
    if not ns:
        return ""
    return (EPOCH + timedelta(microseconds=ns // 1000)).strftime("%Y-%m-%d %H:%M:%S.%f")
