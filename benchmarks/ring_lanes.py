"""The lanes of the benchmark: everything that passes records between two threads or processes, ready to run."""

from __future__ import annotations

import multiprocessing
import queue
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pricetime.ring import Idle, Ring

#: Slots, 256 KiB: both sides have room to run ahead, and the ring fits a core's cache.
CAPACITY = 4096

#: The Python message.
MESSAGE = b"x" * 60

#: Spins, then yields: for a thread that has a processor almost to itself.
IDLE = Idle("yield", spins=1000, pauses=1000)


class Lane(Protocol):
    name: str
    between: str  #: kind of its two ends

    def rate(self, batch: int, scale: float) -> float:
        """Return records a second, put and got ``batch`` at a time."""

    def round_trips(self, scale: float) -> NDArray[np.float64]:
        """Return the ns of each round trip."""


class Beside:
    """Run ``work`` in a thread during the block; its result is in ``outcome`` at the end."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.outcome: Any = None
        self.work = work
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        self.outcome = self.work()

    def __enter__(self) -> Beside:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join()


class NativeLane:
    """Two threads without the GIL, which write and compare every word of every record."""

    between = "native threads"

    def __init__(self, name: str, make: Callable[[int], Any], suffix: str = "", records: int = 10_000_000) -> None:
        self.name, self.make, self.suffix, self.records = name, make, suffix, records

    def rate(self, batch: int, scale: float) -> float:
        from . import ring_loops

        produce, consume = getattr(ring_loops, f"produce{self.suffix}"), getattr(ring_loops, f"consume{self.suffix}")
        ring, count = self.make(CAPACITY), int(self.records * scale)
        consume_beside = Beside(lambda: consume(ring, 0, count, batch, IDLE))
        start = time.perf_counter()
        with consume_beside:
            produce(ring, 0, count, batch, IDLE)
        taken = time.perf_counter() - start
        assert consume_beside.outcome == 0, "records were lost, doubled or torn"
        return count / taken

    def round_trips(self, scale: float) -> NDArray[np.float64]:
        from . import ring_loops
        from .lanes import clock_rate

        there, back, count = self.make(64), self.make(64), int(200_000 * scale)
        with Beside(lambda: ring_loops.echo(there, back, count, IDLE)):
            ticks = ring_loops.ping(there, back, count, IDLE)
        return ticks / clock_rate()


class PythonLane:
    """Two Python threads that only put and get messages; ``ways`` returns the calls for a batch."""

    between = "Python threads"

    def __init__(self, name: str, make: Callable[[], Any], ways: Callable[[Any, int], tuple[Any, Any]]) -> None:
        self.name, self.make, self.ways = name, make, ways

    def rate(self, batch: int, scale: float) -> float:
        put, get = self.ways(self.make(), batch)
        batches = int(200_000 * scale)

        def receive() -> None:
            left = batches * batch
            while left > 0:
                left -= get()

        start = time.perf_counter()
        with Beside(receive):
            for _ in range(batches):
                put()
        return batches * batch / (time.perf_counter() - start)

    def round_trips(self, scale: float) -> NDArray[np.float64]:
        put_there, get_there = self.ways(self.make(), 1)
        put_back, get_back = self.ways(self.make(), 1)
        count = int(10_000 * scale)

        def echo() -> None:
            for _ in range(count):
                get_there()
                put_back()

        with Beside(echo):
            return time_each(lambda: (put_there(), get_back()), count)


class ProcessLane:
    """Two processes. ``make`` creates this end, ``attach`` the other one from it; ``ways`` returns the calls."""

    between = "Python processes"

    def __init__(
        self,
        name: str,
        make: Callable[[], Any],
        attach: Callable[[Any], Any] | None,
        ways: Callable[[Any, int], tuple[Any, Any]],
    ) -> None:
        self.name, self.make, self.attach, self.ways = name, make, attach, ways

    def rate(self, batch: int, scale: float) -> float:
        batches = int(100_000 * scale)
        with Other(self, batch, batches, echoes=False) as other:
            return batches * batch / self._seconds(other.end, batch, batches)

    def _seconds(self, end: Any, batch: int, batches: int) -> float:
        put, get = self.ways(end, batch)
        start = time.perf_counter()
        for _ in range(batches):
            put()
        get()  # the other end has all messages
        return time.perf_counter() - start

    def round_trips(self, scale: float) -> NDArray[np.float64]:
        count = int(10_000 * scale)
        with Other(self, 1, count, echoes=True) as other:
            return self._each_ns(other.end, count)

    def _each_ns(self, end: Any, count: int) -> NDArray[np.float64]:
        put, get = self.ways(end, 1)
        return time_each(lambda: (put(), get()), count)


class Other:
    """Start the process at the other end; yield it when ready, with this end of the connection."""

    def __init__(self, lane: ProcessLane, batch: int, batches: int, echoes: bool) -> None:
        self.end = lane.make()
        context = multiprocessing.get_context("spawn")
        self.ready = context.Event()
        arguments = (lane.attach, lane.ways, self.end.for_the_other, batch, batches, echoes, self.ready)
        self.process = context.Process(target=at_the_other_end, args=arguments)

    def __enter__(self) -> Other:
        self.process.start()
        self.ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.join()
        self.end.close()


def at_the_other_end(attach: Any, ways: Any, end: Any, batch: int, batches: int, echoes: bool, ready: Any) -> None:
    """Get all batches; put as many back, or one at the end."""
    end = attach(end) if attach else end
    put, get = ways(end, batch)
    ready.set()
    left = batches * batch
    while left > 0:
        left -= get()
        if echoes:
            put()
    if not echoes:
        put()
    del put, get
    end.close()


def time_each(work: Callable[[], object], count: int) -> NDArray[np.float64]:
    taken = np.empty(count)
    for i in range(count):
        start = time.perf_counter_ns()
        work()
        taken[i] = time.perf_counter_ns() - start
    return taken


# ---------------------------------------------------------------------- the calls for a batch, by lane


def ring_ways(ring: Ring, batch: int) -> tuple[Any, Any]:
    if batch == 1:
        return lambda: ring.put(MESSAGE), lambda: len((ring.get(),))
    messages = [MESSAGE] * batch
    return lambda: ring.put_many(messages), lambda: len(ring.get_many(batch))


def record_ways(ring: Ring, batch: int) -> tuple[Any, Any]:
    records = np.zeros(batch, "V64")
    return lambda: ring.put_records(records), lambda: len(ring.get_records(records.dtype, batch))


def queue_ways(between: Any, batch: int) -> tuple[Any, Any]:
    """A batch is a list, the fastest way for a queue."""
    if batch == 1:
        return lambda: between.put(MESSAGE), lambda: len((between.get(),))
    messages = [MESSAGE] * batch
    return lambda: between.put(messages), lambda: len(between.get())


class Pipe:
    """Return both ends of a pipe."""

    def __init__(self) -> None:
        self.end, self.for_the_other = multiprocessing.Pipe()

    def close(self) -> None:
        self.end.close()
        self.for_the_other.close()


def pipe_ways(ends: Pipe | Connection, batch: int) -> tuple[Any, Any]:
    """A batch is one send of adjacent messages."""
    end = ends.end if isinstance(ends, Pipe) else ends
    messages = MESSAGE * batch
    return lambda: end.send_bytes(messages), lambda: len(end.recv_bytes()) // len(MESSAGE)


class SharedRings:
    """Make a ring for each direction in shared memory."""

    def __init__(self) -> None:
        self.memories = [SharedMemory(create=True, size=Ring.size(CAPACITY)) for _ in range(2)]
        self.rings = [Ring.create(buffer(memory), CAPACITY) for memory in self.memories]
        self.for_the_other = [memory.name for memory in self.memories]

    def close(self) -> None:
        self.rings.clear()
        for memory in self.memories:
            memory.close()
            memory.unlink()


class AttachedRings:
    """Attach to the rings at the other end."""

    def __init__(self, names: list[str]) -> None:
        self.memories = [SharedMemory(name) for name in names]
        self.rings = [Ring.attach(buffer(memory)) for memory in self.memories]

    def close(self) -> None:
        self.rings.clear()
        for memory in self.memories:
            memory.close()


def buffer(memory: SharedMemory) -> memoryview:
    assert memory.buf is not None
    return memory.buf


def shared_ways(ends: SharedRings | AttachedRings, batch: int) -> tuple[Any, Any]:
    here = isinstance(ends, SharedRings)
    there, back = ends.rings if here else ends.rings[::-1]
    return ring_ways(there, batch)[0], ring_ways(back, batch)[1]


def lanes() -> list[Lane]:
    """Return all lanes. The compiled parts of the benchmarks must be ready."""
    from .alternatives.mutex_ring import MutexRing

    return [
        NativeLane("ring, in place", lambda capacity: Ring(capacity, blocking=False), "_in_place"),
        NativeLane("ring, by its calls", lambda capacity: Ring(capacity, blocking=False)),
        NativeLane("ring that blocks", Ring, records=5_000_000),
        NativeLane("mutex ring", MutexRing, records=1_000_000),
        PythonLane("Ring.put, .put_many", lambda: Ring(CAPACITY), ring_ways),
        PythonLane("Ring.put_records", lambda: Ring(CAPACITY), record_ways),
        PythonLane("queue.SimpleQueue", queue.SimpleQueue, queue_ways),
        PythonLane("queue.Queue", queue.Queue, queue_ways),
        ProcessLane("Ring.put, .put_many", SharedRings, AttachedRings, shared_ways),
        ProcessLane("multiprocessing.Pipe", Pipe, None, pipe_ways),
    ]
