"""Faults on purpose: as many as asked for, the same for the same seed, and every datagram accounted for."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from pricetime.exchange.io.faults import Faults
from pricetime.exchange.io.publisher import Publisher
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.feed_store import FeedStore
from pricetime.types import REPORT
from tests.exchange.harness import Feed

REPORTS = 4  # of a datagram; the store holds a whole number of these


class Network:
    """A publisher with faults, one datagram to a step."""

    def __init__(self, **rates: float) -> None:
        self.feed = Feed()
        self.faults: Any = Faults(rates.get("drop", 0), rates.get("duplicate", 0), rates.get("reorder", 0), 5)
        self.store = FeedStore(2**12, 1)
        settings = GatewayConfig(mtu=28 + 48 * REPORTS)
        self.publisher: Any = Publisher(self.store, self.feed.sender.fileno(), False, settings, self.faults, 0)
        self.publisher.iterate(1)
        assert len(self.feed.datagrams()) == 1  # the first heartbeat; there is no other at this time

    def send(self, datagrams: int) -> list[int]:
        """Send so many; which came, in their order, from 0 on."""
        found = []
        first = self.store.next_sequence
        for _ in range(datagrams):
            self.store.extend(np.zeros(REPORTS, REPORT))
            assert self.publisher.iterate(1) == REPORTS
            found += self.feed.datagrams()
        numbers = [np.frombuffer(datagram, REPORT)["seq_num"].tolist() for datagram in found]
        for whole in numbers:
            assert whole == list(range(whole[0], whole[0] + REPORTS))
        return [(whole[0] - first) // REPORTS for whole in numbers]


@contextmanager
def network(**rates: float) -> Iterator[Network]:
    made = Network(**rates)
    try:
        yield made
    finally:
        made.feed.close()


def counts(here: Network) -> tuple[int, int, int]:
    return here.faults.dropped, here.faults.duplicated, here.faults.reordered


def test_without_a_fault() -> None:
    with network() as here:
        assert here.send(500) == list(range(500))
        assert counts(here) == (0, 0, 0)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("fault", ["drop", "duplicate", "reorder"])
def test_as_many_as_asked_for(fault: str, rate: float) -> None:
    with network(**{fault: rate}) as here:
        came = here.send(4000)
        done = max(counts(here))
        assert sum(counts(here)) == done
        # One that is held back lets the next one pass: of those that could be, so many were.
        could_be = 4000 - done if fault == "reorder" else 4000
        deviation = (could_be * rate * (1 - rate)) ** 0.5
        assert abs(done - could_be * rate) < 5 * deviation
        if fault == "drop":
            assert len(came) == 4000 - done
            assert came == sorted(set(came))
        elif fault == "duplicate":
            assert Counter(Counter(came).values()) == {1: 4000 - done, 2: done}
            assert came == sorted(came)
        else:
            late = [n for n in range(1, len(came)) if came[n] < came[n - 1]]
            assert done - 1 <= len(late) <= done
            assert all(came[n] == came[n - 1] - 1 for n in late), "held back by more than one"
            assert sorted(came) == list(range(len(came)))


def test_all_of_them_together_and_every_datagram_accounted_for() -> None:
    with network(drop=0.1, duplicate=0.1, reorder=0.1) as here:
        came = here.send(4000)
        dropped, duplicated, reordered = counts(here)
        held = 4000 - dropped + duplicated - len(came)
        assert held in {0, 1}, "the last one may be held back still"
        assert len(set(came)) == 4000 - dropped - held
        assert max(Counter(came).values()) == 2
        assert min(dropped, duplicated, reordered) > 200


def test_the_extremes() -> None:
    with network(drop=1) as here:
        assert here.send(100) == []
        assert counts(here) == (100, 0, 0)
    with network(duplicate=1) as here:
        assert here.send(100) == [n // 2 for n in range(200)]
    with network(reorder=1) as here:
        assert here.send(100) == [n ^ 1 for n in range(100)]


def test_the_same_seed_the_same_faults() -> None:
    rates = {"drop": 0.2, "duplicate": 0.2, "reorder": 0.2}
    with network(**rates) as one, network(**rates) as other:
        assert one.send(1000) == other.send(1000)
        assert counts(one) == counts(other)
    with network(**rates) as one, network(**rates) as other:
        other.publisher = Publisher(
            other.store,
            other.feed.sender.fileno(),
            False,
            GatewayConfig(mtu=28 + 48 * REPORTS),
            Faults(0.2, 0.2, 0.2, 6),
            0,
        )
        other.publisher.iterate(1)
        other.feed.datagrams()
        assert one.send(1000) != other.send(1000)


def test_a_socket_without_room_is_no_fault() -> None:
    """A full local socket takes no more datagrams: the others are sent after it was read."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        far.setblocking(False)
        store = FeedStore(2**14, 1)
        faults: Any = Faults(0, 0, 0, 1)
        publisher: Any = Publisher(store, near.fileno(), False, GatewayConfig(mtu=28 + 48 * REPORTS), faults, 0)
        publisher.iterate(1)
        assert len(far.recv(1 << 16)) == 48  # the first heartbeat; there is no other at this time
        store.extend(np.zeros(4000, REPORT))
        numbers: list[int] = []
        for _ in range(10_000):
            publisher.iterate(1)
            try:
                while True:
                    numbers += np.frombuffer(far.recv(1 << 16), REPORT)["seq_num"].tolist()
            except BlockingIOError:
                pass
            if len(numbers) == 4000:
                break
        assert numbers == list(range(1, 4001))
        assert publisher.unsent == 0
