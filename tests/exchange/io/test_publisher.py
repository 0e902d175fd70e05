"""The feed on its way out: how datagrams are filled, and what goes out when nothing does."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from pricetime.exchange.exchange import enable_segmentation_offload
from pricetime.exchange.io.faults import Faults
from pricetime.exchange.io.publisher import Publisher
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.feed_store import FeedStore
from pricetime.native.crc import linked_records
from pricetime.types import REPORT
from pricetime.wire.messages import FeedHeartbeat
from tests.exchange.harness import Feed

MS = 1_000_000
OFFSET_NS = 10**18
MTUS = [76, 100, 576, 1500, 9000, 65535]


class Station:
    """A store, its publisher, and who listens. The clock is the test's."""

    def __init__(self, mtu: int, offload: bool, capacity: int = 2**14, faults: Faults | None = None) -> None:
        self.feed = Feed()
        self.settings = GatewayConfig(mtu=mtu, feed_heartbeat_ms=100)
        self.per_datagram = self.settings.reports_per_datagram
        if offload and not enable_segmentation_offload(self.feed.sender, self.per_datagram * 48):
            self.feed.close()
            pytest.skip("this system does not cut datagrams")
        self.store = FeedStore(capacity, 123)
        self.now_ns = 5000 * MS
        self.publisher: Any = Publisher(
            self.store, self.feed.sender.fileno(), offload, self.settings, faults, OFFSET_NS
        )  # fmt: skip
        self.publisher.iterate(self.now_ns)
        assert len(self.feed.datagrams()) == 1  # the first heartbeat

    def write(self, count: int) -> None:
        made = np.zeros(count, REPORT)
        made["type"] = 16
        made["order_id"] = np.arange(self.store.next_sequence, self.store.next_sequence + count)
        self.store.extend(made)

    def iterate(self, after_ms: float = 0) -> list[bytes]:
        """One iteration after this time. Returns the datagrams that it sent."""
        self.now_ns += int(after_ms * MS)
        self.publisher.iterate(self.now_ns)
        return self.feed.datagrams()


@contextmanager
def station(mtu: int = 1500, offload: bool = False, **more: Any) -> Iterator[Station]:
    made = Station(mtu, offload, **more)
    try:
        yield made
    finally:
        made.feed.close()


def numbers(datagrams: list[bytes]) -> list[int]:
    reports = np.frombuffer(b"".join(datagrams), REPORT)
    assert set(reports["type"].tolist()) <= {16}
    assert np.array_equal(reports["order_id"], reports["seq_num"])
    found: list[int] = reports["seq_num"].tolist()
    return found


@pytest.mark.parametrize("offload", [False, True], ids=["sendmmsg", "offload"])
@pytest.mark.parametrize("mtu", MTUS)
def test_full_datagrams_and_one_with_the_rest(mtu: int, offload: bool) -> None:
    with station(mtu, offload) as here:
        full = here.per_datagram
        assert full == {76: 1, 100: 1, 576: 11, 1500: 30, 9000: 186, 65535: 1364}[mtu]
        done = 0
        for count in (1, full - 1, full, full + 1, 2 * full, 3 * full + full // 2, min(70 * full, 4000), 2):
            if not count:
                continue
            here.write(count)
            datagrams = here.iterate()
            sizes = [len(datagram) // 48 for datagram in datagrams]
            assert sizes == [full] * (count // full) + [count % full] * (count % full > 0)
            assert all(len(datagram) % 48 == 0 and len(datagram) <= mtu - 28 for datagram in datagrams)
            assert numbers(datagrams) == list(range(done + 1, done + count + 1))
            done += count
        assert here.publisher.unsent == 0


@pytest.mark.parametrize("offload", [False, True], ids=["sendmmsg", "offload"])
def test_few_calls_for_many_reports(offload: bool) -> None:
    with station(1500, offload) as here:
        here.write(4000)
        before = here.publisher.calls
        here.iterate()
        assert here.publisher.calls - before <= 4


@pytest.mark.parametrize("offload", [False, True], ids=["sendmmsg", "offload"])
def test_around_the_end_of_the_store(offload: bool) -> None:
    with station(576, offload, capacity=64) as here:
        done = 0
        for count in (40, 40, 1, 63, 64, 30, 17):
            here.write(count)
            datagrams = here.iterate()
            assert numbers(datagrams) == list(range(done + 1, done + count + 1))
            assert all(len(datagram) % 48 == 0 for datagram in datagrams)
            done += count


def test_an_iteration_without_reports_sends_nothing() -> None:
    with station() as here:
        here.write(3)
        assert len(here.iterate()) == 1
        calls = here.publisher.calls
        assert here.iterate() == here.iterate(50) == []
        assert here.publisher.calls == calls


def test_heartbeats() -> None:
    with station() as here:
        assert here.iterate(99.9) == []
        [datagram] = here.iterate(0.1)
        assert datagram == FeedHeartbeat(seq_num=1, epoch=123, timestamp=OFFSET_NS + here.now_ns).encode()
        assert len(datagram) == 48
        assert here.iterate(99) == []
        here.write(5)
        [sent] = here.iterate()
        [datagram] = here.iterate(1)
        heartbeat = FeedHeartbeat.decode(datagram)
        assert (heartbeat.seq_num, heartbeat.checksum) == (6, linked_records(0, sent, 48))
        assert here.iterate(99) == []


@pytest.mark.parametrize("offload", [False, True], ids=["sendmmsg", "offload"])
def test_under_load_a_heartbeat_comes_as_often_behind_the_reports_that_it_counts(offload: bool) -> None:
    with station(576, offload) as here:
        so_far, heartbeats = b"", []
        for _ in range(100):
            here.write(40)
            for datagram in here.iterate(30):
                if datagram[0] != FeedHeartbeat.TYPE:
                    so_far += datagram
                    continue
                heartbeats.append(FeedHeartbeat.decode(datagram))
                assert heartbeats[-1].seq_num == len(so_far) // 48 + 1
                assert heartbeats[-1].checksum == linked_records(0, so_far, 48)
        assert len(heartbeats) == 100 * 30 // 120, "one in every fourth turn of 30 ms, for an interval of 100 ms"


def test_what_is_held_back_goes_out_before_a_heartbeat() -> None:
    with station(faults=Faults(0, 0, 1, 1)) as made:  # every datagram goes out behind the next
        made.write(3)
        assert made.iterate(1) == []
        late, heartbeat = made.iterate(100)
        assert np.frombuffer(late, REPORT)["seq_num"].tolist() == [1, 2, 3]
        assert FeedHeartbeat.decode(heartbeat).seq_num == 4
        assert len(made.iterate(100)) == 1


def test_the_first_sign_of_life_comes_at_once() -> None:
    with station() as here:
        here.publisher = Publisher(here.store, here.feed.sender.fileno(), False, here.settings, None, 0)
        [datagram] = here.iterate()
        assert FeedHeartbeat.decode(datagram).seq_num == 1


def test_a_socket_without_room_is_waited_for() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far, station(576) as here:
        far.setblocking(False)
        here.publisher = Publisher(here.store, near.fileno(), False, here.settings, None, 0)
        here.write(4000)
        found: list[bytes] = []
        for _ in range(1000):
            here.publisher.iterate(here.now_ns)
            assert here.feed.datagrams() == []
            while True:
                try:
                    found.append(far.recv(1 << 16))
                except BlockingIOError:
                    break
        assert FeedHeartbeat.decode(found.pop()).seq_num == 4001
        assert numbers(found) == list(range(1, 4001))
        assert here.publisher.unsent == 0


def test_a_full_socket_does_not_stop_the_publisher() -> None:
    """What cannot be sent is left to the recovery server, before the store comes round."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far, station(576, capacity=1024) as here:
        here.publisher = Publisher(here.store, near.fileno(), False, here.settings, None, 0)
        for _ in range(100):
            here.write(100)
            here.publisher.iterate(here.now_ns)
        taken = 0
        far.setblocking(False)
        try:
            while True:
                taken += len(far.recv(1 << 16)) // 48
        except BlockingIOError:
            pass
        assert taken < 9000
        waiting = 10_000 - taken - here.publisher.unsent
        assert 0 < waiting < 512, "it lies in the half of the store that is kept for it"
        assert here.publisher.iterate(here.now_ns) > 0


@pytest.mark.parametrize("offload", [False, True], ids=["sendmmsg", "offload"])
def test_a_socket_that_refuses_is_counted_and_passed_over(offload: bool) -> None:
    with station(1500, offload) as here:
        here.feed.listener.close()  # no receiver: the system reports it at every second send
        for _ in range(20):
            here.write(10)
            here.publisher.iterate(here.now_ns)
        assert here.publisher.unsent > 0
        assert here.publisher.unsent % 10 == 0
        assert here.publisher.iterate(here.now_ns) == 0


def test_a_closed_socket_does_not_stop_the_publisher() -> None:
    with station() as here:
        here.publisher = Publisher(here.store, 1 << 20, False, here.settings, None, 0)
        here.write(1000)
        assert here.publisher.iterate(here.now_ns) == 1000
        assert here.publisher.unsent == 1000
