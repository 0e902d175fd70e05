"""``pricetime cluster up``: a whole cluster on this machine, and what happens to it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ..cluster.local import ELECTED, FAILED, FENCED, LocalCluster, Place
from ..cluster.local_file import Options

#: How often to look at logs and processes, in seconds.
LOOK_S = 0.2


class Stopped(BaseException):
    """SIGTERM, which ends the command as Ctrl-C does."""


def run(
    directory: Path | None,
    *,
    nodes: int,
    partitions: int,
    exchange: Path | None,
    is_open: bool | None,
    port: int | None,
) -> int:
    """Run until Ctrl-C, or until all nodes have ended. Returns the exit code.

    Raises CannotStart, NotInTime and ServersFailed.
    """
    options = Options(nodes, partitions, exchange, exchange is None if is_open is None else is_open, port)
    with ExitStack() as opened, suppress(KeyboardInterrupt, Stopped):
        opened.enter_context(stopped_by_sigterm())
        place = directory or Path(opened.enter_context(TemporaryDirectory(prefix="pricetime-cluster-")))
        click.echo(f"starting 3 NATS servers and {nodes * partitions} nodes in {place}")
        cluster = opened.enter_context(LocalCluster(place, options))
        cluster.wait_for_leaders()
        click.echo("\n".join(places(cluster)))
        return watch(cluster)
    click.echo("stopped")
    return 0


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM raises Stopped."""

    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def places(cluster: LocalCluster) -> Iterator[str]:
    """Where clients, subscribers and the operator find what."""
    config = cluster.config
    yield ""
    for partition in config.names:
        settings = [config.exchange_of(node, partition) for node in config.nodes]
        name = "" if len(config.names) == 1 else f" of {partition}"
        feed = settings[0]
        yield f"  {'orders' + name:<16} {','.join(config.addresses(partition))}"
        yield f"  {'recovery' + name:<16} {','.join(f'{one.host}:{one.recovery_port}' for one in settings)}"
        yield f"  {'feed' + name:<16} {feed.feed_group}:{feed.feed_port}"
        metrics = [f"http://{one.host}:{one.metrics_port}/metrics" for one in settings if one.metrics_port]
        if metrics:
            yield f"  {'metrics' + name:<16} {' '.join(metrics)}"
    yield f"  {'NATS':<16} {' '.join(cluster.servers.monitoring)}"
    yield f"  {'logs':<16} {cluster.directory / 'logs'}, {cluster.directory / 'nats'}"
    yield f"  {'status':<16} pricetime cluster status --config {cluster.file}"
    yield ""


def watch(cluster: LocalCluster) -> int:
    """Print elections and ends of processes until all nodes have ended. Returns the exit code."""
    servers = set(range(len(cluster.servers.ports)))
    while True:
        for place, event in cluster.events():
            if (text := said(place, event)) is not None:
                say(text)
        for place, code in cluster.ended():
            say(f"node {place.node} of {place.partition} ended with exit code {code}: {cluster.last_line(place)}")
        for server in sorted(servers):
            if not cluster.servers.running(server):
                servers.discard(server)
                say(f"NATS server {cluster.servers.names[server]} ended: see its log in {cluster.directory / 'nats'}")
        if not cluster.processes:
            say("all nodes have ended")
            return 1
        time.sleep(LOOK_S)


def said(place: Place, event: dict[str, object]) -> str | None:
    """What an event of a node's log means; None if it is not for this output."""
    texts = {
        ELECTED: "node {node} leads {partition} in term {term}",
        FENCED: "node {node} leads {partition} no more",
        FAILED: "node {node} leads {partition} no more: {error}",
    }
    text = texts.get(str(event.get("event")))
    return None if text is None else text.format_map({**place._asdict(), "term": "", "error": "", **event})


def say(text: str) -> None:
    """Print a line with the time."""
    click.echo(f"{time.strftime('%H:%M:%S')} {text}")
