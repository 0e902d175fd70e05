"""``pricetime demo --cluster``: a cluster under load loses its leader, a NATS server, and gets an old leader back."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np

from ..client.client import Client
from ..client.errors import ConnectionLost
from ..cluster.connection import connected
from ..cluster.local import LocalCluster, Term
from ..cluster.local_file import Options
from ..cluster.verify import Findings, verify
from ..errors import PricetimeError
from ..load.following import Following
from ..log.replayer import Books
from ..types import ReportArray, ReportKind, Side

if TYPE_CHECKING:
    from ..client.future import CommandFuture

#: The partition of the cluster, its clients, and the orders of all of them in a second.
PARTITION, CLIENTS, RATE = "main", 4, 400

#: Prices around which the clients send their orders, in ticks.
MID, SPREAD = 10_000, 20

#: Digits of an order id below those of its owner.
IDS = 1_000_000

#: Bits of a client's order id; above them the log has the owner.
ID_BITS = 48

#: Time between two events, of a suspended leader, and until a process that was killed is started again, in seconds.
PAUSE_S, SUSPENDED_S, AWAY_S = 4.0, 6.0, 2.0

#: Longest wait for answers and for equal books, in seconds.
PATIENCE_S = 30.0


class ClusterFailed(PricetimeError):
    """The cluster did not do what it promises."""


class Event(NamedTuple):
    """Something that happened to the cluster."""

    name: str
    at_s: float
    term: int  #: afterwards


class Clients:
    """Sends orders from a thread, and notes when each was acknowledged. A context manager."""

    def __init__(self, addresses: list[str], seed: int) -> None:
        self.sent = 0
        self.acknowledged: dict[int, float] = {}  #: time of each order's answer
        self.failed: Counter[str] = Counter()  #: orders without a good answer, by error
        self._random = random.Random(seed)
        self._clients = [Client(addresses, owner=owner, keep_orders=True) for owner in range(1, CLIENTS + 1)]
        self._failure: PricetimeError | None = None  # that ended the thread
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, name="pricetime-demo-clients")

    def __enter__(self) -> Clients:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for client in self._clients:
            client.close()

    def stop(self) -> None:
        """Send no more orders."""
        self._ended.set()
        self._thread.join()

    def wait_answered(self) -> None:
        """Wait until each order has its answer. Raises ClusterFailed."""
        until = time.monotonic() + PATIENCE_S
        self._check()
        while (missing := self.sent - len(self.acknowledged) - self.failed.total()) > 0:
            if time.monotonic() > until:
                raise ClusterFailed(f"{missing} orders have no answer after {PATIENCE_S:g} s")
            time.sleep(0.05)

    def wait_acknowledged(self, after_s: float) -> None:
        """Wait until an order is acknowledged after a time. Raises ClusterFailed."""
        until = time.monotonic() + PATIENCE_S
        while max(list(self.acknowledged.values()), default=0.0) <= after_s:
            self._check()
            if time.monotonic() > until:
                raise ClusterFailed(f"no order was acknowledged for {PATIENCE_S:g} s")
            time.sleep(0.05)

    def _check(self) -> None:
        if self._failure is not None:
            raise ClusterFailed(f"a client failed: {self._failure}") from self._failure

    def _send(self) -> None:
        try:
            self._send_orders()
        except PricetimeError as error:
            self._failure = error

    def _send_orders(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            for owner, client in enumerate(self._clients, 1):
                with suppress(ConnectionLost):  # it is between two leaders: it sends no new order meanwhile
                    self._send_order(client, owner)
            due = max(due + CLIENTS / RATE, time.monotonic() - 0.1)
            time.sleep(max(0.0, due - time.monotonic()))

    def _send_order(self, client: Client, owner: int) -> None:
        order_id = owner * IDS + self.sent + 1
        side = self._random.choice((Side.BID, Side.ASK))
        away = self._random.randint(-2, SPREAD)  # below 0 it trades
        price = MID - away if side is Side.BID else MID + away
        future = client.add_order(order_id, side, price, self._random.randint(1, 9))
        self.sent += 1
        future.add_done_callback(partial(self._note, order_id))

    def _note(self, order_id: int, future: CommandFuture[Any]) -> None:
        error = future.exception(0)
        if error is None:
            self.acknowledged[order_id] = time.monotonic()
        else:
            self.failed[type(error).__name__] += 1


class Counted(Books):
    """Books that count how often each order was accepted. ``counts`` is shared by all that one replay makes."""

    def __init__(self, *arguments: Any, counts: Counter[int], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._counts = counts

    def _add(self, reports: ReportArray) -> None:
        super()._add(reports)
        accepted = reports["order_id"][reports["kind"] == ReportKind.ACCEPTED]
        self._counts.update((accepted & np.uint64((1 << ID_BITS) - 1)).tolist())


@dataclass
class Day:
    """The cluster, its clients, and what happened."""

    cluster: LocalCluster
    clients: Clients
    events: list[Event] = field(default_factory=list)

    def term(self) -> Term:
        """The newest term, and which node leads it."""
        return self.cluster.wait_for_leader(PARTITION)

    def stage(self, name: str, do: Callable[[], object], *, then_s: float = 0.0) -> None:
        """Do something, wait until orders are acknowledged again and a new leader is known, and note it."""
        at_s = time.monotonic()
        do()
        time.sleep(then_s)
        self.clients.wait_acknowledged(time.monotonic())
        self.events.append(Event(name, at_s, self.term().number))
        click.echo(f"  {name}")
        time.sleep(PAUSE_S)


def show_cluster(seed: int, directory: Path | None = None) -> None:
    """Start a cluster, disturb it under load, and print a table. Leaves no process and no file.

    Raises CannotStart, NotInTime, ServersFailed and ClusterFailed.
    """
    with ExitStack() as opened:
        folder = opened.enter_context(TemporaryDirectory(prefix="pricetime-cluster-", dir=directory))
        click.echo("A cluster on this machine: 3 NATS servers, 3 nodes, 4 clients and a subscriber to the feed.")
        cluster = opened.enter_context(LocalCluster(Path(folder), Options(open=True)))
        cluster.wait_for_leaders()
        config = cluster.config
        settings = [config.exchange_of(node, PARTITION) for node in config.nodes]
        recovery = [(str(one.host), one.recovery_port) for one in settings]
        feed = opened.enter_context(Following(str(settings[0].feed_group), settings[0].feed_port, recovery=recovery))
        clients = opened.enter_context(Clients(list(config.addresses(PARTITION)), seed))
        day = Day(cluster, clients)
        clients.wait_acknowledged(0.0)
        time.sleep(PAUSE_S)
        disturb(day)
        clients.stop()
        clients.wait_answered()
        counts: Counter[int] = Counter()
        cluster.wait_equal(PATIENCE_S)
        found = asyncio.run(final(cluster, counts))
        feed.wait_whole()
        with feed.locked() as subscriber:
            digests = {"subscriber": f"{subscriber.digest():016x}"}
        digests |= books(day, found)
        show(day, counts, found, digests)


def disturb(day: Day) -> None:
    """Kill the leader; suspend the next one and let it continue; kill a NATS server. Each comes back."""
    cluster, servers = day.cluster, day.cluster.servers
    first = day.term().place
    day.stage(f"leader {first.node} killed (SIGKILL)", lambda: cluster.kill(first), then_s=AWAY_S)
    cluster.start(first)
    time.sleep(AWAY_S)
    second = day.term().place
    day.stage(f"leader {second.node} suspended (SIGSTOP)", lambda: cluster.suspend(second), then_s=SUSPENDED_S)
    day.stage(f"old leader {second.node} continued (SIGCONT)", lambda: cluster.resume(second))
    server = servers.leader(f"LOG-{PARTITION}") or 0
    day.stage(f"NATS server {server + 1} killed (SIGKILL)", lambda: servers.kill(server), then_s=AWAY_S)
    day.stage(f"NATS server {server + 1} started again", lambda: servers.start(server))


async def final(cluster: LocalCluster, counts: Counter[int]) -> Findings:
    """Read and replay the whole stream. Raises ClusterFailed."""
    config = cluster.config
    async with connected(config.servers) as client:
        found = await verify(client, config, PARTITION, make_books=partial(Counted, counts=counts))
    if found.faults:
        raise ClusterFailed("; ".join(found.faults))
    return found


def books(day: Day, found: Findings) -> dict[str, str]:
    """The digests of the books of each node, and of a replay of the stream. Stops the leader."""
    leader = day.term().place
    digests = {f"node {node}": found.books for node in sorted(found.nodes)}  # they were compared
    day.cluster.terminate(leader)
    stopped = [event for event in day.cluster.history(leader) if event["event"] == "stopped"]
    digests[f"node {leader.node}"] = str(stopped[-1]["digest"]) if stopped else "not known"
    return {**digests, "replay of the stream": found.books}


def show(day: Day, counts: Counter[int], found: Findings, digests: dict[str, str]) -> None:
    """Print the table. Raises ClusterFailed if something is lost, executed twice or different."""
    from .table import Column, Grid, figures, print_titled

    acknowledged = day.clients.acknowledged
    lost = {order: at_s for order, at_s in acknowledged.items() if not counts[order]}
    twice = {order: at_s for order, at_s in acknowledged.items() if counts[order] > 1}
    table = Grid(
        Column("event", justify="left"), Column("term"),
        Column("last answer before, s", leave_out=1), Column("first answer after, s", leave_out=1), Column("gap, s"),
        Column("acknowledged"), Column("lost"), Column("executed twice"),
    )  # fmt: skip
    times = np.sort(np.fromiter(acknowledged.values(), float))
    ends = [event.at_s for event in day.events[1:]] + [float("inf")]
    for event, end_s in zip(day.events, ends, strict=True):
        before, after = gap_of(times, event.at_s, end_s)
        mine = [sum(event.at_s <= at_s < end_s for at_s in of.values()) for of in (acknowledged, lost, twice)]
        cells = f"{before - event.at_s:+.3f}", f"{after - event.at_s:+.3f}", f"{after - before:.3f}"
        table.add_row(event.name, str(event.term), *cells, *(f"{count:,}" for count in mine))
    click.echo()
    print_titled(f"a cluster on this machine: {CLIENTS} clients, {RATE} orders/s", table)
    totals = figures(2)
    totals.add_row("orders sent", f"{day.clients.sent:,}", style="bold")
    totals.add_row("  acknowledged", f"{len(acknowledged):,}")
    totals.add_row("  rejected or given up by the client", f"{day.clients.failed.total():,}")
    totals.add_row("acknowledged orders lost", f"{len(lost):,}", style="bold")
    totals.add_row("orders executed twice", f"{sum(count > 1 for count in counts.values()):,}", style="bold")
    totals.add_row("commands in the stream", f"{found.commands:,}")
    totals.add_row("  pages and term records", f"{found.messages:,}")
    totals.add_row("  terms", f"{found.terms:,}")
    totals.add_row("  void messages", f"{found.void:,}")
    for who, digest in digests.items():
        totals.add_row(f"digest of the books: {who}", digest)
    print_titled("at the end", totals)
    if lost or any(count > 1 for count in counts.values()) or len(set(digests.values())) != 1:
        raise ClusterFailed("orders were lost or executed twice, or books differ: see the table")


def gap_of(times: np.ndarray[Any, Any], at_s: float, end_s: float) -> tuple[float, float]:
    """The longest time without an acknowledgement that ends after an event, and before the next one."""
    first = max(int(np.searchsorted(times, at_s)) - 1, 0)
    last = int(np.searchsorted(times, end_s))
    mine = times[first:last]
    if len(mine) < 2:
        return at_s, at_s
    place = int(np.argmax(np.diff(mine)))
    return float(mine[place]), float(mine[place + 1])
