"""The exchange of ``pricetime demo --exchange``: a server, four clients, a subscriber, and what became of the orders."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import PricetimeError
from ..types import ReportKind

if TYPE_CHECKING:
    from ..feed.subscriber import Subscriber
    from ..measure.load import Load
    from ..measure.server import ServerProcess

PRESET = "balanced"
CLIENTS = 4

#: Orders that are made and sent in one go, between two steps of the progress bar.
CHUNK = 1 << 14

#: How long the subscriber may need to have everything.
PATIENCE_S = 20.0


class BooksDiffer(PricetimeError):
    """The subscriber's books are not the exchange's."""


def show_exchange(orders: int, rate: float, seed: int) -> None:
    """Start it all, drive orders through, print a table. Nothing is left running. Raises PricetimeError and OSError."""
    from ..measure.load import Load
    from ..measure.plan import make_plans
    from ..measure.server import ServerProcess
    from .progress import track

    first, plans = make_plans(PRESET, orders, CLIENTS, seed=seed, chunk=CHUNK)
    options = ("--open", "--feed-port", str(free_port()), "--stats-interval-ms", "0")
    with ServerProcess(*options) as server, followed(server) as subscriber:
        with Load(server.host, server.port, CLIENTS) as load, track("orders", orders) as done:
            load.send(first)
            load.wait_answered()
            began = at = time.perf_counter()
            for plan in plans:
                at = load.send(plan, rate, at)
                done(plan.count)
            load.wait_answered()
            seconds = time.perf_counter() - began
            stopped = server.stop()  # while the clients are there, so that their orders are
        wait_for(subscriber, stopped["last_sequence"])
        digest = f"{subscriber.digest():016x}"
        if digest != stopped["digest"]:
            raise BooksDiffer(f"the subscriber's books have the digest {digest}, the exchange's {stopped['digest']}")
        show(load, subscriber, server.last("stats"), orders / seconds, digest)


def show(load: Load, subscriber: Subscriber, stats: dict[str, Any], rate: float, digest: str) -> None:
    """The table."""
    from .show import figures, print_titled

    kinds = [sum(int(account.kinds[kind]) for account in load.accounts.values()) for kind in range(16)]
    seen = subscriber.statistics
    table = figures(2)
    table.add_row("orders, cancels, changes sent", f"{load.sent:,}", style="bold")
    table.add_row("  each answered, once", f"{load.answers:,}")
    for name, kind in (
        ("accepted", ReportKind.ACCEPTED),
        ("replaced", ReportKind.REPLACED),
        ("reduced", ReportKind.REDUCED),
        ("cancelled", ReportKind.CANCELLED),
        ("rejected (their order was gone)", ReportKind.REJECTED),
    ):
        table.add_row(f"  {name}", f"{kinds[kind]:,}")
    table.add_row("  trades, told to maker and taker", f"{kinds[ReportKind.TRADE] // 2:,}")
    table.add_section()
    table.add_row("reports on the feed", f"{subscriber.seq_num:,}", style="bold")
    table.add_row("  missed by the subscriber", f"{seen.gaps:,}")
    table.add_row("  its books are the exchange's", digest)
    table.add_section()
    table.add_row("orders/s, from TCP to multicast", f"{rate:,.0f}")
    for name in ("p50", "p99"):
        table.add_row(f"  tick to trade {name}, us", f"{stats[f'tick_to_trade_{name}_ns'] / 1e3:,.1f}")
    print_titled(f"an exchange on this machine: {len(load.accounts)} clients over TCP, a subscriber to the feed", table)


@contextmanager
def followed(server: ServerProcess) -> Iterator[Subscriber]:
    """A subscriber that follows the feed in a thread of its own."""
    from ..feed.subscriber import Subscriber

    with Subscriber(server.group, server.feed_port, recovery=server.recovery) as subscriber:
        ended = threading.Event()
        thread = threading.Thread(target=follow, args=(subscriber, ended), name="pricetime-subscriber")
        thread.start()
        try:
            wait_for(subscriber, 0)
            yield subscriber
        finally:
            ended.set()
            thread.join()


def follow(subscriber: Subscriber, ended: threading.Event) -> None:
    while not ended.is_set():
        subscriber.poll(0.05)


def wait_for(subscriber: Subscriber, seq_num: int) -> None:
    """Until its books are whole and have this report. Raises BooksDiffer."""
    deadline = time.monotonic() + PATIENCE_S
    while subscriber.state.name != "WHOLE" or subscriber.seq_num < seq_num:
        if time.monotonic() > deadline:
            raise BooksDiffer(f"the subscriber has report {subscriber.seq_num} of {seq_num}, {subscriber.state.name}")
        time.sleep(0.01)


def free_port() -> int:
    """A UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
