"""``pricetime cluster restore``: says what it will do, asks, and does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..cluster.promise import stream_name
from ..cluster.restore import CannotRestore, Compared, Source, check_free, compare, opened, restore
from ..cluster.verify import verify
from .cluster_verify import show
from .progress import track

if TYPE_CHECKING:
    from nats.aio.client import Client

    from ..cluster.settings import ClusterConfig


async def run(
    client: Client, settings: ClusterConfig, partition: str, folders: Sequence[Path], *, replace: bool, yes: bool
) -> None:
    """Restore the stream of a partition. Raises CannotRestore, and Abort after a negative answer."""
    messages = await check_free(client, settings, partition)
    if messages and not replace:
        raise CannotRestore(
            f"the stream {stream_name(partition)} has {messages:,} messages: if they are damaged or old, give "
            "--replace to delete them"
        )
    with opened(folders, partition) as sources:
        best, *others = sources
        compared = [compare(best, other) for other in others]
        click.echo("\n".join(plan(settings, partition, best, compared, messages)))
        if not yes:
            click.confirm("go on?", abort=True)
        with track(f"restoring {partition}", best.last - best.first + 1) as advance:
            written = await restore(client, settings, partition, sources, replace=replace, progress=advance)
    click.echo(f"wrote {written:,} messages")
    show(partition, await verify(client, settings, partition))


def plan(
    settings: ClusterConfig, partition: str, best: Source, compared: Sequence[Compared], messages: int
) -> Iterator[str]:
    """What a restore will do."""
    yield f"{extent(best)}: taken"
    for other in compared:
        source = other.source
        text = extent(source)
        if other.differs:
            lost = source.last - other.common
            yield f"{text}: equal up to {other.common:,}; then {lost:,} commands that no later leader has"
        else:
            yield f"{text}: equal up to {other.common:,}"
    if len(compared) + 1 < len(settings.nodes):
        yield (
            f"{len(compared) + 1} of {len(settings.nodes)} journals: if the last leader's is not among them, commands "
            "that it acknowledged may be missing"
        )
    if best.first > 1:
        yield (
            f"commands before {best.first:,} are in no journal: the object store gets the newest snapshot of "
            f"{best.directory.path}, for nodes without them"
        )
    if messages:
        yield f"the stream {stream_name(partition)} with {messages:,} messages is deleted"
    yield f"a new stream {stream_name(partition)} gets {best.last - best.first + 1:,} commands"


def extent(source: Source) -> str:
    """What a journal has."""
    return f"{source.directory.path}: commands {source.first:,} to {source.last:,}, last term {source.terms[-1].term}"
