"""Prints the results of ``pricetime journal``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..log import survey
from ..log.errors import JournalError
from .table import Column, Grid, figures, print_titled
from .words import Units, command_line, units_of

if TYPE_CHECKING:
    from ..log.directory import Directory
    from ..log.repair import Plan
    from ..log.tail import Tail
    from ..log.verify import Findings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEVELS = {1: "memory", 2: "durable"}


def overview(directory: Directory) -> None:
    """Print segments, snapshots, the configuration and how the journal ends."""
    segments = survey.segments(directory)
    _segments(directory, segments)
    _snapshots(directory)
    configured = [seen for seen in segments if seen.configuration is not None]
    if configured:
        _configuration(configured[-1])
    _end(directory)


def _segments(directory: Directory, segments: list[survey.SegmentSeen]) -> None:
    left_out = {"bytes": 1, "level": 2, "feed since": 3, "settings": 4}
    names = ("segment", "first", "last", "bytes", "level", "feed since", "settings")
    table = Grid(*(Column(name, left_out.get(name, 0)) for name in names))
    follows = {seen.number: behind for seen, behind in pairwise(segments)}
    due = segments[0].number if segments else 1
    for seen in segments:
        for missing in range(due, seen.number):
            table.add_row(f"{missing}", "missing", "", "", "", "", "", style="bold")
        due = seen.number + 1
        head = seen.head
        if head is None:
            table.add_row(f"{seen.number}", "invalid", "", f"{seen.size:,}", "", "", "", style="bold")
            click.echo(f"{seen.path}: {seen.fault}")
        elif not head.in_use:
            table.add_row(f"{seen.number}", "not in use", "", f"{seen.size:,}", "", "", "")
        else:
            behind = follows.get(seen.number)
            known = behind is not None and behind.head is not None and behind.head.in_use
            last = f"{behind.head.first_sequence - 1:,}" if known and behind is not None and behind.head else ""
            level = LEVELS.get(head.level, str(head.level))
            digest = head.digest.hex()[:8]
            first = f"{head.first_sequence:,}"
            table.add_row(f"{seen.number}", first, last, f"{seen.size:,}", level, time_text(head.epoch)[:19], digest)
    print_titled(f"segments of {directory.path}", table)


def _snapshots(directory: Directory) -> None:
    found = survey.snapshots(directory)
    if not found:
        return
    left_out = {"time": 1, "reports": 2, "owners": 3}
    names = ("snapshot", "time", "orders", "owners", "reports", "digest")
    table = Grid(*(Column(name, left_out.get(name, 0)) for name in names))
    for seen in found:
        snapshot = seen.snapshot
        if snapshot is None:
            table.add_row(f"{seen.sequence:,}", "invalid", "", "", "", "", style="bold")
            click.echo(seen.fault)
            continue
        table.add_row(
            f"{seen.sequence:,}",
            time_text(snapshot.timestamp),
            f"{len(snapshot.records.resting):,}",
            f"{len(snapshot.owners):,}",
            f"{snapshot.seq_num:,}",
            f"{snapshot.books:016x}",
        )
    print_titled("snapshots", table)


def _units(directory: Directory) -> Units:
    """The price units of the newest settings in a journal."""
    known = [seen.configuration for seen in survey.segments(directory) if seen.configuration is not None]
    return units_of(known[-1].instruments) if known else {}


def _configuration(seen: survey.SegmentSeen) -> None:
    configuration = seen.configuration
    assert configuration is not None
    table = figures(2)
    assert seen.head is not None
    table.add_row("journal", seen.head.journal.hex())
    for name in ("capacity", "level_capacity", "owner_limit"):
        table.add_row(name, f"{getattr(configuration, name):,}")
    table.add_row("instruments", f"{len(configuration.instruments):,}")
    for instrument in configuration.instruments[:10]:
        unit = "" if instrument.price_unit == 1 else f"price unit {instrument.price_unit}"
        table.add_row(f"  {instrument.id}", f"{instrument.symbol} {unit}".strip())
    if len(configuration.instruments) > 10:
        table.add_row(f"  and {len(configuration.instruments) - 10:,} more", "")
    table.add_row("owners with limits", f"{len(configuration.limits):,}")
    print_titled(f"configuration of segment {seen.number}", table)


def _end(directory: Directory) -> None:
    from ..log.repair import plan as planned

    try:
        found = planned(directory)
    except JournalError as error:
        click.echo(f"The journal cannot be read: {error}")
        return
    tail = found.tail
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
    position = survey.ahead_of(directory, sequence, margin)
    units = _units(directory)
    last = position.sequence
    for record in survey.records(directory, position):
        if record.checkpoint is not None:
            found = record.checkpoint
            click.echo(
                f"{record.segment}:{'':<12}checkpoint after {found.sequence}: synced up to {found.synced}, "
                f"{found.seq_num} reports, report checksum {found.report_checksum:08x}"
            )
        elif record.command is not None:
            last = int(record.command["sequence"])
            if last > sequence + margin:
                return
            offset = "" if record.offset is None else record.offset
            mark = " <--" if last == sequence else ""
            click.echo(f"{record.segment}:{offset:<12}{command_line(record.command, units)}{mark}")
    _beyond(directory, last, units)
    if last < sequence:
        click.echo(f"There is no command {sequence:,}: the journal ends at command {last:,}.")


def _beyond(directory: Directory, last: int, units: Units) -> None:
    """Print what follows the last valid record."""
    from ..log.reader import Reader

    reader = Reader(directory, survey.ahead_of(directory, last + 1, 0))
    while not reader.read().at_end:
        pass
    bad = survey.bad_record(directory, reader.position)
    if not any(bad.data):
        click.echo(f"{bad.segment}:{bad.offset:<12}zeros or the end of the file")
        return
    click.echo(f"{bad.segment}:{bad.offset:<12}an invalid record:")
    for first in range(0, len(bad.data), 24):
        click.echo(f"{'':>14}{bad.data[first : first + 24].hex(' ')}")
    click.echo(f"{'':>14}length {bad.length} (expected 64), crc {bad.crc:08x} (computed {bad.expected_crc:08x})")
    click.echo(f"{'':>14}read as a command: {command_line(bad.command, units)}")


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


def plan(folder: Path, found: Plan) -> None:
    """Print what a repair would do."""
    tail = found.tail
    click.echo(f"{folder} is valid up to command {tail.position.sequence:,}.")
    if not found.needed:
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
    for step in found.steps():
        click.echo(f"  - {step}")
    click.echo("and keep what it cuts in files that end in .broken. To do it:")
    click.echo(f"  pricetime journal repair {folder} --cut {found.at}")


def time_text(ns: int) -> str:
    """A time in UTC with microseconds."""
    if not ns:
        return ""
    return (EPOCH + timedelta(microseconds=ns // 1000)).strftime("%Y-%m-%d %H:%M:%S.%f")
