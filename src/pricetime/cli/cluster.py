"""``pricetime cluster``: runs an exchange on several machines, shows it and checks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .serve import live_page, one_line_errors, show_places
from .stop import CannotRun

if TYPE_CHECKING:
    from nats.aio.client import Client

    from ..cluster.settings import ClusterConfig

T = TypeVar("T")

CONFIG = click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default="cluster.toml",
    help="TOML file of the cluster.",
)
PARTITION = click.option("--partition", metavar="NAME", help="Partition.  [default: the only one]")
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def cluster() -> None:
    """Run an exchange on several machines with failover.

    Each partition of the instruments has one log, which NATS JetStream stores on a majority of its servers before the
    exchange acknowledges a command. One node leads a partition; the others follow it. If the leader fails, a follower
    leads after a few seconds, with every acknowledged order.

    \b
        pricetime cluster up                                    # a cluster on this machine, for a try
        pricetime cluster node a --config cluster.toml          # a node, on each of three machines
        pricetime cluster status --config cluster.toml
        pricetime cluster step-down a --config cluster.toml     # before work on the machine of node a
        pricetime cluster verify --config cluster.toml
        pricetime cluster restore --config cluster.toml --partition main DIR...
    """


@cluster.command()
@click.option("--nodes", type=click.IntRange(1, 9), default=3, help="Number of nodes.")
@click.option("--partitions", type=click.IntRange(1, 10), default=1, help="Number of partitions of the instruments.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Directory for all data and logs. A second start continues with it.  [default: a temporary one]",
)
@click.option(
    "--config",
    "exchange",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="TOML file with the settings of the exchange.",
)
@click.option(
    "--open/--no-open",
    "is_open",
    default=None,
    help="Accept every login, for tests.  [default: only without --config]",
)
@click.option(
    "--port",
    type=click.IntRange(1024, 64000),
    help="Port for orders of the first node; each further node: plus 100.  [default: free ports]",
)
def up(directory: Path | None, **given: Any) -> None:
    """Run a whole cluster on this machine, for a try.

    Starts three NATS servers and the nodes, and prints where clients connect. Shows a line for each election and for
    each process that ends; it starts none again. Ctrl-C ends all processes; it removes a temporary directory.

    Exit codes: 0 after Ctrl-C or SIGTERM, 1 if all nodes have ended, 2 if the cluster cannot start.

    \b
        pricetime cluster up
        pricetime cluster up --nodes 5 --partitions 2 --directory try
    """
    with one_line("pricetime cluster up"):
        from .cluster_up import run

        code = run(directory, **given)
    raise SystemExit(code)


@cluster.command()
@click.argument("name", metavar="NAME")
@CONFIG
@click.option("--partition", metavar="NAME", help="Run only this partition.  [default: all, each in its own process]")
def node(name: str, file: Path, partition: str | None) -> None:
    """Run a node of a cluster, on its machine.

    The node follows the leader of each partition, or leads it. SIGTERM stops it after all reports are sent.

    Exit codes: those of pricetime serve; 2 if the node cannot start or a setting of NATS is unsafe; of several
    partitions the highest one.

    \b
        pricetime cluster node a --config cluster.toml
        pricetime cluster node a --config cluster.toml --partition main
    """
    with one_line("pricetime cluster node"):
        from .. import COMPILED
        from ..cluster.settings import load
        from ..exchange.control.preflight import check_form

        check_form(compiled=COMPILED)
        settings = load(file)
        if partition is None and len(settings.names) > 1:
            from ..cluster.partitions import run_all

            code = run_all(settings, file, name)
        else:
            code = run_node(settings, name, partition or settings.names[0])
    raise SystemExit(code)


def run_node(settings: ClusterConfig, name: str, partition: str) -> int:
    """Run a node for one partition in this process. Returns the exit code."""
    from ..cluster.node import Node
    from ..exchange.settings.server_log import is_for_people

    for_people = is_for_people(settings.exchange_of(name, partition).log_format)
    return Node(settings, name, partition, live_page, show_places if for_people else None).run()


@cluster.command()
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@click.option("--watch", is_flag=True, help="Print it again every second, until Ctrl-C.")
def status(file: Path, *, as_json: bool, watch: bool) -> None:
    """Show all nodes and NATS servers of a cluster.

    Exit code 1 if something is not as it should be: a partition without a leader, a node or a server that does not
    answer, a server that does not have all of a stream. These are named below the tables.

    \b
        pricetime cluster status --config cluster.toml
        pricetime cluster status --config cluster.toml --json
    """
    from . import cluster_status as show

    async def work(client: Client, settings: ClusterConfig) -> bool:
        from ..cluster.survey import survey

        while True:
            found = await survey(client, settings)
            show.status(settings, found, as_json=as_json, again=watch)
            if not watch:
                return not any(found.faults())
            await asyncio.sleep(show.EVERY_S)

    if not on_cluster(file, "pricetime cluster status", work):
        raise click.exceptions.Exit(1)


@cluster.command(name="step-down")
@click.argument("name", metavar="NODE")
@CONFIG
@PARTITION
def step_down(name: str, file: Path, partition: str | None) -> None:
    """Make NODE stop leading, so that a different node does.

    Waits until a different node leads, and prints how long that took. Do this before work on the machine of a leader:
    it takes less time than the failover after a failure.

    \b
        pricetime cluster step-down a --config cluster.toml
    """

    async def work(client: Client, settings: ClusterConfig) -> None:
        from ..cluster.survey import step_down

        chosen = partition_of(settings, partition)
        said, seconds = await step_down(client, settings, name, chosen)
        click.echo(f"{said['node']} leads {chosen} in term {said['term']} after {seconds:.1f} s")

    on_cluster(file, "pricetime cluster step-down", work)


@cluster.command()
@CONFIG
@click.option("--partition", metavar="NAME", help="Only this partition.  [default: all]")
@click.option("--no-replay", is_flag=True, help="Check the messages, and do not execute their commands.")
@click.option("--every-replica", is_flag=True, help="Read the copy of each server: its lead moves to each in turn.")
def verify(file: Path, partition: str | None, *, no_replay: bool, every_replica: bool) -> None:
    """Check every message of the streams, and the nodes' books.

    Reads the whole stream of a partition and checks the chain of digests. Executes the commands, and compares the
    reports with the checkpoints and the books with those of the followers. It can run while the cluster trades.

    NATS reads from the server that leads the stream. --every-replica finds damage on the disks of the other servers
    too. While the lead moves, clients wait for some tenths of a second.

    Exit code 4 at a difference. The output names the message and the server.

    \b
        pricetime cluster verify --config cluster.toml
        pricetime cluster verify --config cluster.toml --every-replica --no-replay
    """
    from .cluster_verify import check

    async def work(client: Client, settings: ClusterConfig) -> bool:
        names = settings.names if partition is None else (partition_of(settings, partition),)
        results = [await check(client, settings, name, replay=not no_replay, every=every_replica) for name in names]
        return all(results)

    if not on_cluster(file, "pricetime cluster verify", work):
        raise click.exceptions.Exit(4)


@cluster.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=FOLDER)
@CONFIG
@PARTITION
@click.option("--replace", is_flag=True, help="Delete the stream that exists, after a question.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(folders: tuple[Path, ...], file: Path, partition: str | None, *, replace: bool, yes: bool) -> None:
    """Make a new stream from the journals of the nodes.

    For the loss of two NATS servers, and for a stream with damage. Stop all nodes first. Give the journals of all
    nodes, or copies of them: each DIR is `journal` of a node in the cluster's file. The command compares them, says
    which one it takes, asks, and writes the stream. After that start the nodes.

    Give all journals: the acknowledged commands of the last leader may be in its own journal only.

    Exit code 1 if you answer no; 2 if there is nothing to restore from, if a node runs, if a stream exists and
    --replace is not given, or if journals contradict each other.

    \b
        pricetime cluster restore --config cluster.toml --partition main /var/lib/pricetime/a copy-of-b copy-of-c
    """
    from . import cluster_restore as command

    async def work(client: Client, settings: ClusterConfig) -> None:
        await command.run(client, settings, partition_of(settings, partition), folders, replace=replace, yes=yes)

    on_cluster(file, "pricetime cluster restore", work)


def partition_of(settings: ClusterConfig, partition: str | None) -> str:
    """The partition of that name; without one the only one. Raises CannotRun."""
    names = settings.names
    if partition in names:
        return partition
    if partition is None and len(names) == 1:
        return names[0]
    raise CannotRun(f"give --partition, one of: {', '.join(names)}")


def on_cluster(file: Path, command: str, work: Callable[[Client, ClusterConfig], Awaitable[T]]) -> T:
    """Do a work with a connection to the NATS servers of a cluster. Raises CannotRun."""

    async def connected_work(settings: ClusterConfig) -> T:
        from ..cluster.connection import connected
        from ..cluster.link import credentials_of

        async with connected(settings.servers, credentials_of(settings)) as client:
            return await work(client, settings)

    with one_line(command):
        from ..cluster.settings import load

        return asyncio.run(connected_work(load(file)))


@contextmanager
def one_line(command: str) -> Iterator[None]:
    """Turn an error into one line and exit code 2. Ctrl-C ends silently."""
    from ..extras import require

    with one_line_errors(command):
        require("nats", "cluster", command)
        try:
            yield
        except KeyboardInterrupt as error:
            raise click.exceptions.Exit(0) from error
