"""The lanes of the benchmark: everything that passes records between two threads or processes, ready to run."""

from __future__ import annotations

import multiprocessing
import queue
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pricetime.ring import Idle, Ring

from .books import clock_rate

T = TypeVar("T")

#: Slots, 256 KiB: both sides have room to run ahead, and the ring fits a core's cache.
CAPACITY = 4096

#: The Python message.
MESSAGE = b"x" * 60

#: Spins, then yields: for a thread that has a processor almost to itself.
IDLE = Idle("yield", spins=1000, pauses=1000)

#: Put one batch; get one and return how many messages it had.
Put: TypeAlias = Callable[[], object]
Get: TypeAlias = Callable[[], int]


class NativeLane:
    """Two threads without the GIL, which write and compare every word of every record."""

    between = "native threads"

    def __init__(self, name: str, *, blocking: bool) -> None:
        self.name, self.blocking = name, blocking

    def rate(self, batch: int, scale: float) -> float:
        """Return records a second, put and got ``batch`` at a time."""
        from . import ring_loops

        ring, count, wrong = Ring(CAPACITY, blocking=self.blocking), int(10_000_000 * scale), []
        consumer = threading.Thread(target=lambda: wrong.append(ring_loops.consume(ring, 0, count, batch, IDLE)))
        start = time.perf_counter()
        consumer.start()
        ring_loops.produce(ring, 0, count, batch, IDLE)
        consumer.join()
        taken = time.perf_counter() - start
        assert wrong == [0], "records were lost, doubled or torn"
        return count / taken

    def round_trips(self, scale: float) -> NDArray[np.float64]:
        """Return the ns of each round trip."""
        from . import ring_loops

        there, back = (Ring(64, blocking=self.blocking) for _ in range(2))
        count = int(200_000 * scale)
        echo = threading.Thread(target=ring_loops.echo, args=(there, back, count, IDLE))
        echo.start()
        ticks = ring_loops.ping(there, back, count, IDLE)
        echo.join()
        return ticks / clock_rate()


class PythonLane:
    """Two Python threads, or two processes, that only put and get messages.

    ``make`` returns what this end and the other put into and get from; ``ways`` the calls for a batch.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Any],
        ways: Callable[[Any, int], tuple[Put, Get]],
        *,
        processes: bool = False,
    ) -> None:
        self.name, self.make, self.ways, self.processes = name, make, ways, processes
        self.between = "Python processes" if processes else "Python threads"

    def rate(self, batch: int, scale: float) -> float:
        batches = int(100_000 * scale)

        def put_all(put: Put, get: Get) -> float:
            start = time.perf_counter()
            for _ in range(batches):
                put()
            get()  # the other end has all messages
            return time.perf_counter() - start

        return batches * batch / self.with_the_other_end(put_all, batch, batches, echoes=False)

    def round_trips(self, scale: float) -> NDArray[np.float64]:
        taken = np.empty(int(10_000 * scale))

        def ping(put: Put, get: Get) -> NDArray[np.float64]:
            for i in range(taken.size):
                start = time.perf_counter_ns()
                put()
                get()
                taken[i] = time.perf_counter_ns() - start
            return taken

        return self.with_the_other_end(ping, 1, taken.size, echoes=True)

    def with_the_other_end(self, work: Callable[[Put, Get], T], batch: int, batches: int, *, echoes: bool) -> T:
        """Start the other end; return the result of ``work`` at this one."""
        here, there = self.make()
        context: Any = multiprocessing.get_context("spawn")
        ready = context.Event() if self.processes else threading.Event()
        start = context.Process if self.processes else threading.Thread
        other = start(target=at_the_other_end, args=(*there, self.ways, batch, batches, echoes, ready))
        other.start()
        ready.wait()
        try:
            return work(self.ways(here[0], batch)[0], self.ways(here[1], batch)[1])
        finally:
            other.join()
            for end in here:
                getattr(end, "close", lambda: None)()


def at_the_other_end(
    into: Any,
    source: Any,
    ways: Callable[[Any, int], tuple[Put, Get]],
    batch: int,
    batches: int,
    echoes: bool,
    ready: Any,
) -> None:
    """Get all batches; put as many back, or one at the end."""
    put, get = ways(into, batch)[0], ways(source, batch)[1]
    ready.set()
    left = batches * batch
    while left > 0:
        left -= get()
        if echoes:
            put()
    if not echoes:
        put()
    del put, get  # they use the memory of a shared ring
    for end in (into, source):
        if isinstance(end, SharedRing):
            end.close()


# ---------------------------------------------------------------------- the two ends, and the calls for a batch


def two(make: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that makes one of these for each direction."""

    def ends() -> Any:
        there, back = make(), make()
        return (there, back), (back, there)

    return ends


def pipe() -> Any:
    here, there = multiprocessing.Pipe()
    return (here, here), (there, there)


class SharedRing:
    """A ring in shared memory. Its copy in a different process is attached to the same memory."""

    def __init__(self, name: str | None = None) -> None:
        self.made = name is None
        self.memory = SharedMemory(create=True, size=Ring.size(CAPACITY)) if self.made else SharedMemory(name)
        assert self.memory.buf is not None
        self.ring = Ring.create(self.memory.buf, CAPACITY) if self.made else Ring.attach(self.memory.buf)

    def __reduce__(self) -> Any:
        return SharedRing, (self.memory.name,)

    def close(self) -> None:
        del self.ring
        self.memory.close()
        if self.made:
            self.memory.unlink()


def ring_ways(ring: Ring | SharedRing, batch: int) -> tuple[Put, Get]:
    ring = ring.ring if isinstance(ring, SharedRing) else ring
    if batch == 1:
        return lambda: ring.put(MESSAGE), lambda: len((ring.get(),))
    messages = [MESSAGE] * batch
    return lambda: ring.put_many(messages), lambda: len(ring.get_many(batch))


def record_ways(ring: Ring, batch: int) -> tuple[Put, Get]:
    records = np.zeros(batch, "V64")
    return lambda: ring.put_records(records), lambda: len(ring.get_records(records.dtype, batch))


def queue_ways(between: Any, batch: int) -> tuple[Put, Get]:
    """A batch is a list, the fastest way for a queue."""
    if batch == 1:
        return lambda: between.put(MESSAGE), lambda: len((between.get(),))
    messages = [MESSAGE] * batch
    return lambda: between.put(messages), lambda: len(between.get())


def pipe_ways(end: Connection, batch: int) -> tuple[Put, Get]:
    """A batch is one send of adjacent messages."""
    messages = MESSAGE * batch
    return lambda: end.send_bytes(messages), lambda: len(end.recv_bytes()) // len(MESSAGE)


def lanes() -> list[NativeLane | PythonLane]:
    """Return all lanes. The compiled parts of the benchmarks must be ready."""
    return [
        NativeLane("ring", blocking=False),
        NativeLane("ring that blocks", blocking=True),
        PythonLane("Ring.put, .put_many", two(lambda: Ring(CAPACITY)), ring_ways),
        PythonLane("Ring.put_records", two(lambda: Ring(CAPACITY)), record_ways),
        PythonLane("queue.SimpleQueue", two(queue.SimpleQueue), queue_ways),
        PythonLane("queue.Queue", two(queue.Queue), queue_ways),
        PythonLane("Ring.put, .put_many", two(SharedRing), ring_ways, processes=True),
        PythonLane("multiprocessing.Pipe", pipe, pipe_ways, processes=True),
    ]
