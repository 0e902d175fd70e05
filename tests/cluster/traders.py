"""Clients that trade with a cluster while its nodes fail, and what they and the feed have seen."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.local_cluster import LocalCluster
from pricetime import ASK, BID, REPORT
from pricetime.client.client import Client
from pricetime.client.errors import CommandLost, ConnectionLost, NotAcknowledged
from pricetime.client.future import CommandFuture
from pricetime.client.subscriber import Subscriber
from pricetime.cluster.local import Place, wait_for
from pricetime.errors import ExchangeBusy
from pricetime.log.directory import Directory
from pricetime.log.reader import Reader
from pricetime.native.udp import join_feed
from pricetime.wire.messages import SnapshotHeader, SnapshotRequest
from tests.cluster.checker import (
    CANCEL,
    NEW,
    REPLACE,
    Array,
    Datagram,
    History,
    Identity,
    Trader,
    check,
    check_feed,
    check_journal,
    check_trader,
)

#: Of all owners, if the cluster wants secrets.
SECRET = bytes(range(32))

#: Most commands of a trader that wait for their answers.
MOST_WAITING = 1_000

#: So long an answer may take after the last failure, in seconds.
ANSWER_S = 60.0


class Trading:
    """A thread that sends orders, cancels and replaces of one owner, about ``rate`` a second, until ``finish``."""

    def __init__(self, addresses: Sequence[str], owner: int, rate: float = 200.0, seed: int = 0) -> None:
        self.seen = Trader(owner)
        self.arrivals: list[tuple[float, int]] = []  #: when reports came, and how many in all
        self.failure: BaseException | None = None
        self._random = random.Random(f"{owner} {seed}")
        self._pause_s = 1 / rate
        self._next_id = 1
        self._open: list[int] = []  # orders that may be cancelled or replaced, each once
        self._replaced: set[int] = set()
        self._waiting: dict[Identity, CommandFuture[Any]] = {}
        self._ending, self._closing = threading.Event(), threading.Event()
        self.answered = threading.Event()  #: all commands are answered, and no more are sent
        self.client = Client(
            addresses, owner=owner, secret=SECRET, keep_orders=True, resume_from=1, patience=120, resend=True
        )
        self._thread = threading.Thread(target=self._run, name=f"owner {owner}")
        self._thread.start()

    def finish(self) -> None:
        """Send no more, and wait for all answers. Reports about trades with other owners may still come."""
        self._ending.set()
        self.answered.wait()
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Log out. The thread ends."""
        self._ending.set()
        self._closing.set()
        if not self.answered.is_set():
            self.client.close()
        self._thread.join()

    def state(self) -> str:
        """What the trader has, and waits for."""
        active = "" if self.client.is_active else " not"
        return (
            f"owner {self.seen.owner}, which is{active} logged in, has {len(self.seen.reports)} reports and waits for "
            f"{len(self._waiting)} answers"
        )

    @property
    def last_arrival(self) -> float:
        """When the last report came; 0 before."""
        return self.arrivals[-1][0] if self.arrivals else 0.0

    def _run(self) -> None:
        try:
            due = time.monotonic()
            while not self._ending.is_set():
                if time.monotonic() >= due and len(self._waiting) < MOST_WAITING:
                    self._send()
                    due = max(due + self._pause_s, time.monotonic() - 0.1)
                self._take(max(0.001, due - time.monotonic()))
            until = time.monotonic() + ANSWER_S
            while self._waiting and time.monotonic() < until:
                self._take(0.05)
            check(not self._waiting, f"owner {self.seen.owner}: no answer to {[*self._waiting][:3]}")
            self.answered.set()
            while not self._closing.is_set():
                self._take(0.05)
        except BaseException as error:
            self.failure = error
        finally:
            self.answered.set()
            self.client.close()

    def _send(self) -> None:
        chance, number = self._random.random(), self._next_id
        price, quantity = 100 + self._random.randint(-3, 3), self._random.randint(1, 20)
        try:
            if self._open and chance < 0.2:
                number = self._open.pop(self._random.randrange(len(self._open)))
                identity = Identity(CANCEL, number, 0, 0)
                self._sending(identity, self.client.cancel_order(number))
            elif self._open and chance < 0.4:
                number = self._open.pop(self._random.randrange(len(self._open)))
                identity = Identity(REPLACE, number, price, quantity)
                self._sending(identity, self.client.replace_order(number, price, quantity))
            else:
                self._next_id += 1
                side = BID if self._random.random() < 0.5 else ASK
                identity = Identity(NEW, number, price, quantity)
                self._sending(identity, self.client.add_order(number, side, price, quantity))
                self._open.append(number)
                if len(self._open) > 50:
                    self._open.pop(0)
        except ConnectionLost:
            with contextlib.suppress(NotAcknowledged):
                self.client.wait_until_active(0.2)

    def _sending(self, identity: Identity, future: CommandFuture[Any]) -> None:
        """Note what was sent; the answer cannot be taken before, because this thread takes it."""
        self.seen.sent[identity] = time.time()
        self._waiting[identity] = future

    def _take(self, timeout_s: float) -> None:
        """Take reports and answers that have come."""
        with contextlib.suppress(ConnectionLost):
            reports = self.client.read(timeout_s)
            reports = reports[reports["seq_num"] != 0]  # without refusals: the futures have them
            if len(reports):
                data = reports.tobytes()
                size = REPORT.itemsize
                self.seen.reports += [data[at : at + size] for at in range(0, len(data), size)]
                self.arrivals.append((time.time(), len(self.seen.reports)))
        for identity in [identity for identity, future in self._waiting.items() if future.done()]:
            error = self._waiting.pop(identity).exception(0)
            if isinstance(error, (CommandLost, ConnectionLost)):
                raise error
            if isinstance(error, ExchangeBusy):
                self.seen.refused.add(identity)
            else:  # executed, or rejected by the books: both are in the history
                self.seen.acknowledged[identity] = time.time()


class Recorder:
    """A thread that keeps every datagram of the feed."""

    def __init__(self, group: str, port: int, interface: str = "127.0.0.1") -> None:
        self.datagrams: list[Datagram] = []
        self._socket = join_feed(group, port, interface)
        self._wake, self._wakes = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="recorder")
        self._thread.start()

    def close(self) -> None:
        self._wakes.send(b"x")
        self._thread.join()
        for each in (self._socket, self._wake, self._wakes):
            each.close()

    def _run(self) -> None:
        poll = select.poll()
        for each in (self._socket, self._wake):
            poll.register(each, select.POLLIN)
        while True:
            if self._wake.fileno() in dict(poll.poll()):
                return
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, source = self._socket.recvfrom(1 << 16)
                    self.datagrams.append(Datagram(time.time(), source, data))


class Following:
    """A thread with a subscriber."""

    def __init__(self, group: str, port: int, recovery: Sequence[str], interface: str = "127.0.0.1") -> None:
        self.failure: BaseException | None = None
        self.subscriber = Subscriber(group, port, recovery=list(recovery), interface=interface)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="subscriber")
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self.subscriber.poll(0.05)
        except BaseException as error:
            self.failure = error

    def finish(self, last: int) -> int:
        """Follow to a report of the feed: the digest of the books."""
        self._ending.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure
        subscriber = self.subscriber
        check(subscriber.wait_until(last, ANSWER_S), f"the subscriber has report {subscriber.seq_num}, not {last}")
        check(subscriber.wait_whole(ANSWER_S), f"the subscriber is {subscriber.state}")
        return subscriber.digest()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self.subscriber.close()


class Day:
    """Traders, a subscriber and a recorder at a cluster. ``check`` ends the trading and compares everything."""

    def __init__(
        self, cluster: LocalCluster, owners: int = 3, rate: float = 100.0, interface: str = "127.0.0.1"
    ) -> None:
        self.cluster = cluster
        self.recorder = Recorder(*cluster.feed, cluster.interface)
        self.following = Following(*cluster.feed, cluster.recovery, cluster.interface)
        self.trading = [Trading(cluster.addresses, owner, rate) for owner in range(1, owners + 1)]
        self.history: History | None = None

    def wait_answers(self, count: int = 20, timeout_s: float = ANSWER_S) -> None:
        """Wait until each trader has received so many more reports."""
        before = [len(one.seen.reports) for one in self.trading]

        def found() -> bool | None:
            self.cluster.check_running()
            for one in self.trading:
                if one.failure is not None:
                    raise one.failure
            enough = all(len(one.seen.reports) >= had + count for one, had in zip(self.trading, before, strict=True))
            return enough or None

        wait_for(found, timeout_s, "the traders get no answers", self.state)

    def state(self) -> str:
        """What is known of the traders and of the cluster."""
        return f"{[one.state() for one in self.trading]}, {self.cluster.status()}"

    def check(self) -> History:
        """End the trading, and compare all that was seen with the history that survived."""
        for one in self.trading:
            one.finish()
        self.cluster.wait_equal()
        self.history = history = History.of(self.cluster.messages())
        for one in self.trading:
            count = len(history.streams[one.seen.owner])
            until = time.monotonic() + 10.0
            while len(one.seen.reports) < count and time.monotonic() < until:  # then the check says what is missing
                time.sleep(0.02)
            check_trader(history, one.seen)
        digest = self.following.finish(len(history.feed))
        check(digest == history.digest, "the books of the subscriber differ from the history")
        for place, address in zip(self.cluster.places, self.cluster.recovery, strict=True):
            if place in self.cluster.processes:
                check(digest_at(address) == history.digest, f"the books of node {place.node} differ from the history")
        check_feed(history, self.recorder.datagrams)
        for place in [*self.cluster.processes]:
            code = self.cluster.terminate(place)
            check(code == 0, f"node {place.node} ended with {code}")
        for place in self.cluster.places:
            check_journal(history, commands_of(self.cluster, place), f"the journal of {place.node}")
        return history

    def close(self) -> None:
        """End all threads."""
        for one in self.trading:
            one.close()
        self.following.close()
        self.recorder.close()


@contextmanager
def day(cluster: LocalCluster, **settings: Any) -> Iterator[Day]:
    """A ``Day`` that is closed at the end. Its threads end sooner if the cluster ends."""
    made = Day(cluster, **settings)
    try:
        yield made
    finally:
        made.close()


def commands_of(cluster: LocalCluster, place: Place) -> Array:
    """All commands of a node's journal."""
    batches = [batch.commands for batch in Reader(Directory(cluster.journal_of(place))).batches()]
    return np.concatenate(batches)


def digest_at(address: str) -> int:
    """The digest of the books that a recovery server has now."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(SnapshotRequest().encode())
        data = b""
        while len(data) < SnapshotHeader.SIZE:
            more = connection.recv(1 << 16)
            check(more, f"the recovery server at {address} gives no snapshot")
            data += more
    return int(SnapshotHeader.decode(data[: SnapshotHeader.SIZE]).digest)
