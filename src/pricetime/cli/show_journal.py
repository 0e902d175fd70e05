"""What ``pricetime journal`` prints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..journal import survey
from ..journal.errors import JournalError
from .table import Column, Grid, figures, print_titled
from .words import Units, command_line, units_of

if TYPE_CHECKING:
    from ..journal.directory import Directory
    from ..journal.repair import Plan
    from ..journal.tail import Tail
    from ..journal.verify import Findings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEVELS = {1: "memory", 2: "durable"}


def overview(directory: Directory) -> None:
    """Tables of segments and snapshots, the configuration, and how the journal ends."""
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
            table.add_row(f"{seen.number}", "no segment", "", f"{seen.size:,}", "", "", "", style="bold")
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
            table.add_row(f"{seen.sequence:,}", "cannot be used", "", "", "", "", style="bold")
            click.echo(seen.fault)
            continue
        table.add_row(
            f"{seen.sequence:,}",
            time_text(snapshot.timestamp),
            f"{int((snapshot.commands['type'] == 1).sum()):,}",
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
    from ..journal.repair import plan as planned

    try:
        found = planned(directory)
    except JournalError as error:
        click.echo(f"It cannot be read: {error}")
        return
    tail = found.tail
    place = f"{tail.path.name}, byte {tail.position.offset:,}"
    click.echo(f"Good up to command {tail.position.sequence:,}: {place}, CRC {tail.position.link:08x}.")
    click.echo(_tail_text(directory.path, tail))


def _tail_text(folder: Path, tail: Tail) -> str:
    if tail.damage is not None:
        return f"Damaged: {tail.damage.why}.\nSee what a repair would do: pricetime journal repair {folder}"
    if not tail.clean:
        return (
            f"Behind that {tail.cut_bytes:,} bytes are torn, as a crash or a server at work leaves them: "
            "the next start cuts them."
        )
    return "Nothing is behind that."


def around(directory: Directory, sequence: int, margin: int) -> None:
    """The records around a command, in words; and the bytes of one that is not good."""
    position = survey.ahead_of(directory, sequence, margin)
    units = _units(directory)
    last = position.sequence
    for record in survey.records(directory, position):
        if record.checkpoint is not None:
            found = record.checkpoint
            click.echo(
                f"{record.segment}:{'':<12}checkpoint behind {found.sequence}: on the disk up to {found.synced}, "
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
        click.echo(f"There is no command {sequence:,}: the journal has commands up to {last:,}.")


def _beyond(directory: Directory, last: int, units: Units) -> None:
    """What stands behind the last good record."""
    from ..journal.reader import Reader

    reader = Reader(directory, survey.ahead_of(directory, last + 1, 0))
    while not reader.read().at_end:
        pass
    bad = survey.bad_record(directory, reader.position)
    if not any(bad.data):
        click.echo(f"{bad.segment}:{bad.offset:<12}nothing: zeros, or the end of the file")
        return
    click.echo(f"{bad.segment}:{bad.offset:<12}no good record follows; its bytes:")
    for first in range(0, len(bad.data), 24):
        click.echo(f"{'':>14}{bad.data[first : first + 24].hex(' ')}")
    click.echo(f"{'':>14}length {bad.length} (64), crc {bad.crc:08x} ({bad.expected_crc:08x} fits these bytes)")
    click.echo(f"{'':>14}as a command: {command_line(bad.command, units)}")


def findings(folder: Path, found: Findings) -> None:
    """What a verify looked at, and what is wrong."""
    table = figures(2)
    table.add_row("commands read", f"{found.records:,}")
    table.add_row("commands executed once more", f"{found.replayed:,}")
    table.add_row("checkpoints that agree with their reports", f"{found.checkpoints:,}")
    table.add_row("snapshots that are good", f"{len(found.snapshots):,}")
    table.add_row("  that agree with the commands", f"{len(found.compared):,}")
    if found.digest is not None:
        table.add_row("digest of the books", f"{found.digest:016x}")
    print_titled(f"{folder}", table)
    if found.tail is not None and found.tail.damage is None:
        click.echo(_tail_text(folder, found.tail))
    for fault in found.faults:
        click.echo(f"WRONG: {fault}")
    if found.faults:
        click.echo(
            f"Put a good copy of the file there, or see what a repair would do: pricetime journal repair {folder}"
        )
    else:
        click.echo("All of it is right.")


def plan(folder: Path, found: Plan) -> None:
    """What a repair would do."""
    tail = found.tail
    click.echo(f"{folder} is good up to command {tail.position.sequence:,}.")
    if not found.needed:
        click.echo("There is nothing to cut.")
        return
    if tail.damage is not None:
        click.echo(f"Behind it: {tail.damage.why}.")
        click.echo(f"At least {tail.records:,} good records behind that would be lost to the books.")
        if tail.missing:
            click.echo(
                "If a copy of the missing file exists, put it there instead: no repair brings back what it held."
            )
    else:
        click.echo("Behind it is what a crash leaves: the next start would do the same by itself.")
    click.echo("A repair would")
    for step in found.steps():
        click.echo(f"  - {step}")
    click.echo("and keep what is cut in files that end in .broken. To have that done:")
    click.echo(f"  pricetime journal repair {folder} --cut {found.at}")


def time_text(ns: int) -> str:
    """A time in UTC, to the microsecond."""
    if not ns:
        return ""
    return (EPOCH + timedelta(microseconds=ns // 1000)).strftime("%Y-%m-%d %H:%M:%S.%f")
