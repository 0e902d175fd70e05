"""``pricetime demo --exchange``: clients, a subscriber, and a server that is killed in the middle: nothing is lost."""

from __future__ import annotations

import random
import shutil
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PricetimeError
from ..types import REPORT, ReportKind

if TYPE_CHECKING:
    from ..feed.subscriber import Subscriber
    from ..measure.following import Following
    from ..measure.plan import Plan
    from ..measure.server import ServerProcess

PRESET = "balanced"
CLIENTS = 4

#: Orders that are made and sent in one go, between two steps of the progress bar. The kill comes within one.
CHUNK = 1 << 14

#: Commands from one snapshot of the server to the next, and bytes of a segment of its journal.
SNAPSHOT_EVERY, SEGMENT_BYTES = 200_000, 16 << 20

#: Free space that the journal needs. Measured: 89 MB at the default rate, 162 MB at 1 M orders/s, of any number.
NEEDED_BYTES = 200_000_000

#: The newest reports of each client, which it asks for again after the kill.
REMEMBERED = 4_000


class NoSpace(PricetimeError):
    """The directory for the journal has too little free space."""


class BooksDiffer(PricetimeError):
    """The subscriber's books are not the exchange's."""


class ReportsDiffer(PricetimeError):
    """After the kill a client is told something else than before."""


@dataclass(frozen=True)
class Kill:
    """What became of a server that was killed, and of its clients."""

    sent: int  #: commands
    told: int  #: reports that the clients had
    told_again: int  #: of them, asked for once more: the same
    told_late: int  #: reports that were made before the kill and came after it
    lost: int  #: commands that had not reached the server: they were sent again
    away_s: float  #: from the kill until the server took orders again


class Day:
    """A server with a journal in ``folder``, its clients and a subscriber. A context manager.

    A start that fails, at any point, ends what it has started: no process and no thread is left.
    """

    def __init__(self, folder: str, order_capacity: int = 1 << 20) -> None:
        self.folder = folder
        self.order_capacity = order_capacity
        self.failure: str | None = None  #: why the server failed, in its own words: known at the end
        self.seconds = 0.0  #: in which ``driven`` commands were sent and answered: those around the kill do not count
        self.driven = 0
        self._began = self._due = 0.0
        self._running = ExitStack()

    def __enter__(self) -> Day:
        from ..measure.load import Load

        with ExitStack() as running:
            self.server = self._serve().__enter__()
            running.callback(self._end_server)
            self.feed = running.enter_context(following(self.server))
            self.load = running.enter_context(Load(self.server.host, self.server.port, CLIENTS, keep=REMEMBERED))
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _end_server(self) -> None:
        """End the one that runs by now: after a kill it is another one."""
        self.server.__exit__(None, None, None)
        self.failure = self.server.failure

    def _serve(self) -> ServerProcess:
        from ..measure.server import ServerProcess, lasting_port

        ports = ("--port", str(lasting_port()), "--recovery-port", str(lasting_port()))
        keep = ("--journal", self.folder, "--snapshot-every", str(SNAPSHOT_EVERY), "--no-cancel-on-disconnect")
        sizes = ("--segment-bytes", str(SEGMENT_BYTES), "--order-capacity", str(self.order_capacity))
        return ServerProcess("--open", "--stats-interval-ms", "0", "--heartbeat-ms", "100", *ports, *keep, *sizes)

    def recent(self) -> dict[int, NDArray[np.void]]:
        """What each client was told last."""
        return {owner: account.reports()[-REMEMBERED:] for owner, account in self.load.accounts.items()}

    def drive(self, plan: Plan, rate: float) -> None:
        """Send a plan: right behind the one before, whose answers are still under way."""
        if not self._began:
            self._began = self._due = time.perf_counter()
        self._due = self.load.send(plan, rate, self._due)
        self.driven += plan.count

    def settle(self) -> None:
        """Wait until everything is answered."""
        self.load.wait_answered()
        if self._began:
            self.seconds += time.perf_counter() - self._began
        self._began = 0.0

    def drive_and_kill(self, plan: Plan, rate: float) -> Kill:
        """Send a plan and kill the server somewhere in it; start it again, and let the clients go on."""
        from ..measure.load import LoadFailed

        self.settle()
        load = self.load
        before = {account.connection: account.answers for account in load.accounts.values()}
        moment = random.uniform(0.1, 0.9) * plan.count / rate
        kill = threading.Timer(moment, self.server.kill)
        kill.start()
        try:
            with suppress(LoadFailed):
                load.send(plan, rate)
                load.wait_answered()
            kill.join()
        finally:
            kill.cancel()
        killed_at = time.perf_counter()
        sent, told = load.sent, self._told()
        self.server.__exit__(None, None, None)
        self.server = self.server.again().__enter__()
        away_s = time.perf_counter() - killed_at
        told_again = self.ask_again(self.recent())
        lost = load.resume(self.server.host, self.server.port)
        late = self._told() - told
        answered = {
            account.connection: account.answers - before[account.connection] for account in load.accounts.values()
        }
        load.send(plan.rest(answered), rate)
        load.wait_answered()
        return Kill(sent, told, told_again, late, lost, away_s)

    def _told(self) -> int:
        """Reports that the clients have."""
        return sum(account.next_sequence - 1 for account in self.load.accounts.values())

    def ask_again(self, recent: dict[int, NDArray[np.void]]) -> int:
        """Every client asks for the last reports that it was told: how many they are. Raises ReportsDiffer."""
        from ..feed.client import Client

        count = 0
        for owner, known in recent.items():
            if not len(known):
                continue
            first = int(known["seq_num"][0])
            with Client(self.server.host, self.server.port, owner=owner, keep_orders=True, resume_from=first) as client:
                told = np.zeros(0, REPORT)
                while len(told) < len(known) and len(more := client.read(client.timeout)):
                    told = np.concatenate([told, more])
            if told[: len(known)].tobytes() != known.tobytes():
                raise ReportsDiffer(f"client {owner} was told something else before the kill, from report {first} on")
            count += len(known)
        return count


def show_exchange(orders: int, rate: float, seed: int, order_capacity: int, directory: Path | None = None) -> None:
    """Start it all, drive orders through, print a table. Nothing is left running.

    The journal goes into a new folder in ``directory``, by default in that for temporary files, and is removed at the
    end. Raises NoSpace before anything is started, ServerFailed with what the server itself said of its end,
    PricetimeError and OSError.
    """
    from ..measure.server import ServerFailed

    directory = directory or Path(gettempdir())
    check_space(directory)
    with TemporaryDirectory(prefix="pricetime-journal-", dir=directory) as folder:
        day = Day(folder, order_capacity)
        try:
            with day:
                run(day, orders, rate, seed)
        except (PricetimeError, OSError) as error:
            if day.failure is None or day.failure in str(error):
                raise
            raise ServerFailed(f"the server failed: {day.failure}") from error


def check_space(directory: Path) -> None:
    """Raises NoSpace when the journal of a demonstration may not fit."""
    free = shutil.disk_usage(directory).free
    if free < NEEDED_BYTES:
        raise NoSpace(
            f"the journal of the exchange needs {NEEDED_BYTES / 1e6:.0f} MB, and {directory} has {free / 1e6:.0f} MB "
            "free: name another directory with --directory"
        )


def run(day: Day, orders: int, rate: float, seed: int) -> None:
    """Drive orders through, with a kill in the middle, and print a table."""
    from ..measure.plan import make_plans
    from .progress import track

    first, plans = make_plans(PRESET, orders, CLIENTS, seed=seed, chunk=CHUNK)
    middle = -(-orders // CHUNK) // 2
    day.feed.wait_whole()
    day.load.send(first)
    day.load.wait_answered()
    with track("orders", orders) as done:
        for number, plan in enumerate(plans):
            if number == middle:
                kill = day.drive_and_kill(plan, rate)
            else:
                day.drive(plan, rate)
            done(plan.count)
        day.settle()
    recovered = day.server.last("recovered")
    stopped = day.server.stop()  # while the clients are there
    day.feed.wait_whole(stopped["last_sequence"])
    with day.feed.asked() as subscriber:
        show(day, kill, recovered, subscriber, compared(subscriber, stopped["digest"]))


def following(server: ServerProcess) -> Following:
    """A subscriber to the feed of a server."""
    from ..measure.following import Following

    return Following(server.group, server.feed_port, recovery=server.recovery)


def compared(subscriber: Subscriber, digest: str) -> str:
    """The digest of the subscriber's books, which must be the exchange's. Raises BooksDiffer."""
    own = f"{subscriber.digest():016x}"
    if own != digest:
        raise BooksDiffer(f"the subscriber's books have the digest {own}, the exchange's {digest}")
    return own


def show(day: Day, kill: Kill, recovered: dict[str, Any], subscriber: Subscriber, digest: str) -> None:
    """The table."""
    from .table import figures, print_titled

    load, seen = day.load, subscriber.statistics
    kinds = [sum(int(account.kinds[kind]) for account in load.accounts.values()) for kind in range(16)]
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
    table.add_row(f"killed with SIGKILL after {kill.sent:,} of them", "", style="bold")
    table.add_row("  until it took orders again, s", f"{kill.away_s:.2f}")
    table.add_row("    seconds of which it recovered from its journal", f"{recovered['seconds']:.3f}")
    table.add_row("    commands that were in the snapshot it began with", f"{recovered['snapshot'] or 0:,}")
    table.add_row("    commands after it that were run again", f"{recovered['replayed']:,}")
    table.add_row("  reports that the clients had been told", f"{kill.told:,}")
    table.add_row("    the last of them, asked for again: the same", f"{kill.told_again:,}")
    table.add_row("    made before the kill, told after it", f"{kill.told_late:,}")
    table.add_row("  lost on the way to the server, sent again", f"{kill.lost:,}")
    table.add_section()
    table.add_row("reports on the feed", f"{subscriber.seq_num:,}", style="bold")
    table.add_row("  missed by the subscriber at first, sent again", f"{seen.filled:,}")
    table.add_row("  its books are the exchange's", digest)
    table.add_section()
    table.add_row("orders/s, from TCP to multicast", f"{day.driven / max(day.seconds, 1e-9):,.0f}")
    stats = day.server.last("stats")
    for name in ("p50", "p99"):
        table.add_row(f"  tick to trade {name}, us", f"{stats[f'tick_to_trade_{name}_ns'] / 1e3:,.1f}")
    print_titled(f"an exchange on this machine: {CLIENTS} clients over TCP, a subscriber to the feed", table)
