"""``pricetime demo --exchange``: the day on a server, which is killed in the middle and recovers, without loss."""

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

import click
import numpy as np
from numpy.typing import NDArray

from ..errors import PricetimeError
from ..exchange.settings.admin_socket import beside
from ..types import REPORT, ReportKind
from . import day as story
from .day import RANGE, UNIT
from .day_orders import MID
from .day_server import INSTRUMENT, ServerVenue

if TYPE_CHECKING:
    from ..client.subscriber import Subscriber
    from ..load.plan import Plan
    from ..load.server import ServerProcess

PRESET = "balanced"
CLIENTS = 4

#: Orders that are made and sent together, between two steps of the progress bar. The kill falls into one of these.
CHUNK = 1 << 14

#: Commands between two snapshots of the server, and bytes of a segment of its journal.
SNAPSHOT_EVERY, SEGMENT_BYTES = 200_000, 16 << 20

#: The feed tells this often what it has published, so that the day needs no longer pauses.
FEED_HEARTBEAT_MS = 10

#: The instrument of the day, whose call phases only the operator ends, and the one in which the clients send orders.
LOADED = 2
RULES = f"price_unit={UNIT},reference_price={MID},dynamic_range={RANGE},interruption_s=0"
INSTRUMENTS = (f"--instrument=id={INSTRUMENT},symbol=DAY,{RULES}", f"--instrument=id={LOADED},symbol=LOAD")

#: Free disk space that the journal needs. Measured: 89 MB at the default rate, 162 MB at 1 M orders/s.
NEEDED_BYTES = 200_000_000

#: How many of its newest reports each client requests again after the kill.
REMEMBERED = 4_000


class NoSpace(PricetimeError):
    """The folder for the journal has too little free space."""


class BooksDiffer(PricetimeError):
    """The books of the subscriber, of the exchange and of a replay of its log differ."""


class ReportsDiffer(PricetimeError):
    """After the kill a client received reports that differ from those before."""


@dataclass(frozen=True)
class Kill:
    """What happened to the reports and commands around the kill."""

    sent: int  #: commands
    received: int  #: reports that the clients had received before the kill
    repeated: int  #: of them, requested again after it: identical
    late: int  #: reports made before the kill and received after it
    lost: int  #: commands that did not reach the server and were sent again
    away_s: float  #: from the kill until the server accepted orders again


class Day:
    """A server with a journal in ``folder``, its clients and a subscriber. A context manager.

    If the start fails, it ends every process and thread that it started.
    """

    def __init__(self, folder: str, order_capacity: int = 1 << 20) -> None:
        self.folder = folder
        self.admin = beside(Path(folder))  #: socket of the operator
        self.order_capacity = order_capacity
        self.failure: str | None = None  #: why the server failed, as it logged; known at the end
        self.seconds = 0.0  #: in which ``driven`` commands were sent and answered, without those around the kill
        self.driven = 0
        self._began = self._due = 0.0
        self._running = ExitStack()

    def __enter__(self) -> Day:
        from ..load.following import Following
        from ..load.load import Load

        with ExitStack() as running:
            self.server = self._serve().__enter__()
            running.callback(self._end_server)
            server = self.server
            self.feed = running.enter_context(Following(server.group, server.feed_port, recovery=server.recovery))
            self.load = running.enter_context(Load(self.server.host, self.server.port, CLIENTS, keep=REMEMBERED))
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _end_server(self) -> None:
        """End the server that runs now; after the kill it is a new process."""
        self.server.__exit__(None, None, None)
        self.failure = self.server.failure

    def _serve(self) -> ServerProcess:
        from ..load.server import ServerProcess, lasting_port

        ports = ("--port", str(lasting_port()), "--recovery-port", str(lasting_port()))
        keep = ("--journal", self.folder, "--snapshot-every", str(SNAPSHOT_EVERY), "--no-cancel-on-disconnect")
        sizes = ("--segment-bytes", str(SEGMENT_BYTES), "--order-capacity", str(self.order_capacity), "--keep-segments")
        beats = ("--heartbeat-ms", "100", "--feed-heartbeat-ms", str(FEED_HEARTBEAT_MS))
        return ServerProcess("--open", "--stats-interval-ms", "0", *beats, *ports, *keep, *sizes, *INSTRUMENTS)

    def recent(self) -> dict[int, NDArray[np.void]]:
        """The newest reports of each client."""
        return {owner: account.reports()[-REMEMBERED:] for owner, account in self.load.accounts.items()}

    def drive(self, plan: Plan, rate: float) -> None:
        """Send a plan directly after the one before, without waiting for its answers."""
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
        """Send a plan, kill the server at a random moment, start it again, and let the clients resume."""
        from ..load.load import LoadFailed

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
        sent, received = load.sent, self._received()
        self.server.__exit__(None, None, None)
        self.server = self.server.again().__enter__()
        away_s = time.perf_counter() - killed_at
        repeated = self.request_again(self.recent())
        lost = load.resume(self.server.host, self.server.port)
        late = self._received() - received
        answered = {
            account.connection: account.answers - before[account.connection] for account in load.accounts.values()
        }
        load.send(plan.rest(answered), rate)
        load.wait_answered()
        return Kill(sent, received, repeated, late, lost, away_s)

    def _received(self) -> int:
        """Number of reports that the clients have received."""
        return sum(account.next_sequence - 1 for account in self.load.accounts.values())

    def request_again(self, recent: dict[int, NDArray[np.void]]) -> int:
        """Each client requests its newest reports again: how many. Raises ReportsDiffer."""
        from ..client.client import Client

        count = 0
        for owner, known in recent.items():
            if not len(known):
                continue
            first = int(known["seq_num"][0])
            with Client(self.server.host, self.server.port, owner=owner, keep_orders=True, resume_from=first) as client:
                again = np.zeros(0, REPORT)
                while len(again) < len(known) and len(more := client.read(client.timeout)):
                    again = np.concatenate([again, more])
            if again[: len(known)].tobytes() != known.tobytes():
                raise ReportsDiffer(
                    f"client {owner}: the reports from {first} on are not those that it received before the kill"
                )
            count += len(known)
        return count


def show_exchange(orders: int, rate: float, seed: int, order_capacity: int, directory: Path | None = None) -> None:
    """Start everything, send orders, print a table, and stop everything.

    The journal is in a new folder in ``directory`` (default: the folder for temporary files), which is removed at the
    end. Raises NoSpace before it starts anything, ServerFailed with the reason that the server logged, PricetimeError
    and OSError.
    """
    from ..load.server import ServerFailed

    directory = directory or Path(gettempdir())
    if (free := shutil.disk_usage(directory).free) < NEEDED_BYTES:
        raise NoSpace(
            f"the journal needs {NEEDED_BYTES / 1e6:.0f} MB, but {directory} has only {free / 1e6:.0f} MB free: "
            "give a folder with more space as --directory"
        )
    with TemporaryDirectory(prefix="pricetime-journal-", dir=directory) as folder:
        day = Day(folder, order_capacity)
        try:
            with day:
                run(day, orders, rate, seed)
        except (PricetimeError, OSError) as error:
            if day.failure is None or day.failure in str(error):
                raise
            raise ServerFailed(f"the server failed: {day.failure}") from error


def run(day: Day, orders: int, rate: float, seed: int) -> None:
    """Send orders, kill the server in the middle, and print a table."""
    from ..load.plan import make_plans
    from .progress import track

    first, plans = make_plans(PRESET, orders, CLIENTS, instrument=LOADED, seed=seed, chunk=CHUNK)
    middle = -(-orders // CHUNK) // 2
    day.feed.wait_whole()
    click.echo("A day at an exchange on this machine: a server, traders with sessions, and a subscriber to the feed.")
    with ServerVenue(day.server, day.admin) as venue:
        told = story.Day(venue, seed)
        told.morning()
    story.print_head(
        "12:00", f"{CLIENTS} clients send {orders:,} orders in a second instrument, and the server is killed"
    )
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
    story.print_text(
        f"The server was killed after {kill.sent:,} commands, started again from its journal, and accepted orders "
        f"{kill.away_s:.2f} s later. The clients sent the {kill.lost:,} commands again that had not reached it."
    )
    with ServerVenue(day.server, day.admin) as venue:
        told.afternoon(venue)
    stopped = day.server.stop()  # while the clients are connected
    day.feed.wait_whole(stopped["last_sequence"])
    with day.feed.locked() as subscriber:
        show(day, kill, recovered, subscriber, compared(subscriber, day.folder, stopped["digest"]))


def compared(subscriber: Subscriber, folder: str, digest: str) -> str:
    """The digest of the books of the exchange. Raises BooksDiffer if others have a different one."""
    own, replayed = f"{subscriber.digest():016x}", replayed_digest(folder)
    if own != digest:
        raise BooksDiffer(f"the subscriber's books have the digest {own}, the exchange's {digest}")
    if replayed != digest:
        raise BooksDiffer(f"a replay of the log has the digest {replayed}, the exchange {digest}")
    return digest


def replayed_digest(folder: str) -> str:
    """The digest of the books after a replay of the whole journal."""
    from ..log.directory import Directory
    from ..log.replay import Replay

    replay = Replay(Directory(Path(folder)))
    replay.run_to_end()
    return f"{replay.digest():016x}"


def show(day: Day, kill: Kill, recovered: dict[str, Any], subscriber: Subscriber, digest: str) -> None:
    """Print the table."""
    from .table import figures, print_titled

    load, seen = day.load, subscriber.statistics
    kinds = np.sum([account.kinds for account in load.accounts.values()], axis=0)
    table = figures(2)
    table.add_row("commands sent", f"{load.sent:,}", style="bold")
    table.add_row("  answered, each exactly once", f"{load.answers:,}")
    for name, kind in (
        ("accepted", ReportKind.ACCEPTED),
        ("replaced", ReportKind.REPLACED),
        ("reduced", ReportKind.REDUCED),
        ("cancelled", ReportKind.CANCELLED),
        ("rejected (the order was gone)", ReportKind.REJECTED),
    ):
        table.add_row(f"  {name}", f"{kinds[kind]:,}")
    table.add_row("  trades, reported to maker and taker", f"{kinds[ReportKind.TRADE] // 2:,}")
    table.add_section()
    table.add_row(f"server killed (SIGKILL) after {kill.sent:,} commands", "", style="bold")
    table.add_row("  seconds until it accepted orders again", f"{kill.away_s:.2f}")
    table.add_row("    of these, recovery from the journal", f"{recovered['seconds']:.3f}")
    table.add_row("    commands in the snapshot that it loaded", f"{recovered['snapshot'] or 0:,}")
    table.add_row("    commands replayed after the snapshot", f"{recovered['replayed']:,}")
    table.add_row("  reports that clients received before", f"{kill.received:,}")
    table.add_row("    requested again afterwards, identical", f"{kill.repeated:,}")
    table.add_row("    made before the kill, received after it", f"{kill.late:,}")
    table.add_row("  commands lost before the server, sent again", f"{kill.lost:,}")
    table.add_section()
    table.add_row("reports on the feed", f"{subscriber.seq_num:,}", style="bold")
    table.add_row("  missed by the subscriber, sent again", f"{seen.filled:,}")
    table.add_section()
    table.add_row("digest of the books of the exchange", digest, style="bold")
    table.add_row("  of the subscriber", digest)
    table.add_row("  of a replay of the whole log", digest)
    table.add_section()
    table.add_row("commands per second, from TCP to multicast", f"{day.driven / max(day.seconds, 1e-9):,.0f}")
    stats = day.server.last("stats")
    for name in ("p50", "p99"):
        table.add_row(f"  tick to trade {name}, us", f"{stats[f'tick_to_trade_{name}_ns'] / 1e3:,.1f}")
    click.echo()
    print_titled(f"an exchange on this machine: {CLIENTS} clients over TCP, a subscriber to the feed", table)
