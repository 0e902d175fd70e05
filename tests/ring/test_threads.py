"""Two threads: none of 100,000,000 records is lost, doubled or torn; waiting threads are woken at the end."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.build import ready
from pricetime import COMMAND
from pricetime.errors import RingBusy, RingClosed
from pricetime.ring import Idle, Ring

CAPACITIES = [2**n for n in range(1, 13)]
YIELD = Idle("yield")


@pytest.fixture(scope="module")
def loops() -> Any:
    ready()
    from benchmarks import ring_loops

    return ring_loops


def beside(work: Callable[[], Any]) -> Callable[[], Any]:
    """Start ``work`` in a thread; what is returned waits for it, and gives or raises what it did."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # raised again by who waits
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def wait() -> Any:
        thread.join()
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    return wait


def test_a_hundred_million_records(loops: Any) -> None:
    ring = Ring(4096, blocking=False)
    wrong = beside(lambda: loops.consume(ring, 0, 10**8, 16, YIELD))
    loops.produce(ring, 0, 10**8, 16, YIELD)
    assert wrong() == 0
    assert len(ring) == 0
    ring.check()


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", ""])
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_every_capacity(loops: Any, capacity: int, blocking: bool) -> None:
    """Batches of 1, 7 and the whole ring, on either side."""
    ring = Ring(capacity, blocking=blocking)
    count = 1000 * capacity if capacity < 64 else 100_000
    first = 0
    for put, got in ((1, 1), (7, 1), (1, 7), (7, capacity), (capacity, 7), (capacity, capacity)):
        wrong = beside(lambda first=first, got=got: loops.consume(ring, first, count, got, YIELD))  # type: ignore[misc]
        loops.produce(ring, first, count, put, YIELD)
        assert wrong() == 0
        ring.check()
        first += count


def test_what_is_wrong_is_counted(loops: Any) -> None:
    ring = Ring(16, blocking=False)
    loops.produce(ring, 100, 10, 1, YIELD)
    assert loops.consume(ring, 101, 10, 1, YIELD) == 10


@pytest.mark.parametrize("capacity", [2, 64, 1024])
def test_a_consumer_that_stalls(loops: Any, capacity: int) -> None:
    ring = Ring(capacity, blocking=False)
    wrong = beside(lambda: loops.consume(ring, 0, 40 * capacity, 8, YIELD, capacity, 1_000_000))
    loops.produce(ring, 0, 40 * capacity, 16, YIELD)
    assert wrong() == 0
    ring.check()


# ---------------------------------------------------------------------- from Python


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", ""])
@pytest.mark.parametrize("until", ["spin", "pause", "yield", "block"])
def test_messages_under_each_idle_strategy(until: Any, blocking: bool) -> None:
    ring = Ring(8, blocking=blocking, idle=Idle(until, spins=3, pauses=3, yields=3))

    def send() -> None:
        for i in range(3000):
            ring.put(b"%d" % i)
        ring.close()

    sent = beside(send)
    assert list(ring) == [b"%d" % i for i in range(3000)]
    sent()
    ring.check()


def test_batches_larger_than_the_ring() -> None:
    ring = Ring(4)
    sent = beside(lambda: ring.put_many([b"%d" % i for i in range(5000)]))
    got: list[bytes] = []
    while len(got) < 5000:
        got += ring.get_many(100)
    assert got == [b"%d" % i for i in range(5000)]
    assert sent() == 5000


def test_arrays_larger_than_the_ring() -> None:
    ring = Ring(64)
    made = np.zeros(10_000, COMMAND)
    made["order_id"] = np.arange(10_000)
    sent = beside(lambda: ring.put_records(made))
    got: list[Any] = []
    while sum(map(len, got)) < 10_000:
        got.append(ring.get_records(COMMAND, 100))
    assert np.concatenate(got).tobytes() == made.tobytes()
    assert sent() == 10_000


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", ""])
def test_no_wake_up_is_lost_at_once_a_sleeper(blocking: bool) -> None:
    """Each side sleeps at its first vain look, again and again; a lost wake-up would hang here."""
    there, back = (Ring(2, blocking=blocking, idle=Idle(spins=0, pauses=0, yields=0)) for _ in range(2))

    def echo() -> None:
        for message in there:
            back.put(message)

    echoed = beside(echo)
    for i in range(2000):
        there.put(b"%d" % i)
        assert back.get() == b"%d" % i
    there.close()
    echoed()


@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", ""])
def test_close_wakes_who_waits_to_get(blocking: bool) -> None:
    ring = Ring(2, blocking=blocking)
    got = beside(ring.get)
    time.sleep(0.02)
    ring.close()
    with pytest.raises(RingClosed):
        got()


def test_close_wakes_who_waits_to_put() -> None:
    ring = Ring(2)
    sent = beside(lambda: ring.put_many([b"1", b"2", b"3"]))
    while len(ring) < 2:
        time.sleep(0.001)
    time.sleep(0.02)
    ring.close()
    with pytest.raises(RingClosed):
        sent()
    assert list(ring) == [b"1", b"2"]


def test_two_threads_on_one_side() -> None:
    ring = Ring(2)
    got = beside(ring.get)
    busy = 0
    while not busy:  # until the other is inside
        try:
            assert ring.try_get() is None
        except RingBusy as error:
            assert "let one thread put and one get" in str(error)
            busy = 1
    ring.put(b"x")
    assert got() == b"x"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_signal_ends_the_wait() -> None:
    class Rang(Exception):
        pass

    def ring_bell(*_: object) -> None:
        raise Rang

    before = signal.signal(signal.SIGALRM, ring_bell)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Rang):
            Ring(2).get()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_other_threads_run_while_one_waits() -> None:
    ring = Ring(2, idle=Idle("spin"))
    got = beside(ring.get)
    total = sum(range(100_000))  # would never end if the one that spins kept the GIL
    ring.put(b"%d" % total)
    assert got() == b"%d" % total
