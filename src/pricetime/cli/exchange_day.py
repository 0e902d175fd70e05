"""``pricetime demo --exchange``: a server, four clients, a subscriber, and what became of the orders."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..errors import PricetimeError
from ..types import ReportKind

if TYPE_CHECKING:
    from ..feed.subscriber import Subscriber
    from ..measure.following import Following
    from ..measure.load import Load
    from ..measure.server import ServerProcess

PRESET = "balanced"
CLIENTS = 4

#: Orders that are made and sent in one go, between two steps of the progress bar.
CHUNK = 1 << 14


class BooksDiffer(PricetimeError):
    """The subscriber's books are not the exchange's."""


def show_exchange(orders: int, rate: float, seed: int) -> None:
    """Start it all, drive orders through, print a table. Nothing is left running. Raises PricetimeError and OSError."""
    from ..measure.load import Load
    from ..measure.plan import make_plans
    from ..measure.server import ServerProcess
    from .progress import track

    first, plans = make_plans(PRESET, orders, CLIENTS, seed=seed, chunk=CHUNK)
    options = ("--open", "--stats-interval-ms", "0")
    with ServerProcess(*options) as server, following(server) as feed:
        feed.wait_whole()
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
        feed.wait_whole(stopped["last_sequence"])
        with feed.asked() as subscriber:
            digest = f"{subscriber.digest():016x}"
        if digest != stopped["digest"]:
            raise BooksDiffer(f"the subscriber's books have the digest {digest}, the exchange's {stopped['digest']}")
        show(load, subscriber, server.last("stats"), orders / seconds, digest)


def following(server: ServerProcess) -> Following:
    """A subscriber to the feed of a server."""
    from ..measure.following import Following

    return Following(server.group, server.feed_port, recovery=server.recovery)


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
