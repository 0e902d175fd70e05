"""``pricetime cluster verify``: prints what was checked of each copy of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from ..cluster.verify import Findings, every_replica, verify
from .progress import track

if TYPE_CHECKING:
    from nats.aio.client import Client

    from ..cluster.settings import ClusterConfig


async def check(client: Client, settings: ClusterConfig, partition: str, *, replay: bool, every: bool) -> bool:
    """Check the stream of a partition, and print what was found. Returns whether all is right."""
    with ExitStack() as shown:

        def started(count: int) -> Callable[[int], object]:
            shown.close()
            return shown.enter_context(track(f"verifying {partition}", count))

        if not every:
            return show(partition, await verify(client, settings, partition, replay=replay, started=started))
        good = True
        async for found in every_replica(client, settings, partition, replay=replay, started=started):
            shown.close()
            good = show(partition, found) and good
        return good


def show(partition: str, found: Findings) -> bool:
    """Print what was found. Returns whether all is right."""
    click.echo("\n".join(lines(partition, found)))
    return not found.faults


def lines(partition: str, found: Findings) -> Iterator[str]:
    """What was found, in words."""
    yield f"partition {partition}, server {found.server}:"
    yield (
        f"  {found.messages:,} messages with {found.commands:,} commands in {found.terms:,} terms; "
        f"{found.void:,} void messages"
    )
    if found.after:
        yield (
            f"  the stream begins after command {found.after:,}: earlier commands are only in journals and snapshots, "
            "so none was executed"
        )
    if found.replayed:
        yield f"  executed {found.replayed:,} commands: {found.checkpoints:,} checkpoints agree"
    if found.nodes:
        yield f"  same books as the nodes {', '.join(found.nodes)}"
    for fault in found.faults:
        yield f"  DIFFERENT: {fault}"
    if not found.faults:
        yield f"  good up to command {found.last:,}, digest {found.digest}"
