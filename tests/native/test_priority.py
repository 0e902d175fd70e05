"""Threads that carry no orders, and what they leave to those that do."""

import os
import threading
from collections.abc import Callable
from typing import TypeVar

from pricetime.native.priority import avoid, lower_priority, other_cpus

T = TypeVar("T")


def in_a_thread(call: Callable[[], T]) -> T:
    """What a function returns in a new thread, whose priority and processors end with it."""
    found: list[T] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_avoids_the_processors_of_orders() -> None:
    mine = os.sched_getaffinity(0)
    first, *others = sorted(mine)

    def moved(cpus: set[int]) -> set[int]:
        avoid(cpus)
        return os.sched_getaffinity(threading.get_native_id())

    assert other_cpus([first]) == {*others}
    assert in_a_thread(lambda: moved({first})) == ({*others} or mine)
    assert in_a_thread(lambda: moved(mine)) == mine, "there are no others"
    assert os.sched_getaffinity(0) == mine


def test_a_thread_lowers_its_priority_and_never_raises_it() -> None:
    def lowered() -> list[int]:
        found = []
        for niceness in (15, 5):
            lower_priority(niceness)
            found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return found

    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert in_a_thread(lowered) == [max(before, 15)] * 2
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
