"""A real server and a subscriber whose histories differ: by a copied journal, by forged datagrams, by a second server.

The subscriber notices, recovers by itself, and ends WHOLE with the server's own books.
"""

import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pricetime import ASK, BID
from pricetime.client.client import Client
from pricetime.load.following import Following
from pricetime.load.server import ServerFailed, ServerProcess, lasting_port
from tests.client.test_forged import accepted, beat, misfit
from tests.end_to_end.test_bad_network import last_sequence
from tests.end_to_end.test_server import SMALL

pytestmark = pytest.mark.compiled

#: What a server logs when it hears a second publisher.
OTHER = "second publisher on the feed's group: subscribers cannot trust the feed"


@contextmanager
def trading(server: ServerProcess) -> Iterator[Client]:
    with Client(server.host, server.port, owner=1, keep_orders=True) as client:
        yield client


def place(server: ServerProcess, first: int, count: int, price: int = 100) -> None:
    """Orders that are acknowledged, one by one."""
    with trading(server) as client:
        for n in range(first, first + count):
            client.add_order(n, BID if n % 3 else ASK, price + (n % 3 == 0) + n % 7 * (-1 if n % 3 else 1), 5).result(
                30
            )


def following(server: ServerProcess) -> Following:
    return Following(server.group, server.feed_port, recovery=server.recovery)


def ends_right(server: ServerProcess, feed: Following) -> None:
    """Everything that the server has sent is in the books, and they are its own."""
    last = last_sequence(server)
    with feed.locked() as subscriber:  # what is wrong shows with the heartbeat behind it
        heartbeats = subscriber.statistics.heartbeats + 2
        while subscriber.statistics.heartbeats < heartbeats:
            assert subscriber.poll(30) >= 0
    feed.wait_whole()
    feed.wait_whole(last)
    stopped = server.stop()
    feed.wait_whole(stopped["last_sequence"])
    with feed.locked() as subscriber:
        assert f"{subscriber.digest():016x}" == stopped["digest"]
        assert subscriber.seq_num == stopped["last_sequence"]


def wait_diverged(feed: Following) -> None:
    with feed.locked() as subscriber:
        for _ in range(600):
            if subscriber.statistics.diverged:
                return
            subscriber.poll(0.1)
        raise AssertionError("it never found out")


# ---------------------------------------------------------------------- the copy of a journal


@pytest.mark.parametrize("more", [3, 40], ids=["behind the subscriber", "ahead of it"])
def test_a_server_goes_on_from_a_copy_of_its_journal(more: int, tmp_path: Path) -> None:
    """The last 20 orders are not in the copy: their numbers are used again, in the same epoch."""
    ports = ("--port", str(lasting_port()), "--recovery-port", str(lasting_port()))
    journal, copy = tmp_path / "journal", tmp_path / "copy"
    options = ("--open", "--segment-bytes", "65536", *SMALL, *ports)
    with ServerProcess(*options, "--journal", str(journal)) as server, following(server) as feed:
        place(server, 1, 50)
        shutil.copytree(journal, copy)
        place(server, 51, 20)
        feed.wait_whole(last_sequence(server))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(30)
        feed_port = ("--feed-port", str(server.feed_port))
        with ServerProcess(*options, *feed_port, "--journal", str(copy)) as again:
            assert again.last("serving")["epoch"] == server.last("serving")["epoch"]
            assert last_sequence(again) == 50
            place(again, 200, more, 300)
            wait_diverged(feed)
            with feed.locked() as subscriber:
                assert subscriber.statistics.epochs == 0
            ends_right(again, feed)


# ---------------------------------------------------------------------- forged datagrams


@contextmanager
def forger(server: ServerProcess) -> Iterator[Callable[[bytes], int]]:
    """Sends datagrams to the group of the feed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        made.connect((server.group, server.feed_port))
        yield made.send


FORGED: dict[str, Callable[[int], bytes]] = {
    "the next report": accepted,
    "the next report, which does not fit": misfit,
    "a report far ahead": lambda newest: accepted(newest + 2**40),
    "a later epoch": lambda newest: beat(newest, 2**63),
    "a heartbeat far ahead": lambda newest: beat(newest + 2**40),
    "a heartbeat far behind": lambda newest: beat(1),
}


def test_one_forged_datagram_costs_a_recovery_at_most() -> None:
    with (
        ServerProcess("--open", *SMALL) as server,
        following(server) as feed,
        forger(server) as send,
    ):
        place(server, 1, 30)
        feed.wait_whole(30)
        for kind, forge in enumerate(FORGED.values()):
            feed.wait_whole()
            for n in range(5):
                send(forge(last_sequence(server) + 1))
                place(server, 100 * kind + 31 + n, 1)
            place(server, 100 * kind + 50, 10)
            feed.wait_whole(30 + 15 * (kind + 1))
        ends_right(server, feed)


# ---------------------------------------------------------------------- a second server


def test_a_second_server_on_the_same_group_and_port_does_not_start() -> None:
    with ServerProcess("--open", *SMALL) as server:
        place(server, 1, 10)
        port = ("--feed-port", str(server.feed_port))
        with pytest.raises(ServerFailed, match=rf"feed_group: 127\.0\.0\.1:\d+ already sends to .*:{server.feed_port}"):
            ServerProcess("--open", *SMALL, *port, "--feed-listen-ms", "60000").__enter__()
        with following(server) as feed, ServerProcess("--open", *SMALL, *port, "--force") as second:
            error = server.wait_for(OTHER, 60)
            assert error["level"] == "error"
            assert error["addresses"]
            second.wait_for(OTHER, 60)
            second.stop()
            place(server, 100, 10)
            feed.wait_whole(20)
            ends_right(server, feed)
